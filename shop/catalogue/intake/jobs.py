"""Importing at the counter: a file that staff have brought, taken in by a worker, with its progress in sight.

Each batch of products is written together with the progress it makes and with the worker's lease, so that counts are
true after any crash, and a worker that has lost its lease takes nothing in. The file itself is let go of when its
import is over.
"""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import JSON, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from shop import work
from shop.catalogue import onix
from shop.catalogue.intake import importer
from shop.catalogue.intake.importer import Report
from shop.catalogue.onix import OnixError
from shop.catalogue.selling import sellable
from shop.db import Base, key_column
from shop.work import WorkRow, WorkState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sqlalchemy.orm import Session

    from shop.catalogue.onix import Problem
    from shop.services import Shop
    from shop.work import Ending, Job

IMPORT, FORGET = "import-onix", "forget-import"
MOST_PROBLEMS = 1000
"""Problems that stand in the row; all of them stand in a file beside the import's own, once it is over."""
COUNTED_AT_ONCE = 5000
"""Products that are counted before the lease is renewed: seconds, even where every one must be parsed."""


class ImportState(StrEnum):
    """How far an import has come."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"


class OnixImport(Base):
    """A file of ONIX that staff brought, and what came of it.

    `problems` are `{"line", "reference", "reason"}`. While it runs, the counts are of what is written already.
    """

    __tablename__ = "onix_import"

    id: Mapped[int] = key_column()
    file: Mapped[str] = mapped_column(Text)
    brought_by: Mapped[str] = mapped_column(Text)
    brought_at: Mapped[datetime]
    known: Mapped[int | None]
    done: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    withdrawn: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    left_out: Mapped[int] = mapped_column(default=0)
    problems: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    error: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default=ImportState.WAITING)
    ended_at: Mapped[datetime | None]

    @property
    def is_waiting(self) -> bool:
        """Whether no worker has begun it."""
        return self.state == ImportState.WAITING

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.ended_at is not None

    @property
    def has_written(self) -> bool:
        """Whether anything of the file was new."""
        return bool(self.added or self.changed or self.withdrawn)


def keep(shop: Shop, file: BinaryIO) -> str:
    """Keep a file under a name of its own, before anything is written of it: no transaction waits for a disk."""
    name = f"imports/{secrets.token_hex(8)}.onix"
    shop.services.files.take(name, file)
    return name


def bring(session: Session, kept: str, name: str, by: str, at: datetime) -> OnixImport:
    """Note that a file, kept under a name of ours, must be taken in."""
    found = OnixImport(file=name[:200], brought_by=by, brought_at=at)
    session.add(found)
    session.flush()
    work.enqueue(session, IMPORT, str(found.id), at=at, payload={"kept": kept})
    return found


def row_of(session: Session, found: OnixImport) -> WorkRow | None:
    """Return the work row that takes it in, which tells of attempts that failed."""
    return session.scalar(select(WorkRow).where(WorkRow.kind == IMPORT, WorkRow.key == str(found.id)))


def stopped(session: Session, imports: Iterable[OnixImport]) -> set[int]:
    """Return the numbers of those that no worker will go on with unless somebody says so."""
    keys = [str(one.id) for one in imports if not one.is_over]
    dead = select(WorkRow.key).where(WorkRow.kind == IMPORT, WorkRow.key.in_(keys), WorkRow.state == WorkState.DEAD)
    return {int(key) for key in session.scalars(dead)}


def problems_of(shop: Shop, found: OnixImport) -> list[dict[str, Any]]:
    """Return every problem once the import is over, and until then the first ones so far."""
    name = _all_problems(found.id)
    kept: list[dict[str, Any]] = json.loads(shop.services.files.get(name)) if shop.services.files.has(name) else []
    return kept or found.problems


def take_in(job: Job, shop: Shop) -> Ending:
    """Work: take a file in, batch by batch; one that was begun by another worker is gone on with."""
    number, path = int(job.key), shop.services.files.path(job.payload["kept"])
    sellable.begin_day(shop)
    with shop.db.writing() as session:
        _hold(session, job, shop)
        earlier = session.get_one(OnixImport, number)
        earlier.state = ImportState.RUNNING
        taking = Taking(job, shop, (earlier.added, earlier.changed, earlier.withdrawn))
    try:
        taking.know(_counted(taking, path))
        importer.import_file(shop, path, taking.told)
    except OnixError as error:
        taking.keep_problems()
        return partial(_end, job, str(error).replace(path.name, earlier.file), shop.now)
    taking.keep_problems()
    return partial(_end, job, None, shop.now)


def forget(job: Job, shop: Shop) -> Ending:
    """Work: let go of a file that has been taken in, or refused."""
    shop.services.files.drop(job.payload["kept"])
    return work.nothing_more


class Taking:
    """One worker's taking in of a file, under its lease."""

    def __init__(self, job: Job, shop: Shop, written: tuple[int, int, int]) -> None:
        """Go on from what an earlier worker has written: added, changed, withdrawn."""
        self._job, self._shop, self._written = job, shop, written
        self._report = Report()

    def hold(self) -> None:
        """Renew the lease by itself."""
        with self._shop.db.writing() as session:
            _hold(session, self._job, self._shop)

    def know(self, products: int) -> None:
        """Write down how many products there are."""
        with self._shop.db.writing() as session:
            _hold(session, self._job, self._shop)
            session.get_one(OnixImport, int(self._job.key)).known = products

    def told(self, session: Session, report: Report) -> None:
        """Write down, with a batch, how far the file has come."""
        _hold(session, self._job, self._shop)
        self._report = report
        _count(session.get_one(OnixImport, int(self._job.key)), report, self._written)

    def keep_problems(self) -> None:
        """Keep in a file what is more than the row holds."""
        problems = self._report.problems
        if len(problems) > MOST_PROBLEMS:
            name = _all_problems(int(self._job.key))
            self._shop.services.files.put(name, json.dumps(_written_out(problems)).encode())


def _all_problems(number: int) -> str:
    return f"imports/{number}.problems.json"


def _counted(taking: Taking, path: Path) -> int:
    """Count the products; the lease is renewed meanwhile, lest two workers count in turn and neither begins."""
    products = 0
    for products, _record in enumerate(onix.records(path), 1):
        if products % COUNTED_AT_ONCE == 0:
            taking.hold()
    return products


def _hold(session: Session, job: Job, shop: Shop) -> None:
    work.renew(session, job, shop.now + timedelta(seconds=shop.settings.work_lease_seconds))


def _count(found: OnixImport, report: Report, written: tuple[int, int, int]) -> None:
    """What was written by an earlier worker is met again as unchanged, and counted as what it was."""
    added, changed, withdrawn = written
    found.done, found.left_out = report.read, len(report.problems)
    found.added, found.changed = added + report.added, changed + report.changed
    found.withdrawn = withdrawn + report.withdrawn
    found.unchanged = max(0, report.unchanged - sum(written))
    found.problems = _written_out(report.problems[:MOST_PROBLEMS])


def _written_out(problems: list[Problem]) -> list[dict[str, Any]]:
    return [{"line": one.line, "reference": one.reference, "reason": one.reason} for one in problems]


def _end(job: Job, error: str | None, at: datetime, session: Session) -> None:
    found = session.get_one(OnixImport, int(job.key))
    found.error, found.ended_at = error, at
    found.state = ImportState.REFUSED if error else ImportState.DONE
    work.enqueue(session, FORGET, job.key, at=at, payload={"kept": job.payload["kept"]})
