"""The shapes of Stripe's objects, as of 2026-10-28.endive.

Each function returns a new object with every field the official library requires; what may be null is null.
Amounts are integers in the currency's smallest unit, times are seconds since 1970.
"""

from integrations.sandbox.stripe.objects.checkout import line_item, session
from integrations.sandbox.stripe.objects.events import API_VERSION, account, event, webhook_endpoint
from integrations.sandbox.stripe.objects.ledger import balance_transaction, dispute, early_fraud_warning, payout, refund
from integrations.sandbox.stripe.objects.payers import (
    address,
    bacs_facts,
    card_method,
    customer,
    debit_method,
    sepa_facts,
    setup_intent,
)
from integrations.sandbox.stripe.objects.payments import charge, failed, intent
from integrations.sandbox.stripe.objects.products import price, product
from integrations.sandbox.stripe.objects.reports import csv_file, report_run, report_type

__all__ = [
    "API_VERSION",
    "account",
    "address",
    "bacs_facts",
    "balance_transaction",
    "card_method",
    "charge",
    "csv_file",
    "customer",
    "debit_method",
    "dispute",
    "early_fraud_warning",
    "event",
    "failed",
    "intent",
    "line_item",
    "payout",
    "price",
    "product",
    "refund",
    "report_run",
    "report_type",
    "sepa_facts",
    "session",
    "setup_intent",
    "webhook_endpoint",
]
