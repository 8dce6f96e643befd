"""A file that was taken in whole is known again, and gone through only where it may have something to say."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from shop.catalogue.intake import importer, known
from shop.catalogue.models import Edition, Work
from tests.test_intake import EBOOK, HARD, NAMESPACE, a_deletion, product

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session

    from shop.catalogue.intake.importer import Report
    from tests.makers import Scene

TWO = product(HARD) + product(EBOOK)
OTHER = product(EBOOK, title="Ebb")


def written(folder: Path, products: str, *, sent: str = "20261101", sender: str = "Quay") -> Path:
    """A message as it was sent on a day."""
    file = folder / f"{sender}-{sent}.xml"
    header = f"<Header><Sender><SenderName>{sender}</SenderName></Sender><SentDateTime>{sent}</SentDateTime></Header>"
    file.write_text(f'<ONIXMessage xmlns="{NAMESPACE}" release="3.0">{header}{products}</ONIXMessage>')
    return file


def forget_digests(scene: Scene) -> None:
    """Make every record look new, so that a file that is gone through is seen to be."""
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).values(record_digest="forgotten"))


def is_gone_through(scene: Scene, file: Path) -> bool:
    forget_digests(scene)
    report = importer.import_file(scene.shop, file)
    assert report.changed + report.unchanged == report.read
    return report.changed > 0


@pytest.mark.parametrize(
    ("sent", "sender", "gone_through"),
    [
        pytest.param("20261101", "Quay", False, id="the same file"),
        pytest.param("20261102", "Quay", False, id="sent again on another day"),
        pytest.param("20261101", "Kai", True, id="another header"),
    ],
)
def test_a_file_that_was_taken_in_is_known_by_what_it_says(
    scene: Scene, tmp_path: Path, sent: str, sender: str, *, gone_through: bool
) -> None:
    importer.import_file(scene.shop, written(tmp_path, TWO))

    assert is_gone_through(scene, written(tmp_path, TWO, sent=sent, sender=sender)) is gone_through


def test_a_packed_file_is_known_by_what_is_in_it(scene: Scene, tmp_path: Path) -> None:
    plain = written(tmp_path, TWO)
    importer.import_file(scene.shop, plain)
    packed = tmp_path / "packed.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))

    assert not is_gone_through(scene, packed)


def test_the_report_of_a_known_file_counts_its_products_and_its_worker_hears_of_it(
    scene: Scene, tmp_path: Path
) -> None:
    file, heard = written(tmp_path, TWO), []
    importer.import_file(scene.shop, file)

    def told(_session: Session, report: Report) -> None:
        heard.append(report.unchanged)

    report = importer.import_file(scene.shop, file, told)

    assert (report.read, report.unchanged, heard) == (2, 2, [2])


def test_whatever_changes_the_catalogue_strikes_out_the_files_before_it(scene: Scene, tmp_path: Path) -> None:
    first = written(tmp_path, TWO)
    importer.import_file(scene.shop, first)
    importer.import_file(scene.shop, written(tmp_path, OTHER, sender="Kai"))
    importer.import_file(scene.shop, first)

    with scene.shop.db.reading() as session:
        title = session.scalars(select(Work.title).join(Edition).where(Edition.isbn == EBOOK)).one()
    assert title == "Tide and wrack"


def test_two_files_that_say_the_same_are_both_known_after_a_second_night(scene: Scene, tmp_path: Path) -> None:
    halves = [written(tmp_path, product(isbn), sender=isbn) for isbn in (HARD, EBOOK)]
    for _night in range(2):
        for half in halves:
            importer.import_file(scene.shop, half)

    assert not any(is_gone_through(scene, half) for half in halves)


def test_a_file_with_a_problem_tells_it_every_time(scene: Scene, tmp_path: Path) -> None:
    file = written(tmp_path, product(HARD) + a_deletion(EBOOK))
    reports = [importer.import_file(scene.shop, file) for _ in range(2)]

    assert [(one.unchanged, len(one.problems)) for one in reports] == [(0, 1), (1, 1)]


def test_a_file_that_was_interrupted_is_gone_through_again(scene: Scene, tmp_path: Path) -> None:
    file = written(tmp_path, TWO)

    def dies(_session: Session, _report: Report) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        importer.import_file(scene.shop, file, dies)

    assert importer.import_file(scene.shop, file).added == 2


def test_a_file_into_which_another_came_is_not_known(scene: Scene, tmp_path: Path) -> None:
    with scene.shop.db.writing() as session:
        begun = known.begin(session, "a file")
    importer.import_file(scene.shop, written(tmp_path, TWO))
    with scene.shop.db.writing() as session:
        known.end(session, begun, 2)

        assert known.products_of(session, "a file") is None


def test_of_two_that_take_in_one_file_at_once_only_the_later_speaks_for_it(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        first, second = known.begin(session, "a file"), known.begin(session, "a file")
        known.end(session, first, 2)

        assert known.products_of(session, "a file") is None

        known.end(session, second, 2)

        assert known.products_of(session, "a file") == 2
