"""The Stripe sandbox's money: payouts by the day and by hand, and the reports a bookkeeper reads."""

import csv
import io
from typing import Any

import pytest
import requests
import stripe

from tests.integrations.stripe_sandbox import KEY, Sandbox, order, sandbox_time, until


@pytest.fixture
def paid_out_daily(sandbox: Sandbox) -> Any:
    """The sandbox pays out each midnight while a test runs; nothing is left over from before."""
    sandbox.tell("clock", days=3)
    sandbox.tell("payout")
    sandbox.tell("settings", daily_payouts=True)
    sandbox.tell("clock", days=1)
    yield
    sandbox.tell("settings", daily_payouts=False)


def test_each_midnight_pays_out_what_has_become_available(sandbox: Sandbox, paid_out_daily: None) -> None:
    start = sandbox_time(sandbox)
    sandbox.pay("4000 0082 6000 0000")
    sandbox.tell("clock", days=1)
    sandbox.pay("4000 0082 6000 0000")
    sandbox.tell("clock", days=5)
    payouts = sandbox.api.payouts.list({"created": {"gte": start}}).data
    assert [one.amount for one in payouts] == [7400 - 131] * 2
    assert payouts[0].created // 86400 - payouts[1].created // 86400 == 1


def test_a_balance_below_nothing_waits_for_the_next_payout(sandbox: Sandbox, paid_out_daily: None) -> None:
    start = sandbox_time(sandbox)
    intent = str(sandbox.pay("4000 0082 6000 0000").payment_intent)
    sandbox.tell("clock", days=3)
    sandbox.api.refunds.create({"payment_intent": intent})
    sandbox.tell("clock", days=2)
    assert len(sandbox.api.payouts.list({"created": {"gte": start}}).data) == 1
    sandbox.pay("4000 0082 6000 0000", line_items=order()["line_items"] * 2)
    sandbox.tell("clock", days=4)
    newest = sandbox.api.payouts.list({"limit": 1}).data[0]
    assert newest.amount == 2 * 7400 - 242 - 7400


@pytest.mark.guess
def test_a_payout_by_hand_can_be_taken_back_until_the_bank_has_it(sandbox: Sandbox) -> None:
    sandbox.pay("4000 0000 0000 0077")
    wish: Any = {"amount": 100, "currency": "gbp", "metadata": {"a": "1"}}
    kept, taken_back = (sandbox.api.payouts.create(wish) for _ in range(2))
    before = _available(sandbox)
    assert sandbox.api.payouts.cancel(taken_back.id).status == "canceled"
    assert _available(sandbox) == before + 100
    sandbox.tell("clock", seconds=6)
    assert sandbox.api.payouts.retrieve(kept.id).status == "paid"
    with pytest.raises(stripe.InvalidRequestError, match="paid"):
        sandbox.api.payouts.cancel(kept.id)
    with pytest.raises(stripe.InvalidRequestError, match="automatic"):
        sandbox.api.balance_transactions.list({"payout": kept.id})


def _available(sandbox: Sandbox) -> int:
    return sum(one.amount for one in sandbox.api.balance.retrieve().available if one.currency == "gbp")


def a_report(sandbox: Sandbox, report_type: str, start: int, **parameters: Any) -> list[dict[str, str]]:
    """Ask for a report since a time, wait for it, and read its file."""
    interval = {"interval_start": start, "interval_end": sandbox_time(sandbox) + 1}
    wish: Any = {"report_type": report_type, "parameters": {**interval, **parameters}}
    run = sandbox.api.reporting.report_runs.create(wish)
    sandbox.tell("clock", seconds=2)
    done: Any = until(lambda: _finished(sandbox, run.id))
    file = sandbox.api.files.retrieve(done.result.id)
    assert requests.get(str(file.url), timeout=5).status_code == 401, "the file wants the secret key as well"
    text = requests.get(str(file.url), auth=(KEY, ""), timeout=5).text
    return list(csv.DictReader(io.StringIO(text)))


def _finished(sandbox: Sandbox, run: str) -> Any:
    found = sandbox.api.reporting.report_runs.retrieve(run)
    return found if found.status == "succeeded" else None


def test_a_payout_report_names_the_order_of_each_line(sandbox: Sandbox) -> None:
    sandbox.tell("clock", days=3)
    sandbox.tell("payout")
    start = sandbox_time(sandbox)
    sandbox.pay("4000 0000 0000 0077", payment_intent_data={"metadata": {"order": "order-7"}})
    (payout,) = sandbox.tell("payout")["payouts"]
    columns = ["automatic_payout_id", "gross", "fee", "net", "reporting_category", "payment_metadata[order]"]
    rows = a_report(sandbox, "payout_reconciliation.itemized.5", start, columns=columns)
    assert rows == [
        {
            "automatic_payout_id": payout["id"],
            "gross": "74.00",
            "fee": "2.61",
            "net": "71.39",
            "reporting_category": "charge",
            "payment_metadata[order]": "order-7",
        }
    ]


def test_a_summary_explains_how_the_balance_came_about(sandbox: Sandbox) -> None:
    sandbox.tell("clock", seconds=2)
    start = sandbox_time(sandbox)
    sandbox.pay("4000 0000 0000 0077")
    rows = a_report(sandbox, "balance.summary.1", start, currency="gbp")
    sums = {row["category"]: float(row["net_amount"]) for row in rows}
    assert sums["activity"] == 71.39
    assert sums["ending_balance"] == pytest.approx(sums["starting_balance"] + sums["activity"] + sums["payouts"])


def test_a_report_that_does_not_exist_or_has_no_such_column_is_refused(sandbox: Sandbox) -> None:
    interval = {"interval_start": 1, "interval_end": 2}
    for report_type, columns in (("ledger.1", ["net"]), ("balance.summary.1", ["net"])):
        wish: Any = {"report_type": report_type, "parameters": {**interval, "columns": columns}}
        with pytest.raises(stripe.InvalidRequestError):
            sandbox.api.reporting.report_runs.create(wish)
    assert {one.id for one in sandbox.api.reporting.report_types.list().data} >= {"balance.summary.1"}
