"""Cases: the shop's facts gathered into the books that are held together, and what staff do about a finding."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from shop.catalogue.models import Edition
from shop.checkout.inbox import Notice
from shop.library.models import Entitlement, Submission
from shop.orders.models import Attention, Order, OrderLine
from shop.orders.payments import Payment, Refund, RefundStatus
from shop.reconciliation import findings as f
from shop.reconciliation.ledgers import BalanceTransaction, Payout, Statement, StatementLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from shop.services import Shop

OWN_FILES = "watermark"


def reconcile(shop: Shop) -> f.Outcome:
    """Hold everything together as it stands now."""
    with shop.db.reading() as session:
        return f.reconcile(books(session, shop.now))


def books(session: Session, now: datetime) -> f.Books:
    """All ledgers, as plain facts."""
    covered = session.scalar(select(func.max(Statement.covers_until)))
    return f.Books(
        at=now,
        payments=tuple(_payments(session)),
        refunds=tuple(_refunds(session)),
        ebooks=tuple(_ebooks(session)),
        prints=tuple(_prints(session)),
        ledger=tuple(_ledger(session)),
        payouts=tuple(
            f.PayoutFact(row.reference, row.amount, row.currency, row.status, row.is_complete)
            for row in session.scalars(select(Payout).order_by(Payout.arrives_at, Payout.id))
        ),
        statement=tuple(
            f.StatementFact(row.reference, row.order_number, row.sku, row.email, row.minor, row.currency)
            for row in session.scalars(select(StatementLine).order_by(StatementLine.id))
        ),
        matters=tuple(_matters(session)),
        statement_until=covered,
    )


def _payments(session: Session) -> Iterator[f.PaymentFact]:
    for payment, number in session.execute(select(Payment, Order.number).join(Order)):
        yield f.PaymentFact(
            payment.reference, payment.charge, number, payment.minor, payment.currency, payment.received_at
        )


def _refunds(session: Session) -> Iterator[f.RefundFact]:
    query = select(Refund, Order.number).join(Order, Order.id == Refund.order_id)
    for refund, number in session.execute(query):
        yield f.RefundFact(
            refund.id,
            refund.reference,
            number,
            refund.minor,
            refund.currency,
            refund.status,
            refund.requested_at,
        )


def _ebooks(session: Session) -> Iterator[f.EbookFact]:
    resent = set(session.scalars(select(Submission.entitlement_id).where(Submission.may_be_doubled)))
    query = (
        select(Entitlement, OrderLine, Order, Edition.publication_date)
        .join(OrderLine, OrderLine.id == Entitlement.order_line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Edition, Edition.id == OrderLine.edition_id)
    )
    for entitlement, line, order, published in session.execute(query):
        due = entitlement.deliver_after
        if published is not None:
            due = max(due, datetime.combine(published, datetime.min.time(), UTC))
        yield f.EbookFact(
            line=line.id,
            order=order.number,
            sku=line.sku,
            email=entitlement.billed_as or entitlement.email,
            minor=line.unit_minor * line.quantity,
            currency=order.currency,
            provider=None if line.fulfiller == OWN_FILES else line.fulfiller,
            due_at=due,
            fulfilled_at=entitlement.fulfilled_at,
            ended_at=entitlement.revoked_at or entitlement.refused_at,
            may_be_doubled=entitlement.id in resent,
        )


def _prints(session: Session) -> Iterator[f.PrintFact]:
    standing = Refund.status != RefundStatus.FAILED
    given_back = select(Refund.id).where(Refund.order_line_id == OrderLine.id, standing).exists()
    query = (
        select(OrderLine, Order, Edition.publication_date, given_back)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Edition, Edition.id == OrderLine.edition_id)
        .where(Order.paid_at.is_not(None), OrderLine.is_digital.is_(False))
    )
    for line, order, published, refunded in session.execute(query):
        due = order.paid_at or order.placed_at
        if published is not None:
            due = max(due, datetime.combine(published, datetime.min.time(), UTC))
        ended = refunded or line.declined_at is not None
        yield f.PrintFact(line.id, order.number, line.isbn, due, line.despatched_on is not None, ended)


def _ledger(session: Session) -> Iterator[f.LedgerFact]:
    for row in session.scalars(select(BalanceTransaction).order_by(BalanceTransaction.id)):
        yield f.LedgerFact(
            row.reference,
            row.category,
            row.source,
            row.payment,
            row.gross,
            row.fee,
            row.net,
            row.currency,
            row.created_at,
            row.payout,
        )


def _matters(session: Session) -> Iterator[f.OpenMatter]:
    query = select(Attention, Order.number).outerjoin(Order, Order.id == Attention.order_id)
    for matter, number in session.execute(query.where(Attention.resolved_at.is_(None))):
        yield f.OpenMatter(matter.code, matter.subject, number, matter.detail)
    for notice in session.scalars(select(Notice).where(Notice.unmatched_at.is_not(None))):
        detail = f"Stripe told us of {notice.kind}, for an order we do not know."
        yield f.OpenMatter("UNMATCHED_NOTICE", notice.external_id, None, detail)
