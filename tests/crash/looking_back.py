"""Looking back: what became of every order, asked of the shop, of Stripe, of the provider and of the mailbox."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import requests
from sqlalchemy import func, select

from shop.library.models import Entitlement, Submission
from shop.orders.models import Order, OrderLine
from shop.orders.payments import Payment
from shop.reconciliation import cases, ledgers
from shop.work import WorkRow, WorkState
from shop.worker import rounds
from tests.crash.yard import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from shop.reconciliation.findings import Outcome
    from tests.crash.yard import Yard

RESENT_WITHOUT_CAUSE = "an ebook or a mail was sent again though no killed worker had lost an answer"


@dataclass(frozen=True, slots=True)
class Account:
    """What there is when all is quiet.

    Attributes:
        granted: Copies of an ebook delivered, by ourselves or by the provider.
        billed: How often the provider bills each (order number, SKU); `owed` is how often it should.
        unanswered: Submissions that never got an answer.
        resent: Submissions made although an earlier one had got no answer.
        repeats: Orders that the provider recognised as repeats.
        taken_over: Rows of work that one worker began and another, or its successor, did.
        mails: Rows of mail work by state.
        letters: Copies in the mailbox by Message-ID.
    """

    orders: int
    paid: int
    payments: int
    ebook_lines: int
    granted: int
    owed: Counter[tuple[str, str]]
    billed: Counter[tuple[str, str]]
    unanswered: int
    resent: int
    repeats: int
    taken_over: int
    mails: Counter[str]
    letters: Counter[str]
    reconciled: Outcome

    @property
    def doubled_letters(self) -> int:
        """Copies of a letter beyond the first."""
        return self.letters.total() - len(self.letters)

    def broken(self, orders: int, worker_kills: int) -> list[str]:
        """Every promise that was not kept to this many readers, while workers were killed this often."""
        return list(self._broken(orders, worker_kills))

    def _broken(self, orders: int, worker_kills: int) -> Iterator[str]:
        if not self.orders == self.paid == self.payments == orders:
            yield f"{orders} readers paid; {self.orders} orders, {self.paid} paid, {self.payments} payments"
        if self.granted != self.ebook_lines:
            yield f"{self.granted} ebooks were granted of {self.ebook_lines}"
        if self.billed != self.owed:
            yield f"the provider's books differ: {self.billed - self.owed} too many, {self.owed - self.billed} missing"
        # A worker does one thing at a time: when it is killed it can leave one answer unheard, and no more.
        if max(self.repeats, self.resent) + self.doubled_letters > worker_kills:
            yield RESENT_WITHOUT_CAUSE
        if self.mails != {WorkState.DONE: orders + self.ebook_lines}:
            yield f"mails: {dict(self.mails)}, where {orders + self.ebook_lines} should be done"
        if len(self.letters) != orders + self.ebook_lines:
            yield f"{len(self.letters)} letters arrived of {orders + self.ebook_lines}"
        for finding in self.reconciled.findings:
            yield f"{finding.code} {finding.order}: {finding.detail}"
        if (self.reconciled.agreed["payments"], self.reconciled.agreed["grants"]) != (orders, self.ebook_lines):
            yield f"agreed are only {self.reconciled.agreed}"

    def __str__(self) -> str:
        return (
            f"{self.orders} orders, {self.ebook_lines} ebooks, {self.owed.total()} of them from the provider; "
            f"{self.unanswered} answers lost, {self.resent} sent again, {self.repeats} repeats at the provider; "
            f"{self.taken_over} rows taken over; "
            f"{self.mails.total()} mails, {self.letters.total()} letters, {self.doubled_letters} beyond one"
        )


def wait_until_quiet(yard: Yard, orders: int, seconds: float) -> None:
    """Wait until every order is paid and no work that follows from one is left."""
    wait_until(partial(_is_quiet, yard, orders), "every order paid and every row of work done", seconds)


def look_back(yard: Yard) -> Account:
    """Fetch Stripe's ledger, import the provider's statement, reconcile, and count."""
    shop = yard.shop
    statement = requests.get(yard.address("glassboxx") + "/_sandbox/statement.csv", timeout=30).text
    with shop.db.writing() as session:
        report = ledgers.import_statement(session, "glassboxx", "statement.csv", statement, shop.now)
    assert report.problems == []
    ledgers.fetch_now(shop)
    with shop.db.reading() as session:
        facts = _facts(session)
    return Account(
        **facts,
        billed=Counter((row["order_number"], row["sku"]) for row in csv.DictReader(io.StringIO(statement))),
        repeats=sum(row["repeats"] for row in listed(yard, "glassboxx", "orders")),
        letters=Counter(letter["message_id"] for letter in listed(yard, "mailbox", "messages")),
        reconciled=cases.reconcile(shop),
    )


def resent(yard: Yard) -> int:
    """How often an ebook has been sent for again after an answer that did not come."""
    with yard.shop.db.reading() as session:
        return _count(session, Submission.id, Submission.may_be_doubled)


def listed(yard: Yard, sandbox: str, what: str) -> list[dict[str, Any]]:
    """What a sandbox tells of its orders, messages or objects."""
    answer = requests.get(f"{yard.address(sandbox)}/_sandbox/{what}", timeout=30)
    answer.raise_for_status()
    told = answer.json()
    found: list[dict[str, Any]] = told["data"] if isinstance(told, dict) else told
    return found


def _is_quiet(yard: Yard, orders: int) -> bool:
    yard.assert_all_run()
    to_do = WorkRow.state.in_([WorkState.READY, WorkState.RUNNING])
    with yard.shop.db.reading() as session:
        paid = _count(session, Order.id, Order.paid_at.is_not(None))
        left = _count(session, WorkRow.id, to_do, WorkRow.kind.not_in(rounds(yard.shop.settings)))
    return paid >= orders and left == 0


def _facts(session: Session) -> dict[str, Any]:
    bought = select(Order.number, OrderLine.sku).join(OrderLine.order).where(Order.paid_at.is_not(None))
    mails = select(WorkRow.state).where(WorkRow.kind.startswith("mail."))
    return {
        "orders": _count(session, Order.id),
        "paid": _count(session, Order.id, Order.paid_at.is_not(None)),
        "payments": _count(session, Payment.id),
        "ebook_lines": _count(session, OrderLine.id, OrderLine.is_digital),
        "granted": _count(session, Entitlement.id, Entitlement.fulfilled_at.is_not(None)),
        "owed": Counter(
            (number, sku) for number, sku in session.execute(bought.where(OrderLine.fulfiller == "glassboxx"))
        ),
        "unanswered": _count(session, Submission.id, Submission.answered_at.is_(None)),
        "resent": _count(session, Submission.id, Submission.may_be_doubled),
        "taken_over": _count(session, WorkRow.id, WorkRow.attempts > 1),
        "mails": Counter(session.scalars(mails)),
    }


def _count(session: Session, column: Any, *conditions: Any) -> int:
    return session.scalar(select(func.count(column)).where(*conditions)) or 0
