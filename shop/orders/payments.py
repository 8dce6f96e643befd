"""Payments and refunds: the ledger of an order. Rows are added, never columns of the order; a balance is a sum."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.db import Base, key_column
from shop.money import Money
from shop.orders.models import Order, OrderLine

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class PaymentAttempt(Base):
    """A payment that was begun at the gateway; its key was stored before the gateway was called."""

    __tablename__ = "payment_attempt"
    __table_args__ = (UniqueConstraint("order_id", "number"),)

    id: Mapped[int] = key_column()
    order_id: Mapped[int] = mapped_column(ForeignKey("shop_order.id"))
    number: Mapped[int]
    reference: Mapped[str | None] = mapped_column(String(100), unique=True)
    address: Mapped[str | None] = mapped_column(Text)
    begun_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    order: Mapped[Order] = relationship(lazy="joined", innerjoin=True)

    @property
    def key(self) -> str:
        """The idempotency key of the call that begins it."""
        return f"order:{self.order.public_id}:pay:{self.number}"


class Payment(Base):
    """Money that came in. `reference` is the gateway's name of it, in one row only."""

    __tablename__ = "payment"
    __table_args__ = (CheckConstraint("minor > 0", name="minor"),)

    id: Mapped[int] = key_column()
    order_id: Mapped[int] = mapped_column(ForeignKey("shop_order.id"), index=True)
    reference: Mapped[str] = mapped_column(String(100), unique=True)
    charge: Mapped[str | None] = mapped_column(String(100), unique=True)
    minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    received_at: Mapped[datetime]

    order: Mapped[Order] = relationship()

    @property
    def amount(self) -> Money:
        """What came."""
        return Money(self.minor, self.currency)


class RefundStatus(StrEnum):
    """How a refund stands at the gateway; even `succeeded` can still turn to `failed`."""

    REQUESTED = "requested"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Refund(Base):
    """Money that goes back, for one line or for the delivery; the row stands before the gateway is asked."""

    __tablename__ = "refund"
    __table_args__ = (CheckConstraint("minor > 0", name="minor"), UniqueConstraint("payment_id", "about"))

    id: Mapped[int] = key_column()
    order_id: Mapped[int] = mapped_column(ForeignKey("shop_order.id"), index=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    order_line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"))
    about: Mapped[str] = mapped_column(String(60))
    minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(20), default=RefundStatus.REQUESTED)
    reference: Mapped[str | None] = mapped_column(String(100), unique=True)
    settled_at: Mapped[datetime | None]

    payment: Mapped[Payment] = relationship(lazy="joined", innerjoin=True)
    line: Mapped[OrderLine | None] = relationship(lazy="selectin")

    @property
    def amount(self) -> Money:
        """What goes back."""
        return Money(self.minor, self.currency)

    @property
    def key(self) -> str:
        """The idempotency key of the call that makes it."""
        return f"refund:{self.id}"

    def note(self, status: RefundStatus, reference: str, at: datetime) -> None:
        """Write down how it stands at the gateway; an older answer that comes late changes nothing."""
        late = status is RefundStatus.PENDING and self.status == RefundStatus.SUCCEEDED
        if self.has_failed or late:
            return
        self.reference = reference
        if status is RefundStatus.FAILED:
            self.fail(at)
            return
        self.status = status
        if status is RefundStatus.SUCCEEDED:
            self.settled_at = at

    def fail(self, at: datetime) -> None:
        """It came to nothing; the row stays, and makes room for another try under a key of its own."""
        if not self.has_failed:
            self.status, self.settled_at = RefundStatus.FAILED, at
            self.about = f"{self.about}:failed:{self.id}"

    @property
    def has_failed(self) -> bool:
        """Whether the reader is still owed the money."""
        return self.status == RefundStatus.FAILED


def refundable(session: Session, payment: Payment) -> Money:
    """What of a payment has not gone back, nor been asked to."""
    gone = select(func.coalesce(func.sum(Refund.minor), 0)).where(
        Refund.payment_id == payment.id, Refund.status != RefundStatus.FAILED
    )
    return payment.amount - Money(session.scalar(gone) or 0, payment.currency)
