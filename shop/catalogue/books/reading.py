"""Reading the catalogue for the pages of books: a few prepared statements, and the views that templates ask.

However many editions a book has, its page takes five statements. They are prepared Core, not ORM: this
is the one path that every visitor takes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Text, bindparam, cast, literal_column, select

from shop import countries
from shop.catalogue import forms, rights
from shop.catalogue.covers import jackets
from shop.catalogue.covers.jackets import Jacket
from shop.catalogue.facts import markup
from shop.catalogue.facts.details import Details
from shop.catalogue.finding import subjects
from shop.catalogue.models import Contributor, Edition, OldSlug, Price, Quotation, RightsSet, Work
from shop.catalogue.offers import OUT_OF_PRINT, EditionFacts, Offer, OfferState, holds_on, offer
from shop.catalogue.selling import delivery
from shop.db import Prepared
from shop.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from markupsafe import Markup
    from sqlalchemy import Connection

    from shop.catalogue.selling.disclosure import Disclosure
    from shop.db import Look
    from shop.services import Shop

ROLE_NAMES = {"A01": "Author", "A12": "Illustrator", "B01": "Editor", "B06": "Translator", "A23": "Foreword"}


@lru_cache(maxsize=4096)
def long_date(day: date | None) -> str:
    """28 April 2026."""
    return f"{day:%-d %B %Y}" if day else ""


@dataclass(frozen=True)
class EditionView:
    """An edition as its card on a page shows it to a reader in one country."""

    facts: EditionFacts
    offer: Offer
    country: str | None
    currency: str
    form: str
    form_details: str | None
    pages: int | None
    width_mm: int | None
    height_mm: int | None
    disclosure: Disclosure | None
    jacket: Jacket
    elsewhere: str

    @property
    def isbn(self) -> str:
        """The ISBN-13, without hyphens."""
        return self.facts.isbn

    @property
    def name(self) -> str:
        """What readers call the form: Hardback, Ebook."""
        return forms.name(self.form)

    @cached_property
    def specification(self) -> str:
        """Size and pages of a printed book; file and protection of an ebook."""
        if self.facts.is_digital:
            file = forms.file_name(self.form_details) or "Ebook file"
            return f"{file} · {self.disclosure.protection}" if self.disclosure else file
        size = f"{self.width_mm} × {self.height_mm} mm" if self.width_mm and self.height_mm else ""
        return " · ".join(part for part in (size, f"{self.pages} pages" if self.pages else "") if part)

    @cached_property
    def price(self) -> str | None:
        """The price, tax included; none of what is not for sale here, now or later."""
        return str(self.offer.price) if self.offer.price and self.is_offered else None

    @cached_property
    def delivery(self) -> Money | None:
        """What posting one copy costs; None for an ebook, or while the country is not known."""
        if self.facts.is_digital or self.country is None:
            return None
        return delivery.charge(self.country, 1, self.currency)

    @cached_property
    def delivery_sentence(self) -> str:
        """The charge beside the price, with the sum of both where it can be paid now."""
        if self.delivery is None or self.offer.price is None or self.country is None or not self.is_offered:
            return ""
        if not self.may_be_basketed:
            return f"Delivery to {countries.in_sentence(self.country)} costs {self.delivery}."
        low, high = delivery.zone_of(self.country).working_days
        total = self.offer.price + self.delivery
        return (
            f"Delivery to {countries.in_sentence(self.country)} {self.delivery}, {total} in all; "
            f"{low} to {high} working days{' from publication' if self.offer.state is OfferState.PREORDER else ''}."
        )

    @property
    def may_be_basketed(self) -> bool:
        """Whether the card has a button that does something."""
        return self.offer.may_be_basketed

    @property
    def may_be_awaited(self) -> bool:
        """Whether it is worth waiting for."""
        return not self.is_out_of_print and self.offer.state in {OfferState.COMING_SOON, OfferState.OUT_OF_STOCK}

    @property
    def is_offered(self) -> bool:
        """Whether it is or may be sold where the reader is, though perhaps not today."""
        return self.offer.state not in {OfferState.NOT_HERE, OfferState.WITHDRAWN} and not self.is_out_of_print

    @property
    def is_out_of_print(self) -> bool:
        """Whether there will be no more copies, as far as anybody knows."""
        return self.offer.reason == OUT_OF_PRINT

    @property
    def needs_country(self) -> bool:
        """Whether the reader must tell us a country first."""
        return self.offer.state is OfferState.CHOOSE_COUNTRY

    @property
    def button(self) -> str:
        """The words on the button, whether or not it can be pressed."""
        return {
            OfferState.BUY: f"Add {self.name.lower()} to basket",
            OfferState.PREORDER: f"Pre-order {self.name.lower()}",
            OfferState.COMING_SOON: "Coming soon",
            OfferState.CHOOSE_COUNTRY: "Choose your country to buy",
            OfferState.NOT_HERE: f"Not sold in {self._country}",
            OfferState.OUT_OF_STOCK: "Out of print" if self.is_out_of_print else "Out of stock",
            OfferState.WITHDRAWN: "No longer sold",
        }[self.offer.state]

    @property
    def sentence(self) -> str:
        """The state in one sentence."""
        return _SENTENCES[self.offer.state](self)

    @property
    def _country(self) -> str:
        return countries.in_sentence(self.country) if self.country else "your country"

    @property
    def bought(self) -> str:
        """What happens once it is bought."""
        if self.facts.is_digital:
            return "Ready to read within a minute of paying."
        if to_order := _TO_ORDER.get(self.facts.availability):
            return to_order
        stock = self.facts.stock
        return f"Only {stock} left." if stock is not None and stock <= 5 else "In stock."  # noqa: PLR2004 - "few"

    @property
    def soon(self) -> str:
        """Why it cannot be bought yet, as exactly as we know."""
        if self.offer.until:
            return f"Expected {long_date(self.offer.until)}."
        published = self.facts.publication_date
        if self.facts.is_digital and published:
            return f"Published {long_date(published)}; the ebook is still being prepared for reading."
        return "We will put it on sale as soon as we can."

    @property
    def missing(self) -> str:
        """What is known of when there will be copies again."""
        if self.is_out_of_print:
            return "We know of no plans to print it again."
        if self.offer.until:
            return f"Expected back {long_date(self.offer.until)}."
        return "We do not know yet when it will be back."

    @property
    def not_here(self) -> str:
        """Kindly, why not in this country."""
        if seller := self._seller_there:
            isbn = f", with ISBN {seller['isbn']}" if seller["isbn"] else ""
            return (
                f"We are sorry: this edition is not ours to sell in {self._country}. "
                f"{seller['publisher']} publishes the book there{isbn}; any bookshop can order it."
            )
        if self.offer.reason == "rights":
            return (
                f"We are sorry: another publisher holds the rights to this edition in {self._country}, "
                "so a bookshop there can help you where we may not."
            )
        if self.offer.reason == "no price for the country":
            return f"We are sorry: this edition has no price for {self._country} yet."
        return f"We are sorry: we cannot offer this edition in {self._country} yet."

    @property
    def _seller_there(self) -> dict[str, str] | None:
        """Who sells the book where its rights keep us from it, as far as our own record says."""
        if self.offer.reason != "rights" or self.country is None:
            return None
        every: list[dict[str, str]] = json.loads(self.elsewhere)
        return next((one for one in every if self.country in one["countries"].split()), None)


_TO_ORDER = {"22": "We order it for you once you have paid.", "23": "Printed for you once you have paid."}
_SENTENCES: dict[OfferState, Callable[[EditionView], str]] = {
    OfferState.BUY: lambda view: view.bought,
    OfferState.PREORDER: lambda view: (
        f"Published {long_date(view.offer.until)}. You pay now, and can cancel free of charge until then."
    ),
    OfferState.COMING_SOON: lambda view: view.soon,
    OfferState.CHOOSE_COUNTRY: lambda _view: "What we may sell, and for how much, depends on where you are.",
    OfferState.NOT_HERE: lambda view: view.not_here,
    OfferState.OUT_OF_STOCK: lambda view: view.missing,
    OfferState.WITHDRAWN: lambda view: (
        "If you bought it, it stays in your library." if view.facts.is_digital else "We do not sell it any more."
    ),
}


@dataclass(frozen=True)
class WorkView:
    """A work as its page shows it."""

    id: int
    slug: str
    title: str
    subtitle: str | None
    revision: int
    territory_statement: str | None
    description_html: str
    short_description: str | None
    publisher: str | None
    filed_under: str
    contributors: list[Any] = field(default_factory=list)
    quotations: list[Any] = field(default_factory=list)
    editions: list[EditionView] = field(default_factory=list)
    details: list[Details] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The canonical path of its page."""
        return f"/books/{self.slug}"

    @property
    def jacket(self) -> Jacket | None:
        """Its cover: none without an edition."""
        return jackets.of_work((view.isbn, view.jacket.given) for view in self.editions)

    @property
    def description(self) -> Markup:
        """The description, cleaned."""
        return markup.clean(self.description_html)

    @property
    def summary(self) -> str:
        """The short description as words alone, for those who show a link to the page."""
        return markup.plain(self.short_description) if self.short_description else ""

    @cached_property
    def author(self) -> str:
        """The people on the spine."""
        authors = [one.name for one in self.contributors if one.role == "A01"]
        return ", ".join(authors or [one.name for one in self.contributors[:1]])

    @cached_property
    def people(self) -> list[tuple[str, str]]:
        """Each name with what it did, in a reader's words."""
        return [(one.name, ROLE_NAMES.get(one.role, "Contributor")) for one in self.contributors]

    @property
    def biographies(self) -> list[tuple[str, Markup]]:
        """Who they are, where the publisher says."""
        return [(one.name, markup.clean(one.biography)) for one in self.contributors if one.biography]

    @property
    def shelves(self) -> list[subjects.Subject]:
        """The subjects it stands under, with the publisher's headings."""
        filed_under = json.loads(self.filed_under)
        headings = dict(subjects.headings(filed_under))
        return [subjects.named(code, headings) for code in subjects.codes(filed_under)]

    @property
    def about(self) -> Hashable:
        """All that is told of it wherever the reader is: two works of which this is equal are told of alike."""
        people, praise, details = tuple(self.contributors), tuple(self.quotations), tuple(self.details)
        return self.description_html, self.publisher, self.filed_under, people, praise, details

    @cached_property
    def publication_date(self) -> str:
        """The earliest date of its editions, written out."""
        dates = [view.facts.publication_date for view in self.editions if view.facts.publication_date]
        return long_date(min(dates)) if dates else ""


_WORK = select(
    Work.id,
    Work.slug,
    Work.title,
    Work.subtitle,
    Work.revision,
    Work.territory_statement,
    Work.description.label("description_html"),
    Work.short_description,
    Work.publisher,
    cast(Work.subjects, Text).label("filed_under"),
)
_BY_SLUG = Prepared(_WORK.where(Work.slug == bindparam("slug")))
_PEOPLE = select(Contributor.work_id, Contributor.role, Contributor.name, Contributor.biography)
_CONTRIBUTORS = Prepared(_PEOPLE.where(Contributor.work_id == bindparam("work")).order_by(Contributor.position))
_QUOTATIONS = Prepared(
    select(Quotation.work_id, Quotation.words, Quotation.author, Quotation.source)
    .where(Quotation.work_id == bindparam("work"))
    .order_by(Quotation.position)
)
_FACTS = select(
    Edition.id,
    Edition.work_id,
    Edition.isbn,
    Edition.form,
    Edition.form_details,
    Edition.pages,
    Edition.width_mm,
    Edition.height_mm,
    Edition.publishing_status,
    Edition.availability,
    Edition.publication_date,
    Edition.expected_date,
    Edition.stock,
    Edition.fulfiller,
    Edition.provider_state,
    Edition.provider_checked_at,
    Edition.cover,
    cast(Edition.elsewhere, Text).label("elsewhere"),
    RightsSet.countries,
    RightsSet.signed_at,
    (cast(Edition.safety_contacts, Text) != literal_column("'[]'")).label("has_contact"),
    Price.minor,
    Price.currency,
    Price.countries.label("price_countries"),
    Price.since,
    Price.until,
)
_FACTS = _FACTS.outerjoin(RightsSet, RightsSet.id == Edition.rights_set_id)
_FACTS = _FACTS.outerjoin(Price, Price.edition_id == Edition.id)
_EDITIONS = Prepared(
    _FACTS.where(Edition.work_id == bindparam("work")).order_by(Edition.position, Edition.isbn, Price.position)
)


def _as_stored(column: Any) -> Any:
    return cast(column, Text).label(column.key) if isinstance(column.type, JSON) else column


_DETAILS = Prepared(
    select(*(_as_stored(getattr(Edition, one.name)) for one in fields(Details)))
    .where(Edition.work_id == bindparam("work"))
    .order_by(Edition.position, Edition.isbn)
)
_EDITIONS_BY_ISBN = _FACTS.where(Edition.isbn.in_(bindparam("isbns", expanding=True))).order_by(
    Edition.isbn, Price.position
)
_TITLES = (
    select(Edition.isbn, Work.title, Work.slug)
    .join(Work, Work.id == Edition.work_id)
    .where(Edition.isbn.in_(bindparam("isbns", expanding=True)))
)


def work_page(shop: Shop, look: Look, slug: str, country: str | None) -> WorkView | None:
    """All that a book's page shows, or None for an unknown slug."""
    rows = look(_BY_SLUG, slug)
    if not rows:
        return None
    work = WorkView(*rows[0])
    work.contributors.extend(look(_CONTRIBUTORS, work.id))
    work.quotations.extend(look(_QUOTATIONS, work.id))
    work.details.extend(Details(*row) for row in look(_DETAILS, work.id))
    work.editions.extend(view for _row, view in _views(shop, look(_EDITIONS, work.id), country))
    return work


def editions_by_isbn(
    shop: Shop, connection: Connection, isbns: Iterable[str], country: str | None
) -> dict[str, tuple[int, EditionView]]:
    """Edition id and view by ISBN, for those we know."""
    rows = connection.execute(_EDITIONS_BY_ISBN, {"isbns": list(isbns)}).all()
    return {row.isbn: (row.id, view) for row, view in _views(shop, rows, country)}


def titles_by_isbn(connection: Connection, isbns: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Title and address of the work of each ISBN we know."""
    rows = connection.execute(_TITLES, {"isbns": list(isbns)})
    return {row.isbn: (row.title, f"/books/{row.slug}") for row in rows}


def slug_for_isbn(connection: Connection, isbn: str) -> str | None:
    """The slug of the work that has an edition of this ISBN."""
    return connection.execute(
        select(Work.slug).join(Edition, Edition.work_id == Work.id).where(Edition.isbn == isbn)
    ).scalar()


def slug_for_old_slug(connection: Connection, slug: str) -> str | None:
    """Where a former address leads today."""
    return connection.execute(
        select(Work.slug).join(OldSlug, OldSlug.work_id == Work.id).where(OldSlug.slug == slug)
    ).scalar()


def _views(shop: Shop, rows: Iterable[Any], country: str | None) -> list[tuple[Any, EditionView]]:
    """One view an edition, from rows of an edition with one price each."""
    now, oldest = shop.now, provider_max_age(shop)
    by_edition: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_edition[row.id].append(row)
    return [
        (priced[0], _view(shop, priced[0], _prices(shop, priced), country, now, oldest))
        for priced in by_edition.values()
    ]


def _prices(shop: Shop, rows: list[Any]) -> tuple[tuple[Money, frozenset[str] | None], ...]:
    """The prices in the shop's currency that hold today: those of certain days first, then those of fewer countries."""
    currency, today = shop.settings.currency, shop.now.date()
    held = [row for row in rows if row.currency == currency and holds_on(today, row.since, row.until)]
    return tuple(
        (Money(row.minor, row.currency), None if row.price_countries is None else rights.read(row.price_countries))
        for row in sorted(held, key=_is_usual_and_how_wide)
    )


def _is_usual_and_how_wide(row: Any) -> tuple[bool, int]:
    return row.since is None and row.until is None, len(row.price_countries or "")


def _view(
    shop: Shop,
    row: Any,
    prices: tuple[tuple[Money, frozenset[str] | None], ...],
    country: str | None,
    now: datetime,
    oldest: timedelta,
) -> EditionView:
    facts = EditionFacts(
        isbn=row.isbn,
        is_digital=forms.is_digital(row.form),
        publishing_status=row.publishing_status,
        availability=row.availability,
        publication_date=row.publication_date,
        expected_date=row.expected_date,
        stock=row.stock,
        countries=rights.read(row.countries) if row.signed_at else None,
        prices=prices,
        fulfiller=row.fulfiller,
        provider_state=row.provider_state,
        provider_checked_at=row.provider_checked_at,
        has_safety_contact=bool(row.has_contact or shop.settings.product_safety_contact),
    )
    fulfiller = shop.services.fulfillers.get(row.fulfiller or "")
    return EditionView(
        facts=facts,
        offer=offer(facts, country, now, oldest),
        country=country,
        currency=shop.settings.currency,
        form=row.form,
        form_details=row.form_details,
        pages=row.pages,
        width_mm=row.width_mm,
        height_mm=row.height_mm,
        disclosure=fulfiller.disclosure if fulfiller else None,
        jacket=Jacket(row.isbn, row.cover),
        elsewhere=row.elsewhere,
    )


def provider_max_age(shop: Shop) -> timedelta:
    """How old a provider's yes may be."""
    return timedelta(seconds=shop.settings.provider_state_max_age_seconds)


def good_until(work: WorkView, now: datetime, oldest: timedelta) -> datetime:
    """Until when a page stays true if no fact changes: midnight, or the moment a provider's word grows too old."""
    midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
    aging = [
        view.facts.provider_checked_at + oldest
        for view in work.editions
        if view.facts.provider_checked_at and view.facts.provider_checked_at + oldest >= now
    ]
    return min([midnight, *aging])
