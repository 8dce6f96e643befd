"""Intake: ONIX products become works, editions, prices and rights sets, and a report says what came of each."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from shop.catalogue import onix, prose, rights
from shop.catalogue.models import Contributor, Edition, OldSlug, Price, Quotation, RightsSet, Work
from shop.catalogue.onix import OnixProduct, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date
    from pathlib import Path

    from sqlalchemy.orm import Session

    from shop.services import Shop

BATCH = 200
DELETION = "05"
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


@dataclass(frozen=True, slots=True)
class House:
    """What taking a product in needs of the shop: who delivers which protection, and the day whose terms hold."""

    fulfillers: dict[str, str]
    today: date


def import_file(shop: Shop, path: Path) -> Report:
    """Take in a file; every product whole or not at all, and the same file twice changes nothing.

    Raises:
        OnixError: the file as a whole cannot be read; what was read before the fault has been kept.
    """
    report = Report()
    for batch in _batches(onix.products(path), BATCH):
        with shop.db.writing() as session:
            for product in batch:
                _take(session, product, House(shop.settings.fulfiller_by_protection, shop.now.date()), report)
    with shop.db.reading() as session:
        waiting = select(func.count()).select_from(RightsSet).where(RightsSet.signed_at.is_(None))
        report.unsigned_rights = session.scalar(waiting) or 0
    return report


def folded(text: str) -> str:
    """Text for comparing: lower case, without accents."""
    stripped = unicodedata.normalize("NFKD", text.translate(_UNDECOMPOSABLE))
    return "".join(letter for letter in stripped if not unicodedata.combining(letter)).casefold()


_UNDECOMPOSABLE = str.maketrans(
    {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "æ": "ae", "Æ": "AE", "œ": "oe", "ß": "ss"}
)


def slug_of(title: str) -> str:
    """A title as an address: small letters, digits and hyphens."""
    slug = re.sub(r"[^a-z0-9]+", "-", folded(title).replace("'", "").replace("\u2019", "")).strip("-")
    if len(slug) > LONGEST_SLUG:
        slug = slug[: LONGEST_SLUG + 1].rpartition("-")[0] or slug[:LONGEST_SLUG]
    return slug or "book"


def _batches(items: Iterator[OnixProduct | Problem], size: int) -> Iterator[list[OnixProduct | Problem]]:
    while batch := list(islice(items, size)):
        yield batch


def _take(session: Session, product: OnixProduct | Problem, house: House, report: Report) -> None:
    if isinstance(product, Problem):
        report.problems.append(product)
        return
    edition = session.scalar(select(Edition).where(Edition.record_reference == product.reference))
    if product.notification == DELETION:
        _withdraw(edition, product, report)
    elif edition is not None and edition.record_digest == product.digest:
        report.unchanged += 1
    elif edition is None and session.scalar(select(Edition.id).where(Edition.isbn == product.isbn)):
        report.problems.append(Problem(0, product.reference, f"ISBN {product.isbn} is another record's already"))
    else:
        report.added, report.changed = (
            report.added + (edition is None),
            report.changed + (edition is not None),
        )
        _write(session, product, edition, house)


def _withdraw(edition: Edition | None, product: OnixProduct, report: Report) -> None:
    """A deleted record stops selling; the row stays, since readers may own the book."""
    if edition is None:
        report.problems.append(Problem(0, product.reference, "a deletion of a record that we do not hold"))
    elif edition.publishing_status == WITHDRAWN:
        report.unchanged += 1
    else:
        edition.publishing_status, edition.record_digest = WITHDRAWN, product.digest
        report.withdrawn += 1


def _write(session: Session, product: OnixProduct, edition: Edition | None, house: House) -> None:
    work = _work(session, product)
    if edition is None:
        edition = Edition(record_reference=product.reference, isbn=product.isbn, sku=product.isbn, prices=[])
        session.add(edition)
    edition.work = work
    _describe(edition, product)
    edition.fulfiller = house.fulfillers.get(product.protection or "") if edition.is_digital else None
    edition.rights_set = _rights_set(session, product, house.today)
    _price(session, edition, product)
    session.flush()
    _summarise(work)
    session.flush()


def _work(session: Session, product: OnixProduct) -> Work:
    work = session.scalar(select(Work).where(Work.identifier == product.work_identifier))
    if work is None:
        work = Work(
            identifier=product.work_identifier,
            slug=_free_slug(session, product),
            title=product.title,
            contributors=[],
            quotations=[],
        )
        session.add(work)
    elif work.title != product.title:
        _rename(session, work, product)
    _tell(session, work, product)
    return work


def _rename(session: Session, work: Work, product: OnixProduct) -> None:
    work.title = product.title
    if slug_of(product.title) != work.slug:
        session.merge(OldSlug(slug=work.slug, work_id=work.id))
        work.slug = _free_slug(session, product)


def _free_slug(session: Session, product: OnixProduct) -> str:
    plain = slug_of(product.title)
    surname = slug_of(product.contributors[0].name.split()[-1]) if product.contributors else "book"
    for slug in (plain, f"{plain}-{surname}", f"{plain}-{product.isbn}"):
        taken = select(Work.id).where(Work.slug == slug)
        if session.scalar(taken) is None and session.get(OldSlug, slug) is None:
            return slug
    return f"{plain}-{product.isbn}-{product.reference}"[:120]


def _tell(session: Session, work: Work, product: OnixProduct) -> None:
    """What the work says of itself; an edition that is silent on something does not erase it."""
    work.subtitle = product.subtitle or work.subtitle
    work.publisher = product.publisher or work.publisher
    work.description = product.description or work.description or ""
    work.short_description = product.short_description or work.short_description
    work.territory_statement = product.territory_statement or work.territory_statement
    work.subjects = list(product.subjects) or work.subjects or []
    if product.contributors:
        _replace(
            session,
            work.contributors,
            [
                Contributor(position=i, role=one.role, name=one.name, biography=one.biography)
                for i, one in enumerate(product.contributors)
            ],
        )
    if product.quotations:
        _replace(
            session,
            work.quotations,
            [
                Quotation(position=i, words=one.words, author=one.author, source=one.source)
                for i, one in enumerate(product.quotations)
            ],
        )


def _replace(session: Session, rows: list[Any], by: Iterable[Any]) -> None:
    rows.clear()
    session.flush()
    rows.extend(by)


def _describe(edition: Edition, product: OnixProduct) -> None:
    for name in (
        "form",
        "form_detail",
        "protection",
        "pages",
        "width_mm",
        "height_mm",
        "file_bytes",
        "language",
        "publication_date",
        "publishing_status",
        "availability",
        "expected_date",
        "stock",
    ):
        setattr(edition, name, getattr(product, name))
    edition.record_digest = product.digest
    edition.accessibility = list(product.accessibility)
    edition.position = _FORM_ORDER.get(product.form, 9)
    edition.tax_class = {"E": "epub", "A": "audiobook"}.get(product.form[0], "print_book")


_FORM_ORDER = {"BB": 0, "BC": 1, "ED": 2, "EA": 2, "AJ": 3}


def _rights_set(session: Session, product: OnixProduct, today: date) -> RightsSet:
    resolution = rights.resolve(product.rights)
    if product.territory_statement:
        resolution = prose.beside(resolution, product.territory_statement, today)
    found = session.scalar(select(RightsSet).where(RightsSet.digest == resolution.digest))
    if found is None:
        found = RightsSet(
            digest=resolution.digest,
            countries=rights.written(resolution.countries),
            statements=product.rights.to_json(),
            problems=list(resolution.problems),
        )
        session.add(found)
    return found


def _price(session: Session, edition: Edition, product: OnixProduct) -> None:
    _replace(
        session,
        edition.prices,
        [
            Price(
                position=i,
                minor=price.money.minor,
                currency=price.money.currency,
                countries=_price_countries(price),
            )
            for i, price in enumerate(product.prices)
        ],
    )


def _price_countries(price: onix.OnixPrice) -> str | None:
    """None for everywhere; a territory that covers the whole world says no more than that."""
    if price.territory is None or (
        price.territory.regions_included == ("WORLD",)
        and not (price.territory.countries_excluded or price.territory.regions_excluded)
    ):
        return None
    return rights.written(rights.countries_of(price.territory))


def _summarise(work: Work) -> None:
    words = [work.title, work.subtitle or "", *(one.name for one in work.contributors), *work.subjects]
    words += [edition.isbn for edition in work.editions]
    work.search_text = folded(" ".join(words))
    work.published_on = max((one.publication_date for one in work.editions if one.publication_date), default=None)
