"""Staff bring a file of ONIX; a worker takes it in, and whatever happens to the worker the page tells the truth."""

from __future__ import annotations

import csv
import gzip
import io
import re
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import EnvironBuilder
from sqlalchemy import func, select, update

from shop import work
from shop.app import create_app
from shop.catalogue.intake import importer, jobs
from shop.catalogue.intake.jobs import COUNTED_AT_ONCE, IMPORT, MOST_PROBLEMS, OnixImport, Taking
from shop.catalogue.models import Edition
from shop.catalogue.selling.sellable import SellableDay
from shop.staff.access import Role
from shop.staff.audit import AuditEntry
from shop.work import LeaseLostError
from shop.worker import HANDLERS
from tests.conftest import EXAMPLES
from tests.crash.test_import import a_long_file
from tests.makers import ADDRESS, Scene

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session
    from werkzeug.test import TestResponse

    from shop.catalogue.intake.importer import Report
    from shop.work import Job

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
    assert "how many products there are is not known yet" in before
    assert "Look again" in before
    assert found.left_out
    for page in (after, listed):
        assert '<span class="state warn">done</span>' in page, "it is over, and yet not all of it is here"
    assert "Frühjahr.xml" in listed
    assert (found.known, found.done) == (PRODUCTS, PRODUCTS)
    assert found.added + found.left_out == PRODUCTS
    assert "bring ONIX" in [entry.action for entry in counter.all(AuditEntry)]


def test_the_same_file_again_and_packed_changes_nothing(counter: Scene) -> None:
    bring(counter, CATALOGUE)
    work_it_off(counter)
    first = latest(counter)
    again = bring(counter, gzip.compress(CATALOGUE), "catalogue.xml.gz")
    work_it_off(counter)
    second = latest(counter)

    assert second.id != first.id
    assert "Nothing in it was new" in page_of(counter, again)
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
    assert "Nothing of it was taken in" in page
    assert "has been kept" not in page
    assert ".onix" not in page
    assert latest(counter).state == "refused"


def test_what_was_read_before_a_fault_inside_a_product_is_kept_and_said_to_be(counter: Scene, long_file: bytes) -> None:
    whole = gzip.decompress(long_file)
    at = whole.rindex(b"<ProductIdentifier>")
    answer = bring(counter, whole[:at] + b"<Unclosed>" + whole[at:])
    work_it_off(counter)

    assert "What was read before that has been kept" in page_of(counter, answer)
    assert (latest(counter).state, latest(counter).added) == ("refused", 1299 // importer.BATCH * importer.BATCH)


def test_a_message_without_products_says_so(counter: Scene) -> None:
    answer = bring(counter, b'<ONIXMessage release="3.0"><Header/></ONIXMessage>')
    work_it_off(counter)

    assert "The file holds no product" in page_of(counter, answer)


@pytest.mark.parametrize(
    ("content", "name", "words"), [(b"", "empty.xml", "empty.xml is empty"), (b"x", "", "Choose an ONIX file")]
)
def test_nothing_is_asked_for_again(counter: Scene, content: bytes, name: str, words: str) -> None:
    answer = bring(counter, content, name)

    assert answer.status_code == 422
    assert words in answer.text
    assert counter.all(OnixImport) == []


def test_a_file_too_large_is_told_the_limit_and_the_other_way(counter: Scene) -> None:
    small = replace(counter.shop, settings=replace(counter.shop.settings, onix_upload_megabytes=1))
    token = counter.client.get_cookie("staff", path="/staff")
    assert token is not None
    counter.client = create_app(small).test_client()
    counter.client.set_cookie("staff", token.value, path="/staff")
    answer = bring(counter, b"x" * 1_100_000)

    assert answer.status_code == 413
    assert "larger than 1 MB" in answer.text
    assert 'name="onix"' in answer.text
    assert counter.all(OnixImport) == []


class Slow(io.BytesIO):
    """A body whose every piece is awaited while somebody else wants to write."""

    def __init__(self, content: bytes, scene: Scene) -> None:
        super().__init__(content)
        self._scene, self.waited = scene, 0.0

    def read(self, size: int | None = -1) -> bytes:
        begun = time.monotonic()
        with self._scene.shop.db.writing() as session:
            work.enqueue(session, "another", str(self.tell()), at=self._scene.clock.now)
        self.waited = max(self.waited, time.monotonic() - begun)
        return super().read(size)

    def readinto(self, buffer: Any) -> int:
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


def test_others_write_while_a_file_arrives(counter: Scene) -> None:
    form = {"onix": (io.BytesIO(CATALOGUE), "slow.xml")}
    sent: dict[str, Any] = {"base_url": ADDRESS, "headers": {"Sec-Fetch-Site": "same-origin"}}
    builder = EnvironBuilder(counter.client.application, "/staff/catalogue/imports", method="POST", data=form, **sent)
    environ = builder.get_environ()
    with environ["wsgi.input"] as body:
        slow = Slow(body.read(), counter)
        answer = counter.client.open(environ | {"wsgi.input": slow})

    assert answer.status_code == 303
    assert 0 < slow.waited < 5


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


def test_the_table_holds_every_problem_however_many(counter: Scene, long_file: bytes) -> None:
    wrong = gzip.decompress(long_file).replace(b"<ProductForm>", b"<ProductForm>XXX")
    answer = bring(counter, wrong)
    work_it_off(counter)
    rows = list(csv.reader(io.StringIO(counter.get(f"{answer.location}/problems.csv").text)))

    assert latest(counter).left_out == 1300 > MOST_PROBLEMS
    assert len(rows) == 1 + 1300
    assert "The first 200 of 1300" in page_of(counter, answer)


def test_work_that_has_stopped_is_not_shown_as_going_on(counter: Scene) -> None:
    answer = bring(counter, CATALOGUE)
    (kept,) = [row for row in counter.all(work.WorkRow) if row.kind == IMPORT]
    counter.shop.services.files.path(kept.payload["kept"]).unlink()
    work.perform_next(counter.shop, HANDLERS)
    once = page_of(counter, answer)
    with counter.shop.db.writing() as session:
        session.execute(update(work.WorkRow).where(work.WorkRow.id == kept.id).values(state="dead"))
    stopped = page_of(counter, answer)

    assert "The last attempt failed and will be repeated: FileNotFoundError" in once
    assert "The work has stopped" in stopped
    assert "data-running" not in stopped
    assert '<span class="state bad">stopped</span>' in counter.get("/staff/catalogue").text


def test_the_day_is_written_down_before_the_first_import_changes_it(counter: Scene) -> None:
    with counter.shop.db.reading() as session:
        before = session.scalar(select(func.count()).select_from(Edition))
    bring(counter, CATALOGUE)
    work_it_off(counter)

    assert [day.total for day in counter.all(SellableDay)] == [before]


@pytest.fixture
def long_file(tmp_path: Path) -> bytes:
    a_long_file(tmp_path / "long.xml", 1300)
    return gzip.compress((tmp_path / "long.xml").read_bytes())


def path_of(job: Job, scene: Scene) -> Path:
    return scene.shop.services.files.path(job.payload["kept"])


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
    taking = Taking(job, counter.shop, (0, 0, 0))

    def dies_after_two_batches(session: Session, report: Report) -> None:
        taking.told(session, report)
        died.append(report.added)
        if len(died) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        importer.import_file(counter.shop, path_of(job, counter), dies_after_two_batches)
    halfway = latest(counter)
    counter.clock.forward(minutes=5)
    work_it_off(counter)
    whole = latest(counter)

    assert (halfway.added, editions(counter) - held) == (2 * importer.BATCH, 1300)
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
        jobs.take_in(slow, counter.shop)
    assert editions(counter) == held


def test_counting_a_long_file_keeps_the_lease(counter: Scene) -> None:
    product = b"<Product><RecordReference>%d</RecordReference></Product>"
    many = b"".join(product % number for number in range(COUNTED_AT_ONCE + 1))
    bring(counter, b'<ONIXMessage release="3.0">' + many + b"</ONIXMessage>")
    with counter.shop.db.writing() as session:
        slow = work.claim(session, [IMPORT], counter.clock.now, timedelta(seconds=60))
    assert slow is not None
    taking = Taking(slow, counter.shop, (0, 0, 0))
    counter.clock.forward(seconds=50)
    counted = jobs._counted(taking, path_of(slow, counter))  # noqa: SLF001 - a lease that nearly ran out meanwhile
    counter.clock.forward(seconds=50)
    with counter.shop.db.writing() as session:
        other = work.claim(session, [IMPORT], counter.clock.now, timedelta(seconds=60))

    assert counted == COUNTED_AT_ONCE + 1
    assert other is None


def test_taking_a_long_file_in_keeps_the_lease_however_slow_each_batch_is(counter: Scene, long_file: bytes) -> None:
    bring(counter, long_file)
    with counter.shop.db.writing() as session:
        slow = work.claim(session, [IMPORT], counter.clock.now, timedelta(seconds=60))
    assert slow is not None
    taking = Taking(slow, counter.shop, (0, 0, 0))

    def comes_nearly_too_late(session: Session, report: Report) -> None:
        counter.clock.forward(seconds=50)
        taking.told(session, report)

    whole = importer.import_file(counter.shop, path_of(slow, counter), comes_nearly_too_late)
    with counter.shop.db.writing() as session:
        other = work.claim(session, [IMPORT], counter.clock.now, timedelta(seconds=60))

    assert (whole.added, other) == (1300, None)


def test_a_worker_that_loses_its_lease_between_two_batches_keeps_only_the_first(
    counter: Scene, long_file: bytes
) -> None:
    held = editions(counter)
    bring(counter, long_file)
    with counter.shop.db.writing() as session:
        slow = work.claim(session, [IMPORT], counter.clock.now, timedelta(seconds=60))
    assert slow is not None
    taking = Taking(slow, counter.shop, (0, 0, 0))

    def is_overtaken(session: Session, report: Report) -> None:
        if report.added > importer.BATCH:
            counter.clock.forward(hours=1)
            assert work.claim(session, [IMPORT], counter.clock.now, timedelta(seconds=60)) is not None
        taking.told(session, report)

    with pytest.raises(LeaseLostError):
        importer.import_file(counter.shop, path_of(slow, counter), is_overtaken)
    assert (editions(counter) - held, latest(counter).added) == (importer.BATCH, importer.BATCH)


NAMES = (
    "spring.xml",
    "spring.xml",
    "Frühjahr – été.onix",
    "../../etc/passwd",
    "a/b.xml",
    "imports/x.onix",
    ".",
    "春.xml",
)


def test_a_file_is_kept_by_a_name_of_ours_and_told_of_by_its_own(counter: Scene) -> None:
    told = [CATALOGUE + b"<!-- %d -->" % number for number in range(len(NAMES))]
    for name, content in zip(NAMES, told, strict=True):
        assert bring(counter, content, name).status_code == 303
    kept = [str(row.payload["kept"]) for row in counter.all(work.WorkRow) if row.kind == IMPORT]

    assert [found.file for found in counter.all(OnixImport)] == list(NAMES)
    assert len(set(kept)) == len(NAMES)
    assert all(re.fullmatch(r"imports/[0-9a-f]{16}\.onix", name) for name in kept)
    assert [counter.shop.services.files.get(name) for name in kept] == told


def test_a_file_is_let_go_of_when_its_import_is_over_and_not_before(counter: Scene) -> None:
    bring(counter, CATALOGUE)
    bring(counter, b"no xml at all")
    kept = [str(row.payload["kept"]) for row in counter.all(work.WorkRow) if row.kind == IMPORT]
    taken_in = counter.shop.services.files.path(kept[0])
    before = [counter.shop.services.files.has(name) for name in kept]
    work_it_off(counter)

    assert before == [True, True]
    assert [found.state for found in counter.all(OnixImport)] == ["done", "refused"]
    assert [counter.shop.services.files.has(name) for name in kept] == [False, False]
    assert list(taken_in.parent.iterdir()) == []
