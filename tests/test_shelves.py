"""Shelves can be narrowed: by what a book is, by where it may be sold, by subject; every filter can be taken off."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from shop.catalogue.finding import facets, search, shelves, subjects
from shop.catalogue.finding.facets import Narrowed
from shop.catalogue.intake import batch, importer
from shop.catalogue.models import Edition, Price, RightsSet, Work
from tests.conftest import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.makers import Scene


@pytest.fixture
def stocked(scene: Scene) -> Scene:
    """The demonstration's books, their rights signed."""
    importer.import_file(scene.shop, EXAMPLES / "catalogue.xml")
    with scene.shop.db.writing() as session:
        session.execute(update(RightsSet).values(signed_by="rights@press.test", signed_at=scene.clock.now))
    return scene


def books(scene: Scene, path: str) -> list[str]:
    answer = scene.get(path)
    assert answer.status_code == 200, path
    shelf = answer.text.partition('<ul class="shelf">')[2].partition("</main>")[0]
    return re.findall(r'<a href="/books/([^"]+)">', shelf)


def texts(scene: Scene) -> Mapping[str, str]:
    with scene.shop.db.read_engine.connect() as connection:
        return {row.slug: row.search_text for row in connection.execute(select(Work.slug, Work.search_text))}


@pytest.mark.parametrize(
    "query", ["form=hardback", "form=ebook", "subject=n", "subject=nhd", "language=eng", "year=2025"]
)
def test_a_filter_leaves_exactly_the_books_that_bear_its_mark(stocked: Scene, query: str) -> None:
    name, value = query.split("=")
    beginning = f"{name}={value}"
    bearing = {
        slug
        for slug, text in texts(stocked).items()
        if any(word == beginning or (name == "subject" and word.startswith(beginning)) for word in text.split())
    }

    assert 0 < len(bearing) < len(texts(stocked)) or name == "language"
    assert set(books(stocked, f"/?{query}")) == set(books(stocked, f"/search?q=&{query}")) == bearing


def test_filters_and_words_are_asked_together_and_each_can_be_taken_off(stocked: Scene) -> None:
    page = stocked.get("/search?q=the&form=ebook&year=2025").text
    off = [link.replace("&amp;", "&") for link in re.findall(r'<a href="([^"]+)" aria-label="Without', page)]

    assert off == ["?q=the&year=2025", "?q=the&form=ebook"]
    assert "Ebook" in page
    assert set(books(stocked, "/search?q=the&form=ebook")) >= set(books(stocked, "/search?q=the&form=ebook&year=2025"))


def test_a_filter_that_leaves_nothing_keeps_the_way_back(stocked: Scene) -> None:
    page = stocked.get("/?form=audiobook&year=1999").text

    assert "0 titles" in page
    assert "No book is all of this at once." in page
    assert page.count("Without ") == 2


def test_of_very_many_the_newest_come_first_page_after_page(scene: Scene) -> None:
    many = shelves.MOST_RANKED + 30
    begun = date(2020, 1, 1)
    with scene.shop.db.writing() as session:
        for number in range(many):
            for name, mark in (("tide", "form=ebook"), ("ebb", "form=ebook"), ("tide", "form=paperback")):
                told = f"{name}-{mark[5:]}-{number}"
                session.add(
                    Work(
                        slug=told,
                        identifier=told,
                        title=told,
                        description="",
                        subjects=[],
                        search_text=search.index_text([name], [mark]),
                        published_on=begun + timedelta(days=number * 7 % many),
                    )
                )

    newest_first = sorted(range(many), key=lambda number: number * 7 % many, reverse=True)
    tides = [f"tide-ebook-{number}" for number in newest_first]
    asked = "/search?q=tid&form=ebook"
    last = -(-many // 24)
    assert "530 books" in scene.get(asked).text
    assert books(scene, asked) + books(scene, f"{asked}&page=2") == tides[:48]
    assert books(scene, f"{asked}&page={last}") == tides[24 * (last - 1) :]
    assert scene.get(f"{asked}&page={last + 1}").status_code == 404


NO_FILTERS = (
    *("form='+OR+1", "year=%F0%9F%98%80", "subject=n*", "language=" + "x" * 500),
    *("page=-3", "page=x", "form=ebook&form=x"),
)


@pytest.mark.parametrize("query", NO_FILTERS)
def test_a_filter_that_is_none_asks_nothing_and_breaks_nothing(stocked: Scene, query: str) -> None:
    assert stocked.get(f"/?{query}").status_code == 200


def test_only_what_may_be_sold_where_the_reader_is(stocked: Scene) -> None:
    stocked.live_in("GB")
    here = books(stocked, "/?here=yes")
    with stocked.shop.db.writing() as session:
        session.execute(update(RightsSet).values(countries="US"))
    none = books(stocked, "/?here=yes")
    stocked.live_in("US")
    over_there = books(stocked, "/?here=yes")
    with stocked.shop.db.writing() as session:
        session.execute(update(Price).values(countries="GB IE"))
    unpriced = books(stocked, "/?here=yes")

    assert here
    assert "exit-stalin" not in here
    assert (none, unpriced) == ([], [])
    assert "exit-stalin" in over_there


SOLD_HERE_NO_MORE = {
    "nobody has signed": update(RightsSet).values(signed_at=None),
    "rights for elsewhere": update(RightsSet).values(countries="US"),
    "a price in another currency": update(Price).values(currency="USD"),
    "a price of tomorrow": update(Price).values(since=date(2026, 11, 26)),
    "a price of yesterday": update(Price).values(until=date(2026, 11, 24)),
    "a price for elsewhere": update(Price).values(countries="US IE"),
    "withdrawn": update(Edition).values(publishing_status="11"),
    "withdrawn by its supplier": update(Edition).values(availability="40"),
}


@pytest.mark.parametrize("change", SOLD_HERE_NO_MORE.values(), ids=SOLD_HERE_NO_MORE.keys())
def test_what_lacks_one_of_all_that_a_sale_needs_is_not_sold_here(stocked: Scene, change: object) -> None:
    stocked.live_in("GB")
    before = books(stocked, "/?here=yes")
    with stocked.shop.db.writing() as session:
        session.execute(change)  # type: ignore[call-overload]

    assert before
    assert books(stocked, "/?here=yes") == []
    assert books(stocked, "/")


TODAYS, WITHDRAWN = "what-the-hedge-remembers", "the-prosecutors-garden"


def test_new_and_coming_are_told_apart_by_today(stocked: Scene) -> None:
    with stocked.shop.db.writing() as session:
        session.execute(update(Work).values(published_on=date(2026, 1, 1)))
        session.execute(update(Work).where(Work.slug == "tidewrack").values(published_on=date(2027, 5, 1)))
        session.execute(update(Work).where(Work.slug == "exit-stalin").values(published_on=date(2027, 4, 1)))
        session.execute(update(Work).where(Work.slug == TODAYS).values(published_on=date(2026, 11, 25)))

    assert books(stocked, "/coming") == ["exit-stalin", "tidewrack"]
    assert set(books(stocked, "/new")) == set(texts(stocked)) - {"exit-stalin", "tidewrack", WITHDRAWN}
    assert books(stocked, "/new")[0] == TODAYS
    assert set(books(stocked, "/")) == set(texts(stocked))


def test_subjects_lead_from_the_widest_to_their_books(stocked: Scene) -> None:
    widest = stocked.get("/subjects").text
    history = stocked.get("/subjects/n").text
    european = stocked.get("/subjects/nhd").text

    assert '<a href="/subjects/n">History &amp; Archaeology</a>' in widest
    assert '<a href="/subjects/nhd">European history</a>' in history
    assert "<h1>European history</h1>" in european
    assert '<a href="/subjects/n">History &amp; Archaeology</a>' in european
    assert 'name="subject"' not in european
    assert set(books(stocked, "/subjects/nhd")) <= set(books(stocked, "/subjects/n"))


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/subjects/NHD", "/subjects/nhd"),
        ("/subjects/textbooks/biological-sciences", "/search?q=biological+sciences"),
        ("/subjects/poetry", "/search?q=poetry"),
    ],
)
def test_another_way_of_writing_a_subject_leads_to_it(stocked: Scene, path: str, leads_to: str) -> None:
    answer = stocked.get(path)

    assert (answer.status_code, answer.location) == (301 if leads_to.startswith("/subjects") else 302, leads_to)


@pytest.mark.parametrize(
    ("subjects_", "codes"),
    [
        ([("93", "NHD"), ("93", "NHTB"), ("10", "FIC000000")], ["NHD", "NHTB"]),
        ([("10", "HIS010000"), ("10", "HIS032000"), ("10", "BIO000000")], ["N", "D"]),
        ([("10", "XYZ000000"), ("20", "")], []),
    ],
)
def test_thema_places_a_book_and_bisac_only_where_there_is_no_thema(
    subjects_: list[tuple[str, str]], codes: list[str]
) -> None:
    assert subjects.codes([{"scheme": scheme, "code": code, "heading": None} for scheme, code in subjects_]) == codes


def test_every_section_of_bisac_leads_to_a_shelf_that_there_is() -> None:
    assert set(subjects.SECTIONS.values()) <= subjects.SHELVES.keys()


def test_what_is_typed_is_continued_on_a_plain_page_and_as_a_list(stocked: Scene) -> None:
    page = stocked.get("/suggest?q=tide").text
    part = stocked.get("/suggest?part=list&q=tide").text

    assert '<a href="/books/tidewrack">' in page
    assert "<html" in page
    assert part.lstrip().startswith('<ul class="suggested">')
    assert stocked.get("/suggest?q=zzzz").status_code == stocked.get("/suggest").status_code == 200


def test_values_are_counted_over_all_pages_and_in_a_readers_words(stocked: Scene) -> None:
    page = stocked.get("/").text
    ebooks = sum("form=ebook" in text for text in texts(stocked).values())

    assert f">Ebook ({ebooks})</option>" in page
    assert ">English (" in page


def test_a_filter_that_is_set_still_offers_what_else_there_is_under_all_the_others(stocked: Scene) -> None:
    def offered(page: str, name: str) -> dict[str, str]:
        field = page[page.index(f'id="narrow-{name}"') :].partition("</select>")[0]
        return dict(re.findall(r'<option value="([^"]+)"(?: selected)?>[^<(]+\((\d+)\)', field))

    every = [set(text.split()) for text in texts(stocked).values()]
    page = stocked.get("/search?form=ebook&language=eng").text
    for name, other in (("form", "language=eng"), ("language", "form=ebook")):
        values = [word.partition("=")[2] for marks in every if other in marks for word in marks if f"{name}=" in word]

        assert offered(page, name) == {value: str(values.count(value)) for value in values}
    assert len(offered(page, "form")) > 1


@pytest.mark.parametrize(
    ("narrowed", "query"),
    [
        (Narrowed(), "?"),
        (Narrowed(form="ebook", here=True), "?form=ebook&here=yes"),
    ],
)
def test_a_shelf_has_one_address(narrowed: Narrowed, query: str) -> None:
    found = narrowed.query()

    assert found == query
    arguments: Any = dict(pair.split("=") for pair in found[1:].split("&") if pair)
    assert facets.asked(arguments) == narrowed


def stock_more(scene: Scene, copies: int) -> None:
    with scene.shop.db.writing() as session:
        words = search.index_text(["many"], ["form=ebook"])
        for number in range(copies):
            session.add(Work(slug=f"many-{number}", identifier=f"{number}", title="Many", search_text=words))


def test_marks_of_a_great_catalogue_are_offered_without_counts(stocked: Scene) -> None:
    stock_more(stocked, 501)
    page = stocked.get("/").text

    assert ">Ebook</option>" in page
    assert "Page 1 of " in page


@pytest.mark.parametrize("copies", [48, 501])
def test_whoever_turns_every_page_of_a_shelf_sees_each_of_its_books_once(stocked: Scene, copies: int) -> None:
    stock_more(stocked, copies)
    seen: list[str] = []
    path = "/search?q=many"
    while path and len(seen) < copies:
        seen += books(stocked, path)
        onward = re.search(r'rel="next" href="([^"]+)"', stocked.get(path).text)
        path = f"/search{onward[1].replace('&amp;', '&')}" if onward else ""

    assert sorted(seen) == sorted(f"many-{number}" for number in range(copies))


def test_a_language_that_nobody_told_is_no_mark_to_narrow_by(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.form == "BB").values(language="und"))
        work = session.scalars(select(Work)).one()
        batch.summarise(work)
        told = {word for word in work.search_text.split() if word.startswith("language=")}
        session.execute(update(Edition).values(language="und"))
        session.expire_all()
        batch.summarise(work)

    assert told == {"language=eng"}
    assert "language=" not in texts(scene)["exit-stalin"]
    assert "und" not in scene.get("/").text.partition('name="language"')[2].partition("</select>")[0]
