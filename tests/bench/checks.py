"""What a product page may cost besides CPU: statements, bytes, and not one stale word."""

from __future__ import annotations

import re
import sqlite3
import sys
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from shop.app import create_app
from tests.bench import load, targets
from tests.bench.catalogue import COUNTRY, FAMOUS, MANY_EDITIONS, slug_with

if TYPE_CHECKING:
    from shop.services import Shop
    from tests.bench.house import House

FEW_EDITIONS = 2
BOOKKEEPING = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")
_RESOURCE = re.compile(r"""<(?:link rel="(?:stylesheet|icon)"|img|script)[^>]*?(?:href|src)="([^"]+)\"""")
_PICTURE = re.compile(
    r"""<picture>\s*<source type="image/avif" srcset="([^"]+)".*?<img[^>]* width="(\d+)".*?</picture>""", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Change:
    """One fact of Exit Stalin changed behind the shop's back, how to undo it, and what the page must say."""

    name: str
    sql: str
    undo: str
    shows: str


_EDITION = "WHERE work_id = (SELECT id FROM work WHERE slug = 'exit-stalin') AND form"
_FIRST_PRICE = f"WHERE edition_id = (SELECT id FROM edition {_EDITION} = 'BB') AND position = 0"
_SET = f"WHERE id = (SELECT rights_set_id FROM edition {_EDITION} = 'BB')"
CHANGES = (
    Change(
        "price",
        f"UPDATE price SET minor = minor + 1 {_FIRST_PRICE}",
        f"UPDATE price SET minor = minor - 1 {_FIRST_PRICE}",
        "£38.01",
    ),
    Change(
        "stock",
        f"UPDATE edition SET stock = stock - 181 {_EDITION} = 'BB'",
        f"UPDATE edition SET stock = stock + 181 {_EDITION} = 'BB'",
        "Only 3 left.",
    ),
    Change(
        "right",
        f"UPDATE rights_set SET countries = replace(countries, ' {COUNTRY}', '') {_SET}",
        f"UPDATE rights_set SET countries = countries || ' {COUNTRY}' {_SET}",
        "Not sold in the United States",
    ),
    Change(
        "provider state",
        f"UPDATE edition SET provider_state = 'not_enabled' {_EDITION} = 'ED'",
        f"UPDATE edition SET provider_state = 'enabled' {_EDITION} = 'ED'",
        "Coming soon",
    ),
)


def stale(house: House) -> list[str]:
    """The facts whose change the next answer did not show, or whose return it did not."""
    return [change.name for change in CHANGES if not _shows_at_once(house, change)]


def _shows_at_once(house: House, change: Change) -> bool:
    before = _famous(house)
    _run(house, change.sql)
    during = _famous(house)
    _run(house, change.undo)
    after = _famous(house)
    return change.shows not in before + after and change.shows in during


def _famous(house: House) -> str:
    return load.once(house.web.port, targets.page("shop", FAMOUS)).body.decode()


def _run(house: House, sql: str) -> None:
    with sqlite3.connect(house.database, timeout=10) as connection:
        if connection.execute(sql).rowcount != 1:
            raise RuntimeError(f"changed nothing, or too much: {sql}")
    connection.close()


def statements(shop: Shop) -> dict[str, int]:
    """SQL statements for a page of a few and of many editions, rendered and remembered.

    SQLite itself tells them, on every connection that this process opens, whoever opens it.
    """
    opened, seen = _connections(), list[str]()
    shop.db.close()
    client, counted = create_app(shop).test_client(), {}
    client.set_cookie("country", COUNTRY, domain="127.0.0.1")

    def get(slug: str) -> None:
        client.get(f"/books/{slug}", base_url=shop.settings.public_base_url)

    get(FAMOUS)
    for connection in opened:
        connection.set_trace_callback(seen.append)
    for editions in (FEW_EDITIONS, MANY_EDITIONS):
        for manner in ("rendered", "remembered"):
            seen.clear()
            get(slug_with(editions))
            counted[f"{editions} editions, {manner}"] = sum(not one.startswith(BOOKKEEPING) for one in seen)
    return counted


def _connections() -> list[sqlite3.Connection]:
    """Every SQLite connection that is opened from now on; the interpreter announces each."""
    opened: list[sqlite3.Connection] = []

    def notice(event: str, about: tuple[Any, ...]) -> None:
        if event == "sqlite3.connect/handle":
            opened.append(about[0])

    sys.addaudithook(notice)
    return opened


def transferred(house: House, address: str) -> dict[str, int]:
    """Bytes of a first visit to a page, heads included: the page and all that it asks for.

    Of a picture it is the AVIF that a browser takes on a screen of one pixel to the point.
    """
    page = load.once(house.web.port, targets.asked("shop", address))
    found = {address: page}
    text = page.body.decode()
    photographs = [_best(*picture) for picture in _PICTURE.findall(text)]
    for path in [*photographs, *_RESOURCE.findall(_PICTURE.sub("", text))]:
        found[path] = load.once(house.web.port, targets.asked("shop", path))
        if found[path].status != HTTPStatus.OK:
            raise SystemExit(f"{path} answered {found[path].status}")
    return {path: answer.size for path, answer in found.items()}


def _best(sources: str, width: str) -> str:
    """The smallest of a `srcset` that is not blown up."""
    known = [source.split() for source in sources.split(", ")]
    return next(path for path, told in known if int(told.removesuffix("w")) >= int(width))


def sells_without_script(house: House) -> bool:
    """Whether the page's own form puts the book into the basket."""
    page = load.once(house.web.port, targets.page("shop", FAMOUS)).body
    return b'<form method="post" action="/basket">' in page
