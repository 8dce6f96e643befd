"""The addresses at which machines read the catalogue; what they say is `feeds`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, request
from sqlalchemy import func, select

from shop.catalogue import forms
from shop.catalogue.facts import markup
from shop.catalogue.feeds import documents
from shop.catalogue.finding import search
from shop.catalogue.models import Contributor, Edition, Work
from shop.catalogue.selling.sellable import NOT_WITHDRAWN
from shop.web import the_shop

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Row, Select


bp = Blueprint("syndication", __name__)

MOST_ENTRIES = 50
KEPT_FOR_AN_HOUR = "public, max-age=3600"
PLACES = ("/", "/new", "/coming", "/subjects", "/help/reading", "/terms")


@bp.get("/robots.txt")
def robots() -> Response:
    """What robots may look at."""
    return answer(documents.robots(house()).encode(), "text/plain")


@bp.get("/sitemap.xml")
def sitemap() -> Response:
    """Every public page; for a great many books, the list of the sitemaps that have them."""
    with the_shop().db.read_engine.connect() as connection:
        books = connection.execute(select(func.count()).select_from(Work)).scalar_one()
        places = _places(connection)
        if books + len(places) <= documents.ADDRESSES_IN_A_SITEMAP:
            return answer(documents.sitemap(house(), [*places, *_paths(connection, 0)]), "application/xml")
    parts = -(-books // documents.ADDRESSES_IN_A_SITEMAP)
    paths = [f"/sitemap/{part}.xml" for part in range(parts + 1)]
    return answer(documents.sitemap_index(house(), paths), "application/xml")


@bp.get("/sitemap/<int:part>.xml")
def part_of_sitemap(part: int) -> Response:
    """One of many sitemaps: of the pages of books, counted from 1, and before them of the other places."""
    with the_shop().db.read_engine.connect() as connection:
        if part == 0:
            paths = _places(connection)
        else:
            paths = _paths(connection, part - 1) if part <= documents.ADDRESSES_IN_A_SITEMAP else []
    if not paths:
        abort(404)
    return answer(documents.sitemap(house(), paths), "application/xml")


def _places(connection: Connection) -> list[str]:
    """The public pages that are no book's; of the subjects, those that some work has."""
    return [*PLACES, *(f"/subjects/{code}" for code in search.known_marks(connection, "subject"))]


@bp.get("/new.atom")
def new_books() -> Response:
    """The newest books."""
    today = the_shop().now.date()
    found = _editions(Edition.publication_date <= today).order_by(Edition.publication_date.desc(), Edition.isbn)
    entries = _entries(found, once_a_book=True)
    return answer(documents.atom(house(), "/new.atom", "New books", entries, the_shop().now), "application/atom+xml")


@bp.get("/coming-soon.ics")
def coming_books() -> Response:
    """The days on which editions will be published."""
    today = the_shop().now.date()
    found = _editions(Edition.publication_date > today).order_by(Edition.publication_date, Edition.isbn)
    return answer(documents.calendar(house(), _entries(found, once_a_book=False), the_shop().now), "text/calendar")


@bp.get("/opensearch.xml")
def search_description() -> Response:
    """How a browser may search here from its own bar."""
    return answer(documents.search_description(house()), "application/opensearchdescription+xml")


def house() -> documents.House:
    """Who publishes, for all that machines read."""
    settings = the_shop().settings
    return documents.House(settings.shop_name, settings.public_base_url)


def answer(body: bytes, kind: str) -> Response:
    """Return a document that may be kept for an hour, and asked after by its tag."""
    response = Response(body, content_type=f"{kind}; charset=utf-8")
    response.headers["Cache-Control"] = KEPT_FOR_AN_HOUR
    response.add_etag()
    response.make_conditional(request)
    return response


def _paths(connection: Connection, part: int) -> list[str]:
    slugs = select(Work.slug).order_by(Work.id).limit(documents.ADDRESSES_IN_A_SITEMAP)
    return [f"/books/{slug}" for slug in connection.scalars(slugs.offset(part * documents.ADDRESSES_IN_A_SITEMAP))]


def _editions(*conditions: ColumnElement[bool]) -> Any:
    return (
        select(
            Edition.isbn,
            Edition.form,
            Edition.publication_date,
            Work.id.label("work"),
            Work.slug,
            Work.title,
            Work.short_description,
        )
        .join(Work, Work.id == Edition.work_id)
        .where(NOT_WITHDRAWN, *conditions)
        .limit(4 * MOST_ENTRIES)
    )


def _entries(found: Select[Any], *, once_a_book: bool) -> list[documents.Entry]:
    with the_shop().db.read_engine.connect() as connection:
        rows = connection.execute(found).all()
        authors = _authors(connection, {row.work for row in rows})
    if once_a_book:
        rows = [row for at, row in enumerate(rows) if row.work not in {earlier.work for earlier in rows[:at]}]
    return [_entry(row, ", ".join(authors[row.work])) for row in rows[:MOST_ENTRIES]]


def _authors(connection: Connection, works: set[int]) -> dict[int, list[str]]:
    people = select(Contributor.work_id, Contributor.name).where(
        Contributor.work_id.in_(works), Contributor.role == "A01"
    )
    found: dict[int, list[str]] = {work: [] for work in works}
    for person in connection.execute(people.order_by(Contributor.work_id, Contributor.position)):
        found[person.work_id].append(person.name)
    return found


def _entry(row: Row[Any], author: str) -> documents.Entry:
    return documents.Entry(
        title=row.title,
        address=f"/books/{row.slug}",
        author=author,
        forms=forms.name(row.form),
        summary=markup.plain(row.short_description) if row.short_description else "",
        isbn=row.isbn,
        published_on=row.publication_date,
    )
