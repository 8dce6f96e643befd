"""ONIX out: a message of 3.1 in reference names, of products as plain values; what it says, `reading` reads the same.

Pure. A description goes out as XHTML where it is well formed as that, else as words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree
from lxml.builder import ElementMaker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from shop.catalogue.onix.values import OnixPrice, OnixProduct
    from shop.catalogue.rights import Territory

NAMESPACE = "http://ns.editeur.org/onix/3.1/reference"
WHOLE_RECORD = "03"
RELEASE = "3.1"
_MAKE = ElementMaker(namespace=NAMESPACE, nsmap={None: NAMESPACE})

Made = etree._Element  # noqa: SLF001 - lxml's only name for it


def message(products: Iterable[OnixProduct], sender: str, at: datetime) -> bytes:
    """Return a message of these products, sent by `sender` at a moment (UTC)."""
    header = _of("Header", _of("Sender", _text("SenderName", sender)), _text("SentDateTime", f"{at:%Y%m%dT%H%MZ}"))
    root = _of("ONIXMessage", header, *(product(one) for one in products))
    root.set("release", RELEASE)
    for child in root:
        child.tail = "\n"  # no more than that: a space inside a text would be a space of the text
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def product(one: OnixProduct) -> Made:
    """Return the Product composite."""
    return _of(
        "Product",
        _text("RecordReference", one.reference),
        _text("NotificationType", WHOLE_RECORD),
        _of("ProductIdentifier", _text("ProductIDType", "15"), _text("IDValue", one.isbn)),
        _of("DescriptiveDetail", *_description(one)),
        _of("CollateralDetail", *_collateral(one)),
        _of("PublishingDetail", *_publishing(one)),
        _of("RelatedMaterial", *_related(one)),
        *_supplies(one),
    )


def _of(name: str, *children: Made | None) -> Made:
    """An element of those children that say something."""
    made: Made = _MAKE(name, *(child for child in children if child is not None and (len(child) or child.text)))
    return made


def _text(name: str, words: object) -> Made | None:
    return None if words is None or words == "" else _MAKE(name, str(words))


def _description(one: OnixProduct) -> Iterator[Made | None]:
    yield _text("ProductComposition", "00")
    yield _text("ProductForm", one.form)
    yield from (_text("ProductFormDetail", code) for code in one.form_details)
    yield from (_feature("09", feature.value, feature.words) for feature in one.accessibility)
    yield from (_feature("12", hazard, None) for hazard in one.hazards)
    sides = (("01", one.height_mm, "mm"), ("02", one.width_mm, "mm"), ("03", one.thickness_mm, "mm"))
    for kind, measure, unit in (*sides, ("08", one.weight_g, "gr")):
        if measure:
            yield _all("Measure", MeasureType=kind, Measurement=measure, MeasureUnitCode=unit)
    yield _text("EpubTechnicalProtection", one.protection)
    for use in one.usage:
        limits = (_all("EpubUsageLimit", Quantity=quantity, EpubUsageUnit=unit) for quantity, unit in use.limits)
        yield _of(
            "EpubUsageConstraint", _text("EpubUsageType", use.type), _text("EpubUsageStatus", use.status), *limits
        )
    element = _all("TitleElement", TitleElementLevel="01", TitleText=one.title, Subtitle=one.subtitle)
    yield _of("TitleDetail", _text("TitleType", "01"), element)
    for number, person in enumerate(one.contributors, start=1):
        role, name = _text("ContributorRole", person.role), _text("PersonName", person.name)
        note = _markup("BiographicalNote", person.biography)
        yield _of("Contributor", _text("SequenceNumber", number), role, name, note)
    yield _all("Language", LanguageRole="01", LanguageCode=one.language)
    if one.pages:
        yield _all("Extent", ExtentType="00", ExtentValue=one.pages, ExtentUnit="03")
    if one.file_bytes:
        yield _all("Extent", ExtentType="22", ExtentValue=one.file_bytes, ExtentUnit="17")
    yield _text("IllustrationsNote", one.illustrations)
    for subject in one.subjects:
        code, heading = _text("SubjectCode", subject.code), _text("SubjectHeadingText", subject.heading)
        yield _of("Subject", _text("SubjectSchemeIdentifier", subject.scheme), code, heading)


def _feature(kind: str, value: str, words: str | None) -> Made:
    return _all(
        "ProductFormFeature",
        ProductFormFeatureType=kind,
        ProductFormFeatureValue=value,
        ProductFormFeatureDescription=words,
    )


def _collateral(one: OnixProduct) -> Iterator[Made]:
    for kind, html in (("03", one.description), ("02", one.short_description)):
        if html:
            yield _of("TextContent", _text("TextType", kind), _text("ContentAudience", "00"), _markup("Text", html))
    for praise in one.quotations:
        yield _all(
            "TextContent",
            TextType="06",
            ContentAudience="00",
            Text=praise.words,
            TextAuthor=praise.author,
            SourceTitle=praise.source,
        )
    if one.cover:
        yield _of(
            "SupportingResource",
            _text("ResourceContentType", "01"),
            _text("ContentAudience", "00"),
            _text("ResourceMode", "03"),
            _all("ResourceVersion", ResourceForm="02", ResourceLink=one.cover),
        )


def _markup(name: str, html: str | None) -> Made | None:
    """Markup inside an element, in its namespace."""
    if not html:
        return None
    inside: Made
    try:
        inside = etree.fromstring(f'<{name} xmlns="{NAMESPACE}">{html}</{name}>')
    except etree.XMLSyntaxError:
        inside = _MAKE(name, html, textformat="02")
        return inside
    inside.set("textformat", "05")
    return inside


def _publishing(one: OnixProduct) -> Iterator[Made | None]:
    if one.publisher:
        yield _all("Publisher", PublishingRole="01", PublisherName=one.publisher)
    for contact in one.safety_contacts:
        told = ", ".join(part for part in (contact.name, contact.address) if part)
        yield _all("ProductContact", ProductContactRole="10", ProductContactName=told, EmailAddress=contact.email)
    yield _text("PublishingStatus", one.publishing_status)
    if one.publication_date:
        yield _date("PublishingDate", "PublishingDateRole", "01", one.publication_date)
    for number, rights in enumerate(one.rights.rights):
        note = one.territory_statement if number == 0 else None
        kind = rights.restriction or ("00" if note else None)
        restriction = _all("SalesRestriction", SalesRestrictionType=kind, SalesRestrictionNote=note) if kind else None
        yield _of(
            "SalesRights",
            _text("SalesRightsType", rights.type),
            _territory(rights.territory),
            restriction,
            _all("ProductIdentifier", ProductIDType="15", IDValue=rights.isbn) if rights.isbn else None,
            _text("PublisherName", rights.publisher),
        )
    yield _text("ROWSalesRightsType", one.rights.rest_of_world)


def _date(name: str, role_name: str, role: str, day: date) -> Made:
    return _of(name, _text(role_name, role), _MAKE("Date", f"{day:%Y%m%d}", dateformat="00"))


def _territory(territory: Territory | None) -> Made | None:
    if territory is None:
        return None
    return _all(
        "Territory",
        CountriesIncluded=" ".join(territory.countries_included),
        RegionsIncluded=" ".join(territory.regions_included),
        CountriesExcluded=" ".join(territory.countries_excluded),
        RegionsExcluded=" ".join(territory.regions_excluded),
    )


def _related(one: OnixProduct) -> Iterator[Made]:
    kind, _, rest = one.work_identifier.partition(":")
    name, _, value = rest.partition(":")
    if kind != "isbn":
        identifier = _all("WorkIdentifier", WorkIDType=kind, IDTypeName=name, IDValue=value)
        yield _of("RelatedWork", _text("WorkRelationCode", "01"), identifier)
    for isbn in one.alternatives:
        identifier = _all("ProductIdentifier", ProductIDType="15", IDValue=isbn)
        yield _of("RelatedProduct", _text("ProductRelationCode", "06"), identifier)


def _supplies(one: OnixProduct) -> Iterator[Made]:
    """A supply for each market that prices are for; what has no price is supplied all the same."""
    markets = list(dict.fromkeys(price.market for price in one.prices)) or [None]
    for market in markets:
        prices: list[Made | None] = [_price(price) for price in one.prices if price.market == market]
        expected = _date("SupplyDate", "SupplyDateRole", "08", one.expected_date) if one.expected_date else None
        stock = None if one.stock is None else _all("Stock", OnHand=one.stock)
        supplier = _all("Supplier", SupplierRole="01", SupplierName=one.publisher or "The publisher")
        available = _text("ProductAvailability", one.availability)
        if not prices:
            prices = [_text("UnpricedItemType", "04")]
        detail = _of("SupplyDetail", supplier, available, expected, stock, *prices)
        place = _of("Market", _territory(market)) if market else None
        yield _of("ProductSupply", place, detail)


def _price(price: OnixPrice) -> Made:
    roles = (("14", price.since), ("15", price.until))
    return _of(
        "Price",
        _text("PriceType", "02"),
        _text("PriceAmount", price.money.decimal),
        _text("CurrencyCode", price.money.currency),
        _territory(price.territory),
        *(_date("PriceDate", "PriceDateRole", role, day) for role, day in roles if day),
    )


def _all(name: str, **children: object) -> Made:
    """A composite of these texts, in this order, those that say something."""
    return _of(name, *(_text(child, words) for child, words in children.items()))
