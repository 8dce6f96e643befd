"""What happens when somebody pays: the intent, the charge, and the events that tell of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from integrations.sandbox.stripe import completion, money, objects, payers
from integrations.sandbox.stripe.cards import Card, card_for
from integrations.sandbox.stripe.errors import refused
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World, public

CONFIRMABLE = {"requires_payment_method", "requires_confirmation", "requires_action"}
CANCELLABLE = {*CONFIRMABLE, "requires_capture"}
DECIDED_AFTER = {"arrives": 2.0, "fails": 2.0, "arrives_late": 180.0}
"""Seconds of sandbox time until the money of a test account arrives or does not."""

TROUBLES: dict[str, Callable[[World, Thing], Thing]] = {
    "dispute": money.open_dispute,
    "not_received": partial(money.open_dispute, reason="product_not_received"),
    "inquiry": money.open_inquiry,
    "warning": money.warn_of_fraud,
}
"""What becomes of a charge by the fate of its card: at once, or where somebody paid on the page soon after."""


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt: `paid`, `challenged` or `declined`, with the message for the payer."""

    verdict: str
    intent: str
    message: str = ""


def create(world: World, asked: Thing) -> Thing:
    """Write a new payment intent down, for `amount` and `currency`, and say so."""
    intent = world.store.add(objects.intent(asked, now=world.store.now()))
    world.emit("payment_intent.created", intent)
    return intent


def confirm(world: World, intent: Thing, method: Thing, *, off_session: bool = False) -> Outcome:
    """Try to pay an intent by a payment method; off session there is nobody to ask.

    Raises:
        StripeError: the intent is past that, or the method is another customer's, or spent.
    """
    require(intent, CONFIRMABLE, "confirm")
    _check_ownership(intent, method)
    world.store.save(intent, payment_method=method["id"], next_action=None)
    if method["type"] != "card":
        return _process(world, intent, method)
    if is_challenged(method):
        return _ask_for_presence(world, intent, method) if off_session else _challenge(world, intent)
    return _decide(world, intent, method)


def require(intent: Thing, statuses: set[str], wish: str) -> None:
    """Refuse a wish for an intent whose status is none of these."""
    if intent["status"] not in statuses:
        says = f"You cannot {wish} this PaymentIntent because it has a status of {intent['status']}."
        raise refused(says, code="payment_intent_unexpected_state")


def _check_ownership(intent: Thing, method: Thing) -> None:
    if method["customer"] and method["customer"] != intent["customer"]:
        says = "The provided PaymentMethod belongs to a Customer: name that Customer on the PaymentIntent."
        raise refused(says, "payment_method")
    if method.get("_is_spent"):
        raise refused("This PaymentMethod was detached from its Customer and cannot be used again.", "payment_method")


def is_challenged(method: Thing) -> bool:
    """Tell whether the bank asks for authentication before a card is charged."""
    fate = card_for(method["_card"]).fate
    return fate.startswith("challenge") and not (fate == "challenge_unless_set_up" and method.get("_is_set_up"))


def _decide(world: World, intent: Thing, method: Thing) -> Outcome:
    card = card_for(method["_card"])
    return _decline(world, intent, method, card) if card.is_declined else _accept(world, intent, method)


def _accept(world: World, intent: Thing, method: Thing) -> Outcome:
    session = world.store.find(intent["_session"] or "")
    if session:
        completion.know_customer(world, session, intent, method["_payer"])
    charge = world.store.add(objects.charge(intent, method, now=world.store.now(), url=world.url))
    world.store.save(intent, latest_charge=charge["id"], next_action=None, last_payment_error=None)
    if intent["setup_future_usage"] and intent["customer"]:
        world.store.save(method, _is_set_up=True)
        payers.attach(world, method, intent["customer"])
    if intent["capture_method"] == "manual":
        _authorise(world, intent, charge)
    else:
        _take(world, intent, charge)
    if session:
        completion.complete(world, session, method["_payer"], "paid")
    return Outcome("paid", intent["id"])


def _authorise(world: World, intent: Thing, charge: Thing) -> None:
    world.store.save(charge, captured=False, amount_captured=0)
    world.store.save(intent, status="requires_capture", amount_capturable=intent["amount"])
    world.emit("charge.succeeded", charge)
    world.emit("payment_intent.amount_capturable_updated", intent)


def _take(world: World, intent: Thing, charge: Thing) -> None:
    is_later = world.store.setting("async_capture", False)  # noqa: FBT003
    if is_later:
        world.store.later("capture", charge["id"], 1)
    else:
        money.book_charge(world, charge)
    world.store.save(intent, status="succeeded", amount_received=charge["amount_captured"], amount_capturable=0)
    world.emit("charge.succeeded", charge)
    world.emit("payment_intent.succeeded", intent)
    _sow_trouble(world, intent, charge)


def _sow_trouble(world: World, intent: Thing, charge: Thing) -> None:
    if charge["_fate"] not in TROUBLES:
        return
    if intent["_session"]:
        world.store.later(charge["_fate"], charge["id"], 2)
    else:
        TROUBLES[charge["_fate"]](world, charge)


def book_later(world: World, charge: Thing) -> None:
    """Book a charge that was captured asynchronously, and say so."""
    money.book_charge(world, charge)
    world.emit("charge.updated", charge)


# --- declines


def _decline(world: World, intent: Thing, method: Thing, card: Card) -> Outcome:
    charge = objects.charge(intent, method, now=world.store.now(), url=world.url)
    charge = world.store.add(objects.failed(charge, card))
    error = decline_error(card, method, charge=charge["id"])
    _give_back(world, intent, error, latest_charge=charge["id"])
    world.emit("charge.failed", charge)
    world.emit("payment_intent.payment_failed", intent)
    return Outcome("declined", intent["id"], card.message)


def decline_error(card: Card, method: Thing, **more: str) -> Thing:
    """Return what an intent keeps of a bank's refusal."""
    told = {"decline_code": card.decline_code} if card.decline_code else {}
    return {
        **more,
        **told,
        "code": card.code,
        "doc_url": f"https://stripe.com/docs/error-codes/{card.code.replace('_', '-')}",
        "message": card.message,
        "payment_method": public(method),
        "type": "card_error",
    }


def _give_back(world: World, intent: Thing, error: Thing, **changes: str) -> None:
    changed = {"payment_method": None, "next_action": None, "last_payment_error": error, **changes}
    world.store.save(intent, status="requires_payment_method", **changed)


def _ask_for_presence(world: World, intent: Thing, method: Thing) -> Outcome:
    refusal = "authentication_required"
    says = "Your card was declined. This transaction requires authentication."
    card = replace(card_for(method["_card"]), code=refusal, decline_code=refusal, message=says)
    return _decline(world, intent, method, card)


# --- 3D Secure


def _challenge(world: World, intent: Thing) -> Outcome:
    world.store.save(intent, status="requires_action", next_action=next_action(world, intent))
    world.emit("payment_intent.requires_action", intent)
    return Outcome("challenged", intent["id"])


def next_action(world: World, intent: Thing) -> Thing:
    """Return where a payer authenticates: on the sandbox's page, or by Stripe's script, which is not here."""
    back = f"{world.url}/c/pay/{intent['_session']}" if intent.get("_session") else intent["_return_url"]
    page = f"{world.url}/c/3ds/{intent['id']}"
    if back:
        return {"redirect_to_url": {"return_url": back, "url": page}, "type": "redirect_to_url"}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": {"stripe_js": page, "type": "three_d_secure_redirect"}}


def authenticate(world: World, intent: Thing, *, passed: bool) -> Outcome:
    """Finish a 3D Secure challenge.

    Raises:
        StripeError: no challenge is open.
    """
    if intent["status"] != "requires_action":
        raise refused("This payment is not waiting for authentication.")
    method = payers.method_for(world, intent["payment_method"])
    return _decide(world, intent, method) if passed else _fail_authentication(world, intent, method)


def authentication_error(kind: str, method: Thing) -> Thing:
    """Return what an intent of a kind keeps of a payer who did not prove who they are."""
    says = "We are unable to authenticate your payment method. Please choose a different payment method and try again."
    code = f"{kind}_authentication_failure"
    return {"code": code, "message": says, "payment_method": public(method), "type": "invalid_request_error"}


def _fail_authentication(world: World, intent: Thing, method: Thing) -> Outcome:
    error = authentication_error("payment_intent", method)
    _give_back(world, intent, error)
    world.emit("payment_intent.payment_failed", intent)
    return Outcome("declined", intent["id"], error["message"])


# --- delayed methods


def _process(world: World, intent: Thing, method: Thing) -> Outcome:
    world.store.save(intent, status="processing", payment_method_types=[method["type"]])
    world.emit("payment_intent.processing", intent)
    session = world.store.find(intent["_session"] or "")
    if session:
        completion.complete(world, session, method["_payer"], "unpaid")
    if method["_fate"] in DECIDED_AFTER:
        task = "fail_debit" if method["_fate"] == "fails" else "settle_debit"
        world.store.later(task, intent["id"], DECIDED_AFTER[method["_fate"]])
    return Outcome("paid", intent["id"])


def settle(world: World, intent: Thing, *, arrived: bool) -> Thing:
    """Decide a debit that is processing.

    Raises:
        StripeError: the intent is not processing.
    """
    if intent["status"] != "processing":
        raise refused("This payment is not processing.", "payment_intent")
    method = payers.method_for(world, intent["payment_method"])
    if arrived:
        charge = world.store.add(objects.charge(intent, method, now=world.store.now(), url=world.url))
        world.store.save(intent, latest_charge=charge["id"])
        _take(world, intent, charge)
    else:
        error = {"code": "payment_intent_payment_attempt_failed", "message": "The debit failed.", "type": "card_error"}
        _give_back(world, intent, {**error, "payment_method": public(method)})
        world.emit("payment_intent.payment_failed", intent)
    session = world.store.find(intent["_session"] or "")
    if session:
        completion.tell_result(world, session, arrived=arrived)
    return intent


# --- capture and cancel


def capture(world: World, intent: Thing, amount: int | None) -> Thing:
    """Take the money of an authorised payment, or a part of it.

    Raises:
        StripeError: nothing is authorised, or less than asked.
    """
    require(intent, {"requires_capture"}, "capture")
    amount = intent["amount_capturable"] if amount is None else amount
    if not 0 < amount <= intent["amount_capturable"]:
        raise refused("The amount to capture is greater than the amount authorised.", "amount_to_capture")
    charge = world.store.find(intent["latest_charge"]) or {}
    world.store.save(charge, captured=True, amount_captured=amount)
    money.book_charge(world, charge)
    world.store.save(intent, status="succeeded", amount_received=amount, amount_capturable=0)
    world.emit("charge.captured", charge)
    world.emit("payment_intent.succeeded", intent)
    _sow_trouble(world, intent, charge)
    return intent


def cancel(world: World, intent: Thing, reason: str | None) -> Thing:
    """Let an intent go; an authorised payment costs nothing then, and leaves no refund.

    Raises:
        StripeError: it is too late, or an open session holds it.
    """
    require(intent, CANCELLABLE, "cancel")
    session = world.store.find(intent["_session"] or "")
    if session and session["status"] == "open":
        raise refused("This PaymentIntent belongs to an open Checkout Session: expire that instead.")
    if intent["status"] == "requires_capture":
        charge = world.store.find(intent["latest_charge"]) or {}
        world.store.save(charge, refunded=True, amount_refunded=charge["amount"])
    let_go(world, intent, reason)
    return intent


def let_go(world: World, intent: Thing, reason: str | None) -> None:
    """Cancel an intent, whatever it was, and say so."""
    changes = {"canceled_at": world.store.now(), "cancellation_reason": reason, "amount_capturable": 0}
    world.store.save(intent, status="canceled", next_action=None, **changes)
    world.emit("payment_intent.canceled", intent)
