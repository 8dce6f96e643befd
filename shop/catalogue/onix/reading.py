"""From a Product element to its values: each composite is opened once, and its children found by reference name."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, overload

from babel.numbers import is_currency
from lxml import etree
from stdnum import ean
from stdnum import isbn as isbn_number

from shop.catalogue.facts import markup
from shop.catalogue.onix.composite import Composite, refuse_wells
from shop.catalogue.onix.tags import NAMES
from shop.catalogue.onix.values import (
    OnixContact,
    OnixContributor,
    OnixDeletion,
    OnixFeature,
    OnixPrice,
    OnixProduct,
    OnixQuotation,
    OnixSubject,
    OnixUsage,
    Problem,
)
from shop.catalogue.rights import SalesRights, Statement, Territory
from shop.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shop.catalogue.onix.values import Told

LARGEST = 2_147_483_647
LONGEST_REFERENCE = 100
LONGEST_WORK_IDENTIFIER = 200
LONGEST_LINK = 2000
MOST_FORM_DETAILS = 20
DELETION = "05"
WHOLE_RECORDS = frozenset({"01", "02", "03"})
OTHER_NOTIFICATIONS = {
    "04": "a block update; send the record whole (03)",
    "08": "a notice that another publisher sells the book; look at it with the people who know",
    "09": "a notice that the book was acquired from another publisher; send the record whole (03)",
    "88": "a test",
    "89": "a test",
}
"""List 1: what is left out, and why."""
ISBN_TYPES = ("15", "02", "03")
"""List 5, as they are believed: an ISBN-13, an ISBN-10, a GTIN-13 that may be no book's."""
ALTERNATIVE_FORMS = frozenset({"06", "13", "27"})
"""List 51: available as, published from print, electronic version of."""
FRONT_COVER, PICTURE = "01", "03"
"""Lists 158 and 159."""
KEYWORDS = "20"
CLASSIFICATIONS = frozenset({"93", "10"})
UNDETERMINED = "und"
WITH_TAX = frozenset({"02", "04", "42"})
MILLIMETRES = {"mm": Decimal(1), "cm": Decimal(10), "in": Decimal("25.4")}
TO_CONSUMERS = frozenset({None, "00", "05"})
"""List 59: prices that anybody pays."""
NO_LONGER_SUPPLIED = frozenset({"01", *(str(code) for code in range(40, 53))})
"""List 65."""
SPAN = len("2026010120261231")
UNCOUNTED = frozenset({"10", "22", "23"})
"""List 65: not yet available, to order, printed on demand. That none is on hand says nothing."""
PAGE_COUNTS = frozenset({"00", "07", "11"})
FILE_SIZE = "22"
"""List 23."""
PAGES = "03"
FILE_UNITS = {"17": 1, "18": 1024, "19": 1024 * 1024}
"""List 24, in bytes."""
GRAMS = {"gr": Decimal(1), "kg": Decimal(1000), "oz": Decimal("28.349523"), "lb": Decimal("453.59237")}


class Defaults(NamedTuple):
    """What a header says in the place of a product that is silent on it: lists 58, 96 and 74."""

    price_type: str | None = None
    currency: str | None = None
    language: str | None = None


def defaults(header: etree._Element) -> Defaults:
    """Read the defaults of a Header element."""
    told = Composite(header)
    return Defaults(told.text("DefaultPriceType"), told.text("DefaultCurrencyCode"), told.text("DefaultLanguageOfText"))


def read(element: etree._Element, digest: str, line: int, usual: Defaults) -> Told:
    """Read one Product element, whole or not at all; `digest` tells its content, `line` is where it begins."""
    reference = _reference(element)
    try:
        return _told(Composite(element), reference, digest, usual)
    except ValueError as error:
        return Problem(line, reference, str(error))


def _reference(element: etree._Element) -> str | None:
    """What the record is called, even if nothing else of it can be read."""
    named = next((child.text for child in element if NAMES.get(child.tag) == "RecordReference"), None)
    return " ".join(named.split()) or None if named else None


def _told(product: Composite, reference: str | None, digest: str, usual: Defaults) -> Told:
    if not reference:
        raise ValueError("it has no RecordReference")
    if len(reference) > LONGEST_REFERENCE:
        raise ValueError(f"its RecordReference is longer than {LONGEST_REFERENCE} characters")
    notification = product.text("NotificationType") or "03"
    if notification == DELETION:
        return OnixDeletion(reference, digest)
    if notification not in WHOLE_RECORDS:
        why = OTHER_NOTIFICATIONS.get(notification, "of no known meaning")
        raise ValueError(f"its NotificationType {notification[:10]} is {why}")
    return _product(product, reference, digest, usual)


def _product(product: Composite, reference: str, digest: str, usual: Defaults) -> OnixProduct:
    isbn = _isbn(product)
    detail, collateral = product.first("DescriptiveDetail"), product.first("CollateralDetail")
    publishing, supplies = product.first("PublishingDetail"), _supplies(product)
    availability = _code(_availability(supplies), 2)
    related = product.first("RelatedMaterial")
    measures, extents = _measures(detail), _extents(detail)
    width, height, thickness = (_measure(measures, kind, MILLIMETRES) for kind in ("02", "01", "03"))
    title, subtitle = _title(detail)
    return OnixProduct(
        reference=reference,
        digest=digest,
        isbn=isbn,
        work_identifier=_work_identifier(related) or f"isbn:{isbn}",
        form=_code(detail.required("ProductForm"), 2),
        form_details=_form_details(detail),
        protection=_code(detail.text("EpubTechnicalProtection"), 2),
        title=title,
        subtitle=subtitle,
        publisher=publishing.first("Publisher").text("PublisherName"),
        contributors=tuple(_contributors(detail)),
        description=_content(collateral, "03"),
        short_description=_content(collateral, "02") or None,
        quotations=tuple(_quotations(collateral)),
        subjects=tuple(_subjects(detail)),
        language=_language(detail) or _code(usual.language, 3) or UNDETERMINED,
        accessibility=tuple(_features(detail, "09")),
        hazards=tuple(feature.value for feature in _features(detail, "12")),
        usage=tuple(_usage(detail)),
        safety_contacts=tuple(_contacts(publishing, "10")),
        alternatives=tuple(_alternatives(related)),
        illustrations=detail.text("IllustrationsNote"),
        pages=_pages(extents),
        width_mm=width,
        height_mm=height,
        thickness_mm=thickness,
        weight_g=_measure(measures, "08", GRAMS),
        file_bytes=_file_bytes(extents),
        publishing_status=_code(publishing.text("PublishingStatus") or "00", 2),
        publication_date=_publication_date(publishing),
        availability=availability,
        expected_date=_supply_date(supplies),
        stock=None if availability in UNCOUNTED else _stock(supplies),
        rights=_rights(publishing),
        territory_statement=_territory_statement(publishing),
        cover=_cover(collateral),
        prices=tuple(price for supply in product.all("ProductSupply") for price in _prices(supply, supplies, usual)),
    )


def _supplies(product: Composite) -> list[Composite]:
    """Those who supply it; who no longer does is heard only where nobody else does."""
    every = [detail for supply in product.all("ProductSupply") for detail in supply.all("SupplyDetail")]
    return [one for one in every if one.text("ProductAvailability") not in NO_LONGER_SUPPLIED] or every


def _isbn(product: Composite) -> str:
    identifiers = product.all("ProductIdentifier")
    for kind in ISBN_TYPES:
        for identifier in identifiers:
            if identifier.text("ProductIDType") == kind:
                written = identifier.text("IDValue") or ""
                isbn = _isbn13(written)
                if isbn is None:
                    raise ValueError(f"ISBN {written} has a wrong check digit or length")
                return isbn
    raise ValueError("it has no ISBN (ProductIdentifier of type 15, 03 or 02)")


def _isbn13(written: str) -> str | None:
    """The number in thirteen digits, however it is written; None where it is no ISBN."""
    if _PLAIN_ISBN.fullmatch(written):  # as nearly all are: nothing to tidy, which takes the longest
        return written if ean.calc_check_digit(written[:-1]) == written[-1] else None
    return str(isbn_number.to_isbn13(isbn_number.compact(written))) if isbn_number.is_valid(written) else None


_PLAIN_ISBN = re.compile(r"97[89][0-9]{10}")


def _work_identifier(related_material: Composite) -> str | None:
    for related in related_material.all("RelatedWork"):
        if related.text("WorkRelationCode") == "01":
            for identifier in related.all("WorkIdentifier"):
                kind, value = identifier.text("WorkIDType"), identifier.text("IDValue")
                if value:
                    return _bounded(f"{kind}:{identifier.text('IDTypeName') or ''}:{value}")
    return None


def _bounded(identifier: str) -> str:
    if len(identifier) > LONGEST_WORK_IDENTIFIER:
        raise ValueError(f"its WorkIdentifier is longer than {LONGEST_WORK_IDENTIFIER} characters")
    return identifier


def _form_details(detail: Composite) -> tuple[str, ...]:
    codes = dict.fromkeys(_code(one, 4) for one in detail.texts("ProductFormDetail"))
    return tuple(codes)[:MOST_FORM_DETAILS]


def _title(detail: Composite) -> tuple[str, str | None]:
    for title in detail.all("TitleDetail"):
        if title.text("TitleType") == "01":
            for part in title.all("TitleElement"):
                if part.text("TitleElementLevel") == "01":
                    return _whole_title(part), part.text("Subtitle")
    raise ValueError("it has no distinctive title (TitleDetail of type 01)")


def _whole_title(part: Composite) -> str:
    prefix, rest = part.text("TitlePrefix"), part.text("TitleWithoutPrefix")
    title = part.text("TitleText") or " ".join(word for word in (prefix, rest) if word)
    if not title:
        raise ValueError("its title is empty")
    return title


def _contributors(detail: Composite) -> Iterator[OnixContributor]:
    for one in detail.all("Contributor"):
        names = (one.text("NamesBeforeKey"), one.text("PrefixToKey"), one.text("KeyNames"))
        in_parts = " ".join(part for part in names if part) or _turned(one.text("PersonNameInverted"))
        name = one.text("PersonName") or in_parts or one.text("CorporateName")
        if name:
            yield OnixContributor(
                _code(one.text("ContributorRole") or "A01", 3), name, _markup(one, "BiographicalNote")
            )


def _turned(inverted: str | None) -> str:
    """`Smith, Mark B.` as it stands on a spine."""
    surname, _, first = (inverted or "").partition(",")
    return f"{first.strip()} {surname.strip()}".strip()


def _content(collateral: Composite, kind: str) -> str:
    for content in collateral.all("TextContent"):
        if content.text("TextType") == kind:
            return _markup(content, "Text") or ""
    return ""


def _markup(parent: Composite, name: str) -> str | None:
    """The inside of a text element as HTML: XHTML kept as sent, HTML text as sent, plain text as a paragraph."""
    element = parent.child(name)
    if element is None:
        return None
    if len(element) or element.get("textformat") == "05":
        refuse_wells(element)
        inside = etree.tostring(element, encoding="unicode", with_tail=False)
        return _DECLARED.sub("", inside[inside.index(">") + 1 : inside.rindex("<")].strip())
    text = (element.text or "").strip()
    return text if element.get("textformat") == "02" else _paragraphs(text)


_DECLARED = re.compile(r' xmlns="http://ns\.editeur\.org/onix/[^"]*"')


def _paragraphs(text: str) -> str:
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"<p>{' '.join(part.split())}</p>" for part in safe.split("\n\n") if part.strip())


def _quotations(collateral: Composite) -> Iterator[OnixQuotation]:
    for content in collateral.all("TextContent"):
        if content.text("TextType") == "06" and (words := _unquoted(markup.plain(_markup(content, "Text") or ""))):
            yield OnixQuotation(words, content.text("TextAuthor"), content.text("SourceTitle"))


def _unquoted(words: str) -> str:
    """Words without the quotation marks around all of them: the page sets its own."""
    inside = words[1:-1]
    is_quoted = words[:1] + words[-1:] in {"“”", '""', "«»"} and not set(inside) & set('“”«»"')
    return inside if is_quoted else words


def _cover(collateral: Composite) -> str | None:
    """Where a picture of the front cover is: the first address of the web that is told."""
    for resource in collateral.all("SupportingResource"):
        if resource.text("ResourceContentType") == FRONT_COVER and resource.text("ResourceMode") == PICTURE:
            for version in resource.all("ResourceVersion"):
                link = version.text("ResourceLink") or ""
                if link.startswith(("https://", "http://")) and len(link) <= LONGEST_LINK:
                    return link
    return None


def _subjects(detail: Composite) -> Iterator[OnixSubject]:
    """Those of the schemes we know; the main one of each stands first, and each keyword by itself."""
    for subject in sorted(detail.all("Subject"), key=lambda one: one.child("MainSubject") is None):
        scheme, heading = subject.text("SubjectSchemeIdentifier"), subject.text("SubjectHeadingText")
        if scheme == KEYWORDS and heading:
            yield from (OnixSubject(scheme, "", word.strip()) for word in heading.split(";") if word.strip())
        elif scheme in CLASSIFICATIONS and (code := subject.text("SubjectCode")):
            yield OnixSubject(scheme, _code(code, 12).upper(), heading)


def _language(detail: Composite) -> str | None:
    for language in detail.all("Language"):
        if language.text("LanguageRole") == "01":
            return _code(language.text("LanguageCode"), 3)
    return None


def _features(detail: Composite, kind: str) -> Iterator[OnixFeature]:
    for feature in detail.all("ProductFormFeature"):
        if feature.text("ProductFormFeatureType") == kind and (value := feature.text("ProductFormFeatureValue")):
            yield OnixFeature(value, feature.text("ProductFormFeatureDescription"))


def _usage(detail: Composite) -> Iterator[OnixUsage]:
    for constraint in detail.all("EpubUsageConstraint"):
        limits = [(limit.text("Quantity"), limit.text("EpubUsageUnit")) for limit in constraint.all("EpubUsageLimit")]
        kind, status = constraint.text("EpubUsageType"), constraint.text("EpubUsageStatus")
        if kind and status:
            yield OnixUsage(kind, status, tuple((quantity, unit) for quantity, unit in limits if quantity and unit))


def _contacts(publishing: Composite, role: str) -> Iterator[OnixContact]:
    for contact in publishing.all("ProductContact"):
        name = contact.text("ProductContactName") or contact.text("ContactName")
        if contact.text("ProductContactRole") == role and name:
            places = ("StreetAddress", "LocationName", "PostalCode", "CountryCode")
            address = ", ".join(part for place in places if (part := contact.text(place)))
            yield OnixContact(name, contact.text("EmailAddress"), address or None)


def _alternatives(related_material: Composite) -> Iterator[str]:
    for related in related_material.all("RelatedProduct"):
        if ALTERNATIVE_FORMS.intersection(code.element.text or "" for code in related.all("ProductRelationCode")):
            for identifier in related.all("ProductIdentifier"):
                if isbn := _isbn_of(identifier):
                    yield isbn


Quantities = list[tuple[str | None, str | None, Composite]]
"""Measures or extents: the type and the unit of each."""


def _isbn_of(identifier: Composite) -> str | None:
    """The ISBN that it names of another product, which is not ours to check."""
    value = identifier.text("IDValue") if identifier.text("ProductIDType") in ISBN_TYPES else None
    return _isbn13(value) or isbn_number.compact(value) if value else None


def _measures(detail: Composite) -> Quantities:
    return [(one.text("MeasureType"), one.text("MeasureUnitCode"), one) for one in detail.all("Measure")]


def _measure(measures: Quantities, wanted: str, units: dict[str, Decimal]) -> int | None:
    """A measure in the unit that counts 1 in `units`."""
    for kind, unit, measure in measures:
        if kind == wanted and unit in units:
            return _kept(_number(measure.required("Measurement")) * units[unit])
    return None


def _extents(detail: Composite) -> Quantities:
    return [(one.text("ExtentType"), one.text("ExtentUnit"), one) for one in detail.all("Extent")]


def _pages(extents: Quantities) -> int | None:
    for kind, unit, extent in extents:
        if kind in PAGE_COUNTS and unit == PAGES:
            return int(_number(extent.required("ExtentValue")))
    return None


def _file_bytes(extents: Quantities) -> int | None:
    """Its size; a file of more than two gigabytes goes without."""
    for wanted, size in FILE_UNITS.items():
        for kind, unit, extent in extents:
            if kind == FILE_SIZE and unit == wanted:
                told = int(_number(extent.required("ExtentValue")) * size)
                return told if told <= LARGEST else None
    return None


def _publication_date(publishing: Composite) -> date | None:
    """The day of publication, or of the end of a sales embargo (list 163: 01, 02), whichever is later."""
    dates = [
        _date(one.required("Date"))
        for one in publishing.all("PublishingDate")
        if one.text("PublishingDateRole") in {"01", "02"}
    ]
    return max(dates, default=None)


def _availability(supplies: list[Composite]) -> str:
    for supply in supplies:
        if (code := supply.text("ProductAvailability")) is not None:
            return code
    raise ValueError("it has no ProductAvailability")


def _supply_date(supplies: list[Composite]) -> date | None:
    for supply in supplies:
        for one in supply.all("SupplyDate"):
            if one.text("SupplyDateRole") == "08":
                return _date(one.required("Date"))
    return None


def _stock(supplies: list[Composite]) -> int | None:
    counts = [
        int(_number(count))
        for supply in supplies
        for one in supply.all("Stock")
        if (count := one.text("OnHand")) is not None
    ]
    return _kept(Decimal(sum(counts))) if counts else None


def _rights(publishing: Composite) -> Statement:
    rights = tuple(
        SalesRights(
            one.required("SalesRightsType"),
            _territory(one) or Territory(),
            _restriction(one),
            one.text("PublisherName"),
            next((isbn for identifier in one.all("ProductIdentifier") if (isbn := _isbn_of(identifier))), None),
        )
        for one in publishing.all("SalesRights")
    )
    return Statement(rights, publishing.text("ROWSalesRightsType"))


def _restriction(rights: Composite) -> str | None:
    """Who may not sell or buy it (list 71), where that is more than a note; one without a type is one all the same."""
    kinds = {_code(one.text("SalesRestrictionType") or "99", 2) for one in rights.all("SalesRestriction")} - {"00"}
    return min(kinds, default=None)


def _territory_statement(publishing: Composite) -> str | None:
    """What is said in words beside the rights, all of it."""
    notes = [
        note
        for rights in publishing.all("SalesRights")
        for restriction in rights.all("SalesRestriction")
        if (note := restriction.text("SalesRestrictionNote")) is not None
    ]
    return " ".join(dict.fromkeys(notes)) or None


def _territory(within: Composite) -> Territory | None:
    if within.child("Territory") is None:
        return None
    found = within.first("Territory")
    names = ("CountriesIncluded", "RegionsIncluded", "CountriesExcluded", "RegionsExcluded")
    return Territory(*(tuple((found.text(name) or "").split()) for name in names))


def _prices(supply: Composite, supplies: list[Composite], usual: Defaults) -> Iterator[OnixPrice]:
    """What anybody pays for one copy, tax included, in each market, of those who supply it."""
    markets = [_territory(market) for market in supply.all("Market")] or [None]
    priced = [price for detail in supply.all("SupplyDetail") if detail in supplies for price in detail.all("Price")]
    for price in priced:
        if (price.text("PriceType") or usual.price_type) in WITH_TAX and _is_for_anybody(price):
            currency = price.text("CurrencyCode") or usual.currency or price.required("CurrencyCode")
            money = _money(price.required("PriceAmount"), currency)
            territory, days = _territory(price), _days(price)
            yield from (OnixPrice(money, territory, market, *days) for market in markets)


def _is_for_anybody(price: Composite) -> bool:
    """Whether it is a consumer's price of one copy: no library's, no subscriber's, no rent, no price of fifty."""
    at_least = _decimal(price.text("MinimumOrderQuantity") or "1")
    return price.text("PriceQualifier") in TO_CONSUMERS and price.child("PriceCondition") is None and at_least <= 1


def _days(price: Composite) -> tuple[date | None, date | None]:
    """From and until when it holds, both days within."""
    dates = {one.text("PriceDateRole"): one.required("Date") for one in price.all("PriceDate")}
    whole = _span(dates.get("24", ""))
    since, until = dates.get("14", whole[0]), dates.get("15", whole[-1])
    return _date(since) if since else None, _date(until) if until else None


def _span(written: str) -> list[str]:
    """Two days, written with or without a space between them; one day is both."""
    together = len(written) == SPAN and written.isdigit()
    return [written[: SPAN // 2], written[SPAN // 2 :]] if together else (written.split() or [""])


@lru_cache(maxsize=2048)
def _money(amount: str, currency: str) -> Money:
    """A price; a catalogue has a thousand books for each."""
    if not is_currency(currency):
        raise ValueError(f"{currency} is not a currency of ISO 4217")
    money = Money.from_decimal(_decimal(amount), currency)
    if not 0 < money.minor <= LARGEST:
        raise ValueError(f"{amount} {currency} is no price")
    return money


def _date(text: str) -> date:
    """A day; of a month or a year alone, its last, so that nothing is early."""
    try:
        if len(text) in {len("2026"), len("202604")} and text.isdigit():
            year, month = int(text[:4]), int(text[4:] or 12)
            return date(year, month, monthrange(year, month)[1])
        return date.fromisoformat(f"{text[:4]}-{text[4:6]}-{text[6:8]}")
    except ValueError:
        raise ValueError(f"{text} is not a date written YYYYMMDD") from None


@overload
def _code(text: str, longest: int) -> str: ...
@overload
def _code(text: str | None, longest: int) -> str | None: ...
def _code(text: str | None, longest: int) -> str | None:
    """A code of one of ONIX's lists, known to us or not; anything longer is no code."""
    if text is not None and len(text) > longest:
        raise ValueError(f"{text[:40]} is not a code of {longest} characters")
    return text


def _number(text: str) -> Decimal:
    """A number that a column holds."""
    number = _decimal(text)
    if not 0 <= number <= LARGEST:
        raise ValueError(f"{text[:40]} is not a number that can be kept")
    return number


def _kept(number: Decimal) -> int:
    """A whole number that a column holds."""
    if abs(number) > LARGEST:
        raise ValueError(f"{number} is more than can be kept")
    return round(number)


def _decimal(text: str) -> Decimal:
    """A number as XML writes it: Python would take 1_0 and Arabic digits for one as well."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:40]} is not a number")
    return Decimal(text)


_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
