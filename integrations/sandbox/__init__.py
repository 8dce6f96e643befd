"""Stand-in servers that speak the vendors' own HTTP; they share no code with the adapters."""
