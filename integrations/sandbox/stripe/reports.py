"""Reports over the ledger: the rows of the two that a bookkeeper asks for, as CSV.

Columns, dates and the decimal sums follow docs.stripe.com/reports/report-types.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from integrations.sandbox.stripe import objects
from integrations.sandbox.stripe.money import exponent
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World

LEDGER_COLUMNS = (
    "balance_transaction_id",
    "created_utc",
    "created",
    "available_on_utc",
    "available_on",
    "currency",
    "gross",
    "fee",
    "net",
    "reporting_category",
    "source_id",
    "description",
    "customer_facing_amount",
    "customer_facing_currency",
)
PAYOUT_COLUMNS = ("automatic_payout_id", "automatic_payout_effective_at")
EXTRA_COLUMNS = ("charge_id", "payment_intent_id", "payment_method_type", "card_brand", "card_country", "trace_id")
METADATA_COLUMNS = ("payment_metadata", "refund_metadata")

SUMMARY_COLUMNS = ("category", "description", "net_amount", "currency")

TYPES = {
    "balance.summary.1": ("Balance summary", SUMMARY_COLUMNS),
    "balance_change_from_activity.itemized.3": ("Itemized balance change from activity", LEDGER_COLUMNS),
    "payout_reconciliation.itemized.5": ("Itemized payout reconciliation", PAYOUT_COLUMNS + LEDGER_COLUMNS),
}
NOT_ACTIVITY = {"payout", "payout_reversal"}


def knows(report_type: str, column: str) -> bool:
    """Tell whether a report has a column; `payment_metadata[order]` is one for each key."""
    if report_type == "balance.summary.1":
        return column in SUMMARY_COLUMNS
    name, bracket, _key = column.partition("[")
    known = {*PAYOUT_COLUMNS, *LEDGER_COLUMNS, *EXTRA_COLUMNS}
    return name in METADATA_COLUMNS if bracket else name in known


def finish(world: World, run: Thing) -> None:
    """Write the report's file, and say that it is there."""
    now = world.store.now()
    _name, columns = TYPES[run["report_type"]]
    rows = _summary(world, run) if columns == SUMMARY_COLUMNS else _rows(world, run)
    text = _csv(run["parameters"].get("columns") or columns, rows)
    file = world.store.add(objects.csv_file(f"{run['id']}.csv", text, now=now, url=world.url))
    shown = {key: value for key, value in file.items() if not key.startswith("_")}
    world.store.save(run, status="succeeded", succeeded_at=now, result=shown)
    world.emit("reporting.report_run.succeeded", run)


def _csv(columns: Iterable[str], rows: Iterable[Callable[[str], str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row(column) for column in columns] for row in rows)
    return text.getvalue()


def _rows(world: World, run: Thing) -> list[Callable[[str], str]]:
    asked = run["parameters"]
    lines = [line for line in reversed(world.store.all("balance_transaction")) if _is_asked(line, asked)]
    if run["report_type"].startswith("payout"):
        lines = [line for line in lines if line["_payout"] and line["reporting_category"] not in NOT_ACTIVITY]
    return [partial(_cell, _facts(world, line)) for line in lines]


def _summary(world: World, run: Thing) -> list[Callable[[str], str]]:
    """Return what the balance was, what came, what was paid out, and what it is, for each currency."""
    start, end = run["parameters"]["interval_start"], run["parameters"]["interval_end"]
    lines = [line for line in world.store.all("balance_transaction") if line["created"] < end]
    asked = run["parameters"].get("currency")
    currencies = [asked] if asked else sorted({line["currency"] for line in lines})
    return [row for currency in currencies for row in _sums(lines, currency, start)]


def _sums(lines: list[Thing], currency: str, start: int) -> Iterator[Callable[[str], str]]:
    own = [line for line in lines if line["currency"] == currency]
    inside = [line for line in own if line["created"] >= start]
    payouts = [line for line in inside if line["reporting_category"] in NOT_ACTIVITY]
    activity = [line for line in inside if line not in payouts]
    for category, description, chosen in (
        ("starting_balance", "Starting balance", [line for line in own if line["created"] < start]),
        ("activity", "Balance change from activity", activity),
        ("payouts", "Total payouts", payouts),
        ("ending_balance", "Ending balance", own),
    ):
        total = {"currency": currency, "net": sum(line["net"] for line in chosen)}
        amount = _decimal({"line": total}, "net")
        row = {"category": category, "description": description, "net_amount": amount, "currency": currency}
        yield row.__getitem__


def _is_asked(line: Thing, asked: Thing) -> bool:
    return bool(
        asked.get("interval_start", 0) <= line["created"] < asked.get("interval_end", 2**40)
        and asked.get("currency", line["currency"]) == line["currency"]
        and asked.get("reporting_category", line["reporting_category"]) == line["reporting_category"]
        and asked.get("payout", line["_payout"]) == line["_payout"]
    )


def _facts(world: World, line: Thing) -> dict[str, Any]:
    source = world.store.find(line["source"]) or {}
    charge = source if source.get("object") == "charge" else world.store.find(source.get("charge") or "") or {}
    intent = world.store.find(charge.get("payment_intent") or "") or {}
    payout = world.store.find(line["_payout"] or "") or {}
    return {"line": line, "source": source, "charge": charge, "intent": intent, "payout": payout}


def _cell(facts: dict[str, Any], column: str) -> str:
    name, _bracket, key = column.partition("[")
    if name in METADATA_COLUMNS:
        owner = facts["intent"] if name == "payment_metadata" else facts["source"]
        return str((owner.get("metadata") or {}).get(key.rstrip("]"), ""))
    value = CELLS[name](facts)
    return "" if value is None else str(value)


def _moment(seconds: int | None) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}" if seconds else ""


def _decimal(facts: dict[str, Any], field: str) -> str:
    line, decimals = facts["line"], exponent(facts["line"]["currency"])
    whole, part = divmod(abs(line[field]), 10**decimals)
    return ("-" if line[field] < 0 else "") + str(whole) + (f".{part:0{decimals}d}" if decimals else "")


def _card(facts: dict[str, Any], field: str) -> Any:
    return ((facts["charge"].get("payment_method_details") or {}).get("card") or {}).get(field)


CELLS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "automatic_payout_id": lambda facts: facts["payout"].get("id"),
    "automatic_payout_effective_at": lambda facts: _moment(facts["payout"].get("arrival_date")),
    "balance_transaction_id": lambda facts: facts["line"]["id"],
    "created_utc": lambda facts: _moment(facts["line"]["created"]),
    "created": lambda facts: _moment(facts["line"]["created"]),
    "available_on_utc": lambda facts: _moment(facts["line"]["available_on"]),
    "available_on": lambda facts: _moment(facts["line"]["available_on"]),
    "currency": lambda facts: facts["line"]["currency"],
    "gross": partial(_decimal, field="amount"),
    "fee": partial(_decimal, field="fee"),
    "net": partial(_decimal, field="net"),
    "reporting_category": lambda facts: facts["line"]["reporting_category"],
    "source_id": lambda facts: facts["line"]["source"],
    "description": lambda facts: facts["line"]["description"],
    "customer_facing_amount": partial(_decimal, field="amount"),
    "customer_facing_currency": lambda facts: facts["line"]["currency"],
    "charge_id": lambda facts: facts["charge"].get("id"),
    "payment_intent_id": lambda facts: facts["charge"].get("payment_intent"),
    "payment_method_type": lambda facts: (facts["charge"].get("payment_method_details") or {}).get("type"),
    "card_brand": partial(_card, field="brand"),
    "card_country": partial(_card, field="country"),
    "trace_id": lambda facts: (facts["payout"].get("trace_id") or {}).get("value"),
}
