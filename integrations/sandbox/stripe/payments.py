"""What happens when somebody pays: the intent, the charge, and the events that tell of them."""

from dataclasses import dataclass

from integrations.sandbox.stripe import money, objects
from integrations.sandbox.stripe.cards import Card, card_for
from integrations.sandbox.stripe.errors import refused
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World

HALF_AN_HOUR = 1800
A_DAY = 86400


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt: `paid`, `challenged` or `declined`, with the message for the payer."""

    verdict: str
    intent: str
    message: str = ""


def attempt(world: World, session: Thing, typed_number: str, payer: Thing) -> Outcome:
    """Try to pay an open session with a card; `payer` is as `objects.charge` takes it.

    Raises:
        StripeError: the session is paid or expired.
    """
    card = card_for(typed_number)
    require_open(session)
    intent = _intent(world, session)
    method = world.store.add(objects.payment_method(card, payer, now=world.store.now()))
    world.store.save(intent, payment_method=method["id"], _card=card.number, _payer=payer)
    if card.is_challenged:
        return _challenge(world, intent)
    return _decide(world, session, intent)


def require_open(session: Thing) -> None:
    """Refuse a session that is paid or expired."""
    if session["status"] != "open":
        raise refused(f"This Checkout Session is {session['status']}.")


def _intent(world: World, session: Thing) -> Thing:
    found = world.store.find(session["payment_intent"] or "")
    if found:
        return found
    intent = world.store.add(objects.intent(session, now=world.store.now()))
    world.store.save(session, payment_intent=intent["id"])
    world.emit("payment_intent.created", intent)
    return intent


def _decide(world: World, session: Thing, intent: Thing) -> Outcome:
    card = card_for(intent["_card"])
    return _decline(world, intent, card) if card.is_declined else _accept(world, session, intent, card)


def _accept(world: World, session: Thing, intent: Thing, card: Card) -> Outcome:
    charge = world.store.add(objects.charge(intent, card, intent["_payer"], now=world.store.now(), url=world.url))
    world.store.save(intent, latest_charge=charge["id"], next_action=None, last_payment_error=None)
    if intent["capture_method"] == "manual":
        _authorise(world, intent, charge)
    else:
        _take(world, intent, charge)
    _complete(world, session, intent["_payer"], paid=True)
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
    _sow_trouble(world, charge)


def _sow_trouble(world: World, charge: Thing) -> None:
    if charge["_fate"] in {"dispute", "not_received", "inquiry", "warning"}:
        world.store.later(charge["_fate"], charge["id"], 2)


def book_later(world: World, charge: Thing) -> None:
    """Book a charge that was captured asynchronously, and say so."""
    money.book_charge(world, charge)
    world.emit("charge.updated", charge)


def _complete(world: World, session: Thing, payer: Thing, *, paid: bool) -> None:
    details: Thing = {
        **dict.fromkeys(("business_name", "individual_name", "phone")),
        "address": objects.address(payer),
        "email": payer.get("email"),
        "name": payer.get("name"),
        "tax_exempt": "none",
        "tax_ids": [],
    }
    status = "paid" if paid else "unpaid"
    world.store.save(session, status="complete", payment_status=status, customer_details=details, url=None)
    _collect(world, session, payer)
    world.emit("checkout.session.completed", session)


def _collect(world: World, session: Thing, payer: Thing) -> None:
    if session["shipping_address_collection"]:
        details = {"address": objects.address(payer), "name": payer.get("name")}
        collected = {"business_name": None, "individual_name": None, "shipping_details": details}
        world.store.save(session, collected_information=collected)


# --- declines


def _decline(world: World, intent: Thing, card: Card) -> Outcome:
    charge = objects.charge(intent, card, intent["_payer"], now=world.store.now(), url=world.url)
    charge = world.store.add(objects.failed(charge, card))
    error = {
        "charge": charge["id"],
        "code": card.code,
        "doc_url": f"https://stripe.com/docs/error-codes/{card.code}",
        "message": card.message,
        "payment_method": world.store.find(intent["payment_method"]),
        "type": "card_error",
    }
    if card.decline_code:
        error["decline_code"] = card.decline_code
    _give_back(world, intent, error, latest_charge=charge["id"])
    world.emit("charge.failed", charge)
    world.emit("payment_intent.payment_failed", intent)
    return Outcome("declined", intent["id"], card.message)


def _give_back(world: World, intent: Thing, error: Thing, **changes: str) -> None:
    changed = {"payment_method": None, "next_action": None, "last_payment_error": error, **changes}
    world.store.save(intent, status="requires_payment_method", **changed)


# --- 3D Secure


def _challenge(world: World, intent: Thing) -> Outcome:
    redirect = {
        "return_url": f"{world.url}/c/pay/{intent['_session']}",
        "url": f"{world.url}/c/3ds/{intent['id']}",
    }
    action = {"redirect_to_url": redirect, "type": "redirect_to_url"}
    world.store.save(intent, status="requires_action", next_action=action)
    world.emit("payment_intent.requires_action", intent)
    return Outcome("challenged", intent["id"])


def authenticate(world: World, intent: Thing, *, passed: bool) -> Outcome:
    """Finish a 3D Secure challenge.

    Raises:
        StripeError: the session is paid or expired, or no challenge is open.
    """
    session = world.store.find(intent["_session"]) or {}
    require_open(session)
    if intent["status"] != "requires_action":
        raise refused("This payment is not waiting for authentication.")
    return _decide(world, session, intent) if passed else _fail_authentication(world, intent)


def _fail_authentication(world: World, intent: Thing) -> Outcome:
    says = "We are unable to authenticate your payment method. Please choose a different payment method and try again."
    error = {"code": "payment_intent_authentication_failure", "message": says, "type": "card_error"}
    _give_back(world, intent, {**error, "payment_method": world.store.find(intent["payment_method"])})
    world.emit("payment_intent.payment_failed", intent)
    return Outcome("declined", intent["id"], says)


# --- delayed methods


def debit(world: World, session: Thing, payer: Thing) -> Outcome:
    """Complete an open session with a bank debit whose money is not certain before `settle`.

    Raises:
        StripeError: the session is paid or expired.
    """
    require_open(session)
    intent = _intent(world, session)
    world.store.save(intent, status="processing", payment_method_types=["bacs_debit"], _payer=payer)
    world.emit("payment_intent.processing", intent)
    _complete(world, session, payer, paid=False)
    return Outcome("paid", intent["id"])


def settle(world: World, intent: Thing, *, arrived: bool) -> Thing:
    """Decide a bank debit that is processing.

    Raises:
        StripeError: the intent is not processing.
    """
    if intent["status"] != "processing":
        raise refused("This payment is not processing.", "payment_intent")
    session = world.store.find(intent["_session"]) or {}
    if arrived:
        _take(world, intent, _debit_charge(world, intent))
        world.store.save(session, payment_status="paid")
        world.emit("checkout.session.async_payment_succeeded", session)
    else:
        error = {"code": "payment_method_debit_failed", "message": "The debit failed.", "type": "card_error"}
        _give_back(world, intent, error)
        world.emit("payment_intent.payment_failed", intent)
        world.emit("checkout.session.async_payment_failed", session)
    return intent


def _debit_charge(world: World, intent: Thing) -> Thing:
    bank = Card("0000000000006789", "GB")
    charge = objects.charge(intent, bank, intent["_payer"], now=world.store.now(), url=world.url)
    details = {"last4": "6789", "sort_code": "108800", "fingerprint": "fpdebit", "mandate": None}
    charge["payment_method_details"] = {"bacs_debit": details, "type": "bacs_debit"}
    world.store.save(intent, latest_charge=charge["id"])
    return world.store.add(charge)


# --- capture, cancel, expiry


def capture(world: World, intent: Thing, amount: int | None) -> Thing:
    """Take the money of an authorised payment, or a part of it.

    Raises:
        StripeError: nothing is authorised, or less than asked.
    """
    charge = _authorised(world, intent)
    amount = intent["amount_capturable"] if amount is None else amount
    if not 0 < amount <= intent["amount_capturable"]:
        raise refused("The amount to capture is greater than the amount authorised.", "amount_to_capture")
    world.store.save(charge, captured=True, amount_captured=amount)
    money.book_charge(world, charge)
    world.store.save(intent, status="succeeded", amount_received=amount, amount_capturable=0)
    world.emit("charge.captured", charge)
    world.emit("payment_intent.succeeded", intent)
    _sow_trouble(world, charge)
    return intent


def _authorised(world: World, intent: Thing) -> Thing:
    charge = world.store.find(intent["latest_charge"] or "")
    if intent["status"] != "requires_capture" or charge is None:
        says = f"This PaymentIntent's status is {intent['status']}; it cannot be captured or cancelled."
        raise refused(says, code="payment_intent_unexpected_state")
    return charge


def cancel(world: World, intent: Thing, reason: str | None) -> Thing:
    """Let an authorised payment go; it costs nothing and leaves no refund.

    Raises:
        StripeError: nothing is authorised.
    """
    charge = _authorised(world, intent)
    world.store.save(charge, refunded=True, amount_refunded=charge["amount"])
    _cancel(world, intent, reason)
    return intent


def _cancel(world: World, intent: Thing, reason: str | None) -> None:
    changes = {"canceled_at": world.store.now(), "cancellation_reason": reason, "amount_capturable": 0}
    world.store.save(intent, status="canceled", next_action=None, **changes)
    world.emit("payment_intent.canceled", intent)


def expire(world: World, session: Thing) -> Thing:
    """Close an open session for good.

    Raises:
        StripeError: it is not open.
    """
    if session["status"] != "open":
        says = 'Only Checkout Sessions with a status in ["open"] can be expired.'
        raise refused(f"{says} This Checkout Session has a status of {session['status']}.")
    world.store.save(session, status="expired", url=None)
    intent = world.store.find(session["payment_intent"] or "")
    if intent:
        _cancel(world, intent, "expired")
    world.emit("checkout.session.expired", session)
    return session
