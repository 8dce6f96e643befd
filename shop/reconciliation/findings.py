"""Findings: every disagreement between the ledgers, by name, and a count of what agrees. Pure.

Each order line and each ledger line ends in exactly one of three places: matched, explained, or a finding.
The sum of what is listed in a payout plus a labelled remainder is the payout; the remainder is zero or a
finding of its own. The same input gives the same output.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EXPLAINED = {"fee", "network_cost", "tax", "payout", "payout_reversal", "topup", "topup_reversal"}
"""Reporting categories that belong to nobody's order: Stripe's own invoice and the way to the bank tell of them."""

NAMED = {"dispute": "DISPUTE", "dispute_reversal": "DISPUTE_WON", "refund_failure": "REFUND_FAILED"}

EBOOK_LATE = timedelta(minutes=15)
STRIPE_LATE = timedelta(hours=1)
DESPATCH_LATE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class PaymentFact:
    """A payment of ours. Amounts here and below are in minor units."""

    reference: str
    charge: str | None
    order: str
    minor: int
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RefundFact:
    """A refund of ours."""

    id: int
    reference: str | None
    order: str
    minor: int
    currency: str
    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class EbookFact:
    """A paid ebook line; `provider` is who delivers it, None for ourselves."""

    line: int
    order: str
    sku: str
    email: str
    minor: int
    currency: str
    provider: str | None
    due_at: datetime
    fulfilled_at: datetime | None
    ended_at: datetime | None
    may_be_doubled: bool


@dataclass(frozen=True, slots=True)
class PrintFact:
    """A paid line of printed books."""

    line: int
    order: str
    isbn: str
    due_at: datetime
    despatched: bool
    ended: bool


@dataclass(frozen=True, slots=True)
class LedgerFact:
    """A line of Stripe's ledger."""

    reference: str
    category: str
    source: str | None
    payment: str | None
    gross: int
    fee: int
    net: int
    currency: str
    at: datetime
    payout: str | None


@dataclass(frozen=True, slots=True)
class PayoutFact:
    """A payout to the bank."""

    reference: str
    amount: int
    currency: str
    status: str
    is_complete: bool


@dataclass(frozen=True, slots=True)
class StatementFact:
    """A line of the provider's statement."""

    reference: str
    order: str
    sku: str
    email: str
    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class OpenMatter:
    """Something the shop itself has put before staff, or a notice that found no order."""

    code: str
    subject: str
    order: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Books:
    """Everything to be held together, as of one moment.

    Attributes:
        statement_until: Up to when the provider's statements tell; None when none was imported.
    """

    at: datetime
    payments: tuple[PaymentFact, ...] = ()
    refunds: tuple[RefundFact, ...] = ()
    ebooks: tuple[EbookFact, ...] = ()
    prints: tuple[PrintFact, ...] = ()
    ledger: tuple[LedgerFact, ...] = ()
    payouts: tuple[PayoutFact, ...] = ()
    statement: tuple[StatementFact, ...] = ()
    matters: tuple[OpenMatter, ...] = ()
    statement_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement: its name, what it is about, and the case in a sentence."""

    code: str
    subject: str
    order: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class PayoutCheck:
    """A payout against what is in it: the sums by category, the fees, and what is left unexplained."""

    reference: str
    currency: str
    status: str
    amount: int
    by_category: dict[str, int]
    fees: int
    remainder: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reconciliation comes to."""

    at: datetime
    findings: tuple[Finding, ...]
    agreed: dict[str, int]
    waiting: dict[str, int]
    payouts: tuple[PayoutCheck, ...] = field(default=())


@dataclass(slots=True)
class _Tally:
    agreed: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def find(self, code: str, subject: str, order: str | None, detail: str) -> None:
        self.findings.append(Finding(code, subject, order, detail))


def reconcile(books: Books) -> Outcome:
    """Hold every ledger against its neighbour."""
    tally = _Tally(agreed=Counter(dict.fromkeys(("payments", "refunds", "grants", "despatches", "payouts"), 0)))
    explained = _payments(books, tally) | _refunds(books, tally)
    _rest_of_ledger(books, explained, tally)
    _grants(books, tally)
    _despatches(books, tally)
    checks = tuple(_payouts(books, tally))
    for matter in books.matters:
        tally.find(matter.code, matter.subject, matter.order, matter.detail)
    findings = tuple(sorted(tally.findings, key=lambda one: (one.code, one.subject, one.order or "", one.detail)))
    return Outcome(books.at, findings, dict(tally.agreed), dict(tally.waiting), checks)


def _payments(books: Books, tally: _Tally) -> set[str]:
    lines = sorted((line for line in books.ledger if line.category == "charge"), key=lambda line: line.reference)
    by_charge = {line.source: line for line in reversed(lines) if line.source}
    by_payment = {line.payment: line for line in reversed(lines) if line.payment}
    explained = set()
    for payment in books.payments:
        charge = (by_charge.get(payment.charge) if payment.charge else None) or by_payment.get(payment.reference)
        if charge is not None:
            explained.add(charge.reference)
            _compare_payment(payment, charge, tally)
        elif books.at - payment.at < STRIPE_LATE:
            tally.waiting["payments"] += 1
        else:
            tally.find(
                "PAYMENT_NOT_AT_STRIPE",
                payment.reference,
                payment.order,
                "We hold a payment that Stripe's ledger does not show.",
            )
    return explained


def _compare_payment(payment: PaymentFact, line: LedgerFact, tally: _Tally) -> None:
    if payment.currency != line.currency:
        detail = f"Ours is in {payment.currency}, Stripe's in {line.currency}."
        tally.find("CURRENCY_MISMATCH", payment.reference, payment.order, detail)
    elif payment.minor != line.gross:
        detail = f"Ours is {payment.minor}, Stripe's {line.gross} (minor units of {line.currency})."
        tally.find("AMOUNT_MISMATCH", payment.reference, payment.order, detail)
    else:
        tally.agreed["payments"] += 1


def _refunds(books: Books, tally: _Tally) -> set[str]:
    shown = sorted((line for line in books.ledger if line.category == "refund"), key=lambda line: line.reference)
    lines = {line.source: line for line in reversed(shown)}
    explained = set()
    for refund in books.refunds:
        line = lines.get(refund.reference) if refund.reference else None
        if line is not None:
            explained.add(line.reference)
            _compare_refund(refund, line, tally)
        elif refund.status == "failed":
            continue
        elif books.at - refund.at < STRIPE_LATE:
            tally.waiting["refunds"] += 1
        else:
            detail = f"A refund of {refund.minor} {refund.currency} is {refund.status}, and Stripe shows none."
            tally.find("REFUND_NOT_AT_STRIPE", f"refund:{refund.id}", refund.order, detail)
    return explained


def _compare_refund(refund: RefundFact, line: LedgerFact, tally: _Tally) -> None:
    if refund.currency != line.currency:
        detail = f"Ours is in {refund.currency}, Stripe's in {line.currency}."
        tally.find("CURRENCY_MISMATCH", f"refund:{refund.id}", refund.order, detail)
    elif -line.gross != refund.minor:
        detail = f"Ours is {refund.minor}, Stripe's {-line.gross} (minor units of {line.currency})."
        tally.find("AMOUNT_MISMATCH", f"refund:{refund.id}", refund.order, detail)
    else:
        tally.agreed["refunds"] += 1


def _rest_of_ledger(books: Books, explained: set[str], tally: _Tally) -> None:
    """What Stripe shows and we do not: money of nobody's order, refunds made elsewhere."""
    orders = {payment.reference: payment.order for payment in books.payments}
    for line in books.ledger:
        if line.reference in explained:
            continue
        if line.category == "charge":
            detail = f"Stripe took {line.gross} {line.currency} (minor units) for which we hold no payment."
            tally.find("ORPHAN_CHARGE", line.payment or line.reference, None, detail)
        elif line.category == "refund":
            detail = (
                f"Stripe gave {-line.gross} {line.currency} (minor units) back outside the shop: say for which line."
            )
            tally.find("REFUND_UNALLOCATED", line.source or line.reference, None, detail)
        elif line.category not in EXPLAINED:
            detail = f"Stripe moved {line.net} {line.currency} (minor units) under the name of {line.category}."
            code = NAMED.get(line.category, "UNEXPLAINED")
            tally.find(code, line.source or line.reference, orders.get(line.payment or ""), detail)


def _grants(books: Books, tally: _Tally) -> None:
    billed: dict[tuple[str, str, str], list[StatementFact]] = defaultdict(list)
    for line in sorted(books.statement, key=lambda line: line.reference):
        billed[line.order, line.sku, line.email].append(line)
    for ebook in books.ebooks:
        lines = billed.pop((ebook.order, ebook.sku, ebook.email), []) if ebook.provider else []
        _grant(books, ebook, lines, tally)
    for (order, sku, _email), lines in billed.items():
        for line in lines:
            detail = f"The provider bills {sku}, for which we hold no payment."
            tally.find("FULFILLED_NOT_PAID", line.reference, order, detail)


def _grant(books: Books, ebook: EbookFact, lines: list[StatementFact], tally: _Tally) -> None:
    subject = f"line:{ebook.line}"
    if ebook.fulfilled_at is None and ebook.ended_at is not None:
        for line in lines:
            detail = f"The provider bills {ebook.sku}, which was given back before it was delivered."
            tally.find("FULFILLED_NOT_PAID", line.reference, ebook.order, detail)
        return
    for extra in lines[1:]:
        why = " It was sent again after a lost answer." if ebook.may_be_doubled else ""
        detail = f"The provider bills {ebook.sku} more than once; dispute {extra.reference}.{why}"
        tally.find("DUPLICATE_FULFILMENT", extra.reference, ebook.order, detail)
    varies = bool(lines) and (lines[0].minor, lines[0].currency) != (ebook.minor, ebook.currency)
    if varies:
        detail = f"Ours is {ebook.minor} {ebook.currency}, the provider's {lines[0].minor} {lines[0].currency}."
        tally.find("PROVIDER_INVOICE_VARIANCE", lines[0].reference, ebook.order, detail)
    if ebook.fulfilled_at is None:
        _not_fulfilled(books, ebook, subject, tally)
    elif ebook.provider and not lines and _statement_should_show(books, ebook.fulfilled_at):
        detail = "We hold the ebook as delivered, and the provider's statement does not show it."
        tally.find("GRANT_NOT_AT_PROVIDER", subject, ebook.order, detail)
    elif ebook.provider and not lines:
        tally.waiting["grants"] += 1
    elif not varies:
        tally.agreed["grants"] += 1


def _not_fulfilled(books: Books, ebook: EbookFact, subject: str, tally: _Tally) -> None:
    if books.at - ebook.due_at > EBOOK_LATE:
        detail = f"{ebook.sku} was paid for and has not reached its reader."
        tally.find("PAID_NOT_FULFILLED_EBOOK", subject, ebook.order, detail)
    else:
        tally.waiting["grants"] += 1


def _statement_should_show(books: Books, fulfilled_at: datetime) -> bool:
    return books.statement_until is not None and fulfilled_at <= books.statement_until


def _despatches(books: Books, tally: _Tally) -> None:
    for line in books.prints:
        if line.despatched:
            tally.agreed["despatches"] += 1
        elif line.ended:
            continue
        elif books.at - line.due_at > DESPATCH_LATE:
            detail = f"{line.isbn} was paid for and the warehouse has not sent it."
            tally.find("PAID_NOT_DESPATCHED", f"line:{line.line}", line.order, detail)
        else:
            tally.waiting["despatches"] += 1


def _payouts(books: Books, tally: _Tally) -> Iterator[PayoutCheck]:
    inside: dict[str, list[LedgerFact]] = defaultdict(list)
    for line in books.ledger:
        if line.payout:
            inside[line.payout].append(line)
    for payout in books.payouts:
        check = _check(payout, inside[payout.reference])
        yield check
        if payout.status in {"failed", "canceled"}:
            tally.find("PAYOUT_FAILED", payout.reference, None, f"The payout is {payout.status}.")
        elif not payout.is_complete:
            tally.waiting["payouts"] += 1
        elif check.remainder:
            detail = f"{check.remainder} {payout.currency} (minor units) of this payout is in none of its lines."
            tally.find("PAYOUT_RESIDUAL", payout.reference, None, detail)
        else:
            tally.agreed["payouts"] += 1


def _check(payout: PayoutFact, lines: Iterable[LedgerFact]) -> PayoutCheck:
    sums: Counter[str] = Counter()
    fees = net = 0
    for line in lines:
        sums[line.category] += line.gross
        fees += line.fee
        net += line.net
    remainder = payout.amount - net if payout.is_complete else 0
    return PayoutCheck(
        payout.reference,
        payout.currency,
        payout.status,
        payout.amount,
        dict(sorted(sums.items())),
        fees,
        remainder,
        payout.is_complete,
    )
