"""What a book's page tells beside its offers: accessibility in the guide's words, product safety, data for machines."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import update

from shop.app import create_app
from shop.catalogue.facts import accessibility, languages
from shop.catalogue.facts.accessibility import UNKNOWN
from shop.catalogue.facts.details import Details
from shop.catalogue.intake import importer
from shop.catalogue.models import Contributor, Edition, ProviderState, RightsSet, Work
from tests.conftest import EXAMPLES
from tests.makers import EBOOK, HARDBACK, Scene

EBOOK_DETAILS = Details(
    isbn=EBOOK,
    form="ED",
    form_details="E101",
    protection="01",
    publication_date=date(2026, 4, 28),
    language="eng",
    pages=None,
    width_mm=None,
    height_mm=None,
    thickness_mm=None,
    weight_g=None,
    file_bytes=1_500_000,
    illustrations=None,
    accessibility="[]",
    hazards="[]",
    usage="[]",
    safety_contacts="[]",
)


def claims(
    *codes: str, hazards: tuple[str, ...] = (), form_details: str = "E101", **words: str
) -> dict[str, tuple[str, ...]]:
    features = [{"value": code, "words": words.get(f"c{code}")} for code in codes]
    return {one.heading: one.statements for one in accessibility.claims(features, hazards, form_details)}


NO_APPEARANCE = "No information about appearance modifiability is available"
NO_SIGHT = "No information about nonvisual reading is available"
MATHS = "Math formulas in accessible format (MathML)"
NOT_KNOWN = "Flashing hazards not known | Motion hazards not known"


@pytest.mark.parametrize(
    ("told", "ways", "conformance"),
    [
        pytest.param(claims(), (NO_APPEARANCE, NO_SIGHT), UNKNOWN, id="nothing is known, and that is told"),
        pytest.param(claims("08"), (NO_APPEARANCE, NO_SIGHT), UNKNOWN, id="the publisher does not know"),
        pytest.param(
            claims("36", "52", "14"),
            ("Appearance can be modified", "Readable in read aloud or dynamic braille", "Has alternative text"),
            UNKNOWN,
            id="all ways of reading",
        ),
        pytest.param(
            claims("14", form_details="E101 E201"),
            (
                "Appearance cannot be modified",
                "Not fully readable in read aloud or dynamic braille",
                "Has alternative text",
            ),
            UNKNOWN,
            id="fixed layout",
        ),
        pytest.param(
            claims("04", "82", "85"),
            (NO_APPEARANCE, NO_SIGHT),
            "This publication meets accepted accessibility standards",
            id="level AA",
        ),
        pytest.param(
            claims("04", "81", "84"),
            (NO_APPEARANCE, NO_SIGHT),
            "This publication meets minimum accessibility standards",
            id="level A",
        ),
        pytest.param(
            claims("04", "82", "86"),
            (NO_APPEARANCE, NO_SIGHT),
            "This publication exceeds accepted accessibility standards",
            id="level AAA",
        ),
        pytest.param(
            claims("03"),
            (NO_APPEARANCE, NO_SIGHT),
            "This publication meets accepted accessibility standards",
            id="the old standard",
        ),
        pytest.param(
            claims("02"),
            (NO_APPEARANCE, NO_SIGHT),
            "This publication meets minimum accessibility standards",
            id="the old standard at level A",
        ),
        pytest.param(
            claims("15"),
            (NO_APPEARANCE, "Not fully readable in read aloud or dynamic braille", "Has alternative text"),
            UNKNOWN,
            id="long descriptions alone",
        ),
        pytest.param(
            claims("16", "20"),
            (
                NO_APPEARANCE,
                "Not fully readable in read aloud or dynamic braille",
                "Has alternative text",
                "Prerecorded audio synchronized with text",
            ),
            UNKNOWN,
            id="data without pictures, and a voice",
        ),
        pytest.param(claims("85"), (NO_APPEARANCE, NO_SIGHT), UNKNOWN, id="a level of no standard claims nothing"),
    ],
)
def test_ways_of_reading_and_conformance_are_always_told(
    told: dict[str, tuple[str, ...]], ways: tuple[str, ...], conformance: str
) -> None:
    assert told["Ways of reading"] == ways
    assert told["Conformance"][0] == conformance


def test_what_has_nothing_to_say_is_left_out_and_the_publishers_words_are_kept() -> None:
    told = claims(
        "11", "19", "41", "00", "75", "90", "04", "85", "82", hazards=("14",), c00="All is described.", c90="A. B."
    )

    assert list(told) == [
        "Ways of reading",
        "Conformance",
        "Navigation",
        "Hazards",
        "Accessibility summary",
        "Legal considerations",
    ]
    assert told["Navigation"] == ("Table of contents", "Go to page")
    assert told["Accessibility summary"] == ("All is described.",)
    assert told["Conformance"][1:] == (
        "This publication was certified by A. B.",
        "This publication claims to meet EPUB Accessibility 1.1 WCAG 2.2 Level AA",
    )


@pytest.mark.parametrize(
    ("codes", "claimed"),
    [
        (("04", "82", "86"), "EPUB Accessibility 1.1 WCAG 2.2 Level AAA"),
        (("04", "81", "85"), "EPUB Accessibility 1.1 WCAG 2.1 Level AA"),
        (("04", "84"), "EPUB Accessibility 1.1 WCAG 2.0 Level A"),
        (("03",), "EPUB Accessibility 1.0 WCAG 2.0 Level AA"),
        (("02",), "EPUB Accessibility 1.0 WCAG 2.0 Level A"),
        (("02", "80"), "EPUB Accessibility 1.0 WCAG 2.0 Level A"),
    ],
)
def test_a_standard_is_claimed_by_its_own_version_and_level(codes: tuple[str, ...], claimed: str) -> None:
    assert claims(*codes)["Conformance"][1:] == (f"This publication claims to meet {claimed}",)


@pytest.mark.parametrize(
    ("told", "heading", "statements"),
    [
        (claims("75"), "Legal considerations", "Claims an accessibility exemption in some jurisdictions"),
        (claims("76", "77"), "Legal considerations", "Claims an accessibility exemption in some jurisdictions"),
        (claims("78"), "Legal considerations", ""),
        (claims("92", c92="In other words."), "Accessibility summary", "In other words."),
        (claims("00", "92", c00="One.", c92="Two."), "Accessibility summary", "One. | Two."),
        (claims("96", "94", "99", c94="A", c96="B", c99="C"), "For more information", "A | B | C"),
        (claims("94"), "For more information", ""),
        (claims("12", "29"), "Navigation", "Index | Headings"),
        (claims("16", "17"), "Rich content", f"{MATHS} | Visualized data also available as non-graphical data"),
        (claims("15"), "Rich content", "Information-rich images are described by extended descriptions"),
        (claims("30", "22"), "Additional accessibility information", "Language tagging provided | ARIA roles included"),
        (claims(hazards=("00",)), "Hazards", "No hazards"),
        (claims(hazards=("13", "18")), "Hazards", "Flashing content | No motion hazards"),
        (claims(hazards=("25",)), "Hazards", "Sound hazards not known"),
        (claims(hazards=("14", "15", "17")), "Hazards", "Motion simulation | Sounds | No flashing hazards"),
        (claims(hazards=("16", "24", "26")), "Hazards", f"No sound hazards | {NOT_KNOWN}"),
        (claims("13", "14"), "Hazards", ""),
    ],
)
def test_a_section_tells_its_own_codes_and_stands_only_where_there_are_any(
    told: dict[str, tuple[str, ...]], heading: str, statements: str
) -> None:
    assert " | ".join(told.get(heading, ())) == statements
    assert (heading in told) is bool(statements)


@pytest.mark.parametrize(
    ("codes", "protection", "met"),
    [
        ((), None, []),
        (("36",), "01", ["adjustable"]),
        (("52",), "03", ["screen-reader"]),
        (("36", "52"), "00", ["adjustable", "screen-reader", "unlocked"]),
        ((), "02", ["unlocked"]),
        (("14", "15"), "06", []),
    ],
)
def test_an_ebook_stands_under_the_ways_of_reading_that_it_has(
    codes: tuple[str, ...], protection: str | None, met: list[str]
) -> None:
    assert accessibility.filters([{"value": code, "words": None} for code in codes], protection) == met


PRINT_DETAILS = replace(
    EBOOK_DETAILS, isbn=HARDBACK, form="BB", form_details=None, protection=None, pages=320, width_mm=143, height_mm=222
)


@pytest.mark.parametrize(
    ("details", "row", "words"),
    [
        (EBOOK_DETAILS, "Language", "English"),
        (replace(EBOOK_DETAILS, language="und"), "Language", None),
        (EBOOK_DETAILS, "File", "EPUB"),
        (replace(EBOOK_DETAILS, form_details="E107"), "File", "PDF"),
        (replace(EBOOK_DETAILS, form_details="E201 E101"), "File", "EPUB"),
        (EBOOK_DETAILS, "File size", "1.5 MB"),
        (replace(EBOOK_DETAILS, file_bytes=100_000), "File size", "0.1 MB"),
        (replace(EBOOK_DETAILS, file_bytes=99_999), "File size", "100 kB"),
        (replace(EBOOK_DETAILS, file_bytes=1), "File size", "1 kB"),
        (replace(EBOOK_DETAILS, file_bytes=None), "File size", None),
        (replace(EBOOK_DETAILS, protection=None), "Protection", None),
        (EBOOK_DETAILS, "Pages", None),
        (PRINT_DETAILS, "Pages", "320"),
        (PRINT_DETAILS, "Size", "143 × 222 mm"),
        (replace(PRINT_DETAILS, thickness_mm=30), "Size", "143 × 222 × 30 mm"),
        (replace(PRINT_DETAILS, height_mm=None), "Size", None),
        (replace(PRINT_DETAILS, weight_g=520), "Weight", "520 g"),
        (replace(PRINT_DETAILS, illustrations="12 maps"), "Illustrations", "12 maps"),
        (replace(PRINT_DETAILS, protection="01", form_details="E101"), "Protection", None),
        (replace(PRINT_DETAILS, protection="01", form_details="E101"), "File", None),
        (PRINT_DETAILS, "File size", None),
    ],
)
def test_a_fact_is_told_where_it_is_known_and_means_something(details: Details, row: str, words: str | None) -> None:
    assert dict(details.rows).get(row) == words


def test_a_use_of_which_nobody_knows_here_what_it_is_is_not_told() -> None:
    uses: list[dict[str, Any]] = [{"type": code, "status": "01", "limits": []} for code in ("99", "11", "01")]

    told = replace(EBOOK_DETAILS, usage=json.dumps(uses)).rows
    assert [row for row in told if row[1] == "Allowed"] == [("Text and data mining", "Allowed")]
    assert not [row for row in replace(PRINT_DETAILS, usage=json.dumps(uses)).rows if row[1] == "Allowed"]


def test_what_is_always_known_stands_open_and_the_rest_behind_it_and_print_claims_nothing() -> None:
    ebook = replace(EBOOK_DETAILS, accessibility='[{"value": "11", "words": null}]', hazards='["00"]')

    assert [one.heading for one in ebook.first_claims] == ["Ways of reading", "Conformance"]
    assert [one.heading for one in ebook.further_claims] == ["Navigation", "Hazards"]
    assert replace(ebook, form="BB").claims == ()


@pytest.mark.parametrize(
    ("use", "words"),
    [
        ({"type": "02", "status": "01", "limits": []}, ("Printing", "Allowed")),
        ({"type": "02", "status": "02", "limits": [["20", "04"]]}, ("Printing", "Up to 20 pages")),
        ({"type": "06", "status": "02", "limits": [["14", "09"]]}, ("Lending", "Up to 14 days")),
        ({"type": "06", "status": "02", "limits": [["5", "13"]]}, ("Lending", "Up to 5 times a year")),
        ({"type": "06", "status": "02", "limits": [["5", "99"]]}, ("Lending", "Within limits")),
        ({"type": "03", "status": "03", "limits": []}, ("Copying", "Not allowed")),
        ({"type": "05", "status": "02", "limits": [["1", "99"]]}, ("Read aloud", "Within limits")),
    ],
)
def test_what_the_licence_allows_is_told_in_words(use: dict[str, Any], words: tuple[str, str]) -> None:
    assert words in replace(EBOOK_DETAILS, usage=json.dumps([use])).rows


def test_the_facts_of_an_edition_are_on_its_page(scene: Scene) -> None:
    importer.import_file(scene.shop, EXAMPLES / "catalogue.xml")
    page = re.sub(r"\s+", " ", scene.get("/books/what-the-hedge-remembers").text)

    for words in ("143 × 222 × 30 mm", "520 g", ">DRM<", " MB<", "Readable in read aloud or dynamic braille"):
        assert words in page
    assert "Product safety" in page
    assert "safety@example.com" in page
    assert '<a href="/subjects/' in page


def data_of(scene: Scene) -> dict[str, Any]:
    page = scene.get("/books/exit-stalin").text
    (found,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    told: dict[str, Any] = json.loads(found)
    return told


def offers(scene: Scene) -> dict[str, Any]:
    return {one["isbn"]: one.get("offers") for one in data_of(scene)["workExample"]}


def test_machines_are_offered_what_the_reader_is(scene: Scene) -> None:
    unknown = offers(scene)
    scene.live_in("US")
    here = offers(scene)
    scene.live_in("GB")
    not_here = offers(scene)

    assert set(unknown.values()) == set(not_here.values()) == {None}
    assert here[HARDBACK] == {
        "@type": "Offer",
        "url": f"http://localhost/books/exit-stalin#{HARDBACK}",
        "price": "38.00",
        "priceCurrency": "GBP",
        "availability": "https://schema.org/InStock",
        "itemCondition": "https://schema.org/NewCondition",
        "eligibleRegion": {"@type": "Country", "name": "US"},
        "seller": {"@type": "Organization", "name": scene.shop.settings.shop_name},
    }


def examples(scene: Scene) -> dict[str, dict[str, Any]]:
    return {one["isbn"]: one for one in data_of(scene)["workExample"]}


def test_machines_are_told_when_what_is_ordered_ahead_comes_and_what_is_sold_out(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        tomorrow = {"publication_date": date(2026, 11, 26)}
        session.execute(update(Edition).where(Edition.isbn == HARDBACK).values(**tomorrow))
    scene.live_in("US")
    ahead = offers(scene)[HARDBACK]
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.isbn == HARDBACK).values(publication_date=None, stock=0))
    gone = offers(scene)[HARDBACK]

    assert (ahead["availability"], ahead["availabilityStarts"]) == ("https://schema.org/PreOrder", "2026-11-26")
    assert (gone["availability"], gone.get("availabilityStarts")) == ("https://schema.org/OutOfStock", None)


def test_machines_are_told_of_each_form_its_language_and_what_an_ebook_claims(scene: Scene) -> None:
    features = [{"value": code, "words": "All is told." if code == "00" else None} for code in ("00", "11", "36", "52")]
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).values(accessibility=features, hazards=["14", "15"], language="ger"))
        session.execute(update(Edition).where(Edition.isbn == HARDBACK).values(language="und"))
    told = examples(scene)
    claims_of = {isbn: {key: one[key] for key in one if key.startswith("access")} for isbn, one in told.items()}

    assert [told[isbn]["bookFormat"].rpartition("/")[2] for isbn in (HARDBACK, EBOOK)] == ["Hardcover", "EBook"]
    assert [told[isbn].get("inLanguage") for isbn in (HARDBACK, EBOOK)] == [None, "de"]
    assert claims_of[HARDBACK] == {}
    assert claims_of[EBOOK] == {
        "accessibilityFeature": ["tableOfContents", "displayTransformability"],
        "accessibilityHazard": ["noFlashingHazard", "sound"],
        "accessModeSufficient": ["textual"],
        "accessibilitySummary": "All is told.",
    }


def test_only_who_wrote_it_is_its_author(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.add(Contributor(work_id=1, position=1, role="B06", name="Theo Lator"))

    assert [one["name"] for one in data_of(scene)["author"]] == ["Mark B. Smith"]


def test_what_is_coming_soon_has_no_offer_at_all(scene: Scene) -> None:
    scene.live_in("US")
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.isbn == EBOOK).values(provider_state=ProviderState.NOT_ENABLED))

    assert offers(scene)[EBOOK] is None


def test_a_title_cannot_end_the_data_it_stands_in(scene: Scene) -> None:
    title = 'A </script><script>alert(1)</script> "& more"'
    with scene.shop.db.writing() as session:
        session.execute(update(Work).values(title=title))

    assert data_of(scene)["name"] == title
    assert "<script>alert" not in scene.get("/books/exit-stalin").text


@pytest.mark.parametrize(
    ("own", "house", "sold"), [(True, "", True), (False, "Example Press, 1 Row", True), (False, "", False)]
)
def test_print_is_offered_in_the_union_only_with_somebody_who_answers_for_it(
    scene: Scene, *, own: bool, house: str, sold: bool
) -> None:
    contacts = [{"name": "Example Press", "email": "safety@example.com", "address": None}] if own else []
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).values(safety_contacts=contacts))
        session.execute(update(RightsSet).values(countries="DE US"))
    shop = replace(scene.shop, settings=replace(scene.shop.settings, product_safety_contact=house))
    german = Scene(shop, scene.clock, scene.gateway, scene.provider, scene.mailer, create_app(shop).test_client())
    german.live_in("DE")
    page = german.get("/books/exit-stalin").text

    assert ("Add hardback to basket" in page) is sold
    assert ("we cannot offer this edition in Germany yet" in page) is not sold
    assert "Add ebook to basket" in page
    assert ("Product safety" in page) is sold


@pytest.mark.parametrize(
    ("code", "words"),
    [("00", "None"), ("02", "Digital watermark"), ("04", "Apple DRM"), ("05", "OMA DRM"), ("06", "Readium LCP")],
)
def test_protection_is_told_as_list_144_has_it(code: str, words: str) -> None:
    assert dict(replace(EBOOK_DETAILS, protection=code).rows)["Protection"] == words


@pytest.mark.parametrize(
    ("code", "tag", "words"),
    [
        ("eng", "en", "English"),
        ("bul", "bg", "Bulgarian"),
        ("rum", "ro", "Romanian"),
        ("ger", "de", "German"),
        ("deu", "de", "German"),
        ("sco", "sco", "Scots"),
        ("zzz", "zzz", "zzz"),
    ],
)
def test_a_language_has_its_name_and_the_tag_that_machines_read(code: str, tag: str, words: str) -> None:
    assert (languages.tag(code), languages.name(code)) == (tag, words)
