"""Entitlements: one a paid ebook line; what was done to deliver it, and whether it still may be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import Boolean, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop import work
from shop.db import Base, insert_if_absent, key_column
from shop.orders.models import Order, OrderLine, new_public_id

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

DELIVER = "deliver"


class Place(StrEnum):
    """Where a delivered book is."""

    APP = "app"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where the book is now.

    Attributes:
        file: The storage name of the reader's copy, for a file of ours.
    """

    place: Place
    file: str | None = None


class Entitlement(Base):
    """A reader's right to one paid ebook: decided per order line, ended by a fact, never by absence.

    `email` is the address with which the reader opens it; `billed_as` that under which the provider's statements name
    it, where it has been moved since.
    """

    __tablename__ = "entitlement"
    __table_args__ = (Index(None, "email"),)

    id: Mapped[int] = key_column()
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), unique=True)
    copy_id: Mapped[str] = mapped_column(String(40), unique=True)
    email: Mapped[str] = mapped_column(String(254))
    billed_as: Mapped[str | None] = mapped_column(String(254))
    granted_at: Mapped[datetime]
    deliver_after: Mapped[datetime]
    fulfilled_at: Mapped[datetime | None]
    place: Mapped[str | None] = mapped_column(String(10))
    file: Mapped[str | None] = mapped_column(String(200))
    refused_at: Mapped[datetime | None]
    refused_because: Mapped[str | None] = mapped_column(Text)
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None] = mapped_column(Text)
    sessions_opened: Mapped[int] = mapped_column(default=0)
    sessions_allowed: Mapped[int]

    line: Mapped[OrderLine] = relationship(lazy="joined", innerjoin=True)
    submissions: Mapped[list[Submission]] = relationship(order_by="Submission.id")

    @property
    def may_read(self) -> bool:
        """Whether the book is there and theirs."""
        return self.fulfilled_at is not None and self.revoked_at is None

    @property
    def may_download(self) -> bool:
        """Whether our own file may be handed out."""
        return self.may_read and self.place == Place.FILE

    @property
    def is_preparing(self) -> bool:
        """Whether delivery is still on its way."""
        return self.fulfilled_at is None and self.refused_at is None and self.revoked_at is None

    @property
    def sessions_left(self) -> int:
        """Downloads that may still be opened."""
        return max(0, self.sessions_allowed - self.sessions_opened)

    @property
    def order(self) -> Order:
        """The order it was bought with."""
        return self.line.order

    def fulfil(self, delivery: Delivery, at: datetime) -> bool:
        """It has been delivered; false if it had been already, or must not be any more."""
        if not self.is_preparing:
            return False
        self.fulfilled_at, self.place, self.file = at, delivery.place, delivery.file
        return True

    def refuse(self, because: str, at: datetime) -> None:
        """The provider will not deliver it, for good."""
        if self.is_preparing:
            self.refused_at, self.refused_because = at, because

    def revoke(self, because: str, at: datetime) -> bool:
        """End it; the next request for the book is refused. False if it was ended before."""
        if self.revoked_at is not None:
            return False
        self.revoked_at, self.revoked_because = at, because
        return True


class Submission(Base):
    """One call that asked a provider to deliver, written down before it was made.

    A row without an answer is an outcome unknown. A later one of the same entitlement was sent again,
    and the provider may have booked it twice.
    """

    __tablename__ = "submission"

    id: Mapped[int] = key_column()
    entitlement_id: Mapped[int] = mapped_column(ForeignKey("entitlement.id"), index=True)
    sent_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(Text)
    may_be_doubled: Mapped[bool] = mapped_column(Boolean, default=False)


class DownloadSession(Base):
    """A reader opened a download by pressing a button; every range of the file belongs to the same one."""

    __tablename__ = "download_session"

    id: Mapped[int] = key_column()
    public_id: Mapped[str] = mapped_column(String(30), unique=True)
    entitlement_id: Mapped[int] = mapped_column(ForeignKey("entitlement.id"), index=True)
    browser: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    entitlement: Mapped[Entitlement] = relationship()


def grant(session: Session, line: OrderLine, *, deliver_after: datetime, at: datetime, downloads: int) -> None:
    """Give the reader of a paid line their entitlement, and see that it is delivered; once, however often called."""
    granted = insert_if_absent(
        session,
        Entitlement,
        order_line_id=line.id,
        copy_id=new_public_id(),
        email=line.order.email,
        granted_at=at,
        deliver_after=deliver_after,
        sessions_opened=0,
        sessions_allowed=downloads,
    )
    if granted:
        work.enqueue(session, DELIVER, f"line:{line.id}", at=at, after=deliver_after, payload={"line": line.id})
