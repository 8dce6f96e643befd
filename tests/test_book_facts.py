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
from shop.catalogue.models import Edition, ProviderState, RightsSet, Work
from tests.conftest import EXAMPLES
from tests.makers import EBOOK, HARDBACK, Scene

EBOOK_DETAILS = Details(
    isbn=EBOOK,
    form="ED",
    form_detail="E101",
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
    *codes: str, hazards: tuple[str, ...] = (), form_detail: str = "E101", **words: str
) -> dict[str, tuple[str, ...]]:
    features = [{"value": code, "words": words.get(f"c{code}")} for code in codes]
    return {one.heading: one.statements for one in accessibility.claims(features, hazards, form_detail)}


NO_APPEARANCE = "No information about appearance modifiability is available"
NO_SIGHT = "No information about nonvisual reading is available"


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
            claims("14", form_detail="E201"),
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
