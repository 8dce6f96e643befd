"""Refunding: a refund that was asked for is made at the gateway, once, and its fate there is followed."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import select

from shop import work
from shop.db import insert_if_absent
from shop.orders.models import Attention
from shop.orders.payments import Refund, RefundStatus
from shop.services import RefusedError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from shop.checkout.gateway import RefundReceipt
    from shop.services import Shop
    from shop.work import Ending, Job

REFUND_MAIL = "mail.refund"
LONGEST_ID = 18
KEYS_KEPT = timedelta(hours=20)
"""Stripe keeps an idempotency key for 24 hours at the least; after this we look before we ask again."""


def make_refund(job: Job, shop: Shop) -> Ending:
    """Work: give the money of one refund back."""
    with shop.db.reading() as session:
        refund = session.get_one(Refund, job.payload["refund"])
        payment, amount = refund.payment.reference, refund.amount
    gateway = shop.services.gateway
    receipt = gateway.find_refund(payment, str(refund.id)) if shop.now - refund.requested_at > KEYS_KEPT else None
    try:
        receipt = receipt or gateway.refund(payment, amount, key=refund.key, refund=str(refund.id))
    except RefusedError as error:
        return partial(_refused, refund.id, str(error), shop.now)
    return partial(_note, refund.id, receipt, shop.now)


def look_up(shop: Shop, refund_id: str) -> bool:
    """Ask how a refund stands now; even one that succeeded may have failed since. False for none of ours."""
    with shop.db.reading() as session:
        refund = session.get(Refund, int(refund_id)) if refund_id.isdecimal() and len(refund_id) < LONGEST_ID else None
        payment = refund.payment.reference if refund else None
    if refund is None or payment is None:
        return False
    receipt = shop.services.gateway.find_refund(payment, refund_id)
    if receipt is not None:
        with shop.db.writing() as session:
            _note(refund.id, receipt, shop.now, session)
    return True


def _note(refund_id: int, receipt: RefundReceipt, at: datetime, session: Session) -> None:
    refund = session.scalars(select(Refund).where(Refund.id == refund_id).with_for_update()).one()
    refund.note(receipt.status, receipt.reference, at)
    if receipt.status is RefundStatus.FAILED:
        _tell_staff(session, refund, "the bank sent it back", at)
    else:
        work.enqueue(session, REFUND_MAIL, refund.key, at=at, payload={"refund": refund.id})


def _refused(refund_id: int, why: str, at: datetime, session: Session) -> None:
    refund = session.get_one(Refund, refund_id)
    refund.fail(at)
    _tell_staff(session, refund, why, at)


def _tell_staff(session: Session, refund: Refund, why: str, at: datetime) -> None:
    insert_if_absent(
        session,
        Attention,
        code="REFUND_FAILED",
        subject=f"refund:{refund.id}",
        order_id=refund.order_id,
        detail=f"{refund.amount} did not go back: {why}. The reader is still owed it.",
        raised_at=at,
    )
