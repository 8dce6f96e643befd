"""Intake: ONIX products become works, editions, prices and rights sets, and a report says what came of each."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select

from shop.catalogue import onix, rights
from shop.catalogue.covers import jackets
from shop.catalogue.intake import known
from shop.catalogue.intake.batch import Batch, Row, slug_of
from shop.catalogue.models import (
    Contributor,
    Edition,
    OldSlug,
    Price,
    Quotation,
    RightsSet,
    Work,
)
from shop.catalogue.onix import OnixDeletion, OnixProduct, Problem, Record
from shop.db import take_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy.orm import Session

    from shop.services import Premises

    Told = Callable[[Session, "Report"], None]

BATCH = 200
"""Products that are written at once; memory and speed both grow with it, and here the import stays below 64 MB."""
LOOKED_UP = 100
"""Records that are asked for at once."""
WITHDRAWN = "11"
TURN = "import"
"""What imports take turns at: two files may tell of one work."""


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


def import_file(shop: Premises, path: Path, told: Told | None = None) -> Report:
    """Take in a file; every product whole or not at all, and the same file twice changes nothing.

    A file that tells one reference twice is told twice: its last record stands in the end. One that was taken in
    without a problem, and after which nothing else changed the catalogue, is not gone through again.

    After each batch, and in its transaction, `told` is given the session and the report as far as it goes.

    Raises:
        OnixError: the file as a whole cannot be read; the whole batches before the fault have been kept.
    """
    report, digest = Report(), onix.digest_of(path)
    with shop.db.writing() as session:
        take_turns(session, TURN)
        products = known.products_of(session, digest)
        report.unchanged = products or 0
        begun = known.begin(session, digest) if products is None else None
        if begun is None and told is not None:
            told(session, report)
    if begun is not None:
        _take_file(shop, path, begun, report, told)
    with shop.db.reading() as session:
        waiting = select(func.count()).select_from(RightsSet).where(RightsSet.signed_at.is_(None))
        report.unsigned_rights = session.scalar(waiting) or 0
    return report


def _take_file(shop: Premises, path: Path, begun: str, report: Report, told: Told | None) -> None:
    with _collecting_between_batches() as collect:
        for records in _batches(onix.records(path)):
            with shop.db.writing() as session, session.no_autoflush:
                take_turns(session, TURN)
                is_news = _take_batch(shop, session, records, report)
                if is_news:
                    known.strike_others(session, begun)
                if told is not None:
                    session.flush()
                    told(session, report)
            if is_news:
                collect()
    if not report.problems:
        with shop.db.writing() as session:
            known.end(session, begun, report.read)


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


def _take_batch(shop: Premises, session: Session, records: Iterator[Record], report: Report) -> bool:
    """Take in what is new among these records; whether anything was."""
    news = [record.read() for record in _without_unchanged(session, records, report)]
    if not news:
        return False
    batch = Batch(
        session,
        [item for item in news if not isinstance(item, Problem)],
        shop.settings.fulfiller_by_protection,
        shop.now.date(),
    )
    for item in news:
        _take(batch, item, report)
    batch.close()
    jackets.note(session, batch.covers.items(), shop)
    return True


def _without_unchanged(session: Session, records: Iterator[Record], report: Report) -> list[Record]:
    """Count the records that are as we have them, and return the others; one told twice is looked at each time.

    They are looked up a few at a time, so that what has not changed is let go of while it is still near.
    """
    news: list[Record] = []
    told: set[str | None] = set()
    while few := list(islice(records, LOOKED_UP)):
        rows = session.execute(_DIGESTS, {"references": [one.reference for one in few if one.reference]})
        held: dict[str | None, str] = {reference: digest for reference, digest in rows}  # noqa: C416 - rows, not pairs
        for one in few:
            if held.get(one.reference) == one.digest and told.isdisjoint((one.reference, None)):
                report.unchanged += 1
            else:
                news.append(one)
                told.add(one.reference)
    return news


_DIGESTS = select(Edition.record_reference, Edition.record_digest).where(
    Edition.record_reference.in_(bindparam("references", expanding=True))
)


def _take(batch: Batch, told: onix.Told, report: Report) -> None:
    if isinstance(told, Problem):
        report.problems.append(told)
        return
    edition = batch.by_reference.get(told.reference)
    if isinstance(told, OnixDeletion):
        _withdraw(edition, told, report)
    elif edition is not None and edition.record_digest == told.digest:
        report.unchanged += 1
    else:
        _take_product(batch, told, edition, report)


def _take_product(batch: Batch, product: OnixProduct, edition: Edition | None, report: Report) -> None:
    holder = batch.by_isbn.get(product.isbn)
    if edition is None and holder is not None and holder.publishing_status == WITHDRAWN:
        edition = holder  # its old record was deleted, and this is the book's new one
        batch.refer(edition, product.reference)
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
        _write(batch, product, edition)


def _withdraw(edition: Edition | None, deletion: OnixDeletion, report: Report) -> None:
    """A deleted record stops selling; the row stays, since readers may own the book."""
    if edition is None:
        report.problems.append(Problem(0, deletion.reference, "a deletion of a record that we do not hold"))
    elif edition.publishing_status == WITHDRAWN:
        report.unchanged += 1
    else:
        edition.publishing_status, edition.record_digest = WITHDRAWN, deletion.digest
        report.withdrawn += 1


def _write(batch: Batch, product: OnixProduct, edition: Edition | None) -> None:
    work = _work(batch, product, edition)
    if edition is not None and edition.work is not work:
        batch.move(edition, work)
    written = edition or batch.begin_edition(product, work)
    if product.cover and product.cover != written.cover_link:
        batch.covers[product.isbn] = product.cover
    _describe(written, product)
    written.fulfiller = batch.fulfillers.get(product.protection or "") if product.form.startswith("E") else None
    written.rights_set = batch.rights_of(product)
    written.rights_statement = batch.statement_of(product, written.rights_set)
    written.elsewhere = batch.elsewhere_of(product)
    _price(written, product)
    batch.summarised[work] = None


def _work(batch: Batch, product: OnixProduct, edition: Edition | None) -> Work | Row:
    work = _work_by_kinship(batch, product, edition) or batch.works.get(product.work_identifier)
    if work is None and edition is not None and _stands_alone(edition):
        work = edition.work
        batch.call(work, product.work_identifier)
    if work is None:
        work = batch.begin_work(product)
    elif work.title != product.title and _leads(work, product):
        _rename(batch, work, product)
    _tell(work, product)
    return work


def _stands_alone(edition: Edition) -> bool:
    """Whether its work is no more than this edition, or was never named: then a new name is the work's own."""
    return len(edition.work.editions) == 1 or edition.work.identifier.startswith("isbn:")


def _leads(work: Work | Row, product: OnixProduct) -> bool:
    """Whether it is the first of the work's editions, after which the work is called."""
    place = (_FORM_ORDER.get(product.form, LAST_FORM), product.isbn)
    return all(place <= (one.position, one.isbn) for one in work.editions)


def _work_by_kinship(batch: Batch, product: OnixProduct, edition: Edition | None) -> Work | Row | None:
    """The work of a record that names none: the one it was put under before, or that of another form of the same book.

    Whoever names a work is believed, and whoever names none is not taken away from where it is.
    """
    if not product.work_identifier.startswith("isbn:"):
        return None
    if edition is not None:
        return edition.work
    kin = (work for isbn in product.alternatives if (work := batch.work_of(isbn)) is not None)
    return next(kin, None)


def _rename(batch: Batch, work: Work | Row, product: OnixProduct) -> None:
    work.title = product.title
    if slug_of(product.title) == work.slug:
        return
    if isinstance(work, Row):
        work.slug = batch.free_slug(product)  # nobody has seen the old one
        return
    batch.session.flush()  # the old address names the work by its id
    new = batch.slug_again(work, product) or batch.free_slug(product)
    batch.session.merge(OldSlug(slug=work.slug, work_id=work.id))
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


def _set_rows(rows: list[Any], table: type[Any], wanted: list[dict[str, Any]]) -> None:
    """Make the rows say what is wanted, in its order; those that are there are changed, not replaced."""
    del rows[len(wanted) :]
    for row, values in zip(rows, wanted, strict=False):
        for name, value in values.items():
            if getattr(row, name) != value:
                setattr(row, name, value)
    rows.extend(table(position=at, **wanted[at]) for at in range(len(rows), len(wanted)))


def _kind(whole: Work | Edition | Row, model: type[Any]) -> type[Any]:
    """What the parts of this are made of."""
    return Row if isinstance(whole, Row) else model


def _describe(edition: Edition | Row, product: OnixProduct) -> None:
    for name in (
        "form",
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
    _count(edition, product)
    edition.form_details = " ".join(product.form_details) or None
    edition.record_digest = product.digest
    edition.cover_link = product.cover or edition.cover_link
    edition.accessibility = [_values(feature) for feature in product.accessibility]
    edition.hazards = list(product.hazards)
    edition.usage = [_values(usage) for usage in product.usage]
    edition.safety_contacts = [_values(contact) for contact in product.safety_contacts]
    edition.position = _FORM_ORDER.get(product.form, LAST_FORM)
    edition.tax_class = {"E": "epub", "A": "audiobook"}.get(product.form[0], "print_book")


def _count(edition: Edition | Row, product: OnixProduct) -> None:
    """Take over a new count of copies.

    A record that is silent on copies does not make them endless, and one that repeats its count has not counted again:
    what was sold since stays sold.
    """
    if product.availability in onix.UNCOUNTED:
        edition.stock = edition.told_stock = None
    elif product.stock is not None and product.stock != edition.told_stock:
        edition.stock = edition.told_stock = product.stock


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
