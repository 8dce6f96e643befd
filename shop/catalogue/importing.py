"""Importing at the counter: a file that staff have brought, taken in by a worker, with its progress in sight.

Each batch of products is written together with the progress it makes and with the worker's lease, so that counts are
true after any crash, and a worker that has lost its lease takes nothing in.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlalchemy import JSON, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shop import work
from shop.catalogue import intake, onix
from shop.catalogue.onix import OnixError
from shop.db import Base, key_column

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from shop.catalogue.intake import Report
    from shop.services import Shop
    from shop.work import Ending, Job

IMPORT = "import-onix"
MOST_PROBLEMS = 1000
"""Problems that are kept in words; more are only counted."""


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
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    ended_at: Mapped[datetime | None]

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.ended_at is not None

    @property
    def stored_as(self) -> str:
        """The name under which its file is kept."""
        return f"imports/{self.id}.onix"


def bring(session: Session, shop: Shop, file: BinaryIO, name: str, by: str, at: datetime) -> OnixImport:
    """Keep a file and note that it must be taken in."""
    found = OnixImport(file=name[:200], brought_by=by, brought_at=at)
    session.add(found)
    session.flush()
    shop.services.files.take(found.stored_as, file)
    work.enqueue(session, IMPORT, str(found.id), at=at)
    return found


def take_in(job: Job, shop: Shop) -> Ending:
    """Work: take a file in, batch by batch; one that was begun by another worker is gone on with."""
    number = int(job.key)
    path = shop.services.files.path(f"imports/{number}.onix")
    with shop.db.reading() as session:
        earlier = session.get_one(OnixImport, number)
        written = (earlier.added, earlier.changed, earlier.withdrawn)
    try:
        known = sum(1 for _record in onix.records(path))
        with shop.db.writing() as session:
            _hold(session, job, shop)
            session.get_one(OnixImport, number).known = known
        report = intake.import_file(shop, path, partial(_progress, job, shop, written))
    except OnixError as error:
        return partial(_end, number, str(error).replace(f"{number}.onix", earlier.file), shop.now)
    return partial(_end_well, number, report, written, shop.now)


def _progress(job: Job, shop: Shop, written: tuple[int, int, int], session: Session, report: Report) -> None:
    _hold(session, job, shop)
    found = session.get_one(OnixImport, int(job.key))
    found.state = "running"
    _count(found, report, written)


def _hold(session: Session, job: Job, shop: Shop) -> None:
    work.renew(session, job, shop.now + timedelta(seconds=shop.settings.work_lease_seconds))


def _count(found: OnixImport, report: Report, written: tuple[int, int, int]) -> None:
    """What was written by an earlier worker is met again as unchanged, and counted as what it was."""
    added, changed, withdrawn = written
    found.done, found.left_out = report.read, len(report.problems)
    found.added, found.changed = added + report.added, changed + report.changed
    found.withdrawn = withdrawn + report.withdrawn
    found.unchanged = max(0, report.unchanged - sum(written))
    found.problems = [
        {"line": one.line, "reference": one.reference, "reason": one.reason} for one in report.problems[:MOST_PROBLEMS]
    ]


def _end_well(number: int, report: Report, written: tuple[int, int, int], at: datetime, session: Session) -> None:
    _count(session.get_one(OnixImport, number), report, written)
    _end(number, None, at, session)


def _end(number: int, error: str | None, at: datetime, session: Session) -> None:
    found = session.get_one(OnixImport, number)
    found.error, found.ended_at, found.state = error, at, "refused" if error else "done"
