"""The inbox: every notice the gateway signed is written down before it is answered, and looked into afterwards.

A notice whose order is not known is kept and shown to staff: it is never sent again.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Index, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from shop import work
from shop.checkout import refunding, settlement
from shop.db import Base, insert_if_absent, key_column
from shop.orders.models import Order

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from shop.checkout.gateway import Knock
    from shop.services import Shop
    from shop.work import Ending, Job

LOOK_INTO = "notice"
ABOUT_ORDERS = ("checkout.session.", "payment_intent.", "charge.")


class Notice(Base):
    """A notice as it came; `order_public_id` is what it says, `looked_into_at` when we asked how things stand."""

    __tablename__ = "notice"
    __table_args__ = (Index(None, "looked_into_at"),)

    id: Mapped[int] = key_column()
    external_id: Mapped[str] = mapped_column(String(100), unique=True)
    kind: Mapped[str] = mapped_column(String(60))
    order_public_id: Mapped[str | None] = mapped_column(String(500), index=True)
    refund: Mapped[str | None] = mapped_column(String(500))
    body: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime]
    looked_into_at: Mapped[datetime | None]
    unmatched_at: Mapped[datetime | None]


def keep(session: Session, knock: Knock, body: bytes, at: datetime) -> bool:
    """Write a notice down, once, and see that it is looked into; false for one we have."""
    new = insert_if_absent(
        session,
        Notice,
        external_id=knock.id,
        kind=knock.kind,
        order_public_id=knock.order,
        refund=knock.refund,
        body=body.decode("utf-8", "replace"),
        received_at=at,
    )
    if new:
        work.enqueue(session, LOOK_INTO, knock.id, at=at, payload={"notice": knock.id})
    return new


def look_into(job: Job, shop: Shop) -> Ending:
    """Work: ask how the thing stands that a notice was about."""
    with shop.db.reading() as session:
        notice = session.scalars(select(Notice).where(Notice.external_id == job.payload["notice"])).one()
        known = _order_of(session, notice) is not None
    if known and notice.order_public_id and notice.kind.startswith(ABOUT_ORDERS):
        settlement.settle(shop, notice.order_public_id)
    if notice.refund:
        known = refunding.look_up(shop, notice.refund) or known
    concerns_us = notice.kind.startswith((*ABOUT_ORDERS, "refund."))
    return partial(_looked_into, notice.id, shop.now, concerns_us and not known)


def _order_of(session: Session, notice: Notice) -> int | None:
    return session.scalar(select(Order.id).where(Order.public_id == notice.order_public_id))


def _looked_into(notice_id: int, at: datetime, unmatched: bool, session: Session) -> None:  # noqa: FBT001 - bound by partial
    notice = session.get_one(Notice, notice_id)
    notice.looked_into_at = at
    notice.unmatched_at = at if unmatched else None
