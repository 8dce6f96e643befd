"""The outside world, one adapter a vendor; each keeps a promise that a port in `shop` made."""
