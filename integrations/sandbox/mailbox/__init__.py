"""A stand-in for a mail provider: takes every message on loopback, delivers none, and shows them all."""
