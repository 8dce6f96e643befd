"""Correcting: the address of a paid order is put right, and what was bought with it goes along.

An address with a slip in it is nobody's, or somebody else's: links that were mailed there open nothing any more. A book
that a provider's app holds, or may hold, under the old address is not to be moved by any call. Staff ask the provider,
and until they say that it was done, pages and letters go on naming the address under which the book is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from shop import work
from shop.checkout.settlement import CONFIRMATION_MAIL
from shop.db import insert_if_absent
from shop.library import returns
from shop.library.models import Entitlement
from shop.orders.models import Attention, Order, OrderLine

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.orm import Session

MOVE_REQUESTED = "MOVE_REQUESTED"


def correct_address(session: Session, order: Order, email: str, by: str, at: datetime) -> None:
    """Put another address on a paid order, end the links that were mailed, and confirm the order anew."""
    session.refresh(order, ["email", "link_version"], with_for_update={"key_share": True})
    order.email = email
    order.link_version += 1
    entitlements = _locked(session, order.digital_lines)
    _close_earlier(session, order, by, at)
    for entitlement in entitlements:
        if not returns.may_be_at_provider(entitlement):
            entitlement.email = email
        elif entitlement.revoked_at is None and entitlement.email != email:
            _ask_to_move(session, entitlement, email, at)
    again = f"order:{order.id}:{order.link_version}"
    work.enqueue(session, CONFIRMATION_MAIL, again, at=at, payload={"order": order.id})


def note_moved(session: Session, matter: Attention) -> None:
    """Take note that the provider has moved a book to the order's address; its statements keep to the old one.

    Nothing is noted of a task that was closed meanwhile, because the address has been corrected again.
    """
    number = int(matter.subject.split(":")[1])
    entitlements = _locked(session, [session.get_one(OrderLine, number)])
    session.refresh(matter)
    for entitlement in entitlements if matter.resolved_at is None else ():
        entitlement.billed_as = entitlement.billed_as or entitlement.email
        entitlement.email = entitlement.order.email


def _close_earlier(session: Session, order: Order, by: str, at: datetime) -> None:
    """Let nobody move a book to an address that has been found wrong too."""
    earlier = select(Attention).where(
        Attention.code == MOVE_REQUESTED, Attention.order_id == order.id, Attention.resolved_at.is_(None)
    )
    for matter in session.scalars(earlier):
        matter.resolve(by, f"Not to be done any more: the address was corrected again, to {order.email}.", at)


def _locked(session: Session, lines: Iterable[OrderLine]) -> list[Entitlement]:
    """The entitlements, which no worker sends to a provider meanwhile."""
    query = select(Entitlement).where(Entitlement.order_line_id.in_([line.id for line in lines]))
    return list(session.scalars(query.order_by(Entitlement.id).with_for_update(of=Entitlement)))


def _ask_to_move(session: Session, entitlement: Entitlement, email: str, at: datetime) -> None:
    line = entitlement.line
    insert_if_absent(
        session,
        Attention,
        code=MOVE_REQUESTED,
        subject=f"line:{line.id}:{line.order.link_version}",
        order_id=line.order_id,
        detail=f"Ask the provider to move {line.described} of order {line.order.number} from {entitlement.email} to "
        f"{email}. Resolve this when they have: until then the reader is told to sign in with the old address.",
        raised_at=at,
    )
