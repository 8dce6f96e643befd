"""Customers and payment methods over the API."""

from integrations.sandbox.stripe import payers
from integrations.sandbox.stripe.api.route import ADDRESS, META, SHIPPING, Route, get, listing, retrieving, updating
from integrations.sandbox.stripe.cards import card_by_name
from integrations.sandbox.stripe.errors import StripeError, refused
from integrations.sandbox.stripe.form import NUMBER, TEXT, UNSIMULATED, need
from integrations.sandbox.stripe.lists import PAGING
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World

KINDS = ("bacs_debit", "card", "sepa_debit")
KEEP = ("always", "limited", "unspecified")
CUSTOMER: Thing = {
    **META,
    "address": ADDRESS,
    "description": TEXT,
    "email": TEXT,
    "name": TEXT,
    "phone": TEXT,
    "shipping": SHIPPING,
    "tax_exempt": ("exempt", "none", "reverse"),
    **dict.fromkeys(
        ("balance", "cash_balance", "invoice_settings", "payment_method", "preferred_locales", "source", "tax"),
        UNSIMULATED,
    ),
}
CARD: Thing = {"cvc": TEXT, "exp_month": NUMBER, "exp_year": NUMBER, "number": TEXT, "token": TEXT}
METHOD: Thing = {
    **META,
    "allow_redisplay": KEEP,
    "bacs_debit": {"account_number": TEXT, "sort_code": TEXT},
    "billing_details": {"address": ADDRESS, "email": TEXT, "name": TEXT, "phone": TEXT, "tax_id": UNSIMULATED},
    "card": CARD,
    "sepa_debit": {"iban": TEXT},
    "type": KINDS,
}


# --- customers


def create_customer(world: World, asked: Thing) -> Thing:
    """Write a customer down."""
    if asked.get("email") and "@" not in asked["email"]:
        raise refused(f"Invalid email address: {asked['email']}", "email", "email_invalid")
    return payers.add_customer(world, asked)


def retrieve_customer(world: World, _asked: Thing, object_id: str) -> Thing:
    """Return a customer, or what is left of a deleted one."""
    customer = get(world, "customer", object_id)
    return _deleted(object_id) if customer.get("_is_deleted") else customer


def _deleted(object_id: str) -> Thing:
    return {"id": object_id, "object": "customer", "deleted": True}


def delete_customer(world: World, _asked: Thing, object_id: str) -> Thing:
    """Forget a customer and let go of their payment methods."""
    customer = get(world, "customer", object_id)
    for method in _methods(world, object_id):
        payers.detach(world, method)
    world.store.save(customer, _is_deleted=True)
    world.emit("customer.deleted", customer)
    return _deleted(object_id)


def _methods(world: World, customer: str) -> list[Thing]:
    return [one for one in world.store.all("payment_method") if one["customer"] == customer]


# --- payment methods


def create_method(world: World, asked: Thing) -> Thing:
    """Write a payment method down, a card only by its token."""
    need(asked, "type")
    details = asked.get("billing_details") or {}
    told = {name: asked[name] for name in ("allow_redisplay", "metadata") if name in asked}
    payer = {**details, **(details.get("address") or {}), **told}
    match asked["type"]:
        case "card":
            return _card(world, asked.get("card") or {}, payer)
        case "sepa_debit":
            need(asked.get("sepa_debit") or {}, "iban", above="sepa_debit")
            return payers.add_sepa_debit(world, asked["sepa_debit"]["iban"], payer)
        case _:
            return payers.add_bacs_debit(world, payer)


def _card(world: World, asked: Thing, payer: Thing) -> Thing:
    if asked.get("number"):
        says = "Sending card numbers directly to the Stripe API is unsafe: use a token such as tok_visa."
        raise StripeError(402, says)
    need(asked, "token", above="card")
    card = card_by_name(asked["token"])
    if card is None:
        raise refused(f"No such token: '{asked['token']}'", "card[token]", "resource_missing")
    return payers.add_card(world, card, payer)


def attach_method(world: World, asked: Thing, object_id: str) -> Thing:
    """Let a customer keep a payment method."""
    need(asked, "customer")
    get(world, "customer", asked["customer"], "customer")
    return payers.attach(world, payers.method_for(world, object_id), asked["customer"])


def detach_method(world: World, _asked: Thing, object_id: str) -> Thing:
    """Take a payment method from its customer."""
    return payers.detach(world, get(world, "payment_method", object_id))


def list_methods(world: World, asked: Thing, object_id: str) -> Thing:
    """List the payment methods of a customer."""
    get(world, "customer", object_id)
    return listing("payment_method", "customer", "type")(world, {**asked, "customer": object_id})


def retrieve_method(world: World, _asked: Thing, object_id: str, method_id: str) -> Thing:
    """Return one payment method of a customer."""
    get(world, "customer", object_id)
    return get(world, "payment_method", method_id)


ROUTES = (
    Route("POST", "/customers", CUSTOMER, create_customer),
    Route("GET", "/customers", {**PAGING, "email": TEXT}, listing("customer", "email")),
    Route("GET", "/customers/<object_id>", {}, retrieve_customer),
    Route("POST", "/customers/<object_id>", CUSTOMER, updating("customer", "customer.updated")),
    Route("DELETE", "/customers/<object_id>", {}, delete_customer),
    Route("GET", "/customers/<object_id>/payment_methods", {**PAGING, "type": KINDS}, list_methods),
    Route("GET", "/customers/<object_id>/payment_methods/<method_id>", {}, retrieve_method),
    Route("POST", "/payment_methods", METHOD, create_method),
    Route(
        "GET",
        "/payment_methods",
        {**PAGING, "customer": TEXT, "type": KINDS},
        listing("payment_method", "customer", "type"),
    ),
    Route("GET", "/payment_methods/<object_id>", {}, retrieving("payment_method")),
    Route(
        "POST",
        "/payment_methods/<object_id>",
        {**META, "allow_redisplay": KEEP},
        updating("payment_method", "payment_method.updated"),
    ),
    Route("POST", "/payment_methods/<object_id>/attach", {"customer": TEXT}, attach_method),
    Route("POST", "/payment_methods/<object_id>/detach", {}, detach_method),
)
