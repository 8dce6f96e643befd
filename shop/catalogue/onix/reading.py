"""From a Product element to its values: each composite is opened once, and its children found by reference name."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, overload

from babel.numbers import is_currency
from lxml import etree
from stdnum import isbn as isbn_number
from stdnum.exceptions import ValidationError

from shop.catalogue.onix.tags import NAMES
from shop.catalogue.onix.values import OnixContributor, OnixPrice, OnixProduct, OnixQuotation, Problem
from shop.catalogue.rights import SalesRights, Statement, Territory
from shop.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 60
LARGEST = 2_147_483_647
LONGEST_REFERENCE = 100
_TOO_DEEP = etree.XPath("boolean(" + "/".join("*" * DEEPEST) + ")")


class Composite:
    """An element whose children have been looked through once and stand by their reference names."""

    __slots__ = ("_children", "_opened", "element")

    def __init__(self, element: etree._Element) -> None:
        self.element = element
        self._opened: dict[str, list[Composite]] = {}
        self._children: dict[str, list[etree._Element]] = {}
        for child in element:
            name = NAMES.get(child.tag)
            if name is not None:
                self._children.setdefault(name, []).append(child)

    def child(self, name: str) -> etree._Element | None:
        """Return the first child of a name as it is, or None."""
        found = self._children.get(name)
        return found[0] if found else None

    def all(self, name: str) -> list[Composite]:
        """Return every child of a name, opened."""
        found = self._opened.get(name)
        if found is None:
            found = self._opened[name] = [Composite(child) for child in self._children.get(name, ())]
        return found

    def first(self, name: str) -> Composite:
        """Return the first child of a name, opened; an empty one for none."""
        found = self.all(name)
        return found[0] if found else EMPTY

    def text(self, name: str) -> str | None:
        """Return the words of the first child of a name, tidied; None for none."""
        found = self._children.get(name)
        if found is None:
            return None
        element = found[0]
        text = "".join(map(str, element.itertext())) if len(element) else element.text
        return (" ".join(text.split()) or None) if text else None

    def required(self, name: str) -> str:
        """Return the words of a child.

        Raises:
            ValueError: there are none.
        """
        text = self.text(name)
        if text is None:
            raise ValueError(f"it has no {name}")
        return text


EMPTY = Composite(etree.Element("none"))


def read(element: etree._Element) -> OnixProduct | Problem:
    """Read one Product element, whole or not at all."""
    product = Composite(element)
    reference = product.text("RecordReference")
    try:
        return _product(product, reference)
    except ValueError as error:
        return Problem(_line_of(element), reference, str(error))


def _line_of(element: etree._Element) -> int:
    line: object = element.sourceline
    return line if isinstance(line, int) else 0


def _digest(element: etree._Element) -> str:
    """What tells one state of a record from another: its content as it was sent, whatever stands around it."""
    return hashlib.blake2b(etree.tostring(element, encoding="utf-8", with_tail=False), digest_size=32).hexdigest()


def _product(product: Composite, reference: str | None) -> OnixProduct:
    if not reference:
        raise ValueError("it has no RecordReference")
    if len(reference) > LONGEST_REFERENCE:
        raise ValueError(f"its RecordReference is longer than {LONGEST_REFERENCE} characters")
    if _TOO_DEEP(product.element):
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    isbn = _isbn(product)
    detail, collateral = product.first("DescriptiveDetail"), product.first("CollateralDetail")
    publishing, supplies = product.first("PublishingDetail"), _supplies(product)
    width, height = (_measure(detail, kind) for kind in ("02", "01"))
    title, subtitle = _title(detail)
    return OnixProduct(
        reference=reference,
        digest=_digest(product.element),
        notification=product.text("NotificationType") or "03",
        isbn=isbn,
        work_identifier=_work_identifier(product.first("RelatedMaterial")) or f"isbn:{isbn}",
        form=_code(detail.required("ProductForm"), 2),
        form_detail=_code(detail.text("ProductFormDetail"), 4),
        protection=_code(detail.text("EpubTechnicalProtection"), 2),
        title=title,
        subtitle=subtitle,
        publisher=publishing.first("Publisher").text("PublisherName"),
        contributors=tuple(_contributors(detail)),
        description=_content(collateral, "03"),
        short_description=_content(collateral, "02") or None,
        quotations=tuple(_quotations(collateral)),
        subjects=tuple(_subjects(detail)),
        language=_language(detail),
        accessibility=tuple(_features(detail, "09")),
        pages=_extent(detail, {"00", "07", "11"}, "03"),
        width_mm=width,
        height_mm=height,
        file_bytes=_file_bytes(detail),
        publishing_status=_code(publishing.text("PublishingStatus") or "00", 2),
        publication_date=_publication_date(publishing),
        availability=_code(_availability(supplies), 2),
        expected_date=_supply_date(supplies),
        stock=_stock(supplies),
        rights=_rights(publishing),
        territory_statement=_territory_statement(publishing),
        prices=tuple(_prices(supplies)),
    )


def _supplies(product: Composite) -> list[Composite]:
    return [detail for supply in product.all("ProductSupply") for detail in supply.all("SupplyDetail")]


def _isbn(product: Composite) -> str:
    for identifier in product.all("ProductIdentifier"):
        if identifier.text("ProductIDType") in {"15", "03", "02"}:
            written = identifier.text("IDValue") or ""
            try:
                return str(isbn_number.to_isbn13(isbn_number.validate(written)))
            except ValidationError:
                raise ValueError(f"ISBN {written} has a wrong check digit or length") from None
    raise ValueError("it has no ISBN (ProductIdentifier of type 15, 03 or 02)")


def _work_identifier(related_material: Composite) -> str | None:
    for related in related_material.all("RelatedWork"):
        if related.text("WorkRelationCode") == "01":
            for identifier in related.all("WorkIdentifier"):
                kind, value = identifier.text("WorkIDType"), identifier.text("IDValue")
                if value:
                    return f"{kind}:{identifier.text('IDTypeName') or ''}:{value}"
    return None


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
        name = one.text("PersonName") or " ".join(part for part in names if part) or one.text("CorporateName")
        if name:
            yield OnixContributor(
                _code(one.text("ContributorRole") or "A01", 3), name, _markup(one, "BiographicalNote")
            )


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
        if content.text("TextType") == "06" and (words := content.text("Text")):
            yield OnixQuotation(words, content.text("TextAuthor"), content.text("SourceTitle"))


def _subjects(detail: Composite) -> Iterator[str]:
    for subject in detail.all("Subject"):
        if subject.text("SubjectSchemeIdentifier") == "20" and (words := subject.text("SubjectHeadingText")):
            yield from (word.strip() for word in words.split(";") if word.strip())


def _language(detail: Composite) -> str:
    for language in detail.all("Language"):
        if language.text("LanguageRole") == "01":
            return _code(language.text("LanguageCode") or "und", 3)
    return "und"


def _features(detail: Composite, kind: str) -> Iterator[str]:
    for feature in detail.all("ProductFormFeature"):
        if feature.text("ProductFormFeatureType") == kind and (value := feature.text("ProductFormFeatureValue")):
            yield value


def _measure(detail: Composite, kind: str) -> int | None:
    in_millimetres = {"mm": Decimal(1), "cm": Decimal(10), "in": Decimal("25.4")}
    for measure in detail.all("Measure"):
        unit = measure.text("MeasureUnitCode") or ""
        if measure.text("MeasureType") == kind and unit in in_millimetres:
            return round(_number(measure.required("Measurement")) * in_millimetres[unit])
    return None


def _extent(detail: Composite, kinds: set[str], unit: str) -> int | None:
    for extent in detail.all("Extent"):
        if extent.text("ExtentType") in kinds and extent.text("ExtentUnit") == unit:
            return int(_number(extent.required("ExtentValue")))
    return None


def _file_bytes(detail: Composite) -> int | None:
    for unit, size in (("17", 1), ("18", 1024), ("19", 1024 * 1024)):
        for extent in detail.all("Extent"):
            if extent.text("ExtentType") == "22" and extent.text("ExtentUnit") == unit:
                return int(_number(extent.required("ExtentValue")) * size)
    return None


def _publication_date(publishing: Composite) -> date | None:
    for one in publishing.all("PublishingDate"):
        if one.text("PublishingDateRole") == "01":
            return _date(one.required("Date"))
    return None


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
    return sum(counts) if counts else None


def _rights(publishing: Composite) -> Statement:
    rights = tuple(
        SalesRights(one.required("SalesRightsType"), _territory(one) or Territory())
        for one in publishing.all("SalesRights")
    )
    return Statement(rights, publishing.text("ROWSalesRightsType"))


def _territory_statement(publishing: Composite) -> str | None:
    for rights in publishing.all("SalesRights"):
        if (note := rights.first("SalesRestriction").text("SalesRestrictionNote")) is not None:
            return note
    return None


def _territory(within: Composite) -> Territory | None:
    if within.child("Territory") is None:
        return None
    found = within.first("Territory")
    names = ("CountriesIncluded", "RegionsIncluded", "CountriesExcluded", "RegionsExcluded")
    return Territory(*(tuple((found.text(name) or "").split()) for name in names))


def _prices(supplies: list[Composite]) -> Iterator[OnixPrice]:
    for supply in supplies:
        for price in supply.all("Price"):
            if price.text("PriceType") in {"02", "04", "42"}:
                currency = price.required("CurrencyCode")
                amount = _decimal(price.required("PriceAmount"))
                yield OnixPrice(_money(amount, currency), _territory(price))


def _money(amount: Decimal, currency: str) -> Money:
    if not is_currency(currency):
        raise ValueError(f"{currency} is not a currency of ISO 4217")
    money = Money.from_decimal(amount, currency)
    if not 0 < money.minor <= LARGEST:
        raise ValueError(f"{amount} {currency} is no price")
    return money


def _date(text: str) -> date:
    try:
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
    if not number.is_finite() or abs(number) > LARGEST:
        raise ValueError(f"{text[:40]} is not a number that can be kept")
    return number


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text} is not a number") from None
