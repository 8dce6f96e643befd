"""Intake: ONIX products become works, editions, prices and rights sets, and a report says what came of each."""

from __future__ import annotations

import gc
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from itertools import count as count_on
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, func, insert, or_, select, text, update
from sqlalchemy.orm import selectinload

from shop.catalogue import onix, rights
from shop.catalogue.covers import jackets
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
from shop.catalogue.onix import OnixDeletion, OnixProduct, Problem, Record
from shop.catalogue.territory import prose
from shop.db import keys, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from sqlalchemy.orm import Session

    from shop.db import Base
    from shop.services import Shop

    Told = Callable[[Session, "Report"], None]

BATCH = 500
LOOKED_UP = 100
"""Records that are asked for at once."""
WITHDRAWN = "11"
LONGEST_SLUG = 80


@dataclass(slots=True)
class Report:
    """What an import did: counts of products, the problems, and how many rights sets wait for a signature."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    problems: list[Problem] = field(default_factory=list)
    unsigned_rights: int = 0

    @property
    def read(self) -> int:
        """Products that the file held."""
        return self.added + self.changed + self.unchanged + self.withdrawn + len(self.problems)


def import_file(shop: Shop, path: Path, told: Told | None = None) -> Report:
    """Take in a file; every product whole or not at all, and the same file twice changes nothing.

    A file that tells one reference twice is told twice: its last record stands in the end.

    After each batch, and in its transaction, `told` is given the session and the report as far as it goes.

    Raises:
        OnixError: the file as a whole cannot be read; the whole batches before the fault have been kept.
    """
    report = Report()
    with _collecting_between_batches() as collect:
        for records in _batches(onix.records(path)):
            with shop.db.writing() as session, session.no_autoflush:
                is_news = _take_batch(shop, session, records, report)
                if told is not None:
                    session.flush()
                    told(session, report)
            if is_news:
                collect()
    with shop.db.reading() as session:
        waiting = select(func.count()).select_from(RightsSet).where(RightsSet.signed_at.is_(None))
        report.unsigned_rights = session.scalar(waiting) or 0
    return report


@contextmanager
def _collecting_between_batches() -> Iterator[Callable[[], object]]:
    """Look for garbage when a batch is done, and not a thousand times within it, among all that the process holds.

    That took a third of the time of an import; memory stays what one batch needs.
    """
    was_enabled = gc.isenabled()
    gc.freeze()
    gc.disable()
    try:
        yield gc.collect
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


def _batches(records: Iterator[Record]) -> Iterator[Iterator[Record]]:
    """Yield the records, BATCH at a time, each to be gone through before the next."""
    while (first := next(records, None)) is not None:
        yield chain([first], islice(records, BATCH - 1))


def _take_batch(shop: Shop, session: Session, records: Iterator[Record], report: Report) -> bool:
    """Take in what is new among these records; whether anything was."""
    news = [record.read() for record in _without_unchanged(session, records, report)]
    if not news:
        return False
    shelf = Shelf(
        session,
        [item for item in news if not isinstance(item, Problem)],
        shop.settings.fulfiller_by_protection,
        shop.now.date(),
    )
    for item in news:
        _take(shelf, item, report)
    shelf.close()
    jackets.note(session, shelf.covers.items(), shop)
    return True


def _without_unchanged(session: Session, records: Iterator[Record], report: Report) -> list[Record]:
    """Count the records that are as we have them, and return the others; one told twice is looked at each time.

    They are looked up a few at a time, so that what has not changed is let go of while it is still near.
    """
    news: list[Record] = []
    told: set[str | None] = set()
    while few := list(islice(records, LOOKED_UP)):
        rows = session.execute(_DIGESTS, {"references": [one.reference for one in few if one.reference]})
        known: dict[str | None, str] = {reference: digest for reference, digest in rows}  # noqa: C416 - rows, not pairs
        for one in few:
            if known.get(one.reference) == one.digest and told.isdisjoint((one.reference, None)):
                report.unchanged += 1
            else:
                news.append(one)
                told.add(one.reference)
    return news


_DIGESTS = select(Edition.record_reference, Edition.record_digest).where(
    Edition.record_reference.in_(bindparam("references", expanding=True))
)
_NEW_HEADINGS = text("INSERT INTO known_subject (code, heading) VALUES (:code, :heading) ON CONFLICT DO NOTHING")


class Row:
    """A row of the catalogue that is written as it stands: it has the attributes of its model, and no session."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...


class Shelf:
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
            connection.execute(_NEW_HEADINGS, headings)

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
        """Let a work be known by another identifier; it keeps its address."""
        work.identifier = identifier
        self.works[identifier] = work

    def move(self, edition: Edition, work: Work | Row) -> None:
        """Put an edition under another work, and remember the one that it leaves, which may be empty now."""
        assert isinstance(work, Work)  # noqa: S101 - what a known edition's record names is told by no new ones alone
        self._left[edition.work] = work
        edition.work = work

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


@lru_cache(maxsize=4096)
def _verdict(statement: rights.Statement, sentence: str | None, today: date) -> _Verdict:
    """Resolve a statement; most products of a publisher state one of a few."""
    resolution = rights.resolve(statement)
    if sentence:
        resolution = prose.beside(resolution, sentence, today)
    return _Verdict(resolution.digest, resolution.countries, resolution.problems, statement.to_json())


def _slugs_for(product: OnixProduct) -> tuple[str, str, str]:
    plain = slug_of(product.title)
    surname = slug_of(product.contributors[0].name.split()[-1]) if product.contributors else "book"
    return plain, f"{plain}-{surname}", f"{plain}-{product.isbn}"


def _more_slugs_for(product: OnixProduct) -> Iterator[str]:
    return (f"{slug_of(product.title)}-{product.isbn}-{number}" for number in count_on(2))


@lru_cache(maxsize=4096)
def slug_of(title: str) -> str:
    """A title as an address: small letters, digits and hyphens."""
    slug = re.sub(r"[^a-z0-9]+", "-", folded(title).replace("'", "").replace("\u2019", "")).strip("-")
    if len(slug) > LONGEST_SLUG:
        slug = slug[: LONGEST_SLUG + 1].rpartition("-")[0] or slug[:LONGEST_SLUG]
    return slug or "book"


def _take(shelf: Shelf, told: onix.Told, report: Report) -> None:
    if isinstance(told, Problem):
        report.problems.append(told)
        return
    edition = shelf.by_reference.get(told.reference)
    if isinstance(told, OnixDeletion):
        _withdraw(edition, told, report)
    elif edition is not None and edition.record_digest == told.digest:
        report.unchanged += 1
    else:
        _take_product(shelf, told, edition, report)


def _take_product(shelf: Shelf, product: OnixProduct, edition: Edition | None, report: Report) -> None:
    holder = shelf.by_isbn.get(product.isbn)
    if edition is None and holder is not None and holder.publishing_status == WITHDRAWN:
        edition = holder  # its old record was deleted, and this is the book's new one
        edition.record_reference = product.reference
        shelf.by_reference[product.reference] = edition
    if holder is not edition and holder is not None:
        report.problems.append(Problem(0, product.reference, f"ISBN {product.isbn} is another record's already"))
    elif edition is not None and edition.isbn != product.isbn:
        told = (
            f"it was ISBN {edition.isbn} and is {product.isbn} now; delete it, and send the other under a new reference"
        )
        report.problems.append(Problem(0, product.reference, told))
    else:
        report.added += edition is None
        report.changed += edition is not None
        _write(shelf, product, edition)


def _withdraw(edition: Edition | None, deletion: OnixDeletion, report: Report) -> None:
    """A deleted record stops selling; the row stays, since readers may own the book."""
    if edition is None:
        report.problems.append(Problem(0, deletion.reference, "a deletion of a record that we do not hold"))
    elif edition.publishing_status == WITHDRAWN:
        report.unchanged += 1
    else:
        edition.publishing_status, edition.record_digest = WITHDRAWN, deletion.digest
        report.withdrawn += 1


def _write(shelf: Shelf, product: OnixProduct, edition: Edition | None) -> None:
    work = _work(shelf, product, edition)
    if edition is not None and edition.work is not work:
        shelf.move(edition, work)
    written = edition or shelf.begin_edition(product, work)
    if product.cover and product.cover != written.cover_link:
        shelf.covers[product.isbn] = product.cover
    _describe(written, product)
    written.fulfiller = shelf.fulfillers.get(product.protection or "") if product.form.startswith("E") else None
    written.rights_set = shelf.rights_of(product)
    written.rights_statement = shelf.statement_of(product, written.rights_set)
    _price(written, product)
    shelf.summarised[work] = None


def _work(shelf: Shelf, product: OnixProduct, edition: Edition | None) -> Work | Row:
    work = shelf.works.get(product.work_identifier) or _work_by_kinship(shelf, product, edition)
    if work is None and edition is not None and _stands_alone(edition):
        work = edition.work
        shelf.call(work, product.work_identifier)
    if work is None:
        work = shelf.begin_work(product)
    elif work.title != product.title and _leads(work, product):
        _rename(shelf, work, product)
    _tell(work, product)
    return work


def _stands_alone(edition: Edition) -> bool:
    """Whether its work is no more than this edition, or was never named: then a new name is the work's own."""
    return len(edition.work.editions) == 1 or edition.work.identifier.startswith("isbn:")


def _leads(work: Work | Row, product: OnixProduct) -> bool:
    """Whether it is the first of the work's editions, after which the work is called."""
    place = (_FORM_ORDER.get(product.form, LAST_FORM), product.isbn)
    return all(place <= (one.position, one.isbn) for one in work.editions)


def _work_by_kinship(shelf: Shelf, product: OnixProduct, edition: Edition | None) -> Work | Row | None:
    """The work of a record that names none: the one it was put under before, or that of another form of the same book.

    Whoever names a work is believed, and whoever names none is not taken away from where it is.
    """
    if not product.work_identifier.startswith("isbn:"):
        return None
    if edition is not None:
        return edition.work
    kin = (work for isbn in product.alternatives if (work := shelf.work_of(isbn)) is not None)
    return next(kin, None)


def _rename(shelf: Shelf, work: Work | Row, product: OnixProduct) -> None:
    work.title = product.title
    if slug_of(product.title) == work.slug:
        return
    if isinstance(work, Row):
        work.slug = shelf.free_slug(product)  # nobody has seen the old one
        return
    shelf.session.flush()  # the old address names the work by its id
    new = shelf.slug_again(work, product) or shelf.free_slug(product)
    shelf.session.merge(OldSlug(slug=work.slug, work_id=work.id))
    work.slug = new


def _tell(work: Work | Row, product: OnixProduct) -> None:
    """What the work says of itself; an edition that is silent on something does not erase it."""
    work.subtitle = product.subtitle or work.subtitle
    work.publisher = product.publisher or work.publisher
    work.description = product.description or work.description or ""
    work.short_description = product.short_description or work.short_description
    work.territory_statement = product.territory_statement or work.territory_statement
    work.subjects = [_values(subject) for subject in product.subjects] or work.subjects or []
    if product.contributors:
        people = [{"role": one.role, "name": one.name, "biography": one.biography} for one in product.contributors]
        _set_rows(work.contributors, _kind(work, Contributor), people)
    if product.quotations:
        praise = [{"words": one.words, "author": one.author, "source": one.source} for one in product.quotations]
        _set_rows(work.quotations, _kind(work, Quotation), praise)


def _kind(whole: Work | Edition | Row, model: type[Any]) -> type[Any]:
    """What the parts of this are made of."""
    return Row if isinstance(whole, Row) else model


_TOLD = ("subtitle", "publisher", "description", "short_description", "territory_statement", "subjects")
"""What `_tell` looks for in a work."""


def _set_rows(rows: list[Any], table: type[Any], wanted: list[dict[str, Any]]) -> None:
    """Make the rows say what is wanted, in its order; those that are there are changed, not replaced."""
    del rows[len(wanted) :]
    for row, values in zip(rows, wanted, strict=False):
        for name, value in values.items():
            if getattr(row, name) != value:
                setattr(row, name, value)
    rows.extend(table(position=at, **wanted[at]) for at in range(len(rows), len(wanted)))


def _describe(edition: Edition | Row, product: OnixProduct) -> None:
    for name in (
        "form",
        "form_detail",
        "protection",
        "pages",
        "width_mm",
        "height_mm",
        "thickness_mm",
        "weight_g",
        "illustrations",
        "file_bytes",
        "language",
        "publication_date",
        "publishing_status",
        "availability",
        "expected_date",
    ):
        setattr(edition, name, getattr(product, name))
    if product.stock is not None or product.availability in onix.UNCOUNTED or not edition.id:
        edition.stock = product.stock  # a record that is silent on copies counted before does not make them endless
    edition.record_digest = product.digest
    edition.cover_link = product.cover or edition.cover_link
    edition.accessibility = [_values(feature) for feature in product.accessibility]
    edition.hazards = list(product.hazards)
    edition.usage = [_values(usage) for usage in product.usage]
    edition.safety_contacts = [_values(contact) for contact in product.safety_contacts]
    edition.position = _FORM_ORDER.get(product.form, LAST_FORM)
    edition.tax_class = {"E": "epub", "A": "audiobook"}.get(product.form[0], "print_book")


def _values(told: Any) -> dict[str, Any]:
    """A plain value as it is stored; `asdict` would copy what never changes."""
    return {name: getattr(told, name) for name in told.__slots__}


LAST_FORM = 9
_FORM_ORDER = {"BB": 0, "BC": 1, "ED": 2, "EA": 2, "AJ": 3}


def _price(edition: Edition | Row, product: OnixProduct) -> None:
    wanted = [
        {
            "minor": one.money.minor,
            "currency": one.money.currency,
            "countries": _price_countries(one),
            "since": one.since,
            "until": one.until,
        }
        for one in product.prices
    ]
    _set_rows(edition.prices, _kind(edition, Price), wanted)


def _price_countries(price: onix.OnixPrice) -> str | None:
    """Where it holds: in its own territory and in its market. None for everywhere."""
    places = [rights.countries_of(one) for one in (price.territory, price.market) if one and not _is_world(one)]
    return rights.written(frozenset.intersection(*places)) if places else None


def _is_world(territory: rights.Territory) -> bool:
    """Whether it covers the whole world, which says no more than no territory at all."""
    excluded = territory.countries_excluded or territory.regions_excluded
    return territory.regions_included == ("WORLD",) and not excluded


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
