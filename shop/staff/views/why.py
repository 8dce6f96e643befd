"""Why: what a reader in one country may do with each edition of a book now, and what decides it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import render_template, request
from sqlalchemy import select

from shop import countries
from shop.catalogue import rights as rules
from shop.catalogue.books import reading
from shop.catalogue.finding import search, shelves
from shop.catalogue.finding.shelves import Asked
from shop.catalogue.models import Edition, Work
from shop.staff.views import bp
from shop.web import db, the_shop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shop.catalogue.books.reading import EditionView

MOST_WORKS = 5

_DECIDING = {
    "": "Nothing stands in the way.",
    "rights": "The country is not in its set of rights.",
    "rights not signed": "Nobody has signed its set of rights.",
    "no price for the country": "It has no price in the shop’s currency that holds there today.",
    "no product safety contact": "Nobody is named who answers for its safety, as the EU asks of printed books.",
    "withdrawn": "Its record says that it is no longer sold.",
    "nobody delivers it": "No provider and no file of ours delivers it.",
    "provider says unchecked": "The provider has not been asked about it yet.",
    "provider says not_enabled": "The provider has not enabled it yet.",
    "provider says unknown_sku": "The provider does not know its number.",
    "provider says other_vendor": "At the provider it belongs to another vendor.",
}
"""The reasons of offers that would be too short to be understood here."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One edition in one country.

    Attributes:
        deciding: The first rule that keeps it from being sold, in a sentence.
        ruling: What its rights say of the country, and by which statement; empty where it has none.
    """

    edition: Edition
    view: EditionView
    deciding: str
    ruling: str


@bp.get("/rights/why")
def why() -> str:
    """Each edition of the books that were asked for: what a reader sees there, and why."""
    asked = search.typed(request.args.get("book", ""))
    country = request.args.get("country", "")
    is_asked = bool(asked) and country in countries.COUNTRIES
    books = _books(asked, country) if is_asked else []
    return render_template(
        "staff/why.html", asked=asked, country=country, is_asked=is_asked, books=books, names=countries.names()
    )


def _books(asked: str, country: str) -> list[tuple[Work, list[Answer]]]:
    """The first few works that the words find, each with the answers for its editions."""
    shop = the_shop()
    with shop.db.read_engine.connect() as connection:
        cards = shelves.shelf(connection, Asked(asked), 1, shop.now.date()).cards[:MOST_WORKS]
        works = _works([card.address.removeprefix("/books/") for card in cards])
        isbns = [edition.isbn for work in works for edition in work.editions]
        views = reading.editions_by_isbn(shop, connection, isbns, country)
    return [(work, [_answer(one, views[one.isbn][1], country) for one in work.editions]) for work in works]


def _works(slugs: Sequence[str]) -> list[Work]:
    found = {work.slug: work for work in db().scalars(select(Work).where(Work.slug.in_(slugs)))}
    return [found[slug] for slug in slugs]


def _answer(edition: Edition, view: EditionView, country: str) -> Answer:
    reason = view.offer.reason
    deciding = _DECIDING.get(reason, f"{reason[:1].upper()}{reason[1:]}.")
    return Answer(edition, view, deciding, _ruling(edition, country))


def _ruling(edition: Edition, country: str) -> str:
    """The set that was stored decides; its reason is given again from what it was resolved from."""
    if edition.rights_set is None:
        return ""
    verdict = "Open" if country in rules.read(edition.rights_set.countries) else "Closed"
    resolution = rules.resolve(rules.Statement.from_json(edition.rights_set.statements))
    return f"{verdict} ({resolution.decisions[country].reason})."
