"""The addresses at which the trade reads what is sold: reading apps (OPDS), shopping pages, other shops (ONIX)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, request
from sqlalchemy import func, or_, select
from sqlalchemy.orm import selectinload

from shop import countries
from shop.catalogue import forms
from shop.catalogue.books import reading
from shop.catalogue.facts import languages, markup
from shop.catalogue.feeds import documents, merchant, opds, outgoing
from shop.catalogue.feeds.views import KEPT_FOR_AN_HOUR, answer, house
from shop.catalogue.finding import subjects
from shop.catalogue.models import Edition, RightsSet, Work
from shop.catalogue.onix import writing
from shop.catalogue.selling import sellable
from shop.web import the_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from shop.services import Shop

bp = Blueprint("trade", __name__)

PAGE_SIZE = 24
FARTHEST_PAGE = 100_000
AT_A_TIME = 500


@bp.get("/books/<slug>.onix")
def book_in_onix(slug: str) -> Response:
    """A book's editions as an ONIX message."""
    shop = the_shop()
    with shop.db.reading() as session:
        work = session.scalar(select(Work).where(Work.slug == slug))
        if work is None:
            abort(404)
        products = [outgoing.product(edition, shop.settings.shop_name) for edition in work.editions]
    sent = writing.message(products, shop.settings.shop_name, shop.now.replace(minute=0))
    return answer(sent, "application/xml")


@bp.get("/opds")
def opds_root() -> Response:
    """The catalogue for reading apps, version 2.0."""
    return answer(opds.navigation(house(), _country_query()), opds.JSON_TYPE)


@bp.get("/opds.atom")
def opds_atom_root() -> Response:
    """The same in version 1.2."""
    return answer(opds.atom_navigation(house(), _country_query(), _day()), opds.NAVIGATION_TYPE)


@bp.get("/opds/new")
def opds_new() -> Response:
    """The newest ebooks, version 2.0."""
    return answer(opds.sheet(house(), "New ebooks", _sheet("/opds/new")), opds.JSON_TYPE)


@bp.get("/opds/new.atom")
def opds_atom_new() -> Response:
    """The same in version 1.2."""
    told = _sheet("/opds/new.atom")
    return answer(opds.atom_sheet(house(), "New ebooks", told, _day()), opds.ACQUISITION_TYPE)


@bp.get("/merchant/<country>.xml")
def merchant_feed(country: str) -> Response:
    """All that is offered in a country, for the shopping pages of search engines."""
    if country not in countries.COUNTRIES:
        abort(404)
    items = _merchant_items(the_shop(), house(), country)
    return Response(items, content_type="application/xml; charset=utf-8", headers={"Cache-Control": KEPT_FOR_AN_HOUR})


def _merchant_items(shop: Shop, publisher: documents.House, country: str) -> Iterator[str]:
    """The feed, a batch at a time; whoever reads slowly holds no connection between two of them."""
    yield merchant.opening(publisher, country)
    after = ""
    while batch := _merchant_batch(shop, publisher, country, after):
        yield from (item for _isbn, item in batch)
        after = batch[-1][0]
    yield merchant.TAIL


def _merchant_batch(shop: Shop, publisher: documents.House, country: str, after: str) -> list[tuple[str, str]]:
    today = shop.now.date()
    with shop.db.read_engine.connect() as connection:
        rows = connection.execute(_offered_after(after)).all()
        views = reading.editions_by_isbn(shop, connection, [row.isbn for row in rows], country)
    books = ((row, markup.plain(row.short_description or row.description)) for row in rows)
    told = [
        (views[row.isbn][1], merchant.Told(row.title, f"/books/{row.slug}", summary, row.publisher))
        for row, summary in books
    ]
    return [(view.isbn, merchant.item(publisher, book, view, today)) for view, book in told]


def _offered_after(isbn: str) -> Any:
    columns = (Edition.isbn, Work.slug, Work.title, Work.publisher, Work.short_description, Work.description)
    found = select(*columns).join(Work, Work.id == Edition.work_id)
    found = found.where(Edition.isbn > isbn, sellable.NOT_WITHDRAWN)
    return found.order_by(Edition.isbn).limit(AT_A_TIME)


def _country() -> str | None:
    asked = request.args.get("country")
    if asked is not None and asked not in countries.COUNTRIES:
        abort(404)
    return asked


def _country_query() -> str:
    return f"country={country}" if (country := _country()) else ""


def _day() -> datetime:
    """When today began: a feed of today is the same all day, and so is its tag."""
    return the_shop().now.replace(hour=0, minute=0, second=0, microsecond=0)


def _sheet(path: str) -> opds.Sheet:
    shop, country = the_shop(), _country()
    page = max(1, min(request.args.get("page", 1, type=int), FARTHEST_PAGE))
    today, signed = shop.now.date(), select(RightsSet.id).where(RightsSet.signed_at.is_not(None))
    sold = sellable.may_be_sold_in(country, shop.settings.currency, today) if country else sellable.NOT_WITHDRAWN
    out = [
        or_(*(Edition.form.startswith(code) for code in forms.DIGITAL)),
        Edition.publication_date <= today,
        Edition.rights_set_id.in_(signed),
        sold,
    ]
    with shop.db.reading() as session:
        total = session.scalar(select(func.count()).select_from(Edition).where(*out)) or 0
        pages = -(-total // PAGE_SIZE) or 1
        if page > pages:
            abort(404)
        newest = select(Edition).where(*out).order_by(Edition.publication_date.desc(), Edition.isbn)
        told = selectinload(Edition.work).selectinload(Work.contributors)
        found = session.scalars(newest.limit(PAGE_SIZE).offset(PAGE_SIZE * (page - 1)).options(told)).all()
        views = reading.editions_by_isbn(shop, session.connection(), [one.isbn for one in found], country)
        publications = [_publication(one, views[one.isbn][1]) for one in found]
    return opds.Sheet(publications, page, pages, total, path, _country_query())


def _publication(edition: Edition, view: reading.EditionView) -> opds.Publication:
    work = edition.work
    headings = dict(subjects.headings(work.subjects))
    return opds.Publication(
        title=work.title,
        subtitle=work.subtitle,
        authors=tuple(one.name for one in work.contributors if one.role == "A01"),
        publisher=work.publisher,
        summary=markup.plain(work.short_description or work.description),
        isbn=edition.isbn,
        address=f"/books/{work.slug}",
        jacket=view.jacket,
        media_type=forms.media_type(edition.form_details),
        language="" if edition.language == "und" else languages.tag(edition.language),
        published_on=edition.publication_date,
        subjects=tuple(subjects.named(code, headings) for code in subjects.codes(work.subjects)),
        price=view.offer.price if view.may_be_basketed else None,
    )
