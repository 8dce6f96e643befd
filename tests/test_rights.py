"""Sales rights: where a book may be sold follows from what was said of it, in any order, and silence sells nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shop import countries
from shop.catalogue import onix
from shop.catalogue.onix import OnixProduct
from shop.catalogue.rights import (
    SalesRights,
    Statement,
    Territory,
    countries_of,
    read,
    resolve,
    written,
)
from shop.countries import COUNTRIES

if TYPE_CHECKING:
    import random

CATALOGUE = Path(__file__).parent.parent / "config" / "demo" / "catalogue.xml"
OPENING = {"01", "02"}
CLOSING = {"03", "04", "05", "06"}
NOWHERE: frozenset[str] = frozenset()
often = settings(max_examples=60, deadline=None, derandomize=True)


def codes(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def right(kind: str, included: str = "", excluded: str = "") -> SalesRights:
    """A SalesRights composite; a code with a hyphen, and WORLD, are regions."""
    regions = {"WORLD", "ROW", "ECZ"}

    def countries_in(text: str) -> tuple[str, ...]:
        return tuple(code for code in codes(text) if "-" not in code and code not in regions)

    def regions_in(text: str) -> tuple[str, ...]:
        return tuple(code for code in codes(text) if "-" in code or code in regions)

    territory = Territory(countries_in(included), regions_in(included), countries_in(excluded), regions_in(excluded))
    return SalesRights(kind, territory)


def opened(*rights: SalesRights, row: str | None = None) -> frozenset[str]:
    return resolve(Statement(rights, row)).countries


def everywhere_but(text: str) -> frozenset[str]:
    return COUNTRIES.difference(codes(text))


# -- The book that started it ------------------------------------------------------------------------------


def the_seed() -> OnixProduct:
    product = list(onix.products(CATALOGUE))[0]  # noqa: RUF015 - a file is read to its end, or stays open
    assert isinstance(product, OnixProduct)
    return product


NEIGHBOURS = frozenset({"AT", "BE", "CA", "DE", "FR", "IE", "NL"})


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (COUNTRIES, "Everywhere"),
        (frozenset(), "Nowhere"),
        (frozenset({"GB", "IE", "CA"}), "Canada, Ireland and the United Kingdom"),
        (frozenset({"US"}), "The United States"),
        (COUNTRIES - {"US", "CA"}, "Everywhere but Canada and the United States"),
        (
            frozenset(["AT", "BE", "CA", "DE", "FR", "IT", "US"]),
            "7 countries, with US, CA; without GB, IE, AU, NZ, IN, ZA",
        ),
        (
            COUNTRIES - frozenset(["AT", "BE", "CH", "DE", "FR", "IT", "NL"]),
            "242 countries, with US, CA, GB, IE, AU, NZ, IN, ZA",
        ),
    ],
)
def test_a_set_is_called_as_people_call_it(codes: frozenset[str], words: str) -> None:
    assert countries.in_words(codes) == words


def test_the_seeds_sentence_closes_eighty_countries_and_keeps_canada() -> None:
    seed = the_seed()
    resolution = resolve(seed.rights)
    closed = COUNTRIES - resolution.countries
    assert seed.territory_statement == (
        "Worldwide including Canada, but excluding the British Commonwealth and the European Union."
    )
    assert len(closed) == 80
    assert closed == frozenset(seed.rights.rights[0].territory.countries_excluded)
    assert {"US", "CA", "JP"} <= resolution.countries
    assert {"GB", "IE", "AU", "DE"} <= closed
    assert resolution.problems == ()
    assert resolution.decisions["CA"].reason == "by WORLD: exclusive rights"
    assert resolution.decisions["GB"].reason == "named: not for sale"


def test_the_seed_said_in_either_half_or_the_other_way_round_is_the_same_set() -> None:
    seed = the_seed().rights
    whole = resolve(seed)
    assert resolve(Statement(seed.rights[::-1])) == whole
    assert resolve(Statement(seed.rights[:1])).countries == whole.countries
    assert resolve(replace(seed, rest_of_world="03")).countries == whole.countries


# -- One rule a row -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rights", "row", "where"),
    [
        pytest.param([right("01", "WORLD")], None, COUNTRIES, id="the world"),
        pytest.param([right("01", "US CA")], None, {"US", "CA"}, id="only where it is named"),
        pytest.param([right("02", "US")], None, {"US"}, id="not exclusive is for sale too"),
        pytest.param([right("01", "WORLD", "GB")], None, everywhere_but("GB"), id="the world but one"),
        pytest.param(
            [right("01", "WORLD"), right("03", "GB")], None, everywhere_but("GB"), id="named shut beats WORLD"
        ),
        pytest.param([right("03", "WORLD"), right("01", "GB")], None, {"GB"}, id="named open beats WORLD"),
        pytest.param([right("03", "WORLD"), right("01", "GB")], "01", {"GB"}, id="and WORLD leaves no rest"),
        pytest.param([right("01", "WORLD", "CA"), right("02", "CA")], None, COUNTRIES, id="excluded, then named"),
        pytest.param([right("03", "WORLD", "US")], None, NOWHERE, id="to be spared is not to be opened"),
        pytest.param([right("01", "US"), right("02", "US")], None, {"US"}, id="twice for sale is for sale"),
        pytest.param([right("01", "GB")], "02", COUNTRIES, id="the rest is for sale"),
        pytest.param([right("01", "GB")], "03", {"GB"}, id="the rest is not"),
        pytest.param([right("03", "GB")], "01", everywhere_but("GB"), id="all the rest but one"),
        pytest.param([right("01", "GB")], None, {"GB"}, id="of the rest nothing is said"),
        pytest.param([], "01", COUNTRIES, id="only the rest, and it is everything"),
        pytest.param([], None, NOWHERE, id="nothing is said"),
    ],
)
def test_the_plain_statements_mean_what_they_say(rights: list[SalesRights], row: str | None, where: set[str]) -> None:
    assert opened(*rights, row=row) == where


@pytest.mark.parametrize("kind", sorted(CLOSING))
def test_a_named_country_beats_the_world(kind: str) -> None:
    assert opened(right("01", "WORLD"), right(kind, "GB IE")) == everywhere_but("GB IE")
    assert opened(right(kind, "WORLD"), right("02", "GB IE")) == {"GB", "IE"}


@pytest.mark.parametrize("shut", sorted(CLOSING))
@pytest.mark.parametrize("open_", sorted(OPENING))
@pytest.mark.parametrize("where", ["GB", "WORLD"])
def test_both_for_sale_and_not_is_shut_and_reported(open_: str, shut: str, where: str) -> None:
    resolution = resolve(Statement((right(open_, where), right(shut, where), right("01", "US"))))
    assert resolution.countries == {"US"}
    assert "Both for sale and not for sale" in " ".join(resolution.problems)
    assert "GB" in " ".join(resolution.problems)
    assert " US" not in " ".join(resolution.problems)
    assert resolution.decisions["GB"].reason.startswith("contradiction")


@pytest.mark.parametrize(
    "rights",
    [
        pytest.param([right("01", "GB US", "GB")], id="among named countries"),
        pytest.param([right("01", "WORLD GB", "GB")], id="and within the world"),
    ],
)
def test_a_country_included_and_excluded_in_one_breath_is_shut_and_reported(rights: list[SalesRights]) -> None:
    resolution = resolve(Statement(tuple(rights)))
    assert "GB" not in resolution.countries
    assert "US" in resolution.countries
    assert "GB" in " ".join(resolution.problems)


def test_of_two_worlds_the_wider_no_is_not_forgotten_for_the_narrower_one() -> None:
    assert opened(right("01", "WORLD"), right("03", "WORLD"), right("03", "WORLD", "US")) == NOWHERE


@pytest.mark.parametrize("kind", ["00", "07", "08", "09", "99", "", "01x", "1"])
def test_a_right_that_is_restricted_unstated_or_unknown_opens_nothing_and_is_reported(kind: str) -> None:
    resolution = resolve(Statement((right(kind, "WORLD"), right(kind, "US"))))
    assert resolution.countries == NOWHERE
    assert resolution.problems
    kept = resolve(Statement((right(kind, "WORLD"), right("01", "US"))))
    assert kept.countries == {"US"}
    assert any("Sales rights type" in problem for problem in kept.problems)


@pytest.mark.parametrize("row", ["00", "07", "08", "99"])
def test_a_rest_of_the_world_that_is_restricted_unstated_or_unknown_opens_nothing_and_is_reported(row: str) -> None:
    resolution = resolve(Statement((right("01", "US"),), row))
    assert resolution.countries == {"US"}
    assert row in " ".join(resolution.problems)


@pytest.mark.parametrize("code", ["UK", "gb", "XX", "AN", "EU", "ZZZ", "G"])
def test_an_unknown_country_opens_nothing_and_is_named_to_a_person(code: str) -> None:
    assert opened(right("01", code)) == NOWHERE
    resolution = resolve(Statement((right("01", f"US {code}"),)))
    assert resolution.countries == {"US"}
    assert code in " ".join(resolution.problems)
    excluded = resolve(Statement((right("01", "WORLD", code),)))
    assert code in " ".join(excluded.problems)


@pytest.mark.parametrize("region", ["GB-SCT", "US-CA", "ECZ", "ROW"])
def test_a_part_of_a_country_or_an_unknown_region_opens_nothing_and_is_reported(region: str) -> None:
    resolution = resolve(Statement((right("01", region),)))
    assert resolution.countries == NOWHERE
    assert region in " ".join(resolution.problems)


@pytest.mark.parametrize(
    "rights",
    [
        pytest.param([right("01", "WORLD", "GB-SCT")], id="out of the world"),
        pytest.param([right("01", "GB US", "GB-SCT")], id="out of its own country"),
        pytest.param([right("01", "WORLD"), right("03", "GB-SCT")], id="not for sale there"),
        pytest.param([right("01", "GB US"), right("03", "GB-SCT")], id="not for sale there, though the country is"),
    ],
)
def test_where_a_part_is_shut_its_whole_country_is(rights: list[SalesRights]) -> None:
    resolution = resolve(Statement(tuple(rights)))
    assert "GB" not in resolution.countries
    assert "US" in resolution.countries
    assert "GB-SCT" in " ".join(resolution.problems)


def test_what_is_reported_as_shut_is_shut() -> None:
    resolution = resolve(Statement((right("01", "WORLD", "ECZ"),)))
    told = " ".join(resolution.problems)
    assert "ECZ" in told
    assert "closed" not in told or "DE" not in resolution.countries


@pytest.mark.parametrize(
    ("rights", "row"),
    [
        pytest.param([right("08", "GB")], "01", id="sold with a restriction, and the rest is for sale"),
        pytest.param([right("07", "GB"), right("01", "WORLD")], None, id="and the world is"),
        pytest.param([right("00", "GB"), right("01", "WORLD")], None, id="nobody knows"),
        pytest.param([right("77", "GB"), right("02", "WORLD")], None, id="no such type"),
        pytest.param([SalesRights("01", right("01", "GB").territory, "04")], "01", id="for one retailer"),
        pytest.param([right("01", "US", "GB")], "01", id="excluded from where it is not"),
        pytest.param([right("01", "WORLD", "GB")], "02", id="excluded, though the rest is for sale"),
        pytest.param([right("01", "WORLD", "UK")], None, id="excluded by a code that is none"),
        pytest.param([right("01", "WORLD", "gb")], None, id="excluded in small letters"),
        pytest.param([right("01", "WORLD", "US,GB")], None, id="excluded with a comma"),
        pytest.param([right("01", "WORLD", "ECZ")], None, id="a region excluded that we cannot place"),
        pytest.param([right("03", "UK"), right("01", "WORLD")], None, id="not for sale by a code that is none"),
        pytest.param([right("03", "ECZ")], "01", id="not for sale in a region that we cannot place"),
        pytest.param([right("03")], "01", id="not for sale, and nobody says where"),
    ],
)
def test_what_is_shut_out_in_words_we_cannot_act_on_stays_shut_and_is_reported(
    rights: list[SalesRights], row: str | None
) -> None:
    resolution = resolve(Statement(tuple(rights), row))
    assert "GB" not in resolution.countries
    assert resolution.problems
    named = resolve(Statement((*rights, right("01", "JP")), row))
    assert "JP" in named.countries, "whoever is named stays open"


@pytest.mark.parametrize(("region", "shut"), [("GB-CHA", "GG JE"), ("GB-IOM", "IM")])
def test_islands_that_are_countries_of_their_own_are_shut_as_such(region: str, shut: str) -> None:
    assert opened(right("01", "WORLD", region)) == everywhere_but(shut)
    assert opened(right("01", "WORLD"), right("03", region)) == everywhere_but(shut)


@pytest.mark.parametrize(
    "statement",
    [Statement(), Statement((right("01"),)), Statement((right("02"),), "03"), Statement((right("01", "", "GB"),))],
)
def test_a_statement_that_says_nowhere_is_reported(statement: Statement) -> None:
    resolution = resolve(statement)
    assert resolution.countries == NOWHERE
    assert resolution.problems


# -- What holds of every statement -----------------------------------------------------------------------------

KNOWN = ("GB", "IE", "US", "CA", "JP", "FR")
some_countries = st.lists(st.sampled_from(KNOWN), max_size=3).map(tuple)
some_regions = st.lists(st.sampled_from(["WORLD", "WORLD", "ROW"]), max_size=1).map(tuple)
some_parts = st.lists(st.sampled_from(["GB-SCT", "US-CA"]), max_size=1).map(tuple)
territories = st.builds(Territory, some_countries, some_regions, some_countries, some_parts)
kinds = st.sampled_from([*sorted(OPENING | CLOSING), "00", "07", "99"])
statements = st.builds(
    Statement,
    st.lists(st.builds(SalesRights, kinds, territories), max_size=5).map(tuple),
    st.sampled_from([None, "00", "01", "02", "03", "06", "07", "99"]),
)


def as_a_clerk_would(statement: Statement, country: str) -> bool:
    """The rules again, for one country, by reading every line and writing down what it says of the country."""
    named, by_world, spared, lost = set(), set(), False, False
    for one in statement.rights:
        verdict, place = one.type in OPENING, one.territory
        cut = country in place.countries_excluded or any(part[:2] == country for part in place.regions_excluded)
        spared = spared or cut
        if country in place.countries_included:
            named |= {verdict, False} if cut else {verdict}
        elif "WORLD" in place.regions_included:
            spared = True
            by_world |= set() if cut else {verdict}
        if not verdict and not place.countries_included and "WORLD" not in place.regions_included:
            lost = True  # "not for sale" without a place, or in ROW, which is none
        if not verdict and "ROW" in place.regions_included:
            lost = True
    if named:
        return named == {True}
    if by_world:
        return by_world == {True} and not lost
    return statement.rest_of_world in OPENING and not spared and not lost


@often
@given(statements)
def test_every_country_is_judged_as_a_clerk_would_judge_it(statement: Statement) -> None:
    resolution = resolve(statement)
    assert resolution.decisions.keys() == COUNTRIES
    assert {code for code in (*KNOWN, "BR") if code in resolution.countries} == {
        code for code in (*KNOWN, "BR") if as_a_clerk_would(statement, code)
    }
    assert all(decision.reason for decision in resolution.decisions.values())


def shuffled(codes: tuple[str, ...], chance: random.Random) -> tuple[str, ...]:
    return tuple(chance.sample(codes, len(codes)))


@often
@given(statements, st.randoms(use_true_random=False))
def test_the_order_of_the_composites_and_of_their_codes_changes_nothing(
    statement: Statement, chance: random.Random
) -> None:
    mixed = [
        SalesRights(
            one.type,
            Territory(
                shuffled(one.territory.countries_included, chance),
                shuffled(one.territory.regions_included, chance),
                shuffled(one.territory.countries_excluded, chance),
                shuffled(one.territory.regions_excluded, chance),
            ),
        )
        for one in chance.sample(statement.rights, len(statement.rights))
    ]
    again = resolve(Statement(tuple(mixed), statement.rest_of_world))
    assert again == resolve(statement)
    assert again.digest == resolve(statement).digest


def test_problems_are_told_once_and_in_the_same_order_whoever_speaks_first() -> None:
    composites = [right("01", "US ZZ XX"), right("01", "CA XX"), right("99", "GB"), right("03", "FR UK GB-SCT")]
    told = {resolve(Statement(tuple(mixed))).problems for mixed in permutations(composites)}
    assert len(told) == 1
    (problems,) = told
    assert len(problems) == len(set(problems)) == 5


unknown_codes = st.text("ABCXYZabcxyz-0", min_size=1, max_size=6).filter(
    lambda code: code not in COUNTRIES and code != "WORLD"
)


@often
@given(statements, st.lists(unknown_codes, min_size=1, max_size=3).map(tuple), st.sampled_from(["01", "02"]))
def test_unknown_codes_never_open_a_country(statement: Statement, unknown: tuple[str, ...], kind: str) -> None:
    more = Statement((*statement.rights, SalesRights(kind, Territory(unknown, unknown))), statement.rest_of_world)
    resolution = resolve(more)
    assert resolution.countries <= resolve(statement).countries
    assert all(any(code in problem for problem in resolution.problems) for code in unknown)


@often
@given(statements, territories, st.sampled_from(sorted(CLOSING)))
def test_one_more_no_never_opens_a_country(statement: Statement, territory: Territory, kind: str) -> None:
    more = Statement((*statement.rights, SalesRights(kind, territory)), statement.rest_of_world)
    assert resolve(more).countries <= resolve(statement).countries


@often
@given(statements)
def test_a_statement_comes_back_from_the_database_as_it_went_in(statement: Statement) -> None:
    assert Statement.from_json(json.loads(json.dumps(statement.to_json()))) == statement


@pytest.mark.parametrize("restriction", [None, "00", "04", "zz"])
def test_a_restriction_comes_back_from_the_database_and_still_restricts(restriction: str | None) -> None:
    statement = Statement((SalesRights("01", Territory((), ("WORLD",)), restriction), right("02", "CA")))
    again = Statement.from_json(json.loads(json.dumps(statement.to_json())))

    assert again == statement
    assert resolve(again).digest == resolve(statement).digest


def test_a_statement_that_was_stored_before_restrictions_were_read_is_read_as_without() -> None:
    old = Statement((right("01", "US"),)).to_json()
    del old["rights"][0]["restriction"]

    assert Statement.from_json(old) == Statement((right("01", "US"),))


@pytest.mark.parametrize("rights", [[right("01", "US"), right("02", "US")], [right("02", "US"), right("01", "US")]])
def test_what_is_held_exclusively_and_not_is_told_as_exclusive(rights: list[SalesRights]) -> None:
    assert resolve(Statement(tuple(rights))).decisions["US"].reason == "named: exclusive rights"


def test_equal_sets_are_signed_once_and_different_sets_apart() -> None:
    plain = resolve(Statement((right("01", "US CA"),)))
    otherwise_said = resolve(Statement((right("01", "US"), right("02", "CA"), right("03", "GB"))))
    assert plain.digest == otherwise_said.digest
    assert plain.digest != resolve(Statement((right("01", "US"),))).digest
    with_a_problem = resolve(Statement((right("01", "US CA XX"),)))
    assert with_a_problem.countries == plain.countries
    assert with_a_problem.digest != plain.digest


# -- Country sets, and the countries themselves -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("territory", "where"),
    [
        (Territory(("US", "CA")), {"US", "CA"}),
        (Territory((), ("WORLD",)), COUNTRIES),
        (Territory((), ("WORLD",), ("GB", "IE")), everywhere_but("GB IE")),
        (Territory((), ("WORLD",), (), ("GB-SCT",)), everywhere_but("GB")),
        (Territory(("GB", "US"), (), (), ("GB-SCT",)), {"US"}),
        (Territory(("GB", "US"), (), ("GB",)), {"US"}),
        (Territory(("US", "UK", "xx")), {"US"}),
        (Territory((), ("GB-SCT", "ECZ", "ROW")), NOWHERE),
        (Territory((), ("WORLD",), ("UK",)), NOWHERE),
        (Territory(("US",), ("WORLD",), ("UK",)), {"US"}),
        (Territory(), NOWHERE),
    ],
)
def test_a_price_holds_in_the_whole_countries_of_its_territory(territory: Territory, where: set[str]) -> None:
    assert countries_of(territory) == where


@often
@given(st.frozensets(st.sampled_from(sorted(COUNTRIES))))
def test_a_stored_set_is_sorted_and_reads_back(where: frozenset[str]) -> None:
    assert read(written(where)) == where
    assert written(where).split() == sorted(where)


def test_there_are_249_countries_and_each_has_a_name_of_its_own() -> None:
    assert len(COUNTRIES) == 249
    assert all(len(code) == 2 and code.isascii() and code.isupper() for code in COUNTRIES)
    assert countries.names().keys() == COUNTRIES
    assert len(set(countries.names().values())) == 249
    assert countries.name("GB") == "United Kingdom"
    with pytest.raises(KeyError):
        countries.name("UK")


def test_countries_stand_where_a_reader_looks_for_them() -> None:
    listed = list(countries.names())
    for earlier, later in (("AF", "AX"), ("AX", "AL"), ("RE", "RU"), ("ST", "SA"), ("TR", "TV")):
        assert listed.index(earlier) < listed.index(later), (countries.name(earlier), countries.name(later))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("GB", "the United Kingdom"),
        ("US", "the United States"),
        ("NL", "the Netherlands"),
        ("CA", "Canada"),
        ("JP", "Japan"),
        ("NF", "Norfolk Island"),
        ("AX", "the Åland Islands"),
        ("PN", "the Pitcairn Islands"),
        ("PS", "the Palestinian Territories"),
    ],
)
def test_a_country_stands_in_a_sentence_as_people_say_it(code: str, words: str) -> None:
    assert countries.in_sentence(code) == words
