"""Staff bring a file of ONIX; a worker takes it in, and whatever happens to the worker the page tells the truth."""

from __future__ import annotations

import gzip
import io
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import EnvironBuilder
from sqlalchemy import func, select

from shop import work
from shop.app import HANDLERS
from shop.catalogue import importing, intake
from shop.catalogue.importing import IMPORT, OnixImport
from shop.catalogue.models import Edition
from shop.staff.access import Role
from shop.work import LeaseLostError
from tests.conftest import EXAMPLES
from tests.crash.test_import import a_long_file
from tests.makers import ADDRESS, Scene

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session
    from werkzeug.test import TestResponse

    from shop.catalogue.intake import Report

CATALOGUE = (EXAMPLES / "catalogue.xml").read_bytes()
PRODUCTS = CATALOGUE.count(b"<Product>")


@pytest.fixture
def counter(scene: Scene) -> Scene:
    scene.sign_in_as_staff()
    return scene


def bring(scene: Scene, content: bytes, name: str = "catalogue.xml") -> TestResponse:
    form = {"onix": (io.BytesIO(content), name)}
    sent: dict[str, Any] = {"base_url": ADDRESS, "headers": {"Sec-Fetch-Site": "same-origin"}}
    builder = EnvironBuilder(scene.client.application, "/staff/catalogue/imports", method="POST", data=form, **sent)
    environ = builder.get_environ()
    with environ["wsgi.input"]:
        return scene.client.open(environ)


def page_of(scene: Scene, answer: TestResponse) -> str:
    assert answer.status_code == 303, answer.text
    return scene.get(answer.location).text


def work_it_off(scene: Scene) -> None:
    while work.perform_next(scene.shop, HANDLERS):
        pass


def latest(scene: Scene) -> OnixImport:
    with scene.shop.db.reading() as session:
        return session.scalars(select(OnixImport).order_by(OnixImport.id.desc()).limit(1)).one()


def test_a_file_is_brought_waited_for_and_taken_in(counter: Scene) -> None:
    empty = counter.get("/staff/catalogue").text
    answer = bring(counter, CATALOGUE, "Frühjahr.xml")
    before = page_of(counter, answer)
    work_it_off(counter)
    after, listed = page_of(counter, answer), counter.get("/staff/catalogue").text
    found = latest(counter)

    assert "No file has been brought here yet" in empty
    assert "Counting the products" in before
    assert "Look again" in before
    assert '<span class="state good">done</span>' in after
    assert "Frühjahr.xml" in listed
    assert (found.known, found.done) == (PRODUCTS, PRODUCTS)
    assert found.added + found.left_out == PRODUCTS
    assert "bring ONIX" in [
        entry.action for entry in counter.all(__import__("shop.staff.audit", fromlist=["x"]).AuditEntry)
    ]


def test_the_same_file_again_and_packed_changes_nothing(counter: Scene) -> None:
    bring(counter, CATALOGUE)
    work_it_off(counter)
    first = latest(counter)
    bring(counter, gzip.compress(CATALOGUE), "catalogue.xml.gz")
    work_it_off(counter)
    second = latest(counter)

    assert second.id != first.id
    assert (second.added, second.changed, second.unchanged) == (0, 0, first.added)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html><p>hello</p></html>", "not a message of ONIX"),
        (b"no xml at all", "Start tag expected"),
        (CATALOGUE[: len(CATALOGUE) // 2], "could not be read to its end"),
    ],
)
def test_a_file_that_is_none_says_so_by_its_own_name(counter: Scene, content: bytes, words: str) -> None:
    answer = bring(counter, content, "spring.xml")
    work_it_off(counter)
    page = page_of(counter, answer)

    assert words in page
    assert "What was read before that has been kept" in page
    assert ".onix" not in page
    assert latest(counter).state == "refused"


@pytest.mark.parametrize(
    ("content", "name", "words"), [(b"", "empty.xml", "empty.xml is empty"), (b"x", "", "Choose an ONIX file")]
)
def test_nothing_is_asked_for_again(counter: Scene, content: bytes, name: str, words: str) -> None:
    answer = bring(counter, content, name)

    assert answer.status_code == 422
    assert words in answer.text
    assert counter.all(OnixImport) == []


def test_what_is_left_out_is_told_by_line_record_and_reason(counter: Scene) -> None:
    wrong = CATALOGUE.replace(b"<IDValue>9789999903516</IDValue>", b"<IDValue>=9789999903510</IDValue>", 1)
    answer = bring(counter, wrong)
    work_it_off(counter)
    page, table = page_of(counter, answer), counter.get(f"{answer.location}/problems.csv").text

    assert "wrong check digit or length" in page
    assert table.splitlines()[0] == "line,record,reason"
    assert "wrong check digit" in table


def test_only_staff_who_may_bring_a_file_do(scene: Scene) -> None:
    stranger = scene.get("/staff/catalogue")
    scene.sign_in_as_staff(Role.VIEWER)

    assert stranger.location.startswith("/staff/sign-in")
    assert scene.get("/staff/catalogue").status_code == 200
    assert bring(scene, CATALOGUE).status_code == 403
    assert scene.all(OnixImport) == []


@pytest.fixture
def long_file(tmp_path: Path) -> bytes:
    a_long_file(tmp_path / "long.xml", 1300)
    return gzip.compress((tmp_path / "long.xml").read_bytes())


def editions(scene: Scene) -> int:
    with scene.shop.db.reading() as session:
        return session.scalar(select(func.count()).select_from(Edition)) or 0


def test_another_worker_goes_on_where_one_died_and_counts_stay_true(counter: Scene, long_file: bytes) -> None:
    held = editions(counter)
    bring(counter, long_file)
    with counter.shop.db.writing() as session:
        job = work.claim(session, [IMPORT], counter.clock.now, timedelta(seconds=60))
    assert job is not None
    died: list[int] = []

    def dies_after_two_batches(session: Session, report: Report) -> None:
        importing._progress(job, counter.shop, (0, 0, 0), session, report)  # noqa: SLF001 - what the worker does
        died.append(report.added)
        if len(died) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        intake.import_file(
            counter.shop, counter.shop.services.files.path(latest(counter).stored_as), dies_after_two_batches
        )
    halfway = latest(counter)
    counter.clock.forward(minutes=5)
    work_it_off(counter)
    whole = latest(counter)

    assert (halfway.state, halfway.added, editions(counter) - held) == ("running", 1000, 1300)
    assert (whole.state, whole.added, whole.unchanged, whole.done) == ("done", 1300, 0, 1300)


def test_a_worker_that_lost_its_lease_takes_nothing_in(counter: Scene, long_file: bytes) -> None:
    held = editions(counter)
    bring(counter, long_file)
    with counter.shop.db.writing() as session:
        slow = work.claim(session, [IMPORT], counter.clock.now, timedelta(seconds=60))
    assert slow is not None
    counter.clock.forward(minutes=5)
    with counter.shop.db.writing() as session:
        quick = work.claim(session, [IMPORT], counter.clock.now, timedelta(seconds=60))
    assert quick is not None

    with pytest.raises(LeaseLostError):
        importing.take_in(slow, counter.shop)
    assert editions(counter) == held
