"""Despatch: printed books leave by way of the warehouse, in files both ways."""
