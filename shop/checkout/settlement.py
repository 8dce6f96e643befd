"""Settlement: one function that asks the gateway how an order's payments stand *now*, and draws every consequence.

The notice's worker, the thanks page, the sweep and the staff button all call `settle`. It asks outside any
transaction, then locks the order, compares order, amount, currency and mode, and moves only forward: payment,
order state, entitlements and work rows commit together.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import or_, select

from shop import work
from shop.catalogue import rights
from shop.catalogue.models import Edition, RightsSet, take_stock
from shop.checkout import placing
from shop.checkout.gateway import Receipt, Standing
from shop.countries import in_sentence
from shop.db import insert_if_absent
from shop.library import models as library
from shop.library import returns
from shop.orders import refunds
from shop.orders.consent import CANCELLATION_PERIOD
from shop.orders.models import AmountMismatchError, Attention, Order, OrderLine, OrderStatus, WrongOrderError
from shop.orders.payments import Payment, PaymentAttempt
from shop.services import OutsideError, RefusedError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from shop.services import Shop
    from shop.work import Ending, Job

log = structlog.get_logger()

CONFIRMATION_MAIL = "mail.confirmation"
DRAFTS_KEPT = timedelta(days=2)
SWEPT_AFTER = timedelta(minutes=2)
ABANDONED_AFTER = timedelta(hours=2)


def settle(shop: Shop, public_id: str, *, patiently: bool = True) -> None:
    """Bring an order to where the gateway's books say it is; safe to call at any time, any number of times.

    Raises:
        UnavailableError, UnknownOutcomeError: the gateway could not be asked; nothing was changed.
    """
    with shop.db.reading() as session:
        query = (
            select(PaymentAttempt).join(Order).where(Order.public_id == public_id, PaymentAttempt.ended_at.is_(None))
        )
        attempts = session.scalars(query.order_by(PaymentAttempt.number)).all()
    for attempt in attempts:
        if receipt := _receipt(shop, attempt, patiently=patiently):
            with shop.db.writing() as session:
                take_note(session, shop, attempt.id, receipt)


def take_note(session: Session, shop: Shop, attempt_id: int, receipt: Receipt) -> None:
    """Draw the consequences of a receipt, under the order's lock."""
    attempt = session.get_one(PaymentAttempt, attempt_id)
    order = session.scalars(select(Order).where(Order.id == attempt.order_id).with_for_update()).one()
    session.refresh(attempt)
    if receipt.standing is Standing.PAID:
        _take_payment(session, shop, order, attempt, receipt)
    elif receipt.standing is Standing.EXPIRED and attempt.ended_at is None:
        _give_up(session, order, attempt, shop.now)


def sweep(_job: Job, shop: Shop) -> Ending:
    """Work: ask after every order whose payment was begun and has not ended, and let old drafts go."""
    with shop.db.reading() as session:
        query = (
            select(Order.public_id, Order.number)
            .join(PaymentAttempt, PaymentAttempt.order_id == Order.id)
            .where(PaymentAttempt.ended_at.is_(None), PaymentAttempt.begun_at < shop.now - SWEPT_AFTER)
        )
        waiting = session.execute(query.distinct()).all()
    for public_id, number in waiting:
        try:
            settle(shop, public_id)
        except OutsideError as error:
            log.warning("sweep.no_answer", order=number, reason=str(error))
    return partial(_let_drafts_go, shop.now - DRAFTS_KEPT, shop.now)


def _receipt(shop: Shop, attempt: PaymentAttempt, *, patiently: bool) -> Receipt | None:
    """Ask the gateway; an attempt whose beginning was never answered is begun again by its own key first."""
    if attempt.reference is None:
        try:
            started = shop.services.gateway.start(placing.request_for(shop, attempt))
        except RefusedError:
            return (
                Receipt("", Standing.EXPIRED, None, attempt.order.livemode) if attempt.expires_at < shop.now else None
            )
        with shop.db.writing() as session:
            row = session.get_one(PaymentAttempt, attempt.id)
            row.reference, row.address = started.reference, started.address
        return shop.services.gateway.receipt_for(started.reference, patiently=patiently)
    return shop.services.gateway.receipt_for(attempt.reference, patiently=patiently)


def _take_payment(session: Session, shop: Shop, order: Order, attempt: PaymentAttempt, receipt: Receipt) -> None:
    assert receipt.payment is not None  # noqa: S101 - a paid receipt names its payment and amount
    assert receipt.amount is not None  # noqa: S101
    now = shop.now
    attempt.ended_at = attempt.ended_at or now
    is_new = insert_if_absent(
        session,
        Payment,
        order_id=order.id,
        reference=receipt.payment,
        charge=receipt.charge,
        minor=receipt.amount.minor,
        currency=receipt.amount.currency,
        received_at=now,
    )
    if not is_new:
        return
    try:
        was_waiting = order.pay(receipt.amount, order=receipt.order, livemode=receipt.livemode, at=now)
    except (AmountMismatchError, WrongOrderError) as error:
        _hold_for_staff(session, order, receipt, str(error), now)
        return
    if not was_waiting:
        _send_back_second(session, order, receipt.payment, now)
        return
    order.card_country, order.billing_country = receipt.card_country, receipt.billing_country
    fulfil(session, shop, order)


def fulfil(session: Session, shop: Shop, order: Order) -> None:
    """What follows from an order's payment, all of it in the payment's own transaction."""
    now = shop.now
    work.enqueue(session, CONFIRMATION_MAIL, f"order:{order.id}", at=now, payload={"order": order.id})
    for line in order.lines:
        if because := _not_sellable(session, shop, order, line):
            line.decline(because, now)
            returns.take_back(session, line, reason=because, by="the shop", at=now)
        elif line.is_digital:
            after = now if line.consent else order.placed_at + CANCELLATION_PERIOD
            library.grant(session, line, deliver_after=after, at=now, downloads=shop.settings.download_limit)
        else:
            _reserve_late(session, line, now)
    if order.delivery and order.posted_lines and all(line.declined_at for line in order.posted_lines):
        refunds.request_delivery_refund(session, order, reason="nothing is posted", by="the shop", at=now)


def _not_sellable(session: Session, shop: Shop, order: Order, line: OrderLine) -> str | None:
    """The rights once more, with what only the payment could tell: where the card was issued."""
    edition = session.get_one(Edition, line.edition_id)
    held = session.get(RightsSet, edition.rights_set_id) if edition.rights_set_id else None
    countries = rights.read(held.countries) if held and held.signed_at else frozenset[str]()
    if order.country not in countries:
        return f"This edition may no longer be sold in {in_sentence(order.country)}."
    if line.is_digital and shop.settings.digital_card_country == "refund":
        elsewhere = {order.card_country, order.billing_country} - {None} - countries
        if elsewhere:
            where = ", ".join(sorted(in_sentence(code) for code in elsewhere if code))
            return f"This ebook may not be sold to {where}, where your card or its address is registered."
    return None


def _reserve_late(session: Session, line: OrderLine, now: datetime) -> None:
    """A payment that came after the time ran out takes its copies again, or staff are told."""
    edition = session.get_one(Edition, line.edition_id)
    if line.stock_taken or edition.stock is None:
        return
    if take_stock(session, edition.id, line.quantity):
        line.stock_taken = line.quantity
        return
    insert_if_absent(
        session,
        Attention,
        code="STOCK_SHORT",
        subject=f"line:{line.id}",
        order_id=line.order_id,
        detail=f"{line.described} was paid for after its copies had been given back, and none are left.",
        raised_at=now,
    )


def _hold_for_staff(session: Session, order: Order, receipt: Receipt, why: str, now: datetime) -> None:
    currency_differs = receipt.amount is not None and receipt.amount.currency != order.currency
    insert_if_absent(
        session,
        Attention,
        code="CURRENCY_MISMATCH" if currency_differs else "AMOUNT_MISMATCH",
        subject=f"payment:{receipt.payment}",
        order_id=order.id,
        detail=f"Order {order.number} was not marked as paid: {why}.",
        raised_at=now,
    )
    log.error("settlement.mismatch", order=order.number, payment=receipt.payment)


def _send_back_second(session: Session, order: Order, reference: str, now: datetime) -> None:
    """An order that was paid twice is delivered once; the later payment goes back whole."""
    payment = session.scalars(select(Payment).where(Payment.reference == reference)).one()
    refunds.request_payment_refund(session, payment, reason="the order was paid twice", by="the shop", at=now)
    insert_if_absent(
        session,
        Attention,
        code="DUPLICATE_PAYMENT",
        subject=f"payment:{reference}",
        order_id=order.id,
        detail=f"Order {order.number} was paid twice; the later payment is being refunded.",
        raised_at=now,
    )


def _give_up(session: Session, order: Order, attempt: PaymentAttempt, now: datetime) -> None:
    attempt.ended_at = now
    newer = select(PaymentAttempt.id).where(
        PaymentAttempt.order_id == order.id,
        PaymentAttempt.ended_at.is_(None),
        PaymentAttempt.id != attempt.id,
    )
    if session.scalar(newer.limit(1)) is None and order.expire(now):
        placing.release_stock(session, order)


def _let_drafts_go(older_than: datetime, now: datetime, session: Session) -> None:
    stale = select(Order).where(Order.status == OrderStatus.DRAFT, Order.placed_at < older_than)
    for order in session.scalars(stale.limit(500).with_for_update(skip_locked=True)):
        order.expire(now)
    _let_abandoned_go(session, now)


def _let_abandoned_go(session: Session, now: datetime) -> None:
    """An order that waits for a payment which nobody has begun any more gives its copies back."""
    begun = select(PaymentAttempt.order_id).where(
        or_(PaymentAttempt.ended_at.is_(None), PaymentAttempt.begun_at > now - ABANDONED_AFTER)
    )
    waiting = select(Order).where(Order.status == OrderStatus.AWAITING_PAYMENT, Order.id.not_in(begun))
    for order in session.scalars(waiting.limit(500).with_for_update(skip_locked=True)):
        placing.release_stock(session, order)
        order.expire(now)
