"""Twins: works that may be one book told twice, for staff to put together or to tell apart, once and for all.

ONIX records that name no work, nor each other, become works of their own. The same title by the same people is no
proof: it may be a first and a second edition, or a play and a novel. So a person decides, and imports keep to it.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations, islice
from typing import TYPE_CHECKING

from sqlalchemy import String, select, update
from sqlalchemy.orm import Mapped, mapped_column, selectinload

from shop.catalogue.finding.search import folded
from shop.catalogue.intake.batch import summarise
from shop.catalogue.models import Edition, OldSlug, Work, WorkAlias
from shop.db import Base, insert_if_absent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.orm import Session

    Pair = tuple[Work, Work]

MOST_PAIRS = 100


class ToldApart(Base):
    """Two works of which somebody said that they are two books; by their identifiers, the smaller first."""

    __tablename__ = "told_apart"

    first: Mapped[str] = mapped_column(String(200), primary_key=True)
    second: Mapped[str] = mapped_column(String(200), primary_key=True)


class NotTwinsError(Exception):
    """They are no longer there, or no longer alike."""


def pairs(session: Session) -> list[Pair]:
    """Return works that are alike and that nobody has told apart, at most MOST_PAIRS of them."""
    apart = {(row.first, row.second) for row in session.execute(select(ToldApart.first, ToldApart.second))}
    found = (pair for works in _alike(session) for pair in combinations(works, 2) if _key(*pair) not in apart)
    return list(islice(found, MOST_PAIRS))


def _alike(session: Session) -> Iterator[list[Work]]:
    """Compare titles here: SQLite knows the small letters of ASCII alone. Works are loaded one title at a time."""
    titled: dict[str, list[int]] = defaultdict(list)
    for number, title in session.execute(select(Work.id, Work.title).order_by(Work.id)):
        titled[folded(title)].append(number)
    for numbers in titled.values():
        if len(numbers) > 1:
            query = select(Work).where(Work.id.in_(numbers)).order_by(Work.id)
            groups: dict[frozenset[str], list[Work]] = defaultdict(list)
            for work in session.scalars(query.options(selectinload(Work.contributors), selectinload(Work.editions))):
                groups[_people(work)].append(work)
            yield from (works for works in groups.values() if len(works) > 1)


def _people(work: Work) -> frozenset[str]:
    return frozenset(folded(one.name) for one in work.contributors if one.role == "A01")


def _key(one: Work, other: Work) -> tuple[str, str]:
    first, second = sorted((one.identifier, other.identifier))
    return first, second


def tell_apart(session: Session, one_id: int, other_id: int) -> None:
    """Note that two works are two books; raises NotTwinsError."""
    first, second = _key(*_both(session, one_id, other_id))
    insert_if_absent(session, ToldApart, first=first, second=second)


def put_together(session: Session, kept_id: int, gone_id: int) -> Work:
    """Move all editions of one work to another, whose words stay; the other's addresses and name lead there.

    Raises:
        NotTwinsError: one of them is gone, or they are not alike.
    """
    kept, gone = _both(session, kept_id, gone_id)
    session.execute(update(Edition).where(Edition.work_id == gone.id).values(work_id=kept.id))
    for table in (OldSlug, WorkAlias):
        session.execute(update(table).where(table.work_id == gone.id).values(work_id=kept.id))
    slug, identifier = gone.slug, gone.identifier
    session.expire(gone, ["editions"])
    session.delete(gone)
    session.flush()
    session.add_all([OldSlug(slug=slug, work_id=kept.id), WorkAlias(identifier=identifier, work_id=kept.id)])
    _carry_over(session, identifier, kept.identifier)
    session.expire(kept, ["editions"])
    summarise(kept)
    return kept


def _carry_over(session: Session, gone: str, kept: str) -> None:
    """What was told apart from the one that is gone is told apart from the one that is kept."""
    mine = (ToldApart.first == gone) | (ToldApart.second == gone)
    for row in session.scalars(select(ToldApart).where(mine)).all():
        other = row.second if row.first == gone else row.first
        session.delete(row)
        if other != kept:
            first, second = sorted((other, kept))
            insert_if_absent(session, ToldApart, first=first, second=second)


def _both(session: Session, one_id: int, other_id: int) -> Pair:
    works = _locked(session, {one_id, other_id})
    by_id = {work.id: work for work in works}
    if len(by_id) != 2:  # noqa: PLR2004 - a pair
        raise NotTwinsError
    one, other = by_id[one_id], by_id[other_id]
    are_alike = folded(one.title) == folded(other.title) and _people(one) == _people(other)
    first, second = _key(one, other)
    if not are_alike or session.get(ToldApart, (first, second)) is not None:
        raise NotTwinsError
    return one, other


def _locked(session: Session, ids: Iterable[int]) -> list[Work]:
    return list(session.scalars(select(Work).where(Work.id.in_(ids)).order_by(Work.id).with_for_update()))
