"""Payment intents over the API."""

from integrations.sandbox.stripe import payments
from integrations.sandbox.stripe.api.route import META, Route, get, listing, retrieving, updating
from integrations.sandbox.stripe.form import NUMBER
from integrations.sandbox.stripe.lists import PAGING
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World

REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")


def capture_intent(world: World, asked: Thing, object_id: str) -> Thing:
    """Capture an authorised payment."""
    return payments.capture(world, get(world, "payment_intent", object_id), asked.get("amount_to_capture"))


def cancel_intent(world: World, asked: Thing, object_id: str) -> Thing:
    """Cancel an authorised payment."""
    return payments.cancel(world, get(world, "payment_intent", object_id), asked.get("cancellation_reason"))


ROUTES = (
    Route("GET", "/payment_intents", PAGING, listing("payment_intent")),
    Route("GET", "/payment_intents/<object_id>", {}, retrieving("payment_intent")),
    Route("POST", "/payment_intents/<object_id>", META, updating("payment_intent")),
    Route("POST", "/payment_intents/<object_id>/capture", {"amount_to_capture": NUMBER}, capture_intent),
    Route("POST", "/payment_intents/<object_id>/cancel", {"cancellation_reason": REASONS}, cancel_intent),
    Route("GET", "/payment_methods/<object_id>", {}, retrieving("payment_method")),
)
