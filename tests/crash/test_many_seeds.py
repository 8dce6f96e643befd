"""The same killing with other dice, for the night: chance has more than one way to hit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.crash.test_kill import sell_and_kill
from tests.crash.yard import Yard
from tests.postgres import Postgres

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nightly


@pytest.mark.parametrize("seed", range(1, 6))
def test_nothing_is_lost_or_done_twice_whatever_the_dice_say(tmp_path: Path, bytecode: Path, seed: int) -> None:
    with (
        Postgres(durable=True) as postgres,
        Yard(tmp_path, bytecode, postgres.create_database("crash"), webs=4, workers=2) as yard,
    ):
        sell_and_kill(yard, seed, orders=200, at_once=50, times=10)


@pytest.mark.parametrize("seed", range(1, 6))
def test_nor_on_sqlite_whatever_the_dice_say(tmp_path: Path, bytecode: Path, seed: int) -> None:
    with Yard(tmp_path, bytecode, f"sqlite:///{tmp_path / 'shop.db'}", webs=1, workers=1) as yard:
        sell_and_kill(yard, seed, orders=100, at_once=50, times=10)
