"""Posting has a price everywhere, each further copy what the table says, and no book at all costs nothing."""

from __future__ import annotations

import pytest

from shop.catalogue.selling import delivery
from shop.countries import COUNTRIES
from shop.money import Money


@pytest.mark.parametrize(
    ("country", "charges", "days"),
    [
        ("GB", (0, 350, 350, 350), (2, 4)),
        ("JE", (0, 350, 350, 350), (2, 4)),
        ("US", (0, 950, 1250, 1550), (7, 14)),
        ("CA", (0, 950, 1250, 1550), (7, 14)),
        ("FR", (0, 1250, 1650, 2050), (8, 20)),
        ("NZ", (0, 1250, 1650, 2050), (8, 20)),
    ],
)
def test_so_many_copies_cost_so_much(country: str, charges: tuple[int, ...], days: tuple[int, int]) -> None:
    assert tuple(delivery.charge(country, copies, "GBP").minor for copies in range(4)) == charges
    assert delivery.zone_of(country).working_days == days


def test_every_country_has_a_charge_in_the_currency_that_is_asked_for() -> None:
    assert all(delivery.charge(country, 1, "GBP") > Money(0, "GBP") for country in COUNTRIES)
    assert {delivery.charge("FR", copies, "EUR").currency for copies in (0, 1)} == {"EUR"}
