"""Selling: what goes with an offer. Delivery and its charge, what must be disclosed, how much may be sold where."""
