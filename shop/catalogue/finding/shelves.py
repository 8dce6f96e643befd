"""Shelves: the works that a reader asks for by words and filters, 24 cards a page, and what narrows them further."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, exists, select

from shop.catalogue import forms
from shop.catalogue.covers import jackets
from shop.catalogue.finding import facets, search, subjects
from shop.catalogue.finding.facets import Narrowed
from shop.catalogue.models import Contributor, Edition, KnownSubject, Work
from shop.catalogue.selling import sellable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from sqlalchemy import ColumnElement, Connection

    from shop.catalogue.covers.jackets import Jacket
    from shop.catalogue.finding.facets import Choice

    Words = Sequence[Sequence[str]]
    """Groups of words, of each of which a work holds one."""

PAGE_SIZE = 24
MOST_RANKED = 500
"""Of more works than these, the newest come first wherever they hold the words, and filters are not counted."""
MOST_RECOUNTED = 100
"""Of more works than these, what else might be chosen in place of a filter is told without counts."""
MOST_SUGGESTED = 8
MOST_NEAR = 3
SURE_DIGITS = 9
"""Digits of an ISBN that a slip of the hand near its end leaves right: the publisher's, and more."""


@dataclass(frozen=True, slots=True)
class Card:
    """A work as it stands on a shelf among others."""

    title: str
    address: str
    jacket: Jacket | None
    author: str
    forms: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """One page of a shelf.

    Attributes:
        total: How many works stand on all its pages.
        instead: The words that were looked for, where those asked for are in no book.
        choices: The values of each filter that some of its works have.
    """

    cards: list[Card]
    total: int
    instead: str = ""
    choices: dict[str, list[Choice]] = field(default_factory=dict)

    @property
    def pages(self) -> int:
        """How many pages the shelf has; an empty one has one."""
        return -(-self.total // PAGE_SIZE) or 1


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader asks for.

    Attributes:
        words: As they were typed.
        country: Where the reader is, for what may be sold there; `currency` is the shop's.
        published: `new` for what is out, `coming` for what is not, empty for both.
    """

    words: str = ""
    narrowed: Narrowed = field(default_factory=Narrowed)
    country: str | None = None
    currency: str = ""
    published: str = ""


def shelf(connection: Connection, asked: Asked, page: int, today: date) -> Shelf:
    """Return one page of the works that hold all the words and meet all the filters.

    Newest first; where few are found, those come first that have the words in their title. Words that no book has are
    taken for slips of the hand.
    """
    words: Words = [(word,) for word in search.words_asked(asked.words)]
    if asked.words and not words:
        return Shelf([], 0)
    also = _also(asked, today)
    total = search.count(connection, words, asked.narrowed.marks, also)
    if total or not words:
        return _page(connection, asked, words, total, page, today)
    for whole in (False, True):
        meant = search.mended(connection, [word for (word,) in words], whole=whole)
        total = search.count(connection, meant, asked.narrowed.marks, also)
        if total:
            break
    instead = " ".join(" or ".join(group) for group in meant) if total and meant != words else ""
    return _page(connection, asked, meant, total, page, today, instead)


def suggested(connection: Connection, asked: str) -> list[Card]:
    """Return the first few works whose words begin so."""
    words: Words = [(word,) for word in search.words_asked(asked)]
    if not words:
        return []
    condition = search.holds(connection.dialect.name, words)
    found = _NEWEST if condition is None else _NEWEST.where(condition)
    rows = connection.execute(found.limit(MOST_RANKED)).all()
    return _cards(connection, _by_title(rows, words)[:MOST_SUGGESTED])


def near(connection: Connection, asked: str) -> list[Card]:
    """Return the few works that come nearest to an address that leads nowhere, by its words or the ISBN's beginning."""
    digits = asked.replace("-", "")
    if digits.isdigit():
        like = select(Edition.work_id).where(Edition.isbn.startswith(digits[:SURE_DIGITS]))
        rows = connection.execute(_NEWEST.where(Work.id.in_(like)).limit(MOST_NEAR)).all()
        return _cards(connection, rows) if len(digits) > SURE_DIGITS else []
    words = search.mended(connection, search.words_asked(asked.replace("-", " ").replace("_", " ")))
    telling = tuple(word for group in words for word in group if len(word) >= search.SHORTEST_MENDED)
    for groups in (words, [telling] if telling else []):
        condition = search.holds(connection.dialect.name, groups)
        if condition is not None and (rows := connection.execute(_NEWEST.where(condition).limit(MOST_RANKED)).all()):
            return _cards(connection, _by_title(rows, groups)[:MOST_NEAR])
    return []


def heading(connection: Connection, code: str) -> subjects.Subject:
    """Return a subject of the shop's catalogue by its Thema code, with its heading."""
    return subjects.named(code, _headings(connection, [code]))


def path(connection: Connection, code: str) -> list[subjects.Subject]:
    """Return the subjects above one, the widest first."""
    return subjects.path(code, _headings(connection, [code]))


def parts(connection: Connection, code: str) -> list[subjects.Subject]:
    """Return the subjects right under one that some book has; for the empty code, the widest."""
    if not code:
        widest = {value[:1].upper() for value in search.known_marks(connection, "subject")}
        return [subjects.Subject(one, subjects.SHELVES[one]) for one in sorted(subjects.SHELVES.keys() & widest)]
    known = select(KnownSubject.code, KnownSubject.heading).where(KnownSubject.code.startswith(code, autoescape=True))
    below = {row.code: row.heading or row.code for row in connection.execute(known) if row.code != code}
    return [subjects.Subject(one, below[one]) for one in sorted(below) if not _stands_under_any(one, below)]


def _stands_under_any(code: str, others: Iterable[str]) -> bool:
    return any(code != other and code.startswith(other) for other in others)


def is_known(connection: Connection, code: str) -> bool:
    """Whether some book has this subject, or one under it."""
    return any(value.upper().startswith(code) for value in search.known_marks(connection, "subject"))


def told(connection: Connection, narrowed: Narrowed, here: str) -> list[tuple[str, str]]:
    """Return each filter that is set and its value in words; `here` says where the reader is."""
    return narrowed.told(_headings(connection, [narrowed.subject.upper()]), here)


def _headings(connection: Connection, codes: Iterable[str]) -> dict[str, str | None]:
    above = {code[:length] for code in codes for length in range(1, len(code) + 1)}
    rows = connection.execute(select(KnownSubject.code, KnownSubject.heading).where(KnownSubject.code.in_(above)))
    return {row.code: row.heading for row in rows}


def _also(asked: Asked, today: date) -> list[ColumnElement[bool]]:
    """What a work must meet beside holding words and marks."""
    conditions: list[ColumnElement[bool]] = []
    if asked.narrowed.here and asked.country:
        sold = sellable.may_be_sold_in(asked.country, asked.currency, today)
        conditions.append(exists().where(Edition.work_id == Work.id, sold))
    if asked.published:
        conditions.append(Work.published_on > today if asked.published == "coming" else Work.published_on <= today)
        conditions.append(exists().where(Edition.work_id == Work.id, sellable.NOT_WITHDRAWN))
    return conditions


def _meets(
    connection: Connection, asked: Asked, words: Words, today: date, *, by_many: bool = False
) -> Sequence[ColumnElement[bool]]:
    held = search.holds(connection.dialect.name, words, asked.narrowed.marks, by_many=by_many)
    return [*(() if held is None else (held,)), *_also(asked, today)]


def _page(
    connection: Connection, asked: Asked, words: Words, total: int, page: int, today: date, instead: str = ""
) -> Shelf:
    is_great = total > MOST_RANKED
    found = _COMING if asked.published == "coming" else _NEWEST
    found = found.where(*_meets(connection, asked, words, today, by_many=is_great))
    first = PAGE_SIZE * (page - 1)
    if is_great:
        rows = connection.execute(found.limit(PAGE_SIZE).offset(first)).all()
        return Shelf(_cards(connection, rows), total, instead, _known_choices(connection))
    rows = connection.execute(found).all()
    choices = facets.choices(row.search_text for row in rows) | _other_choices(connection, asked, words, today)
    in_order = _by_title(rows, words) if words else rows
    return Shelf(_cards(connection, in_order[first : first + PAGE_SIZE]), total, instead, choices)


def _other_choices(connection: Connection, asked: Asked, words: Words, today: date) -> dict[str, list[Choice]]:
    """For each filter that is set, what else might be chosen in its place, all others as they are."""
    others: dict[str, list[Choice]] = {}
    known: dict[str, list[Choice]] = {}
    for name in (name for name in facets.NAMES if getattr(asked.narrowed, name)):
        without = replace(asked, narrowed=asked.narrowed.without(name))
        found = select(Work.search_text).where(*_meets(connection, without, words, today))
        texts = connection.scalars(found.limit(MOST_RECOUNTED + 1)).all()
        if len(texts) <= MOST_RECOUNTED:
            others[name] = facets.choices(texts).get(name, [])
        else:
            known = known or _known_choices(connection)
            others[name] = known.get(name, [])
    return others


def _by_title(rows: Sequence[Any], words: Words) -> Sequence[Any]:
    """Those first that have the words in their title."""
    return sorted(rows, key=lambda row: not _are_in(words, row.title))


def _are_in(words: Words, title: str) -> bool:
    held = search.words_of(title)
    return all(any(each.startswith(word) for each in held for word in group) for group in words)


def _known_choices(connection: Connection) -> dict[str, list[Choice]]:
    known = [f"{name}={value}" for name in facets.NAMES for value in search.known_marks(connection, name)]
    counted = facets.choices(known)
    return {name: [(value, words, None) for value, words, _count in values] for name, values in counted.items()}


def _cards(connection: Connection, rows: Sequence[Any]) -> list[Card]:
    ids = [row.id for row in rows]
    authors: dict[int, list[str]] = defaultdict(list)
    for person in connection.execute(_SPINES, {"works": ids}):
        authors[person.work_id].append(person.name)
    editions: dict[int, list[Any]] = defaultdict(list)
    for edition in connection.execute(_FORMS_OF, {"works": ids}):
        editions[edition.work_id].append(edition)
    return [_card(row, authors[row.id], editions[row.id]) for row in rows]


def _card(row: Any, authors: list[str], editions: list[Any]) -> Card:
    names = dict.fromkeys(forms.name(edition.form) for edition in editions)
    jacket = jackets.of_work((edition.isbn, edition.cover) for edition in editions)
    return Card(row.title, f"/books/{row.slug}", jacket, ", ".join(authors), ", ".join(names))


_WORKS = select(Work.id, Work.slug, Work.title, Work.search_text)
_NEWEST = _WORKS.order_by(Work.published_on.desc().nulls_last(), Work.id.desc())
_COMING = _WORKS.order_by(Work.published_on, Work.id)
_SPINES = (
    select(Contributor.work_id, Contributor.name)
    .where(Contributor.work_id.in_(bindparam("works", expanding=True)), Contributor.role == "A01")
    .order_by(Contributor.work_id, Contributor.position)
)
_FORMS_OF = (
    select(Edition.work_id, Edition.isbn, Edition.form, Edition.cover)
    .where(Edition.work_id.in_(bindparam("works", expanding=True)))
    .order_by(Edition.work_id, Edition.position, Edition.isbn)
)
