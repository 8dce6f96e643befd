"""ONIX in: what a good file says, and what a nasty one cannot do."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shop.catalogue import onix
from shop.catalogue.onix import (
    OnixContact,
    OnixContributor,
    OnixError,
    OnixFeature,
    OnixPrice,
    OnixProduct,
    OnixQuotation,
    OnixSubject,
    OnixUsage,
    Problem,
)
from shop.catalogue.onix.tags import SHORT
from shop.catalogue.rights import SalesRights, Statement, Territory
from shop.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CATALOGUE = Path(__file__).parent.parent / "config" / "demo" / "catalogue.xml"
NAMESPACE = "http://ns.editeur.org/onix/3.0/reference"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
REFERENCE = "org.example.1"

SOUND = """<Product>
<RecordReference>org.example.1</RecordReference>
<NotificationType>03</NotificationType>
<ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>9781631498299</IDValue></ProductIdentifier>
<DescriptiveDetail>
<ProductForm>BB</ProductForm>
<ProductFormDetail>B401</ProductFormDetail><ProductFormDetail> B504 </ProductFormDetail>
<Measure><MeasureType>01</MeasureType><Measurement>9</Measurement><MeasureUnitCode>in</MeasureUnitCode></Measure>
<Measure><MeasureType>02</MeasureType><Measurement>15.2</Measurement><MeasureUnitCode>cm</MeasureUnitCode></Measure>
<TitleDetail><TitleType>01</TitleType><TitleElement><TitleElementLevel>01</TitleElementLevel>\
<TitleText>Exit Stalin</TitleText><Subtitle>The Soviet Union as a Civilization</Subtitle></TitleElement></TitleDetail>
<Contributor><ContributorRole>A01</ContributorRole><PersonName>Mark B. Smith</PersonName>\
<BiographicalNote textformat="05"><p>A historian.</p></BiographicalNote></Contributor>
<Contributor><ContributorRole>B01</ContributorRole><NamesBeforeKey>Vincent</NamesBeforeKey>\
<PrefixToKey>van</PrefixToKey><KeyNames>Dyke</KeyNames></Contributor>
<Language><LanguageRole>01</LanguageRole><LanguageCode>eng</LanguageCode></Language>
<Extent><ExtentType>00</ExtentType><ExtentValue>576</ExtentValue><ExtentUnit>03</ExtentUnit></Extent>
<Extent><ExtentType>22</ExtentType><ExtentValue>1.5</ExtentValue><ExtentUnit>19</ExtentUnit></Extent>
<Measure><MeasureType>03</MeasureType><Measurement>41</Measurement><MeasureUnitCode>mm</MeasureUnitCode></Measure>
<Measure><MeasureType>08</MeasureType><Measurement>2</Measurement><MeasureUnitCode>lb</MeasureUnitCode></Measure>
<ProductFormFeature><ProductFormFeatureType>09</ProductFormFeatureType>\
<ProductFormFeatureValue>14</ProductFormFeatureValue></ProductFormFeature>
<ProductFormFeature><ProductFormFeatureType>09</ProductFormFeatureType><ProductFormFeatureValue>00\
</ProductFormFeatureValue><ProductFormFeatureDescription>All is described.</ProductFormFeatureDescription>\
</ProductFormFeature>
<ProductFormFeature><ProductFormFeatureType>12</ProductFormFeatureType>\
<ProductFormFeatureValue>00</ProductFormFeatureValue></ProductFormFeature>
<EpubUsageConstraint><EpubUsageType>02</EpubUsageType><EpubUsageStatus>02</EpubUsageStatus>\
<EpubUsageLimit><Quantity>20</Quantity><EpubUsageUnit>04</EpubUsageUnit></EpubUsageLimit></EpubUsageConstraint>
<EpubUsageConstraint><EpubUsageType>05</EpubUsageType><EpubUsageStatus>01</EpubUsageStatus></EpubUsageConstraint>
<IllustrationsNote>16 plates</IllustrationsNote>
<Subject><SubjectSchemeIdentifier>20</SubjectSchemeIdentifier>\
<SubjectHeadingText>USSR; Khrushchev ; </SubjectHeadingText></Subject>
<Subject><MainSubject/><SubjectSchemeIdentifier>93</SubjectSchemeIdentifier><SubjectCode>nhd</SubjectCode>\
<SubjectHeadingText>European history</SubjectHeadingText></Subject>
<Subject><SubjectSchemeIdentifier>24</SubjectSchemeIdentifier><SubjectCode>own</SubjectCode></Subject>
</DescriptiveDetail>
<CollateralDetail>
<TextContent><TextType>03</TextType><Text>Fish &amp; chips &lt;then&gt;

and now</Text></TextContent>
<TextContent><TextType>06</TextType><Text>Lucid</Text><TextAuthor>D. Smith</TextAuthor></TextContent>
<SupportingResource><ResourceContentType>04</ResourceContentType><ResourceMode>03</ResourceMode><ResourceVersion>\
<ResourceForm>02</ResourceForm><ResourceLink>https://img.example.org/author.jpg</ResourceLink></ResourceVersion>\
</SupportingResource>
<SupportingResource><ResourceContentType>01</ResourceContentType><ResourceMode>03</ResourceMode><ResourceVersion>\
<ResourceForm>02</ResourceForm><ResourceLink>ftp://img.example.org/exit.jpg</ResourceLink></ResourceVersion>\
<ResourceVersion><ResourceForm>02</ResourceForm><ResourceLink>https://img.example.org/exit.jpg</ResourceLink>\
</ResourceVersion></SupportingResource>
</CollateralDetail>
<PublishingDetail>
<Publisher><PublisherName>Example Press</PublisherName></Publisher>
<ProductContact><ProductContactRole>10</ProductContactRole><ProductContactName>Example Press</ProductContactName>\
<EmailAddress>safety@example.com</EmailAddress><StreetAddress>1 Row</StreetAddress><LocationName>London</LocationName>\
<PostalCode>EC4M 7DX</PostalCode><CountryCode>GB</CountryCode></ProductContact>
<ProductContact><ProductContactRole>04</ProductContactRole><ProductContactName>Critics</ProductContactName>\
</ProductContact>
<PublishingStatus>04</PublishingStatus>
<PublishingDate><PublishingDateRole>01</PublishingDateRole><Date>20260428</Date></PublishingDate>
<SalesRights><SalesRightsType>01</SalesRightsType><Territory><RegionsIncluded>WORLD</RegionsIncluded>\
<CountriesExcluded>GB IE</CountriesExcluded></Territory></SalesRights>
<ROWSalesRightsType>03</ROWSalesRightsType>
</PublishingDetail>
<RelatedMaterial><RelatedWork><WorkRelationCode>01</WorkRelationCode><WorkIdentifier><WorkIDType>01</WorkIDType>\
<IDTypeName>Work</IDTypeName><IDValue>W-1</IDValue></WorkIdentifier></RelatedWork>
<RelatedProduct><ProductRelationCode>06</ProductRelationCode><ProductIdentifier><ProductIDType>15</ProductIDType>\
<IDValue>978-1-63149-830-5</IDValue></ProductIdentifier></RelatedProduct>
<RelatedProduct><ProductRelationCode>23</ProductRelationCode><ProductIdentifier><ProductIDType>15</ProductIDType>\
<IDValue>9789999913669</IDValue></ProductIdentifier></RelatedProduct></RelatedMaterial>
<ProductSupply><Market><Territory><RegionsIncluded>WORLD</RegionsIncluded><CountriesExcluded>AU</CountriesExcluded>\
</Territory></Market><SupplyDetail>
<ProductAvailability>21</ProductAvailability>
<SupplyDate><SupplyDateRole>08</SupplyDateRole><Date>20260501</Date></SupplyDate>
<Stock><OnHand>184</OnHand></Stock><Stock><OnHand>16</OnHand></Stock>
<Price><PriceType>01</PriceType><PriceAmount>30.00</PriceAmount><CurrencyCode>GBP</CurrencyCode></Price>
<Price><PriceType>02</PriceType><PriceAmount>38.00</PriceAmount><CurrencyCode>GBP</CurrencyCode>\
<PriceDate><PriceDateRole>14</PriceDateRole><Date>20260501</Date></PriceDate>\
<PriceDate><PriceDateRole>15</PriceDateRole><Date>20260531</Date></PriceDate>\
<Territory><CountriesIncluded>US CA</CountriesIncluded></Territory></Price>
</SupplyDetail></ProductSupply>
</Product>
"""
FIRST_LINE = 3
"""Where the first product of a message begins."""


def second(text: str = SOUND) -> str:
    """Another, sound product to stand beside it."""
    return text.replace(REFERENCE, "org.example.2").replace("9781631498299", "9781631498305")


def message(*products: str, before: str = DECLARATION) -> str:
    inside = "".join(products)
    return f'{before}<ONIXMessage xmlns="{NAMESPACE}" release="3.0">\n{inside}</ONIXMessage>\n'


class Read(Protocol):
    def __call__(self, content: str | bytes) -> Sequence[onix.Told]:
        """Read a file of this content."""


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def reading(content: str | bytes) -> Sequence[onix.Told]:
        path = tmp_path / "feed.xml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(onix.products(path))

    return reading


def only(found: Sequence[onix.Told]) -> OnixProduct:
    (product,) = found
    assert isinstance(product, OnixProduct), product
    return product


def left_out(found: Sequence[onix.Told]) -> Problem:
    """The problem of the first product, the second having gone in."""
    problem, other = found
    assert isinstance(problem, Problem), problem
    assert isinstance(other, OnixProduct)
    assert other.reference == "org.example.2"
    return problem


# -- A good file ---------------------------------------------------------------------------------------------------


def test_a_product_is_read_whole(read: Read) -> None:
    product = only(read(message(SOUND)))
    assert replace(product, digest="") == OnixProduct(
        reference=REFERENCE,
        digest="",
        isbn="9781631498299",
        work_identifier="01:Work:W-1",
        form="BB",
        form_details=("B401", "B504"),
        protection=None,
        title="Exit Stalin",
        subtitle="The Soviet Union as a Civilization",
        publisher="Example Press",
        contributors=(
            OnixContributor("A01", "Mark B. Smith", "<p>A historian.</p>"),
            OnixContributor("B01", "Vincent van Dyke", None),
        ),
        description="<p>Fish &amp; chips &lt;then&gt;</p><p>and now</p>",
        short_description=None,
        quotations=(OnixQuotation("Lucid", "D. Smith", None),),
        subjects=(
            OnixSubject("93", "NHD", "European history"),
            OnixSubject("20", "", "USSR"),
            OnixSubject("20", "", "Khrushchev"),
        ),
        language="eng",
        accessibility=(OnixFeature("14", None), OnixFeature("00", "All is described.")),
        hazards=("00",),
        usage=(OnixUsage("02", "02", (("20", "04"),)), OnixUsage("05", "01", ())),
        safety_contacts=(OnixContact("Example Press", "safety@example.com", "1 Row, London, EC4M 7DX, GB"),),
        alternatives=("9781631498305",),
        illustrations="16 plates",
        pages=576,
        width_mm=152,
        height_mm=229,
        thickness_mm=41,
        weight_g=907,
        file_bytes=1536 * 1024,
        publishing_status="04",
        publication_date=date(2026, 4, 28),
        availability="21",
        expected_date=date(2026, 5, 1),
        stock=200,
        rights=Statement((SalesRights("01", Territory((), ("WORLD",), ("GB", "IE"))),), "03"),
        cover="https://img.example.org/exit.jpg",
        territory_statement=None,
        prices=(
            OnixPrice(
                Money(3800, "GBP"),
                Territory(("US", "CA")),
                market=Territory((), ("WORLD",), ("AU",)),
                since=date(2026, 5, 1),
                until=date(2026, 5, 31),
            ),
        ),
    )


def test_the_demonstration_catalogue_has_no_problem() -> None:
    found = list(onix.products(CATALOGUE))
    assert len(found) == CATALOGUE.read_text("utf-8").count("<Product>")
    assert all(isinstance(one, OnixProduct) for one in found)
    assert len({one.reference for one in found}) == len(found)


def test_a_record_is_known_by_its_digest(read: Read) -> None:
    as_sent = only(read(message(SOUND))).digest
    assert only(read(message(SOUND).replace(DECLARATION, "<?xml version='1.0'?>\n\n"))).digest == as_sent
    assert only(read(message(SOUND.replace("Exit Stalin", "Exit, Stalin")))).digest != as_sent


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<Text>One\n\n\n\nTwo</Text>", "<p>One</p><p>Two</p>"),
        ('<Text textformat="06">a &lt;b&gt; &amp; c</Text>', "<p>a &lt;b&gt; &amp; c</p>"),
        ('<Text textformat="02">&lt;p&gt;Hello&lt;/p&gt;</Text>', "<p>Hello</p>"),
        ('<Text textformat="02"><![CDATA[<p>Hello</p>]]></Text>', "<p>Hello</p>"),
        ('<Text textformat="05"><p>Hello <em>you</em></p></Text>', "<p>Hello <em>you</em></p>"),
        ('<Text textformat="05">Hello &amp; you</Text>', "Hello &amp; you"),
        ("<Text/>", ""),
    ],
)
def test_a_description_becomes_html_by_its_own_format(read: Read, text: str, html: str) -> None:
    start, end = SOUND.index("<Text>"), SOUND.index("</Text>") + len("</Text>")
    assert only(read(message(SOUND[:start] + text + SOUND[end:]))).description == html


@pytest.mark.parametrize(
    ("instead", "isbn"),
    [
        ("<ProductIDType>02</ProductIDType><IDValue>1631498290</IDValue>", "9781631498299"),
        ("<ProductIDType>03</ProductIDType><IDValue>9781631498299</IDValue>", "9781631498299"),
        ("<ProductIDType>15</ProductIDType><IDValue>978-1-63149-829-9</IDValue>", "9781631498299"),
    ],
)
def test_an_isbn_is_an_isbn_however_it_is_written(read: Read, instead: str, isbn: str) -> None:
    written = "<ProductIDType>15</ProductIDType><IDValue>9781631498299</IDValue>"
    assert only(read(message(SOUND.replace(written, instead)))).isbn == isbn


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(lambda text: text.encode("utf-8-sig"), id="utf-8 with its mark"),
        pytest.param(lambda text: text.replace("UTF-8", "UTF-16").encode("utf-16"), id="utf-16"),
        pytest.param(lambda text: text.replace("UTF-8", "UTF-16").encode("utf-16-be"), id="utf-16, big end first"),
        pytest.param(lambda text: text.replace("UTF-8", "ISO-8859-1").encode("latin-1"), id="latin-1"),
        pytest.param(lambda text: text.replace("UTF-8", "windows-1252").encode("cp1252"), id="windows-1252"),
        pytest.param(lambda text: text.removeprefix(DECLARATION).encode(), id="no declaration"),
    ],
)
def test_a_file_is_read_in_the_encoding_it_names(read: Read, encode: object) -> None:
    assert callable(encode)
    text = message(SOUND.replace("Exit Stalin", "Die Bücher"))
    assert only(read(encode(text))).title == "Die Bücher"


def test_what_can_be_left_out_can(read: Read) -> None:
    bare = """<Product><RecordReference>r</RecordReference>
        <ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>9781631498299</IDValue></ProductIdentifier>
        <DescriptiveDetail><ProductForm>ED</ProductForm><TitleDetail><TitleType>01</TitleType><TitleElement>
        <TitleElementLevel>01</TitleElementLevel><TitlePrefix>The</TitlePrefix>
        <TitleWithoutPrefix>Book</TitleWithoutPrefix></TitleElement></TitleDetail></DescriptiveDetail>
        <ProductSupply><SupplyDetail><ProductAvailability>10</ProductAvailability></SupplyDetail></ProductSupply>
        </Product>"""
    product = only(read(message(bare)))
    assert product.title == "The Book"
    assert product.work_identifier == "isbn:9781631498299"
    assert product.rights == Statement()
    assert (product.prices, product.stock, product.publication_date) == ((), None, None)
    assert (product.publishing_status, product.language) == ("00", "und")


def told_of(product: OnixProduct) -> dict[str, object]:
    """What some ways of saying the same come to."""
    (price, *_) = product.prices or (None,)
    return {
        "people": product.contributors[-1].name,
        "days": (price.since, price.until) if price else None,
        "amounts": [one.money.minor for one in product.prices],
        "isbn": product.isbn,
        "pages": product.pages,
        "weight": product.weight_g,
        "file": product.file_bytes,
        "expected": product.expected_date,
        "kin": product.alternatives,
        "language": product.language,
        "usage": [one.limits for one in product.usage],
        "statement": product.territory_statement,
    }


VAN_DYKE = "<NamesBeforeKey>Vincent</NamesBeforeKey><PrefixToKey>van</PrefixToKey><KeyNames>Dyke</KeyNames>"
LANGUAGE = "<Language><LanguageRole>01</LanguageRole><LanguageCode>eng</LanguageCode></Language>"
A_DAY = "<PriceDate><PriceDateRole>{}</PriceDateRole><Date>{}</Date></PriceDate>"
DAYS = A_DAY.format("14", "20260501") + A_DAY.format("15", "20260531")
NOTED = "<SalesRestriction><SalesRestrictionType>00</SalesRestrictionType>\
<SalesRestrictionNote>{}</SalesRestrictionNote></SalesRestriction></SalesRights>"
ALSO = (
    "<SalesRights><SalesRightsType>02</SalesRightsType><Territory><CountriesIncluded>GB</CountriesIncluded></Territory>"
)
BOTH_NOTES = "Not to Peru. Nor to Chile."
MAY = date(2026, 5, 1), date(2026, 5, 31)
SAID = [
    (VAN_DYKE, "<PersonNameInverted>Dyke, Vincent van</PersonNameInverted>", "people", "Vincent van Dyke"),
    (VAN_DYKE, "<PersonNameInverted>Anonymous</PersonNameInverted>", "people", "Anonymous"),
    (VAN_DYKE, "<CorporateName>The Society</CorporateName>", "people", "The Society"),
    (DAYS, A_DAY.format("24", "20260501 20260531"), "days", MAY),
    (DAYS, A_DAY.format("24", "2026050120260531"), "days", MAY),
    (DAYS, A_DAY.format("24", "20260501"), "days", (MAY[0], MAY[0])),
    (DAYS, A_DAY.format("15", "20260531"), "days", (None, MAY[1])),
    (DAYS, "", "days", (None, None)),
    ("<PriceType>02<", "<PriceType>04<", "amounts", [3800]),
    ("<PriceType>02<", "<PriceType>42<", "amounts", [3800]),
    ("<PriceType>02<", "<PriceType>03<", "amounts", []),
    ("<ExtentType>00<", "<ExtentType>11<", "pages", 576),
    ("<ExtentType>00<", "<ExtentType>07<", "pages", 576),
    ("<ExtentType>00<", "<ExtentType>03<", "pages", None),
    ("<ExtentValue>576</ExtentValue><ExtentUnit>03<", "<ExtentValue>576</ExtentValue><ExtentUnit>02<", "pages", None),
    (">lb<", ">kg<", "weight", 2000),
    (">lb<", ">gr<", "weight", 2),
    (">2</Measurement><MeasureUnitCode>lb<", ">16</Measurement><MeasureUnitCode>oz<", "weight", 454),
    (">lb<", ">st<", "weight", None),
    ("<ExtentUnit>19<", "<ExtentUnit>18<", "file", 1536),
    ("<ExtentUnit>19<", "<ExtentUnit>17<", "file", 1),
    ("<SupplyDateRole>08<", "<SupplyDateRole>50<", "expected", None),
    ("<ProductRelationCode>06<", "<ProductRelationCode>13<", "kin", ("9781631498305",)),
    ("<ProductRelationCode>06<", "<ProductRelationCode>27<", "kin", ("9781631498305",)),
    ("<ProductRelationCode>06<", "<ProductRelationCode>03<", "kin", ()),
    (LANGUAGE, LANGUAGE.replace("01", "02").replace("eng", "rus") + LANGUAGE, "language", "eng"),
    (LANGUAGE, LANGUAGE.replace("01", "02"), "language", "und"),
    ("<Quantity>20</Quantity>", "", "usage", [(), ()]),
    ("</SalesRights>", f"{NOTED.format('Not to Peru.')}{ALSO}{NOTED.format('Nor to Chile.')}", "statement", BOTH_NOTES),
]


@pytest.mark.parametrize(
    ("good", "instead", "name", "expected"), SAID, ids=[f"{name} {at}" for at, (_, _, name, _) in enumerate(SAID)]
)
def test_what_may_be_said_in_several_ways_is_understood_in_each(
    read: Read, good: str, instead: str, name: str, expected: object
) -> None:
    assert SOUND.count(good) == 1
    assert told_of(only(read(message(SOUND.replace(good, instead)))))[name] == expected


def test_of_two_numbers_the_isbn_is_believed_before_the_trade_number(read: Read) -> None:
    own = "<ProductIdentifier><ProductIDType>15</ProductIDType>"
    trade = own.replace("15", "03") + "<IDValue>9789999913669</IDValue></ProductIdentifier>"

    assert only(read(message(SOUND.replace(own, trade + own, 1)))).isbn == "9781631498299"


def test_nothing_is_given_away_by_a_price_of_nothing(read: Read) -> None:
    free = SOUND.replace("<PriceAmount>38.00<", "<PriceAmount>0.00<")

    assert left_out(read(message(free, second()))).reason == "0.00 GBP is no price"


def test_a_message_without_products_is_no_fault(read: Read) -> None:
    assert read(message()) == []


# -- One bad product among good ones ----------------------------------------------------------------------------------

BAD = {
    "no reference": ("<RecordReference>org.example.1</RecordReference>", "", "RecordReference"),
    "an empty reference": ("org.example.1", "  ", "RecordReference"),
    "a wrong check digit": ("9781631498299", "9781631498290", "check digit"),
    "an ISBN too short": ("9781631498299", "978163149829", "check digit"),
    "an ISBN of letters": ("9781631498299", "not an isbn!!", "check digit"),
    "a number that is no book's": ("9781631498299", "4006381333931", "check digit"),
    "an empty ISBN": ("<IDValue>9781631498299</IDValue>", "<IDValue/>", "ISBN"),
    "no ISBN": ("<ProductIDType>15<", "<ProductIDType>01<", "no ISBN"),
    "no form": ("<ProductForm>BB</ProductForm>", "", "ProductForm"),
    "no title": ("<TitleType>01<", "<TitleType>10<", "title"),
    "an empty title": ("Exit Stalin", " ", "title"),
    "no availability": ("<ProductAvailability>21</ProductAvailability>", "", "ProductAvailability"),
    "a price without a currency": (
        "38.00</PriceAmount><CurrencyCode>GBP</CurrencyCode>",
        "38.00</PriceAmount>",
        "Curr",
    ),
    "a price without an amount": ("<PriceAmount>38.00</PriceAmount>", "", "PriceAmount"),
    "a price in words": (">38.00<", ">thirty-eight<", "thirty-eight"),
    "a price with a comma": (">38.00<", ">38,00<", "38,00"),
    "a price of half a penny": (">38.00<", ">38.005<", "38.005"),
    "a price below nothing": (">38.00<", ">-38.00<", "-38.00"),
    "a price that is no number": (">38.00<", ">NaN<", "NaN"),
    "a price for nobody knows how many": (
        "<CurrencyCode>GBP</CurrencyCode><PriceDate>",
        "<CurrencyCode>GBP</CurrencyCode><MinimumOrderQuantity>NaN</MinimumOrderQuantity><PriceDate>",
        "NaN",
    ),
    "a price as programs write it": (">38.00<", ">3_8.00<", "3_8.00"),
    "a price in other digits": (">38.00<", ">٣٨<", "٣٨"),
    "a price with an exponent": (">38.00<", ">38E0<", "38E0"),
    "a price that shouts": (">38.00<", ">sNaN<", "sNaN"),
    "a price without end": (">38.00<", ">Infinity<", "Infinity"),
    "a price beyond all books": (">38.00<", f">{'9' * 400}<", "GBP"),
    "a price beyond the database": (">38.00<", f">{10**30}<", "GBP"),
    "a price in no currency": ("38.00</PriceAmount><CurrencyCode>GBP<", "38.00</PriceAmount><CurrencyCode>ZZZ<", "ZZZ"),
    "a price in a currency's name": (
        "38.00</PriceAmount><CurrencyCode>GBP<",
        "38.00</PriceAmount><CurrencyCode>Pounds<",
        "Pounds",
    ),
    "a stock in words": (">184<", ">plenty<", "plenty"),
    "a stock without end": (">184<", ">Infinity<", "Infinity"),
    "a stock beyond the database": (">184<", f">{10**30}<", "be kept"),
    "pages without end": (">576<", ">Infinity<", "Infinity"),
    "pages beyond counting": (">576<", f">{10**30}<", "be kept"),
    "pages in words": (">576<", ">many<", "many"),
    "fewer pages than none": (">576<", ">-3<", "-3"),
    "fewer copies than none": (">184<", ">-5<", "-5"),
    "a width without end": (">15.2<", ">Infinity<", "Infinity"),
    "a file size without end": (">1.5<", ">Infinity<", "Infinity"),
    "a month that never comes": ("20260428", "202613", "202613"),
    "a date that never comes": ("20260428", "20260231", "20260231"),
    "a date with hyphens": ("20260428", "2026-04-28", "2026-04-28"),
    "an empty date": ("<Date>20260428</Date>", "<Date/>", "Date"),
    "a right of no type": ("<SalesRightsType>01</SalesRightsType>", "", "SalesRightsType"),
    "a form that is no code": (">BB<", ">HARDBACK<", "HARDBACK"),
    "an availability that is no code": (">21<", ">available<", "available"),
    "a status that is no code": ("<PublishingStatus>04<", "<PublishingStatus>active<", "active"),
    "a language that is no code": (">eng<", ">English<", "English"),
    "a reference longer than a reference may be": (REFERENCE, "r" * 101, "RecordReference"),
}
"""What is put instead of what, and a word of the reason."""


@pytest.mark.parametrize(("good", "bad", "word"), BAD.values(), ids=BAD.keys())
def test_a_bad_product_is_left_out_by_line_and_reference_and_the_rest_goes_in(
    read: Read, good: str, bad: str, word: str
) -> None:
    assert good in SOUND
    problem = left_out(read(message(SOUND.replace(good, bad), second())))
    assert word in problem.reason
    assert problem.line == FIRST_LINE
    assert problem.reference == (REFERENCE if "RecordReference" not in word else problem.reference)


def test_a_problem_says_where_its_product_begins_even_far_down_a_long_file(read: Read) -> None:
    wrong = second().replace("9781631498305", "9781631498300")
    good, problem = read(message(SOUND, "\n" * 70_000, wrong))
    assert isinstance(good, OnixProduct)
    assert isinstance(problem, Problem)
    begins = FIRST_LINE + SOUND.count("\n") + 70_000
    assert begins <= problem.line <= begins + 1  # the parser counts in 16 bits, and beyond them by its neighbours
    assert problem.reference == "org.example.2"


@pytest.mark.parametrize("depth", [60, 100, 200])
@pytest.mark.parametrize("place", ["</RecordReference>", "</ProductForm>", "</PublisherName>", "<p>"])
def test_a_product_nested_like_a_well_is_left_out(read: Read, depth: int, place: str) -> None:
    well = "<b>" * depth + "</b>" * depth
    problem = left_out(read(message(SOUND.replace(place, place + well, 1), second())))
    assert "deep" in problem.reason
    assert (problem.line, problem.reference) == (FIRST_LINE, REFERENCE)


def test_an_honest_list_in_a_list_is_not_too_deep(read: Read) -> None:
    text = "<ul><li>" * 12 + "deep" + "</li></ul>" * 12
    assert "deep" in only(read(message(SOUND.replace("<p>A historian.</p>", text)))).contributors[0].biography  # type: ignore[operator]


def test_comments_and_instructions_inside_a_text_are_not_part_of_it(read: Read) -> None:
    product = only(read(message(SOUND.replace("Exit Stalin", "Exit <?php x ?><!-- no -->Stalin"))))
    assert product.title == "Exit Stalin"


def test_unknown_codes_and_elements_are_passed_on_or_passed_over(read: Read) -> None:
    odd = SOUND.replace("<ProductForm>BB<", "<Surprise><Party/></Surprise><ProductForm>ZZ<").replace(">21<", ">99<")
    product = only(read(message(odd.replace("<SalesRightsType>01<", "<SalesRightsType>99<"))))
    assert (product.form, product.availability) == ("ZZ", "99")
    assert product.rights.rights[0].type == "99"


# -- A bad file -------------------------------------------------------------------------------------------------------

BOMB = "<!DOCTYPE b [\n" + '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
LAUGHING = BOMB + "]>\n"
SPYING = '<!DOCTYPE b [<!ENTITY secret SYSTEM "file:///etc/passwd">]>\n'
ASKING = '<!DOCTYPE b SYSTEM "http://127.0.0.1:9/evil.dtd">\n'
DOCUMENT_TYPES = {
    "laughing": (LAUGHING, "&a9;"),
    "spying": (SPYING, "&secret;"),
    "asking the network": (ASKING, "x"),
    "behind a long comment": ("<!--" + "x" * 70_000 + "-->" + LAUGHING, "&a9;"),
    "behind many spaces": (" " * 70_000 + SPYING, "&secret;"),
    "harmless": ("<!DOCTYPE ONIXMessage>\n", "x"),
}


@pytest.mark.parametrize(("before", "title"), DOCUMENT_TYPES.values(), ids=DOCUMENT_TYPES.keys())
def test_a_document_type_is_refused_wherever_it_hides(read: Read, before: str, title: str) -> None:
    content = message(SOUND.replace("Exit Stalin", title), before=DECLARATION + before)
    with pytest.raises(OnixError, match=r"document type|entity"):
        read(content)
    with pytest.raises(OnixError, match=r"document type|entity"):
        read(content.replace("UTF-8", "UTF-16").encode("utf-16"))


def test_a_document_type_in_another_alphabet_is_refused_too(read: Read) -> None:
    hidden = '<?xml version="1.0" encoding="UTF-7"?>\n+ADwAIQ-DOCTYPE b [+ADwAIQ-ENTITY a "boom"+AD4]+AD4'
    with pytest.raises(OnixError):
        read(message(SOUND.replace("Exit Stalin", "&a;"), before=hidden))


def test_a_page_quoted_in_a_description_is_no_document_type(read: Read) -> None:
    quoted = '<Text textformat="02"><![CDATA[<!DOCTYPE html><p>Hello</p>]]></Text>'
    assert "<p>Hello</p>" in only(read(message(SOUND.replace("<Text>Fish", quoted + "<Text>Fish")))).description


WHOLE = message(SOUND, second())
NOT_ONIX = {
    "nothing": "",
    "spaces": "  \n ",
    "a spreadsheet": "isbn,title\n9781631498299,Exit Stalin\n",
    "an object": '{"isbn": "9781631498299"}',
    "a zip": b"PK\x03\x04\x14\0\0\0\x08\0",
    "zeros": b"\0" * 4096,
    "a web page": "<html><body><p>Log in</p></body></html>",
    "two roots": message(SOUND) + "<another/>",
    "an unclosed element": WHOLE.replace("</PublishingDetail>", "", 1),
    "a bare ampersand": WHOLE.replace("Exit Stalin", "Marks & Spencer", 1),
    "an entity of the web": WHOLE.replace("Exit Stalin", "Exit&nbsp;Stalin", 1),
    "a control character": WHOLE.replace("Exit Stalin", "Exit\x01Stalin", 1),
    "a wrong encoding": WHOLE.replace("Exit Stalin", "B\xfccher", 1).encode("latin-1"),
    "an encoding of nobody's": WHOLE.replace("UTF-8", "klingon"),
    "a marked file that lies": b"\xff\xfe" + WHOLE.encode(),
    "more depth than a parser bears": WHOLE.replace("<PublishingDetail>", "<PublishingDetail>" + "<b>" * 5000, 1),
    "more text than a parser bears": WHOLE.replace("Exit Stalin", "x" * 10_100_000, 1),
    "a product alone behind a comment": f"<!-- mine --><Product xmlns='{NAMESPACE}'>" + SOUND.removeprefix("<Product>"),
    "a product alone": f"<Product xmlns='{NAMESPACE}'>" + SOUND.removeprefix("<Product>"),
}


@pytest.mark.parametrize("content", NOT_ONIX.values(), ids=NOT_ONIX.keys())
def test_what_is_not_onix_is_one_clear_error(read: Read, content: str | bytes) -> None:
    with pytest.raises(OnixError) as caught:
        read(content)
    assert len(str(caught.value)) > 20


@pytest.mark.parametrize(
    "root",
    [
        "<ONIXMessage><Product><RecordReference>1</RecordReference></Product>",
        "<ONIXMessage release='2.1'><Product><RecordReference>1</RecordReference></Product>",
        "<ONIXmessage><product><a001>1</a001></product>",
        "<ONIXMessage xmlns='http://ns.editeur.org/onix/4.0/reference'><Product/>",
        "<Catalogue release='3.0'><Product/>",
    ],
)
def test_other_releases_are_refused_by_name(read: Read, root: str) -> None:
    tag = root[1:].split(">", maxsplit=1)[0].split(" ", maxsplit=1)[0]
    with pytest.raises(OnixError, match=r"ONIX 3\.0 or 3\.1") as caught:
        read(f"{DECLARATION}{root}</{tag}>")
    assert tag in str(caught.value)


# -- Dialects --------------------------------------------------------------------------------------------------------


HEADER = "<Header><Sender><SenderName>Quay</SenderName></Sender><SentDateTime>20260101</SentDateTime>{}</Header>"
USUAL = "<DefaultLanguageOfText>ger</DefaultLanguageOfText><DefaultPriceType>02</DefaultPriceType>\
<DefaultCurrencyCode>EUR</DefaultCurrencyCode>"
SILENT = (
    SOUND.replace(LANGUAGE, "")
    .replace("<PriceType>02</PriceType>", "")
    .replace("38.00</PriceAmount><CurrencyCode>GBP</CurrencyCode>", "38.00</PriceAmount>")
)


@pytest.mark.parametrize(
    ("product", "usual", "language", "prices"),
    [
        pytest.param(SOUND, USUAL, "eng", [(3800, "GBP")], id="a product that speaks is heard"),
        pytest.param(SILENT, USUAL, "ger", [(3800, "EUR")], id="a silent one has what the header says"),
        pytest.param(SILENT, USUAL.replace("02", "01"), "ger", [], id="prices without tax are nobody's here"),
        pytest.param(SILENT, "", "und", [], id="silence about all"),
    ],
)
@pytest.mark.parametrize("turn", ["as it is", "in short tags", "not to be cut"])
def test_a_header_says_what_products_need_not(
    read: Read, turn: str, product: str, usual: str, language: str, prices: list[tuple[int, str]]
) -> None:
    text = message(HEADER.format(usual), product)
    if turn == "in short tags":
        text = in_short_tags(text).replace("/reference", "/short")
    found = only(read(text.encode("utf-16") if turn == "not to be cut" else text))

    assert isinstance(found, OnixProduct)
    assert (found.language, [(one.money.minor, one.money.currency) for one in found.prices]) == (language, prices)


def test_a_price_without_any_currency_leaves_its_product_out(read: Read) -> None:
    text = message(HEADER.format("<DefaultPriceType>02</DefaultPriceType>"), SILENT)

    (problem,) = read(text)

    assert isinstance(problem, Problem)
    assert problem.reason == "it has no CurrencyCode"


def test_another_default_in_the_header_makes_every_record_another(tmp_path: Path) -> None:
    digests = set()
    for usual in ("", USUAL, USUAL.replace("EUR", "GBP"), USUAL):
        (tmp_path / "feed.xml").write_text(message(HEADER.format(usual), SILENT))
        digests.add(next(onix.records(tmp_path / "feed.xml")).digest)

    assert len(digests) == 3


def in_short_tags(text: str) -> str:
    """A message in short tags, by the names that the schema of EDItEUR gives."""
    short = {name: tag for tag, name in schema_names("3.1").items()}
    return re.sub(r"(</?)(\w+)", lambda found: found[1] + short.get(found[2], found[2]), text)


def schema_names(release: str) -> dict[str, str]:
    """Reference names by short tag, as the schema has them."""
    folder = Path(str(files("onixcheck"))) / "schema" / f"xsd{release}"
    schema = (folder / f"ONIX_BookProduct_{release}_short.xsd").read_text(encoding="utf-8")
    element = r'<xs:element name="(\w+)">(?:(?!</xs:element>).)*?'
    name = r'name="refname"[^>]*>(?:(?!</xs:attribute>).)*?value="(\w+)"'
    return dict(re.findall(element + name, schema, flags=re.DOTALL))


DIALECTS = {
    "3.1": lambda text: text.replace("onix/3.0/", "onix/3.1/").replace('release="3.0"', 'release="3.1"'),
    "short tags": lambda text: in_short_tags(text).replace("/reference", "/short"),
    "short tags of 3.1": lambda text: in_short_tags(text).replace("3.0/reference", "3.1/short"),
    "no namespace": lambda text: text.replace(f' xmlns="{NAMESPACE}"', ""),
    "short tags without a namespace": lambda text: in_short_tags(text.replace(f' xmlns="{NAMESPACE}"', "")),
}


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS.keys())
def test_every_dialect_says_the_same(read: Read, dialect: Callable[[str], str]) -> None:
    spoken = dialect(WHOLE)

    assert spoken != WHOLE
    assert [replace(only([one]), digest="") for one in read(spoken)] == [
        replace(only([one]), digest="") for one in read(WHOLE)
    ]


ONLY_IN_3_1 = {"x590": "PostalCode"}


@pytest.mark.parametrize("release", ["3.0", "3.1"])
def test_short_tags_are_those_of_the_schema(release: str) -> None:
    names = schema_names(release) | (ONLY_IN_3_1 if release == "3.0" else {})

    assert {tag: names.get(tag) for tag in SHORT} == SHORT


def test_a_packed_file_is_unpacked_on_the_way(read: Read) -> None:
    assert read(gzip.compress(WHOLE.encode())) == read(WHOLE)


@pytest.mark.parametrize("damage", ["cut", "scrambled"])
def test_a_damaged_packed_file_is_one_clear_error(read: Read, damage: str) -> None:
    packed = bytearray(gzip.compress(CATALOGUE.read_bytes()))
    packed = packed[: len(packed) // 2] if damage == "cut" else packed[:900] + bytes(50) + packed[950:]

    with pytest.raises(OnixError, match=r"feed\.xml"):
        read(bytes(packed))


def test_an_error_of_the_file_names_its_line(read: Read) -> None:
    line = FIRST_LINE + SOUND[: SOUND.index("<TitleText>")].count("\n")
    for unreadable in ("Marks & Spencer", "Exit&nbsp;Stalin"):
        with pytest.raises(OnixError, match=rf"feed\.xml, line {line}\b"):
            read(WHOLE.replace("Exit Stalin", unreadable, 1))


@pytest.mark.parametrize("share", [0.55, 0.7, 0.9, 0.999])
def test_a_file_cut_off_gives_what_came_before_the_cut_and_then_an_error(tmp_path: Path, share: float) -> None:
    path = tmp_path / "feed.xml"
    path.write_text(WHOLE[: int(len(WHOLE) * share)])
    stream = onix.products(path)
    first = next(stream)
    assert first.reference == REFERENCE
    with pytest.raises(OnixError, match=r"feed\.xml, line \d+"):
        list(stream)


@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_file_with_anything_done_to_it_ends_in_products_problems_or_one_error(
    tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(WHOLE.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 40))
        content[at : at + length] = data.draw(
            st.binary(max_size=6)
            | st.sampled_from([b"", b"<", b"</", b"&", b"-1", b"1e9999", b"Infinity", b"<Product>", b"</Product>"])
        )
    path = tmp_path / "feed.xml"
    path.write_bytes(content)
    try:
        found = list(onix.products(path))
    except OnixError as error:
        assert str(error)  # noqa: PT017 - either outcome is right; this one must speak
    else:
        assert all(not isinstance(one, Problem) or one.reason for one in found)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("<Text>A fine book</Text>", "A fine book"),
        ("<Text>“A fine book”</Text>", "A fine book"),
        ("<Text>“A” and “B”</Text>", "“A” and “B”"),
        ('<Text textformat="02">&lt;p&gt;A &lt;em&gt;fine&lt;/em&gt; book&lt;/p&gt;</Text>', "A fine book"),
        ('<Text textformat="05"><p>A <em>fine</em> book</p><p>Indeed</p></Text>', "A fine book Indeed"),
        ("<Text>Less &lt; more &amp; so on</Text>", "Less < more & so on"),
    ],
)
def test_a_review_is_words_without_tags_and_marks_around_them(read: Read, sent: str, words: str) -> None:
    (found,) = read(message(SOUND.replace("<Text>Lucid</Text>", sent)))
    assert isinstance(found, OnixProduct)
    assert [one.words for one in found.quotations] == [words]
