"""Languages by their ISO 639-2 codes, as ONIX writes them. Pure."""

from __future__ import annotations

from babel import Locale
from babel.core import get_global

_LOCALE = Locale("en", "GB")


def name(code: str) -> str:
    """Return the English name of a language; its code where we do not know it."""
    return str(_LOCALE.languages.get(tag(code), code))


def tag(code: str) -> str:
    """Return the tag of BCP 47 for a language: of two letters where there is one."""
    return str(get_global("language_aliases").get(code, code))
