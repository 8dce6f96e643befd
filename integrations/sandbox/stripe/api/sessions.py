"""Checkout sessions over the API."""

from urllib.parse import urlsplit

from integrations.sandbox.stripe import money, objects, sessions, setups
from integrations.sandbox.stripe.api.route import BY_INTENT, META, SHIPPING, Route, get, listing, updating
from integrations.sandbox.stripe.errors import refused
from integrations.sandbox.stripe.form import ANY, GONE, MAP, NUMBER, SWITCH, TEXT, UNSIMULATED, need
from integrations.sandbox.stripe.lists import PAGING, envelope
from integrations.sandbox.stripe.store import Thing, new_id
from integrations.sandbox.stripe.world import World, public

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
    "customer": TEXT,
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
        "setup_future_usage": ("off_session", "on_session"),
        "shipping": SHIPPING,
        "statement_descriptor": TEXT,
        "statement_descriptor_suffix": TEXT,
    },
    "payment_method_types": GONE,
    "phone_number_collection": {"enabled": SWITCH},
    "setup_intent_data": {"description": TEXT, "metadata": MAP},
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
            "subscription_data",
            "tax_id_collection",
            "wallet_options",
        ),
        UNSIMULATED,
    ),
}
UPDATE: Thing = {**META, **dict.fromkeys(("collected_information", "line_items", "shipping_options"), UNSIMULATED)}


def create_session(world: World, asked: Thing) -> Thing:
    """Open a checkout session, paid or set up on the hosted page."""
    _check_session(asked, world.store.now())
    if asked.get("customer"):
        get(world, "customer", asked["customer"], "customer")
    if asked["mode"] == "setup":
        return _create_setup(world, asked)
    session = objects.session(asked, _lines(world, asked["line_items"]), now=world.store.now(), url=world.url)
    if session["amount_total"] < money.SMALLEST_CHARGE:
        says = "The Checkout Session's total amount due must add up to at least £0.30."
        raise refused(says, code="amount_too_small")
    return world.store.add(session)


def _create_setup(world: World, asked: Thing) -> Thing:
    session = world.store.add(objects.session(asked, [], now=world.store.now(), url=world.url))
    about = {"customer": session["customer"], **session["_intent_data"], "_session": session["id"]}
    return world.store.save(session, setup_intent=setups.create(world, about)["id"])


def _lines(world: World, asked: list[Thing]) -> list[Thing]:
    lines = [_line(world, line, f"line_items[{number}]") for number, line in enumerate(asked)]
    if len({line["currency"] for line in lines}) > 1:
        raise refused("All line items must have the same currency.", "line_items")
    return lines


def _line(world: World, asked: Thing, param: str) -> Thing:
    need(asked, "quantity", above=param)
    _least(asked["quantity"], 1, f"{param}[quantity]")
    if asked.get("price"):
        price = get(world, "price", asked["price"], f"{param}[price]")
        return objects.line_item(asked, public(price), get(world, "product", price["product"])["name"])
    need(asked, "price_data", above=param)
    return _inline_line(world, asked, f"{param}[price_data]")


def _inline_line(world: World, asked: Thing, param: str) -> Thing:
    data = asked["price_data"]
    need(data, "currency", "unit_amount", above=param)
    _least(data["unit_amount"], 0, f"{param}[unit_amount]")
    if data.get("product"):
        product, name = data["product"], get(world, "product", data["product"], f"{param}[product]")["name"]
    else:
        need(data, "product_data", above=param)
        need(data["product_data"], "name", above=f"{param}[product_data]")
        product, name = new_id("prod"), data["product_data"]["name"]
    price = objects.price(data, product=product, active=False, now=world.store.now())
    return objects.line_item(asked, price, name)


def _least(value: int, least: int, param: str) -> None:
    if value < least:
        says = f"This value must be greater than or equal to {least}."
        raise refused(says, param, "parameter_invalid_integer")


def _check_session(asked: Thing, now: int) -> None:
    need(asked, "mode", "success_url")
    need(asked, "line_items" if asked["mode"] == "payment" else "currency")
    _refuse_unsimulated(asked)
    if asked.get("customer") and (asked.get("customer_email") or asked.get("customer_creation")):
        raise refused("You may only name a customer, or say how to make one: not both.", "customer")
    _check_addresses(asked)
    _check_expiry(asked.get("expires_at"), now)
    for number, option in enumerate(asked.get("shipping_options") or []):
        _check_shipping(option, f"shipping_options[{number}]")


def _refuse_unsimulated(asked: Thing) -> None:
    if asked["mode"] == "subscription" or asked.get("ui_mode", "hosted_page") != "hosted_page":
        says = "The sandbox simulates mode=payment and mode=setup with ui_mode=hosted_page only."
        raise refused(says, "mode")
    if (asked.get("automatic_tax") or {}).get("enabled"):
        raise refused("The sandbox does not simulate automatic tax.", "automatic_tax[enabled]")


def _check_addresses(asked: Thing) -> None:
    for name in ("success_url", "cancel_url"):
        if asked.get(name) and not (urlsplit(asked[name]).scheme in {"http", "https"} and urlsplit(asked[name]).netloc):
            raise refused("Not a valid URL", name, "url_invalid")
    if asked.get("customer_email") and "@" not in asked["customer_email"]:
        raise refused(f"Invalid email address: {asked['customer_email']}", "customer_email", "email_invalid")


def _check_expiry(expires_at: int | None, now: int) -> None:
    if expires_at is None:
        return
    if expires_at < now + sessions.HALF_AN_HOUR:
        says = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise refused(says, "expires_at")
    if expires_at > now + sessions.A_DAY:
        says = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise refused(says, "expires_at")


def _check_shipping(option: Thing, param: str) -> None:
    need(option, "shipping_rate_data", above=param)
    above = f"{param}[shipping_rate_data]"
    need(option["shipping_rate_data"], "display_name", "fixed_amount", above=above)
    need(option["shipping_rate_data"]["fixed_amount"], "amount", "currency", above=f"{above}[fixed_amount]")


def retrieve_session(world: World, _asked: Thing, object_id: str) -> Thing:
    """Return a session, expired if its time has come."""
    return sessions.current(world, get(world, "checkout.session", object_id))


def expire_session(world: World, _asked: Thing, object_id: str) -> Thing:
    """Expire an open session."""
    return sessions.expire(world, retrieve_session(world, _asked, object_id))


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
    Route("POST", "/checkout/sessions/<object_id>", UPDATE, updating("checkout.session")),
    Route("POST", "/checkout/sessions/<object_id>/expire", {}, expire_session),
    Route("GET", "/checkout/sessions/<object_id>/line_items", PAGING, list_lines),
)
