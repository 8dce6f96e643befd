"""What machines read of the catalogue: Atom of new books, iCalendar of coming ones, the sitemap, robots.txt.

Pure: entries in, documents out. No price stands in any of them, because what a book costs, and whether it is sold,
depends on where its reader is. Sources: RFC 4287 (Atom), RFC 5545 (iCalendar), sitemaps.org, RFC 9309 (robots).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from lxml import etree
from lxml.builder import ElementMaker

if TYPE_CHECKING:
    from collections.abc import Iterable

ATOM = "http://www.w3.org/2005/Atom"
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
OPENSEARCH = "http://a9.com/-/spec/opensearch/1.1/"
ADDRESSES_IN_A_SITEMAP = 50_000
LONGEST_LINE = 75
"""Bytes of a line of iCalendar before it is folded."""

PRIVATE = ("/staff/", "/library", "/basket", "/checkout", "/orders/", "/a/", "/country", "/search")
"""Where no robot has anything to look for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A book, or an edition of it, on the day it is published.

    Attributes:
        address: The path of its page.
        forms: What it can be had as, such as `Hardback, Ebook`.
        isbn: Of the edition that gave the day.
    """

    title: str
    address: str
    author: str
    forms: str
    summary: str
    isbn: str
    published_on: date


@dataclass(frozen=True, slots=True)
class House:
    """Who publishes: the shop's name, and its address without a closing slash."""

    name: str
    address: str

    @property
    def host(self) -> str:
        """The name of the machine, for identifiers."""
        return self.address.partition("://")[2]


def atom(house: House, path: str, title: str, entries: list[Entry], now: datetime) -> bytes:
    """Return an Atom feed whose own path is `path`, its entries in the order given."""
    make = ElementMaker(namespace=ATOM, nsmap={None: ATOM})
    updated = _instant(entries[0].published_on) if entries else f"{now:%Y-%m-%dT%H:%M:%SZ}"
    feed = make.feed(
        make.id(house.address + path),
        make.title(f"{title} — {house.name}"),
        make.updated(updated),
        make.author(make.name(house.name)),
        make.link(rel="self", type="application/atom+xml", href=house.address + path),
        make.link(rel="alternate", type="text/html", href=f"{house.address}/"),
        *(_atom_entry(make, house, entry) for entry in entries),
    )
    return etree.tostring(feed, encoding="utf-8", xml_declaration=True)


def _atom_entry(make: ElementMaker, house: House, entry: Entry) -> etree._Element:
    words = ". ".join(part for part in (entry.forms, entry.summary) if part)
    found: etree._Element = make.entry(
        make.id(f"urn:isbn:{entry.isbn}"),
        make.title(entry.title),
        make.updated(_instant(entry.published_on)),
        make.published(_instant(entry.published_on)),
        make.link(rel="alternate", type="text/html", href=house.address + entry.address),
        make.summary(words or entry.title),
        *([make.author(make.name(entry.author))] if entry.author else []),
    )
    return found


def _instant(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def calendar(house: House, entries: Iterable[Entry], now: datetime) -> bytes:
    """Return a calendar with a whole day for each entry, stamped with the day of `now`: on one day, one calendar."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//{_escaped(house.name)}//Frontlist//EN",
        f"X-WR-CALNAME:Coming from {_escaped(house.name)}",
    ]
    for entry in entries:
        lines += _day(house, entry, now)
    lines.append("END:VCALENDAR")
    return "".join(f"{_folded(line)}\r\n" for line in lines).encode()


def _day(house: House, entry: Entry, now: datetime) -> list[str]:
    by = f" by {entry.author}" if entry.author else ""
    return [
        "BEGIN:VEVENT",
        f"UID:{entry.isbn}@{house.host}",
        f"DTSTAMP:{now.astimezone(UTC):%Y%m%d}T000000Z",
        f"DTSTART;VALUE=DATE:{entry.published_on.isoformat().replace('-', '')}",  # and no end: a whole day
        f"SUMMARY:{_escaped(f'{entry.title}{by} ({entry.forms.lower()})')}",
        f"URL:{house.address}{entry.address}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _escaped(text: str) -> str:
    for sign in ("\\", ";", ","):
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def _folded(line: str) -> str:
    """A line cut where its bytes grow too many, never inside a letter."""
    parts, size = [""], 0
    for letter in line:
        length = len(letter.encode())
        if size + length > LONGEST_LINE:
            parts.append("")
            size = 1  # the space that begins a continuation
        parts[-1] += letter
        size += length
    return "\r\n ".join(parts)


def sitemap(house: House, paths: Iterable[str]) -> bytes:
    """Return a sitemap of these paths, at most ADDRESSES_IN_A_SITEMAP of them."""
    return _list_of(house, "urlset", "url", paths)


def sitemap_index(house: House, paths: Iterable[str]) -> bytes:
    """Return the list of the sitemaps."""
    return _list_of(house, "sitemapindex", "sitemap", paths)


def _list_of(house: House, root: str, each: str, paths: Iterable[str]) -> bytes:
    make = ElementMaker(namespace=SITEMAP, nsmap={None: SITEMAP})
    found = make(root, *(make(each, make.loc(house.address + path)) for path in paths))
    return etree.tostring(found, encoding="utf-8", xml_declaration=True)


def search_description(house: House) -> bytes:
    """Return an OpenSearch 1.1 description of the shop's search."""
    make = ElementMaker(namespace=OPENSEARCH, nsmap={None: OPENSEARCH})
    found = make.OpenSearchDescription(
        make.ShortName(house.name[:16]),
        make.Description(f"Books of {house.name}"),
        make.Url(type="text/html", template=f"{house.address}/search?q={{searchTerms}}"),
        make.InputEncoding("UTF-8"),
    )
    return etree.tostring(found, encoding="utf-8", xml_declaration=True)


def robots(house: House) -> str:
    """Return what robots may look at: all but what belongs to one reader or to staff."""
    closed = "".join(f"Disallow: {path}\n" for path in PRIVATE)
    return f"User-agent: *\n{closed}\nSitemap: {house.address}/sitemap.xml\n"
