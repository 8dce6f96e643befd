"""The API: which paths exist, which parameters each takes, and what it does."""

import json
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import Blueprint, Response

from integrations.sandbox.stripe import money, objects, payments, webhooks
from integrations.sandbox.stripe.objects import API_VERSION
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.wire import (
    ANY,
    MAP,
    NUMBER,
    PAGING,
    RANGE,
    SWITCH,
    TEXT,
    UNSIMULATED,
    Work,
    answer,
    envelope,
    missing,
    need,
    page,
    refused,
)
from integrations.sandbox.stripe.world import World


class Route(NamedTuple):
    """One call of the API; `spec` names its parameters, see `wire.check`."""

    method: str
    path: str
    spec: Thing
    work: Work


def blueprint(world: World) -> Blueprint:
    """Return the API as a Flask blueprint."""
    api = Blueprint("api", __name__, url_prefix="/v1")
    for number, route in enumerate(ROUTES):
        view = partial(_view, world, route)
        api.add_url_rule(route.path, f"{number}", view, methods=[route.method])
    return api


def _view(world: World, route: Route, **ids: str) -> Response:
    return answer(world, route.work, route.spec, ids)


# --- works that many routes share


def retrieving(kind: str) -> Work:
    """Return the work that retrieves an object of a kind by its id."""

    def retrieve(world: World, _asked: Thing, object_id: str) -> Thing:
        return get(world, kind, object_id)

    return retrieve


def listing(kind: str, *filters: str) -> Work:
    """Return the work that lists a kind, filtered by equal columns."""

    def list_page(world: World, asked: Thing) -> Thing:
        return page(world, kind, asked, [(f"{name} = ?", asked[name]) for name in filters if name in asked])

    return list_page


def updating(kind: str, event: str | None = None) -> Work:
    """Return the work that changes an object's metadata."""

    def update(world: World, asked: Thing, object_id: str) -> Thing:
        thing = get(world, kind, object_id)
        kept = {**thing["metadata"], **asked.get("metadata", {})}
        world.store.save(thing, metadata={key: value for key, value in kept.items() if value})
        if event:
            world.emit(event, thing)
        return thing

    return update


def get(world: World, kind: str, object_id: str, param: str = "id") -> Thing:
    """Return an object, or raise Stripe's 404."""
    thing = world.store.find(object_id, kind)
    if thing is None:
        raise missing(kind, object_id, param)
    return thing


# --- checkout sessions

PRICE_DATA = {
    "currency": TEXT,
    "product": TEXT,
    "product_data": {
        "description": TEXT,
        "images": [TEXT],
        "metadata": MAP,
        "name": TEXT,
        "tax_code": TEXT,
        "unit_label": TEXT,
    },
    "tax_behavior": ("exclusive", "inclusive", "unspecified"),
    "unit_amount": NUMBER,
}
ADDRESS = {"city": TEXT, "country": TEXT, "line1": TEXT, "line2": TEXT, "postal_code": TEXT, "state": TEXT}
MESSAGE = {"message": TEXT}
SESSION = {
    "adaptive_pricing": {"enabled": SWITCH},
    "allowed_payment_method_types": [TEXT],
    "automatic_tax": {"enabled": SWITCH},
    "billing_address_collection": ("auto", "required"),
    "cancel_url": TEXT,
    "client_reference_id": TEXT,
    "consent_collection": {"promotions": ("auto", "none"), "terms_of_service": ("none", "required")},
    "currency": TEXT,
    "custom_text": {
        "after_submit": MESSAGE,
        "shipping_address": MESSAGE,
        "submit": MESSAGE,
        "terms_of_service_acceptance": MESSAGE,
    },
    "customer_creation": ("always", "if_required"),
    "customer_email": TEXT,
    "excluded_payment_method_types": [TEXT],
    "expires_at": NUMBER,
    "line_items": [{"metadata": MAP, "price": TEXT, "price_data": PRICE_DATA, "quantity": NUMBER}],
    "locale": TEXT,
    "metadata": MAP,
    "mode": ("payment", "setup", "subscription"),
    "payment_intent_data": {
        "capture_method": ("automatic", "automatic_async", "manual"),
        "description": TEXT,
        "metadata": MAP,
        "receipt_email": TEXT,
        "shipping": {
            "address": ADDRESS,
            "carrier": TEXT,
            "name": TEXT,
            "phone": TEXT,
            "tracking_number": TEXT,
        },
        "statement_descriptor": TEXT,
        "statement_descriptor_suffix": TEXT,
    },
    "phone_number_collection": {"enabled": SWITCH},
    "shipping_address_collection": {"allowed_countries": [TEXT]},
    "shipping_options": [
        {
            "shipping_rate_data": {
                "delivery_estimate": ANY,
                "display_name": TEXT,
                "fixed_amount": {"amount": NUMBER, "currency": TEXT},
                "metadata": MAP,
                "tax_behavior": ("exclusive", "inclusive", "unspecified"),
                "tax_code": TEXT,
                "type": ("fixed_amount",),
            }
        }
    ],
    "submit_type": ("auto", "book", "donate", "pay", "subscribe"),
    "success_url": TEXT,
    "ui_mode": ("elements", "embedded_page", "form", "hosted_page"),
    **dict.fromkeys(
        (
            "after_expiration",
            "allow_promotion_codes",
            "branding_settings",
            "custom_fields",
            "customer",
            "customer_account",
            "customer_update",
            "discounts",
            "integration_identifier",
            "invoice_creation",
            "managed_payments",
            "name_collection",
            "optional_items",
            "origin_context",
            "payment_method_collection",
            "payment_method_configuration",
            "payment_method_data",
            "payment_method_options",
            "permissions",
            "redirect_on_completion",
            "return_url",
            "saved_payment_method_options",
            "setup_intent_data",
            "subscription_data",
            "tax_id_collection",
            "wallet_options",
        ),
        UNSIMULATED,
    ),
}
SMALLEST_CHARGE = 30
"""The least Stripe charges, in pence; the sandbox applies it to every currency."""


def create_session(world: World, asked: Thing) -> Thing:
    """Open a checkout session for inline prices, paid on the hosted page."""
    _check_session(asked, world.store.now())
    now = world.store.now()
    lines = [objects.line_item(line, now=now) for line in asked["line_items"]]
    session = objects.session(asked, lines, now=now, url=world.url)
    if session["amount_total"] < SMALLEST_CHARGE:
        says = "The Checkout Session's total amount due must add up to at least £0.30."
        raise refused(says, code="amount_too_small")
    return world.store.add(session)


def _check_session(asked: Thing, now: int) -> None:
    need(asked, "mode", "line_items", "success_url")
    if asked["mode"] != "payment" or asked.get("ui_mode", "hosted_page") != "hosted_page":
        raise refused("The sandbox simulates mode=payment with ui_mode=hosted_page only.", "mode")
    if (asked.get("automatic_tax") or {}).get("enabled"):
        raise refused("The sandbox does not simulate automatic tax.", "automatic_tax[enabled]")
    _check_addresses(asked)
    _check_expiry(asked.get("expires_at"), now)
    for number, line in enumerate(asked["line_items"]):
        _check_line(line, f"line_items[{number}]")
    for number, option in enumerate(asked.get("shipping_options") or []):
        _check_shipping(option, f"shipping_options[{number}]")
    if len({line["price_data"]["currency"].lower() for line in asked["line_items"]}) > 1:
        raise refused("All line items must have the same currency.", "line_items")


def _check_addresses(asked: Thing) -> None:
    for name in ("success_url", "cancel_url"):
        if asked.get(name) and not (urlsplit(asked[name]).scheme in {"http", "https"} and urlsplit(asked[name]).netloc):
            raise refused("Not a valid URL", name, "url_invalid")
    if asked.get("customer_email") and "@" not in asked["customer_email"]:
        raise refused(f"Invalid email address: {asked['customer_email']}", "customer_email", "email_invalid")


def _check_expiry(expires_at: int | None, now: int) -> None:
    if expires_at is None:
        return
    if expires_at < now + payments.HALF_AN_HOUR:
        says = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise refused(says, "expires_at")
    if expires_at > now + payments.A_DAY:
        says = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise refused(says, "expires_at")


def _check_line(line: Thing, param: str) -> None:
    if line.get("price"):
        raise refused(f"No such price: '{line['price']}'", f"{param}[price]", "resource_missing")
    need(line, "price_data", "quantity", above=param)
    data = line["price_data"]
    need(data, "currency", "product_data", "unit_amount", above=f"{param}[price_data]")
    need(data["product_data"], "name", above=f"{param}[price_data][product_data]")
    for name, value, least in (
        ("quantity", line["quantity"], 1),
        ("price_data][unit_amount", data["unit_amount"], 0),
    ):
        if value < least:
            says = f"This value must be greater than or equal to {least}."
            raise refused(says, f"{param}[{name}]", "parameter_invalid_integer")


def _check_shipping(option: Thing, param: str) -> None:
    need(option, "shipping_rate_data", above=param)
    above = f"{param}[shipping_rate_data]"
    need(option["shipping_rate_data"], "display_name", "fixed_amount", above=above)
    need(option["shipping_rate_data"]["fixed_amount"], "amount", "currency", above=f"{above}[fixed_amount]")


def retrieve_session(world: World, _asked: Thing, object_id: str) -> Thing:
    """Return a session, expired if its time has come."""
    return current_session(world, get(world, "checkout.session", object_id))


def current_session(world: World, session: Thing) -> Thing:
    """Expire an open session whose time has come, and return it."""
    if session["status"] == "open" and session["expires_at"] <= world.store.now():
        payments.expire(world, session)
    return session


def expire_session(world: World, _asked: Thing, object_id: str) -> Thing:
    """Expire an open session."""
    return payments.expire(world, retrieve_session(world, _asked, object_id))


def list_lines(world: World, _asked: Thing, object_id: str) -> Thing:
    """Return the lines of a session; they always fit one page."""
    session = get(world, "checkout.session", object_id)
    return envelope(session["_lines"], has_more=False, url=f"/v1/checkout/sessions/{object_id}/line_items")


# --- intents, refunds, disputes, payouts


def capture_intent(world: World, asked: Thing, object_id: str) -> Thing:
    """Capture an authorised payment."""
    return payments.capture(world, get(world, "payment_intent", object_id), asked.get("amount_to_capture"))


def cancel_intent(world: World, asked: Thing, object_id: str) -> Thing:
    """Cancel an authorised payment."""
    return payments.cancel(world, get(world, "payment_intent", object_id), asked.get("cancellation_reason"))


def create_refund(world: World, asked: Thing) -> Thing:
    """Refund a charge named by its own id or by its payment's."""
    if "charge" in asked:
        return money.refund(world, get(world, "charge", asked["charge"], "charge"), asked)
    need(asked, "payment_intent")
    intent = get(world, "payment_intent", asked["payment_intent"], "payment_intent")
    if not intent["latest_charge"]:
        says = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        raise refused(says, "payment_intent", "payment_intent_unexpected_state")
    return money.refund(world, get(world, "charge", intent["latest_charge"]), asked)


def update_dispute(world: World, asked: Thing, object_id: str) -> Thing:
    """Add evidence to a dispute and perhaps submit it, as Stripe does unless told otherwise."""
    dispute = get(world, "dispute", object_id)
    return money.answer_dispute(world, dispute, asked.get("evidence") or {}, submit=asked.get("submit", True))


def close_dispute(world: World, _asked: Thing, object_id: str) -> Thing:
    """Accept that a dispute is lost."""
    return money.close_dispute(world, get(world, "dispute", object_id), won=False)


def create_payout(world: World, asked: Thing) -> Thing:
    """Pay an amount out by hand."""
    need(asked, "amount", "currency")
    return money.pay_out_by_hand(world, asked["amount"], asked["currency"].lower())


def list_balance_transactions(world: World, asked: Thing) -> Thing:
    """List the ledger; `payout` is a note of the sandbox's own, not a field of the rows."""
    tests = [("source", "source"), ("type", "type"), ("currency", "currency"), ("payout", "_payout")]
    conditions = [(f"{column} = ?", asked[name]) for name, column in tests if name in asked]
    if "payout" in asked and not get(world, "payout", asked["payout"], "payout")["automatic"]:
        raise refused("Balance transaction history can only be filtered on automatic transfers.", "payout")
    return page(world, "balance_transaction", asked, conditions)


def retrieve_balance(world: World, _asked: Thing) -> Thing:
    """Return the balance."""
    return money.balance(world)


def retrieve_account(_world: World, _asked: Thing) -> Thing:
    """Return the account."""
    return objects.account()


# --- events and endpoints


def retrieve_event(world: World, _asked: Thing, object_id: str) -> Thing:
    """Return an event with the number of deliveries still owed."""
    return webhooks.counted(world, get(world, "event", object_id))


def list_events(world: World, asked: Thing) -> Thing:
    """List events; `delivery_success=false` finds those that some endpoint has not accepted."""
    conditions: list[tuple[str, Any]] = []
    kinds = asked.get("types") or ([asked["type"]] if "type" in asked else [])
    if kinds:
        conditions.append(_any_of(kinds))
    if "delivery_success" in asked:
        owed = "id IN (SELECT event_id FROM deliveries WHERE status != 'delivered')"
        conditions.append((f"({owed}) = NOT ?", asked["delivery_success"]))
    found = page(world, "event", asked, conditions)
    return {**found, "data": [webhooks.counted(world, one) for one in found["data"]]}


def _any_of(kinds: list[str]) -> tuple[str, str]:
    wish = json.dumps(kinds)
    if "*" in wish:
        return "EXISTS (SELECT 1 FROM json_each(?) WHERE objects.type GLOB value)", wish
    return "type IN (SELECT value FROM json_each(?))", wish


ENDPOINT: Thing = {
    "api_version": (API_VERSION,),
    "connect": SWITCH,
    "description": TEXT,
    "enabled_events": [TEXT],
    "metadata": MAP,
    "url": TEXT,
}


def create_endpoint(world: World, asked: Thing) -> Thing:
    """Register a webhook endpoint; its secret is shown only now."""
    need(asked, "enabled_events", "url")
    endpoint = webhooks.register(world, asked)
    return {**endpoint, "secret": endpoint["_secret"]}


def update_endpoint(world: World, asked: Thing, object_id: str) -> Thing:
    """Change an endpoint."""
    endpoint = get(world, "webhook_endpoint", object_id)
    changes: Thing = {key: asked[key] for key in ("description", "enabled_events", "metadata", "url") if key in asked}
    if "disabled" in asked:
        changes["status"] = "disabled" if asked["disabled"] else "enabled"
    return world.store.save(endpoint, **changes)


def delete_endpoint(world: World, _asked: Thing, object_id: str) -> Thing:
    """Forget an endpoint."""
    get(world, "webhook_endpoint", object_id)
    webhooks.forget(world, object_id)
    return {"id": object_id, "object": "webhook_endpoint", "deleted": True}


# --- the table

BY_INTENT: Thing = {**PAGING, "payment_intent": TEXT}
META: Thing = {"metadata": MAP}
REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")

ROUTES = (
    Route("POST", "/checkout/sessions", SESSION, create_session),
    Route(
        "GET",
        "/checkout/sessions",
        {**BY_INTENT, "status": ("complete", "expired", "open")},
        listing("checkout.session", "payment_intent", "status"),
    ),
    Route("GET", "/checkout/sessions/<object_id>", {}, retrieve_session),
    Route("POST", "/checkout/sessions/<object_id>", META, updating("checkout.session")),
    Route("POST", "/checkout/sessions/<object_id>/expire", {}, expire_session),
    Route("GET", "/checkout/sessions/<object_id>/line_items", PAGING, list_lines),
    Route("GET", "/payment_intents", PAGING, listing("payment_intent")),
    Route("GET", "/payment_intents/<object_id>", {}, retrieving("payment_intent")),
    Route("POST", "/payment_intents/<object_id>", META, updating("payment_intent")),
    Route("POST", "/payment_intents/<object_id>/capture", {"amount_to_capture": NUMBER}, capture_intent),
    Route("POST", "/payment_intents/<object_id>/cancel", {"cancellation_reason": REASONS}, cancel_intent),
    Route("GET", "/payment_methods/<object_id>", {}, retrieving("payment_method")),
    Route("GET", "/charges", BY_INTENT, listing("charge", "payment_intent")),
    Route("GET", "/charges/<object_id>", {}, retrieving("charge")),
    Route("POST", "/charges/<object_id>", META, updating("charge", "charge.updated")),
    Route(
        "POST",
        "/refunds",
        {"amount": NUMBER, "charge": TEXT, "payment_intent": TEXT, "reason": REASONS[1:], **META},
        create_refund,
    ),
    Route("GET", "/refunds", {**BY_INTENT, "charge": TEXT}, listing("refund", "payment_intent", "charge")),
    Route("GET", "/refunds/<object_id>", {}, retrieving("refund")),
    Route("POST", "/refunds/<object_id>", META, updating("refund", "refund.updated")),
    Route("GET", "/disputes", {**BY_INTENT, "charge": TEXT}, listing("dispute", "payment_intent", "charge")),
    Route("GET", "/disputes/<object_id>", {}, retrieving("dispute")),
    Route("POST", "/disputes/<object_id>", {"evidence": MAP, "submit": SWITCH, **META}, update_dispute),
    Route("POST", "/disputes/<object_id>/close", {}, close_dispute),
    Route("GET", "/balance", {}, retrieve_balance),
    Route(
        "GET",
        "/balance_transactions",
        {**PAGING, "currency": TEXT, "payout": TEXT, "source": TEXT, "type": TEXT},
        list_balance_transactions,
    ),
    Route("GET", "/balance_transactions/<object_id>", {}, retrieving("balance_transaction")),
    Route(
        "POST",
        "/payouts",
        {"amount": NUMBER, "currency": TEXT, "description": TEXT, "method": ("standard",), **META},
        create_payout,
    ),
    Route("GET", "/payouts", {**PAGING, "arrival_date": RANGE, "status": TEXT}, listing("payout", "status")),
    Route("GET", "/payouts/<object_id>", {}, retrieving("payout")),
    Route("GET", "/events", {**PAGING, "delivery_success": SWITCH, "type": TEXT, "types": [TEXT]}, list_events),
    Route("GET", "/events/<object_id>", {}, retrieve_event),
    Route("POST", "/webhook_endpoints", ENDPOINT, create_endpoint),
    Route("GET", "/webhook_endpoints", PAGING, listing("webhook_endpoint")),
    Route("GET", "/webhook_endpoints/<object_id>", {}, retrieving("webhook_endpoint")),
    Route(
        "POST",
        "/webhook_endpoints/<object_id>",
        {"description": TEXT, "disabled": SWITCH, "enabled_events": [TEXT], "url": TEXT, **META},
        update_endpoint,
    ),
    Route("DELETE", "/webhook_endpoints/<object_id>", {}, delete_endpoint),
    Route("GET", "/account", {}, retrieve_account),
)
