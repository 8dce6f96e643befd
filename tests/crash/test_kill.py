"""Crashes: processes are killed at random while readers buy, and afterwards every promise has been kept."""

from __future__ import annotations

import os
import random
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

import pytest

from tests.crash.looking_back import RESENT_WITHOUT_CAUSE, look_back, resent, wait_until_quiet
from tests.crash.readers import buy_all
from tests.crash.yard import Yard, say, wait_until
from tests.postgres import Postgres

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path
    from types import TracebackType

    from tests.crash.looking_back import Account

pytestmark = pytest.mark.crash

SEED_VARIABLE = "FRONTLIST_SEED"
PATIENCE = 240.0
PROVIDER_SECONDS = 0.8


class Killer:
    """Kills every web process and worker so many times, in random order and at random moments, in a `with` block.

    Args:
        pauses: Between which bounds, in seconds, the time from one kill to the next is drawn.
    """

    def __init__(self, yard: Yard, seed: int, times: int, pauses: tuple[float, float]) -> None:
        self._yard = yard
        self._pauses = pauses
        self._dice = random.Random(seed)  # noqa: S311 - to be thrown again by the same seed
        self._victims = self._draw(times)
        self._killed: list[str] = []
        self._is_over = threading.Event()
        self._room = ThreadPoolExecutor(1)
        self._work: Future[None]

    def __enter__(self) -> Self:
        self._work = self._room.submit(self._kill_them)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let it finish its list, unless the test has failed already."""
        if error:
            self._is_over.set()
        self._room.shutdown()
        self._work.result()

    def let_in(self, number: int, of: int, at_once: int) -> None:
        """Let some in at once, so that there always is work to be killed at, and the others as the killing goes on."""
        due = len(self._victims) * (number - at_once) // of
        wait_until(lambda: self._work.done() or len(self._killed) >= due, "the killing goes on", PATIENCE)
        if self._work.done():
            self._work.result()

    def kills_of(self, names: list[str]) -> int:
        return sum(name in names for name in self._killed)

    def _draw(self, times: int) -> list[str]:
        """Draw each once before any is drawn again, so that it has time to come back to work."""
        everybody = [*self._yard.web_names, *self._yard.worker_names]
        return [name for _ in range(times) for name in self._dice.sample(everybody, len(everybody))]

    def _kill_them(self) -> None:
        for victim in self._victims:
            if self._is_over.wait(self._dice.uniform(*self._pauses)):
                return
            # A process that is still starting has nothing in its hands that could be lost.
            self._yard.wait_until_at_work(victim)
            self._yard.kill(victim)
            self._killed.append(victim)


def sell_and_kill(yard: Yard, seed: int, *, orders: int, at_once: int, times: int) -> Account:
    """Sell to so many readers while each process is killed so many times, and see that nobody noticed."""
    began = time.monotonic()
    yard.slow_the_provider_down(PROVIDER_SECONDS)
    with Killer(yard, seed, times, pauses=(0.4, 1.4)) as killer:
        buy_all(yard, orders, seed, lambda number: killer.let_in(number, orders, at_once))
    sold = time.monotonic()
    wait_until_quiet(yard, orders, PATIENCE)
    account = look_back(yard)
    kills = killer.kills_of(yard.worker_names)
    say(
        f"sold in {sold - began:.0f} s and quiet after {time.monotonic() - sold:.0f} more; "
        f"{killer.kills_of(yard.web_names)} kills of web processes, {kills} of workers; {account}"
    )

    assert account.broken(orders, worker_kills=kills) == []
    assert kills == times * yard.workers
    return account


@pytest.fixture
def seed() -> int:
    """What the dice are thrown by; a run is repeated, as far as chance lets it be, with FRONTLIST_SEED=…"""
    seed = int(os.environ.get(SEED_VARIABLE) or secrets.randbelow(1_000_000))
    say(f"{SEED_VARIABLE}={seed}")
    return seed


def test_nothing_is_lost_or_done_twice_when_every_process_is_killed_ten_times(
    tmp_path: Path, bytecode: Path, seed: int
) -> None:
    with (
        Postgres(durable=True) as postgres,
        Yard(tmp_path, bytecode, postgres.create_database("crash"), webs=4, workers=2) as yard,
    ):
        account = sell_and_kill(yard, seed, orders=200, at_once=50, times=10)

    # Otherwise nobody was hit while at work, and all this has shown nothing.
    assert account.taken_over > 0


def test_nor_on_sqlite_with_one_process_of_each_kind(tmp_path: Path, bytecode: Path, seed: int) -> None:
    with Yard(tmp_path, bytecode, f"sqlite:///{tmp_path / 'shop.db'}", webs=1, workers=1) as yard:
        sell_and_kill(yard, seed, orders=40, at_once=40, times=3)


def test_without_leases_the_same_promises_are_broken_though_nobody_is_killed(
    tmp_path: Path, bytecode: Path, seed: int
) -> None:
    orders = 40
    wishes = {"work_lease_seconds": 0.001}
    with (
        Postgres(durable=True) as postgres,
        Yard(tmp_path, bytecode, postgres.create_database("crash"), webs=2, workers=2, wishes=wishes) as yard,
    ):
        yard.slow_the_provider_down(PROVIDER_SECONDS)
        buy_all(yard, orders, seed)
        wait_until(lambda: resent(yard) > 0, "an ebook sent for twice", PATIENCE)
        account = look_back(yard)
    say(str(account))

    assert RESENT_WITHOUT_CAUSE in account.broken(orders, worker_kills=0)
