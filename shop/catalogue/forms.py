"""Forms: what readers call the product forms of ONIX list 150, and which are delivered as bytes. Pure."""

from __future__ import annotations

NAMES = {"BA": "Book", "BB": "Hardback", "BC": "Paperback", "ED": "Ebook", "EA": "Ebook", "AJ": "Audiobook"}
DIGITAL_AUDIO = ("AJ", "AN")
"""Downloadable, or to be listened to over the net; the other audio forms are discs and cards."""
DIGITAL = ("E", *DIGITAL_AUDIO)
"""How the codes begin."""


def name(form: str) -> str:
    """Return what readers call a form: Hardback, Ebook."""
    return NAMES.get(form, "Book")


def is_digital(form: str) -> bool:
    """Whether it is delivered as bytes rather than by post."""
    return form.startswith(DIGITAL)
