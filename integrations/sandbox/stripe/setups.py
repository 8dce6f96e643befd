"""What happens when somebody saves a card for later: the setup intent, and the events that tell of it."""

from integrations.sandbox.stripe import completion, objects, payers, payments
from integrations.sandbox.stripe.cards import card_for
from integrations.sandbox.stripe.errors import refused
from integrations.sandbox.stripe.payments import Outcome
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World

CONFIRMABLE = {"requires_payment_method", "requires_confirmation", "requires_action"}


def create(world: World, asked: Thing) -> Thing:
    """Write a new setup intent down, and say so."""
    intent = world.store.add(objects.setup_intent(asked, now=world.store.now()))
    world.emit("setup_intent.created", intent)
    return intent


def confirm(world: World, intent: Thing, method: Thing) -> Outcome:
    """Try to set a payment method up.

    Raises:
        StripeError: the intent is past that.
    """
    require(intent, "confirm")
    world.store.save(intent, payment_method=method["id"], next_action=None)
    if method["type"] == "card" and card_for(method["_card"]).fate.startswith("challenge"):
        return _challenge(world, intent)
    return _decide(world, intent, method)


def require(intent: Thing, wish: str) -> None:
    """Refuse a wish for a setup intent that is done or cancelled."""
    if intent["status"] not in CONFIRMABLE:
        says = f"You cannot {wish} this SetupIntent because it has a status of {intent['status']}."
        raise refused(says, code="setup_intent_unexpected_state")


def _decide(world: World, intent: Thing, method: Thing) -> Outcome:
    card = card_for(method["_card"]) if method["type"] == "card" else None
    if card and card.fate == "decline":
        return _fail(world, intent, payments.decline_error(card, method))
    return _keep(world, intent, method)


def _keep(world: World, intent: Thing, method: Thing) -> Outcome:
    session = world.store.find(intent["_session"] or "")
    if session:
        completion.know_customer(world, session, intent, method["_payer"])
    world.store.save(method, _is_set_up=True)
    world.store.save(intent, status="succeeded", next_action=None, last_setup_error=None)
    if intent["customer"]:
        payers.attach(world, method, intent["customer"])
    world.emit("setup_intent.succeeded", intent)
    if session:
        completion.complete(world, session, method["_payer"], "no_payment_required")
    return Outcome("paid", intent["id"])


def _challenge(world: World, intent: Thing) -> Outcome:
    world.store.save(intent, status="requires_action", next_action=payments.next_action(world, intent))
    world.emit("setup_intent.requires_action", intent)
    return Outcome("challenged", intent["id"])


def authenticate(world: World, intent: Thing, *, passed: bool) -> Outcome:
    """Finish a 3D Secure challenge.

    Raises:
        StripeError: no challenge is open.
    """
    if intent["status"] != "requires_action":
        raise refused("This card is not waiting for authentication.")
    method = payers.method_for(world, intent["payment_method"])
    if passed:
        return _decide(world, intent, method)
    return _fail(world, intent, payments.authentication_error("setup_intent", method))


def _fail(world: World, intent: Thing, error: Thing) -> Outcome:
    changes = {"payment_method": None, "next_action": None, "last_setup_error": error}
    world.store.save(intent, status="requires_payment_method", **changes)
    world.emit("setup_intent.setup_failed", intent)
    return Outcome("declined", intent["id"], error["message"])


def cancel(world: World, intent: Thing, reason: str | None) -> Thing:
    """Let a setup intent go.

    Raises:
        StripeError: it is done or cancelled.
    """
    require(intent, "cancel")
    world.store.save(intent, status="canceled", cancellation_reason=reason, next_action=None)
    world.emit("setup_intent.canceled", intent)
    return intent
