"""ONIX 3.0 in: a stream of products as plain values, and of problems with the line each stands on.

Pure: knows XML, not the database. A document type is refused outright, nothing is fetched, and a product
that cannot be read is a problem, not a stop. This reads what the shop needs of the reference tags.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, overload

from babel.numbers import is_currency
from lxml import etree
from stdnum import isbn as isbn_number
from stdnum.exceptions import ValidationError

from shop.catalogue.rights import SalesRights, Statement, Territory
from shop.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

NAMESPACE = "{http://ns.editeur.org/onix/3.0/reference}"
DEEPEST = 60
LARGEST = 2_147_483_647
LONGEST_REFERENCE = 100


class OnixError(Exception):
    """The file as a whole cannot be read."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A product that was left out, and why.

    Attributes:
        line: Where it begins in the file, from 1.
        reference: Its RecordReference, where it has one.
    """

    line: int
    reference: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class OnixContributor:
    """A contributor: role (list 17), name, biography."""

    role: str
    name: str
    biography: str | None


@dataclass(frozen=True, slots=True)
class OnixQuotation:
    """A review quotation, its author and source apart."""

    words: str
    author: str | None
    source: str | None


@dataclass(frozen=True, slots=True)
class OnixPrice:
    """A price with tax, and where it holds (None: everywhere)."""

    money: Money
    territory: Territory | None


@dataclass(frozen=True, slots=True)
class OnixProduct:
    """One Product composite, as far as the shop reads it. Descriptions are as sent: not yet cleaned."""

    reference: str
    digest: str
    notification: str
    isbn: str
    work_identifier: str
    form: str
    form_detail: str | None
    protection: str | None
    title: str
    subtitle: str | None
    publisher: str | None
    contributors: tuple[OnixContributor, ...]
    description: str
    short_description: str | None
    quotations: tuple[OnixQuotation, ...]
    subjects: tuple[str, ...]
    language: str
    accessibility: tuple[str, ...]
    pages: int | None
    width_mm: int | None
    height_mm: int | None
    file_bytes: int | None
    publishing_status: str
    publication_date: date | None
    availability: str
    expected_date: date | None
    stock: int | None
    rights: Statement
    territory_statement: str | None
    prices: tuple[OnixPrice, ...]


def products(path: Path) -> Iterator[OnixProduct | Problem]:
    """Read a file product by product, in bounded memory.

    Raises:
        OnixError: the file is not XML, not ONIX 3.0 with reference tags, or carries a document type.
    """
    with path.open("rb") as file, _parsing(path, file, "start") as stream:
        _look_at_root(path, next(stream)[1])
    with path.open("rb") as file, _parsing(path, file, "end", f"{NAMESPACE}Product") as stream:
        for _event, element in stream:
            yield _read(element)
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


@contextmanager
def _parsing(path: Path, file: BinaryIO, event: str, tag: str | None = None) -> Iterator[Any]:
    stream = etree.iterparse(
        file, (event,), tag=tag, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        yield stream
    except etree.XMLSyntaxError as error:
        # After an undefined entity the parser's last word is only that nothing was found; the fault stands in its log.
        faults = [fault for fault in stream.error_log if fault.level >= etree.ErrorLevels.ERROR]
        line, words = (faults[0].line, faults[0].message) if faults else (error.lineno, error.msg)
        raise OnixError(f"{path.name}, line {line}: {words}") from error


def _look_at_root(path: Path, root: etree._Element) -> None:
    """Refuse, before anything is read, what is no ONIX message or carries a document type."""
    if root.getroottree().docinfo.internalDTD is not None:
        raise OnixError(f"{path.name}: a document type declaration is not read; send the file without it.")
    if root.tag != f"{NAMESPACE}ONIXMessage":
        raise OnixError(f"This is {root.tag}, not an ONIXMessage in the ONIX 3.0 reference namespace.")


def _read(element: etree._Element) -> OnixProduct | Problem:
    reference = _text(element, "RecordReference")
    try:
        return _product(element, reference)
    except ValueError as error:
        return Problem(_line_of(element), reference, str(error))


def _line_of(element: etree._Element) -> int:
    line: object = element.sourceline
    return line if isinstance(line, int) else 0


def _product(element: etree._Element, reference: str | None) -> OnixProduct:
    if not reference:
        raise ValueError("it has no RecordReference")
    if len(reference) > LONGEST_REFERENCE:
        raise ValueError(f"its RecordReference is longer than {LONGEST_REFERENCE} characters")
    if max(_depths(element)) > DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    isbn = _isbn(element)
    width, height = (_measure(element, kind) for kind in ("02", "01"))
    title, subtitle = _title(element)
    return OnixProduct(
        reference=reference,
        digest=hashlib.sha256(etree.tostring(element, method="c14n")).hexdigest(),
        notification=_text(element, "NotificationType") or "03",
        isbn=isbn,
        work_identifier=_work_identifier(element) or f"isbn:{isbn}",
        form=_code(_required(element, "DescriptiveDetail/ProductForm"), 2),
        form_detail=_code(_text(element, "DescriptiveDetail/ProductFormDetail"), 4),
        protection=_code(_text(element, "DescriptiveDetail/EpubTechnicalProtection"), 2),
        title=title,
        subtitle=subtitle,
        publisher=_text(element, "PublishingDetail/Publisher/PublisherName"),
        contributors=tuple(_contributors(element)),
        description=_content(element, "03"),
        short_description=_content(element, "02") or None,
        quotations=tuple(_quotations(element)),
        subjects=tuple(_subjects(element)),
        language=_language(element),
        accessibility=tuple(_features(element, "09")),
        pages=_extent(element, {"00", "07", "11"}, "03"),
        width_mm=width,
        height_mm=height,
        file_bytes=_file_bytes(element),
        publishing_status=_code(_text(element, "PublishingDetail/PublishingStatus") or "00", 2),
        publication_date=_publication_date(element),
        availability=_code(_required(element, "ProductSupply/SupplyDetail/ProductAvailability"), 2),
        expected_date=_supply_date(element),
        stock=_stock(element),
        rights=_rights(element),
        territory_statement=_text(element, "PublishingDetail/SalesRights/SalesRestriction/SalesRestrictionNote"),
        prices=tuple(_prices(element)),
    )


def _depths(element: etree._Element, depth: int = 1) -> Iterator[int]:
    waiting = [(element, depth)]
    while waiting:
        one, at = waiting.pop()
        yield at
        if at <= DEEPEST:
            waiting.extend((child, at + 1) for child in one)


def _path(path: str) -> str:
    return "/".join(NAMESPACE + step for step in path.split("/"))


def _all(element: etree._Element, path: str) -> list[etree._Element]:
    return element.findall(_path(path))


def _text(element: etree._Element, path: str) -> str | None:
    found = element.find(_path(path))
    text = "".join(str(part) for part in found.itertext()) if found is not None else ""
    return " ".join(text.split()) or None


def _required(element: etree._Element, path: str) -> str:
    text = _text(element, path)
    if text is None:
        raise ValueError(f"it has no {path.rsplit('/', maxsplit=1)[-1]}")
    return text


def _isbn(element: etree._Element) -> str:
    for identifier in _all(element, "ProductIdentifier"):
        if _text(identifier, "ProductIDType") in {"15", "03", "02"}:
            written = _text(identifier, "IDValue") or ""
            try:
                return str(isbn_number.to_isbn13(isbn_number.validate(written)))
            except ValidationError:
                raise ValueError(f"ISBN {written} has a wrong check digit or length") from None
    raise ValueError("it has no ISBN (ProductIdentifier of type 15, 03 or 02)")


def _work_identifier(element: etree._Element) -> str | None:
    for related in _all(element, "RelatedMaterial/RelatedWork"):
        if _text(related, "WorkRelationCode") == "01":
            for identifier in _all(related, "WorkIdentifier"):
                kind, value = _text(identifier, "WorkIDType"), _text(identifier, "IDValue")
                if value:
                    return f"{kind}:{_text(identifier, 'IDTypeName') or ''}:{value}"
    return None


def _title(element: etree._Element) -> tuple[str, str | None]:
    for detail in _all(element, "DescriptiveDetail/TitleDetail"):
        if _text(detail, "TitleType") == "01":
            for part in _all(detail, "TitleElement"):
                if _text(part, "TitleElementLevel") == "01":
                    return _whole_title(part), _text(part, "Subtitle")
    raise ValueError("it has no distinctive title (TitleDetail of type 01)")


def _whole_title(part: etree._Element) -> str:
    prefix, rest = _text(part, "TitlePrefix"), _text(part, "TitleWithoutPrefix")
    title = _text(part, "TitleText") or " ".join(word for word in (prefix, rest) if word)
    if not title:
        raise ValueError("its title is empty")
    return title


def _contributors(element: etree._Element) -> Iterator[OnixContributor]:
    for one in _all(element, "DescriptiveDetail/Contributor"):
        names = (_text(one, "NamesBeforeKey"), _text(one, "PrefixToKey"), _text(one, "KeyNames"))
        name = _text(one, "PersonName") or " ".join(part for part in names if part) or _text(one, "CorporateName")
        if name:
            yield OnixContributor(
                _code(_text(one, "ContributorRole") or "A01", 3), name, _markup(one, "BiographicalNote")
            )


def _content(element: etree._Element, kind: str) -> str:
    for content in _all(element, "CollateralDetail/TextContent"):
        if _text(content, "TextType") == kind:
            return _markup(content, "Text") or ""
    return ""


def _markup(parent: etree._Element, name: str) -> str | None:
    """The inside of a text element as HTML: XHTML kept as sent, HTML text as sent, plain text as a paragraph."""
    found = parent.find(NAMESPACE + name)
    if found is None:
        return None
    if len(found) or found.get("textformat") == "05":
        inside = etree.tostring(found, encoding="unicode", with_tail=False)
        return inside[inside.index(">") + 1 : inside.rindex("<")].strip().replace(f' xmlns="{NAMESPACE[1:-1]}"', "")
    text = (found.text or "").strip()
    return text if found.get("textformat") == "02" else _paragraphs(text)


def _paragraphs(text: str) -> str:
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"<p>{' '.join(part.split())}</p>" for part in safe.split("\n\n") if part.strip())


def _quotations(element: etree._Element) -> Iterator[OnixQuotation]:
    for content in _all(element, "CollateralDetail/TextContent"):
        if _text(content, "TextType") == "06" and (words := _text(content, "Text")):
            yield OnixQuotation(words, _text(content, "TextAuthor"), _text(content, "SourceTitle"))


def _subjects(element: etree._Element) -> Iterator[str]:
    for subject in _all(element, "DescriptiveDetail/Subject"):
        if _text(subject, "SubjectSchemeIdentifier") == "20" and (words := _text(subject, "SubjectHeadingText")):
            yield from (word.strip() for word in words.split(";") if word.strip())


def _language(element: etree._Element) -> str:
    for language in _all(element, "DescriptiveDetail/Language"):
        if _text(language, "LanguageRole") == "01":
            return _code(_text(language, "LanguageCode") or "und", 3)
    return "und"


def _features(element: etree._Element, kind: str) -> Iterator[str]:
    for feature in _all(element, "DescriptiveDetail/ProductFormFeature"):
        if _text(feature, "ProductFormFeatureType") == kind and (value := _text(feature, "ProductFormFeatureValue")):
            yield value


def _measure(element: etree._Element, kind: str) -> int | None:
    in_millimetres = {"mm": Decimal(1), "cm": Decimal(10), "in": Decimal("25.4")}
    for measure in _all(element, "DescriptiveDetail/Measure"):
        unit = _text(measure, "MeasureUnitCode") or ""
        if _text(measure, "MeasureType") == kind and unit in in_millimetres:
            return round(_number(_required(measure, "Measurement")) * in_millimetres[unit])
    return None


def _extent(element: etree._Element, kinds: set[str], unit: str) -> int | None:
    for extent in _all(element, "DescriptiveDetail/Extent"):
        if _text(extent, "ExtentType") in kinds and _text(extent, "ExtentUnit") == unit:
            return int(_number(_required(extent, "ExtentValue")))
    return None


def _file_bytes(element: etree._Element) -> int | None:
    for unit, size in (("17", 1), ("18", 1024), ("19", 1024 * 1024)):
        for extent in _all(element, "DescriptiveDetail/Extent"):
            if _text(extent, "ExtentType") == "22" and _text(extent, "ExtentUnit") == unit:
                return int(_number(_required(extent, "ExtentValue")) * size)
    return None


def _publication_date(element: etree._Element) -> date | None:
    for one in _all(element, "PublishingDetail/PublishingDate"):
        if _text(one, "PublishingDateRole") == "01":
            return _date(_required(one, "Date"))
    return None


def _supply_date(element: etree._Element) -> date | None:
    for one in _all(element, "ProductSupply/SupplyDetail/SupplyDate"):
        if _text(one, "SupplyDateRole") == "08":
            return _date(_required(one, "Date"))
    return None


def _stock(element: etree._Element) -> int | None:
    counts = [
        int(_number(count))
        for one in _all(element, "ProductSupply/SupplyDetail/Stock")
        if (count := _text(one, "OnHand")) is not None
    ]
    return sum(counts) if counts else None


def _rights(element: etree._Element) -> Statement:
    rights = tuple(
        SalesRights(_required(one, "SalesRightsType"), _territory(one) or Territory())
        for one in _all(element, "PublishingDetail/SalesRights")
    )
    return Statement(rights, _text(element, "PublishingDetail/ROWSalesRightsType"))


def _territory(element: etree._Element) -> Territory | None:
    found = element.find(NAMESPACE + "Territory")
    if found is None:
        return None
    names = ("CountriesIncluded", "RegionsIncluded", "CountriesExcluded", "RegionsExcluded")
    return Territory(*(tuple((_text(found, name) or "").split()) for name in names))


def _prices(element: etree._Element) -> Iterator[OnixPrice]:
    for supply in _all(element, "ProductSupply/SupplyDetail"):
        for price in _all(supply, "Price"):
            if _text(price, "PriceType") in {"02", "04", "42"}:
                currency = _required(price, "CurrencyCode")
                amount = _decimal(_required(price, "PriceAmount"))
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
