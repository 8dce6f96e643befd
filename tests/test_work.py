"""Work rows: done once by whoever holds the lease, tried again when they fail, never lost from sight."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from shop import work
from shop.services import RefusedError, Shop, UnavailableError
from shop.work import Job, LeaseLostError, PostponedError, WorkRow, WorkState, nothing_more

if TYPE_CHECKING:
    from shop.work import Ending
    from tests.fakes import Clock

LEASE = timedelta(seconds=90)


def note(shop: Shop, key: str = "k", kind: str = "thing") -> bool:
    """Note one piece of work."""
    with shop.db.writing() as session:
        return work.enqueue(session, kind, key, at=shop.now)


def take(shop: Shop, lease: timedelta = LEASE) -> Job | None:
    """Claim the next row."""
    with shop.db.writing() as session:
        return work.claim(session, ["thing"], shop.now, lease)


def row(shop: Shop) -> WorkRow:
    """The only row."""
    with shop.db.reading() as session:
        return session.scalars(select(WorkRow)).one()


def test_the_same_work_is_noted_once(shop: Shop) -> None:
    assert [note(shop), note(shop), note(shop, "other")] == [True, False, True]


def test_a_claimed_row_is_nobody_elses_until_its_lease_runs_out(shop: Shop, clock: Clock) -> None:
    note(shop)

    assert take(shop) is not None
    assert take(shop) is None
    clock.forward(seconds=91)
    again = take(shop)

    assert again is not None
    assert again.attempts == 2


def test_without_leases_two_workers_hold_the_same_row(shop: Shop) -> None:
    """The control of the test above: what the lease is for."""
    note(shop)

    assert take(shop, timedelta(0)) is not None
    assert take(shop, timedelta(0)) is not None


def test_a_worker_that_lost_its_lease_writes_nothing(shop: Shop, clock: Clock) -> None:
    note(shop)
    slow = take(shop)
    clock.forward(seconds=91)
    quick = take(shop)
    assert slow
    assert quick

    with pytest.raises(LeaseLostError), shop.db.writing() as session:
        work.finish(session, slow, shop.now)
    with pytest.raises(LeaseLostError), shop.db.writing() as session:
        work.renew(session, slow, shop.now + LEASE)
    with shop.db.writing() as session:
        work.finish(session, quick, shop.now)

    assert row(shop).state == WorkState.DONE


def test_what_came_of_it_and_that_it_is_done_are_one_transaction(shop: Shop) -> None:
    note(shop)

    def breaks(_job: Job, _shop: Shop) -> work.Ending:
        def ending(session: object) -> None:
            raise RuntimeError("the ending broke")

        return ending

    assert work.perform_next(shop, {"thing": breaks})

    assert row(shop).state == WorkState.READY
    assert "the ending broke" in (row(shop).last_error or "")


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (UnavailableError("away"), WorkState.READY),
        (RuntimeError("a bug"), WorkState.READY),
        (RefusedError("never"), WorkState.DEAD),
    ],
)
def test_failed_work_is_tried_again_unless_the_answer_was_no(shop: Shop, error: Exception, state: WorkState) -> None:
    note(shop)

    def fails(_job: Job, _shop: Shop) -> work.Ending:
        raise error

    work.perform_next(shop, {"thing": fails})

    assert row(shop).state == state
    assert str(error) in (row(shop).last_error or "")
    assert row(shop).run_at > shop.now


def test_work_that_fails_for_ever_dies_in_sight_and_can_be_tried_again(shop: Shop, clock: Clock) -> None:
    note(shop)

    def fails(_job: Job, _shop: Shop) -> work.Ending:
        raise UnavailableError("away")

    for _ in range(shop.settings.work_max_attempts):
        assert work.perform_next(shop, {"thing": fails})
        clock.forward(minutes=11)
    assert row(shop).state == WorkState.DEAD
    assert not work.perform_next(shop, {"thing": fails})

    with shop.db.writing() as session:
        work.try_again(session, row(shop).id, shop.now)
    assert work.perform_next(shop, {"thing": lambda _job, _shop: nothing_more})
    assert row(shop).state == WorkState.DONE


def test_work_that_kills_its_worker_every_time_is_given_up(shop: Shop, clock: Clock) -> None:
    shop = replace(shop, settings=replace(shop.settings, work_max_attempts=3))
    note(shop)
    done: list[Job] = []

    def do(job: Job, _shop: Shop) -> Ending:
        done.append(job)
        return nothing_more

    for _ in range(3):
        assert take(shop) is not None  # and the worker is heard of no more
        clock.forward(seconds=91)

    assert work.perform_next(shop, {"thing": do}) is True
    assert (row(shop).state, done) == (WorkState.DEAD, [])
    assert "died of it" in (row(shop).last_error or "")
    assert work.perform_next(shop, {"thing": do}) is False


def test_postponed_work_waits_and_the_attempt_does_not_count(shop: Shop, clock: Clock) -> None:
    note(shop)
    until = clock.now + timedelta(days=3)

    def waits(_job: Job, _shop: Shop) -> work.Ending:
        raise PostponedError(until)

    work.perform_next(shop, {"thing": waits})

    assert (row(shop).attempts, row(shop).run_at) == (0, until)


def test_delays_double_up_to_a_limit_and_are_jittered() -> None:
    delays = [work.delay_after(attempt).total_seconds() for attempt in range(1, 40)]

    assert 0.5 <= delays[0] <= 1
    assert all(delay <= work.LONGEST_DELAY.total_seconds() for delay in delays)
    assert len(set(delays)) > 30


def test_many_workers_do_each_row_once(shop: Shop) -> None:
    for number in range(60):
        note(shop, f"k{number}")
    done: list[str] = []

    def do(job: Job, _shop: Shop) -> work.Ending:
        done.append(job.key)
        return nothing_more

    def run() -> None:
        while work.perform_next(shop, {"thing": do}):
            pass

    workers = [threading.Thread(target=run) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(done) == sorted(f"k{number}" for number in range(60))
