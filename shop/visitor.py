"""What a visitor's own two cookies say: the country they told us, and what lies in their basket.

Neither is a secret nor trusted: both are checked against the catalogue each time. A basket needs no row,
so it cannot be lost with a server, and a page needs no query to show how many books are in it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flask import request

from shop.countries import COUNTRIES
from shop.web import the_shop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Response

COUNTRY_COOKIE = "country"
BASKET_COOKIE = "basket"
MOST_COPIES = 20
MOST_LINES = 40
LASTING_SECONDS = 180 * 86400
_LINE = re.compile(r"(97[89]\d{10})x(\d{1,2})")

Basket = dict[str, int]
"""Quantity by ISBN-13, in the order in which the books were added."""


def cookies_of(header: str) -> dict[str, str]:
    """The cookies of a request's header, as far as they are ours: ours hold no letter that wants quoting."""
    pairs = (part.partition("=") for part in header.split("; "))
    return {name: value for name, _, value in pairs}


def country() -> str | None:
    """The ISO 3166-1 code the visitor chose, or None: it is asked, never guessed."""
    return country_in(request.cookies)


def country_in(cookies: Mapping[str, str]) -> str | None:
    """The country that these cookies hold."""
    code = cookies.get(COUNTRY_COOKIE)
    return code if code in COUNTRIES else None


def basket() -> Basket:
    """What the visitor's basket holds; anything unreadable in it is left out."""
    written = request.cookies.get(BASKET_COOKIE)
    return _read(written) if written else {}


def copies() -> int:
    """How many books are in the basket."""
    return copies_in(request.cookies)


def copies_in(cookies: Mapping[str, str]) -> int:
    """How many books these cookies hold."""
    written = cookies.get(BASKET_COOKIE)
    return sum(_read(written).values()) if written else 0


def remember_country(response: Response, code: str) -> None:
    """Keep the country for half a year."""
    _remember(response, COUNTRY_COOKIE, code)


def remember_basket(response: Response, lines: Basket) -> None:
    """Keep the basket for half a year; an empty one is forgotten."""
    if lines:
        _remember(response, BASKET_COOKIE, ".".join(f"{isbn}x{count}" for isbn, count in lines.items()))
    else:
        response.delete_cookie(BASKET_COOKIE, samesite="Lax", httponly=True, secure=the_shop().settings.is_secure)


def _read(written: str) -> Basket:
    found: Basket = {}
    for part in written.split(".")[:MOST_LINES]:
        if (line := _LINE.fullmatch(part)) and 0 < int(line[2]) <= MOST_COPIES:
            found[line[1]] = int(line[2])
    return found


def _remember(response: Response, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=LASTING_SECONDS,
        samesite="Lax",
        httponly=True,
        secure=the_shop().settings.is_secure,
    )
