"""A batch of products beside what the database holds of them: fetched by a few questions, written back at its end."""

from __future__ import annotations

import re
from dataclasses import asdict
from functools import lru_cache
from itertools import chain
from itertools import count as count_on
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import insert, or_, select, text, update
from sqlalchemy.orm import selectinload

from shop.catalogue import rights
from shop.catalogue.finding import facets, subjects
from shop.catalogue.finding.search import folded, index_new, index_text, learn
from shop.catalogue.models import (
    Contributor,
    Edition,
    OldSlug,
    Price,
    Quotation,
    RightsSet,
    Work,
    WorkAlias,
)
from shop.catalogue.onix import OnixProduct
from shop.catalogue.territory import prose
from shop.db import keys, number

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from sqlalchemy.orm import Session

    from shop.catalogue.onix import OnixDeletion
    from shop.db import Base

LONGEST_SLUG = 80
LONGEST_SURNAME = 39
"""Letters that a column still holds behind the longest slug and a hyphen."""
_TOLD = ("subtitle", "publisher", "description", "short_description", "territory_statement", "subjects")
"""What a record may tell of a work."""
_HEADINGS = text(
    "INSERT INTO known_subject (code, heading) VALUES (:code, :heading) "
    "ON CONFLICT (code) DO UPDATE SET heading = excluded.heading WHERE excluded.heading IS NOT NULL"
)


class Row:
    """A row of the catalogue that is written as it stands: it has the attributes of its model, and no session."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...


class Batch:
    """All that the database holds about one batch of products, fetched by a few questions, and written back at its end.

    Nothing is asked or written product by product: a batch costs as many statements as a product used to. A work that
    only new products tell of is no object of the session's, which would take twice the time of all the rest to keep
    watch over it: it is a `Row`, as are all under it, unless the batch tells something twice.
    """

    def __init__(
        self, session: Session, told: list[OnixProduct | OnixDeletion], fulfillers: dict[str, str], today: date
    ) -> None:
        self.session, self.fulfillers, self._today = session, fulfillers, today
        products = [one for one in told if isinstance(one, OnixProduct)]
        editions = session.scalars(
            select(Edition)
            .where(
                or_(
                    Edition.record_reference.in_([one.reference for one in told]),
                    Edition.isbn.in_({isbn for one in products for isbn in (one.isbn, *one.alternatives)}),
                )
            )
            .options(selectinload(Edition.prices))
        ).all()
        self.by_reference = {edition.record_reference: edition for edition in editions}
        self.by_isbn = {edition.isbn: edition for edition in editions}
        named = {product.work_identifier for product in products}
        aliases = session.scalars(select(WorkAlias).where(WorkAlias.identifier.in_(named))).all()
        works = session.scalars(
            select(Work)
            .where(
                or_(
                    Work.identifier.in_(named),
                    Work.id.in_({edition.work_id for edition in editions} | {alias.work_id for alias in aliases}),
                )
            )
            .options(selectinload(Work.contributors), selectinload(Work.quotations), selectinload(Work.editions))
        )
        by_id = {work.id: work for work in works}
        self.works: dict[str, Work | Row] = {work.identifier: work for work in by_id.values()}
        self.works |= {alias.identifier: by_id[alias.work_id] for alias in aliases}
        self._rows: dict[str, Row] = {}
        self._may_be_rows = _are_told_once(told)
        self._known_works = {one.work_identifier for one in products if not self._is_new(one)}
        self._resolutions = {product.reference: self._resolution(product) for product in products}
        digests = {resolution.digest for resolution in self._resolutions.values()}
        self._rights = {
            one.digest: one for one in session.scalars(select(RightsSet).where(RightsSet.digest.in_(digests)))
        }
        self._slugs = self._taken({slug_of(product.title) for product in products})
        self.summarised: dict[Work | Row, None] = {}
        self.covers: dict[str, str] = {}
        self._left: dict[Work, Work] = {}

    def close(self) -> None:
        """Look once more at every work that was written: what it is found by, and what subjects it has; write it."""
        self._clear_away()
        for work in self.summarised:
            summarise(work)
        number(self.session, Work, Edition, Contributor, Quotation, Price)
        self.session.flush()
        _insert_works(self.session, [work for work in self.summarised if isinstance(work, Row)])
        connection = self.session.connection()
        learn(connection, (work.search_text for work in self.summarised))
        known = {code: heading for work in self.summarised for code, heading in subjects.headings(work.subjects)}
        if known:
            headings = [{"code": code, "heading": known[code]} for code in sorted(known)]
            connection.execute(_HEADINGS, headings)

    def begin_work(self, product: OnixProduct) -> Work | Row:
        """Return a new work, that nothing is known of yet but what it is called."""
        named = {
            "identifier": product.work_identifier,
            "slug": self.free_slug(product),
            "title": product.title,
            "contributors": [],
            "quotations": [],
            "editions": [],
        }
        work: Work | Row
        if self._may_be_rows and self._is_new(product) and product.work_identifier not in self._known_works:
            work = Row(**dict.fromkeys(_TOLD), **named)
        else:
            work = Work(**named)
            self.session.add(work)
        self.works[product.work_identifier] = work
        return work

    def begin_edition(self, product: OnixProduct, work: Work | Row) -> Edition | Row:
        """Return a new edition of a work."""
        named: dict[str, Any] = {
            "record_reference": product.reference,
            "isbn": product.isbn,
            "sku": product.isbn,
            "cover_link": None,
            "stock": None,
            "told_stock": None,
            "prices": [],
        }
        edition: Edition | Row
        if isinstance(work, Row):
            edition = self._rows[product.isbn] = Row(id=None, work=work, **named)
            work.editions.append(edition)
        else:
            edition = Edition(**named)
            self.session.add(edition)
            edition.work = work
            self.by_reference[product.reference] = self.by_isbn[product.isbn] = edition
        return edition

    def refer(self, edition: Edition, reference: str) -> None:
        """Let an edition be known by another record; what the old one says is no more of it."""
        del self.by_reference[edition.record_reference]
        edition.record_reference = reference
        self.by_reference[reference] = edition

    def work_of(self, isbn: str) -> Work | Row | None:
        """Return the work of an edition that is known, or has become known by this batch."""
        edition = self.by_isbn.get(isbn) or self._rows.get(isbn)
        return edition.work if edition else None

    def _is_new(self, product: OnixProduct) -> bool:
        return product.reference not in self.by_reference and product.isbn not in self.by_isbn

    def free_slug(self, product: OnixProduct) -> str:
        """Return an address that no work has or had, and take it."""
        plain, *others = _slugs_for(product)
        slug = plain
        if plain in self._slugs:
            candidates = chain(others, _more_slugs_for(product))
            slug = next(slug for slug in candidates if slug not in self._slugs and not self._taken({slug}))
        self._slugs.add(slug)
        return slug

    def slug_again(self, work: Work, product: OnixProduct) -> str | None:
        """Return the address by the product's title if the work had it before, which is then no old one any more."""
        slug = slug_of(product.title)
        old = self.session.get(OldSlug, slug) if slug in self._slugs else None
        if old is None or old.work_id != work.id:
            return None
        self.session.delete(old)
        return slug

    def call(self, work: Work | Row, identifier: str) -> None:
        """Let a work be known by another identifier, and no longer by the one it had; it keeps its address."""
        self.works.pop(work.identifier, None)
        work.identifier = identifier
        self.works[identifier] = work

    def move(self, edition: Edition, work: Work | Row) -> None:
        """Put an edition under another work, and remember the one that it leaves, in the order in which they empty.

        A work that is empty now is met no more by its name: whoever names it finds the one that is its heir.
        """
        assert isinstance(work, Work)  # noqa: S101 - what a known edition's record names is told by no new ones alone
        left = edition.work
        edition.work = work
        self._left.pop(left, None)
        self._left[left] = work
        if not left.editions:
            self.works |= {name: work for name, one in self.works.items() if one is left}

    def _clear_away(self) -> None:
        """Take away the works that no edition stands under any more; their addresses and names lead on."""
        for gone, heir in self._left.items():
            if gone.editions:
                self.summarised[gone] = None
                continue
            self.summarised.pop(gone, None)
            self.session.flush()
            for table in (OldSlug, WorkAlias):
                self.session.execute(update(table).where(table.work_id == gone.id).values(work_id=heir.id))
            self.session.add(OldSlug(slug=gone.slug, work_id=heir.id))
            if not gone.identifier.startswith("isbn:"):
                self.session.add(WorkAlias(identifier=gone.identifier, work_id=heir.id))
            self.session.delete(gone)

    def rights_of(self, product: OnixProduct) -> RightsSet:
        """Return the set of countries that a product's rights come to, one row for each distinct set."""
        resolution = self._resolutions[product.reference]
        found = self._rights.get(resolution.digest)
        if found is None:
            found = self._rights[resolution.digest] = RightsSet(
                digest=resolution.digest,
                countries=rights.written(resolution.countries),
                statements=resolution.statement,
                problems=list(resolution.problems),
            )
            self.session.add(found)
        return found

    def statement_of(self, product: OnixProduct, rights_set: RightsSet) -> dict[str, Any] | None:
        """Return a product's own words on its rights, if they are other than those that its set came of."""
        own = self._resolutions[product.reference].statement
        return None if own == rights_set.statements else own

    def elsewhere_of(self, product: OnixProduct) -> list[dict[str, Any]]:
        """Return who sells it where we may not."""
        return self._resolutions[product.reference].elsewhere

    def _resolution(self, product: OnixProduct) -> _Verdict:
        return _verdict(product.rights, product.territory_statement, self._today)

    def _taken(self, slugs: set[str]) -> set[str]:
        now = self.session.scalars(select(Work.slug).where(Work.slug.in_(slugs)))
        once = self.session.scalars(select(OldSlug.slug).where(OldSlug.slug.in_(slugs)))
        return {*now, *once}


def _are_told_once(told: list[OnixProduct | OnixDeletion]) -> bool:
    """Whether no two records of a batch share a reference or an ISBN."""
    references = {one.reference for one in told}
    isbns = [one.isbn for one in told if isinstance(one, OnixProduct)]
    return len(references) == len(told) and len(set(isbns)) == len(isbns)


class _Verdict(NamedTuple):
    """What of a statement and its resolution is stored."""

    digest: str
    countries: frozenset[str]
    problems: tuple[str, ...]
    statement: dict[str, Any]
    elsewhere: list[dict[str, Any]]


@lru_cache(maxsize=4096)
def _verdict(statement: rights.Statement, sentence: str | None, today: date) -> _Verdict:
    """Resolve a statement; most products of a publisher state one of a few."""
    resolution = rights.resolve(statement)
    if sentence:
        resolution = prose.beside(resolution, sentence, today)
    elsewhere = [asdict(one) for one in rights.elsewhere(statement)]
    return _Verdict(resolution.digest, resolution.countries, resolution.problems, statement.to_json(), elsewhere)


def _slugs_for(product: OnixProduct) -> tuple[str, str, str]:
    plain = slug_of(product.title)
    surname = slug_of(product.contributors[0].name.split()[-1]) if product.contributors else "book"
    return plain, f"{plain}-{surname[:LONGEST_SURNAME].strip('-')}", f"{plain}-{product.isbn}"


def _more_slugs_for(product: OnixProduct) -> Iterator[str]:
    return (f"{slug_of(product.title)}-{product.isbn}-{number}" for number in count_on(2))


@lru_cache(maxsize=4096)
def slug_of(title: str) -> str:
    """A title as an address: small letters, digits and hyphens."""
    slug = re.sub(r"[^a-z0-9]+", "-", folded(title).replace("'", "").replace("\u2019", "")).strip("-")
    if len(slug) > LONGEST_SLUG:
        slug = slug[: LONGEST_SLUG + 1].rpartition("-")[0] or slug[:LONGEST_SLUG]
    return slug or "book"


def _insert_works(session: Session, works: list[Row]) -> None:
    """Write new works, their people, praise, editions and prices."""
    editions = [edition for work in works for edition in work.editions]
    for rows, model in ((works, Work), (editions, Edition)):
        for row, key in zip(rows, keys(session, model, len(rows)), strict=True):
            row.id = key
    for edition in editions:
        edition.work_id, edition.rights_set_id = edition.work.id, edition.rights_set.id
        for price in edition.prices:
            price.edition_id = edition.id
    for work in works:
        work.revision = 0
        for one in (*work.contributors, *work.quotations):
            one.work_id = work.id
    _insert(session, Work, works)
    index_new(session.connection(), [(work.id, work.search_text) for work in works])
    _insert(session, Contributor, [person for work in works for person in work.contributors])
    _insert(session, Quotation, [quotation for work in works for quotation in work.quotations])
    _insert(session, Edition, editions)
    _insert(session, Price, [price for edition in editions for price in edition.prices])
    written = update(Work).where(Work.id.in_([work.id for work in works]))
    session.connection().execute(written.values(revision=1))  # from here on they have pages: see migration 0017


def _insert(session: Session, model: type[Base], rows: list[Row]) -> None:
    if rows:
        columns = [column.key for column in model.__table__.columns if column.key in vars(rows[0])]
        session.connection().execute(insert(model), [{name: vars(row)[name] for name in columns} for row in rows])


def summarise(work: Work | Row) -> None:
    """Write down what a work is found by, and when it was published, after anything of it has changed."""
    told = [work.title, work.subtitle or "", *(one.name for one in work.contributors)]
    told += [subject["heading"] for subject in work.subjects if subject["heading"]]
    told += [edition.isbn for edition in work.editions]
    work.search_text = index_text(told, facets.marks_of(work.subjects, work.editions))
    work.published_on = min((one.publication_date for one in work.editions if one.publication_date), default=None)
