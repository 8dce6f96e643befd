"""Whoever looks for a book finds it, on both engines the same: accents, hyphens, half words and slips of the hand."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from shop.catalogue.finding import search
from shop.catalogue.intake import importer
from shop.catalogue.models import Work
from tests.conftest import EXAMPLES
from tests.makers import EBOOK, HARDBACK, Scene

STALIN, LODZ, TIDE = "/books/exit-stalin", "/books/lodz", "/books/tide"
BOOKS = {
    "exit-stalin": ["Exit Stalin", "The Soviet Union as a Civilization", "Mark B. Smith", "Cold War", HARDBACK, EBOOK],
    "lodz": ["Łódź: a twenty-first-century city", "Zoë O'Neil", "Ōe Kenzaburō", "9789999913669"],
    "tide": ["Tide and wrack", "Mark Ågren", "日本の潮", "Прилив", "9789999917360", "ab\u19b0cd", "smitten"],
}


@pytest.fixture
def shelf(scene: Scene) -> Scene:
    """Three books, each with words of its own."""
    with scene.shop.db.writing() as session:
        for slug in BOOKS.keys() - {"exit-stalin"}:
            session.add(Work(slug=slug, identifier=slug, title=BOOKS[slug][0]))
        session.flush()
        for slug, told in BOOKS.items():
            words = search.index_text(told, ["form=ebook"] if slug == "tide" else ["form=hardback"])
            session.execute(update(Work).where(Work.slug == slug).values(search_text=words))
            search.learn(session.connection(), [words])
    return scene


def found(scene: Scene, asked: str) -> list[str]:
    answer = scene.client.get("/search", query_string={"q": asked}, base_url="http://localhost")
    assert answer.status_code == 200
    return re.findall(r'<a href="(/books/[^"]+)">', answer.text)


@pytest.mark.parametrize(
    ("asked", "books"),
    [
        ("exit", [STALIN]),
        ("STALIN smith", [STALIN]),
        ("stal", [STALIN]),
        ("stalin wrack", []),
        ("Smíth", [STALIN]),
        ("mark", [TIDE, STALIN]),
        ("łódź", [LODZ]),
        ("lodz", [LODZ]),
        ("O'Neil", [LODZ]),
        ("O\u2019Neil", [LODZ]),
        ("oneil", [LODZ]),
        ("neil", [LODZ]),
        ("zoe", [LODZ]),
        ("kenzaburo oe", [LODZ]),
        ("twenty-first", [LODZ]),
        ("twenty first century", [LODZ]),
        ("agren", [TIDE]),
        ("прил", [TIDE]),
        ("日本の潮", [TIDE]),
        ("ab\u19b0cd", [TIDE]),
        (HARDBACK, [STALIN]),
        ("978-1-63149-829-9", [STALIN]),
        ("978 1 63149 829 9", [STALIN]),
        ("1-63149-829-0", [STALIN]),
        ("9781631498", [STALIN]),
        ("  stalin,  (exit)! ", [STALIN]),
        ("form=ebook", []),
        ("stalin OR tide", []),
        ('"exit" AND', []),
        ("sta*", [STALIN]),
        ("NOT exit", []),
        ("'", []),
        ("%", []),
    ],
)
def test_a_book_is_found_by_any_of_its_words_however_they_are_written(
    shelf: Scene, asked: str, books: list[str]
) -> None:
    assert found(shelf, asked) == books


@pytest.mark.parametrize(
    ("asked", "books", "instead"),
    [
        ("stalim", [STALIN], "stalin"),
        ("satlin", [STALIN], "stalin"),
        ("stallin", [STALIN], "stalin"),
        ("xstalin", [STALIN], "stalin"),
        ("exit satlin", [STALIN], "exit stalin"),
        ("kenzaburp", [LODZ], "kenzaburo"),
        ("exit smitt", [STALIN], "exit smith"),
        ("exit smitten", [], ""),
        ("smiht wrakc", [], ""),
        ("zzzzzz", [], ""),
        ("tidf", [TIDE], "tide"),
    ],
)
def test_a_slip_of_the_hand_is_forgiven_and_told(shelf: Scene, asked: str, books: list[str], instead: str) -> None:
    answer = shelf.client.get("/search", query_string={"q": asked}, base_url="http://localhost").text

    assert found(shelf, asked) == books
    assert (f"“{instead}”" in answer) if instead else ("We found no book" in answer)


@pytest.mark.parametrize(
    ("asked", "told", "near"),
    [
        ("978-1-63149-829-8", "a digit of it must be mistyped. Did you mean", [STALIN]),
        ("ISBN 9781631498297", "a digit of it must be mistyped. Did you mean", [STALIN]),
        ("1631498291", "a digit of it must be mistyped. Check it", []),
        ("9789999900003", "We found no book", []),
        ("12345678901", "We found no book", []),
    ],
)
def test_a_mistyped_isbn_is_called_so(shelf: Scene, asked: str, told: str, near: list[str]) -> None:
    answer = shelf.client.get("/search", query_string={"q": asked}, base_url="http://localhost").text

    assert told in answer
    assert found(shelf, asked) == near


def test_a_title_with_the_word_comes_before_a_newer_book_that_only_mentions_it(shelf: Scene) -> None:
    with shelf.shop.db.writing() as session:
        words = search.index_text([*BOOKS["tide"], "A reader of Stalin"], ())
        session.execute(update(Work).where(Work.slug == "tide").values(search_text=words))

    assert found(shelf, "stalin") == [STALIN, TIDE]


def test_the_index_follows_when_a_work_is_renamed_or_gone(shelf: Scene) -> None:
    with shelf.shop.db.writing() as session:
        renamed = search.index_text(["Ebb"], ())
        session.execute(update(Work).where(Work.slug == "tide").values(search_text=renamed))
        session.delete(session.scalars(select(Work).where(Work.slug == "lodz")).one())

    assert found(shelf, "tide") == found(shelf, "lodz") == []
    assert found(shelf, "ebb") == [TIDE]


def test_a_mark_is_held_whole_and_a_beginning_only_where_it_says_so(shelf: Scene) -> None:
    with shelf.shop.db.read_engine.connect() as connection:
        counts = {mark: search.count(connection, [], [mark]) for mark in ("form=ebook", "form=e", "form=e*", "form=*")}

    assert counts == {"form=ebook": 1, "form=e": 0, "form=e*": 1, "form=*": 3}


def test_an_import_makes_its_books_findable(scene: Scene) -> None:
    importer.import_file(scene.shop, EXAMPLES / "catalogue.xml")

    assert found(scene, "tidewrack") == found(scene, "tidewarck") == ["/books/tidewrack"]


NEAR_HAUSE = ["bause", "cause", "fause", "gause", "pause", "hawse", "house"]


def test_of_many_words_one_slip_away_those_that_begin_alike_come_first_and_not_many_are_tried(shelf: Scene) -> None:
    with shelf.shop.db.writing() as session:
        search.learn(session.connection(), [" ".join(NEAR_HAUSE)])
    with shelf.shop.db.read_engine.connect() as connection:
        (meant,), (known,) = (search.mended(connection, [word]) for word in ("hause", "stalin"))

    assert meant == ("hawse", "house", "bause", "cause", "fause")
    assert len(meant) == search.MOST_NEAR
    assert known == ("stalin",)


def test_only_so_many_words_are_asked_for_and_each_once() -> None:
    asked = [f"word{number}" for number in range(3 * search.MOST_WORDS)]

    assert search.words_asked(" ".join(asked)) == tuple(asked[: search.MOST_WORDS])
    assert search.words_asked("stalin Stalin STALIN exit") == ("stalin", "exit")


@pytest.mark.parametrize("letter", ["x", "ł", "ж", "\u19b0"])
def test_a_word_longer_than_is_kept_is_found_by_as_much_as_is_kept(shelf: Scene, letter: str) -> None:
    word = letter * (search.LONGEST_WORD + 40)
    told = search.index_text([word, "shorter"], ())
    with shelf.shop.db.writing() as session:
        session.execute(update(Work).where(Work.slug == "tide").values(search_text=told))
        search.learn(session.connection(), [told])

    assert [len(each) for each in told.split()] == [search.LONGEST_WORD, len("shorter")]
    assert found(shelf, word) == found(shelf, letter * search.LONGEST_WORD) == [TIDE]
