"""Reconciliation: our orders, Stripe's ledger, the ebook provider's grants and the warehouse, held together."""
