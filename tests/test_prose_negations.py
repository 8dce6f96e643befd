"""What a sentence shuts out is never read as open, wherever its negation stands."""

from __future__ import annotations

from datetime import date

import pytest

from shop.catalogue.territory import prose

TODAY = date(2026, 11, 26)
DAY_BEFORE = date(2026, 11, 25)

SHUT = [
    # Behind its place.
    ("World, Canada excluded", "CA", "GB US"),
    ("UK & Commonwealth (Canada excluded)", "CA", "GB AU"),
    ("Canada excluded", "CA", "GB"),
    ("UK rights sold", "GB", ""),
    ("World, UK and Ireland excluded", "GB IE", "US"),
    ("World. UK and Ireland excepted", "GB IE", "US"),
    ("World (UK and Ireland not included)", "GB IE", "US"),
    ("Europe, UK excluded", "GB", "FR"),
    ("UK, Ireland, Commonwealth excluded", "GB IE AU", ""),
    ("US and Canada prohibited", "US CA", ""),
    ("North American rights sold; world otherwise available", "US CA", "GB"),
    ("Northern Ireland excluded", "GB", "US"),
    # After its label.
    ("UK: not for sale", "GB", ""),
    ("USA - not for sale", "US", ""),
    ("United States: no rights", "US", ""),
    ("UK: not for sale. US: for sale.", "GB", "US"),
    ("US - N; CA - N; GB - Y", "US CA", "GB"),
    ("GB:Y US:N", "US", "GB"),
    ("UK: yes, US: no", "US", "GB"),
    ("Non-US", "US", "GB"),
    ("World -UK", "GB", "US"),
    ("World \N{NON-BREAKING HYPHEN}UK", "GB", "US"),
    ("World less UK", "GB", "US"),
    ("World (less UK)", "GB", "US"),
    ("World −UK −US", "GB US", "FR"),
    ("World (x UK)", "GB", "US"),
    # Before a word of sale.
    ("World, but not for sale in the UK", "GB", "US"),
    ("We do not have rights in the United Kingdom", "GB", ""),
    ("World. Not available for sale in the UK", "GB", "US"),
    ("World. Not currently for sale in the UK", "GB", "US"),
    ("World. Not for sale or distribution in the US", "US", "GB"),
    ("World. Not for sale within the US", "US", "GB"),
    ("World. May not be distributed in the US", "US", "GB"),
    ("World. Cannot be distributed in the US", "US", "GB"),
    ("World. Not licensed for distribution in Canada", "CA", "GB"),
    ("World. Not authorised for sale in the UK", "GB", "US"),
    ("World. May not be sold within the UK", "GB", "US"),
    ("World. This edition may not be sold within the EU", "FR DE", "US"),
    ("World. It is not published in the US", "US", "GB"),
    ("World. No rights within Canada", "CA", "GB"),
    ("World excluding rights in Canada", "CA", "GB"),
    ("World save for rights in Canada", "CA", "GB"),
    ("World. Prohibited: US, CA", "US CA", "GB"),
    ("World. Restrictions: US, CA", "US CA", "GB"),
    ("World, exclusions: US, CA", "US CA", "GB"),
    ("No longer for sale in the UK", "GB", ""),
    ("Not to be exported to the US, sold in Canada or published in the UK", "US CA GB", ""),
    ("Not for sale in the US or for sale in Canada", "US CA", ""),
    # Lists go on.
    ("World excluding UK together with Ireland", "GB IE", "US"),
    ("World excluding UK along with Ireland and Australia", "GB IE AU", "US"),
    ("World excluding UK and also Ireland", "GB IE", "US"),
    ("World excluding UK plus Ireland", "GB IE", "US"),
    ("World excluding the Commonwealth plus Ireland", "GB IE", "US"),
    ("World excluding the Commonwealth as well as the EU", "GB FR", "US"),
    ("World excluding: UK. Ireland. Australia.", "GB IE AU", "US"),
    ("World excluding: US rights; Canadian rights; UK rights", "US CA GB", "FR"),
    ("World excl. U.S., Can.", "US CA", "GB"),
    ("World excl. US, Can", "US CA", "GB"),
    ("World excluding us and canada", "US CA", "GB"),
    ("World excl. uk, us", "GB US", "FR"),
    ("World excluding canada, ruritania", "CA GB US", ""),
    ("World, UK, not Ruritania", "FR US", ""),
    ("World, UK excl Ruritania", "FR US", ""),
    ("UK excl Can", "CA US", "GB"),
    # Brackets.
    ("World excluding UK (incl. Ireland)", "GB IE", "US"),
    ("World excluding the British Commonwealth (including Canada)", "GB CA", "US"),
    ("Worldwide, excluding the British Commonwealth, including Canada, and the European Union", "GB FR DE CY", "US CA"),
    ("Canada (excluded)", "CA", ""),
    ("World, UK (not available), US", "GB", "US FR"),
    # Names of more than one place.
    ("UK & CW incl. Canada", "CW", "GB CA"),
    ("World excl. Australia/NZ/SA", "AU NZ ZA SA", "GB"),
    ("World excl. AU/NZ/SA", "AU NZ ZA SA", "GB"),
    ("UK and N. Ireland", "IE", "GB"),
    ("World excluding G.B. and N. Ireland", "GB", "IE US"),
    # Only these, or all but these.
    ("World outside the UK, not Canada", "GB CA", "US"),
    ("World outside the UK, Canada excluded", "GB CA", "US"),
    # These open in their own right.
    ("Not available in the UK, available in the US", "GB", "US"),
    ("Not for sale in the US but available in Canada", "US", "CA"),
    ("World excluding the Commonwealth, including Canada", "GB", "CA US"),
    ("World excluding UK and Commonwealth (but including Canada)", "GB AU", "CA US"),
    ("World including but not limited to the UK", "", "GB US"),
    ("World without restriction", "", "GB US"),
    ("World - English language, all formats", "", "GB US"),
    ("AE, BH, KW, OM, QA, SA", "ZA", "SA AE"),
    ("N USA Y EUR", "US", "FR"),
]


@pytest.mark.parametrize(("sentence", "closed", "opened"), SHUT, ids=[sentence[:60] for sentence, _, _ in SHUT])
def test_what_is_shut_out_is_closed_and_nothing_else(sentence: str, closed: str, opened: str) -> None:
    included = set(prose.read(sentence, TODAY).included)

    assert not included & set(closed.split())
    assert set(opened.split()) <= included


UNSURE = [
    ("World – UK", "GB"),
    ("World - UK and Canada", "GB CA"),
    ("Worldwide — European Union, Switzerland", "FR CH"),
    ("World (- UK)", "GB"),
    ("World-UK", "GB"),
    ("World \N{HYPHEN} UK", "GB"),
    ("World \N{NON-BREAKING HYPHEN} UK", "GB"),
    ("World \N{FIGURE DASH} UK", "GB"),
    ("World \N{HORIZONTAL BAR} UK", "GB"),
    ("World \N{FULLWIDTH HYPHEN-MINUS} UK", "GB"),
    ("World, - UK", "GB"),
    ("World – the UK", "GB"),
    ("World - (UK)", "GB"),
    ("World in print - UK", "GB"),
    ("World (English) - UK", "GB"),
    ("World (English - UK)", "GB"),
    ("World rights (print only), - UK and Canada", "GB CA"),
    ("World (including US) - UK", "GB"),
    ("World [excluding US] - UK", "GB US"),
    ("World (open market (export)) - UK", "GB"),
    ("World, with Canada excluded and UK included", "CA"),
    ("US:N GB:Y", "US"),
    ("USA - not for sale, Canada - for sale", "US"),
    ("UK not covered, US covered", "GB"),
    ("UK rights sold, US available", "GB"),
    ("UK, Canada excluded", "GB CA US"),
    ("World excluding the Commonwealth, Canada included", "CA"),
    ("World excluding UK (incl. Ireland)", "IE"),
    ("World excluding the British Commonwealth (including Canada)", "CA"),
    ("Worldwide, excluding the British Commonwealth, including Canada, and the European Union", "FR"),
    ("World excluding UK, including Ireland", "IE"),
    ("This is not available in the UK and is available in the US", "GB US FR"),
    ("World. Not for resale.", ""),
    ("World excluding US and available in Canada", "CA"),
]


@pytest.mark.parametrize(("sentence", "closed"), UNSURE, ids=[sentence[:60] for sentence, _ in UNSURE])
def test_what_can_be_read_both_ways_is_closed_and_said(sentence: str, closed: str) -> None:
    reading = prose.read(sentence, TODAY)

    assert not set(reading.included) & set(closed.split())
    assert reading.confidence <= 0.5
    assert any("both ways" in problem for problem in reading.resolution.problems)


def test_a_sentence_that_is_not_read_to_its_end_opens_nothing() -> None:
    reading = prose.read(f"World excluding {'Canada, ' * 600}and the UK", TODAY)

    assert (reading.included, reading.confidence) == ([], 0)
    assert any("not read to its end" in problem for problem in reading.resolution.problems)
