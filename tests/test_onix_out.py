"""ONIX out: valid by the schema's own word, and read again as what it was."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import onixcheck
import pytest
from sqlalchemy import select, update

from shop.catalogue import onix
from shop.catalogue.intake import importer
from shop.catalogue.models import Contributor, Edition, Price, Work
from shop.catalogue.onix import OnixProduct, writing
from tests.conftest import EXAMPLES
from tests.makers import HARDBACK, Scene
from tests.test_onix import SOUND, message, second

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def read(path: Path) -> list[OnixProduct]:
    found = list(onix.products(path))
    assert all(isinstance(one, OnixProduct) for one in found), found
    return [replace(one, digest="") for one in found if isinstance(one, OnixProduct)]


def complaints(path: Path) -> list[str]:
    return [str(one) for one in onixcheck.validate(str(path))]


def products(folder: Path) -> list[OnixProduct]:
    """The demonstration's products, and one with everything that is read."""
    rich = folder / "rich.xml"
    rich.write_text(message(SOUND))
    return [*read(EXAMPLES / "catalogue.xml"), *read(rich)]


def test_what_goes_out_is_valid_and_comes_in_as_what_it_was(tmp_path: Path) -> None:
    told = products(tmp_path)
    out = tmp_path / "out.xml"
    out.write_bytes(writing.message(told, "Example & Sons", NOW))
    # A contact goes out on one line: 3.1 has the parts of an address only from its second revision on.
    expected = [
        replace(
            one,
            safety_contacts=tuple(
                replace(contact, name=", ".join(filter(None, (contact.name, contact.address))), address=None)
                for contact in one.safety_contacts
            ),
        )
        for one in told
    ]

    assert complaints(out) == []
    assert read(out) == expected


@pytest.mark.parametrize("words", ["<p>Fish &amp; chips</p>", "<p>never closed", "a < b & c", "Łódź\u200b"])
def test_words_of_any_kind_go_out_well_formed(tmp_path: Path, words: str) -> None:
    (one,) = [one for one in products(tmp_path) if one.isbn == HARDBACK][:1]
    out = tmp_path / "out.xml"
    out.write_bytes(writing.message([replace(one, description=words, title="Salt & <Pepper>")], "Example", NOW))
    (again,) = read(out)

    assert complaints(out) == []
    assert again.title == "Salt & <Pepper>"


def test_every_book_has_an_address_for_its_onix(scene: Scene, tmp_path: Path) -> None:
    importer.import_file(scene.shop, EXAMPLES / "catalogue.xml")
    answer = scene.get("/books/what-the-hedge-remembers.onix")
    out = tmp_path / "out.xml"
    out.write_bytes(answer.data)
    told = read(out)

    assert answer.content_type == "application/xml; charset=utf-8"
    assert complaints(out) == []
    assert len(told) == 2
    assert {one.alternatives for one in told} == {(told[1].isbn,), (told[0].isbn,)}
    assert {one.stock for one in told} == {None}, "how many copies are left is nobody else's business"
    assert scene.get("/books/nothing-here.onix").status_code == 404


def test_a_shop_that_takes_in_what_it_sent_out_changes_nothing_a_reader_sees(scene: Scene, tmp_path: Path) -> None:
    importer.import_file(scene.shop, EXAMPLES / "catalogue.xml")
    before = scene.get("/books/what-the-hedge-remembers").text
    out = tmp_path / "out.xml"
    out.write_bytes(scene.get("/books/what-the-hedge-remembers.onix").data)
    report = importer.import_file(scene.shop, out)

    assert (report.changed, report.problems) == (2, [])
    assert scene.get("/books/what-the-hedge-remembers").text == before


@pytest.mark.parametrize("files", [("first.xml", "second.xml"), ("both.xml",)], ids=["in two files", "in one"])
def test_each_book_goes_out_with_its_own_words_on_its_rights(
    scene: Scene, tmp_path: Path, files: tuple[str, ...]
) -> None:
    exclusive = "<SalesRightsType>01</SalesRightsType>"
    told = {"first.xml": [SOUND], "second.xml": [second().replace(exclusive, exclusive.replace("01", "02"))]}
    told["both.xml"] = told["first.xml"] + told["second.xml"]
    for name in files:
        text = message(*told[name]).replace("Exit Stalin", "Two Exits").replace("<IDValue>W-1", "<IDValue>W-9")
        text = text.replace("9781631498299", "9780306406157").replace("9781631498305", "9781861972712")
        (tmp_path / name).write_text(text)
        assert importer.import_file(scene.shop, tmp_path / name).problems == []
    (tmp_path / "out.xml").write_bytes(scene.get("/books/two-exits.onix").data)
    types = {one.isbn: {rights.type for rights in one.rights.rights} for one in read(tmp_path / "out.xml")}

    assert types == {"9780306406157": {"01"}, "9781861972712": {"02"}}
    sets = {one.rights_set_id for one in scene.all(Edition) if one.isbn in types}
    assert len(sets) == 1, "the same countries are signed once"


def out(scene: Scene, folder: Path) -> list[OnixProduct]:
    """The book of the scene, named as an import would name it, as it goes out."""
    with scene.shop.db.writing() as session:
        session.execute(update(Work).values(publisher="Example Press", identifier="01::W1"))
    path = folder / "out.xml"
    path.write_bytes(scene.get("/books/exit-stalin.onix").data)
    assert complaints(path) == []
    return read(path)


def test_a_publishers_markup_is_cleaned_before_it_goes_out(scene: Scene, tmp_path: Path) -> None:
    dirty = '<p onclick="x()">Fine<script>alert(1)</script> <a href="https://x.test">words</a> &amp; <img src="x"></p>'
    with scene.shop.db.writing() as session:
        session.execute(update(Work).values(description=dirty, short_description=dirty))
        session.execute(update(Contributor).values(biography=dirty))
    told = out(scene, tmp_path)

    for one in told:
        texts = {one.description, one.short_description, *(person.biography for person in one.contributors)}
        assert {re.sub(r"\s+", " ", text or "") for text in texts} == {"<p>Fine words &amp; </p>"}
    assert len(told) == 3


def test_what_nobody_wrote_is_not_sent_out_as_nothing(scene: Scene, tmp_path: Path) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Work).values(short_description="<script>x</script>"))
        session.execute(update(Contributor).values(biography="<style>x</style>"))

    assert {(one.short_description, one.contributors[0].biography) for one in out(scene, tmp_path)} == {(None, None)}


def test_a_price_that_holds_nowhere_is_not_told_and_the_others_are_told_with_their_places_and_days(
    scene: Scene, tmp_path: Path
) -> None:
    told = (("", None), ("US CA", None), (None, date(2026, 12, 1)))
    with scene.shop.db.writing() as session:
        edition = session.scalars(select(Edition).where(Edition.isbn == HARDBACK)).one()
        edition.prices[:] = []
        session.flush()
        edition.prices[:] = [
            Price(position=at, minor=1000 + at, currency="GBP", countries=where, since=since, until=since)
            for at, (where, since) in enumerate(told)
        ]
    (prices,) = [one.prices for one in out(scene, tmp_path) if one.isbn == HARDBACK]

    assert [
        (one.money.minor, one.territory and one.territory.countries_included, one.since, one.until) for one in prices
    ] == [(1001, ("US", "CA"), None, None), (1002, None, date(2026, 12, 1), date(2026, 12, 1))]
