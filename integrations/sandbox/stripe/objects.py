"""The shapes of Stripe's objects, as of 2026-10-28.endive.

Each function returns a new object with every field the official library requires; what may be null is null.
Amounts are integers in the currency's smallest unit, times are seconds since 1970.
"""

import secrets

from integrations.sandbox.stripe.cards import Card
from integrations.sandbox.stripe.store import Thing, new_id

API_VERSION = "2026-10-28.endive"


def _nulls(names: str) -> Thing:
    return dict.fromkeys(names.split())


def session(asked: Thing, lines: list[Thing], *, now: int, url: str) -> Thing:
    """Return an open checkout session for the request, `lines` being its line items."""
    session_id = f"cs_test_{secrets.token_hex(29)}"
    subtotal = sum(line["amount_subtotal"] for line in lines)
    rates = [option["shipping_rate_data"] for option in asked.get("shipping_options") or []]
    shipping = _shipping_options(rates)
    delivery = shipping[0]["shipping_amount"] if shipping else 0
    return {
        **_nulls(
            "after_expiration allow_promotion_codes allowed_payment_method_types branding_settings "
            "client_secret "
            "collected_information consent consent_collection currency_conversion customer customer_account "
            "customer_details discounts excluded_payment_method_types integration_identifier invoice locale "
            "managed_payments name_collection origin_context payment_intent payment_link "
            "payment_method_configuration_details permissions presentment_details recovered_from return_url "
            "saved_payment_method_options setup_intent shipping_address_collection submit_type subscription "
            "wallet_options billing_address_collection client_reference_id cancel_url customer_email"
        ),
        **{key: value for key, value in asked.items() if key in _ECHOED},
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": asked.get("adaptive_pricing") or {"enabled": True},
        "amount_subtotal": subtotal,
        "amount_total": subtotal + delivery,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "created": now,
        "currency": lines[0]["currency"],
        "custom_fields": [],
        "custom_text": {
            **_nulls("after_submit shipping_address submit terms_of_service_acceptance"),
            **(asked.get("custom_text") or {}),
        },
        "customer_creation": "if_required",
        "expires_at": asked.get("expires_at") or now + 86400,
        "invoice_creation": {"enabled": False, "invoice_data": _invoice_data()},
        "livemode": False,
        "metadata": asked.get("metadata") or {},
        "mode": "payment",
        "payment_method_collection": "if_required",
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "phone_number_collection": asked.get("phone_number_collection") or {"enabled": False},
        "redirect_on_completion": "always",
        "shipping_cost": _shipping_cost(shipping),
        "shipping_options": shipping,
        "status": "open",
        "success_url": asked["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": delivery, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{url}/c/pay/{session_id}",
        "_lines": lines,
        "_shipping_names": [rate["display_name"] for rate in rates],
        "_intent_data": asked.get("payment_intent_data") or {},
    }


_ECHOED = {
    "allowed_payment_method_types",
    "billing_address_collection",
    "cancel_url",
    "client_reference_id",
    "consent_collection",
    "customer_email",
    "excluded_payment_method_types",
    "locale",
    "shipping_address_collection",
    "submit_type",
}


def _invoice_data() -> Thing:
    return {
        "metadata": {},
        **_nulls("account_tax_ids custom_fields description footer issuer rendering_options"),
    }


def _shipping_options(rates: list[Thing]) -> list[Thing]:
    return [{"shipping_amount": rate["fixed_amount"]["amount"], "shipping_rate": new_id("shr")} for rate in rates]


def _shipping_cost(options: list[Thing]) -> Thing | None:
    if not options:
        return None
    amount = options[0]["shipping_amount"]
    rate = options[0]["shipping_rate"]
    return {"amount_subtotal": amount, "amount_tax": 0, "amount_total": amount, "shipping_rate": rate}


def line_item(asked: Thing, *, now: int) -> Thing:
    """Return one line of a session from its inline `price_data` and `quantity`."""
    data = asked["price_data"]
    amount = data["unit_amount"] * asked["quantity"]
    return {
        "id": new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": data["currency"].lower(),
        "description": data["product_data"]["name"],
        "metadata": asked.get("metadata") or {},
        "price": _price(data, now),
        "quantity": asked["quantity"],
    }


def _price(data: Thing, now: int) -> Thing:
    return {
        **_nulls("custom_unit_amount lookup_key nickname recurring tiers_mode transform_quantity"),
        "id": new_id("price"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": now,
        "currency": data["currency"].lower(),
        "livemode": False,
        "metadata": {},
        "product": data.get("product") or new_id("prod"),
        "tax_behavior": data.get("tax_behavior") or "unspecified",
        "type": "one_time",
        "unit_amount": data["unit_amount"],
        "unit_amount_decimal": str(data["unit_amount"]),
    }


def intent(basis: Thing, *, now: int) -> Thing:
    """Return the PaymentIntent of a session, not yet paid."""
    data = basis["_intent_data"]
    intent_id = new_id("pi")
    return {
        **_nulls(
            "allowed_payment_method_types amount_details application application_fee_amount canceled_at "
            "cancellation_reason customer customer_account excluded_payment_method_types last_payment_error "
            "latest_charge managed_payments next_action on_behalf_of payment_method "
            "payment_method_configuration_details presentment_details processing review "
            "setup_future_usage source "
            "transfer_data transfer_group"
        ),
        "id": intent_id,
        "object": "payment_intent",
        "amount": basis["amount_total"],
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": None,
        "capture_method": data.get("capture_method") or "automatic_async",
        "client_secret": f"{intent_id}_secret_{secrets.token_hex(12)}",
        "confirmation_method": "automatic",
        "created": now,
        "currency": basis["currency"],
        "description": data.get("description"),
        "livemode": False,
        "metadata": data.get("metadata") or {},
        "payment_method_options": {
            "card": {**_nulls("installments mandate_options network"), "request_three_d_secure": "automatic"}
        },
        "payment_method_types": ["card"],
        "receipt_email": data.get("receipt_email"),
        "shipping": data.get("shipping"),
        "statement_descriptor": data.get("statement_descriptor"),
        "statement_descriptor_suffix": data.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "_session": basis["id"],
    }


def payment_method(card: Card, payer: Thing, *, now: int) -> Thing:
    """Return the payment method a payer made by typing a card; `payer` is as `charge` takes it."""
    return {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": _billing_details(payer),
        "card": {**_card_facts(card, payer), "display_brand": card.brand, **_nulls("generated_from wallet")},
        "created": now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }


def charge(basis: Thing, card: Card, payer: Thing, *, now: int, url: str) -> Thing:
    """Return a succeeded, captured charge for a PaymentIntent.

    Args:
        basis: the PaymentIntent.
        card: the card it was made with.
        payer: email, name, country, line1, city, postal_code, exp_month and exp_year, as typed.
        now: the sandbox's time.
        url: the sandbox's own address, for the receipt.
    """
    charge_id = new_id("ch")
    return {
        **_nulls(
            "application application_fee application_fee_amount balance_transaction customer "
            "failure_balance_transaction failure_code failure_message on_behalf_of presentment_details "
            "receipt_number review source source_transfer transfer_data transfer_group"
        ),
        "id": charge_id,
        "object": "charge",
        "amount": basis["amount"],
        "amount_captured": basis["amount"],
        "amount_refunded": 0,
        "billing_details": _billing_details(payer),
        "calculated_statement_descriptor": "FRONTLIST SANDBOX",
        "captured": True,
        "created": now,
        "currency": basis["currency"],
        "description": basis["description"],
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(basis["metadata"]),
        "outcome": _outcome("approved_by_network", "Payment complete.", "authorized"),
        "paid": True,
        "payment_intent": basis["id"],
        "payment_method": basis["payment_method"],
        "payment_method_details": {"card": _card_on_charge(basis, card, payer), "type": "card"},
        "radar_options": {},
        "receipt_email": basis["receipt_email"],
        "receipt_url": f"{url}/receipts/{charge_id}",
        "refunded": False,
        "shipping": basis["shipping"],
        "statement_descriptor": basis["statement_descriptor"],
        "statement_descriptor_suffix": basis["statement_descriptor_suffix"],
        "status": "succeeded",
        "_fate": card.fate,
        "_country": card.country,
    }


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
        **_nulls("advice_code network_advice_code network_decline_code reason"),
        "network_status": network_status,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": message,
        "type": kind,
    }


def _billing_details(payer: Thing) -> Thing:
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


def _card_facts(card: Card, payer: Thing) -> Thing:
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


def _card_on_charge(basis: Thing, card: Card, payer: Thing) -> Thing:
    facts = _card_facts(card, payer)
    del facts["networks"], facts["three_d_secure_usage"]
    return {
        **facts,
        **_nulls("installments mandate three_d_secure wallet network_transaction_id"),
        "amount_authorized": basis["amount"],
        "authorization_code": "123456",
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "multicapture": {"status": "unavailable"},
        "network": card.brand,
        "network_token": {"used": False},
        "overcapture": {"maximum_amount_capturable": basis["amount"], "status": "unavailable"},
    }


def balance_transaction(source: Thing, kind: str, category: str, amount: int, fee: int, *, now: int) -> Thing:
    """Return a line of the ledger: `net = amount - fee`, available at once."""
    return {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now,
        "balance_type": "payments",
        "created": now,
        "currency": source["currency"],
        "description": source.get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": _fee_details(fee, source["currency"], category),
        "net": amount - fee,
        "reporting_category": category,
        "source": source["id"],
        "status": "available",
        "type": kind,
        "_payout": None,
    }


def _fee_details(fee: int, currency: str, category: str) -> list[Thing]:
    if not fee:
        return []
    says = "Dispute fee" if category == "dispute" else "Stripe processing fees"
    return [{"amount": fee, "application": None, "currency": currency, "description": says, "type": "stripe_fee"}]


def refund(basis: Thing, amount: int, asked: Thing, *, now: int) -> Thing:
    """Return a succeeded refund of a charge."""
    return {
        **_nulls(
            "balance_transaction customer customer_account description receipt_number "
            "source_transfer_reversal "
            "transfer_reversal pending_reason failure_reason failure_balance_transaction next_action "
            "instructions_email presentment_details"
        ),
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "charge": basis["id"],
        "created": now,
        "currency": basis["currency"],
        "destination_details": {
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
            "type": "card",
        },
        "metadata": asked.get("metadata") or {},
        "payment_intent": basis["payment_intent"],
        "payment_method": basis["payment_method"],
        "reason": asked.get("reason"),
        "status": "succeeded",
    }


def dispute(basis: Thing, reason: str, status: str, *, now: int) -> Thing:
    """Return a dispute of a whole charge, or an inquiry when the status begins `warning`."""
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": basis["amount"],
        "balance_transactions": [],
        "charge": basis["id"],
        "created": now,
        "currency": basis["currency"],
        "enhanced_eligibility_types": [],
        "evidence": _evidence(),
        "evidence_details": {
            "due_by": now + 14 * 86400,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": status.startswith("warning"),
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": basis["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": basis["payment_method_details"]["card"]["brand"],
                "case_type": "inquiry" if status.startswith("warning") else "chargeback",
                "network": basis["payment_method_details"]["card"]["network"],
                "network_reason_code": "10.4",
            },
            "type": "card",
        },
        "reason": reason,
        "status": status,
    }


def _evidence() -> Thing:
    return {
        **_nulls(
            "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure "
            "cancellation_rebuttal customer_communication customer_email_address customer_name "
            "customer_purchase_ip customer_signature duplicate_charge_documentation "
            "duplicate_charge_explanation "
            "duplicate_charge_id product_description receipt refund_policy refund_policy_disclosure "
            "refund_refusal_explanation service_date service_documentation shipping_address shipping_carrier "
            "shipping_date shipping_documentation shipping_tracking_number uncategorized_file "
            "uncategorized_text"
        ),
        "enhanced_evidence": {},
    }


def payout(amount: int, currency: str, *, now: int, automatic: bool) -> Thing:
    """Return a payout to the bank, paid the moment it is made."""
    return {
        **_nulls(
            "application_fee application_fee_amount balance_transaction failure_balance_transaction "
            "failure_code failure_message original_payout payout_method reversed_by statement_descriptor"
        ),
        "id": new_id("po"),
        "object": "payout",
        "amount": amount,
        "arrival_date": now,
        "automatic": automatic,
        "created": now,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": "ba_sandbox",
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "reconciliation_status": "completed" if automatic else "not_applicable",
        "source_type": "card",
        "status": "paid",
        "trace_id": {"status": "supported", "value": secrets.token_hex(8).upper()},
        "type": "bank_account",
    }


def early_fraud_warning(basis: Thing, *, now: int) -> Thing:
    """Return a card network's warning that a charge is likely fraudulent."""
    return {
        "id": new_id("issfr"),
        "object": "radar.early_fraud_warning",
        "actionable": True,
        "charge": basis["id"],
        "created": now,
        "fraud_type": "made_with_stolen_card",
        "livemode": False,
        "payment_intent": basis["payment_intent"],
    }


def event(kind: str, snapshot: Thing, request: Thing | None, *, now: int) -> Thing:
    """Return the event that says what just happened to an object; `snapshot` is the object as it is now."""
    return {
        "id": new_id("evt"),
        "object": "event",
        "account": None,
        "api_version": API_VERSION,
        "context": None,
        "created": now,
        "data": {"object": snapshot},
        "livemode": False,
        "pending_webhooks": 0,
        "request": request or {"id": None, "idempotency_key": None},
        "type": kind,
    }


def webhook_endpoint(asked: Thing, secret: str, *, now: int) -> Thing:
    """Return a webhook endpoint; its secret is kept as the sandbox's own note."""
    return {
        "id": new_id("we"),
        "object": "webhook_endpoint",
        "api_version": asked.get("api_version"),
        "application": None,
        "created": now,
        "description": asked.get("description"),
        "enabled_events": asked["enabled_events"],
        "livemode": False,
        "metadata": asked.get("metadata") or {},
        "status": "enabled",
        "url": asked["url"],
        "_secret": secret,
    }


def account() -> Thing:
    """Return the one account there is."""
    return {
        "id": "acct_sandbox",
        "object": "account",
        "business_type": "company",
        "charges_enabled": True,
        "country": "GB",
        "default_currency": "gbp",
        "details_submitted": True,
        "email": "sandbox@example.com",
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": "Frontlist sandbox", "timezone": "Europe/London"}},
        "type": "standard",
    }
