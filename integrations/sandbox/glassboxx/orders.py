"""Order lines: which are taken, which are repeats, what the reader then owns and the vendor is billed for."""

import csv
import io
import re
from datetime import date
from typing import TYPE_CHECKING, Any

from integrations.sandbox.glassboxx import messages
from integrations.sandbox.glassboxx.accounts import identity
from integrations.sandbox.glassboxx.messages import RefusalError
from integrations.sandbox.glassboxx.store import now_text

if TYPE_CHECKING:
    from integrations.sandbox.glassboxx.accounts import Accounts
    from integrations.sandbox.glassboxx.skus import Skus
    from integrations.sandbox.glassboxx.store import Store
    from integrations.sandbox.glassboxx.switches import Switchboard

Line = dict[str, str]
"""One order line, its fields named as in `FIELDS`."""

FIELDS = (
    "currency_code",
    "sku",
    "created_at",
    "discount_amount",
    "original_order_number",
    "email",
    "first_name",
    "last_name",
    "vendor_id",
    "price_incl_tax",
)
STATEMENT_COLUMNS = (
    "statement_line",
    "order_number",
    "sku",
    "email",
    "created_at",
    "currency",
    "price_incl_tax",
    "discount_amount",
    "received_at",
)
CURRENCY = re.compile(r"[A-Z]{3}")
AMOUNT = re.compile(r"\d+\.\d{2}|0")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Orders:
    """The provider's books: every accepted line is a row, and every row is billed."""

    def __init__(
        self, store: "Store", switches: "Switchboard", skus: "Skus", accounts: "Accounts", vendor_id: str
    ) -> None:
        self._store = store
        self._switches = switches
        self._skus = skus
        self._accounts = accounts
        self._vendor_id = vendor_id

    def accept(self, line: Line, dialect: str) -> None:
        """Take one line, or treat it as the repeat it is.

        Raises:
            RefusalError: a field is missing or wrong, the SKU may not be sold, or nobody has this address.
        """
        self._refuse_incomplete(line)
        repeated = self._find_same(line)
        if self._must_look_at_sku(repeated):
            self._refuse_unsellable(line)
        self._refuse_stranger(line)
        if repeated and self._is_no_order(repeated):
            return
        self._write(line, dialect, duplicate=repeated is not None)

    def all(self) -> list[dict[str, Any]]:
        """Return every accepted line, oldest first; `repeats` counts calls that were taken as no-ops."""
        rows = self._store.rows("select * from order_line order by id")
        return [described(row) for row in rows]

    def books_of(self, email: str) -> list[dict[str, Any]]:
        """Return what the reader's app shows under MY BOOKS: each SKU once, however often it was billed."""
        return [
            {**book, "readable": book["state"] == "enabled"}
            for book in self._store.rows(
                "select line.sku, coalesce(sku.title, '') as title, coalesce(sku.state, 'unknown') as state,"
                " min(line.received_at) as added_at from order_line as line left join sku using (sku)"
                " where identity = ? group by line.sku order by min(line.id)",
                identity(email),
            )
        ]

    def statement(self) -> str:
        """Return the statement as CSV: one row per billed line."""
        sheet = io.StringIO()
        writer = csv.writer(sheet, lineterminator="\n")
        writer.writerow(STATEMENT_COLUMNS)
        writer.writerows(billed(row) for row in self._store.rows("select * from order_line order by id"))
        return sheet.getvalue()

    def _refuse_incomplete(self, line: Line) -> None:
        for field in self._required_fields():
            if not line.get(field, "").strip():
                raise RefusalError(messages.ELEMENT_FIELD_REQUIRED.format(field=field))
        if self._switches["field_check"] == "strict":
            refuse_misspelt(line)

    def _required_fields(self) -> list[str]:
        optional = {"price_incl_tax"} if self._switches["price_incl_tax"] == "optional" else set()
        return [field for field in FIELDS if field not in optional]

    def _find_same(self, line: Line) -> dict[str, Any] | None:
        query = "select * from order_line where original_order_number = ? and sku = ?"
        key = [line["original_order_number"], line["sku"]]
        if self._switches["duplicate_key"] == "order_sku_email":
            query += " and identity = ?"
            key.append(identity(line["email"]))
        return self._store.find_row(query + " order by id", *key)

    def _must_look_at_sku(self, repeated: dict[str, Any] | None) -> bool:
        return repeated is None or self._switches["duplicate_check"] == "after_sku"

    def _refuse_unsellable(self, line: Line) -> None:
        if line["vendor_id"] != self._vendor_id:
            raise RefusalError(messages.OTHER_VENDOR)
        self._skus.refuse_unless_sellable(line["sku"])

    def _refuse_stranger(self, line: Line) -> None:
        if self._accounts.exists(line["email"]):
            return
        if self._switches["order_before_account"] == "error":
            raise RefusalError(messages.NO_ACCOUNT)
        self._accounts.create(line)

    def _is_no_order(self, repeated: dict[str, Any]) -> bool:
        policy = self._switches["duplicate_order"]
        if policy == "error":
            raise RefusalError(messages.REPEATED_ORDER)
        if policy == "ignore":
            self._store.run("update order_line set repeats = repeats + 1 where id = ?", repeated["id"])
        return policy == "ignore"

    def _write(self, line: Line, dialect: str, *, duplicate: bool) -> None:
        facts = {field: line.get(field, "") for field in FIELDS} | {
            "identity": identity(line["email"]),
            "email": line["email"].strip(),
            "dialect": dialect,
            "duplicate": duplicate,
            "received_at": now_text(),
        }
        columns, marks = ", ".join(facts), ", ".join("?" * len(facts))
        self._store.run(f"insert into order_line ({columns}) values ({marks})", *facts.values())


def refuse_misspelt(line: Line) -> None:
    """Refuse a currency, amount or day that is not written as documented.

    Raises:
        RefusalError: naming the field; the vendor publishes no text for this.
    """
    well_written = {
        "currency_code": CURRENCY.fullmatch(line["currency_code"]),
        "discount_amount": AMOUNT.fullmatch(line["discount_amount"]),
        "price_incl_tax": AMOUNT.fullmatch(line.get("price_incl_tax") or "0"),
        "created_at": is_day(line["created_at"]),
    }
    for field, well in well_written.items():
        if not well:
            raise RefusalError(messages.FIELD_INVALID.format(field=field))


def is_day(text: str) -> bool:
    """Tell whether the text is a day of the calendar, written CCYY-MM-DD."""
    try:
        return DAY.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def statement_line(row: dict[str, Any]) -> str:
    """Return the number by which the provider's statement knows an accepted line."""
    return f"GBX-{row['id']:06d}"


def billed(row: dict[str, Any]) -> list[str]:
    """Return an accepted line as a row of the statement."""
    return [
        statement_line(row),
        row["original_order_number"],
        row["sku"],
        row["email"],
        row["created_at"],
        row["currency_code"],
        row["price_incl_tax"],
        row["discount_amount"],
        row["received_at"],
    ]


def described(row: dict[str, Any]) -> dict[str, Any]:
    """Return an accepted line for people and tests to look at."""
    shown = {name: value for name, value in row.items() if name not in ("id", "identity")}
    return {"statement_line": statement_line(row)} | shown | {"duplicate": bool(row["duplicate"])}
