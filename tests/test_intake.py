"""What an import makes of what ONIX says: works of their editions, prices of places and days, marks to find by."""

from __future__ import annotations

import html
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import date
from itertools import count
from threading import Barrier
from typing import TYPE_CHECKING

import onixcheck
import pytest
from sqlalchemy import select
from sqlalchemy import text as text_

from shop import migrations
from shop.catalogue import onix, rights
from shop.catalogue.books import reading
from shop.catalogue.finding import search
from shop.catalogue.finding.search import KnownWord
from shop.catalogue.intake import importer
from shop.catalogue.models import (
    Contributor,
    Edition,
    KnownSubject,
    Price,
    Quotation,
    RightsSet,
    Work,
    take_stock,
)
from shop.catalogue.offers import OfferState, holds_on
from shop.catalogue.onix import OnixProduct
from shop.db import Database
from tests.conftest import EXAMPLES
from tests.makers import HARDBACK, Scene
from tests.test_onix import REFERENCE, SOUND

if TYPE_CHECKING:
    from pathlib import Path

    from shop.services import Shop

FORMS = {"9780306406157": "BB", "9780140449136": "ED", "9780261103573": "BC"}
HARD, EBOOK, SOFT = FORMS
FIRST = "/books/tide-and-wrack"
NAMESPACE = "http://ns.editeur.org/onix/3.0/reference"
SENDERS = count(1)


def product(
    isbn: str,
    *,
    work: str = "",
    kin: tuple[str, ...] = (),
    market: str = "",
    price: str = "",
    reference: str = "",
    kind: str = "03",
    title: str = "Tide and wrack",
    rights: str = "",
    supply: str = "",
) -> str:
    """A product of a form of its own, in as few words as a product takes."""
    named = f"<RelatedWork><WorkRelationCode>01</WorkRelationCode><WorkIdentifier><WorkIDType>01</WorkIDType>\
<IDValue>{work}</IDValue></WorkIdentifier></RelatedWork>"
    others = "".join(
        f"<RelatedProduct><ProductRelationCode>06</ProductRelationCode><ProductIdentifier><ProductIDType>15"
        f"</ProductIDType><IDValue>{one}</IDValue></ProductIdentifier></RelatedProduct>"
        for one in kin
    )
    return f"""<Product><RecordReference>{reference or f"r.{isbn}"}</RecordReference>
<NotificationType>{kind}</NotificationType>
<ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>{isbn}</IDValue></ProductIdentifier>
<DescriptiveDetail><ProductForm>{FORMS[isbn]}</ProductForm><TitleDetail><TitleType>01</TitleType><TitleElement>
<TitleElementLevel>01</TitleElementLevel><TitleText>{title}</TitleText></TitleElement></TitleDetail>
</DescriptiveDetail>
<PublishingDetail>{rights}</PublishingDetail>
<RelatedMaterial>{named if work else ""}{others}</RelatedMaterial>
<ProductSupply>{market}<SupplyDetail><ProductAvailability>20</ProductAvailability>{price}</SupplyDetail></ProductSupply>
{supply}</Product>"""


def take_in(scene: Scene, folder: Path, *products: str) -> importer.Report:
    """Import a message of these, which is no file that we know: it says under another name who sent it."""
    file = folder / "feed.xml"
    sender = f"<Header><Sender><SenderName>{next(SENDERS)}</SenderName></Sender></Header>"
    file.write_text(f'<ONIXMessage xmlns="{NAMESPACE}" release="3.0">{sender}{"".join(products)}</ONIXMessage>')
    return importer.import_file(scene.shop, file)


def works_of(scene: Scene, *isbns: str) -> list[set[str]]:
    """The editions among these that stand together, by work."""
    with scene.shop.db.reading() as session:
        rows = session.execute(select(Edition.work_id, Edition.isbn).where(Edition.isbn.in_(isbns))).all()
    return sorted(({isbn for work, isbn in rows if work == one} for one in {row[0] for row in rows}), key=min)


@pytest.mark.parametrize(
    ("named", "together"),
    [
        pytest.param([{"kin": (EBOOK,)}, {"kin": (HARD,)}], True, id="each names the other"),
        pytest.param([{}, {"kin": (HARD,)}], True, id="the later names the earlier"),
        pytest.param([{"kin": (EBOOK,)}, {}], False, id="only the earlier names the later, which nobody holds yet"),
        pytest.param([{}, {}], False, id="the same title is no proof"),
        pytest.param([{"work": "W-7"}, {"work": "W-7"}], True, id="the same work is named"),
        pytest.param([{"work": "W-7"}, {"work": "W-8", "kin": (HARD,)}], False, id="whoever names a work is believed"),
        pytest.param([{"work": "W-7"}, {"kin": (HARD,)}], True, id="one names a work, the other its kin"),
    ],
)
def test_editions_stand_under_one_work_when_they_say_so(
    scene: Scene, tmp_path: Path, named: list[dict[str, object]], *, together: bool
) -> None:
    hard, ebook = (product(isbn, **one) for isbn, one in zip((HARD, EBOOK), named, strict=True))  # type: ignore[arg-type]
    report = take_in(scene, tmp_path, hard, ebook)

    assert (report.added, report.problems) == (2, [])
    assert works_of(scene, HARD, EBOOK) == ([{HARD, EBOOK}] if together else [{EBOOK}, {HARD}])


def test_kin_is_known_across_files_and_stays_where_it_is(scene: Scene, tmp_path: Path) -> None:
    take_in(scene, tmp_path, product(HARD, work="W-7"))
    take_in(scene, tmp_path, product(SOFT, kin=(HARD,)))
    again = take_in(scene, tmp_path, product(SOFT, price="<!-- another word -->"))

    assert again.changed == 1
    assert works_of(scene, HARD, SOFT) == [{HARD, SOFT}]


def test_a_record_that_no_longer_names_its_work_stays_there_though_kin_is_where_it_was(
    scene: Scene, tmp_path: Path
) -> None:
    take_in(scene, tmp_path, product(HARD), product(SOFT, kin=(HARD,)), product(EBOOK, work="W-7"))
    take_in(scene, tmp_path, product(HARD, work="W-7"))
    take_in(scene, tmp_path, product(HARD))

    assert works_of(scene, HARD, SOFT, EBOOK) == [{HARD, EBOOK}, {SOFT}]


def test_a_work_that_is_named_later_is_named_as_it_stands(scene: Scene, tmp_path: Path) -> None:
    take_in(scene, tmp_path, product(HARD), product(SOFT, kin=(HARD,)))
    take_in(scene, tmp_path, product(HARD, work="W-7"))

    assert works_of(scene, HARD, SOFT) == [{HARD, SOFT}]


MARKET = "<Market><Territory><CountriesIncluded>GB IE US</CountriesIncluded></Territory></Market>"


@pytest.mark.parametrize(
    ("market", "territory", "countries"),
    [
        ("", "", None),
        ("", "<Territory><RegionsIncluded>WORLD</RegionsIncluded></Territory>", None),
        ("", "<Territory><CountriesIncluded>US CA</CountriesIncluded></Territory>", {"US", "CA"}),
        (MARKET, "", {"GB", "IE", "US"}),
        (MARKET, "<Territory><CountriesIncluded>US CA</CountriesIncluded></Territory>", {"US"}),
        (MARKET, "<Territory><CountriesIncluded>CA</CountriesIncluded></Territory>", set()),
    ],
)
def test_a_price_holds_in_its_territory_and_its_market(
    scene: Scene, tmp_path: Path, market: str, territory: str, countries: set[str] | None
) -> None:
    amount = "<PriceAmount>20.00</PriceAmount><CurrencyCode>GBP</CurrencyCode>"
    price = f"<Price><PriceType>02</PriceType>{amount}{territory}</Price>"
    take_in(scene, tmp_path, product(HARD, market=market, price=price))

    (found,) = [one for one in scene.all(Price) if one.minor == 2000]
    assert found.countries == (None if countries is None else rights.written(frozenset(countries)))


@pytest.mark.parametrize("since", [date(2026, 11, 25), None], ids=["of one day", "until a day"])
def test_a_price_of_certain_days_holds_on_them_before_the_usual_one(scene: Scene, since: date | None) -> None:
    with scene.shop.db.writing() as session:
        edition = session.scalars(select(Edition).where(Edition.isbn == HARDBACK)).one()
        edition.prices.append(Price(position=1, minor=1200, currency="GBP", since=since, until=date(2026, 11, 25)))
    scene.live_in("US")

    on_the_day = scene.get("/books/exit-stalin").text
    scene.clock.forward(hours=24)
    the_day_after = scene.get("/books/exit-stalin").text

    assert ("£12.00" in on_the_day, "£38.00" in on_the_day) == (True, False)
    assert ("£12.00" in the_day_after, "£38.00" in the_day_after) == (False, True)


@pytest.mark.parametrize(
    ("since", "until", "held"),
    [
        (None, None, True),
        (1, None, True),
        (2, None, True),
        (3, None, False),
        (None, 1, False),
        (None, 2, True),
        (2, 2, True),
    ],
)
def test_the_first_and_the_last_day_are_within(since: int | None, until: int | None, *, held: bool) -> None:
    days = [None if day is None else date(2026, 5, day) for day in (since, until)]

    assert holds_on(date(2026, 5, 2), *days) is held


def test_a_work_bears_the_marks_of_its_editions_and_its_subjects_are_known(scene: Scene) -> None:
    importer.import_file(scene.shop, EXAMPLES / "catalogue.xml")

    with scene.shop.db.read_engine.connect() as connection:
        text = connection.execute(select(Work.search_text).where(Work.slug == "tidewrack")).scalar_one()
        years = search.known_marks(connection, "year")
        rows = connection.execute(select(KnownSubject.code, KnownSubject.heading))
        headings = {row.code: row.heading for row in rows}

    marks = {word for word in text.split() if "=" in word}
    assert {"form=paperback", "language=eng", "year=2025"} <= marks
    assert any(mark.startswith("subject=") for mark in marks)
    assert len(years) > 1
    assert headings["NHD"] == "European history"


# -- Deletions, tests, corrections -------------------------------------------------------------------------------


def a_deletion(isbn: str) -> str:
    return f"""<Product><RecordReference>r.{isbn}</RecordReference><NotificationType>05</NotificationType>
<ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>{isbn}</IDValue></ProductIdentifier></Product>"""


def edition(scene: Scene, isbn: str) -> Edition:
    return next(one for one in scene.all(Edition) if one.isbn == isbn)


def test_a_deletion_need_say_nothing_but_whom_it_means(scene: Scene, tmp_path: Path) -> None:
    take_in(scene, tmp_path, product(HARD))
    report = take_in(scene, tmp_path, a_deletion(HARD))
    assert (report.withdrawn, report.problems) == (1, [])
    assert edition(scene, HARD).publishing_status == importer.WITHDRAWN
    again = take_in(scene, tmp_path, a_deletion(HARD))
    assert (again.unchanged, again.withdrawn) == (1, 0)


def test_a_deleted_book_comes_back_under_a_new_reference(scene: Scene, tmp_path: Path) -> None:
    take_in(scene, tmp_path, product(HARD))
    taken = take_in(scene, tmp_path, product(HARD, reference="new.1"))
    assert ["another record" in one.reason for one in taken.problems] == [True]
    take_in(scene, tmp_path, a_deletion(HARD))
    report = take_in(scene, tmp_path, product(HARD, reference="new.1"))
    assert (report.changed, report.problems) == (1, [])
    assert edition(scene, HARD).record_reference == "new.1"
    assert edition(scene, HARD).publishing_status == "00"


@pytest.mark.parametrize("kind", ["05", "03"])
def test_the_old_record_of_a_book_that_came_back_says_no_more_of_it_in_the_same_file(
    scene: Scene, tmp_path: Path, kind: str
) -> None:
    take_in(scene, tmp_path, product(HARD))
    take_in(scene, tmp_path, a_deletion(HARD))
    report = take_in(scene, tmp_path, product(HARD, reference="new.1"), product(HARD, kind=kind, title="Ebb"))
    assert (report.changed, report.withdrawn, len(report.problems)) == (1, 0, 1)
    assert edition(scene, HARD).record_reference == "new.1"
    assert edition(scene, HARD).publishing_status == "00"
    assert scene.get("/books/ebb").status_code == 404


@pytest.mark.parametrize("kind", ["04", "08", "09", "88", "89", "7"])
def test_what_is_no_whole_record_of_a_real_book_is_left_out_by_name(scene: Scene, tmp_path: Path, kind: str) -> None:
    take_in(scene, tmp_path, product(HARD))
    report = take_in(scene, tmp_path, product(HARD, kind=kind, title="A test"))
    assert [f"NotificationType {kind}" in one.reason for one in report.problems] == [True]
    assert scene.get(FIRST).status_code == 200


def test_a_record_that_changes_its_isbn_is_told_and_not_taken(scene: Scene, tmp_path: Path) -> None:
    take_in(scene, tmp_path, product(HARD, reference="r"))
    report = take_in(scene, tmp_path, product(SOFT, reference="r"))
    assert [f"it was ISBN {HARD} and is {SOFT} now" in one.reason for one in report.problems] == [True]
    assert edition(scene, HARD).form == "BB"


# -- One work, one address ----------------------------------------------------------------------------------------


def test_a_work_that_is_named_or_renamed_keeps_its_address_and_leaves_no_ghost(scene: Scene, tmp_path: Path) -> None:
    for name in ("", "W1", "W2", "W3", "W4", "W5"):
        take_in(scene, tmp_path, product(HARD, work=name))
        assert edition(scene, HARD).record_digest
        assert [work.slug for work in scene.all(Work) if "tide" in work.slug] == ["tide-and-wrack"]


def test_a_work_that_loses_its_last_edition_leads_to_where_that_went(scene: Scene, tmp_path: Path) -> None:
    take_in(scene, tmp_path, product(HARD, work="A"), product(EBOOK, work="B"))
    ghost = next(work for work in scene.all(Work) if work.identifier == "01::B").slug
    take_in(scene, tmp_path, product(EBOOK, work="A"))
    assert works_of(scene, HARD, EBOOK) == [{HARD, EBOOK}]
    answer = scene.get(f"/books/{ghost}")
    assert (answer.status_code, answer.location) == (301, FIRST)
    take_in(scene, tmp_path, product(EBOOK, work="B", title="Tide and wrack again"))
    assert works_of(scene, HARD, EBOOK) == [{HARD, EBOOK}], "its old name is one of the work's now"


def test_a_book_that_went_to_another_work_is_found_no_more_where_it_was(scene: Scene, tmp_path: Path) -> None:
    take_in(scene, tmp_path, product(HARD, work="A"), product(SOFT, work="A"), product(EBOOK, work="B", title="Ebb"))
    take_in(scene, tmp_path, product(SOFT, work="B", title="Ebb"))

    assert [SOFT in one.search_text for one in scene.all(Work) if one.identifier in {"01::A", "01::B"}] == [False, True]
    assert 'href="/books/ebb"' in scene.get(f"/search?q={SOFT}").text


@pytest.mark.parametrize("title", ["Tide and wrack", "Ebb"], ids=["of a new work", "of one that is renamed"])
def test_an_address_that_leads_to_a_renamed_work_is_given_to_no_other(scene: Scene, tmp_path: Path, title: str) -> None:
    take_in(scene, tmp_path, product(HARD, work="A"))
    take_in(scene, tmp_path, product(HARD, work="A", title="Flood"), product(EBOOK, work="B", title=title))
    take_in(scene, tmp_path, product(EBOOK, work="B", price="<!-- told anew -->"))

    assert scene.get(FIRST).location == "/books/flood"


def test_an_address_is_made_of_the_title_and_then_of_whoever_wrote_it(scene: Scene, tmp_path: Path) -> None:
    person = "<Contributor><PersonName>Ann Mary Lee</PersonName></Contributor></DescriptiveDetail>"
    titles = {HARD: "O\u2019Neil’s Łódź!", EBOOK: "O'Neil's Lodz", SOFT: "?"}
    told = (product(isbn, title=title).replace("</DescriptiveDetail>", person) for isbn, title in titles.items())
    take_in(scene, tmp_path, *told)

    assert {one.slug for one in scene.all(Work)} - {"exit-stalin"} == {"oneils-lodz", "oneils-lodz-lee", "book"}


def test_the_first_form_of_a_book_stands_first_whichever_came_first(scene: Scene, tmp_path: Path) -> None:
    take_in(scene, tmp_path, product(EBOOK, work="A"))
    take_in(scene, tmp_path, product(HARD, work="A"), product(SOFT, work="A"))
    page = scene.get(FIRST).text

    assert "Hardback, paperback, ebook" in scene.get("/search?q=wrack").text
    assert re.findall(r'<li[^>]* id="(\d{13})"', page) == [HARD, SOFT, EBOOK]


def test_only_sets_that_nobody_has_signed_are_told_as_waiting(scene: Scene, tmp_path: Path) -> None:
    assert take_in(scene, tmp_path, product(HARD, rights=WORLD.format(""))).unsigned_rights == 1
    with scene.shop.db.writing() as session:
        for one in session.scalars(select(RightsSet)):
            one.sign("rights@press.test", scene.shop.now)
    assert take_in(scene, tmp_path, product(SOFT, rights=WORLD.format(""))).unsigned_rights == 0


def test_books_of_one_long_title_by_a_person_of_a_long_name_have_addresses_that_can_be_kept(
    scene: Scene, tmp_path: Path
) -> None:
    person = f"<Contributor><PersonName>Ann {'Lee-' * 20}Smith</PersonName></Contributor></DescriptiveDetail>"
    twins = (product(isbn, title="tide " * 30).replace("</DescriptiveDetail>", person) for isbn in FORMS)
    assert take_in(scene, tmp_path, *twins).added == len(FORMS)
    addresses = [work.slug for work in scene.all(Work) if work.slug.startswith("tide")]
    assert (len(addresses), max(map(len, addresses)) <= 120) == (len(FORMS), True)


@pytest.mark.parametrize("together", [True, False], ids=["in one file", "in a file each"])
def test_the_name_that_a_work_gives_up_is_free_for_another_book(
    scene: Scene, tmp_path: Path, *, together: bool
) -> None:
    take_in(scene, tmp_path, product(HARD, work="A"))
    corrected, other = product(HARD, work="B"), product(EBOOK, work="A", title="Ebb")
    for told in [(corrected, other)] if together else [(corrected,), (other,)]:
        take_in(scene, tmp_path, *told)
    assert works_of(scene, HARD, EBOOK) == [{EBOOK}, {HARD}]


@pytest.mark.parametrize("together", [True, False], ids=["in one file", "in a file each"])
def test_whoever_names_a_work_that_went_into_another_finds_that_one(
    scene: Scene, tmp_path: Path, *, together: bool
) -> None:
    take_in(scene, tmp_path, product(HARD, work="A"), product(EBOOK, work="B"))
    moved, other = product(EBOOK, work="A"), product(SOFT, work="B")
    for told in [(moved, other)] if together else [(moved,), (other,)]:
        take_in(scene, tmp_path, *told)
    assert works_of(scene, HARD, EBOOK, SOFT) == [{HARD, EBOOK, SOFT}]


def test_an_address_leads_on_through_works_that_went_into_each_other_in_one_file(scene: Scene, tmp_path: Path) -> None:
    take_in(scene, tmp_path, product(HARD, work="A"), product(SOFT, work="A"), product(EBOOK, work="B", title="Ebb"))
    corrected = [product(HARD, work="C"), *(product(EBOOK, work=name, title="Ebb") for name in "AC")]
    report = take_in(scene, tmp_path, *corrected, product(SOFT, work="C"))

    assert report.problems == []
    assert works_of(scene, HARD, SOFT, EBOOK) == [{HARD, SOFT, EBOOK}]
    (address,) = [work.slug for work in scene.all(Work) if work.identifier == "01::C"]
    assert scene.get("/books/ebb").location == f"/books/{address}"


def test_a_work_is_called_after_its_first_edition_however_often_they_come(scene: Scene, tmp_path: Path) -> None:
    hard, ebook = product(HARD, work="A"), product(EBOOK, work="A", title="Tide and wrack (ebook)")
    for supply in ("", "<!-- again -->", "<!-- and again -->"):
        take_in(scene, tmp_path, *(one.replace("</Product>", f"{supply}</Product>") for one in (hard, ebook)))
        (work,) = [work for work in scene.all(Work) if work.identifier == "01::A"]
        assert (work.title, work.slug) == ("Tide and wrack", "tide-and-wrack")


def test_a_title_that_comes_back_gets_its_own_address_again(scene: Scene, tmp_path: Path) -> None:
    for title in ("Tide and wrack", "Ebb", "Tide and wrack", "Ebb", "Tide and wrack"):
        take_in(scene, tmp_path, product(HARD, work="A", title=title))
    assert scene.get(FIRST).status_code == 200
    assert scene.get("/books/ebb").location == FIRST


# -- What it costs, and who still sells it --------------------------------------------------------------------------

PRICE = (
    "<Price><PriceType>02</PriceType>{more}<PriceAmount>{amount}</PriceAmount><CurrencyCode>GBP</CurrencyCode></Price>"
)
CONDITION = "<PriceCondition><PriceConditionType>10</PriceConditionType></PriceCondition>"


@pytest.mark.parametrize(
    "more",
    [
        pytest.param("<PriceQualifier>06</PriceQualifier>", id="a library's"),
        pytest.param(CONDITION, id="on a condition"),
        pytest.param("<MinimumOrderQuantity>50</MinimumOrderQuantity>", id="of fifty"),
    ],
)
def test_a_price_that_not_everybody_pays_is_not_taken(scene: Scene, tmp_path: Path, more: str) -> None:
    both = PRICE.format(more=more, amount="90.00") + PRICE.format(
        more="<PriceQualifier>05</PriceQualifier>", amount="10.00"
    )
    take_in(scene, tmp_path, product(HARD, price=both))
    assert [price.minor for price in scene.all(Price) if price.edition_id == edition(scene, HARD).id] == [1000]


def in_market(country: str) -> str:
    return f"<Market><Territory><CountriesIncluded>{country}</CountriesIncluded></Territory></Market>"


def test_a_price_holds_in_each_market_of_its_supply(scene: Scene, tmp_path: Path) -> None:
    price = PRICE.format(more="", amount="10.00")
    take_in(scene, tmp_path, product(HARD, market=in_market("US") + in_market("GB"), price=price))
    mine = [price.countries for price in scene.all(Price) if price.edition_id == edition(scene, HARD).id]
    assert mine == ["US", "GB"]


@pytest.mark.parametrize("gone_first", [True, False])
def test_a_supplier_who_has_stopped_closes_only_his_own_market(
    scene: Scene, tmp_path: Path, *, gone_first: bool
) -> None:
    supplies = [
        f"<ProductSupply>{in_market(country)}<SupplyDetail><ProductAvailability>{code}</ProductAvailability>"
        f"<Stock><OnHand>7</OnHand></Stock>{PRICE.format(more='', amount='10.00')}</SupplyDetail></ProductSupply>"
        for country, code in (("US", "21"), ("GB", "43"))
    ]
    told = product(HARD, supply="".join(supplies[::-1] if gone_first else supplies))
    own = told[told.index("<ProductSupply>") : told.index("</ProductSupply>") + len("</ProductSupply>")]
    take_in(scene, tmp_path, told.replace(own, "", 1))
    found = edition(scene, HARD)
    assert (found.availability, found.stock) == ("21", 7)
    assert [price.countries for price in scene.all(Price) if price.edition_id == found.id] == ["US"]


# -- Numbers and names that are too large --------------------------------------------------------------------------


def test_a_file_larger_than_a_column_goes_without_its_size_and_a_long_name_is_told(
    scene: Scene, tmp_path: Path
) -> None:
    extent = "<Extent><ExtentType>22</ExtentType><ExtentValue>3000</ExtentValue><ExtentUnit>19</ExtentUnit></Extent>"
    measure = "<Measure><MeasureType>01</MeasureType><Measurement>2000000000</Measurement>\
<MeasureUnitCode>in</MeasureUnitCode></Measure>"
    form = "<ProductForm>{}</ProductForm>"
    report = take_in(
        scene,
        tmp_path,
        product(EBOOK).replace(form.format("ED"), form.format("ED") + extent),
        product(HARD).replace(form.format("BB"), form.format("BB") + measure),
        product(SOFT, work="W" * 300),
    )
    assert report.added == 1
    assert edition(scene, EBOOK).file_bytes is None
    assert sorted(one.reason.split()[-1] for one in report.problems) == ["characters", "kept"]


# -- Rights that a shop must hear -----------------------------------------------------------------------------------

WORLD = "<SalesRights><SalesRightsType>01</SalesRightsType><Territory><RegionsIncluded>WORLD</RegionsIncluded>\
</Territory>{}</SalesRights>"
NOTE = "<SalesRestriction><SalesRestrictionType>{}</SalesRestrictionType>{}</SalesRestriction>"


@pytest.mark.parametrize(
    ("restriction", "opens"),
    [
        pytest.param("", True, id="none"),
        pytest.param(NOTE.format("00", "<SalesRestrictionNote>Worldwide</SalesRestrictionNote>"), True, id="a note"),
        pytest.param(NOTE.format("04", ""), False, id="one retailer alone"),
        pytest.param("<SalesRestriction/>", False, id="of no type"),
    ],
)
def test_a_restriction_on_sales_opens_nothing(scene: Scene, tmp_path: Path, restriction: str, *, opens: bool) -> None:
    take_in(scene, tmp_path, product(HARD, rights=WORLD.format(restriction)))
    (found,) = [one for one in scene.all(RightsSet) if one.id == edition(scene, HARD).rights_set_id]
    assert bool(found.countries) is opens
    assert bool(found.problems) is not opens


def test_an_embargo_puts_off_the_day_of_sale(scene: Scene, tmp_path: Path) -> None:
    date_ = "<PublishingDate><PublishingDateRole>{}</PublishingDateRole><Date>{}</Date></PublishingDate>"
    dates = date_.format("01", "20261101") + date_.format("02", "20270401")
    take_in(scene, tmp_path, product(HARD, rights=dates))
    assert edition(scene, HARD).publication_date == date(2027, 4, 1)


@pytest.mark.parametrize(("told", "day"), [("202604", date(2026, 4, 30)), ("2026", date(2026, 12, 31))])
def test_a_month_or_a_year_is_over_before_a_book_is_sold(scene: Scene, tmp_path: Path, told: str, day: date) -> None:
    when = f"<PublishingDate><PublishingDateRole>01</PublishingDateRole><Date>{told}</Date></PublishingDate>"
    take_in(scene, tmp_path, product(HARD, rights=when))
    assert edition(scene, HARD).publication_date == day


def test_a_price_for_all_the_world_but_one_gives_way_to_one_that_names_the_country(
    scene: Scene, tmp_path: Path
) -> None:
    wide = "<Territory><RegionsIncluded>WORLD</RegionsIncluded><CountriesExcluded>US</CountriesExcluded></Territory>"
    near = "<Territory><CountriesIncluded>JP</CountriesIncluded></Territory>"
    prices = [
        PRICE.format(more="", amount=amount).replace("</Price>", f"{where}</Price>")
        for amount, where in (("30.00", wide), ("25.00", near))
    ]
    take_in(scene, tmp_path, product(HARD, price="".join(prices)))
    with scene.shop.db.reading() as session:
        for country, minor in (("JP", 2500), ("FR", 3000)):
            ((_id, view),) = reading.editions_by_isbn(scene.shop, session.connection(), [HARD], country).values()
            assert view.offer.price is not None
            assert view.offer.price.minor == minor


@pytest.mark.parametrize("form", ["AJ", "AN"])
def test_a_book_to_listen_to_is_no_parcel_and_waits_for_somebody_who_delivers_it(
    scene: Scene, tmp_path: Path, form: str
) -> None:
    told = product(EBOOK, rights=WORLD.format(""), price=PRICE.format(more="", amount="10.00"))
    told = told.replace("<ProductForm>ED<", f"<ProductForm>{form}<").replace("<TitleDetail>", LOCKED)
    take_in(scene, tmp_path, told)
    with scene.shop.db.writing() as session:
        for one in session.scalars(select(RightsSet)):
            one.sign("rights@press.test", scene.shop.now)
    with scene.shop.db.reading() as session:
        ((_id, view),) = reading.editions_by_isbn(scene.shop, session.connection(), [EBOOK], "US").values()
    assert (view.facts.is_digital, view.offer.state, view.delivery) == (True, OfferState.COMING_SOON, None)
    assert (edition(scene, EBOOK).tax_class, edition(scene, EBOOK).fulfiller) == ("audiobook", None)


def test_a_work_is_as_old_as_its_first_edition(scene: Scene, tmp_path: Path) -> None:
    date_ = "<PublishingDate><PublishingDateRole>01</PublishingDateRole><Date>{}</Date></PublishingDate>"
    days = ((HARD, 20240601), (SOFT, 20270301))
    take_in(scene, tmp_path, *(product(isbn, work="A", rights=date_.format(day)) for isbn, day in days))
    assert "Tide and wrack" in scene.get("/new").text
    assert "Tide and wrack" not in scene.get("/coming").text


def test_a_record_that_is_silent_on_copies_does_not_make_them_endless(scene: Scene, tmp_path: Path) -> None:
    on_hand = PRICE.format(more="", amount="10.00") + "<Stock><OnHand>7</OnHand></Stock>"
    take_in(scene, tmp_path, product(HARD, price=on_hand))
    assert edition(scene, HARD).stock == 7
    take_in(scene, tmp_path, product(HARD))
    assert edition(scene, HARD).stock == 7
    take_in(scene, tmp_path, product(HARD).replace("<ProductAvailability>20", "<ProductAvailability>23"))
    assert edition(scene, HARD).stock is None, "what is printed to order is not counted"


def test_a_count_that_is_told_again_does_not_bring_back_what_was_sold(scene: Scene, tmp_path: Path) -> None:
    def tell(count: int, title: str, availability: str = "20") -> int | None:
        on_hand = PRICE.format(more="", amount="10.00") + f"<Stock><OnHand>{count}</OnHand></Stock>"
        told = product(HARD, price=on_hand, title=title)
        take_in(scene, tmp_path, told.replace("Availability>20", f"Availability>{availability}"))
        return edition(scene, HARD).stock

    assert tell(7, "First") == 7
    with scene.shop.db.writing() as session:
        assert take_stock(session, edition(scene, HARD).id, 2)
    assert tell(7, "Second") == 5
    assert tell(9, "Second") == 9
    assert tell(9, "Third", availability="23") is None
    assert tell(9, "Third") == 9


def test_a_subject_is_called_as_the_publisher_calls_it_now(scene: Scene, tmp_path: Path) -> None:
    subject = "<Subject><SubjectSchemeIdentifier>93</SubjectSchemeIdentifier><SubjectCode>NHD</SubjectCode>{}</Subject>"
    heading = "<SubjectHeadingText>{}</SubjectHeadingText>"

    def tell(words: str) -> str | None:
        told = product(HARD).replace("</DescriptiveDetail>", subject.format(words) + "</DescriptiveDetail>")
        take_in(scene, tmp_path, told)
        return {one.code: one.heading for one in scene.all(KnownSubject)}["NHD"]

    assert tell(heading.format("Europe’s histroy")) == "Europe’s histroy"
    assert tell(heading.format("Europe’s history")) == "Europe’s history"
    assert tell("") == "Europe’s history", "a record without a heading does not take it away"


def test_other_forms_are_known_by_an_isbn_of_ten_digits(scene: Scene, tmp_path: Path) -> None:
    take_in(scene, tmp_path, product(HARD))
    take_in(scene, tmp_path, product(EBOOK, kin=("0-306-40615-2",)))
    assert works_of(scene, HARD, EBOOK) == [{HARD, EBOOK}]


def test_where_we_may_not_sell_the_page_says_who_does(scene: Scene, tmp_path: Path) -> None:
    def right(kind: str, codes: str, more: str) -> str:
        territory = f"<Territory><CountriesIncluded>{codes}</CountriesIncluded></Territory>"
        return f"<SalesRights><SalesRightsType>{kind}</SalesRightsType>{territory}{more}</SalesRights>"

    theirs = "<ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>978-0-14-044913-6</IDValue>\
</ProductIdentifier><PublisherName>Paternoster &amp; Daughters</PublisherName>"
    told = right("01", "US", "<PublisherName>Example Press</PublisherName>")
    told += right("03", "GB IE", theirs) + right("03", "FR", "<PublisherName>Éditions du Quai</PublisherName>")
    price = PRICE.format(more="", amount="10.00")
    assert take_in(scene, tmp_path, product(HARD, rights=told + right("03", "DE", ""), price=price)).problems == []
    with scene.shop.db.writing() as session:
        for found in session.scalars(select(RightsSet)):
            found.sign("sam@press.test", scene.clock.now)

    def sentence(country: str) -> str:
        scene.live_in(country)
        return html.unescape(scene.get(FIRST).text)

    assert "Paternoster & Daughters publishes the book there, with ISBN 9780140449136" in sentence("GB")
    assert "Éditions du Quai publishes the book there; any bookshop" in sentence("FR")
    assert "another publisher holds the rights" in sentence("DE")
    assert "publishes the book there" not in sentence("US")
    out = tmp_path / "out.xml"
    out.write_bytes(scene.get(f"{FIRST}.onix").data)
    assert onixcheck.validate(str(out)) == []
    (again,) = onix.products(out)
    assert isinstance(again, OnixProduct)
    publishers = [one.publisher for one in again.rights.rights]
    assert publishers == ["Example Press", "Paternoster & Daughters", "Éditions du Quai", None]


# -- What a record says now, and what it is silent on ---------------------------------------------------------------

BARE = product(HARD, reference=REFERENCE, work="W-1", title="Exit Stalin", price=PRICE.format(more="", amount="10.00"))
"""As little as a record can say; its work is named as in RICH."""
SHORT = "<CollateralDetail><TextContent><TextType>02</TextType><Text>Short</Text></TextContent>"
LOCKED = "<EpubTechnicalProtection>02</EpubTechnicalProtection><TitleDetail>"
NOTED = "</Territory>" + NOTE.format("00", "<SalesRestrictionNote>Not in Britain</SalesRestrictionNote>")
THEIRS = "<SalesRights><SalesRightsType>03</SalesRightsType><Territory><CountriesIncluded>GB</CountriesIncluded>\
</Territory><PublisherName>Paternoster</PublisherName></SalesRights><ROWSalesRightsType>"
RICH = (
    SOUND.replace(HARDBACK, HARD)
    .replace("<IDTypeName>Work</IDTypeName>", "")
    .replace("<ProductForm>BB", "<ProductForm>ED")
    .replace("<TitleDetail>", LOCKED)
    .replace("<CollateralDetail>", SHORT)
    .replace("</Territory></SalesRights>", f"{NOTED}</SalesRights>")
    .replace("<ROWSalesRightsType>", THEIRS)
)
"""All that a record can say, of an ebook."""
OTHERWISE = (
    RICH.replace("The Soviet Union", "A Union")
    .replace("Short", "Shorter")
    .replace("Fish", "Peas")
    .replace("<PublisherName>Example", "<PublisherName>Other")
    .replace(">nhd<", ">nhf<")
    .replace("Lucid", "Clear")
    .replace("Mark B. Smith", "Ann Lee")
    .replace("exit.jpg", "way-out.jpg")
    .replace("Not in Britain", "Not in Ireland")
)
"""The same book, described in other words."""
FEWER = re.sub(r"<Contributor><ContributorRole>B01.*?</Contributor>", "", OTHERWISE, flags=re.DOTALL)
AS_TOLD = (
    *("form", "protection", "pages", "width_mm", "height_mm", "thickness_mm", "weight_g"),
    *("illustrations", "file_bytes", "language", "publication_date", "publishing_status", "availability"),
    *("expected_date", "accessibility", "hazards", "usage", "safety_contacts"),
)


def told(folder: Path) -> OnixProduct:
    """What the last record that was taken in says."""
    (found,) = onix.products(folder / "feed.xml")
    assert isinstance(found, OnixProduct)
    return found


def stored(values: object) -> object:
    """What comes back of values that are kept as JSON."""
    return json.loads(json.dumps(values, default=lambda one: str(one) if isinstance(one, date) else asdict(one)))


@pytest.mark.parametrize("order", [[BARE, RICH], [RICH, BARE]], ids=["more is told", "less is told"])
def test_an_edition_is_what_its_newest_record_says(scene: Scene, tmp_path: Path, order: list[str]) -> None:
    for record in order:
        assert take_in(scene, tmp_path, record).problems == []
    said, found = told(tmp_path), edition(scene, HARD)
    sold_as = {"ED": ("epub", "watermark"), "BB": ("print_book", None)}[said.form]
    days = [(one.minor, one.since, one.until) for one in scene.all(Price) if one.edition_id == found.id]

    assert stored({name: getattr(found, name) for name in AS_TOLD}) == stored(
        {name: getattr(said, name) for name in AS_TOLD}
    )
    assert (found.form_details or "").split() == list(said.form_details)
    assert found.elsewhere == stored(rights.elsewhere(said.rights))
    assert days == [(one.money.minor, one.since, one.until) for one in said.prices]
    assert (found.tax_class, found.fulfiller) == sold_as


def of_the_work(scene: Scene) -> dict[str, object]:
    """What is told of the work of the one edition, and where its cover is."""
    (work,) = [one for one in scene.all(Work) if one.identifier == "01::W-1"]
    people = sorted((one for one in scene.all(Contributor) if one.work_id == work.id), key=lambda one: one.position)
    praise = sorted((one for one in scene.all(Quotation) if one.work_id == work.id), key=lambda one: one.position)
    return {
        **{name: getattr(work, name) for name in ("subtitle", "publisher", "description", "short_description")},
        "territory_statement": work.territory_statement,
        "subjects": work.subjects,
        "contributors": [{"role": one.role, "name": one.name, "biography": one.biography} for one in people],
        "quotations": [{"words": one.words, "author": one.author, "source": one.source} for one in praise],
        "cover": edition(scene, HARD).cover_link,
    }


def test_a_work_is_as_it_was_told_last_and_silence_takes_nothing_away(scene: Scene, tmp_path: Path) -> None:
    for record in (RICH, OTHERWISE, FEWER, RICH):
        take_in(scene, tmp_path, record)
        said, now = told(tmp_path), of_the_work(scene)
        take_in(scene, tmp_path, BARE)

        assert now == stored({name: getattr(said, name) for name in now})
        assert of_the_work(scene) == now


def test_a_new_work_comes_with_one_revision_and_whatever_is_added_later_raises_it(scene: Scene, tmp_path: Path) -> None:
    """Or a page that somebody has seen would go on without it."""

    def revision() -> int:
        return next(work.revision for work in scene.all(Work) if work.title == "Tide and wrack")

    def add(row: object) -> int:
        with scene.shop.db.writing() as session:
            session.add(row)
        return revision()

    take_in(scene, tmp_path, product(HARD, work="W-1"))
    raised = [revision()]
    found = edition(scene, HARD)
    raised.append(add(Price(edition_id=found.id, position=7, minor=100, currency="GBP")))
    raised.append(add(Contributor(work_id=found.work_id, position=7, role="A01", name="Ann")))
    raised.append(add(Quotation(work_id=found.work_id, position=7, words="Fine")))
    take_in(scene, tmp_path, product(EBOOK, work="W-1"))

    assert raised == [1, 2, 3, 4]
    assert revision() > raised[-1]


def test_two_imports_at_once_bring_the_same_book_once(scene: Scene, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.xml" for number in range(4)]
    for number, file in enumerate(files):
        isbns = list(FORMS) if number % 2 else list(FORMS)[::-1]
        told = "".join(product(isbn, work="W-1", title=f"Tide and wrack {number}") for isbn in isbns)
        file.write_text(f'<ONIXMessage xmlns="{NAMESPACE}" release="3.0">{told}</ONIXMessage>')
    ready = Barrier(len(files))

    def bring(file: Path) -> importer.Report:
        ready.wait()
        return importer.import_file(scene.shop, file)

    with ThreadPoolExecutor(len(files)) as pool:
        reports = list(pool.map(bring, files))

    assert sum(report.added for report in reports) == len(FORMS)
    assert all(report.problems == [] for report in reports)
    assert len(works_of(scene, *FORMS)) == 1


def contents(database: Database) -> dict[str, list[str]]:
    """Every row of the catalogue but for its number, sorted."""
    forgotten = {"id", "work_id", "edition_id", "rights_set_id", "revision"}
    models = (Work, Edition, Contributor, Quotation, Price, RightsSet, KnownSubject, KnownWord)
    with database.reading() as session:
        return {
            model.__tablename__: sorted(
                repr({name: value for name, value in row.items() if name not in forgotten})
                for row in session.execute(select(model.__table__)).mappings()
            )
            for model in models
        }


def test_however_a_catalogue_is_cut_into_files_it_comes_to_the_same(shop: Shop, tmp_path: Path) -> None:
    text = (EXAMPLES / "catalogue.xml").read_text()
    head, tail = text[: text.index("<Product>")], "</ONIXMessage>"
    products = re.findall(r"<Product>.*?</Product>", text, flags=re.DOTALL)
    cuts = {
        "at once": [products],
        "one by one": [[one] for one in products],
        "each told twice": [
            [again for one in products for again in (one.replace("</ProductForm>", "</ProductForm> "), one)]
        ],
    }
    found = {}
    for name, files in cuts.items():
        database = Database(f"sqlite:///{tmp_path}/{name}.db")
        migrations.upgrade(database)
        for told in files:
            (tmp_path / "feed.xml").write_text(head + "".join(told) + tail)
            assert importer.import_file(replace(shop, db=database), tmp_path / "feed.xml").problems == []
        with database.write_engine.connect() as connection:
            connection.execute(text_("INSERT INTO work_word (work_word, rank) VALUES ('integrity-check', 1)"))
        found[name] = contents(database)
        database.close()

    assert len(found["at once"]["work"]) == 12
    assert found["one by one"] == found["at once"]
    assert found["each told twice"] == found["at once"]
