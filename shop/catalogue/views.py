"""The pages on which readers find books: the list, the search, one book, its cover, the choice of country."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, send_file
from sqlalchemy import select
from stdnum import isbn as isbn_number
from stdnum.exceptions import ValidationError

from shop import countries, visitor
from shop.catalogue.books import reading
from shop.catalogue.covers import bitmaps, drawing, jackets, sizes
from shop.catalogue.finding import facets, shelves
from shop.catalogue.finding import search as finding
from shop.catalogue.finding.shelves import Asked
from shop.catalogue.models import Edition, Work
from shop.web import local_path, see_other, the_shop

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as AnyResponse

    from shop.catalogue.books.pages import BookPages
    from shop.catalogue.finding import subjects

bp = Blueprint("catalogue", __name__)

FARTHEST_PAGE = 100_000
_TRAILING_ID = re.compile(r"-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
_LEADING_ISBN = re.compile(r"^(97[89]-?(?:\d-?){9}\d|(?:\d-?){9}[\dXx])(?:-|$)")


@bp.get("/")
def home() -> str:
    """Every book, newest first."""
    return _shelf("catalogue/list.html", heading="Books")


@bp.get("/new")
def new() -> str:
    """What has been published, newest first."""
    return _shelf("catalogue/list.html", published="new", heading="New books")


@bp.get("/coming")
def coming() -> str:
    """What has not been published yet, the nearest first."""
    return _shelf("catalogue/list.html", published="coming", heading="Coming soon")


@bp.get("/search")
def search() -> str:
    """The books that hold all the words asked for, by title, person, subject or ISBN."""
    words = _words()
    near = []
    if is_mistyped := finding.is_mistyped_isbn(words):
        with the_shop().db.read_engine.connect() as connection:
            near = shelves.near(connection, "".join(filter(str.isdigit, words)))
    return _shelf("catalogue/search.html", words=words, is_mistyped_isbn=is_mistyped, near=near)


@bp.get("/suggest")
def suggest() -> str:
    """The first books whose words begin as what has been typed so far: a page, or only its list for a script."""
    words = _words()
    with the_shop().db.read_engine.connect() as connection:
        cards = shelves.suggested(connection, words)
    part = request.args.get("part") == "list"
    return render_template("catalogue/suggested.html" if part else "catalogue/suggest.html", words=words, cards=cards)


@bp.get("/subjects")
def all_subjects() -> str:
    """The widest subjects."""
    with the_shop().db.read_engine.connect() as connection:
        return render_template("catalogue/subjects.html", parts=shelves.parts(connection, ""))


@bp.get("/subjects/<code>")
def subject(code: str) -> AnyResponse | str:
    """The books of a subject and of those under it; another shop's name for a subject is looked for as words."""
    with the_shop().db.read_engine.connect() as connection:
        if not shelves.is_known(connection, code.upper()):
            return _subject_in_words(code)
        found = shelves.heading(connection, code.upper())
        above, parts = shelves.path(connection, found.code), shelves.parts(connection, found.code)
    if code != code.lower():
        return redirect(found.address, code=301)
    return _shelf("catalogue/subject.html", subject=found, above=above, parts=parts)


@bp.get("/subjects/<path:names>")
def subject_elsewhere(names: str) -> AnyResponse:
    """A subject as other shops write it: textbooks/biological-sciences."""
    name = names.rstrip("/").rpartition("/")[2]
    return redirect(f"/subjects/{name}", code=301) if names == f"{name}/" else _subject_in_words(name)


@bp.get("/books/<slug>")
def book(slug: str) -> AnyResponse:
    """One book, for whom `pages` did not answer already; every other known shape of its address leads there."""
    page = _pages().find(slug, visitor.country())
    return Response(page.body(visitor.copies()), mimetype="text/html") if page else _elsewhere(slug)


@bp.get("/books/<slug>/<path:_rest>")
def book_part(slug: str, _rest: str) -> AnyResponse:
    """A former page below a book, such as its formats."""
    return _elsewhere(slug)


@bp.get("/isbn/<isbn>")
def by_isbn(isbn: str) -> AnyResponse:
    """The book that has an edition of this ISBN, however it is written."""
    return _elsewhere(isbn)


@bp.get("/covers/<given>/<name>")
def cover_given(given: str, name: str) -> Response:
    """A picture of a cover that its publisher gave; another picture has another address."""
    if name not in sizes.NAMES or not given.isalnum():
        abort(404)
    try:
        path = the_shop().services.files.path(jackets.name_of(given, name))
    except FileNotFoundError:
        abort(404)
    response = send_file(path, mimetype=sizes.FORMATS[name.rpartition(".")[2]], etag=f"{given} {name}")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


@bp.get("/covers/<isbn>.svg")
def cover(isbn: str) -> Response:
    """The drawn cover of an edition's work."""
    return _picture(_cover_of(isbn).encode(), "image/svg+xml")


@bp.get("/covers/<isbn>.png")
def cover_bitmap(isbn: str) -> Response:
    """The same as a bitmap."""
    return _picture(bitmaps.cover(_cover_of(isbn)), "image/png")


@bp.get("/covers/<isbn>/card.png")
def cover_card(isbn: str) -> Response:
    """The picture that goes with a link to the book."""
    return _picture(bitmaps.card(_cover_of(isbn)), "image/png")


def _cover_of(isbn: str) -> str:
    with the_shop().db.reading() as session:
        edition = session.scalar(select(Edition).where(Edition.isbn == isbn))
        if edition is None:
            abort(404)
        work = edition.work
        author = ", ".join(one.name for one in work.contributors if one.role == "A01")
        return drawing.draw(work.editions[0].isbn, work.title, work.subtitle, author)


def _picture(content: bytes, kind: str) -> Response:
    response = Response(content, mimetype=kind)
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.add_etag()
    response.make_conditional(request)
    return response


@bp.get("/country")
def choose_country() -> str:
    """Ask where the reader buys from."""
    back = local_path(request.args.get("next"), "/")
    return render_template("catalogue/country.html", names=countries.names(), chosen=visitor.country(), back=back)


@bp.post("/country")
def set_country() -> AnyResponse:
    """Remember where the reader buys from."""
    code = request.form.get("country", "")
    if code not in countries.COUNTRIES:
        abort(400, "Choose a country from the list.")
    response = see_other(local_path(request.form.get("next"), "/"))
    visitor.remember_country(response, code)  # type: ignore[arg-type]
    return response


@bp.get("/terms")
def terms() -> str:
    """The terms of sale."""
    return render_template("catalogue/terms.html")


@bp.get("/help/reading")
def reading_help() -> str:
    """How the ebooks of this shop are read."""
    disclosures = [fulfiller.disclosure for fulfiller in the_shop().services.fulfillers.values()]
    return render_template("catalogue/reading_help.html", disclosures=disclosures)


def _shelf(
    template: str, *, words: str = "", published: str = "", subject: subjects.Subject | None = None, **told: Any
) -> str:
    shop, country = the_shop(), visitor.country()
    narrowed = facets.asked(request.args)
    if country is None:
        narrowed = narrowed.without("here")
    if subject:
        narrowed = replace(narrowed, subject=subject.code.lower())
    asked = Asked(words, narrowed, country, shop.settings.currency, published)
    page = min(max(1, request.args.get("page", 1, type=int)), FARTHEST_PAGE)
    with shop.db.read_engine.connect() as connection:
        shelf = shelves.shelf(connection, asked, page, shop.now.date())
        told["filters"] = shelves.told(connection, narrowed, countries.in_sentence(country) if country else "")
    if page > shelf.pages:
        abort(404)
    told |= {"shelf": shelf, "asked": asked, "words": words, "page": page, "subject": subject, "country": country}
    return render_template(template, facet_names=facets.NAMES, **told)


def _words() -> str:
    """What is looked for."""
    return finding.typed(request.args.get("q", ""))


def _subject_in_words(name: str) -> AnyResponse:
    return redirect(f"/search?{urlencode({'q': name.replace('-', ' ')})}", code=302)


def _pages() -> BookPages:
    found: BookPages = current_app.extensions["book_pages"]
    return found


def _elsewhere(asked: str) -> AnyResponse:
    """Redirect an older or other address to the canonical page, or say what comes near."""
    with the_shop().db.read_engine.connect() as connection:
        for slug, fragment in _readings_of(connection, asked):
            if slug:
                return redirect(f"/books/{slug}{fragment}", code=301)
        near = shelves.near(connection, asked)
    answer = render_template("catalogue/not_found.html", asked=asked, near=near)
    return Response(answer, status=404, mimetype="text/html")


def _readings_of(connection: Connection, asked: str) -> list[tuple[str | None, str]]:
    asked = asked.strip().strip("/").lower()
    if isbn := _isbn_in(asked):
        return [(reading.slug_for_isbn(connection, isbn), f"#{isbn}")]
    plain = _TRAILING_ID.sub("", asked)
    return [(reading.slug_for_old_slug(connection, plain), ""), (_known(connection, plain), "")]


def _known(connection: Connection, slug: str) -> str | None:
    return connection.execute(select(Work.slug).where(Work.slug == slug)).scalar()


def _isbn_in(asked: str) -> str | None:
    found = _LEADING_ISBN.match(asked)
    try:
        return str(isbn_number.to_isbn13(isbn_number.validate(found[1]))) if found else None
    except ValidationError:
        return None
