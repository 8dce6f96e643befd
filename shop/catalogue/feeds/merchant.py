"""Merchant feed: what is offered in one country, for the shopping pages of search engines (Google's RSS 2.0). Pure.

Price and availability are the page's own, since they come from the same offer. Source: Google's product data
specification; preorders must say their day, at most a year ahead.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

from shop.catalogue.offers import OfferState

if TYPE_CHECKING:
    from datetime import date

    from shop.catalogue.books.reading import EditionView
    from shop.catalogue.feeds.documents import House
    from shop.money import Money

BOOKS = "784"
"""Media > Books, in Google's taxonomy."""
A_YEAR = timedelta(days=365)
LONGEST_TITLE, LONGEST_DESCRIPTION = 150, 5000
_STATES = {OfferState.BUY: "in_stock", OfferState.PREORDER: "preorder", OfferState.OUT_OF_STOCK: "out_of_stock"}

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>'
TAIL = "</channel></rss>\n"


def opening(house: House, country: str) -> str:
    """Return what stands before the items."""
    told = {"title": f"{house.name}, {country}", "link": f"{house.address}/", "description": f"Books of {house.name}"}
    return HEAD + "".join(f"<{name}>{escape(words)}</{name}>" for name, words in told.items())


class Told(NamedTuple):
    """What a work tells of itself: `address` is the path of its page."""

    title: str
    address: str
    summary: str
    publisher: str | None


def item(house: House, book: Told, view: EditionView, today: date) -> str:
    """Return an edition's item; an empty text where it is not offered."""
    price, state = view.offer.price, _STATES.get(view.offer.state)
    until = view.offer.until
    if price is None or state is None or (state == "preorder" and (until is None or until > today + A_YEAR)):
        return ""
    form = f" ({view.name})"
    told = {
        "g:id": view.isbn,
        "g:title": f"{book.title[: LONGEST_TITLE - len(form)]}{form}",
        "g:description": (book.summary or book.title)[:LONGEST_DESCRIPTION],
        "g:link": f"{house.address}{book.address}?country={view.country}#{view.isbn}",
        "g:image_link": house.address + view.jacket.bitmap,
        "g:availability": state,
        "g:availability_date": until.isoformat() if until and state == "preorder" else "",
        "g:price": _written(price),
        "g:gtin": view.isbn,
        "g:condition": "new",
        "g:brand": book.publisher or house.name,
        "g:google_product_category": BOOKS,
        "g:product_type": view.name,
    }
    inside = "".join(f"<{name}>{escape(words)}</{name}>" for name, words in told.items() if words)
    return f"<item>{inside}{_shipping(view)}</item>"


def _shipping(view: EditionView) -> str:
    if view.delivery is None or view.country is None:
        return ""
    price = f"<g:price>{_written(view.delivery)}</g:price>"
    return f"<g:shipping><g:country>{view.country}</g:country>{price}</g:shipping>"


def _written(price: Money) -> str:
    return f"{price.decimal} {price.currency}"
