"""Staff are asked why a reader may not buy a book, and find the answer on one page."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from shop.catalogue.intake import batch
from shop.catalogue.models import Edition, Price, ProviderState, RightsSet, Work
from tests.makers import EBOOK, EPUB, HARDBACK, Scene

ASK = "/staff/rights/why"


@pytest.fixture
def counter(scene: Scene) -> Scene:
    """Staff at the counter of a shop whose one book can be found."""
    with scene.shop.db.writing() as session:
        batch.summarise(session.get_one(Work, 1))
    scene.sign_in_as_staff()
    return scene


def row(page: str, isbn: str) -> str:
    """What the page tells of one edition, without its markup."""
    (found,) = [one for one in page.split('<tr><th scope="row">') if f">{isbn}<" in one]
    return " ".join(re.sub(r"<[^>]+>", " ", found.partition("</tr>")[0]).split())


@pytest.mark.parametrize(
    ("isbn", "country", "change", "told"),
    [
        (HARDBACK, "US", {}, ["Add hardback to basket", "Nothing stands in the way.", "Open", "£38.00"]),
        (HARDBACK, "IN", {}, ["Not sold in India", "not in its set of rights", "Closed"]),
        (EBOOK, "US", {"provider_state": ProviderState.NOT_ENABLED}, ["The provider has not enabled it yet."]),
        (EPUB, "US", {"fulfiller": None}, ["Coming soon", "No provider and no file of ours delivers it."]),
        (HARDBACK, "US", {"rights_set_id": None}, ["Coming soon", "Nobody has signed", "None are stated."]),
        (HARDBACK, "US", {"publishing_status": "11"}, ["No longer sold", "Its record says that it is no longer sold."]),
    ],
)
def test_a_page_tells_what_decides(
    counter: Scene, isbn: str, country: str, change: dict[str, object], told: list[str]
) -> None:
    if change:
        with counter.shop.db.writing() as session:
            session.execute(update(Edition).where(Edition.isbn == isbn).values(**change))
    page, pasted = (counter.get(f"{ASK}?book={book}&country={country}").text for book in (isbn, f"ISBN+{isbn}"))

    assert row(page, isbn) == row(pasted, isbn)
    assert [words for words in told if words not in row(page, isbn)] == []


def test_it_tells_of_a_price_that_is_missing_and_of_rights_that_wait(counter: Scene) -> None:
    with counter.shop.db.writing() as session:
        session.execute(update(Price).values(countries="CA"))
    priceless = counter.get(f"{ASK}?book=exit+stalin&country=US").text
    with counter.shop.db.writing() as session:
        session.execute(update(RightsSet).values(signed_at=None))
    unsigned = counter.get(f"{ASK}?book=exit+stalin&country=US").text

    assert "no price in the shop’s currency" in row(priceless, HARDBACK)
    assert "none" in row(priceless, HARDBACK)
    assert unsigned.count("Nobody has signed its set of rights.") == 3


def test_without_a_question_it_asks_one_and_an_unknown_book_is_said_to_be_none(counter: Scene) -> None:
    for question in ("", "?book=stalin", "?book=stalin&country=XX", "?country=US"):
        page = counter.get(f"{ASK}{question}").text
        assert "Country of the reader" in page
        assert "What decides it" not in page
        assert "No book has" not in page
    assert "No book has “zeppelin”." in counter.get(f"{ASK}?book=zeppelin&country=US").text
