"""Stripe: the shop's gateway over hosted Checkout Sessions, by the official library.

Vendor words end here. A call that changes something carries the key that the shop stored before; a lost
answer is an unknown outcome, a refusal is definite, and only reading may simply be tried again.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import stripe

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
from shop.money import Money
from shop.orders.payments import RefundStatus
from shop.services import RefusedError, UnavailableError, UnknownOutcomeError

if TYPE_CHECKING:
    from collections.abc import Iterator

stripe.enable_telemetry = False

EXPANDED = {"expand": ["payment_intent.latest_charge"]}
PAGE = 100

_REFUND_STATUS = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


class StripeGateway:
    """Takes money through Stripe."""

    def __init__(self, secret_key: str, webhook_secrets: tuple[str, ...], api_base: str = "") -> None:
        """Use this key and these signing secrets; `api_base` is empty for Stripe itself."""
        self._secrets = webhook_secrets
        self._patient = _client(secret_key, api_base, timeout=(3.05, 20.0), retries=2)
        self._impatient = _client(secret_key, api_base, timeout=(1.0, 3.0), retries=0)

    def start(self, request: PaymentRequest) -> Started:
        """Begin a payment on Stripe's own page."""
        with _changing():
            session = self._patient.v1.checkout.sessions.create(
                _session_parameters(request),  # type: ignore[arg-type]
                {"idempotency_key": request.key},
            )
        return Started(session.id, session.url or "")

    def receipt_for(self, reference: str, *, patiently: bool = True) -> Receipt:
        """How a session stands now, with its payment and card."""
        client = self._patient if patiently else self._impatient
        with _reading():
            return _receipt(client.v1.checkout.sessions.retrieve(reference, EXPANDED))  # type: ignore[arg-type]

    def expire(self, reference: str) -> Receipt:
        """End a session; when it is not open any more, the receipt says how it ended."""
        try:
            with _changing():
                self._patient.v1.checkout.sessions.expire(reference)
        except RefusedError:
            pass
        return self.receipt_for(reference)

    def hear(self, body: bytes, signature: str) -> Knock:
        """Check the signature over the raw bytes and read where to look."""
        for secret in self._secrets:
            try:
                stripe.WebhookSignature.verify_header(body.decode(), signature, secret, tolerance=300)
                break
            except (stripe.SignatureVerificationError, ValueError, TypeError):
                continue
        else:
            raise ForgedNoticeError
        return _knock(body)

    def refund(self, payment: str, amount: Money, *, key: str, refund: str) -> RefundReceipt:
        """Give back part of a payment."""
        with _changing():
            made = self._patient.v1.refunds.create(
                {"payment_intent": payment, "amount": amount.minor, "metadata": {"refund": refund}},
                {"idempotency_key": key},
            )
        return _refund_receipt(made)

    def find_refund(self, payment: str, refund: str) -> RefundReceipt | None:
        """Look through a payment's refunds for one of ours."""
        with _reading():
            listed = self._patient.v1.refunds.list({"payment_intent": payment, "limit": PAGE})
            for made in listed.auto_paging_iter():
                if made.metadata and made.metadata.to_dict().get("refund") == refund:
                    return _refund_receipt(made)
        return None

    def ledger(self, since: datetime) -> Iterator[LedgerLine]:
        """Balance transactions created since then."""
        with _reading():
            listed = self._patient.v1.balance_transactions.list(
                {"created": {"gte": int(since.timestamp())}, "limit": PAGE, "expand": ["data.source"]}
            )
            yield from (_line(one.to_dict()) for one in listed.auto_paging_iter())

    def payouts(self, since: datetime) -> Iterator[LedgerPayout]:
        """Payouts created since then, with what is in them."""
        with _reading():
            listed = self._patient.v1.payouts.list({"created": {"gte": int(since.timestamp())}, "limit": PAGE})
            for payout in listed.auto_paging_iter():
                yield self._payout(payout)

    def _payout(self, payout: Any) -> LedgerPayout:
        complete = payout.reconciliation_status == "completed"
        lines: tuple[str, ...] = ()
        if complete:
            inside = self._patient.v1.balance_transactions.list({"payout": payout.id, "limit": PAGE})
            lines = tuple(one.id for one in inside.auto_paging_iter() if one.type not in _PAYOUT_TYPES)
        return LedgerPayout(
            reference=payout.id,
            amount=payout.amount,
            currency=payout.currency.upper(),
            status=payout.status,
            arrives_at=_instant(payout.arrival_date),
            lines=lines,
            is_complete=complete,
        )


_PAYOUT_TYPES = {"payout", "payout_failure", "payout_cancel"}


def _client(key: str, api_base: str, *, timeout: tuple[float, float], retries: int) -> stripe.StripeClient:
    bases: Any = dict.fromkeys(("api", "files", "connect", "meter_events"), api_base) if api_base else None
    return stripe.StripeClient(
        key,
        base_addresses=bases,
        http_client=stripe.RequestsClient(timeout=timeout),
        max_network_retries=retries,
    )


@contextmanager
def _changing() -> Iterator[None]:
    """A call that changes something: a lost or broken answer leaves the outcome unknown."""
    with _refusals():
        try:
            yield
        except (stripe.APIConnectionError, stripe.APIError) as error:
            raise UnknownOutcomeError(f"Stripe gave no clear answer: {error.user_message or error}") from error


@contextmanager
def _reading() -> Iterator[None]:
    """A call that only asks: without an answer, nothing has happened."""
    with _refusals():
        try:
            yield
        except (stripe.APIConnectionError, stripe.APIError) as error:
            raise UnavailableError(f"Stripe gave no answer: {error.user_message or error}") from error


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise UnavailableError("Stripe does not accept our key: check stripe_secret_key") from error
    except stripe.RateLimitError as error:
        raise UnavailableError("Stripe asks us to slow down") from error
    except stripe.IdempotencyError as error:
        if error.code == "idempotency_key_in_use":
            raise UnknownOutcomeError("Stripe is still at work on the same call") from error
        raise RefusedError(f"Stripe refused: {error.user_message or error}") from error
    except (stripe.CardError, stripe.InvalidRequestError) as error:
        raise RefusedError(f"Stripe refused: {error.user_message or error}") from error


def _session_parameters(request: PaymentRequest) -> dict[str, Any]:
    mark = {"order": request.order, "number": request.number}
    return {
        "mode": "payment",
        "ui_mode": "hosted_page",
        "client_reference_id": request.order,
        "customer_email": request.email,
        "metadata": mark,
        "payment_intent_data": {"metadata": mark, "description": f"Order {request.number}"},
        "line_items": [
            {
                "quantity": item.quantity,
                "price_data": {
                    "currency": item.unit.currency.lower(),
                    "unit_amount": item.unit.minor,
                    "product_data": {"name": item.name},
                },
            }
            for item in request.items
        ],
        "success_url": request.success_address,
        "cancel_url": request.cancel_address,
        "expires_at": int(request.expires_at.timestamp()),
        "billing_address_collection": "required",
        "adaptive_pricing": {"enabled": False},
    }


def _receipt(session: stripe.checkout.Session) -> Receipt:
    values = session.to_dict()
    intent = values.get("payment_intent")
    intent = intent if isinstance(intent, dict) else {}
    charge = intent.get("latest_charge")
    charge = charge if isinstance(charge, dict) else {}
    paid = values["payment_status"] == "paid" and intent.get("status") == "succeeded"
    return Receipt(
        reference=values["id"],
        standing=_standing(values, paid=paid),
        order=(intent.get("metadata") or {}).get("order") if paid else values.get("client_reference_id"),
        livemode=values["livemode"],
        amount=Money(intent["amount_received"], intent["currency"].upper()) if paid else None,
        payment=intent.get("id"),
        charge=charge.get("id"),
        card_country=((charge.get("payment_method_details") or {}).get("card") or {}).get("country"),
        billing_country=((values.get("customer_details") or {}).get("address") or {}).get("country"),
    )


def _standing(values: dict[str, Any], *, paid: bool) -> Standing:
    if paid:
        return Standing.PAID
    return {"expired": Standing.EXPIRED, "complete": Standing.PROCESSING}.get(values["status"], Standing.OPEN)


def _knock(body: bytes) -> Knock:
    try:
        event = json.loads(body)
        about = event["data"]["object"]
        metadata = about.get("metadata") or {}
        return Knock(
            id=event["id"],
            kind=event["type"],
            order=about.get("client_reference_id") or metadata.get("order"),
            refund=metadata.get("refund"),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ForgedNoticeError from error


def _refund_receipt(refund: stripe.Refund) -> RefundReceipt:
    return RefundReceipt(refund.id, _REFUND_STATUS.get(refund.status or "pending", RefundStatus.PENDING))


def _line(values: dict[str, Any]) -> LedgerLine:
    source = values.get("source")
    expanded = source if isinstance(source, dict) else {}
    return LedgerLine(
        reference=values["id"],
        category=values["reporting_category"],
        source=expanded.get("id") if expanded else source,
        payment=expanded.get("payment_intent"),
        gross=values["amount"],
        fee=values["fee"],
        net=values["net"],
        currency=values["currency"].upper(),
        created_at=_instant(values["created"]),
        payout=None,
        description=values.get("description"),
    )


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
