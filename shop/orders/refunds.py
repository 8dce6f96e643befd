"""Refunds: asked for as a row, made by a worker at the gateway, once per line however often it is clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from shop import work
from shop.db import insert_if_absent
from shop.orders.models import Order, OrderError, OrderLine
from shop.orders.payments import Payment, Refund, RefundStatus, refundable

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from shop.money import Money

REFUND = "refund"
DELIVERY = "delivery"


class NothingToRefundError(OrderError):
    """Nothing was paid for it, or all of it has gone back already."""


def request_line_refund(session: Session, line: OrderLine, *, reason: str, by: str, at: datetime) -> bool:
    """Ask that a line's whole price goes back; false if that was asked before.

    Raises:
        NothingToRefundError: the payment does not hold that much any more.
    """
    return _request(session, line.order, f"line:{line.id}", line.total, line=line, reason=reason, by=by, at=at)


def request_delivery_refund(session: Session, order: Order, *, reason: str, by: str, at: datetime) -> bool:
    """Ask that the delivery charge goes back; false if that was asked before."""
    return _request(session, order, DELIVERY, order.delivery, line=None, reason=reason, by=by, at=at)


def request_payment_refund(session: Session, payment: Payment, *, reason: str, by: str, at: datetime) -> bool:
    """Ask that a payment which bought nothing, such as a second one, goes back whole."""
    return _add(session, payment, "payment", payment.amount, line=None, reason=reason, by=by, at=at)


def refund_of(session: Session, line: OrderLine) -> Refund | None:
    """The newest refund of a line, if one was asked for."""
    newest = select(Refund).where(Refund.order_line_id == line.id).order_by(Refund.id.desc()).limit(1)
    return session.scalar(newest)


def _request(  # noqa: PLR0913 - a refund is what, why, who and when
    session: Session,
    order: Order,
    about: str,
    amount: Money,
    *,
    line: OrderLine | None,
    reason: str,
    by: str,
    at: datetime,
) -> bool:
    payment = session.scalar(
        select(Payment).where(Payment.order_id == order.id).order_by(Payment.id).limit(1).with_for_update()
    )
    if payment is None:
        raise NothingToRefundError("nothing has been paid for this order")
    return _add(session, payment, about, amount, line=line, reason=reason, by=by, at=at)


def _add(  # noqa: PLR0913 - as above
    session: Session,
    payment: Payment,
    about: str,
    amount: Money,
    *,
    line: OrderLine | None,
    reason: str,
    by: str,
    at: datetime,
) -> bool:
    asked = select(Refund).where(Refund.payment_id == payment.id, Refund.about == about)
    if not amount or session.scalar(asked) is not None:
        return False
    if refundable(session, payment) < amount:
        raise NothingToRefundError(f"only {refundable(session, payment)} of this payment is left")
    insert_if_absent(
        session,
        Refund,
        order_id=payment.order_id,
        payment_id=payment.id,
        order_line_id=line.id if line else None,
        about=about,
        minor=amount.minor,
        currency=amount.currency,
        reason=reason,
        requested_by=by,
        requested_at=at,
        status=RefundStatus.REQUESTED,
    )
    refund = session.scalars(asked).one()
    return work.enqueue(session, REFUND, refund.key, at=at, payload={"refund": refund.id})
