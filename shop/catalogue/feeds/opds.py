"""OPDS: the shop's ebooks as a catalogue for reading apps, in version 2.0 (JSON) and 1.2 (Atom). Pure.

A price stands in it only for a country that was asked for, since what a book costs depends on where its reader is. The
ebook itself is bought on its page; what file comes of that is told as far as its record says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lxml import etree
from lxml.builder import ElementMaker

from shop.catalogue.feeds.documents import ATOM, House

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from shop.catalogue.covers.jackets import Jacket
    from shop.catalogue.finding.subjects import Subject
    from shop.money import Money

JSON_TYPE = "application/opds+json"
NAVIGATION_TYPE = "application/atom+xml;profile=opds-catalog;kind=navigation"
ACQUISITION_TYPE = "application/atom+xml;profile=opds-catalog;kind=acquisition"
BUY = "http://opds-spec.org/acquisition/buy"
NEW = "http://opds-spec.org/sort/new"
IMAGE, THUMBNAIL = "http://opds-spec.org/image", "http://opds-spec.org/image/thumbnail"
OPDS, DC = "http://opds-spec.org/2010/catalog", "http://purl.org/dc/terms/"
THEMA = "https://ns.editeur.org/thema/"


@dataclass(frozen=True, slots=True)
class Publication:
    """An ebook.

    Attributes:
        address: The path of its page.
        media_type: Of the file that is bought; None where nobody said.
        language: A tag of BCP 47; empty where nobody said.
        price: In the country that was asked for, if it is sold there.
    """

    title: str
    subtitle: str | None
    authors: tuple[str, ...]
    publisher: str | None
    summary: str
    isbn: str
    address: str
    jacket: Jacket
    media_type: str | None
    language: str
    published_on: date | None
    subjects: tuple[Subject, ...]
    price: Money | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of a catalogue: its publications, its place among the others, and how its own address goes on."""

    publications: Sequence[Publication]
    page: int
    pages: int
    total: int
    path: str
    query: str = ""

    def address(self, page: int) -> str:
        """The path of another page."""
        asked = "&".join(part for part in (self.query, f"page={page}" if page > 1 else "") if part)
        return f"{self.path}?{asked}" if asked else self.path

    @property
    def links(self) -> list[tuple[str, int]]:
        """The pages that this one leads to, by relation."""
        found = [("self", self.page), ("first", 1), ("last", self.pages)]
        found += [("previous", self.page - 1)] if self.page > 1 else []
        return found + ([("next", self.page + 1)] if self.page < self.pages else [])


def navigation(house: House, query: str) -> bytes:
    """Return the root of the catalogue, version 2.0."""
    suffix = f"?{query}" if query else ""
    told = {
        "metadata": {"title": house.name},
        "links": [
            {"rel": "self", "href": f"{house.address}/opds{suffix}", "type": JSON_TYPE},
            {"rel": "search", "href": f"{house.address}/search{{?q}}", "type": "text/html", "templated": True},
        ],
        "navigation": [
            {"title": "New ebooks", "href": f"{house.address}/opds/new{suffix}", "type": JSON_TYPE, "rel": NEW}
        ],
    }
    return _json(told)


def sheet(house: House, title: str, told: Sheet) -> bytes:
    """Return a page of publications, version 2.0."""
    return _json(
        {
            "metadata": {
                "title": f"{title} — {house.name}",
                "numberOfItems": told.total,
                "currentPage": told.page,
            },
            "links": [
                {"rel": rel, "href": house.address + told.address(page), "type": JSON_TYPE} for rel, page in told.links
            ],
            "publications": [_publication(house, one) for one in told.publications],
        }
    )


def _publication(house: House, one: Publication) -> dict[str, Any]:
    metadata = {
        "@type": "http://schema.org/Book",
        "title": one.title,
        "subtitle": one.subtitle,
        "identifier": f"urn:isbn:{one.isbn}",
        "author": [{"name": name} for name in one.authors],
        "publisher": one.publisher,
        "language": one.language or None,
        "published": one.published_on.isoformat() if one.published_on else None,
        "description": one.summary or None,
        "subject": [{"name": subject.heading, "code": subject.code, "scheme": THEMA} for subject in one.subjects],
    }
    properties: dict[str, Any] = {"indirectAcquisition": [{"type": one.media_type}]} if one.media_type else {}
    if one.price:
        properties["price"] = {"currency": one.price.currency, "value": float(one.price.decimal)}
    buy = {"rel": BUY, "href": f"{house.address}{one.address}#{one.isbn}", "type": "text/html"}
    return {
        "metadata": {name: value for name, value in metadata.items() if value not in (None, [])},
        "links": [buy | ({"properties": properties} if properties else {})],
        "images": [{"href": house.address + one.jacket.bitmap, "type": one.jacket.bitmap_type}],
    }


def _json(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False, indent=1).encode()


_MAKE = ElementMaker(namespace=ATOM, nsmap={None: ATOM, "opds": OPDS, "dc": DC})


def atom_navigation(house: House, query: str, now: datetime) -> bytes:
    """Return the root of the catalogue, version 1.2."""
    suffix = f"?{query}" if query else ""
    entry = _MAKE.entry(
        _MAKE.id(f"{house.address}/opds/new.atom"),
        _MAKE.title("New ebooks"),
        _MAKE.updated(_instant(now)),
        _MAKE.content("What has been published last.", type="text"),
        _MAKE.link(rel=NEW, type=ACQUISITION_TYPE, href=f"{house.address}/opds/new.atom{suffix}"),
    )
    return _feed(house, "/opds.atom", house.name, now, [("self", f"/opds.atom{suffix}", NAVIGATION_TYPE)], [entry])


def atom_sheet(house: House, title: str, told: Sheet, now: datetime) -> bytes:
    """Return a page of publications, version 1.2."""
    links = [(rel, told.address(page), ACQUISITION_TYPE) for rel, page in told.links]
    return _feed(
        house, told.path, f"{title} — {house.name}", now, links, [_entry(house, one, now) for one in told.publications]
    )


def _feed(
    house: House, path: str, title: str, now: datetime, links: list[tuple[str, str, str]], entries: list[Any]
) -> bytes:
    start = ("start", "/opds.atom", NAVIGATION_TYPE)
    feed = _MAKE.feed(
        _MAKE.id(house.address + path),
        _MAKE.title(title),
        _MAKE.updated(_instant(now)),
        _MAKE.author(_MAKE.name(house.name)),
        *(_MAKE.link(rel=rel, href=house.address + to, type=kind) for rel, to, kind in [*links, start]),
        *entries,
    )
    return etree.tostring(feed, encoding="utf-8", xml_declaration=True)


def _entry(house: House, one: Publication, now: datetime) -> Any:
    buy = _MAKE.link(rel=BUY, href=f"{house.address}{one.address}#{one.isbn}", type="text/html")
    if one.price:
        buy.append(_in(OPDS, "price", str(one.price.decimal), currencycode=one.price.currency))
    if one.media_type:
        buy.append(_in(OPDS, "indirectAcquisition", None, type=one.media_type))
    cover = {"href": house.address + one.jacket.bitmap, "type": one.jacket.bitmap_type}
    return _MAKE.entry(
        _MAKE.id(f"urn:isbn:{one.isbn}"),
        _MAKE.title(one.title),
        _MAKE.updated(f"{one.published_on.isoformat()}T00:00:00Z" if one.published_on else _instant(now)),
        *(_MAKE.author(_MAKE.name(name)) for name in one.authors),
        *([_in(DC, "publisher", one.publisher)] if one.publisher else []),
        *([_in(DC, "language", one.language)] if one.language else []),
        *([_in(DC, "issued", one.published_on.isoformat())] if one.published_on else []),
        _in(DC, "identifier", f"urn:isbn:{one.isbn}"),
        *(_MAKE.category(scheme=THEMA, term=subject.code, label=subject.heading) for subject in one.subjects),
        _MAKE.summary(one.summary or one.title),
        *(_MAKE.link(rel=rel, **cover) for rel in (IMAGE, THUMBNAIL)),
        buy,
    )


def _in(namespace: str, name: str, words: str | None, **attributes: str) -> Any:
    element = etree.Element(f"{{{namespace}}}{name}", attributes)
    element.text = words
    return element


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
