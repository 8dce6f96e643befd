"""Orders and their lines: what was agreed, frozen, and the few moves an order can make, all forward."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, Boolean, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.db import Base, key_column
from shop.money import Money
from shop.orders.consent import Consent

_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class OrderStatus(StrEnum):
    """How far an order has come. Refunds are ledger rows, not a status."""

    DRAFT = "draft"
    AWAITING_PAYMENT = "awaiting_payment"
    EXPIRED = "expired"
    PAID = "paid"


class OrderError(Exception):
    """An order was asked to do what it must not."""


class AmountMismatchError(OrderError):
    """The money taken is not the money due."""


class WrongOrderError(OrderError):
    """The payment belongs to another order, or to another mode of the gateway."""


class Order(Base):
    """What one reader agreed to buy, where, and for how much."""

    __tablename__ = "shop_order"
    __table_args__ = (Index(None, "status", "placed_at"), Index(None, "email"), Index(None, "placed_at"))

    id: Mapped[int] = key_column()
    public_id: Mapped[str] = mapped_column(String(30), unique=True)
    number: Mapped[str] = mapped_column(String(12), unique=True)
    checkout_key: Mapped[str] = mapped_column(String(40), unique=True)
    status: Mapped[str] = mapped_column(String(20), default=OrderStatus.DRAFT)
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(Text)
    country: Mapped[str] = mapped_column(String(2))
    address: Mapped[dict[str, str] | None] = mapped_column(JSON)
    currency: Mapped[str] = mapped_column(String(3))
    delivery_minor: Mapped[int] = mapped_column(default=0)
    livemode: Mapped[bool] = mapped_column(Boolean)
    link_id: Mapped[str] = mapped_column(String(30), unique=True)
    link_version: Mapped[int] = mapped_column(default=1)
    placed_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    expired_at: Mapped[datetime | None]
    card_country: Mapped[str | None] = mapped_column(String(2))
    billing_country: Mapped[str | None] = mapped_column(String(2))

    lines: Mapped[list[OrderLine]] = relationship(
        back_populates="order", order_by="OrderLine.position", lazy="selectin"
    )

    @property
    def delivery(self) -> Money:
        """What posting costs."""
        return Money(self.delivery_minor, self.currency)

    @property
    def total(self) -> Money:
        """What is due: every line and the delivery, tax included."""
        return sum((line.total for line in self.lines), self.delivery)

    @property
    def is_paid(self) -> bool:
        """Whether the money came."""
        return self.status == OrderStatus.PAID

    @property
    def is_awaiting_payment(self) -> bool:
        """Whether it can still be paid by the payment that was begun."""
        return self.status == OrderStatus.AWAITING_PAYMENT

    @property
    def can_change(self) -> bool:
        """Whether what was agreed may still be changed."""
        return self.status in {OrderStatus.DRAFT, OrderStatus.AWAITING_PAYMENT}

    @property
    def posted_lines(self) -> list[OrderLine]:
        """The lines that go by post."""
        return [line for line in self.lines if not line.is_digital]

    @property
    def digital_lines(self) -> list[OrderLine]:
        """The ebook lines."""
        return [line for line in self.lines if line.is_digital]

    @property
    def titles(self) -> str:
        """What was bought, in a few words."""
        return ", ".join(dict.fromkeys(line.title for line in self.lines))

    def await_payment(self, at: datetime) -> None:
        """The reader pressed pay: from now on the gateway may have money for it."""
        if not self.can_change:
            raise OrderError(f"an order that is {self.status} is not paid again")
        if self.status == OrderStatus.DRAFT:
            self.status, self.placed_at = OrderStatus.AWAITING_PAYMENT, at

    def pay(self, amount: Money, *, order: str | None, livemode: bool, at: datetime) -> bool:
        """Take note that the money came; false if it was noted before.

        Raises:
            AmountMismatchError: another amount or currency than is due.
            WrongOrderError: the payment names another order, or is a rehearsal of a real one or the reverse.
        """
        if order != self.public_id or livemode != self.livemode:
            raise WrongOrderError(f"the payment is for {order}, livemode {livemode}")
        if amount != self.total:
            raise AmountMismatchError(f"{amount} came where {self.total} is due")
        if self.is_paid:
            return False
        self.status, self.paid_at = OrderStatus.PAID, at
        return True

    def expire(self, at: datetime) -> bool:
        """Give up waiting for the money; false unless it was being waited for."""
        if not self.can_change:
            return False
        self.status, self.expired_at = OrderStatus.EXPIRED, at
        return True


class OrderLine(Base):
    """One edition of an order: its title and price as they were, and why it might be sold there."""

    __tablename__ = "order_line"
    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        CheckConstraint("quantity > 0", name="quantity"),
        Index(None, "isbn"),
    )

    id: Mapped[int] = key_column()
    order_id: Mapped[int] = mapped_column(ForeignKey("shop_order.id"))
    position: Mapped[int]
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    isbn: Mapped[str] = mapped_column(String(13))
    sku: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(Text)
    form_name: Mapped[str] = mapped_column(String(20))
    is_digital: Mapped[bool] = mapped_column(Boolean)
    fulfiller: Mapped[str | None] = mapped_column(String(20))
    quantity: Mapped[int]
    unit_minor: Mapped[int]
    stock_taken: Mapped[int] = mapped_column(default=0)
    tax_rate_id: Mapped[str | None] = mapped_column(String(40))
    tax_minor: Mapped[int] = mapped_column(default=0)
    rights_digest: Mapped[str | None] = mapped_column(String(64))
    declined_at: Mapped[datetime | None]
    declined_because: Mapped[str | None] = mapped_column(Text)
    despatched_on: Mapped[date | None]
    carrier: Mapped[str | None] = mapped_column(String(60))
    tracking: Mapped[str | None] = mapped_column(String(120))

    order: Mapped[Order] = relationship(back_populates="lines", lazy="joined", innerjoin=True)
    consent: Mapped[Consent | None] = relationship(lazy="selectin")

    @property
    def unit(self) -> Money:
        """The price of one copy, tax included."""
        return Money(self.unit_minor, self.order.currency)

    @property
    def total(self) -> Money:
        """The price of the line, tax included."""
        return self.unit * self.quantity

    @property
    def described(self) -> str:
        """Title and form: Exit Stalin (ebook)."""
        return f"{self.title} ({self.form_name.lower()})"

    def leave(self, on: date, carrier: str, tracking: str) -> bool:
        """It has left the warehouse; false if that was known."""
        if self.despatched_on is not None:
            return False
        self.despatched_on, self.carrier, self.tracking = on, carrier or None, tracking or None
        return True

    def decline(self, because: str, at: datetime) -> None:
        """It turned out, after payment, that it may not be sold; the money of the line goes back."""
        self.declined_at, self.declined_because = at, because


class Attention(Base):
    """Something a person must look at: named by a reconciliation code, one row a subject."""

    __tablename__ = "attention"
    __table_args__ = (UniqueConstraint("code", "subject"),)

    id: Mapped[int] = key_column()
    code: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(200))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("shop_order.id"))
    detail: Mapped[str] = mapped_column(Text)
    raised_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)

    def resolve(self, by: str, note: str, at: datetime) -> None:
        """Close it, with a name and a reason."""
        self.resolved_by, self.note, self.resolved_at = by, note, at


def new_public_id() -> str:
    """An id nobody can guess: 128 random bits."""
    return secrets.token_urlsafe(16)


def new_number() -> str:
    """A number for people: seven letters and digits without look-alikes, random so that it counts nothing."""
    return "".join(secrets.choice(_LETTERS) for _ in range(7))
