"""A stand-in for Stripe: its HTTP, its hosted checkout page and its webhooks, on one machine.

The official library talks to it unmodified. It shares no code with the shop's own adapter, because a
misunderstanding held by both would hide itself.
"""
