"""Offers: what may be done with an edition, here and now; and whatever is not certain is not sold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shop.catalogue.models import ProviderState
from shop.catalogue.offers import EditionFacts, Offer, OfferState, offer, price_for
from shop.countries import COUNTRIES, EUROPEAN_UNION
from shop.money import Money

NOW = datetime(2026, 4, 27, 23, 59, 59, tzinfo=UTC)
YESTERDAY, TODAY, TOMORROW = date(2026, 4, 26), date(2026, 4, 27), date(2026, 4, 28)
A_DAY = timedelta(days=1)
POUNDS, DOLLARS = Money(3800, "GBP"), Money(4500, "GBP")

HARDBACK = EditionFacts(
    isbn="9781631498299",
    is_digital=False,
    publishing_status="04",
    availability="21",
    publication_date=YESTERDAY,
    expected_date=None,
    stock=184,
    countries=frozenset({"US", "CA", "JP"}),
    prices=((POUNDS, None),),
    fulfiller=None,
    provider_state=ProviderState.UNCHECKED,
    provider_checked_at=None,
    has_safety_contact=True,
)
EBOOK = replace(
    HARDBACK,
    isbn="9781631498305",
    is_digital=True,
    availability="20",
    stock=None,
    fulfiller="glassboxx",
    provider_state=ProviderState.ENABLED,
    provider_checked_at=NOW - timedelta(hours=1),
)


def offered(facts: EditionFacts, country: str | None = "US", at: datetime = NOW, **changes: Any) -> Offer:
    return offer(replace(facts, **changes), country, at, A_DAY)


def case(state: OfferState, facts: EditionFacts, until: date | None = None, **changes: Any) -> tuple[Any, ...]:
    return state, facts, until, changes


S = OfferState
CASES = {
    "a hardback on the shelf": case(S.BUY, HARDBACK),
    "a hardback whose copies nobody counts": case(S.BUY, HARDBACK, stock=None),
    "a hardback without a date": case(S.BUY, HARDBACK, publication_date=None),
    "a hardback that is to come": case(S.PREORDER, HARDBACK, TOMORROW, publication_date=TOMORROW),
    "a hardback not yet available, with a date": case(
        S.PREORDER, HARDBACK, TOMORROW, availability="10", publication_date=TOMORROW
    ),
    "a hardback not yet available, without one": case(
        S.COMING_SOON, HARDBACK, availability="10", publication_date=None
    ),
    "a hardback not yet available, its date gone by": case(S.COMING_SOON, HARDBACK, availability="10"),
    "a hardback put off for good": case(S.COMING_SOON, HARDBACK, publishing_status="03", publication_date=TOMORROW),
    "an empty shelf": case(S.OUT_OF_STOCK, HARDBACK, stock=0),
    "a shelf that owes copies": case(S.OUT_OF_STOCK, HARDBACK, stock=-1),
    "an empty shelf, copies coming": case(S.OUT_OF_STOCK, HARDBACK, TOMORROW, stock=0, expected_date=TOMORROW),
    "an empty shelf, copies overdue": case(S.OUT_OF_STOCK, HARDBACK, stock=0, expected_date=YESTERDAY),
    "reprinting": case(S.OUT_OF_STOCK, HARDBACK, TOMORROW, availability="32", expected_date=TOMORROW),
    "out of print": case(S.OUT_OF_STOCK, HARDBACK, publishing_status="07"),
    "withdrawn": case(S.WITHDRAWN, HARDBACK, publishing_status="11"),
    "withdrawn, and no country known": case(S.WITHDRAWN, HARDBACK, publishing_status="11", countries=None),
    "rights that nobody has signed": case(S.COMING_SOON, HARDBACK, countries=None),
    "rights that open nothing": case(S.NOT_HERE, HARDBACK, countries=frozenset()),
    "no price": case(S.NOT_HERE, HARDBACK, prices=()),
    "a price for elsewhere": case(S.NOT_HERE, HARDBACK, prices=((POUNDS, frozenset({"CA"})),)),
    "an ebook": case(S.BUY, EBOOK),
    "an ebook that may be ordered early": case(
        S.PREORDER, EBOOK, TOMORROW, provider_state=ProviderState.PREORDER, publication_date=TOMORROW
    ),
    "an ebook ready before its day": case(S.COMING_SOON, EBOOK, TOMORROW, publication_date=TOMORROW),
    "an ebook not yet available": case(S.COMING_SOON, EBOOK, availability="10"),
    "an ebook not yet available, though it may be ordered early": case(
        S.COMING_SOON,
        EBOOK,
        TOMORROW,
        availability="10",
        provider_state=ProviderState.PREORDER,
        publication_date=TOMORROW,
    ),
    "an ebook that nobody delivers": case(S.COMING_SOON, EBOOK, fulfiller=None),
    "an ebook nobody has asked after": case(
        S.COMING_SOON, EBOOK, provider_state=ProviderState.UNCHECKED, provider_checked_at=None
    ),
    "an ebook said to be ready at no known time": case(S.COMING_SOON, EBOOK, provider_checked_at=None),
    "an ebook whose yes is a day and a second old": case(
        S.COMING_SOON, EBOOK, provider_checked_at=NOW - A_DAY - timedelta(seconds=1)
    ),
    "an ebook whose yes is a day old": case(S.BUY, EBOOK, provider_checked_at=NOW - A_DAY),
    "an ebook not enabled, with a date": case(
        S.COMING_SOON, EBOOK, TOMORROW, provider_state=ProviderState.NOT_ENABLED, publication_date=TOMORROW
    ),
    "an ebook not enabled, its date gone by": case(S.COMING_SOON, EBOOK, provider_state=ProviderState.NOT_ENABLED),
    "an ebook the provider does not know": case(S.COMING_SOON, EBOOK, provider_state=ProviderState.UNKNOWN_SKU),
    "another vendor's ebook": case(S.COMING_SOON, EBOOK, provider_state=ProviderState.OTHER_VENDOR),
    "a provider's word of no known meaning": case(S.COMING_SOON, EBOOK, provider_state="splendid"),
    "an ebook withdrawn": case(S.WITHDRAWN, EBOOK, availability="46"),
    "an ebook whose rights are not signed": case(S.COMING_SOON, EBOOK, countries=None),
}


@pytest.mark.parametrize(("state", "facts", "until", "changes"), CASES.values(), ids=CASES.keys())
def test_an_edition_is_offered_as_it_stands(
    state: OfferState, facts: EditionFacts, until: date | None, changes: dict[str, Any]
) -> None:
    found = offered(facts, **changes)
    assert (found.state, found.until) == (state, until)
    assert found.may_be_basketed == (state in {S.BUY, S.PREORDER})
    assert found.may_be_basketed or found.reason


def test_the_table_of_cases_reaches_every_state() -> None:
    told = {state for state, *_ in CASES.values()} | {offered(HARDBACK, country=None).state}
    assert told == set(OfferState)


@pytest.mark.parametrize(
    ("country", "state"),
    [("US", S.BUY), ("CA", S.BUY), ("JP", S.BUY), ("GB", S.NOT_HERE), ("IE", S.NOT_HERE), (None, S.CHOOSE_COUNTRY)],
)
@pytest.mark.parametrize("facts", [HARDBACK, EBOOK], ids=["hardback", "ebook"])
def test_a_reader_in_london_cannot_buy_what_a_reader_in_new_york_can(
    facts: EditionFacts, country: str | None, state: OfferState
) -> None:
    assert offered(facts, country).state is state


# -- Every code -------------------------------------------------------------------------------------------------

ON_SALE = {"20", "21", "22", "23"}
AWAITED = {"11", "12"}
LIST_64 = [f"{number:02}" for number in range(18)]
LIST_65 = """
01 09 10 11 12 20 21 22 23 30 31 32 33 34 40 41 42 43 44 45 46 47 48 49 50 51 52 97 98 99
""".split()  # noqa: SIM905 - a list of codes reads best as it is printed
ALL_CODES = [f"{number:02}" for number in range(100)]


@pytest.mark.parametrize("facts", [HARDBACK, EBOOK], ids=["hardback", "ebook"])
def test_only_the_availabilities_we_know_to_be_on_sale_are_sold(facts: EditionFacts) -> None:
    sold = {code for code in (*ALL_CODES, "", "9x") if offered(facts, availability=code).may_be_basketed}
    assert sold == ON_SALE


def test_print_that_is_awaited_is_ordered_before_its_day_and_not_sold_after_it() -> None:
    for code in AWAITED:
        assert offered(HARDBACK, availability=code, publication_date=TOMORROW).state is S.PREORDER
        late = offered(HARDBACK, availability=code, expected_date=TOMORROW)
        assert (late.state, late.until) == (S.COMING_SOON, TOMORROW)


WORDS = {
    S.WITHDRAWN: ("01 05 08 11 12 13 15 16 17", "01 40 41 42 43 45 46 48 49 50 52"),
    S.COMING_SOON: ("03", "09 10 11 12"),
    S.OUT_OF_STOCK: ("06 07 09 10", "30 31 32 33 34 44 47 51 97 98 99"),
    S.BUY: ("00 02 04 14", "20 21 22 23"),
}


@pytest.mark.parametrize("state", WORDS)
def test_every_code_of_both_lists_means_one_thing(state: OfferState) -> None:
    statuses, availabilities = (words.split() for words in WORDS[state])
    assert [code for code in LIST_64 if offered(HARDBACK, publishing_status=code).state is state] == statuses
    assert [code for code in LIST_65 if offered(HARDBACK, availability=code).state is state] == availabilities


def test_that_nothing_is_on_the_shelf_before_publication_is_not_to_be_sold_out() -> None:
    early = offered(HARDBACK, publication_date=TOMORROW, stock=0)
    assert (early.state, early.until) == (S.COMING_SOON, TOMORROW)


@pytest.mark.parametrize("code", ["01", "05", "08", "11", "12", "15", "16", "17", "03", "06", "07", "10", "13", "77"])
@pytest.mark.parametrize("facts", [HARDBACK, EBOOK], ids=["hardback", "ebook"])
def test_a_publishing_status_that_does_not_say_yes_sells_nothing(facts: EditionFacts, code: str) -> None:
    assert not offered(facts, publishing_status=code).may_be_basketed


@pytest.mark.parametrize("code", ["00", "02", "04"])
def test_an_active_forthcoming_or_unspecified_book_is_sold_by_its_other_facts(code: str) -> None:
    assert offered(HARDBACK, publishing_status=code).state is S.BUY
    assert offered(EBOOK, publishing_status=code).state is S.BUY


@pytest.mark.parametrize("code", ["10", "11", "12"])
def test_a_book_not_yet_available_and_without_a_date_is_not_sold_as_if_it_were_there(code: str) -> None:
    assert offered(HARDBACK, availability=code, publication_date=None, stock=None).state is not S.BUY


def test_an_ebook_of_which_the_provider_takes_only_early_orders_is_never_sold_as_ready() -> None:
    for day in (None, YESTERDAY, TODAY):
        found = offered(EBOOK, provider_state=ProviderState.PREORDER, publication_date=day)
        assert found.state is not S.BUY


# -- The moment it changes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({"publication_date": TOMORROW}, {"publication_date": TODAY}, id="its day comes"),
        pytest.param({"provider_state": ProviderState.NOT_ENABLED}, {}, id="the provider says yes"),
        pytest.param({"provider_checked_at": NOW - 2 * A_DAY}, {}, id="the provider is asked again"),
        pytest.param({"countries": None}, {}, id="somebody signs"),
        pytest.param({"fulfiller": None}, {}, id="somebody delivers it"),
        pytest.param({"availability": "10"}, {"availability": "20"}, id="the feed says available"),
        pytest.param({"publishing_status": "03"}, {"publishing_status": "04"}, id="it is no longer put off"),
    ],
)
def test_coming_soon_turns_to_buy_the_moment_its_reason_goes(before: dict[str, Any], after: dict[str, Any]) -> None:
    waiting = offered(EBOOK, **before)
    assert waiting.state is S.COMING_SOON
    assert waiting.reason
    assert offered(EBOOK, **after).state is S.BUY


def test_a_coming_ebook_is_on_sale_from_midnight_utc_of_its_day() -> None:
    assert offered(EBOOK, publication_date=TOMORROW, at=NOW).state is S.COMING_SOON
    midnight = NOW + timedelta(seconds=1)
    assert offered(EBOOK, publication_date=TOMORROW, at=midnight).state is S.BUY
    assert offered(HARDBACK, publication_date=TOMORROW, at=NOW).state is S.PREORDER
    assert offered(HARDBACK, publication_date=TOMORROW, at=midnight).state is S.BUY


def test_a_yes_from_the_provider_goes_stale_by_itself() -> None:
    fresh = timedelta(hours=23)
    assert offered(EBOOK, at=NOW + fresh).state is S.BUY
    assert offered(EBOOK, at=NOW + fresh + timedelta(seconds=1)).state is S.COMING_SOON


WRONG = [
    ("publishing_status", "11", "withdrawn"),
    ("countries", None, "rights not signed"),
    ("countries", frozenset({"US"}), "rights"),
    ("prices", (), "no price for the country"),
    ("has_safety_contact", False, "no product safety contact"),
    ("availability", "09", "postponed"),
    ("stock", 0, "out of stock"),
]


@pytest.mark.parametrize("first", range(len(WRONG)), ids=[reason for *_, reason in WRONG])
def test_of_all_that_is_wrong_the_first_is_the_reason(first: int) -> None:
    german = replace(HARDBACK, countries=frozenset({"DE"}))
    all_wrong = {name: value for name, value, _reason in reversed(WRONG[first:])}

    assert offered(german, "DE").state is S.BUY
    assert offered(replace(german, **all_wrong), "DE").reason == WRONG[first][2]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("country", "facts", "answered", "sold"),
    [
        *((country, HARDBACK, False, False) for country in sorted(EUROPEAN_UNION)),
        *((country, HARDBACK, True, True) for country in ("DE", "GB", "US")),
        *((country, HARDBACK, False, True) for country in ("GB", "US", "NO", "CH")),
        *((country, EBOOK, False, True) for country in ("DE", "GB", "US")),
    ],
)
def test_print_is_sold_in_the_union_only_with_somebody_who_answers_for_it(
    country: str, facts: EditionFacts, answered: bool, sold: bool
) -> None:
    found = offered(facts, country, countries=COUNTRIES, has_safety_contact=answered)

    assert found.may_be_basketed is sold
    assert found.reason == ("" if sold else "no product safety contact")


# -- Prices -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prices", "country", "price"),
    [
        (((POUNDS, None),), "US", POUNDS),
        (((POUNDS, None), (DOLLARS, frozenset({"US"}))), "US", DOLLARS),
        (((DOLLARS, frozenset({"US"})), (POUNDS, None)), "US", DOLLARS),
        (((DOLLARS, frozenset({"US"})), (POUNDS, None)), "CA", POUNDS),
        (((DOLLARS, frozenset({"US"})), (POUNDS, None)), None, POUNDS),
        (((DOLLARS, frozenset({"US"})),), "CA", None),
        (((DOLLARS, frozenset({"US"})),), None, None),
        (((DOLLARS, frozenset()),), "US", None),
        ((), "US", None),
    ],
)
def test_a_price_that_names_the_country_beats_the_one_for_everywhere(
    prices: Any, country: str | None, price: Money | None
) -> None:
    assert price_for(replace(HARDBACK, prices=prices), country) == price
    assert offered(HARDBACK, country, prices=prices).price == price


def test_a_price_is_shown_where_there_is_one_even_when_the_book_cannot_be_had() -> None:
    assert offered(HARDBACK, "GB").price == POUNDS
    assert offered(HARDBACK, stock=0).price == POUNDS
    assert offered(HARDBACK, publishing_status="11").price == POUNDS


# -- What holds of every edition --------------------------------------------------------------------------------

days = st.sampled_from([None, YESTERDAY, TODAY, TOMORROW])
editions = st.builds(
    EditionFacts,
    isbn=st.just("9781631498299"),
    is_digital=st.booleans(),
    publishing_status=st.sampled_from(["00", "02", "04", "03", "07", "11", "13"]),
    availability=st.sampled_from(["10", "11", "20", "21", "31", "43", "51", "99"]),
    publication_date=days,
    expected_date=days,
    stock=st.sampled_from([None, -1, 0, 1, 184]),
    countries=st.sampled_from([None, frozenset[str](), frozenset({"US"})]),
    prices=st.sampled_from([(), ((POUNDS, None),), ((POUNDS, frozenset({"CA"})),)]),
    fulfiller=st.sampled_from([None, "glassboxx"]),
    provider_state=st.sampled_from([*ProviderState, "splendid"]),
    provider_checked_at=st.sampled_from([None, NOW, NOW - timedelta(days=3)]),
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(editions, st.sampled_from([None, "US", "GB"]))
def test_nothing_is_sold_without_signature_country_price_copy_and_deliverer(
    facts: EditionFacts, country: str | None
) -> None:
    found = offer(facts, country, NOW, A_DAY)
    assert found == offer(facts, country, NOW, A_DAY)
    assert found.until is None or found.until > TODAY
    if found.may_be_basketed:
        assert facts.countries is not None
        assert country in facts.countries
        assert found.price is not None
        assert facts.stock is None or facts.stock > 0
        assert facts.publishing_status in {"00", "02", "04"}
        assert facts.availability in ON_SALE | {"10"}
        assert not facts.is_digital or (facts.fulfiller and facts.provider_checked_at == NOW)
        assert (found.state is S.PREORDER) == (facts.publication_date == TOMORROW) or facts.provider_state == "preorder"
    else:
        assert found.reason


def test_a_contradicting_feed_never_sells_what_one_of_its_codes_withdraws() -> None:
    for status, availability in product(["11", "16", "17"], [*ON_SALE, "10"]):
        assert offered(HARDBACK, publishing_status=status, availability=availability).state is S.WITHDRAWN
    for availability in ("40", "41", "43", "46", "48", "49"):
        assert offered(HARDBACK, availability=availability).state is S.WITHDRAWN
