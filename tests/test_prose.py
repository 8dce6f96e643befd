"""A publisher's sentence is read as a contract lawyer would read it, and what is not understood is said."""

from __future__ import annotations

import json
import time
from datetime import date
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shop import cli
from shop.catalogue import rights
from shop.catalogue.rights import SalesRights, Statement, Territory
from shop.catalogue.territory import prose
from shop.catalogue.territory.terms import terms_on
from shop.countries import COUNTRIES

TODAY = date(2026, 11, 26)
TERMS = terms_on(TODAY)
COMMONWEALTH, EU = TERMS["commonwealth"].members, TERMS["eu"].members
EUROPE, INDIA_AND_NEIGHBOURS = TERMS["europe"].members, TERMS["indian-subcontinent"].members
US_TERRITORIES = TERMS["us-territories"]
WORLD = COUNTRIES


def codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


def without(text: str) -> frozenset[str]:
    return WORLD - codes(text)


OPENS = [
    # The sentences of real pages and contracts.
    (
        "Worldwide including Canada, but excluding the British Commonwealth and the European Union.",
        (WORLD - COMMONWEALTH - EU) | {"CA"},
    ),
    ("British Commonwealth excluding Canada", COMMONWEALTH - {"CA"}),
    ("UK and Commonwealth rights (excluding Canada)", COMMONWEALTH - {"CA"}),
    ("UK and Commonwealth rights", COMMONWEALTH | {"GB"}),
    ("British Commonwealth rights", COMMONWEALTH),
    ("World English rights", WORLD),
    ("world rights", WORLD),
    ("North American rights", codes("US CA")),
    ("the US distribution rights", codes("US")),
    ("the US and UK distribution rights", codes("US GB")),
    ("The Exclusive Territories (defined by a schedule)", codes("")),
    ("Circulation of this edition outside the Indian Subcontinent is UNAUTHORIZED.", INDIA_AND_NEIGHBOURS),
    (
        "cannot be despatched to customers ordering from Australia, New Zealand, the United States or Canada",
        without("AU NZ US CA"),
    ),
    (
        "we are no longer able to sell eBooks to customers ordering from anywhere outside of the UK and Ireland",
        codes("GB IE"),
    ),
    ("Ex-Yugoslavia", codes("BA HR ME MK RS SI")),
    ("N USA", without("US")),
    ("Y EUR", EUROPE),
    ("WORLD except AS AU CA GU MP NZ PH PR US VI ZA", without("AS AU CA GU MP NZ PH PR US VI ZA")),
    ("UKCW excl. Can", COMMONWEALTH - {"CA"}),
    ("UKCW excl. Can excl. Australia", COMMONWEALTH - {"CA", "AU"}),
    ("UK & Comm. (ex. Can)", COMMONWEALTH - {"CA"}),
    ("WEL ex US", without("US")),
    ("Restrictions: none", WORLD),
    ("No restrictions except the USA", without("US")),
    ("UK and Ireland. Restrictions: none", codes("GB IE")),
    ("For sale in the UK only, no restrictions", codes("GB")),
    ("Territories: ALL", WORLD),
    ("For sale in the Indian subcontinent only and not for export therefrom", INDIA_AND_NEIGHBOURS),
    ("For sale in India and Nepal only and not for export", codes("IN NP")),
    ("Special edition for sale in India only. Export prohibited.", codes("IN")),
    ("Not for export from India", codes("IN")),
    ("Not for export to India", without("IN")),
    # "But not" takes from an exclusion, and from all else.
    ("World excluding British Commonwealth (but not Canada)", (WORLD - COMMONWEALTH) | {"CA"}),
    ("World excluding the EU, but not Ireland or Malta", (WORLD - EU) | {"IE", "MT"}),
    ("World excluding UK but not Japan", without("GB JP")),
    ("World excluding the EU but not Ireland, France", (WORLD - EU) | {"IE"}),
    ("World excluding the EU (but not Ireland, France)", (WORLD - EU) | {"IE", "FR"}),
    ("World excluding the EU, but not exclusively in the UK", WORLD - EU - {"GB"}),
    ("Not for sale in the USA; restrictions: none", without("US")),
    ("UK and Commonwealth but not Canada", COMMONWEALTH - {"CA"}),
    # Unless it says what they must not do there.
    ("World excluding the EU, but not for sale in Ireland", WORLD - EU),
    ("World excluding the EU, but not to be sold in Ireland", WORLD - EU),
    ("World excluding the EU, though not licensed in Ireland", WORLD - EU),
    ("World excluding British Commonwealth but not including Canada", WORLD - COMMONWEALTH),
    # Places are taken away from what nobody knows: it is not the world.
    ("BCN excl. Canada", codes("")),
    ("The Faber list, except India", codes("")),
    # Signs of programs.
    ("GB,IE,-US", codes("GB IE")),
    ("!US", without("US")),
    # Lists of countries, however they are written.
    ("US, CA, PH", codes("US CA PH")),
    ("GB, IE", codes("GB IE")),
    ("GB IE IN", codes("GB IE IN")),
    ("US/CAN/OM", codes("US CA")),
    ("US CA MX GB OM", codes("US CA MX GB OM")),
    ("RIGHTS AS TO GB", codes("GB")),
    ("DK NO SE FI", codes("DK NO SE FI")),
    ("GBR IRL AUS NZL", codes("GB IE AU NZ")),
    ("U.S.A. & U.K.", codes("US GB")),
    ("UK/Ireland/Australia", codes("GB IE AU")),
    ("United Kingdom and the Republic of Ireland", codes("GB IE")),
    ("Turkey, Macedonia, Swaziland, Burma, Holland", codes("TR MK SZ MM NL")),
    ("Côte d'Ivoire, Réunion and Curaçao", codes("CI RE CW")),
    ("COTE D'IVOIRE, REUNION AND CURACAO", codes("CI RE CW")),
    ("Antigua & Barbuda; St. Kitts and Nevis; Trinidad & Tobago", codes("AG KN TT")),
    ("São Tomé and Príncipe, Bosnia and Herzegovina", codes("ST BA")),
    ("Available in Germany (DE), Austria (AT) and Switzerland (CH)", codes("DE AT CH")),
    ("Czech Republic, Slovak Republic", codes("CZ SK")),
    ("Hong Kong, Macau and Taiwan", codes("HK MO TW")),
    ("South Korea and Japan", codes("KR JP")),
    ("Dominican Republic, Dominica", codes("DO DM")),
    ("Niger and Nigeria", codes("NE NG")),
    ("Sudan and South Sudan", codes("SD SS")),
    ("Guinea", codes("GN")),
    ("Guinea-Bissau, Papua New Guinea and Equatorial Guinea", codes("GW PG GQ")),
    ("Democratic Republic of the Congo", codes("CD")),
    ("Ireland", codes("IE")),
    ("Georgia", codes("GE")),
    ("Jersey", codes("JE")),
    ("Romania and Oman", codes("RO OM")),
    ("Canadian and Australian rights", codes("CA AU")),
    ("For sale in Canada only", codes("CA")),
    ("This edition is for sale in the Indian Subcontinent only", INDIA_AND_NEIGHBOURS),
    ("this is for us", codes("")),
    ("All rights reserved", codes("")),
    ("", codes("")),
    # The world without some.
    ("World excluding USA and Canada", without("US CA")),
    ("World excl. US, Canada and the Philippines", without("US CA PH")),
    ("World, except: United States of America; Canada; Philippines.", without("US CA PH")),
    ("For sale throughout the world except for the US", without("US")),
    ("For sale worldwide (except USA & Canada)", without("US CA")),
    ("All territories other than the UK", without("GB")),
    ("WORLD EXCLUDING THE UNITED STATES AND CANADA", without("US CA")),
    ("Available in all countries except Germany (DE), Austria (AT) and Switzerland (CH).", without("DE AT CH")),
    ("Worldwide excluding UK & Ireland", without("GB IE")),
    ("Territory: World minus EU", WORLD - EU),
    ("Not for sale in the U.S.A.", without("US")),
    ("This edition is not for sale in the United States, Canada, or the Philippines.", without("US CA PH")),
    ("Not available in Guinea-Bissau, Papua New Guinea or Equatorial Guinea", without("GW PG GQ")),
    ("World excluding Georgia and Jordan", without("GE JO")),
    ("World outside the European Union", WORLD - EU),
    ("not for sale outside the European Economic Area", EU | codes("IS LI NO")),
    ("Rest of the world", WORLD),
    (
        "World excluding USA, its territories and dependencies, Canada and the Philippines",
        WORLD - US_TERRITORIES.members - US_TERRITORIES.disputed - codes("US CA PH"),
    ),
    # Exceptions to exceptions.
    ("Europe except the UK but including Ireland", EUROPE - {"GB"}),
    ("European Union, excluding Ireland", EU - {"IE"}),
    (
        "World except North America but including Canada",
        WORLD - TERMS["north-america"].members - TERMS["north-america"].disputed | {"CA"},
    ),
    (
        "World excluding the Commonwealth but including Australia and New Zealand",
        (WORLD - COMMONWEALTH) | codes("AU NZ"),
    ),
    ("World excluding Europe, including the EU", (WORLD - EUROPE - TERMS["europe"].disputed) | EU),
    ("United Kingdom, British Commonwealth (excluding Canada) and Europe", (COMMONWEALTH | EUROPE) - {"CA"}),
    (
        "Exclusive: UK & Commonwealth (excluding Canada). Non-exclusive: rest of the world excluding USA and Canada.",
        without("US CA"),
    ),
    (
        "Exclusive in UK & Ireland; non-exclusive in Europe excluding Germany, Austria and Switzerland",
        EUROPE - codes("DE AT CH"),
    ),
    # But.
    ("Sold in all countries but the United Kingdom", without("GB")),
    ("World, but the US and Canada", without("US CA")),
    ("Worldwide but for the UK", without("GB")),
    ("UK but Ireland", codes("GB")),
    ("Not for sale in the USA but available in the UK", codes("GB")),
    ("World but only in English", WORLD),
    # Codes that mean more than one place, unless they are among many.
    ("World ex NA", without("AS BM CA GL GU MP MX NA PH PM PR UM US VI")),
    ("NA and UK", codes("GB")),
    ("GB IE NA ZA", codes("GB IE NA ZA")),
    ("UK incl. CI", codes("GB")),
    ("UK & NI", codes("GB")),
    ("DE, AT, CH", codes("DE AT CH")),
    ("NO SALES IN US, CA", without("US CA")),
    # A word that narrows: nobody knows to what, so it opens nothing and shuts the whole.
    ("Francophone Africa and France", codes("FR")),
    ("World excluding Northern Europe", WORLD - EUROPE - TERMS["europe"].disputed),
    ("Portuguese-speaking world", codes("")),
    ("The north of France", codes("")),
    ("Indian Ocean, and India", codes("IN")),
    ("World excluding the Dutch Antilles", codes("")),
    ("North Macedonia, South Africa, Western Sahara", codes("MK ZA EH")),
    # Territories of each in a list.
    ("US & Canada (and their territories)", codes("US CA AS GU MP PR UM VI")),
    (
        "World excluding US, Canada, Philippines and dependencies",
        without("US CA PH AS GU MP PR UM VI FM MH PW"),
    ),
    ("World excluding Canada and its territories", codes("")),
    # What cannot be told apart, or sold apart.
    ("Korea", codes("KR")),
    ("World excluding Korea", without("KR KP")),
    ("Virgin Islands", codes("")),
    ("World excl. Virgin Islands", without("VG VI")),
    ("Not for sale in the Congo", without("CD CG")),
    ("Northern Ireland", codes("")),
    ("World excluding Northern Ireland", without("GB")),
    ("New Jersey", codes("")),
    ("World excluding Ruritania", codes("")),
    ("US, not US", codes("")),
]


@pytest.mark.parametrize(("sentence", "expected"), OPENS, ids=[sentence[:60] for sentence, _ in OPENS])
def test_a_sentence_opens_exactly_these_countries(sentence: str, expected: frozenset[str]) -> None:
    reading = prose.read(sentence, TODAY)

    assert frozenset(reading.included) == expected
    assert frozenset(reading.included) | frozenset(reading.excluded) == COUNTRIES
    assert set(reading.resolution.decisions) == COUNTRIES


def test_the_seed_closes_eighty_countries_and_says_why() -> None:
    sentence = "Worldwide including Canada, but excluding the British Commonwealth and the European Union."
    decisions = prose.read(sentence, TODAY).resolution.decisions

    assert sum(not decision.allowed for decision in decisions.values()) == 80
    assert decisions["CA"].reason == "open: named Canada"
    assert decisions["GB"].reason == "closed: in British Commonwealth, list 1"
    assert decisions["FR"].reason == "closed: in European Union, list 2"
    assert decisions["US"].reason == "open: by the world"


@pytest.mark.parametrize(
    ("sentence", "unplaced"),
    [
        ("UK-and-a-bunch-of-Commonwealth-and-former-Commonwealth-countries", ("bunch", "former")),
        ("UK and Ruritania", ("Ruritania",)),
        ("Virgin Galactic", ("Virgin", "Galactic")),
        ("Indian Ocean", ("Indian", "Ocean")),
        ("French-speaking Africa", ("French-speaking",)),
        ("World rights until 2028", ("2028",)),
        ("world rights", ()),
    ],
)
def test_what_cannot_be_placed_is_told_and_lowers_the_confidence(sentence: str, unplaced: tuple[str, ...]) -> None:
    reading = prose.read(sentence, TODAY)

    assert reading.unplaced == unplaced
    assert (reading.confidence < 1) is bool(unplaced)


def test_a_list_is_read_by_the_version_of_its_day() -> None:
    then, now = (prose.read("European Union", day) for day in (date(2019, 1, 1), TODAY))

    assert ("GB" in then.included, "GB" in now.included) == (True, False)
    assert (then.terms, now.terms) == (("European Union, list 1",), ("European Union, list 2",))


CONFIDENCES = [
    ("US and UK", 1.0, ""),
    ("US and Ruritania", 0.85, "Not understood: Ruritania."),
    ("US, Ruritania and Freedonia", 0.7, "Not understood: Ruritania, Freedonia."),
    ("Not for sale in the US", 0.8, "the rest of the world is taken as open"),
    ("World excluding Korea", 0.9, "Disputed: whether Korea counts KP."),
    ("Northern Ireland and the US", 0.9, "a part opens nothing"),
    ("World excluding Northern Ireland", 0.9, "the whole is closed"),
    ("British Commonwealth excluding the European Union", 0.7, "Both for sale and not for sale: CY MT."),
    ("UK, not the UK", 0.0, "Both for sale and not for sale: GB."),
]


@pytest.mark.parametrize(("sentence", "confidence", "problem"), CONFIDENCES, ids=[one for one, *_ in CONFIDENCES])
def test_each_doubt_is_said_and_lowers_the_confidence(sentence: str, confidence: float, problem: str) -> None:
    reading = prose.read(sentence, TODAY)

    assert reading.confidence == confidence
    assert len(reading.resolution.problems) == bool(problem)
    assert problem in "".join(reading.resolution.problems)


def test_where_two_groups_only_overlap_what_is_in_both_is_closed() -> None:
    reading = prose.read("British Commonwealth excluding the European Union", TODAY)
    nested = prose.read("World excluding Europe, including the EU", TODAY)

    assert frozenset(reading.included) == COMMONWEALTH - EU
    assert not any("Both" in problem for problem in nested.resolution.problems)


STATED = rights.resolve(Statement((SalesRights("01", Territory(("US", "CA"))), SalesRights("07", Territory(("GB",))))))


@pytest.mark.parametrize(
    ("sentence", "otherwise"),
    [
        ("US and Canada", None),
        ("US", "it closes CA."),
        ("US, Canada and Japan", "it opens JP as well."),
        ("US and Japan", "it opens JP as well and closes CA."),
        ("", "it closes CA US."),
        ("World", "it opens AD AE AF AG AI AL AM AO AQ AR AS AT and 235 more as well."),
    ],
)
def test_a_sentence_beside_the_onix_changes_no_country_and_is_told_where_it_says_otherwise(
    sentence: str, otherwise: str | None
) -> None:
    found = prose.beside(STATED, sentence, TODAY)
    more = [f"The published sentence, “{sentence}”, says otherwise: {otherwise}"] if otherwise else []

    assert found.decisions == STATED.decisions
    assert sorted(found.problems) == sorted([*STATED.problems, *more])
    assert (found.digest == STATED.digest) is (otherwise is None), "what staff signed is not what they would sign now"


def test_the_reasons_begin_with_those_that_open() -> None:
    found = prose.by_reason(prose.read("US, UK but not Canada and not the EU", TODAY))

    assert list(found) == [
        "open: named United Kingdom",
        "open: named United States",
        "closed: in European Union, list 2",
        "closed: named Canada",
        "not mentioned",
    ]
    assert found["closed: named Canada"] == ["CA"]
    assert sorted(code for codes in found.values() for code in codes) == sorted(COUNTRIES)


def test_a_sentence_that_only_shuts_out_is_shown_as_the_assumption_it_is() -> None:
    reading = prose.read("Not for sale in France", TODAY)

    assert reading.confidence < 1
    assert any("rest of the world is taken as open" in problem for problem in reading.resolution.problems)


def test_every_term_is_made_of_countries() -> None:
    assert all(term.members and term.members <= COUNTRIES and term.disputed <= COUNTRIES for term in TERMS.values())
    assert len(COMMONWEALTH) == 56
    assert len(EU) == 27


names = st.sampled_from(["France", "the UK", "Canada", "Japan", "Côte d'Ivoire", "St. Lucia", "PH", "U.S."])
groups = st.sampled_from(["the European Union", "the Commonwealth", "North America", "Africa", "ANZ"])


@given(st.lists(names, min_size=1, max_size=6))
def test_the_order_of_a_list_does_not_matter(listed: list[str]) -> None:
    there, back = (prose.read("World excluding " + ", ".join(one), TODAY) for one in (listed, listed[::-1]))

    assert there.included == back.included


@given(names, groups)
def test_a_country_named_beats_a_group(name: str, group: str) -> None:
    kept = set(prose.read(name, TODAY).included)

    assert kept <= set(prose.read(f"World excluding {group} but including {name}", TODAY).included)
    assert not kept & set(prose.read(f"{group} excluding {name}", TODAY).included)


@given(st.sampled_from([sentence for sentence, _ in OPENS]), names)
def test_one_more_exclusion_never_opens_anything(sentence: str, name: str) -> None:
    before = set(prose.read(sentence, TODAY).included)
    if before:
        assert set(prose.read(f"{sentence} excluding {name}", TODAY).included) <= before


@settings(max_examples=300)
@given(st.text(max_size=200))
def test_any_text_has_a_reading(text: str) -> None:
    reading = prose.read(text, TODAY)

    assert 0 <= reading.confidence <= 1
    assert json.loads(json.dumps(prose.told(reading)))["statement"] == text


def test_a_thousand_sentences_are_read_in_a_second() -> None:
    sentences = [sentence for sentence, _ in OPENS]
    prose.read(sentences[0], TODAY)
    rounds = []
    for _ in range(5):
        began = time.process_time()
        for sentence in sentences:
            prose.read(sentence, TODAY)
        rounds.append((time.process_time() - began) / len(sentences))

    assert median(rounds) < 0.001


def test_the_command_prints_an_object_or_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rights", "explain", "UK and Ruritania", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["included"], told["unplaced"]) == (["GB"], ["Ruritania"])
    assert len(told["excluded"]) == 248
    assert told["why"].keys() == COUNTRIES
    assert (told["why"]["GB"], told["why"]["US"]) == ("open: named United Kingdom", "not mentioned")
    assert (told["confidence"], told["problems"]) == (0.85, ["Not understood: Ruritania."])

    assert cli.main(["rights", "explain", "UK and Ruritania", "--on", "2019-01-01"]) == 0
    words = capsys.readouterr().out
    assert "Open in 1 of 249 countries" in words
    assert "Not understood: Ruritania." in words
