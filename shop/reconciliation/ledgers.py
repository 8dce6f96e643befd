"""Ledgers: what Stripe, the ebook provider and the warehouse say, fetched or imported, kept as they said it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Boolean, ForeignKey, Index, String, Text, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, insert_if_absent, key_column
from shop.money import Money
from shop.work import Ending, Job

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from shop.checkout.gateway import LedgerLine, LedgerPayout
    from shop.services import Shop

LOOKED_BACK = timedelta(days=3)
"""A line may appear late; each fetch begins this long before the newest we hold."""

PAYOUTS_LOOKED_BACK = timedelta(days=35)
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)

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


LONGEST = {"statement_line": 60, "order_number": 60, "sku": 40, "email": 254, "received_at": 40}
"""Of each field, in characters."""


class BalanceTransaction(Base):
    """One line of Stripe's ledger, in minor units; `payout` names the payout that carried it to the bank."""

    __tablename__ = "balance_transaction"
    __table_args__ = (Index(None, "source"), Index(None, "payment"), Index(None, "payout"))

    id: Mapped[int] = key_column()
    reference: Mapped[str] = mapped_column(String(100), unique=True)
    category: Mapped[str] = mapped_column(String(60))
    source: Mapped[str | None] = mapped_column(String(100))
    payment: Mapped[str | None] = mapped_column(String(100))
    gross: Mapped[int]
    fee: Mapped[int]
    net: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    created_at: Mapped[datetime]
    payout: Mapped[str | None] = mapped_column(String(100))
    description: Mapped[str | None] = mapped_column(Text)


class Payout(Base):
    """Money that Stripe sent to the bank; complete once Stripe has said what is in it."""

    __tablename__ = "payout"

    id: Mapped[int] = key_column()
    reference: Mapped[str] = mapped_column(String(100), unique=True)
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[str] = mapped_column(String(20))
    arrives_at: Mapped[datetime]
    is_complete: Mapped[bool] = mapped_column(Boolean, default=False)


class Statement(Base):
    """A statement file of the ebook provider that was imported: what it covers, and when it came."""

    __tablename__ = "statement"

    id: Mapped[int] = key_column()
    provider: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(Text)
    imported_at: Mapped[datetime]
    covers_until: Mapped[datetime | None]


class StatementLine(Base):
    """One order line that the provider says it delivered and will bill."""

    __tablename__ = "statement_line"
    __table_args__ = (Index(None, "order_number", "sku"),)

    id: Mapped[int] = key_column()
    statement_id: Mapped[int] = mapped_column(ForeignKey("statement.id"))
    reference: Mapped[str] = mapped_column(String(60), unique=True)
    order_number: Mapped[str] = mapped_column(String(60))
    sku: Mapped[str] = mapped_column(String(40))
    email: Mapped[str] = mapped_column(String(254))
    minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    received_at: Mapped[datetime]


@dataclass(slots=True)
class StatementReport:
    """What came of a statement: new lines, known ones, and what was wrong where."""

    added: int = 0
    known: int = 0
    problems: list[str] = field(default_factory=list)


def fetch(_job: Job, shop: Shop) -> Ending:
    """Work: fetch what is new in Stripe's ledger and its payouts."""
    with shop.db.reading() as session:
        newest = session.scalar(select(func.max(BalanceTransaction.created_at)))
        latest = session.scalar(select(func.max(Payout.arrives_at)))
    gateway = shop.services.gateway
    lines = list(gateway.ledger(newest - LOOKED_BACK if newest else BEGINNING))
    payouts = list(gateway.payouts(latest - PAYOUTS_LOOKED_BACK if latest else BEGINNING))
    return partial(_keep, lines, payouts)


def fetch_now(shop: Shop) -> None:
    """Fetch at once, for a person who asks."""
    ending = fetch(Job(0, "fetch-ledger", "now", {}, 1, ""), shop)
    with shop.db.writing() as session:
        ending(session)


def import_statement(session: Session, provider: str, name: str, text: str, now: datetime) -> StatementReport:
    """Take in a provider's statement; the same line twice is known, a bad line is reported and the others go in."""
    report = StatementReport()
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff").replace("\0", "")))
    missing = [column for column in STATEMENT_COLUMNS if column not in (rows.fieldnames or [])]
    if missing:
        report.problems.append(f"Line 1: the statement has no column {', '.join(missing)}.")
        return report
    statement = Statement(provider=provider, name=name[:200], imported_at=now, covers_until=None)
    session.add(statement)
    session.flush()
    try:
        for row in rows:
            try:
                _keep_statement_line(session, statement, row, report)
            except (ValueError, OverflowError, InvalidOperation) as error:
                report.problems.append(f"Line {rows.line_num}: {error}.")
    except csv.Error as error:
        report.problems.append(f"Line {rows.line_num + 1}: {error}; nothing after it was read.")
    return report


def _keep(lines: list[LedgerLine], payouts: list[LedgerPayout], session: Session) -> None:
    for line in lines:
        insert_if_absent(
            session,
            BalanceTransaction,
            reference=line.reference,
            category=line.category,
            source=line.source,
            payment=line.payment,
            gross=line.gross,
            fee=line.fee,
            net=line.net,
            currency=line.currency,
            created_at=line.created_at,
            description=line.description,
        )
    for payout in payouts:
        _keep_payout(session, payout)


def _keep_payout(session: Session, payout: LedgerPayout) -> None:
    row = session.scalar(select(Payout).where(Payout.reference == payout.reference))
    if row is None:
        row = Payout(reference=payout.reference)
        session.add(row)
    row.amount, row.currency, row.status = payout.amount, payout.currency, payout.status
    row.arrives_at, row.is_complete = payout.arrives_at, payout.is_complete
    if payout.lines:
        inside = update(BalanceTransaction).where(BalanceTransaction.reference.in_(payout.lines))
        session.execute(inside.values(payout=payout.reference))


def _keep_statement_line(
    session: Session, statement: Statement, row: dict[str, str | None], report: StatementReport
) -> None:
    currency = (row["currency"] or "").strip().upper()
    amount = Money.from_decimal(Decimal(row["price_incl_tax"] or ""), currency)
    discount = Money.from_decimal(Decimal(row["discount_amount"] or "0"), currency)
    received_at = datetime.fromisoformat(_filled(row, "received_at")).astimezone(UTC)
    added = insert_if_absent(
        session,
        StatementLine,
        statement_id=statement.id,
        reference=_filled(row, "statement_line"),
        order_number=_filled(row, "order_number"),
        sku=_filled(row, "sku"),
        email=_filled(row, "email").lower(),
        minor=(amount - discount).minor,
        currency=currency,
        received_at=received_at,
    )
    statement.covers_until = max(statement.covers_until or received_at, received_at)
    report.added, report.known = report.added + added, report.known + (not added)


def _filled(row: dict[str, str | None], name: str) -> str:
    value = (row[name] or "").strip()
    if not value:
        raise ValueError(f"{name} is empty")
    if len(value) > LONGEST[name]:
        raise ValueError(f"{name} is longer than {LONGEST[name]} characters")
    return value
