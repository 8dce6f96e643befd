"""E-mail addresses: how one is tidied, checked and doubted. Pure."""

from __future__ import annotations

import re
from difflib import get_close_matches

_EMAIL = re.compile(
    r"(?!.*=\?)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\u0080-\uffff-]{1,64}@(?=.{1,253}$)(?:[A-Za-z0-9\u0080-\uffff-]{1,63}\.)+[A-Za-z\u0080-\uffff-]{2,63}"
)
LONGEST = 254
"""Of a whole address (RFC 5321)."""
_COMMON = (
    "gmail.com",
    "outlook.com",
    "hotmail.com",
    "hotmail.co.uk",
    "yahoo.com",
    "yahoo.co.uk",
    "icloud.com",
    "btinternet.com",
    "proton.me",
    "live.com",
    "aol.com",
)


def tidy(text: str) -> str:
    """An address as we keep and compare it: without spaces around, in small letters."""
    return text.strip().lower()  # casefold would make straße.example another house


def is_email(text: str) -> bool:
    """Whether it looks like an address at all."""
    return len(text) <= LONGEST and _EMAIL.fullmatch(text) is not None


def suspect(email: str) -> str | None:
    """The address that was probably meant, when the domain is one slip away from a common one."""
    local, _, domain = email.partition("@")
    near = get_close_matches(domain, _COMMON, n=1, cutoff=0.85)
    return f"{local}@{near[0]}" if near and near[0] != domain and domain not in _COMMON else None
