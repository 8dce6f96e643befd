"""Work rows: what must happen after a commit, each done by whichever worker holds its lease.

A row is written in the transaction that made it necessary and is unique on `(kind, key)`. A worker claims
it with a lease and a fencing token, calls abroad outside any transaction, and then, in one transaction,
marks it done *and* writes down what came of it: a worker that has lost its lease can do neither.
"""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import JSON, Index, String, Text, UniqueConstraint, and_, delete, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, insert_if_absent, key_column, upsert
from shop.services import OutsideError, RefusedError, UnknownOutcomeError

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from shop.services import Shop

log = structlog.get_logger()

FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=10)
ROUNDS_KEPT = timedelta(days=1)


class WorkState(StrEnum):
    """Where a work row stands."""

    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"


class WorkRow(Base):
    """One thing that must happen."""

    __tablename__ = "work_row"
    __table_args__ = (UniqueConstraint("kind", "key"), Index(None, "state", "run_at"))

    id: Mapped[int] = key_column()
    kind: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(200))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(10), default=WorkState.READY)
    run_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed work row: its key is the idempotency key of every call it makes abroad."""

    id: int
    kind: str
    key: str
    payload: dict[str, Any]
    attempts: int
    token: str


class PostponedError(Exception):
    """It is not time yet; the row waits until then, and the attempt does not count."""

    def __init__(self, until: datetime) -> None:
        """Wait until this instant."""
        super().__init__(f"not before {until:%Y-%m-%d %H:%M} UTC")
        self.until = until


class LeaseLostError(Exception):
    """Another worker has taken the row over; what this one found out must not be written."""


Ending = Callable[["Session"], None]
Handler = Callable[[Job, "Shop"], Ending]


def nothing_more(_session: Session) -> None:
    """An ending for work that leaves no facts of its own behind."""


def enqueue(
    session: Session,
    kind: str,
    key: str,
    *,
    at: datetime,
    after: datetime | None = None,
    payload: dict[str, Any] | None = None,
) -> bool:
    """Note that something must happen, once, at the time `after` or at once; true when it was not noted yet."""
    return insert_if_absent(
        session,
        WorkRow,
        kind=kind,
        key=key,
        payload=payload or {},
        state=WorkState.READY,
        run_at=after or at,
        attempts=0,
        created_at=at,
    )


def enqueue_anew(session: Session, kind: str, rows: Iterable[tuple[str, dict[str, Any]]], *, at: datetime) -> None:
    """Note that this must happen now, by key and payload, whatever was noted or done under these keys before.

    A worker that is at it loses its lease: what it finds out is of yesterday.
    """
    fresh = {
        "state": WorkState.READY,
        "run_at": at,
        "attempts": 0,
        "lease_token": None,
        "lease_until": None,
        "last_error": None,
        "done_at": None,
    }
    noted = [{"kind": kind, "key": key, "payload": payload, "created_at": at, **fresh} for key, payload in rows]
    if noted:
        upsert(session, WorkRow, noted, key=("kind", "key"))


def perform_next(shop: Shop, handlers: Mapping[str, Handler], unhurried: Collection[str] = ()) -> bool:
    """Claim one due row and do it, one of an unhurried kind only when no other is due; false when nothing is due."""
    kinds = _due_kinds(shop, handlers, unhurried)
    if not kinds:
        return False
    with shop.db.writing() as session:
        job = claim(session, kinds, shop.now, timedelta(seconds=shop.settings.work_lease_seconds))
        is_deadly = job is not None and job.attempts > shop.settings.work_max_attempts
        if job is not None and is_deadly:
            _leave(session, job, state=WorkState.DEAD, last_error="Whoever began it died of it, or was killed.")
    if job is not None and not is_deadly:
        _perform(job, shop, handlers[job.kind])
    return job is not None


def claim(session: Session, kinds: list[str], now: datetime, lease: timedelta) -> Job | None:
    """Take the longest-due row of these kinds, with a lease that runs out unless the row is finished first."""
    pick = select(WorkRow.id).where(_due(now), WorkRow.kind.in_(kinds))
    pick = pick.order_by(WorkRow.run_at, WorkRow.id).limit(1).with_for_update(skip_locked=True)
    token = secrets.token_urlsafe(12)
    row = session.execute(
        update(WorkRow)
        .where(WorkRow.id == pick.scalar_subquery())
        .values(
            state=WorkState.RUNNING,
            lease_token=token,
            lease_until=now + lease,
            attempts=WorkRow.attempts + 1,
        )
        .returning(WorkRow.id, WorkRow.kind, WorkRow.key, WorkRow.payload, WorkRow.attempts)
        .execution_options(synchronize_session=False)
    ).first()
    return Job(row.id, row.kind, row.key, row.payload, row.attempts, token) if row else None


def finish(session: Session, job: Job, now: datetime) -> None:
    """Mark the row done, provided the lease still holds.

    Raises:
        LeaseLostError: the row has been claimed by somebody else since.
    """
    _leave(session, job, state=WorkState.DONE, done_at=now, last_error=None)


def renew(session: Session, job: Job, until: datetime) -> None:
    """Hold the row for longer, just before a call abroad; raises LeaseLostError if it is held by another."""
    held = and_(WorkRow.id == job.id, WorkRow.lease_token == job.token, WorkRow.state == WorkState.RUNNING)
    if session.execute(update(WorkRow).where(held).values(lease_until=until).returning(WorkRow.id)).first() is None:
        raise LeaseLostError(job.key)


def try_again(session: Session, row_id: int, now: datetime) -> None:
    """Put a dead or waiting row at the head of the queue, with its attempts forgiven."""
    session.execute(
        update(WorkRow)
        .where(WorkRow.id == row_id, WorkRow.state.in_([WorkState.DEAD, WorkState.READY]))
        .values(state=WorkState.READY, run_at=now, attempts=0)
    )


def delay_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts: doubling, capped, with jitter so that crowds disperse."""
    doublings = max(0, min(attempts - 1, 20))
    return min(LONGEST_DELAY, FIRST_DELAY * float(2**doublings)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret


def _due_kinds(shop: Shop, handlers: Mapping[str, Handler], unhurried: Collection[str]) -> list[str]:
    """Among which kinds to claim: the hurried, or if nothing of these is due the others; empty when nothing is.

    Asked while nobody is kept from writing: to pass over a hundred thousand covers takes a moment.
    """
    hurried, others = ([kind for kind in handlers if (kind in unhurried) is last] for last in (False, True))
    with shop.db.reading() as session:
        for kinds in (hurried, others):
            query = select(WorkRow.id).where(_due(shop.now), WorkRow.kind.in_(kinds)).limit(1)
            if kinds and session.execute(query).first() is not None:
                return kinds
    return []


def _due(now: datetime) -> ColumnElement[bool]:
    ready = and_(WorkRow.state == WorkState.READY, WorkRow.run_at <= now)
    abandoned = and_(WorkRow.state == WorkState.RUNNING, WorkRow.lease_until <= now)
    return or_(ready, abandoned)


def _perform(job: Job, shop: Shop, handler: Handler) -> None:
    try:
        ending = handler(job, shop)
        with shop.db.writing() as session:
            finish(session, job, shop.now)
            ending(session)
    except LeaseLostError:
        log.warning("work.lease_lost", kind=job.kind, row=job.id)
    except PostponedError as error:
        _put_back(job, shop, error, run_at=error.until, attempts=job.attempts - 1)
    except OutsideError as error:
        _put_back(job, shop, error)
    except Exception as error:
        log.exception("work.failed", kind=job.kind, row=job.id)
        _put_back(job, shop, error)


def _put_back(job: Job, shop: Shop, error: Exception, **values: Any) -> None:
    gives_up = isinstance(error, RefusedError) or job.attempts >= shop.settings.work_max_attempts
    log.warning("work.put_back", kind=job.kind, row=job.id, attempts=job.attempts, dead=gives_up)
    try:
        with shop.db.writing() as session:
            _leave(
                session,
                job,
                state=WorkState.DEAD if gives_up else WorkState.READY,
                last_error=_sentence(error),
                **{"run_at": shop.now + delay_after(job.attempts), **values},
            )
    except LeaseLostError:
        log.warning("work.lease_lost", kind=job.kind, row=job.id)


def _leave(session: Session, job: Job, **values: Any) -> None:
    held = and_(WorkRow.id == job.id, WorkRow.lease_token == job.token, WorkRow.state == WorkState.RUNNING)
    left = session.execute(
        update(WorkRow).where(held).values(lease_token=None, lease_until=None, **values).returning(WorkRow.id)
    )
    if left.first() is None:
        raise LeaseLostError(job.key)


def _sentence(error: Exception) -> str:
    kind = "Outcome unknown" if isinstance(error, UnknownOutcomeError) else type(error).__name__
    return f"{kind}: {error}"[:500]


class Stop:
    """Asked between two rows whether to go on; set by a signal."""

    def __init__(self) -> None:
        """Nobody has asked to stop yet."""
        self._event = threading.Event()

    def set(self, *_signal: object) -> None:
        """Stop after the row at hand."""
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Rest, unless asked to stop; whether it was."""
        return self._event.wait(seconds)

    @property
    def is_set(self) -> bool:
        """Whether to stop."""
        return self._event.is_set()


def run(
    shop: Shop, handlers: Mapping[str, Handler], rounds: Mapping[str, int], stop: Stop, unhurried: Collection[str] = ()
) -> None:
    """Do what is due until told to stop, the unhurried last; a database that is away for a while is waited for."""
    made: dict[str, str] = {}
    log.info("work.started", kinds=len(handlers))
    while not stop.is_set:
        try:
            _make_rounds(shop, rounds, made)
            if perform_next(shop, handlers, unhurried):
                continue
        except SQLAlchemyError as error:
            log.warning("work.database_away", reason=type(error).__name__)
            stop.wait(1.0)
        stop.wait(shop.settings.work_idle_seconds)
    log.info("work.stopped")


def _make_rounds(shop: Shop, rounds: Mapping[str, int], made: dict[str, str]) -> None:
    """Note each round's work once per time slot, whichever worker comes first."""
    now = shop.now
    for kind, seconds in rounds.items():
        slot = str(int(now.timestamp()) // seconds)
        if made.get(kind) != slot:
            with shop.db.writing() as session:
                enqueue(session, kind, slot, at=now)
                _forget_old_rounds(session, kind, now)
            made[kind] = slot


def _forget_old_rounds(session: Session, kind: str, now: datetime) -> None:
    over = WorkRow.state.in_([WorkState.DONE, WorkState.DEAD])
    session.execute(delete(WorkRow).where(WorkRow.kind == kind, over, WorkRow.created_at < now - ROUNDS_KEPT))
