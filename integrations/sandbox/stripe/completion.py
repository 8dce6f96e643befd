"""How a checkout session ends well: complete at once, and paid now, later, or never."""

from integrations.sandbox.stripe import objects, payers
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World


def know_customer(world: World, session: Thing, intent: Thing, payer: Thing) -> None:
    """Make the payer a customer of the shop, where the session asked for one."""
    if session["customer_creation"] == "always" and not session["customer"]:
        made = payers.add_customer(world, {key: payer.get(key) for key in ("email", "name")})
        world.store.save(session, customer=made["id"])
        world.store.save(intent, customer=made["id"])


def complete(world: World, session: Thing, payer: Thing, status: str) -> None:
    """Complete a session with a `payment_status`, and say so."""
    changes = {"status": "complete", "payment_status": status, "url": None}
    world.store.save(session, customer_details=_details(payer), **changes)
    if session["shipping_address_collection"]:
        details = {"address": objects.address(payer), "name": payer.get("name")}
        collected = {"business_name": None, "individual_name": None, "shipping_details": details}
        world.store.save(session, collected_information=collected)
    world.emit("checkout.session.completed", session)


def _details(payer: Thing) -> Thing:
    return {
        **dict.fromkeys(("business_name", "individual_name")),
        "address": objects.address(payer),
        "email": payer.get("email"),
        "name": payer.get("name"),
        "phone": payer.get("phone"),
        "tax_exempt": "none",
        "tax_ids": [],
    }


def tell_result(world: World, session: Thing, *, arrived: bool) -> None:
    """Say that the money of a complete session has arrived after all, or never will."""
    if arrived:
        world.store.save(session, payment_status="paid")
    world.emit(f"checkout.session.async_payment_{'succeeded' if arrived else 'failed'}", session)
