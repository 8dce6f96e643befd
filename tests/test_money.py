"""Money: every penny is somewhere, whatever the currency calls its pennies."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from babel import Locale
from hypothesis import given, settings
from hypothesis import strategies as st

from shop.money import CurrencyMismatchError, Money

CURRENCIES = sorted(Locale.parse("en").currencies)
LARGEST = 2**63 - 1
"""What a column of the database holds."""

currencies = st.sampled_from(["GBP", "JPY", "KWD"]) | st.sampled_from(CURRENCIES)
amounts = st.integers(-LARGEST, LARGEST)
weights = st.lists(st.integers(0, 10**12), min_size=1, max_size=12).filter(any)
often = settings(max_examples=250, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("written", "currency", "minor", "read"),
    [
        ("38.00", "GBP", 3800, "£38.00"),
        ("38", "GBP", 3800, "£38.00"),
        ("12.5", "CAD", 1250, "CA$12.50"),
        ("9.99", "USD", 999, "US$9.99"),
        ("400", "JPY", 400, "JP¥400"),
        ("1.234", "KWD", 1234, "KWD1.234"),
        ("-5.00", "GBP", -500, "-£5.00"),
        ("1234567.89", "EUR", 123456789, "€1,234,567.89"),
    ],
)
def test_a_price_is_kept_in_its_smallest_coin_and_read_as_readers_write_it(
    written: str, currency: str, minor: int, read: str
) -> None:
    money = Money.from_decimal(Decimal(written), currency)
    assert money == Money(minor, currency)
    assert str(money) == read
    assert money.decimal == Decimal(written)


@pytest.mark.parametrize(("currency", "decimals"), [("GBP", 2), ("EUR", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3)])
def test_a_decimal_has_exactly_the_currencys_places(currency: str, decimals: int) -> None:
    assert Money(7, currency).decimal.as_tuple().exponent == -decimals


@often
@given(amounts, currencies)
def test_what_is_written_out_reads_back(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.from_decimal(money.decimal, currency) == money


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("38.001", "GBP"),
        ("400.5", "JPY"),
        ("1.2345", "KWD"),
        ("0.000000000001", "GBP"),
        ("1.00000000000000000000000000000000001", "GBP"),
        ("NaN", "GBP"),
    ],
)
def test_an_amount_finer_than_the_smallest_coin_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match=currency):
        Money.from_decimal(Decimal(amount), currency)


@pytest.mark.parametrize("amount", ["Infinity", "-Infinity", "sNaN", "1E+999999", "1E+40"])
def test_an_amount_that_nobody_can_pay_is_refused_like_any_other_bad_one(amount: str) -> None:
    with pytest.raises(ValueError, match="GBP"):
        Money.from_decimal(Decimal(amount), "GBP")


@pytest.mark.parametrize(
    ("amount", "parts", "shares"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (1, [1, 2], [0, 1]),
        (10, [0, 1, 0], [0, 10, 0]),
        (0, [3, 4], [0, 0]),
        (7, [7], [7]),
        (999, [3800, 3600], [513, 486]),
        (-100, [1, 1, 1], [-33, -33, -34]),
    ],
)
def test_the_odd_penny_goes_to_the_largest_remainder_and_then_to_the_earlier(
    amount: int, parts: list[int], shares: list[int]
) -> None:
    assert [part.minor for part in Money(amount, "GBP").split(parts)] == shares


@often
@given(amounts, currencies, weights)
def test_the_parts_sum_to_the_whole_and_nobody_is_a_coin_away_from_their_share(
    minor: int, currency: str, shares: list[int]
) -> None:
    parts = Money(minor, currency).split(shares)
    assert len(parts) == len(shares)
    assert sum(parts, start=Money(0, currency)) == Money(minor, currency)
    for part, weight in zip(parts, shares, strict=True):
        assert abs(part.minor - Fraction(minor * weight, sum(shares))) < 1
        assert part.currency == currency
        assert weight or not part


@often
@given(st.integers(0, LARGEST), weights)
def test_a_heavier_part_never_gets_less(minor: int, shares: list[int]) -> None:
    parts = Money(minor, "GBP").split(shares)
    by_weight = sorted(zip(shares, parts, strict=True), key=lambda pair: (pair[0], pair[1].minor))
    assert [part for _, part in by_weight] == sorted(parts)


@pytest.mark.parametrize("wrong", [[], [0], [0, 0], [-1], [2, -1], [1, -1]])
def test_nothing_is_shared_among_nobody(wrong: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Money(100, "GBP").split(wrong)


def test_two_currencies_are_never_put_together() -> None:
    pounds, yen = Money(100, "GBP"), Money(100, "JPY")
    for attempt in (pounds.__add__, pounds.__sub__, pounds.__lt__):
        with pytest.raises(CurrencyMismatchError, match="GBP and JPY"):
            attempt(yen)
    assert pounds != yen


@often
@given(amounts, amounts, st.integers(0, 1000), currencies)
def test_money_adds_up_like_its_minor_units(one: int, other: int, copies: int, currency: str) -> None:
    first, second = Money(one, currency), Money(other, currency)
    assert (first + second).minor == one + other
    assert first - second == first + -second
    assert (first * copies).minor == one * copies
    assert (first < second) == (one < other)
    assert (first >= second) == (one >= other)
    assert bool(first) == (one != 0)
