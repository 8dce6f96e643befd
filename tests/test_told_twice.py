"""One reference told twice in a file: its last record stands in the end, whatever was held before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from shop.catalogue.intake.importer import WITHDRAWN
from shop.catalogue.models import Edition, Work
from tests.test_intake import HARD, a_deletion, edition, product, take_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.makers import Scene

GONE = ""
"""Told instead of a title: the record is deleted."""


def record(title: str) -> str:
    return product(HARD, work="A", title=title) if title != GONE else a_deletion(HARD)


def title(scene: Scene) -> str:
    with scene.shop.db.reading() as session:
        return session.scalars(select(Work.title).join(Edition).where(Edition.isbn == HARD)).one()


@pytest.mark.parametrize(
    ("held", "told"),
    [
        pytest.param([], ["Ebb", "Flood"], id="both are new"),
        pytest.param([], ["Ebb", "Flood", "Ebb"], id="the first comes again"),
        pytest.param(["Ebb"], ["Flood", "Ebb"], id="the last is what is held"),
        pytest.param(["Ebb"], ["Ebb", "Flood"], id="the first is what is held"),
        pytest.param(["Ebb"], ["Ebb", "Ebb"], id="both are what is held"),
        pytest.param(["Ebb"], ["Ebb", GONE], id="it is deleted in the end"),
        pytest.param(["Ebb"], [GONE, "Ebb"], id="what is held comes back after its deletion"),
        pytest.param(["Ebb", GONE], ["Flood", GONE], id="what is gone comes and is deleted again"),
        pytest.param([], ["Ebb", GONE, "Flood"], id="it is new, deleted, and new"),
    ],
)
def test_of_two_records_of_one_reference_in_one_file_the_last_stands(
    scene: Scene, tmp_path: Path, held: list[str], told: list[str]
) -> None:
    for before in held:
        take_in(scene, tmp_path, record(before))
    report = take_in(scene, tmp_path, *map(record, told))

    assert (report.read, report.problems) == (len(told), [])
    assert (edition(scene, HARD).publishing_status == WITHDRAWN) is (told[-1] == GONE)
    assert title(scene) == [each for each in (*held, *told) if each != GONE][-1]


def test_what_was_told_twice_and_comes_again_is_told_twice_again_and_ends_the_same(
    scene: Scene, tmp_path: Path
) -> None:
    twice = (record("Ebb"), record("Flood"))
    first, again = take_in(scene, tmp_path, *twice), take_in(scene, tmp_path, *twice)

    assert (first.added, first.changed, again.changed) == (1, 1, 2)
    assert (title(scene), scene.get("/books/ebb").location) == ("Flood", "/books/flood")
