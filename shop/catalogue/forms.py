"""Forms: what readers call the product forms of ONIX list 150, which come as bytes, and as which media type. Pure."""

from __future__ import annotations

NAMES = {"BA": "Book", "BB": "Hardback", "BC": "Paperback", "ED": "Ebook", "EA": "Ebook", "AJ": "Audiobook"}
DIGITAL_AUDIO = ("AJ", "AN")
"""Downloadable, or to be listened to over the net; the other audio forms are discs and cards."""
DIGITAL = ("E", *DIGITAL_AUDIO)
"""How the codes begin."""
_FILES = {
    "A103": ("MP3", "audio/mpeg"),
    "A107": ("AAC", "audio/aac"),
    "A108": ("Ogg", "audio/ogg"),
    "A110": ("FLAC", "audio/flac"),
    "E101": ("EPUB", "application/epub+zip"),
    "E107": ("PDF", "application/pdf"),
    "E108": ("PDF", "application/pdf"),
    "E116": ("Amazon Kindle", "application/vnd.amazon.ebook"),
    "E127": ("Mobipocket", "application/x-mobipocket-ebook"),
}
"""What readers call a file and its media type, by list 175."""


def name(form: str) -> str:
    """Return what readers call a form: Hardback, Ebook."""
    return NAMES.get(form, "Book")


def is_digital(form: str) -> bool:
    """Whether it is delivered as bytes rather than by post."""
    return form.startswith(DIGITAL)


def media_type(form_details: str | None) -> str | None:
    """Return the media type of an edition's file by its form details, or None where these say nothing of it."""
    return _file(form_details)[1]


def file_name(form_details: str | None) -> str | None:
    """Return what readers call an edition's kind of file, or None where its form details say nothing of it."""
    return _file(form_details)[0]


def _file(form_details: str | None) -> tuple[str, str] | tuple[None, None]:
    """The first of these codes that tells a file: others tell how it is laid out, or what it can do."""
    told = (_FILES[code] for code in (form_details or "").split() if code in _FILES)
    return next(told, (None, None))
