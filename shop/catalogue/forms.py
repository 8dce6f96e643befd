"""Forms: what readers call the product forms of ONIX list 150, which come as bytes, and as which media type. Pure."""

from __future__ import annotations

NAMES = {"BA": "Book", "BB": "Hardback", "BC": "Paperback", "ED": "Ebook", "EA": "Ebook", "AJ": "Audiobook"}
DIGITAL_AUDIO = ("AJ", "AN")
"""Downloadable, or to be listened to over the net; the other audio forms are discs and cards."""
DIGITAL = ("E", *DIGITAL_AUDIO)
"""How the codes begin."""
_MEDIA_TYPES = {
    "A103": "audio/mpeg",
    "A107": "audio/aac",
    "A108": "audio/ogg",
    "A110": "audio/flac",
    "E101": "application/epub+zip",
    "E107": "application/pdf",
    "E108": "application/pdf",
    "E116": "application/vnd.amazon.ebook",
    "E127": "application/x-mobipocket-ebook",
}
"""By list 175."""


def name(form: str) -> str:
    """Return what readers call a form: Hardback, Ebook."""
    return NAMES.get(form, "Book")


def is_digital(form: str) -> bool:
    """Whether it is delivered as bytes rather than by post."""
    return form.startswith(DIGITAL)


def media_type(form_detail: str | None) -> str | None:
    """Return the media type of an edition's file by its form detail, or None where that says nothing of it."""
    return _MEDIA_TYPES.get(form_detail or "")
