"""Bundles: a printed book and its ebook, one of each, bought together for less. Pure.

The price of both is split exactly over the two, in proportion to what each costs alone: each part keeps its own rate of
tax, and what is given back for one of them is what was paid for it. Either may be bought without the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shop.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shop.catalogue.books.reading import EditionView

WHOLE = 100
"""Per cent."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Two editions of a work, and what each costs when both are bought."""

    printed: EditionView
    ebook: EditionView
    printed_price: Money
    ebook_price: Money

    @property
    def price(self) -> Money:
        """What both cost, tax included, without delivery."""
        return self.printed_price + self.ebook_price

    @property
    def saving(self) -> Money:
        """How much less that is than one by one."""
        return _price(self.printed) + _price(self.ebook) - self.price

    @property
    def delivery_sentence(self) -> str:
        """What posting the book costs, and what all comes to."""
        charge = self.printed.delivery
        return "" if charge is None else f"Delivery {charge}, {self.price + charge} in all."


def of(editions: Iterable[EditionView], percent_off: int) -> Bundle | None:
    """Return the bundle of the first printed book and the first ebook among these that may be bought here now."""
    buyable = [view for view in editions if view.may_be_basketed]
    printed = next((view for view in buyable if not view.facts.is_digital), None)
    ebook = next((view for view in buyable if view.facts.is_digital), None)
    if not percent_off or printed is None or ebook is None:
        return None
    return Bundle(printed, ebook, *split(_price(printed), _price(ebook), percent_off))


def split(printed: Money, ebook: Money, percent_off: int) -> tuple[Money, Money]:
    """Return what each costs when both are bought, so much per cent off the sum; half a penny is the reader's."""
    both = (printed + ebook).minor * (WHOLE - percent_off) // WHOLE
    printed_part, ebook_part = Money(both, printed.currency).split([printed.minor, ebook.minor])
    return printed_part, ebook_part


def _price(view: EditionView) -> Money:
    assert view.offer.price is not None  # noqa: S101 - an offer that may be bought has one
    return view.offer.price
