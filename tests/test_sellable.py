"""Where how much of the catalogue may be sold, and the alarm when it is less than it was."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from shop import work
from shop.catalogue.models import Edition, Price, RightsSet
from shop.catalogue.selling import sellable
from shop.catalogue.selling.sellable import SellableDay
from shop.staff.access import Role
from shop.worker import HANDLERS, rounds
from tests.makers import EBOOK, EPUB, HARDBACK, Scene


def counted(scene: Scene) -> sellable.Share:
    with scene.shop.db.reading() as session:
        return sellable.count(session, "GBP", scene.clock.now.date())


def price(
    scene: Scene,
    isbn: str,
    *places: str | None,
    currency: str = "GBP",
    since: date | None = None,
    until: date | None = None,
) -> None:
    """Give an edition prices in these places and no others."""
    with scene.shop.db.writing() as session:
        edition = session.scalars(select(Edition).where(Edition.isbn == isbn)).one()
        edition.prices[:] = []
        session.flush()
        told = {"minor": 1000, "currency": currency, "since": since, "until": until}
        edition.prices[:] = [Price(position=at, countries=place, **told) for at, place in enumerate(places)]


def test_both_rights_and_price_are_needed(scene: Scene) -> None:
    price(scene, HARDBACK, "GB US")
    price(scene, EBOOK)
    with scene.shop.db.writing() as session:
        session.execute(update(RightsSet).values(countries="CA US"))
    share = counted(scene)

    assert share.total == 3
    assert (share.by_rights["US"], share.by_rights["CA"], share.by_rights["GB"]) == (3, 3, 0)
    assert (share.by_price["US"], share.by_price["CA"], share.by_price["GB"]) == (2, 1, 2)
    assert (share.sellable["US"], share.sellable["CA"], share.sellable["GB"]) == (2, 1, 0)


def test_two_prices_for_one_country_are_one_edition(scene: Scene) -> None:
    price(scene, HARDBACK, "US", "CA US", None)

    assert counted(scene).by_price["US"] == 3


@pytest.mark.parametrize(
    ("change", "sold"),
    [
        pytest.param({"currency": "USD"}, 0, id="in another currency"),
        pytest.param({"until": date(2020, 1, 1)}, 0, id="of days gone by"),
        pytest.param({"since": date(2026, 11, 26)}, 0, id="from tomorrow on"),
        pytest.param({"since": date(2026, 11, 25), "until": date(2026, 11, 25)}, 1, id="of today alone"),
        pytest.param({}, 1, id="today"),
    ],
)
def test_only_prices_that_hold_today_count(scene: Scene, change: dict[str, object], sold: int) -> None:
    for isbn in (HARDBACK, EBOOK, EPUB):
        price(scene, isbn)
    price(scene, HARDBACK, None, **change)  # type: ignore[arg-type]

    assert counted(scene).sellable["US"] == sold


def test_unsigned_rights_and_withdrawn_editions_do_not_count(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.isbn == EPUB).values(publishing_status="11"))
    withdrawn = counted(scene)
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.isbn == EBOOK).values(availability="40"))
    cancelled = counted(scene)
    with scene.shop.db.writing() as session:
        session.execute(update(RightsSet).values(signed_at=None))

    assert (withdrawn.total, withdrawn.sellable["US"]) == (2, 2)
    assert (cancelled.total, cancelled.sellable["US"]) == (1, 1)
    assert counted(scene).sellable["US"] == 0


def test_what_was_lost_since_yesterday_is_an_alarm(scene: Scene) -> None:
    scene.sign_in_as_staff()
    never = scene.get("/staff/rights/countries").text
    with scene.shop.db.writing() as session:
        work.enqueue(session, sellable.ROUND, "today", at=scene.clock.now)
    while work.perform_next(scene.shop, HANDLERS):
        pass
    same_day = scene.get("/staff/rights/countries").text
    quiet = scene.get("/staff/").text
    scene.clock.forward(hours=24)
    with scene.shop.db.writing() as session:
        session.execute(update(RightsSet).values(countries="CA"))
    with scene.shop.db.reading() as session:
        since, lost = sellable.losses(session, counted(scene), scene.clock.now.date())

    scene.sign_in_as_staff(Role.SUPPORT)
    for page in ("/staff/", "/staff/rights"):
        assert "fewer editions on sale than on 25 November 2026" in scene.get(page).text, page
    assert "fewer editions" not in quiet
    assert "No earlier day has been counted yet" in never
    assert "No earlier day has been counted yet" in same_day
    assert since == date(2026, 11, 25)
    assert [(one.country, one.before, one.now) for one in lost] == [
        (country, 3, 0) for country in sorted(scene.all(SellableDay)[0].counts) if country != "CA"
    ]
    assert sellable.ROUND in rounds(scene.shop.settings)


def test_a_loss_is_an_alarm_until_it_is_made_good_or_somebody_accepts_it(scene: Scene) -> None:
    def next_day(countries: str | None = None) -> bool:
        """A day goes by, perhaps with other rights; whether there is an alarm on it."""
        sellable.begin_day(scene.shop)
        scene.clock.forward(hours=24)
        if countries is not None:
            with scene.shop.db.writing() as session:
                session.execute(update(RightsSet).values(countries=countries))
        with scene.shop.db.reading() as session:
            return bool(sellable.alarm(scene.shop, session)[1])

    def accept(seen: str) -> int:
        return scene.post("/staff/rights/countries/accept", seen=seen).status_code

    assert next_day("CA US") is True
    assert [next_day() for _ in range(5)] == [True] * 5, "it does not go away by itself"
    assert next_day("CA US MX") is True, "another country does not make up for it"

    scene.sign_in_as_staff()
    (seen,) = re.findall(r'name="seen" value="([^"]+)"', scene.get("/staff/rights/countries").text)
    assert accept("1 2 3") == 409
    assert accept(seen) == 303
    assert "no country has lost anything" in scene.get("/staff/rights/countries").text
    assert [row.accepted_by for row in scene.all(SellableDay)][-1] == "admin@press.test"
    assert [next_day() for _ in range(2)] == [False, False]
    assert next_day("CA") is True, "what is lost after that is an alarm again"
    assert next_day("CA US MX") is False, "and is none when it is made good"


def test_another_loss_of_the_same_size_is_not_accepted_unseen(scene: Scene) -> None:
    sellable.begin_day(scene.shop)
    scene.clock.forward(hours=24)

    def lose(country: str) -> str:
        """Lose one country, all others kept; what staff see of it."""
        kept = scene.all(SellableDay)[0].counts.keys() - {country}
        with scene.shop.db.writing() as session:
            session.execute(update(RightsSet).values(countries=" ".join(sorted(kept))))
        return str(re.findall(r'name="seen" value="([^"]+)"', scene.get("/staff/rights/countries").text)[0])

    scene.sign_in_as_staff()
    seen = lose("CA")
    now = lose("US")

    assert scene.post("/staff/rights/countries/accept", seen=seen).status_code == 409
    assert scene.post("/staff/rights/countries/accept", seen=now).status_code == 303


def test_where_days_were_not_counted_those_that_were_are_compared_with_and_none_too_old(scene: Scene) -> None:
    today = scene.clock.now.date()
    counted_on = {0: {"US": 12}, 3: {"US": 5, "CA": 3, "JP": 4}, 4: {"US": 7}, 5: {"US": 9}}
    counted_on[sellable.LOOK_BACK.days + 1] = {"US": 99}
    with scene.shop.db.writing() as session:
        for days, counts in counted_on.items():
            session.add(SellableDay(day=today - timedelta(days=days), total=9, counts=counts))
    with scene.shop.db.reading() as session:
        since, lost = sellable.alarm(scene.shop, session)

    assert since == today - timedelta(days=5)
    assert [(one.country, one.before, one.now) for one in lost] == [("US", 9, 3), ("JP", 4, 3)]


def test_the_table_is_for_spreadsheets_too(scene: Scene) -> None:
    scene.sign_in_as_staff()
    lines = scene.get("/staff/rights/countries.csv").text.splitlines()

    assert lines[0].startswith("country,name,editions with rights")
    assert len(lines) == 250
    assert "US,United States,3,3,3,3" in lines
