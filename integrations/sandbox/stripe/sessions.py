"""What happens to a checkout session: somebody pays it, or its time runs out."""

from integrations.sandbox.stripe import payers, payments, setups
from integrations.sandbox.stripe.cards import card_for
from integrations.sandbox.stripe.errors import refused
from integrations.sandbox.stripe.payments import Outcome
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World

HALF_AN_HOUR = 1800
A_DAY = 86400


def attempt(world: World, session: Thing, typed_number: str, payer: Thing) -> Outcome:
    """Try to pay an open session with a card; `payer` is as `objects.card_method` takes it.

    Raises:
        StripeError: the session is complete or expired.
    """
    require_open(session)
    return attempt_by(world, session, payers.add_card(world, card_for(typed_number), payer))


def debit(world: World, session: Thing, payer: Thing) -> Outcome:
    """Complete an open session with a bank debit whose money is not certain before `settle`.

    Raises:
        StripeError: the session is complete or expired.
    """
    require_open(session)
    return attempt_by(world, session, payers.add_bacs_debit(world, payer))


def attempt_by(world: World, session: Thing, method: Thing) -> Outcome:
    """Try to complete an open session by a payment method.

    Raises:
        StripeError: the session is complete or expired.
    """
    require_open(session)
    intent = intent_of(world, session)
    if session["mode"] == "setup":
        return setups.confirm(world, intent, method)
    return payments.confirm(world, intent, method)


def require_open(session: Thing) -> None:
    """Refuse a session that is complete or expired."""
    if session["status"] != "open":
        raise refused(f"This Checkout Session is {session['status']}.")


def intent_of(world: World, session: Thing) -> Thing:
    """Return the intent of a session; a payment's is made when somebody first tries to pay."""
    found = world.store.find(session["payment_intent"] or session["setup_intent"] or "")
    if found:
        return found
    about = {"amount": session["amount_total"], "currency": session["currency"], "customer": session["customer"]}
    intent = payments.create(world, {**about, **session["_intent_data"], "_session": session["id"]})
    world.store.save(session, payment_intent=intent["id"])
    return intent


def authenticate(world: World, intent: Thing, *, passed: bool) -> Outcome:
    """Finish a 3D Secure challenge, of a session or of an intent by itself.

    Raises:
        StripeError: the session is complete or expired, or no challenge is open.
    """
    session = world.store.find(intent.get("_session") or "")
    if session:
        require_open(session)
    if intent["object"] == "setup_intent":
        return setups.authenticate(world, intent, passed=passed)
    return payments.authenticate(world, intent, passed=passed)


def expire(world: World, session: Thing) -> Thing:
    """Close an open session for good.

    Raises:
        StripeError: it is not open.
    """
    if session["status"] != "open":
        says = 'Only Checkout Sessions with a status in ["open"] can be expired.'
        raise refused(f"{says} This Checkout Session has a status of {session['status']}.")
    world.store.save(session, status="expired", url=None)
    intent = world.store.find(session["payment_intent"] or session["setup_intent"] or "")
    if intent and intent["object"] == "payment_intent":
        payments.let_go(world, intent, "expired")
    elif intent:
        setups.cancel(world, intent, "abandoned")
    world.emit("checkout.session.expired", session)
    return session


def current(world: World, session: Thing) -> Thing:
    """Expire an open session whose time has come, and return it."""
    if session["status"] == "open" and session["expires_at"] <= world.store.now():
        expire(world, session)
    return session
