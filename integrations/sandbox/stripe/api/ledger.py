"""Charges and what follows from them over the API: refunds, disputes, the balance and payouts."""

from integrations.sandbox.stripe import money, objects
from integrations.sandbox.stripe.api.route import (
    BY_INTENT,
    META,
    SHIPPING,
    Route,
    get,
    listing,
    merged,
    retrieving,
    updating,
)
from integrations.sandbox.stripe.errors import refused
from integrations.sandbox.stripe.form import MAP, NUMBER, RANGE, SWITCH, TEXT, UNSIMULATED, need
from integrations.sandbox.stripe.lists import PAGING, page
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World

REASONS = ("duplicate", "fraudulent", "requested_by_customer")


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


def cancel_refund(world: World, _asked: Thing, object_id: str) -> Thing:
    """Refuse: only a refund that waits for its payer can be cancelled, and here none does."""
    made = get(world, "refund", object_id)
    raise refused(f"This refund cannot be canceled because it has a status of {made['status']}.")


def update_dispute(world: World, asked: Thing, object_id: str) -> Thing:
    """Add evidence to a dispute and perhaps submit it, as Stripe does unless told otherwise."""
    dispute = get(world, "dispute", object_id)
    world.store.save(dispute, metadata=merged(dispute["metadata"], asked.get("metadata", {})))
    return money.answer_dispute(world, dispute, asked.get("evidence") or {}, submit=asked.get("submit", True))


def close_dispute(world: World, _asked: Thing, object_id: str) -> Thing:
    """Accept that a dispute is lost."""
    return money.close_dispute(world, get(world, "dispute", object_id), won=False)


def create_payout(world: World, asked: Thing) -> Thing:
    """Pay an amount out by hand."""
    need(asked, "amount", "currency")
    return money.pay_out_by_hand(world, asked["amount"], asked["currency"].lower(), asked)


def cancel_payout(world: World, _asked: Thing, object_id: str) -> Thing:
    """Take a payout back before the bank has it."""
    return money.cancel_payout(world, get(world, "payout", object_id))


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


CHARGE_UPDATE: Thing = {
    **META,
    "customer": TEXT,
    "description": TEXT,
    "receipt_email": TEXT,
    "shipping": SHIPPING,
    "fraud_details": UNSIMULATED,
}

ROUTES = (
    Route("GET", "/charges", {**BY_INTENT, "customer": TEXT}, listing("charge", "payment_intent", "customer")),
    Route("GET", "/charges/<object_id>", {}, retrieving("charge")),
    Route("POST", "/charges/<object_id>", CHARGE_UPDATE, updating("charge", "charge.updated")),
    Route(
        "POST",
        "/refunds",
        {"amount": NUMBER, "charge": TEXT, "payment_intent": TEXT, "reason": REASONS, **META},
        create_refund,
    ),
    Route("GET", "/refunds", {**BY_INTENT, "charge": TEXT}, listing("refund", "payment_intent", "charge")),
    Route("GET", "/refunds/<object_id>", {}, retrieving("refund")),
    Route("POST", "/refunds/<object_id>", META, updating("refund", *money.REFUND_UPDATES)),
    Route("POST", "/refunds/<object_id>/cancel", {}, cancel_refund),
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
    Route("POST", "/payouts/<object_id>", META, updating("payout", "payout.updated")),
    Route("POST", "/payouts/<object_id>/cancel", {}, cancel_payout),
    Route("GET", "/account", {}, retrieve_account),
)
