"""In-memory stand-ins for the shop's ports: quick, awkward where the real ones are, and held to the same promises."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from shop.catalogue.models import ProviderState
from shop.catalogue.selling.disclosure import App, Disclosure
from shop.checkout.gateway import (
    ForgedNoticeError,
    Knock,
    LedgerLine,
    LedgerPayout,
    PaymentRequest,
    Receipt,
    RefundReceipt,
    Standing,
    Started,
)
from shop.library.models import Delivery, Place
from shop.money import Money
from shop.orders.payments import RefundStatus
from shop.services import RefusedError, RepeatRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shop.library.fulfilment import Consignment
    from shop.mail import Letter

SIGNATURE = "signed by the fake"


@dataclass
class FakePictures:
    """Hands out the pictures that a test hangs up, by address."""

    hung: dict[str, bytes] = field(default_factory=dict)

    def fetch(self, address: str) -> bytes:
        """The picture, or a refusal."""
        if address not in self.hung:
            raise RefusedError(f"{address} answered 404")
        return self.hung[address]


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        """Move on by so many seconds, minutes, hours or days."""
        self.now += timedelta(**by)


@dataclass
class FakeGateway:
    """Takes and gives back imaginary money; remembers keys for ever, as Stripe does for a day."""

    clock: Clock
    livemode: bool = False
    requests: dict[str, PaymentRequest] = field(default_factory=dict)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    refunds: dict[str, tuple[str, Money, RefundReceipt]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    failures: list[Exception] = field(default_factory=list)
    lost_answers: list[Exception] = field(default_factory=list)

    def fail(self, *errors: Exception) -> None:
        """The next calls fail so, having done nothing."""
        self.failures.extend(errors)

    def lose_answer(self, error: Exception) -> None:
        """The next changing call does its work, and then fails so."""
        self.lost_answers.append(error)

    def start(self, request: PaymentRequest) -> Started:
        self._call("start")
        reference = next((ref for ref, known in self.requests.items() if known.key == request.key), None)
        if reference is not None and self.requests[reference] != request:
            raise RefusedError("the same key with another request")
        if reference is None:
            reference = f"cs_{len(self.requests) + 1}"
            self.requests[reference] = request
            self.receipts[reference] = Receipt(reference, Standing.OPEN, request.order, self.livemode)
        self._lose("start")
        return Started(reference, f"https://pay.test/{reference}")

    def receipt_for(self, reference: str, *, patiently: bool = True) -> Receipt:
        del patiently
        self._call("receipt_for")
        receipt, request = self.receipts[reference], self.requests[reference]
        if receipt.standing is Standing.OPEN and request.expires_at <= self.clock.now:
            self.receipts[reference] = receipt = replace(receipt, standing=Standing.EXPIRED)
        return receipt

    def expire(self, reference: str) -> Receipt:
        self._call("expire")
        receipt = self.receipts[reference]
        if receipt.standing is Standing.OPEN:
            self.receipts[reference] = receipt = replace(receipt, standing=Standing.EXPIRED)
        return receipt

    def hear(self, body: bytes, signature: str) -> Knock:
        if signature != SIGNATURE:
            raise ForgedNoticeError
        try:
            said = json.loads(body)
            return Knock(said["id"], said["kind"], said.get("order"), said.get("refund"))
        except (ValueError, KeyError, TypeError) as error:
            raise ForgedNoticeError from error

    def refund(self, payment: str, amount: Money, *, key: str, refund: str) -> RefundReceipt:
        self._call("refund")
        if key not in self.refunds:
            paid = next(one.amount for one in self.receipts.values() if one.payment == payment and one.amount)
            gone = sum((one for of, one, _ in self.refunds.values() if of == payment), Money(0, amount.currency))
            if gone + amount > paid:
                raise RefusedError("more than was paid")
            receipt = RefundReceipt(f"re_{len(self.refunds) + 1}", RefundStatus.SUCCEEDED)
            self.refunds[key] = (payment, amount, receipt)
            self.ids[refund] = key
        self._lose("refund")
        return self.refunds[key][2]

    def find_refund(self, payment: str, refund: str) -> RefundReceipt | None:
        self._call("find_refund")
        key = self.ids.get(refund)
        return self.refunds[key][2] if key and self.refunds[key][0] == payment else None

    def ledger(self, since: datetime) -> Iterator[LedgerLine]:
        del since
        yield from ()

    def payouts(self, since: datetime) -> Iterator[LedgerPayout]:
        del since
        yield from ()

    def pay(self, reference: str, *, card: str = "US", amount: Money | None = None, order: str | None = None) -> None:
        """A reader pays on the gateway's page."""
        request = self.requests[reference]
        due = sum((item.unit * item.quantity for item in request.items), Money(0, request.items[0].unit.currency))
        self.receipts[reference] = Receipt(
            reference,
            Standing.PAID,
            order or request.order,
            self.livemode,
            amount or due,
            f"pi_{reference}",
            f"ch_{reference}",
            card,
            card,
        )

    def notice(self, number: int, reference: str, kind: str = "checkout.session.completed") -> bytes:
        """The body of a notice about a payment; it is signed with SIGNATURE."""
        return json.dumps({"id": f"evt_{number}", "kind": kind, "order": self.requests[reference].order}).encode()

    def _call(self, name: str) -> None:
        self.calls[name] += 1
        if self.failures:
            raise self.failures.pop(0)

    def _lose(self, _name: str) -> None:
        if self.lost_answers:
            raise self.lost_answers.pop(0)


APP = Disclosure("Glassboxx", "protected (DRM)", "In the app.", is_licence=True, apps=(App("Any", "https://app.test"),))


@dataclass
class FakeApp:
    """A provider with an app, who cannot be asked whether an order arrived."""

    disclosure: Disclosure = APP
    repeats_safely: bool = False
    states: dict[str, ProviderState] = field(default_factory=dict)
    granted: list[Consignment] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    lost_answers: list[Exception] = field(default_factory=list)
    refuses_repeats: bool = False

    def can_deliver(self, isbn: str, sku: str) -> ProviderState:
        del isbn
        return self.states.get(sku, ProviderState.ENABLED)

    def deliver(self, consignment: Consignment) -> Delivery:
        if self.refuses_repeats and consignment in self.granted:
            raise RepeatRefusedError("we have this order")
        if self.failures:
            raise self.failures.pop(0)
        self.granted.append(consignment)
        if self.lost_answers:
            raise self.lost_answers.pop(0)
        return Delivery(Place.APP)


@dataclass
class FakeMailer:
    """Keeps letters; refuses addresses that bounce."""

    sent: list[Letter] = field(default_factory=list)
    bounces: set[str] = field(default_factory=set)
    failures: list[Exception] = field(default_factory=list)

    def send(self, letter: Letter) -> None:
        if self.failures:
            raise self.failures.pop(0)
        if letter.to in self.bounces:
            raise RefusedError("the address was not accepted (550)")
        self.sent.append(letter)

    def subjects(self) -> list[str]:
        """What was sent, in order."""
        return [letter.subject for letter in self.sent]
