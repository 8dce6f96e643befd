"""The gateway: what the shop asks of whoever takes the money, in the shop's own words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shop.money import Money
    from shop.orders.payments import RefundStatus


class Standing(StrEnum):
    """How a payment that was begun stands now."""

    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    EXPIRED = "expired"


class ForgedNoticeError(Exception):
    """A notice that the gateway did not sign, or signed too long ago."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line as the reader sees it on the payment page; `unit` with tax."""

    name: str
    unit: Money
    quantity: int


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What to take money for.

    Attributes:
        order: The order's public id; it travels with the money.
        key: The idempotency key, stored before the call.
    """

    order: str
    number: str
    key: str
    email: str
    items: tuple[Item, ...]
    success_address: str
    cancel_address: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Started:
    """A payment that was begun: its reference, and the page on which the reader pays."""

    reference: str
    address: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a payment stands in the gateway's books, asked just now.

    Attributes:
        order: The order it names.
        payment: The gateway's id of the money, once there is any.
        card_country: Who issued the card; None where there is none to tell.
    """

    reference: str
    standing: Standing
    order: str | None
    livemode: bool
    amount: Money | None = None
    payment: str | None = None
    charge: str | None = None
    card_country: str | None = None
    billing_country: str | None = None


@dataclass(frozen=True, slots=True)
class Knock:
    """A notice the gateway signed. It is not news: it only says where to look."""

    id: str
    kind: str
    order: str | None
    refund: str | None


@dataclass(frozen=True, slots=True)
class RefundReceipt:
    """How a refund stands in the gateway's books."""

    reference: str
    status: RefundStatus


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One balance transaction: gross, fee and net in minor units; `payout` once it was paid out."""

    reference: str
    category: str
    source: str | None
    payment: str | None
    gross: int
    fee: int
    net: int
    currency: str
    created_at: datetime
    payout: str | None
    description: str | None


@dataclass(frozen=True, slots=True)
class LedgerPayout:
    """One payout to the bank; `lines` is complete once the gateway has reconciled it."""

    reference: str
    amount: int
    currency: str
    status: str
    arrives_at: datetime
    lines: tuple[str, ...]
    is_complete: bool


class Gateway(Protocol):
    """Takes money and gives it back. Every method may raise UnavailableError or UnknownOutcomeError."""

    def start(self, request: PaymentRequest) -> Started:
        """Begin a payment; the same key begins the same one. Raises RefusedError when it cannot be begun."""

    def receipt_for(self, reference: str, *, patiently: bool = True) -> Receipt:
        """How a payment stands now; impatiently, within a few seconds or not at all."""

    def expire(self, reference: str) -> Receipt:
        """End a payment that was begun, unless it is too late; the receipt says which."""

    def hear(self, body: bytes, signature: str) -> Knock:
        """Read a signed notice; raises ForgedNoticeError."""

    def refund(self, payment: str, amount: Money, *, key: str, refund: str) -> RefundReceipt:
        """Give money back, once per key; raises RefusedError when the gateway will not."""

    def find_refund(self, payment: str, refund: str) -> RefundReceipt | None:
        """A refund that was made before, looked up by our own id of it."""

    def ledger(self, since: datetime) -> Iterator[LedgerLine]:
        """Balance transactions created since then."""

    def payouts(self, since: datetime) -> Iterator[LedgerPayout]:
        """Payouts created since then, each with the references of its lines."""
