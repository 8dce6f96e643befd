"""Who pays, and with what: customers, payment methods, and the intents that set one up for later."""

import secrets

from integrations.sandbox.stripe.cards import Card, card_for
from integrations.sandbox.stripe.objects.common import nulls
from integrations.sandbox.stripe.store import Thing, new_id


def customer(asked: Thing, *, now: int) -> Thing:
    """Return a customer for the request's name, email and the like."""
    return {
        **nulls("address default_source description discount email name phone shipping test_clock"),
        **{key: asked[key] for key in ("address", "description", "email", "name", "phone", "shipping") if key in asked},
        "id": new_id("cus"),
        "object": "customer",
        "balance": 0,
        "created": now,
        "currency": None,
        "delinquent": False,
        "invoice_prefix": secrets.token_hex(4).upper(),
        "invoice_settings": nulls("custom_fields default_payment_method footer rendering_options"),
        "livemode": False,
        "metadata": asked.get("metadata") or {},
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": asked.get("tax_exempt") or "none",
    }


def card_method(card: Card, payer: Thing, *, now: int) -> Thing:
    """Return the payment method a payer made by typing a card, or by its token.

    Args:
        card: which test card.
        payer: email, name, country, line1, city, postal_code, exp_month and exp_year, as typed.
        now: the sandbox's time.
    """
    facts = {**card_facts(card, payer), "display_brand": card.brand, **nulls("generated_from wallet")}
    return {**_method("card", facts, payer, now=now), "_card": card.number}


def debit_method(kind: str, facts: Thing, payer: Thing, fate: str, *, now: int) -> Thing:
    """Return a bank debit; `fate` is `arrives`, `arrives_late`, `fails`, or `waits` until somebody decides."""
    return {**_method(kind, facts, payer, now=now), "_fate": fate}


def _method(kind: str, facts: Thing, payer: Thing, *, now: int) -> Thing:
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": payer.get("allow_redisplay") or "limited",
        "billing_details": billing_details(payer),
        kind: facts,
        "created": now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": payer.get("metadata") or {},
        "type": kind,
        "_payer": payer,
    }


def sepa_facts(iban: str) -> Thing:
    """Return what may be told of an account by its IBAN, whose spaces are gone."""
    return {
        "bank_code": iban[4:8],
        "branch_code": "",
        "country": iban[:2],
        "fingerprint": f"fp{iban[:2]}{iban[-4:]}",
        "generated_from": nulls("charge setup_attempt"),
        "last4": iban[-4:],
    }


def bacs_facts() -> Thing:
    """Return what may be told of the one account in Britain."""
    return {"fingerprint": "fpdebit", "last4": "6789", "sort_code": "108800"}


def billing_details(payer: Thing) -> Thing:
    """Return what is known of a payer beside the card."""
    return {
        "address": address(payer),
        "email": payer.get("email"),
        "name": payer.get("name"),
        "phone": payer.get("phone"),
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


def country_of(method: Thing) -> str:
    """Return the country whose fee a payment by this method costs."""
    if method["type"] == "card":
        return card_for(method["_card"]).country
    return str(method[method["type"]].get("country") or "GB")


def setup_intent(asked: Thing, *, now: int) -> Thing:
    """Return a setup intent for the request, nothing set up yet."""
    intent_id = new_id("seti")
    return {
        **nulls(
            "application cancellation_reason customer customer_account description excluded_payment_method_types "
            "flow_directions last_setup_error latest_attempt mandate next_action on_behalf_of payment_method "
            "payment_method_configuration_details single_use_mandate"
        ),
        **{key: asked[key] for key in ("customer", "description", "payment_method") if key in asked},
        "id": intent_id,
        "object": "setup_intent",
        "automatic_payment_methods": automatic_methods(asked),
        "client_secret": f"{intent_id}_secret_{secrets.token_hex(12)}",
        "created": now,
        "livemode": False,
        "metadata": asked.get("metadata") or {},
        "payment_method_options": {"card": {**nulls("mandate_options network"), "request_three_d_secure": "automatic"}},
        "payment_method_types": asked.get("payment_method_types") or ["card"],
        "status": "requires_confirmation" if asked.get("payment_method") else "requires_payment_method",
        "usage": asked.get("usage") or "off_session",
        "_session": asked.get("_session"),
        "_return_url": asked.get("return_url"),
    }


def automatic_methods(asked: Thing) -> Thing | None:
    """Return whether an intent takes whatever the Dashboard allows, as it does unless its request chose."""
    if asked.get("payment_method_types") or asked.get("_session"):
        return None
    return {"allow_redirects": "always", "enabled": True, **(asked.get("automatic_payment_methods") or {})}
