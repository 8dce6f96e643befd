"""Tax, and consent to be served at once: what the law takes, from which day, and what a reader has agreed to."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shop.money import Money
from shop.orders import consent
from shop.orders.tax import Rate, included, rate_for
from shop.settings import assets

TABLE = tomllib.loads((assets("config") / "vat.toml").read_text("utf-8"))
TODAY = date(2026, 11, 25)


def rate(basis_points: int) -> Rate:
    return Rate("XX-test", "XX", "epub", basis_points, date(2020, 1, 1), "made for a test")


@pytest.mark.parametrize(
    ("tax_class", "day", "row", "basis_points"),
    [
        ("print_book", date(1973, 4, 1), "GB-print_book-1973", 0),
        ("print_book", TODAY, "GB-print_book-1973", 0),
        ("epub", date(2020, 5, 1), "GB-epub-2020", 0),
        ("epub", TODAY, "GB-epub-2020", 0),
        ("audiobook", date(2011, 1, 4), "GB-audiobook-2011", 2000),
        ("audiobook", TODAY, "GB-audiobook-2011", 2000),
    ],
)
def test_a_british_book_bears_no_tax_and_a_british_audiobook_does(
    tax_class: str, day: date, row: str, basis_points: int
) -> None:
    found = rate_for("GB", tax_class, day)
    assert found is not None
    assert (found.id, found.basis_points) == (row, basis_points)
    assert found.source


@pytest.mark.parametrize("row", TABLE["rate"], ids=lambda row: row["id"])
def test_every_row_holds_from_its_own_day_and_not_from_the_day_before(row: dict[str, str | date]) -> None:
    country, tax_class, since = str(row["country"]), str(row["class"]), row["from"]
    assert isinstance(since, date)
    found = rate_for(country, tax_class, since)
    assert found is not None
    assert found.id == row["id"]
    earlier = [
        one["id"]
        for one in TABLE["rate"]
        if (one["country"], one["class"]) == (country, tax_class) and one["from"] < since
    ]
    if earlier:
        before = rate_for(country, tax_class, since - timedelta(days=1))
        assert before is not None
        assert before.id in earlier
    else:
        with pytest.raises(LookupError, match=tax_class):
            rate_for(country, tax_class, since - timedelta(days=1))


def test_a_rate_row_is_named_once_and_says_where_it_comes_from() -> None:
    names = [row["id"] for row in TABLE["rate"]]
    assert len(names) == len(set(names))
    assert all(row["source"].strip() for row in TABLE["rate"])
    days = [(row["country"], row["class"], row["from"]) for row in TABLE["rate"]]
    assert len(days) == len(set(days))


@pytest.mark.parametrize("country", ["US", "CA", "JP", "FR", "XX"])
@pytest.mark.parametrize("tax_class", ["print_book", "epub", "audiobook", "cheese"])
def test_where_the_seller_is_not_registered_nothing_is_charged(country: str, tax_class: str) -> None:
    assert rate_for(country, tax_class, TODAY) is None


@pytest.mark.parametrize(
    ("tax_class", "day"),
    [("epub", date(2020, 4, 30)), ("audiobook", date(2011, 1, 3)), ("other", TODAY), ("book", TODAY), ("", TODAY)],
)
def test_where_the_seller_is_registered_no_rate_is_guessed(tax_class: str, day: date) -> None:
    with pytest.raises(LookupError, match=r"vat\.toml"):
        rate_for("GB", tax_class, day)


@pytest.mark.parametrize(
    ("gross", "basis_points", "tax"),
    [
        (1200, 2000, 200),
        (1000, 2000, 167),
        (3, 2000, 1),  # half a penny: up
        (2, 2000, 0),
        (1, 2000, 0),
        (0, 2000, 0),
        (1055, 550, 55),
        (3800, 0, 0),
    ],
)
def test_the_tax_inside_a_price_is_rounded_half_up(gross: int, basis_points: int, tax: int) -> None:
    assert included(Money(gross, "GBP"), rate(basis_points)) == Money(tax, "GBP")


def test_no_rate_means_no_tax_in_the_prices_own_currency() -> None:
    assert included(Money(3800, "JPY"), None) == Money(0, "JPY")


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.integers(0, 10**12), st.integers(0, 5000), st.sampled_from(["GBP", "JPY", "KWD"]))
def test_the_tax_is_what_a_clerk_with_decimals_would_find(gross: int, basis_points: int, currency: str) -> None:
    exact = Decimal(gross) * basis_points / (10_000 + basis_points)
    tax = included(Money(gross, currency), rate(basis_points))
    assert tax == Money(int(exact.quantize(Decimal(1), ROUND_HALF_UP)), currency)
    assert Money(0, currency) <= tax <= Money(gross, currency)


def test_a_tick_is_kept_with_its_exact_words_their_version_and_its_moment() -> None:
    at = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    given_now = consent.given(at)
    assert given_now.words == consent.WORDS
    assert given_now.version == consent.version_of(consent.WORDS)
    assert given_now.ticked_at == at
    assert given_now.locale == "en-GB"


def test_the_words_ask_for_supply_at_once_and_own_up_to_the_loss_of_the_right_to_cancel() -> None:
    assert "now" in consent.WORDS
    assert "can no longer cancel" in consent.WORDS
    assert timedelta(days=14) == consent.CANCELLATION_PERIOD


def test_one_changed_letter_is_another_version() -> None:
    versions = {consent.version_of(consent.WORDS[:i] + "*" + consent.WORDS[i + 1 :]) for i in range(len(consent.WORDS))}
    assert len(versions) == len(consent.WORDS)
    assert consent.version_of(consent.WORDS) not in versions
    assert {len(version) for version in versions} == {16}
