"""The checkout: from a basket to an order whose money has come, and what follows from that."""
