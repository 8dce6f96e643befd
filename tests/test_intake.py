"""What an import makes of what ONIX says: works of their editions, prices of places and days, marks to find by."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from shop.catalogue import intake, rights, search
from shop.catalogue.models import Edition, KnownSubject, Price, Work
from shop.catalogue.offers import holds_on
from tests.conftest import EXAMPLES
from tests.makers import HARDBACK, Scene

if TYPE_CHECKING:
    from pathlib import Path

FORMS = {"9780306406157": "BB", "9780140449136": "ED", "9780261103573": "BC"}
HARD, EBOOK, SOFT = FORMS


def product(isbn: str, *, work: str = "", kin: tuple[str, ...] = (), market: str = "", price: str = "") -> str:
    """A product of a form of its own, in as few words as a product takes."""
    named = f"<RelatedWork><WorkRelationCode>01</WorkRelationCode><WorkIdentifier><WorkIDType>01</WorkIDType>\
<IDValue>{work}</IDValue></WorkIdentifier></RelatedWork>"
    others = "".join(
        f"<RelatedProduct><ProductRelationCode>06</ProductRelationCode><ProductIdentifier><ProductIDType>15"
        f"</ProductIDType><IDValue>{one}</IDValue></ProductIdentifier></RelatedProduct>"
        for one in kin
    )
    return f"""<Product><RecordReference>r.{isbn}</RecordReference><NotificationType>03</NotificationType>
<ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>{isbn}</IDValue></ProductIdentifier>
<DescriptiveDetail><ProductForm>{FORMS[isbn]}</ProductForm><TitleDetail><TitleType>01</TitleType><TitleElement>
<TitleElementLevel>01</TitleElementLevel><TitleText>Tide and wrack</TitleText></TitleElement></TitleDetail>
</DescriptiveDetail>
<RelatedMaterial>{named if work else ""}{others}</RelatedMaterial>
<ProductSupply>{market}<SupplyDetail><ProductAvailability>20</ProductAvailability>{price}</SupplyDetail></ProductSupply>
</Product>"""


def take_in(scene: Scene, folder: Path, *products: str) -> intake.Report:
    """Import a message of these."""
    file = folder / "feed.xml"
    namespace = "http://ns.editeur.org/onix/3.0/reference"
    file.write_text(f'<ONIXMessage xmlns="{namespace}" release="3.0">{"".join(products)}</ONIXMessage>')
    return intake.import_file(scene.shop, file)


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


def test_a_price_of_certain_days_holds_on_them_before_the_usual_one(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        edition = session.scalars(select(Edition).where(Edition.isbn == HARDBACK)).one()
        today = scene.clock.now.date()
        edition.prices.append(Price(position=1, minor=1200, currency="GBP", since=today, until=today))
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
    intake.import_file(scene.shop, EXAMPLES / "catalogue.xml")

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
