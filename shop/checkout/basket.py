"""The basket: what a visitor wants, held against what they may have, now and in their country."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shop import visitor
from shop.catalogue.books import bundles, reading
from shop.catalogue.selling import delivery
from shop.money import Money

if TYPE_CHECKING:
    from shop.catalogue.books.reading import EditionView
    from shop.services import Shop
    from shop.visitor import Basket


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One edition in the basket, with its title and what may be done with it now.

    Attributes:
        bundled: The price of one, where it is bought together with another form of the book.
    """

    edition_id: int
    title: str
    address: str
    view: EditionView
    quantity: int
    bundled: Money | None = None

    @property
    def isbn(self) -> str:
        """Its ISBN."""
        return self.view.isbn

    @property
    def is_digital(self) -> bool:
        """Whether it is an ebook, of which one is enough."""
        return self.view.facts.is_digital

    @property
    def may_be_bought(self) -> bool:
        """Whether it can be paid for as things stand, in this quantity."""
        return self.view.may_be_basketed and not self.is_short

    @property
    def is_short(self) -> bool:
        """Whether fewer copies are left than are wanted."""
        stock = self.view.facts.stock
        return not self.is_digital and stock is not None and stock < self.quantity

    @property
    def trouble(self) -> str:
        """Why it cannot be bought, and what to do."""
        if self.view.may_be_basketed:
            return f"Only {self.view.facts.stock} left; choose fewer." if self.is_short else ""
        if self.view.needs_country:
            return ""
        return f"{self.view.button}. {self.view.sentence} Take it out to go on with the rest."

    @property
    def unit(self) -> Money:
        """What one costs in this basket, tax included."""
        return self.bundled or self.alone

    @property
    def alone(self) -> Money:
        """What one costs by itself, tax included."""
        assert self.view.offer.price is not None  # noqa: S101 - an offer that may be bought has one
        return self.view.offer.price

    @property
    def total(self) -> Money:
        """The price of all of them."""
        return self.unit * self.quantity


@dataclass(frozen=True, slots=True)
class BasketView:
    """The whole basket as things stand.

    Attributes:
        forgoes_bundle: Whether a book and its ebook would cost less together, were it not for the number of copies.
    """

    lines: tuple[BasketLine, ...]
    country: str | None
    currency: str
    forgoes_bundle: bool = False

    @property
    def buyable(self) -> tuple[BasketLine, ...]:
        """The lines that can be paid for."""
        return tuple(line for line in self.lines if line.may_be_bought)

    @property
    def can_be_paid(self) -> bool:
        """Whether nothing stands in the way."""
        return bool(self.lines) and len(self.buyable) == len(self.lines)

    @property
    def copies_to_post(self) -> int:
        """How many books go by post."""
        return sum(line.quantity for line in self.buyable if not line.is_digital)

    @property
    def unanswered_for(self) -> tuple[BasketLine, ...]:
        """The books for whose safety nobody answers, so that they are not posted into the Union or Northern Ireland."""
        return tuple(line for line in self.buyable if not line.is_digital and not line.view.facts.has_safety_contact)

    @property
    def delivery(self) -> Money:
        """What posting costs; nothing while the country is not known."""
        if self.country is None:
            return Money(0, self.currency)
        return delivery.charge(self.country, self.copies_to_post, self.currency)

    @property
    def saved(self) -> Money:
        """How much less it costs than line by line."""
        return sum((line.alone - line.unit for line in self.buyable if line.bundled), Money(0, self.currency))

    @property
    def total(self) -> Money:
        """What would be due."""
        return sum((line.total for line in self.buyable), self.delivery)


def look_at(shop: Shop, wanted: Basket, country: str | None) -> BasketView:
    """Hold a basket against the catalogue; books we do not know are left out."""
    with shop.db.read_engine.connect() as connection:
        known = reading.editions_by_isbn(shop, connection, wanted, country)
        titles = reading.titles_by_isbn(connection, wanted)
    lines = tuple(
        BasketLine(known[isbn][0], *titles[isbn], known[isbn][1], 1 if known[isbn][1].facts.is_digital else count)
        for isbn, count in wanted.items()
        if isbn in known
    )
    bundled = _bundled(lines, shop.settings.bundle_percent_off)
    forgoes = _forgoes_bundle(bundled, shop.settings.bundle_percent_off)
    return BasketView(bundled, country, shop.settings.currency, forgoes)


def _bundled(lines: tuple[BasketLine, ...], percent_off: int) -> tuple[BasketLine, ...]:
    """The same lines, those at less that are one printed book and one ebook of the same work."""
    prices: dict[str, Money] = {}
    for address in {line.address for line in lines}:
        single = [line.view for line in lines if line.address == address and line.may_be_bought and line.quantity == 1]
        if both := bundles.of(single, percent_off):
            prices |= {both.printed.isbn: both.printed_price, both.ebook.isbn: both.ebook_price}
    return tuple(replace(line, bundled=prices.get(line.isbn)) for line in lines)


def _forgoes_bundle(lines: tuple[BasketLine, ...], percent_off: int) -> bool:
    one_of_each = _bundled(tuple(replace(line, quantity=1) for line in lines), percent_off)
    return any(single.bundled and not line.bundled for single, line in zip(one_of_each, lines, strict=True))


def add(wanted: Basket, isbn: str, *, is_digital: bool) -> Basket:
    """The basket with one more copy; of an ebook one is enough."""
    count = 1 if is_digital else min(wanted.get(isbn, 0) + 1, visitor.MOST_COPIES)
    return {**wanted, isbn: count}


def change(wanted: Basket, isbn: str, quantity: int) -> Basket:
    """The basket with another quantity of a book; nought takes it out."""
    if quantity <= 0:
        return {other: count for other, count in wanted.items() if other != isbn}
    return {**wanted, isbn: min(quantity, visitor.MOST_COPIES)} if isbn in wanted else wanted
