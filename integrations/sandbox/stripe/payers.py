"""Customers, and the payment methods they keep."""

from integrations.sandbox.stripe import objects
from integrations.sandbox.stripe.cards import Card, card_by_name
from integrations.sandbox.stripe.errors import missing, refused
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World

IBANS = {
    "AT611904300234573201": "arrives",
    "AT321904300235473204": "arrives_late",
    "AT861904300235473202": "fails",
    "DE89370400440532013000": "arrives",
    "DE08370400440532013003": "arrives_late",
    "DE62370400440532013001": "fails",
    "IT40S0542811101000000123456": "arrives",
    "IT60X0542811101000000123456": "fails",
}
"""Test accounts and what becomes of a debit from each; from any other, it waits until somebody decides."""


def add_customer(world: World, asked: Thing) -> Thing:
    """Write a new customer down, and say so."""
    made = world.store.add(objects.customer(asked, now=world.store.now()))
    world.emit("customer.created", made)
    return made


def add_card(world: World, card: Card, payer: Thing) -> Thing:
    """Write a card down as a payment method; `payer` is as `objects.card_method` takes it."""
    return world.store.add(objects.card_method(card, payer, now=world.store.now()))


def add_sepa_debit(world: World, iban: str, payer: Thing) -> Thing:
    """Write an account down as a payment method."""
    iban = iban.replace(" ", "").upper()
    fate = IBANS.get(iban, "waits")
    facts = objects.sepa_facts(iban)
    return world.store.add(objects.debit_method("sepa_debit", facts, payer, fate, now=world.store.now()))


def add_bacs_debit(world: World, payer: Thing) -> Thing:
    """Write the one British account down, from which a debit waits until somebody decides."""
    facts = objects.bacs_facts()
    return world.store.add(objects.debit_method("bacs_debit", facts, payer, "waits", now=world.store.now()))


def method_for(world: World, given: str) -> Thing:
    """Return the payment method of that id; a name such as `pm_card_visa` makes a new one.

    Raises:
        StripeError: there is none.
    """
    card = card_by_name(given) if given.startswith("pm_") else None
    if card:
        return add_card(world, card, {})
    found = world.store.find(given, "payment_method")
    if found is None:
        raise missing("PaymentMethod", given, "payment_method")
    return found


def attach(world: World, method: Thing, customer: str) -> Thing:
    """Let a customer keep a payment method.

    Raises:
        StripeError: another customer has it.
    """
    if method["customer"] not in {None, customer}:
        raise refused("The payment method you provided has already been attached to a customer.", "customer")
    if method["customer"] is None:
        world.store.save(method, customer=customer)
        world.emit("payment_method.attached", method)
    return method


def detach(world: World, method: Thing) -> Thing:
    """Take a payment method from its customer; nobody can use it again.

    Raises:
        StripeError: nobody keeps it.
    """
    if method["customer"] is None:
        says = "The payment method you provided is not attached to a customer so detachment is impossible."
        raise refused(says, "payment_method")
    world.store.save(method, customer=None, _is_spent=True)
    world.emit("payment_method.detached", method)
    return method
