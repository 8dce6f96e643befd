"""Returns: a line is taken back, and the money and the right to read go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from shop.db import insert_if_absent
from shop.library.models import Entitlement, Place
from shop.orders.models import Attention, OrderLine
from shop.orders.refunds import request_line_refund

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

REVOCATION_REQUESTED = "REVOCATION_REQUESTED"


def take_back(session: Session, line: OrderLine, *, reason: str, by: str, at: datetime) -> bool:
    """Refund a line and end its entitlement; false if it was taken back before.

    Where the book is in a provider's app, no call can remove it: a task for staff is left instead.
    """
    entitlement = session.scalar(  # locked before the payment is: a worker that hears a no holds it first as well
        select(Entitlement).where(Entitlement.order_line_id == line.id).with_for_update(of=Entitlement)
    )
    asked = request_line_refund(session, line, reason=reason, by=by, at=at)
    if entitlement is not None and entitlement.revoke(reason, at) and may_be_at_provider(entitlement):
        ask_for_revocation(session, line, at)
    return asked


def ask_for_revocation(session: Session, line: OrderLine, at: datetime) -> None:
    """Leave staff the task of having a book removed from a reader's app."""
    insert_if_absent(
        session,
        Attention,
        code=REVOCATION_REQUESTED,
        subject=f"line:{line.id}",
        order_id=line.order_id,
        detail=f"Ask the provider to remove {line.described} from the app of order {line.order.number}, "
        "and note their answer here.",
        raised_at=at,
    )


def may_be_at_provider(entitlement: Entitlement) -> bool:
    """Whether a provider's app holds the book, or may: a call was never answered."""
    sent = any(submission.answer is None for submission in entitlement.submissions)
    return entitlement.place == Place.APP or sent
