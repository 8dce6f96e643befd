"""What happens to the money afterwards."""

import secrets

from integrations.sandbox.stripe.objects.common import nulls
from integrations.sandbox.stripe.store import Thing, new_id


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
        **nulls("balance_transaction receipt_number source_transfer_reversal transfer_reversal"),
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
        "is_charge_refundable": status.startswith("warning"),
        "livemode": False,
        "metadata": {},
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
        **nulls(
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
        **nulls(
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
