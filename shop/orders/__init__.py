"""Orders: what was agreed, what was paid and given back, and what law and tax want remembered of it."""
