"""Who pays, and with what."""

from integrations.sandbox.stripe.cards import Card
from integrations.sandbox.stripe.objects.common import nulls
from integrations.sandbox.stripe.store import Thing, new_id


def payment_method(card: Card, payer: Thing, *, now: int) -> Thing:
    """Return the payment method a payer made by typing a card; `payer` is as `charge` takes it."""
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": billing_details(payer),
        "card": {**card_facts(card, payer), "display_brand": card.brand, **nulls("generated_from wallet")},
        "created": now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }


def billing_details(payer: Thing) -> Thing:
    """Return what is known of a payer beside the card."""
    return {
        "address": address(payer),
        "email": payer.get("email"),
        "name": payer.get("name"),
        "phone": None,
        "tax_id": None,
    }


def address(payer: Thing) -> Thing:
    """Return Stripe's form of an address; what was left empty is null."""
    return {key: payer.get(key) or None for key in ("city", "country", "line1", "line2", "postal_code", "state")}


def card_facts(card: Card, payer: Thing) -> Thing:
    """Return what may be told of a card, on a payment method and on a charge alike."""
    checked = {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"}
    return {
        "brand": card.brand,
        "checks": checked,
        "country": card.country,
        "exp_month": payer.get("exp_month") or 12,
        "exp_year": payer.get("exp_year") or 2034,
        "fingerprint": f"fp{card.number[:4]}{card.last4}",
        "funding": card.funding,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
    }
