"""What machines read of the catalogue is well formed, says no price, and keeps what is private out of sight."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.robotparser import RobotFileParser

import feedparser
import icalendar
import pytest
from lxml import etree
from sqlalchemy import insert, update

from shop.catalogue.feeds import documents, views
from shop.catalogue.intake import importer
from shop.catalogue.models import Contributor, Edition, RightsSet, Work
from tests.conftest import EXAMPLES
from tests.makers import HARDBACK, Scene, an_edition

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HOUSE = documents.House("Example & Sons", "https://books.example.org")
NASTY = documents.Entry(
    title="Łódź; a <History>, told",
    address="/books/lodz",
    author="Zoë O'Neil & Ōe",
    forms="Hardback",
    summary="Short & sweet",
    isbn="9781631498299",
    published_on=date(2026, 12, 31),
)


def published(scene: Scene, day: date, *isbns: str) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.isbn.in_(isbns)).values(publication_date=day))


def test_new_books_are_a_feed_that_a_reader_program_takes(scene: Scene) -> None:
    answer = scene.get("/new.atom")
    feed = feedparser.parse(answer.data)

    assert answer.content_type == "application/atom+xml; charset=utf-8"
    assert not feed.bozo
    (entry,) = feed.entries
    assert (entry.title, entry.link) == ("Exit Stalin", "http://localhost/books/exit-stalin")
    assert entry.author == "Mark B. Smith"
    assert (entry.updated, feed.feed.updated) == ("2026-04-28T00:00:00Z", "2026-04-28T00:00:00Z")
    assert "38" not in entry.summary


def test_a_book_that_is_not_out_is_on_the_calendar_and_not_in_the_feed(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).values(publication_date=date(2027, 1, 5)))
    calendar = icalendar.Calendar.from_ical(scene.get("/coming-soon.ics").data)
    days: dict[str, Any] = {str(event["UID"]): event for event in calendar.walk("VEVENT")}

    assert feedparser.parse(scene.get("/new.atom").data).entries == []
    assert len(days) == 3
    assert days[f"{HARDBACK}@localhost"]["DTSTART"].dt == date(2027, 1, 5)
    assert str(days[f"{HARDBACK}@localhost"]["SUMMARY"]) == "Exit Stalin by Mark B. Smith (hardback)"


def test_a_calendar_is_the_same_all_day_long(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).values(publication_date=date(2027, 1, 5)))
    morning = scene.get("/coming-soon.ics").data
    scene.clock.forward(hours=2)
    afternoon = scene.get("/coming-soon.ics").data
    scene.clock.forward(hours=24)

    assert b"DTSTAMP:20261125T000000Z" in morning
    assert afternoon == morning
    assert scene.get("/coming-soon.ics").data != morning


def test_a_withdrawn_edition_is_announced_nowhere(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).values(publishing_status="11", publication_date=date(2027, 1, 5)))

    assert icalendar.Calendar.from_ical(scene.get("/coming-soon.ics").data).walk("VEVENT") == []


def test_the_sitemap_names_every_book_by_its_own_address(scene: Scene) -> None:
    importer.import_file(scene.shop, EXAMPLES / "catalogue.xml")
    found = addresses(scene.get("/sitemap.xml").data)

    assert "http://localhost/books/tidewrack" in found
    assert len(found) == len(set(found))
    assert all(scene.get(address.removeprefix("http://localhost")).status_code == 200 for address in found)
    assert {"http://localhost/", "http://localhost/new", "http://localhost/subjects/nhd"} <= set(found)
    assert scene.get("/sitemap/2.xml").status_code == 404
    places = addresses(scene.get("/sitemap/0.xml").data)
    assert set(places) == {address for address in found if "/books/" not in address}


def addresses(document: bytes) -> Sequence[str]:
    root = etree.fromstring(document)
    return [str(one.text) for one in root.iter(f"{{{documents.SITEMAP}}}loc")]


def test_a_great_many_books_are_listed_in_parts() -> None:
    index = documents.sitemap_index(HOUSE, ["/sitemap/1.xml", "/sitemap/2.xml"])

    assert etree.fromstring(index).tag == f"{{{documents.SITEMAP}}}sitemapindex"
    assert addresses(index) == ["https://books.example.org/sitemap/1.xml", "https://books.example.org/sitemap/2.xml"]


@pytest.mark.parametrize(
    ("path", "open_to_robots"),
    [
        ("/", True),
        ("/books/exit-stalin", True),
        ("/covers/9781631498299.svg", True),
        ("/new.atom", True),
        ("/staff/orders", False),
        ("/library", False),
        ("/orders/abc", False),
        ("/a/abc", False),
        ("/checkout/abc", False),
    ],
)
def test_robots_are_kept_from_what_belongs_to_one_reader(scene: Scene, path: str, *, open_to_robots: bool) -> None:
    rules = RobotFileParser()
    rules.parse(scene.get("/robots.txt").text.splitlines())

    assert rules.can_fetch("*", f"http://localhost{path}") is open_to_robots
    assert rules.site_maps() == ["http://localhost/sitemap.xml"]


def test_any_title_survives_the_way_into_every_document() -> None:
    (entry,) = feedparser.parse(documents.atom(HOUSE, "/new.atom", "New books", [NASTY], NOW)).entries
    calendar = documents.calendar(HOUSE, [NASTY], NOW)
    (event,) = icalendar.Calendar.from_ical(calendar).walk("VEVENT")

    assert entry.title_detail.value == NASTY.title
    assert str(event["SUMMARY"]) == f"{NASTY.title} by {NASTY.author} (hardback)"
    assert max(len(line) for line in calendar.split(b"\r\n")) <= documents.LONGEST_LINE
    assert calendar.endswith(b"END:VCALENDAR\r\n")


XML = ("/new.atom", "/opds/new.atom", "/merchant/US.xml", "/books/exit-stalin.onix")


@pytest.mark.parametrize("sign", ["&#1;", "&#27;", "&#xFFFE;", "&#xFFFF;"])
def test_a_sign_that_xml_forbids_is_left_out_and_takes_no_document_from_the_other_books(
    scene: Scene, sign: str
) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Work).values(description=f"<p>The long{sign} story</p>", short_description=None))
        session.execute(update(Contributor).values(biography=f"A historian{sign}"))
    told = {path: scene.get(path).data for path in XML}
    with scene.shop.db.writing() as session:
        session.execute(update(Work).values(short_description=f"The short{sign} story"))
    told["/new.atom"] = scene.get("/new.atom").data

    words = {path: str(etree.fromstring(document).xpath("string()")) for path, document in told.items()}
    assert "The short story" in words["/new.atom"]
    assert all("The long story" in words[path] for path in XML[1:])


@pytest.mark.parametrize("day", [date(9999, 12, 31), date(999, 1, 2)])
def test_a_day_at_the_edge_of_the_calendar_is_told_like_any_other(day: date) -> None:
    entry = replace(NASTY, published_on=day)
    events: list[Any] = icalendar.Calendar.from_ical(documents.calendar(HOUSE, [entry], NOW)).walk("VEVENT")
    (told,) = feedparser.parse(documents.atom(HOUSE, "/new.atom", "New books", [entry], NOW)).entries

    assert [event["DTSTART"].dt for event in events] == [day]
    assert told.published == f"{day.isoformat()}T00:00:00Z"


def test_an_empty_shop_has_an_empty_feed() -> None:
    assert (
        feedparser.parse(documents.atom(HOUSE, "/new.atom", "New books", [], NOW)).feed.updated
        == "2026-11-25T12:00:00Z"
    )


def test_what_has_not_changed_is_not_sent_again(scene: Scene) -> None:
    tag = scene.get("/new.atom").headers["ETag"]

    assert scene.get("/new.atom", **{"If-None-Match": tag}).status_code == 304
    published(scene, date(2026, 5, 1), HARDBACK)
    assert scene.get("/new.atom", **{"If-None-Match": tag}).status_code == 200


def test_the_newest_book_comes_first_by_whoever_wrote_it(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.add(Contributor(work_id=1, position=1, role="B06", name="Theo Lator"))
        signed = session.get_one(RightsSet, 1)
        for number in range(60):
            work = Work(slug=f"b-{number}", identifier=f"{number}", title=f"Book {number}", subjects=[])
            edition = an_edition(work, signed, f"979{number:010d}", "BC", 1000)
            edition.publication_date = date(2026, 1, 1) + timedelta(days=number)
            session.add(edition)
    entries = feedparser.parse(scene.get("/new.atom").data).entries
    days = [entry.published for entry in entries]

    assert (entries[0].title, entries[0].author, days[0]) == ("Exit Stalin", "Mark B. Smith", "2026-04-28T00:00:00Z")
    assert (entries[1].title, days[1]) == ("Book 59", "2026-03-01T00:00:00Z")
    assert days == sorted(days, reverse=True)
    assert len(entries) == views.MOST_ENTRIES


def test_more_books_than_a_sitemap_holds_stand_in_parts_each_in_one_of_them(scene: Scene) -> None:
    most = documents.ADDRESSES_IN_A_SITEMAP
    with scene.shop.db.writing() as session:
        many = [{"slug": f"b-{n}", "identifier": f"{n}", "title": "B", "subjects": []} for n in range(most)]
        session.execute(insert(Work), many)
    index = addresses(scene.get("/sitemap.xml").data)
    places, *books = [addresses(scene.get(path.removeprefix("http://localhost")).data) for path in index]

    assert "http://localhost/" in places
    assert [len(part) for part in books] == [most, 1]
    assert len({address for part in books for address in part} - set(places)) == most + 1
    assert scene.get("/sitemap/3.xml").status_code == 404


@pytest.mark.parametrize("path", ["/new.atom", "/coming-soon.ics", "/sitemap.xml", "/robots.txt", "/opensearch.xml"])
def test_whoever_stands_between_may_keep_it_for_an_hour(scene: Scene, path: str) -> None:
    assert scene.get(path).headers["Cache-Control"] == "public, max-age=3600"
