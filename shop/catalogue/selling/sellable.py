"""How much of the catalogue may be sold in each country today, and what was lost without anybody having accepted it.

A loss is an alarm until it is made good or a member of staff accepts how things are: each country is held against the
most that it had on any day since somebody accepted last, or within LOOK_BACK where nobody ever has. Sellable is what
both rights and price allow; stock and the provider's word come and go and are left out. Counted in groups of editions
that have the same rights and the same prices, of which a publisher has few.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Text, and_, case, exists, func, literal, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from shop.catalogue import rights
from shop.catalogue.models import Edition, Price, RightsSet
from shop.catalogue.offers import WITHDRAWN_AVAILABILITY, WITHDRAWN_STATUS
from shop.countries import COUNTRIES
from shop.db import Base, insert_if_absent, upsert

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from shop.services import Premises, Shop
    from shop.work import Ending, Job

ROUND = "count-sellable"
A_DAY = 86_400
EVERYWHERE = "*"
LOOK_BACK = timedelta(days=60)
"""How far, where nobody has accepted anything."""


class SellableDay(Base):
    """How many editions could be sold in each country when a day began: `{"GB": 12, …}`, zeros left out.

    With `accepted_by`, how many there were when that member of staff accepted it.
    """

    __tablename__ = "sellable_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    total: Mapped[int]
    counts: Mapped[dict[str, int]] = mapped_column(JSON)
    accepted_by: Mapped[str | None] = mapped_column(Text)


@dataclass(frozen=True, slots=True)
class Share:
    """Editions by country: how many there are, have signed rights there, a price there, and both."""

    total: int
    by_rights: Counter[str]
    by_price: Counter[str]
    sellable: Counter[str]


@dataclass(frozen=True, slots=True)
class Loss:
    """A country in which fewer editions may be sold than on an earlier day."""

    country: str
    before: int
    now: int


def count(session: Session, currency: str, today: date) -> Share:
    """Count the editions that are not withdrawn."""
    share = Share(0, Counter(), Counter(), Counter())
    total = 0
    for countries, priced, editions in session.execute(_groups(currency, today)):
        total += editions
        open_in = rights.read(countries) if countries else frozenset[str]()
        priced_in = _priced_in(priced)
        share.by_rights.update(dict.fromkeys(open_in, editions))
        share.by_price.update(dict.fromkeys(priced_in, editions))
        share.sellable.update(dict.fromkeys(open_in & priced_in, editions))
    return Share(total, share.by_rights, share.by_price, share.sellable)


NOT_WITHDRAWN = and_(
    Edition.publishing_status.not_in(WITHDRAWN_STATUS), Edition.availability.not_in(WITHDRAWN_AVAILABILITY)
)
"""The condition that an edition is, was or will be sold by us."""


def may_be_sold_in(country: str, currency: str, today: date) -> ColumnElement[bool]:
    """Return the condition that an edition is not withdrawn and has signed rights and a price in a country today.

    Whether it is in stock, or out yet, is for its page to say.
    """
    open_sets = select(RightsSet.id).where(RightsSet.signed_at.is_not(None), _names(RightsSet.countries, country))
    anywhere_or_there = or_(Price.countries.is_(None), _names(Price.countries, country))
    priced = exists().where(_held(currency, today), anywhere_or_there)
    return and_(NOT_WITHDRAWN, Edition.rights_set_id.in_(open_sets), priced)


def _names(countries: Any, country: str) -> ColumnElement[bool]:
    named: ColumnElement[bool] = (literal(" ") + countries + " ").contains(f" {country} ")
    return named


def _held(currency: str, today: date) -> ColumnElement[bool]:
    return and_(
        Price.edition_id == Edition.id,
        Price.currency == currency,
        or_(Price.since.is_(None), Price.since <= today),
        or_(Price.until.is_(None), Price.until >= today),
    )


_place = case((Price.id.is_(None), ""), else_=func.coalesce(Price.countries, EVERYWHERE))
"""Where a price holds; nothing for an edition without one."""


def _groups(currency: str, today: date) -> Any:
    signed = and_(RightsSet.id == Edition.rights_set_id, RightsSet.signed_at.is_not(None))
    each = (
        select(
            RightsSet.countries.label("countries"),
            func.aggregate_strings(_place, "|").label("priced"),
        )
        .select_from(Edition)
        .outerjoin(RightsSet, signed)
        .outerjoin(Price, _held(currency, today))
        .where(NOT_WITHDRAWN)
        .group_by(Edition.id, RightsSet.countries)
        .subquery()
    )
    return select(each.c.countries, each.c.priced, func.count()).group_by(each.c.countries, each.c.priced)


def _priced_in(priced: str | None) -> frozenset[str]:
    """Where any of these prices holds."""
    places = (priced or "").split("|")
    return COUNTRIES if EVERYWHERE in places else frozenset().union(*map(rights.read, places))


def losses(session: Session, share: Share, today: date) -> tuple[date | None, list[Loss]]:
    """Return the countries that have lost, the worst first, and the last day on which the first of them had more.

    The day is the latest that was counted where nothing was lost, and None where no earlier day was.
    """
    accepted = select(func.max(SellableDay.day)).where(SellableDay.accepted_by.is_not(None))
    since = session.scalar(accepted) or today - LOOK_BACK
    told = or_(SellableDay.day < today, SellableDay.accepted_by.is_not(None))
    days = session.scalars(select(SellableDay).where(SellableDay.day >= since, told).order_by(SellableDay.day)).all()
    if not days:
        return None, []
    most: dict[str, tuple[int, date]] = {}
    for one in days:
        for country, editions in one.counts.items():
            most[country] = max(most.get(country, (0, one.day)), (editions, one.day))
    lost = [
        Loss(country, editions, share.sellable[country])
        for country, (editions, _day) in most.items()
        if share.sellable[country] < editions
    ]
    lost.sort(key=lambda one: (one.now - one.before, one.country))
    return most[lost[0].country][1] if lost else days[-1].day, lost


def accept(session: Session, share: Share, today: date, by: str) -> None:
    """Take how things are for what they should be: nothing that was lost before is an alarm any more."""
    row = {"day": today, "total": share.total, "counts": _counts(share), "accepted_by": by}
    upsert(session, SellableDay, [row], key=("day",))


def alarm(shop: Premises, session: Session) -> tuple[date | None, list[Loss]]:
    """Return what `losses` says of this moment; a tenth of a second for a hundred thousand editions."""
    today = shop.now.date()
    return losses(session, count(session, shop.settings.currency, today), today)


def begin_day(shop: Premises) -> None:
    """Write down how the day began, if nobody has; an import that comes first would change it."""
    today = shop.now.date()
    with shop.db.reading() as session:
        if session.get(SellableDay, today) is not None:
            return
        share = count(session, shop.settings.currency, today)
    with shop.db.writing() as session:
        _write(today, share, session)


def note_day(_job: Job, shop: Shop) -> Ending:
    """Work: write down how the day began."""
    today = shop.now.date()
    with shop.db.reading() as session:
        share = count(session, shop.settings.currency, today)
    return partial(_write, today, share)


def _write(day: date, share: Share, session: Session) -> None:
    insert_if_absent(session, SellableDay, day=day, total=share.total, counts=_counts(share))


def _counts(share: Share) -> dict[str, int]:
    return {country: editions for country, editions in sorted(share.sellable.items()) if editions}
