"""Checkout sessions over the API."""

from urllib.parse import urlsplit

from integrations.sandbox.stripe import objects, payments
from integrations.sandbox.stripe.api.route import BY_INTENT, META, Route, get, listing, updating
from integrations.sandbox.stripe.errors import refused
from integrations.sandbox.stripe.form import ANY, MAP, NUMBER, SWITCH, TEXT, UNSIMULATED, need
from integrations.sandbox.stripe.lists import PAGING, envelope
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World

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
)
