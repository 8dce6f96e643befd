"""Placing an order: the basket becomes a draft, the draft is agreed, and a payment is begun for exactly that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from shop.catalogue.models import Edition, RightsSet, give_back_stock, take_stock
from shop.checkout.gateway import Item, PaymentRequest, Standing
from shop.db import insert_if_absent
from shop.orders import consent, tax
from shop.orders.models import Order, OrderError, OrderLine, OrderStatus, new_number, new_public_id
from shop.orders.payments import PaymentAttempt
from shop.services import UnavailableError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from shop.checkout.basket import BasketLine, BasketView
    from shop.checkout.details import Details
    from shop.services import Shop

SESSION_LIFE = timedelta(hours=1)
"""Stripe takes 30 minutes at the least; the rest is for beginning again after a lost answer."""


class SoldOutError(OrderError):
    """Somebody else took the last copy meanwhile."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is no longer as the reader was shown."""

    what: str


def draft(session: Session, shop: Shop, basket: BasketView, details: Details, checkout_key: str) -> Order:
    """Write down what the reader means to buy; the same key writes the same draft anew.

    Raises:
        OrderError: the draft has been paid meanwhile, or the basket cannot be bought.
    """
    if not basket.can_be_paid or basket.country is None:
        raise OrderError("something in the basket cannot be bought")
    # A second press of the same button waits here for the first, and goes on with its draft.
    insert_if_absent(session, Order, **_new_order(shop, basket.country, checkout_key, details))
    order = session.scalars(select(Order).where(Order.checkout_key == checkout_key).with_for_update()).one()
    if not order.can_change or unfinished_attempt(session, order) is not None:
        raise OrderError("this order is being paid, has been, or has run out of time")
    order.email, order.name, order.address = details.email, details.name, details.address
    agree(session, order, basket, shop.now)
    return order


def agree(session: Session, order: Order, basket: BasketView, now: datetime) -> None:
    """Freeze the basket's lines, prices and charges on the order."""
    release_stock(session, order)
    for old in order.lines:
        session.delete(old)
    session.flush()
    session.expire(order, ["lines"])
    assert basket.country is not None  # noqa: S101 - a basket that can be paid has a country
    order.country, order.delivery_minor = basket.country, basket.delivery.minor
    for position, line in enumerate(basket.buyable):
        session.add(_order_line(session, order, line, position, now))
    session.flush()
    session.expire(order, ["lines"])


def changes(order: Order, basket: BasketView) -> list[Change]:
    """What differs between the order and the basket as it stands now, in sentences; nothing when they agree."""
    found = [Change(f"{line.title}: {line.trouble}") for line in basket.lines if not line.may_be_bought]
    now = {line.isbn: line for line in basket.buyable}
    for old in order.lines:
        new = now.pop(old.isbn, None)
        if new is not None and new.unit != old.unit:
            found.append(Change(f"The price of {old.described} was {old.unit} and is now {new.unit}."))
        if new is not None and new.quantity != old.quantity:
            found.append(Change(f"{old.described}: {old.quantity} became {new.quantity}."))
        if new is None and not any(line.isbn == old.isbn for line in basket.lines):
            found.append(Change(f"{old.described} is no longer in your basket."))
    found += [Change(f"{line.title} ({line.view.name.lower()}) was added.") for line in now.values()]
    if not found and order.delivery != basket.delivery:
        found.append(Change(f"Delivery was {order.delivery} and is now {basket.delivery}."))
    return found


def keep_consent(session: Session, order: Order, *, given: bool, now: datetime) -> None:
    """Keep what the reader ticked beside the pay button, for each ebook line; the last press counts."""
    for line in order.digital_lines:
        if given and line.consent is None:
            line.consent = consent.given(now)
        elif not given and line.consent is not None:
            session.delete(line.consent)
            line.consent = None
    session.flush()


def begin_payment(session: Session, order: Order, *, now: datetime) -> PaymentAttempt:
    """Take the stock, and store the key of the call that will begin the payment.

    Raises:
        SoldOutError: there are no longer enough copies.
        OrderError: the order has been paid or has run out of time.
    """
    order.await_payment(now)
    for line in sorted(order.lines, key=lambda line: line.edition_id):  # all readers queue in the same order
        _hold(session, line)
    attempt = PaymentAttempt(
        order=order, number=_attempts(session, order) + 1, begun_at=now, expires_at=now + SESSION_LIFE
    )
    session.add(attempt)
    session.flush()
    return attempt


def request_for(shop: Shop, attempt: PaymentAttempt) -> PaymentRequest:
    """The call that begins an attempt; the same attempt always makes the same call."""
    order, links = attempt.order, shop.services.links
    items = [Item(line.described, line.unit, line.quantity) for line in order.lines]
    if order.delivery:
        items.append(Item("Delivery", order.delivery, 1))
    return PaymentRequest(
        order=order.public_id,
        number=order.number,
        key=attempt.key,
        email=order.email,
        items=tuple(items),
        success_address=links.page(f"/orders/{order.public_id}"),
        cancel_address=links.page(f"/checkout/{order.public_id}"),
        expires_at=attempt.expires_at,
    )


def start_attempt(shop: Shop, attempt: PaymentAttempt) -> str:
    """Begin the payment at the gateway and keep where it is; the address to send the reader to."""
    started = shop.services.gateway.start(request_for(shop, attempt))
    with shop.db.writing() as session:
        row = session.get_one(PaymentAttempt, attempt.id, with_for_update=True)
        row.reference, row.address = started.reference, started.address
        has_ended = row.ended_at is not None
    if has_ended:
        shop.services.gateway.expire(started.reference)
        raise UnavailableError("the order was changed while its payment was begun")
    return started.address


def open_attempt(session: Session, order: Order, now: datetime) -> PaymentAttempt | None:
    """The payment that was begun and can still be paid, if any."""
    query = select(PaymentAttempt).where(
        PaymentAttempt.order_id == order.id,
        PaymentAttempt.ended_at.is_(None),
        PaymentAttempt.expires_at > now,
    )
    return session.scalar(query.order_by(PaymentAttempt.number.desc()).limit(1))


def unfinished_attempt(session: Session, order: Order) -> PaymentAttempt | None:
    """A payment that was begun and of whose end we have not heard, even if its time is over."""
    query = select(PaymentAttempt).where(PaymentAttempt.order_id == order.id, PaymentAttempt.ended_at.is_(None))
    return session.scalar(query.limit(1))


def close_attempt(shop: Shop, attempt: PaymentAttempt) -> bool:
    """End a begun payment at the gateway; false when it turns out to have been paid."""
    if attempt.reference is not None:
        receipt = shop.services.gateway.expire(attempt.reference)
        if receipt.standing is not Standing.EXPIRED:
            return False
    with shop.db.writing() as session:
        session.get_one(PaymentAttempt, attempt.id).ended_at = shop.now
    return True


def release_stock(session: Session, order: Order) -> None:
    """Give back the copies an order holds."""
    for line in sorted(order.lines, key=lambda line: line.edition_id):
        if line.stock_taken:
            give_back_stock(session, line.edition_id, line.stock_taken)
            line.stock_taken = 0


def _new_order(shop: Shop, country: str, checkout_key: str, details: Details) -> dict[str, Any]:
    return {
        "public_id": new_public_id(),
        "number": new_number(),
        "checkout_key": checkout_key,
        "status": OrderStatus.DRAFT,
        "email": details.email,
        "name": details.name,
        "country": country,
        "currency": shop.settings.currency,
        "delivery_minor": 0,
        "livemode": shop.settings.livemode,
        "link_id": new_public_id(),
        "link_version": 1,
        "placed_at": shop.now,
    }


def _order_line(session: Session, order: Order, line: BasketLine, position: int, now: datetime) -> OrderLine:
    edition = session.get_one(Edition, line.edition_id)
    rate = tax.rate_for(order.country, edition.tax_class, now.date())
    rights = session.get(RightsSet, edition.rights_set_id) if edition.rights_set_id else None
    return OrderLine(
        order_id=order.id,
        position=position,
        edition_id=edition.id,
        isbn=edition.isbn,
        sku=edition.sku,
        title=line.title,
        form_name=line.view.name,
        is_digital=edition.is_digital,
        fulfiller=edition.fulfiller,
        quantity=line.quantity,
        unit_minor=line.unit.minor,
        stock_taken=0,
        tax_rate_id=rate.id if rate else None,
        tax_minor=tax.included(line.total, rate).minor,
        rights_digest=rights.digest if rights else None,
    )


def _hold(session: Session, line: OrderLine) -> None:
    if line.is_digital or line.stock_taken:
        return
    edition = session.get_one(Edition, line.edition_id)
    if edition.stock is None:
        return
    if not take_stock(session, edition.id, line.quantity):
        raise SoldOutError(f"{line.described} has just sold out.")
    line.stock_taken = line.quantity


def _attempts(session: Session, order: Order) -> int:
    numbers = session.scalars(select(PaymentAttempt.number).where(PaymentAttempt.order_id == order.id)).all()
    return max(numbers, default=0)
