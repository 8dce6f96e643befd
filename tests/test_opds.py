"""Reading apps and shopping pages are told what the pages tell, and a price only for a country."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import feedparser
import jsonschema_rs
import pytest
from lxml import etree
from sqlalchemy import event, select, update

from shop.catalogue.feeds import documents, merchant, opds, trade
from shop.catalogue.intake import importer
from shop.catalogue.models import Contributor, Edition, ProviderState, RightsSet, Work
from tests.conftest import EXAMPLES
from tests.makers import EBOOK, EPUB, HARDBACK, Scene, an_edition

LINK = {
    "type": "object",
    "required": ["href"],
    "properties": {"href": {"type": "string", "format": "uri"}, "rel": {"type": "string"}, "type": {"type": "string"}},
}
PUBLICATION = {
    "type": "object",
    "required": ["metadata", "links", "images"],
    "properties": {
        "metadata": {
            "type": "object",
            "required": ["title"],
            "properties": {
                "title": {"type": "string", "minLength": 1},
                "identifier": {"type": "string", "pattern": "^urn:isbn:[0-9]{13}$"},
                "language": {"type": "string", "pattern": "^[a-z]{2,3}$"},
                "published": {"type": "string", "format": "date"},
                "author": {"type": "array", "items": {"required": ["name"]}},
            },
        },
        "links": {
            "type": "array",
            "contains": {"properties": {"rel": {"pattern": "^http://opds-spec.org/acquisition"}}, "required": ["rel"]},
            "items": LINK,
        },
        "images": {
            "type": "array",
            "items": LINK,
            "contains": {"properties": {"type": {"enum": ["image/png", "image/jpeg", "image/gif", "image/avif"]}}},
        },
    },
}
FEED = {
    "type": "object",
    "required": ["metadata", "links"],
    "properties": {
        "metadata": {"required": ["title"]},
        "links": {
            "type": "array",
            "contains": {"properties": {"rel": {"const": "self"}}, "required": ["rel"]},
            "items": LINK,
        },
        "publications": {"type": "array", "items": PUBLICATION},
        "navigation": {"type": "array", "minItems": 1, "items": {**LINK, "required": ["href", "title"]}},
    },
    "oneOf": [{"required": ["publications"]}, {"required": ["navigation"]}],
}
"""What OPDS 2.0 asks of a feed, as far as ours go."""
G = "{http://base.google.com/ns/1.0}"


def catalogue(scene: Scene, path: str) -> dict[str, Any]:
    answer = scene.get(path)
    assert (answer.status_code, answer.mimetype) == (200, opds.JSON_TYPE)
    told: dict[str, Any] = json.loads(answer.data)
    jsonschema_rs.validate(FEED, told)
    return told


def test_a_reading_app_finds_the_ebooks_and_only_them(scene: Scene) -> None:
    root = catalogue(scene, "/opds")
    (way,) = root["navigation"]
    new = catalogue(scene, way["href"].removeprefix("http://localhost"))

    assert [one["metadata"]["identifier"] for one in new["publications"]] == [f"urn:isbn:{EBOOK}", f"urn:isbn:{EPUB}"]
    assert new["metadata"]["numberOfItems"] == 2
    assert "price" not in json.dumps(new)


def test_a_price_is_told_for_a_country_and_only_where_it_is_sold(scene: Scene) -> None:
    there = catalogue(scene, "/opds/new?country=US")["publications"][0]["links"][0]
    here = catalogue(scene, "/opds/new?country=GB")

    assert there["properties"]["price"] == {"currency": "GBP", "value": 36.0}
    assert there["href"] == f"http://localhost/books/exit-stalin#{EBOOK}"
    assert here["publications"] == []
    assert here["metadata"]["numberOfItems"] == 0
    assert scene.get("/opds/new?country=Ruritania").status_code == scene.get("/opds?country=").status_code == 404


def test_the_older_version_says_the_same(scene: Scene) -> None:
    root = feedparser.parse(scene.get("/opds.atom?country=US").data)
    answer = scene.get("/opds/new.atom?country=US")
    feed = feedparser.parse(answer.data)
    entry = feed.entries[0]

    assert not root.bozo
    assert not feed.bozo
    assert answer.content_type.startswith("application/atom+xml;profile=opds-catalog;kind=acquisition")
    assert (entry.id, entry.title, entry.author) == (f"urn:isbn:{EBOOK}", "Exit Stalin", "Mark B. Smith")
    assert {link.rel for link in entry.links} == {opds.BUY, opds.IMAGE, opds.THUMBNAIL}
    price = etree.fromstring(answer.data).find(f".//{{{opds.OPDS}}}price")
    assert price is not None
    assert (price.text, price.get("currencycode")) == ("36.00", "GBP")


LANGUAGES = [("eng", "en"), ("ger", "de"), ("sco", "sco"), ("und", None)]


@pytest.mark.parametrize(("code", "tag"), LANGUAGES)
def test_both_versions_say_in_which_language_a_book_is_where_anybody_knows(
    scene: Scene, code: str, tag: str | None
) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).values(language=code))
    new = catalogue(scene, "/opds/new")["publications"]
    older = etree.fromstring(scene.get("/opds/new.atom").data)

    assert [one["metadata"].get("language") for one in new] == [tag, tag]
    assert [one.text for one in older.iter(f"{{{opds.DC}}}language")] == ([tag, tag] if tag else [])


NOT_OUT: dict[str, dict[str, Any]] = {
    "published tomorrow": {"publication_date": date(2026, 11, 26)},
    "of no known day": {"publication_date": None},
    "withdrawn": {"publishing_status": "11"},
    "withdrawn by its supplier": {"availability": "40"},
    "of no rights": {"rights_set_id": None},
}


@pytest.mark.parametrize("country", ["", "?country=US"], ids=["anywhere", "in the United States"])
@pytest.mark.parametrize("values", NOT_OUT.values(), ids=NOT_OUT.keys())
def test_an_ebook_that_is_not_out_is_not_in_the_catalogue(scene: Scene, values: dict[str, Any], country: str) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.isbn == EBOOK).values(**values))
    new = catalogue(scene, f"/opds/new{country}")
    older = feedparser.parse(scene.get(f"/opds/new.atom{country}").data)

    assert [one["metadata"]["identifier"] for one in new["publications"]] == [f"urn:isbn:{EPUB}"]
    assert new["metadata"]["numberOfItems"] == 1
    assert [entry.id for entry in older.entries] == [f"urn:isbn:{EPUB}"]


def test_an_ebook_whose_rights_nobody_has_signed_is_not_in_the_catalogue(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(RightsSet).values(signed_at=None))

    assert (
        catalogue(scene, "/opds/new")["publications"] == catalogue(scene, "/opds/new?country=US")["publications"] == []
    )


def test_a_price_stands_only_beside_what_can_be_bought_now(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.isbn == EBOOK).values(provider_state=ProviderState.NOT_ENABLED))
    told = catalogue(scene, "/opds/new?country=US")["publications"]

    assert ["price" in one["links"][0]["properties"] for one in told] == [False, True]
    assert scene.get("/opds/new.atom?country=US").text.count("currencycode") == 1


def test_a_catalogue_of_many_pages_tells_each_ebook_once(scene: Scene) -> None:
    many = [f"979{number:010d}" for number in range(2 * trade.PAGE_SIZE)]
    with scene.shop.db.writing() as session:
        work, signed = session.get_one(Work, 1), session.get_one(RightsSet, 1)
        session.add_all(an_edition(work, signed, isbn, "ED", 1000, fulfiller="glassboxx") for isbn in many)
    path: str | None = "/opds/new?country=US"
    told: list[str] = []
    while path:
        page = catalogue(scene, path)
        told += [one["metadata"]["identifier"].rpartition(":")[2] for one in page["publications"]]
        onward = [link["href"] for link in page["links"] if link["rel"] == "next"]
        path = onward[0].removeprefix("http://localhost") if onward else None

    assert told == sorted([EBOOK, EPUB, *many])
    assert page["metadata"]["currentPage"] == 3


FILES = [
    ("ED", "E101", "application/epub+zip"),
    ("ED", "E107", "application/pdf"),
    ("ED", "E108", "application/pdf"),
    ("ED", "E116", "application/vnd.amazon.ebook"),
    ("ED", "E127", "application/x-mobipocket-ebook"),
    ("AJ", "A103", "audio/mpeg"),
    ("AJ", "A107", "audio/aac"),
    ("ED", "E200", None),
    ("ED", "E201 E101", "application/epub+zip"),
    ("ED", None, None),
]


@pytest.mark.parametrize(("form", "detail", "kind"), FILES)
def test_both_versions_say_what_file_comes_of_buying_where_anybody_knows(
    scene: Scene, form: str, detail: str | None, kind: str | None
) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.isbn == EPUB).values(form=form, form_details=detail))
    _, new = catalogue(scene, "/opds/new")["publications"]
    _, older = etree.fromstring(scene.get("/opds/new.atom").data).iter(f"{{{documents.ATOM}}}entry")

    told = new["links"][0].get("properties", {}).get("indirectAcquisition")
    assert told == ([{"type": kind}] if kind else None)
    assert [one.get("type") for one in older.iter(f"{{{opds.OPDS}}}indirectAcquisition")] == ([kind] if kind else [])


@pytest.mark.parametrize("path", ["/opds/new", "/opds/new.atom"])
def test_a_sheet_takes_as_many_statements_however_many_books_stand_on_it(scene: Scene, path: str) -> None:
    def statements() -> int:
        seen: list[str] = []

        def note(*told: object) -> None:
            seen.append(str(told[2]))

        event.listen(scene.shop.db.read_engine, "before_cursor_execute", note)
        assert scene.get(f"{path}?country=US").status_code == 200
        event.remove(scene.shop.db.read_engine, "before_cursor_execute", note)
        return len(seen)

    few = statements()
    with scene.shop.db.writing() as session:
        signed = session.get_one(RightsSet, 1)
        for number in range(trade.PAGE_SIZE):
            book = Work(slug=f"b-{number}", identifier=f"B{number}", title=f"Book {number}", subjects=[])
            book.contributors.append(Contributor(position=0, role="A01", name=f"Author {number}"))
            session.add(an_edition(book, signed, f"979{number:010d}", "ED", 1000, fulfiller="glassboxx"))

    assert statements() == few <= 6


def test_both_versions_say_under_which_subjects_a_book_stands(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Work).values(subjects=[{"scheme": "93", "code": "NHD", "heading": "European history"}]))
    first, *_ = catalogue(scene, "/opds/new")["publications"]
    older, *_ = feedparser.parse(scene.get("/opds/new.atom").data).entries

    assert first["metadata"]["subject"] == [{"name": "European history", "code": "NHD", "scheme": opds.THEMA}]
    assert [(one.scheme, one.term, one.label) for one in older.tags] == [(opds.THEMA, "NHD", "European history")]


def test_the_newest_ebook_comes_first(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.isbn == EPUB).values(publication_date=date(2026, 11, 25)))
    told = catalogue(scene, "/opds/new")["publications"]
    older = feedparser.parse(scene.get("/opds/new.atom").data).entries

    assert [one["metadata"]["published"] for one in told] == ["2026-11-25", "2026-04-28"]
    assert [entry.updated for entry in older] == ["2026-11-25T00:00:00Z", "2026-04-28T00:00:00Z"]
    assert [entry.id for entry in older] == [one["metadata"]["identifier"] for one in told]


def test_a_long_catalogue_is_turned_page_by_page(scene: Scene) -> None:
    importer.import_file(scene.shop, EXAMPLES / "catalogue.xml")
    with scene.shop.db.writing() as session:
        for rights_set in session.scalars(select(RightsSet)):
            rights_set.sign("rights@press.test", scene.shop.now)
    first = catalogue(scene, "/opds/new?country=US")
    told = opds.Sheet([], 2, 3, 60, "/opds/new", "country=US")

    assert len(first["publications"]) > 2
    assert {rel: told.address(page) for rel, page in told.links} == {
        "self": "/opds/new?country=US&page=2",
        "first": "/opds/new?country=US",
        "last": "/opds/new?country=US&page=3",
        "previous": "/opds/new?country=US",
        "next": "/opds/new?country=US&page=3",
    }
    assert scene.get("/opds/new?page=2").status_code == 404


def items(scene: Scene, country: str) -> dict[str, dict[str, str]]:
    root = etree.fromstring(scene.get(f"/merchant/{country}.xml").data)
    return {
        item.findtext(f"{G}id", ""): {str(part.tag).removeprefix(G): part.text or "" for part in item}
        for item in root.iter("item")
    }


REQUIRED = {"id", "title", "description", "link", "image_link", "availability", "price", "gtin", "condition", "brand"}


def test_shopping_pages_are_told_what_is_offered_in_a_country(scene: Scene) -> None:
    there, here = items(scene, "US"), items(scene, "GB")

    assert here == {}
    assert set(there) == {HARDBACK, EBOOK, EPUB}
    assert all(one.keys() >= REQUIRED for one in there.values())
    assert (there[HARDBACK]["price"], there[HARDBACK]["availability"]) == ("38.00 GBP", "in_stock")
    assert there[HARDBACK]["link"] == f"http://localhost/books/exit-stalin?country=US#{HARDBACK}"
    assert "shipping" in there[HARDBACK]
    assert "shipping" not in there[EBOOK]
    assert scene.get("/merchant/XX.xml").status_code == 404


def test_an_item_tells_what_the_page_tells_and_no_more_than_it_may(scene: Scene) -> None:
    long = "word " * 2000
    with scene.shop.db.writing() as session:
        session.execute(update(Work).values(description="", short_description=None))
    bare = items(scene, "US")[EBOOK]
    with scene.shop.db.writing() as session:
        session.execute(update(Work).values(title=f"Salt & <Pepper> {long}", publisher="A & B", description=long))
    full = items(scene, "US")[EBOOK]

    assert (bare["title"], bare["description"]) == ("Exit Stalin (Ebook)", "Exit Stalin")
    assert bare["brand"] == scene.shop.settings.shop_name
    assert full["title"].startswith("Salt & <Pepper> word")
    assert full["title"].endswith(" (Ebook)"), "or both editions would be called the same"
    assert (len(full["title"]), len(full["description"])) == (merchant.LONGEST_TITLE, merchant.LONGEST_DESCRIPTION)
    assert full["brand"] == "A & B"


def test_an_item_tells_what_posting_costs_into_the_country_of_the_feed(scene: Scene) -> None:
    root = etree.fromstring(scene.get("/merchant/JP.xml").data)
    shipping = [(one.findtext(f"{G}country"), one.findtext(f"{G}price")) for one in root.iter(f"{G}shipping")]

    assert shipping == [("JP", "12.50 GBP")]


def test_many_editions_come_in_one_feed_each_once(scene: Scene) -> None:
    many = [f"979{number:010d}" for number in range(trade.AT_A_TIME + 1)]
    with scene.shop.db.writing() as session:
        work, signed = session.get_one(Work, 1), session.get_one(RightsSet, 1)
        session.add_all(an_edition(work, signed, isbn, "BC", 1000) for isbn in many)
    root = etree.fromstring(scene.get("/merchant/US.xml").data)

    assert [item.findtext(f"{G}id") for item in root.iter("item")] == [HARDBACK, EBOOK, EPUB, *many]


@pytest.mark.parametrize(
    ("days", "told"),
    [(30, "preorder"), (400, None)],
)
def test_what_is_ordered_ahead_says_its_day_and_not_more_than_a_year(scene: Scene, days: int, told: str | None) -> None:
    day = scene.clock.now.date() + timedelta(days=days)
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.isbn == HARDBACK).values(publication_date=day))
    found = items(scene, "US").get(HARDBACK)

    assert (found and found["availability"]) == told
    assert (found and found["availability_date"]) == (day.isoformat() if told else None)


def test_what_cannot_be_bought_is_not_offered_to_anybody(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.isbn == EBOOK).values(provider_state=ProviderState.NOT_ENABLED))
        session.execute(update(Edition).where(Edition.isbn == EPUB).values(publishing_status="11"))
        session.execute(update(Edition).where(Edition.isbn == HARDBACK).values(stock=0))

    assert {isbn: one["availability"] for isbn, one in items(scene, "US").items()} == {HARDBACK: "out_of_stock"}


def test_a_browser_learns_how_to_search_here(scene: Scene) -> None:
    root = etree.fromstring(scene.get("/opensearch.xml").data)
    (url,) = root.iter("{http://a9.com/-/spec/opensearch/1.1/}Url")

    assert url.get("template") == "http://localhost/search?q={searchTerms}"
