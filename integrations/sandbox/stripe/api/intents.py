"""Payment intents and setup intents over the API."""

from functools import partial
from typing import Any

from integrations.sandbox.stripe import money, payers, payments, setups
from integrations.sandbox.stripe.api.route import META, SHIPPING, Route, get, listing, retrieving, updating
from integrations.sandbox.stripe.errors import DeclinedError, refused
from integrations.sandbox.stripe.form import ANY, GONE, NUMBER, SWITCH, TEXT, UNSIMULATED, need
from integrations.sandbox.stripe.lists import PAGING
from integrations.sandbox.stripe.payments import Outcome
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.wire import speaks_newest
from integrations.sandbox.stripe.world import World, public

REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
LATER = ("off_session", "on_session")
CONFIRMATION: Thing = {
    "error_on_requires_action": UNSIMULATED,
    "mandate_data": ANY,
    "off_session": SWITCH,
    "payment_method": TEXT,
    "payment_method_types": GONE,
    "return_url": TEXT,
    "setup_future_usage": LATER,
    "shipping": SHIPPING,
}
PAYMENT: Thing = {
    **META,
    **CONFIRMATION,
    "amount": NUMBER,
    "automatic_payment_methods": {"allow_redirects": ("always", "never"), "enabled": SWITCH},
    "capture_method": ("automatic", "automatic_async", "manual"),
    "confirm": SWITCH,
    "confirmation_method": ("automatic", "manual"),
    "currency": TEXT,
    "customer": TEXT,
    "description": TEXT,
    "receipt_email": TEXT,
    "statement_descriptor": TEXT,
    "statement_descriptor_suffix": TEXT,
    **dict.fromkeys(("payment_method_configuration", "payment_method_data", "payment_method_options"), UNSIMULATED),
}
CHANGEABLE = ("amount", "currency", "customer", "description", "receipt_email", "setup_future_usage", "shipping")
SETUP: Thing = {
    **META,
    "automatic_payment_methods": {"allow_redirects": ("always", "never"), "enabled": SWITCH},
    "confirm": SWITCH,
    "customer": TEXT,
    "description": TEXT,
    "mandate_data": ANY,
    "payment_method": TEXT,
    "payment_method_types": GONE,
    "return_url": TEXT,
    "usage": LATER,
}


# --- payment intents


def create_payment(world: World, asked: Thing) -> Thing:
    """Make a payment intent, and confirm it at once where the request says so."""
    need(asked, "amount", "currency")
    if asked["amount"] < money.SMALLEST_CHARGE:
        raise refused("Amount must be no less than £0.30 gbp", "amount", "amount_too_small")
    intent = payments.create(world, _known(world, asked))
    return _confirm_payment(world, intent, asked) if asked.get("confirm") else intent


def _known(world: World, asked: Thing) -> Thing:
    """Return the request with the ids that its names stand for."""
    found = dict(asked)
    if asked.get("customer"):
        get(world, "customer", asked["customer"], "customer")
    if asked.get("payment_method"):
        found["payment_method"] = payers.method_for(world, asked["payment_method"])["id"]
    return found


def confirm_payment(world: World, asked: Thing, object_id: str) -> Thing:
    """Try to pay an intent."""
    intent = get(world, "payment_intent", object_id)
    kept = {name: asked[name] for name in ("setup_future_usage", "shipping") if name in asked}
    return _confirm_payment(world, world.store.save(intent, **kept), _known(world, asked))


def _confirm_payment(world: World, intent: Thing, asked: Thing) -> Thing:
    method = _method(world, intent, asked, "PaymentIntent")
    outcome = payments.confirm(world, intent, method, off_session=asked.get("off_session") or False)
    return _answered(intent, outcome, "last_payment_error")


def _method(world: World, intent: Thing, asked: Thing, noun: str) -> Thing:
    chosen = intent["payment_method"] or asked.get("payment_method")
    if not chosen:
        says = f"You cannot confirm this {noun} because it's missing a payment method."
        raise refused(says, "payment_method", f"{intent['object']}_unexpected_state")
    world.store.save(intent, _return_url=asked.get("return_url") or intent["_return_url"])
    if speaks_newest():
        _require_return_url(intent)
    return payers.method_for(world, chosen)


def _require_return_url(intent: Thing) -> None:
    dashboard = intent["automatic_payment_methods"] or {"enabled": False}
    if dashboard["enabled"] and dashboard["allow_redirects"] == "always" and not intent["_return_url"]:
        says = (
            "This intent accepts whatever payment methods the Dashboard allows, and some of these redirect the payer: "
            "provide a `return_url`, or set automatic_payment_methods[allow_redirects] to `never`."
        )
        raise refused(says, "return_url")


def _answered(intent: Thing, outcome: Outcome, error: str) -> Thing:
    """Return the intent, or the bank's refusal with the intent inside."""
    if outcome.verdict == "declined":
        raise DeclinedError(intent[error], intent["object"], public(intent))
    return intent


def update_payment(world: World, asked: Thing, object_id: str) -> Thing:
    """Change an intent that nobody has paid yet; its metadata at any time."""
    intent = get(world, "payment_intent", object_id)
    if set(asked) - {"metadata", "description", "receipt_email", "expand"}:
        payments.require(intent, payments.CONFIRMABLE, "update")
    if asked.get("payment_method"):
        method = payers.method_for(world, asked["payment_method"])
        world.store.save(intent, payment_method=method["id"], status="requires_confirmation")
    changes = {name: asked[name] for name in CHANGEABLE if name in asked}
    world.store.save(intent, **changes)
    return updating("payment_intent")(world, {"metadata": asked.get("metadata") or {}}, object_id=object_id)


def capture_payment(world: World, asked: Thing, object_id: str) -> Thing:
    """Capture an authorised payment."""
    return payments.capture(world, get(world, "payment_intent", object_id), asked.get("amount_to_capture"))


def cancel(kind: str, work: Any, world: World, asked: Thing, object_id: str) -> Thing:
    """Cancel an intent of a kind."""
    cancelled: Thing = work(world, get(world, kind, object_id), asked.get("cancellation_reason"))
    return cancelled


# --- setup intents


def create_setup(world: World, asked: Thing) -> Thing:
    """Make a setup intent, and confirm it at once where the request says so."""
    intent = setups.create(world, _known(world, asked))
    return _confirm_setup(world, intent, asked) if asked.get("confirm") else intent


def confirm_setup(world: World, asked: Thing, object_id: str) -> Thing:
    """Try to set a payment method up."""
    return _confirm_setup(world, get(world, "setup_intent", object_id), _known(world, asked))


def _confirm_setup(world: World, intent: Thing, asked: Thing) -> Thing:
    outcome = setups.confirm(world, intent, _method(world, intent, asked, "SetupIntent"))
    return _answered(intent, outcome, "last_setup_error")


def update_setup(world: World, asked: Thing, object_id: str) -> Thing:
    """Change a setup intent that is not done."""
    setups.require(get(world, "setup_intent", object_id), "update")
    return updating("setup_intent")(world, _known(world, asked), object_id=object_id)


BY_CUSTOMER: Thing = {**PAGING, "customer": TEXT}
CANCELLATION: Thing = {"cancellation_reason": REASONS}
SETUP_UPDATE: Thing = {**META, "customer": TEXT, "description": TEXT, "payment_method": TEXT}

ROUTES = (
    Route("POST", "/payment_intents", PAYMENT, create_payment),
    Route("GET", "/payment_intents", BY_CUSTOMER, listing("payment_intent", "customer")),
    Route("GET", "/payment_intents/<object_id>", {"client_secret": TEXT}, retrieving("payment_intent")),
    Route("POST", "/payment_intents/<object_id>", PAYMENT, update_payment),
    Route("POST", "/payment_intents/<object_id>/confirm", CONFIRMATION, confirm_payment),
    Route("POST", "/payment_intents/<object_id>/capture", {**META, "amount_to_capture": NUMBER}, capture_payment),
    Route(
        "POST",
        "/payment_intents/<object_id>/cancel",
        CANCELLATION,
        partial(cancel, "payment_intent", payments.cancel),
    ),
    Route("POST", "/setup_intents", SETUP, create_setup),
    Route("GET", "/setup_intents", BY_CUSTOMER, listing("setup_intent", "customer")),
    Route("GET", "/setup_intents/<object_id>", {"client_secret": TEXT}, retrieving("setup_intent")),
    Route("POST", "/setup_intents/<object_id>", SETUP_UPDATE, update_setup),
    Route("POST", "/setup_intents/<object_id>/confirm", CONFIRMATION, confirm_setup),
    Route("POST", "/setup_intents/<object_id>/cancel", CANCELLATION, partial(cancel, "setup_intent", setups.cancel)),
)
