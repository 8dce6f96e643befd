"""The shapes of Stripe's objects, as of 2026-10-28.endive.

Each function returns a new object with every field the official library requires; what may be null is null.
Amounts are integers in the currency's smallest unit, times are seconds since 1970.
"""

from integrations.sandbox.stripe.objects.checkout import line_item, session
from integrations.sandbox.stripe.objects.events import API_VERSION, account, event, webhook_endpoint
from integrations.sandbox.stripe.objects.ledger import balance_transaction, dispute, early_fraud_warning, payout, refund
from integrations.sandbox.stripe.objects.payers import address, payment_method
from integrations.sandbox.stripe.objects.payments import charge, failed, intent

__all__ = [
    "API_VERSION",
    "account",
    "address",
    "balance_transaction",
    "charge",
    "dispute",
    "early_fraud_warning",
    "event",
    "failed",
    "intent",
    "line_item",
    "payment_method",
    "payout",
    "refund",
    "session",
    "webhook_endpoint",
]
