"""Tax: which rate holds for a country, a class of goods and a day, and how much of a price it is. Pure.

Rates are data (`config/vat.toml`), each with its date and source; an order line keeps the row it used.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from shop.money import Money
from shop.settings import assets

if TYPE_CHECKING:
    from datetime import date

WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """A tax rate from a day on; `basis_points` of 2000 is 20 %."""

    id: str
    country: str
    tax_class: str
    basis_points: int
    since: date
    source: str


def rate_for(country: str, tax_class: str, day: date) -> Rate | None:
    """The rate to charge, or None where the seller is not registered.

    Raises:
        LookupError: registered there, but no rate is known for the class on that day: nothing is guessed.
    """
    registered, rates = _table()
    if country not in registered:
        return None
    holding = [rate for rate in rates if rate.country == country and rate.tax_class == tax_class and rate.since <= day]
    if not holding:
        raise LookupError(f"no VAT rate for {tax_class} in {country} on {day}: add a row to config/vat.toml")
    return max(holding, key=lambda rate: rate.since)


def included(gross: Money, rate: Rate | None) -> Money:
    """The tax that a price with tax contains, rounded half up."""
    if rate is None:
        return Money(0, gross.currency)
    whole = WHOLE + rate.basis_points
    return Money((gross.minor * rate.basis_points * 2 + whole) // (2 * whole), gross.currency)


@lru_cache(maxsize=1)
def _table() -> tuple[frozenset[str], tuple[Rate, ...]]:
    table = tomllib.loads((assets("config") / "vat.toml").read_text("utf-8"))
    rates = tuple(
        Rate(row["id"], row["country"], row["class"], row["basis_points"], row["from"], row["source"])
        for row in table["rate"]
    )
    return frozenset(table["registered"]), rates
