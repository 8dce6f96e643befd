"""Payment intents, and charges."""

import secrets

from integrations.sandbox.stripe.cards import Card, card_for
from integrations.sandbox.stripe.objects.common import nulls
from integrations.sandbox.stripe.objects.payers import automatic_methods, card_facts, country_of
from integrations.sandbox.stripe.store import Thing, new_id


def intent(asked: Thing, *, now: int) -> Thing:
    """Return a payment intent for `amount` and `currency` and whatever else a request or a session says."""
    intent_id = new_id("pi")
    return {
        **nulls(
            "allowed_payment_method_types application application_fee_amount canceled_at "
            "cancellation_reason customer customer_account description excluded_payment_method_types "
            "last_payment_error latest_charge managed_payments next_action on_behalf_of payment_method "
            "payment_method_configuration_details processing receipt_email review "
            "setup_future_usage shipping statement_descriptor statement_descriptor_suffix "
            "transfer_data transfer_group"
        ),
        **{key: value for key, value in asked.items() if key in _ECHOED},
        "id": intent_id,
        "object": "payment_intent",
        "amount": asked["amount"],
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": automatic_methods(asked),
        "capture_method": asked.get("capture_method") or "automatic_async",
        "client_secret": f"{intent_id}_secret_{secrets.token_hex(12)}",
        "confirmation_method": asked.get("confirmation_method") or "automatic",
        "created": now,
        "currency": asked["currency"].lower(),
        "livemode": False,
        "metadata": asked.get("metadata") or {},
        "payment_method_options": {
            "card": {**nulls("installments mandate_options network"), "request_three_d_secure": "automatic"}
        },
        "payment_method_types": asked.get("payment_method_types") or ["card"],
        "status": "requires_confirmation" if asked.get("payment_method") else "requires_payment_method",
        "_session": asked.get("_session"),
        "_return_url": asked.get("return_url"),
    }


_ECHOED = {
    "customer",
    "description",
    "payment_method",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
}


def charge(basis: Thing, method: Thing, *, now: int, url: str) -> Thing:
    """Return a succeeded, captured charge for a payment intent.

    Args:
        basis: the payment intent.
        method: the payment method it was made with.
        now: the sandbox's time.
        url: the sandbox's own address, for the receipt.
    """
    charge_id = new_id("ch")
    is_card = method["type"] == "card"
    return {
        **nulls(
            "application application_fee application_fee_amount balance_transaction "
            "failure_balance_transaction failure_code failure_message on_behalf_of "
            "receipt_number review source_transfer transfer_data transfer_group"
        ),
        "id": charge_id,
        "object": "charge",
        "amount": basis["amount"],
        "amount_captured": basis["amount"],
        "amount_refunded": 0,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": "FRONTLIST SANDBOX" if is_card else None,
        "captured": True,
        "created": now,
        "currency": basis["currency"],
        "customer": basis["customer"],
        "description": basis["description"],
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(basis["metadata"]),
        "outcome": _outcome("approved_by_network", "Payment complete.", "authorized"),
        "paid": True,
        "payment_intent": basis["id"],
        "payment_method": method["id"],
        "payment_method_details": _details(basis, method),
        "radar_options": {},
        "receipt_email": basis["receipt_email"],
        "receipt_url": f"{url}/receipts/{charge_id}",
        "refunded": False,
        "shipping": basis["shipping"],
        "statement_descriptor": basis["statement_descriptor"],
        "statement_descriptor_suffix": basis["statement_descriptor_suffix"],
        "status": "succeeded",
        "_fate": card_for(method["_card"]).fate if is_card else "ok",
        "_country": country_of(method),
    }


def _details(basis: Thing, method: Thing) -> Thing:
    if method["type"] == "card":
        return {"card": _card_on_charge(basis, card_for(method["_card"]), method["_payer"]), "type": "card"}
    facts = {key: value for key, value in method[method["type"]].items() if key != "generated_from"}
    return {method["type"]: {**facts, "mandate": None}, "type": method["type"]}


def failed(basis: Thing, card: Card) -> Thing:
    """Return the charge turned into one the bank refused."""
    blocked = card.decline_code == "fraudulent"
    status = "not_sent_to_network" if blocked else "declined_by_network"
    outcome = _outcome(status, "The bank did not accept this card.", "blocked" if blocked else "issuer_declined")
    return {
        **basis,
        "amount_captured": 0,
        "captured": False,
        "failure_code": card.code,
        "failure_message": card.message,
        "outcome": {**outcome, "reason": card.decline_code},
        "paid": False,
        "receipt_url": None,
        "status": "failed",
    }


def _outcome(network_status: str, message: str, kind: str) -> Thing:
    return {
        **nulls("advice_code network_advice_code network_decline_code reason"),
        "network_status": network_status,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": message,
        "type": kind,
    }


def _card_on_charge(basis: Thing, card: Card, payer: Thing) -> Thing:
    facts = card_facts(card, payer)
    del facts["networks"], facts["three_d_secure_usage"]
    return {
        **facts,
        **nulls("installments mandate three_d_secure wallet network_transaction_id"),
        "amount_authorized": basis["amount"],
        "authorization_code": "123456",
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "overcapture": {"maximum_amount_capturable": basis["amount"], "status": "unavailable"},
    }
