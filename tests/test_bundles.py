"""Bundles: a book and its ebook cost less together, the parts are the whole, and one alone costs what it costs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.catalogue.books import bundles
from shop.catalogue.books.bundles import split
from shop.catalogue.books.reading import editions_by_isbn
from shop.catalogue.models import Edition
from shop.money import Money
from tests.makers import EBOOK, EPUB, HARDBACK, Scene

if TYPE_CHECKING:
    from shop.settings import Settings

prices = st.integers(1, 500_000).map(lambda minor: Money(minor, "GBP"))


@given(prices, prices, st.integers(0, 90))
def test_the_parts_are_the_whole_and_neither_costs_more_than_alone(printed: Money, ebook: Money, percent: int) -> None:
    parts = split(printed, ebook, percent)
    assert sum(part.minor for part in parts) == (printed + ebook).minor * (100 - percent) // 100
    assert all(0 <= part.minor <= alone.minor for part, alone in zip(parts, (printed, ebook), strict=True))


@pytest.mark.parametrize(
    ("printed", "ebook", "percent", "parts"),
    [
        (3800, 3600, 0, (3800, 3600)),
        (3800, 3600, 15, (3230, 3060)),
        (999, 799, 10, (899, 719)),
        (1, 1, 50, (1, 0)),
    ],
)
def test_the_odd_penny_stands_where_it_is_nearest(
    printed: int, ebook: int, percent: int, parts: tuple[int, int]
) -> None:
    found = split(Money(printed, "GBP"), Money(ebook, "GBP"), percent)
    assert tuple(part.minor for part in found) == parts


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Those of a shop that takes 15 per cent off."""
    return replace(settings, bundle_percent_off=15)


def test_both_are_added_at_once_and_the_order_holds_each_at_its_part(scene: Scene) -> None:
    scene.live_in("US")
    page = scene.get("/books/exit-stalin").text
    assert "Hardback and ebook" in page
    assert "£62.90" in page
    assert "£11.10 less than one by one" in page
    answer = scene.client.post(
        "/basket",
        data={"isbn": [HARDBACK, EBOOK]},
        base_url="http://localhost",
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 303
    basket = scene.get("/basket").text
    assert "£38.00 by itself" in basket
    assert "You save £11.10" in basket
    order = scene.order(scene.give_details())
    assert {line.isbn: line.unit_minor for line in order.lines} == {HARDBACK: 3230, EBOOK: 3060}


def test_what_posting_it_costs_stands_beside_the_bundle_with_the_sum_of_both(scene: Scene) -> None:
    scene.live_in("US")

    assert "Delivery £9.50, £72.40 in all." in scene.get("/books/exit-stalin").text


def test_a_shop_that_takes_nothing_off_offers_no_bundle(scene: Scene) -> None:
    plain = replace(scene.shop, settings=replace(scene.shop.settings, bundle_percent_off=0))
    with plain.db.read_engine.connect() as connection:
        views = [view for _, view in editions_by_isbn(plain, connection, [HARDBACK, EBOOK, EPUB], "US").values()]

    assert bundles.of(views, 0) is None
    found = bundles.of(views, 15)
    assert found is not None
    assert (found.printed.isbn, found.ebook.isbn, found.saving) == (HARDBACK, EBOOK, Money(1110, "GBP"))
    assert bundles.of(views[1:], 15) is bundles.of(views[:1], 15) is None


@pytest.mark.parametrize("taken", [(HARDBACK,), (EBOOK,), (EBOOK, EPUB), (HARDBACK, HARDBACK, EBOOK)])
def test_without_one_of_each_every_book_costs_what_it_costs(scene: Scene, taken: tuple[str, ...]) -> None:
    scene.live_in("US")
    scene.fill_basket(*taken)
    assert ("only one copy of each" in scene.get("/basket").text) == (taken.count(HARDBACK) > 1)
    order = scene.order(scene.give_details())
    alone = {HARDBACK: 3800, EBOOK: 3600, EPUB: 799}
    assert {line.isbn: line.unit_minor for line in order.lines} == {isbn: alone[isbn] for isbn in taken}


def test_where_one_of_them_is_not_sold_there_is_no_bundle(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        for edition in session.query(Edition).filter(Edition.form == "ED"):
            edition.publishing_status = "11"
    scene.live_in("US")
    assert "Add both" not in scene.get("/books/exit-stalin").text
