"""The targets: what is asked of the server in one round, request by request."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.bench.catalogue import COUNTRY, FAMOUS, NOUNS, SUBJECTS, SURNAMES, WORKS, isbn, slug

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.house import House

COOKIES = f"country={COUNTRY}; basket={isbn(7, 0)}x1.{isbn(9, 0)}x2"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Target:
    """One line of the table: how many requests a full round makes of it, and the n-th of them."""

    name: str
    count: int
    make: Callable[[House, int], bytes]
    status: int = 200
    on_stripe: bool = False


def asked(app: str, path: str, *headers: str, body: bytes | None = None) -> bytes:
    """A request as a browser or a machine would write it, with the cookies of a reader who is shopping."""
    lines = [
        f"{'GET' if body is None else 'POST'} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"X-Bench: {app}",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Accept: text/html,application/xhtml+xml",
        f"Cookie: {COOKIES}",
        *headers,
        *([] if body is None else [f"Content-Length: {len(body)}"]),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")


def page(app: str, slug_: str) -> bytes:
    """A book's page."""
    return asked(app, f"/books/{slug_}")


def _listed(_house: House, number: int) -> bytes:
    return asked("shop", f"/?page={1 + number % 20}")


def _sought(_house: House, number: int) -> bytes:
    words = [
        *SURNAMES,
        *SUBJECTS,
        *NOUNS,
        "of",
        f"{SURNAMES[number % 10]} {NOUNS[number % 24]}",
        isbn(number % WORKS, 0),
    ]
    return asked("shop", "/search?" + urlencode({"q": words[number % len(words)]}))


def _put_in_basket(house: House, number: int) -> bytes:
    form = urlencode({"isbn": isbn(number % WORKS, 0)}).encode()
    return asked(
        "shop", "/basket", f"Origin: {house.shop.settings.public_base_url}", f"Content-Type: {FORM}", body=form
    )


def _notice(house: House, _number: int) -> bytes:
    """Stripe's word that a session was paid, each with an id of its own, signed now."""
    body = json.dumps(_event(f"evt_{uuid.uuid4().hex}"), indent=2).encode()
    at = int(time.time())
    signature = hmac.new(house.webhook_secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return asked(
        "shop",
        "/webhooks/stripe",
        f"Stripe-Signature: t={at},v1={signature}",
        "Content-Type: application/json; charset=utf-8",
        body=body,
    )


def _event(id_: str) -> dict[str, object]:
    session = {
        "id": f"cs_test_{id_}",
        "object": "checkout.session",
        "amount_total": 4750,
        "client_reference_id": id_[-20:],
        "currency": "gbp",
        "customer_details": {"address": {"country": COUNTRY}, "email": "reader@example.org"},
        "livemode": False,
        "metadata": {"order": id_[-20:], "number": "FL-10001"},
        "mode": "payment",
        "payment_intent": f"pi_{id_}",
        "payment_status": "paid",
        "status": "complete",
        "success_url": "http://127.0.0.1/orders/1",
    }
    return {
        "id": id_,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "data": {"object": session},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "checkout.session.completed",
    }


def _session(_house: House, _number: int) -> bytes:
    """What the shop's adapter sends to begin a payment."""
    order = uuid.uuid4().hex[:20]
    body = urlencode(SESSION | {"client_reference_id": order, "metadata[order]": order}).encode()
    return asked(
        "stripe",
        "/v1/checkout/sessions",
        "Authorization: Bearer sk_test_sandbox_bench",
        f"Idempotency-Key: {uuid.uuid4()}",
        f"Content-Type: {FORM}",
        body=body,
    )


SESSION = {
    "mode": "payment",
    "ui_mode": "hosted_page",
    "customer_email": "reader@example.org",
    "metadata[number]": "FL-10001",
    "payment_intent_data[metadata][number]": "FL-10001",
    "payment_intent_data[description]": "Order FL-10001",
    "line_items[0][quantity]": "1",
    "line_items[0][price_data][currency]": "gbp",
    "line_items[0][price_data][unit_amount]": "3800",
    "line_items[0][price_data][product_data][name]": "Exit Stalin (Hardback)",
    "success_url": "http://127.0.0.1/orders/1",
    "cancel_url": "http://127.0.0.1/checkout/1",
    "billing_address_collection": "required",
    "adaptive_pricing[enabled]": "false",
}

BARE = "bare Flask response"
YARDSTICK = "bare Jinja page, five raw queries"
RENDERED = "product page, rendered"
FIRST = "product page, of a book never shown"
REMEMBERED = "product page, nothing changed"
STRIPE = "sandbox: checkout session"

TARGETS = (
    Target(BARE, 4000, lambda _house, _number: asked("bare", "/bare")),
    Target(YARDSTICK, 1500, lambda _house, number: page("bare", slug(number * 7 % WORKS))),
    Target(RENDERED, 800, lambda _house, number: page("rendered", slug(number * 7 % WORKS))),
    Target(FIRST, 800, lambda _house, number: page("first", slug(number * 7 % WORKS))),
    Target(REMEMBERED, 3000, lambda _house, _number: page("shop", FAMOUS)),
    Target("list of 24 books", 300, _listed),
    Target("search", 300, _sought),
    Target("add to basket", 800, _put_in_basket, status=303),
    Target("webhook", 600, _notice),
    Target(STRIPE, 400, _session, on_stripe=True),
)
