"""Offers: what a reader in one country may do with one edition at one moment, for how much, or why not.

Pure. The state is computed, never stored: a "Coming soon" cannot outlive its date, nor its reason.
Codes are ONIX's: availability is list 65, publishing status list 64.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from shop.catalogue.models import ProviderState
from shop.countries import EUROPEAN_UNION

if TYPE_CHECKING:
    from shop.money import Money

WITHDRAWN_STATUS = {"01", "05", "08", "11", "12", "13", "15", "16", "17"}
WITHDRAWN_AVAILABILITY = {"01", "40", "41", "42", "43", "45", "46", "48", "49", "50", "52"}
OUT_OF_PRINT_STATUS = {"06", "07", "10"}
OUT_OF_PRINT_AVAILABILITY = {"47", "51"}
POSTPONED_STATUS = {"03"}
POSTPONED_AVAILABILITY = {"09"}
NOT_YET_AVAILABILITY = {"10"}
AWAITED_AVAILABILITY = {"11", "12"}
OUT_OF_STOCK_AVAILABILITY = {"30", "31", "32", "33", "34"}
ON_SALE_STATUS = {"00", "02", "04", "14"}
"""14 is active with market restrictions, which stand in its rights and prices."""
ON_SALE_AVAILABILITY = {"11", "12", "20", "21", "22", "23"}
OUT_OF_PRINT = "out of print"


class OfferState(StrEnum):
    """What may be done with an edition; the value is also its style name."""

    BUY = "buy"
    PREORDER = "preorder"
    COMING_SOON = "coming-soon"
    CHOOSE_COUNTRY = "choose-country"
    NOT_HERE = "not-here"
    OUT_OF_STOCK = "out-of-stock"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class EditionFacts:
    """All that an offer depends on, as plain values.

    Attributes:
        countries: Where staff signed that it may be sold; None when nobody has signed.
        prices: Tax included, those that hold today, each with the countries it is for (None: wherever it may be sold).
        stock: Copies on the shelf; None when they are not counted.
        has_safety_contact: Whether somebody is named who answers for the safety of a printed book.
    """

    isbn: str
    is_digital: bool
    publishing_status: str
    availability: str
    publication_date: date | None
    expected_date: date | None
    stock: int | None
    countries: frozenset[str] | None
    prices: tuple[tuple[Money, frozenset[str] | None], ...]
    fulfiller: str | None
    provider_state: str
    provider_checked_at: datetime | None
    has_safety_contact: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """What this reader may do now.

    Attributes:
        price: Tax included, without delivery; None where none is set for the country.
        until: The date on which a coming or sold-out edition is expected, where one is known.
        reason: One of the words in this module, for staff and tests; the page has its own sentences.
    """

    state: OfferState
    price: Money | None
    until: date | None = None
    reason: str = ""

    @property
    def may_be_basketed(self) -> bool:
        """Whether it may be put into a basket and paid for."""
        return self.state in {OfferState.BUY, OfferState.PREORDER}


def offer(facts: EditionFacts, country: str | None, now: datetime, provider_max_age: timedelta) -> Offer:
    """Decide for one edition, country and moment; whatever is not certain is not sold."""
    price = price_for(facts, country)
    for rule in (_withdrawn, _wrong_country, _unpriced, _unanswered_for, _not_delivered, _not_yet, _out_of_stock):
        if (found := rule(facts, country, now, provider_max_age)) is not None:
            state, until, reason = found
            return Offer(state, price, until, reason)
    ahead = _ahead(facts, now)
    return Offer(OfferState.PREORDER if ahead else OfferState.BUY, price, ahead)


def holds_on(day: date, since: date | None, until: date | None) -> bool:
    """Whether a price holds on a day, its first and its last day being within (None: without end)."""
    return (since is None or since <= day) and (until is None or day <= until)


def price_for(facts: EditionFacts, country: str | None) -> Money | None:
    """The price for a country: the first that names it, before the first for everywhere."""
    for money, countries in facts.prices:
        if countries is not None and country in countries:
            return money
    return next((money for money, countries in facts.prices if countries is None), None)


_Verdict = tuple[OfferState, date | None, str] | None


def _withdrawn(facts: EditionFacts, _country: str | None, _now: datetime, _age: timedelta) -> _Verdict:
    if facts.publishing_status in WITHDRAWN_STATUS or facts.availability in WITHDRAWN_AVAILABILITY:
        return OfferState.WITHDRAWN, None, "withdrawn"
    return None


def _wrong_country(facts: EditionFacts, country: str | None, now: datetime, _age: timedelta) -> _Verdict:
    if facts.countries is None:
        return OfferState.COMING_SOON, _ahead(facts, now), "rights not signed"
    if country is None:
        return OfferState.CHOOSE_COUNTRY, None, "country not known"
    if country not in facts.countries:
        return OfferState.NOT_HERE, None, "rights"
    return None


def _unpriced(facts: EditionFacts, country: str | None, _now: datetime, _age: timedelta) -> _Verdict:
    if price_for(facts, country) is None:
        return OfferState.NOT_HERE, None, "no price for the country"
    return None


def _unanswered_for(facts: EditionFacts, country: str | None, _now: datetime, _age: timedelta) -> _Verdict:
    """Print is offered in the Union only with somebody who answers for it (Regulation (EU) 2023/988, article 19)."""
    if country in EUROPEAN_UNION and not facts.is_digital and not facts.has_safety_contact:
        return OfferState.NOT_HERE, None, "no product safety contact"
    return None


def _not_delivered(facts: EditionFacts, _country: str | None, now: datetime, age: timedelta) -> _Verdict:
    if not facts.is_digital:
        return None
    until = facts.publication_date if facts.publication_date and facts.publication_date > now.date() else None
    if facts.fulfiller is None:
        return OfferState.COMING_SOON, until, "nobody delivers it"
    if facts.provider_state not in {ProviderState.ENABLED, ProviderState.PREORDER}:
        return OfferState.COMING_SOON, until, f"provider says {facts.provider_state}"
    if facts.provider_checked_at is None or now - facts.provider_checked_at > age:
        return OfferState.COMING_SOON, until, "the provider's word is too old"
    early = facts.provider_state == ProviderState.PREORDER
    if early == (until is None):
        return OfferState.COMING_SOON, until, "its day has come, not the book" if early else "not published yet"
    return None


def _not_yet(facts: EditionFacts, _country: str | None, now: datetime, _age: timedelta) -> _Verdict:
    ahead = _ahead(facts, now)
    if facts.publishing_status in POSTPONED_STATUS or facts.availability in POSTPONED_AVAILABILITY:
        return OfferState.COMING_SOON, None, "postponed"
    if facts.availability in NOT_YET_AVAILABILITY and (facts.is_digital or ahead is None):
        return OfferState.COMING_SOON, ahead, "not yet available"
    if facts.availability in AWAITED_AVAILABILITY and ahead is None:
        return OfferState.COMING_SOON, _expected(facts, now), "awaited, and not here yet"
    if ahead is not None and facts.stock is not None and facts.stock <= 0:
        return OfferState.COMING_SOON, ahead, "not published yet, and all copies are spoken for"
    return None


def _out_of_stock(facts: EditionFacts, _country: str | None, now: datetime, _age: timedelta) -> _Verdict:
    if facts.publishing_status in OUT_OF_PRINT_STATUS or facts.availability in OUT_OF_PRINT_AVAILABILITY:
        return OfferState.OUT_OF_STOCK, None, OUT_OF_PRINT
    if facts.availability in OUT_OF_STOCK_AVAILABILITY or (facts.stock is not None and facts.stock <= 0):
        return OfferState.OUT_OF_STOCK, _expected(facts, now), "out of stock"
    if facts.publishing_status not in ON_SALE_STATUS:
        return OfferState.OUT_OF_STOCK, None, f"publishing status {facts.publishing_status} is not on sale"
    if facts.availability not in ON_SALE_AVAILABILITY | NOT_YET_AVAILABILITY:
        return OfferState.OUT_OF_STOCK, None, f"availability {facts.availability} is not on sale"
    return None


def _expected(facts: EditionFacts, now: datetime) -> date | None:
    return facts.expected_date if facts.expected_date and facts.expected_date > now.date() else None


def _ahead(facts: EditionFacts, now: datetime) -> date | None:
    """The day on which an edition that is not out yet is expected; print may be ordered before it."""
    published = facts.publication_date
    return published if published is not None and published > now.date() else None
