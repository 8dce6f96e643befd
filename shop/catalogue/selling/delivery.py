"""Delivery charges: what posting costs to a country, so that no price is ever shown without it.

It stands in the catalogue, not with the orders, because a page must name the charge beside the price
(UK DMCC Act 2024: the total price in every invitation to purchase).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache

from shop.money import Money
from shop.settings import assets


@dataclass(frozen=True, slots=True)
class Zone:
    """Where one charge holds; amounts in minor units of the shop's currency."""

    name: str
    countries: frozenset[str]
    first_copy: int
    each_further_copy: int
    working_days: tuple[int, int]


def charge(country: str, copies: int, currency: str) -> Money:
    """What it costs to post so many books in one order; nothing for none."""
    if copies == 0:
        return Money(0, currency)
    zone = zone_of(country)
    return Money(zone.first_copy + zone.each_further_copy * (copies - 1), currency)


@lru_cache(maxsize=300)
def zone_of(country: str) -> Zone:
    """The zone of a country; every country has one."""
    return next(zone for zone in _zones() if country in zone.countries or "*" in zone.countries)


@lru_cache(maxsize=1)
def _zones() -> tuple[Zone, ...]:
    rows = tomllib.loads((assets("config") / "delivery.toml").read_text("utf-8"))["zone"]
    return tuple(
        Zone(
            row["name"],
            frozenset(row["countries"]),
            row["first_copy"],
            row["each_further_copy"],
            (row["working_days"][0], row["working_days"][1]),
        )
        for row in rows
    )
