"""An import that is killed and started again ends as if nobody had killed it."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from stdnum import ean

from tests.conftest import SECRETS
from tests.crash.yard import ROOT, say

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.crash

CATALOGUE = ROOT / "config" / "demo" / "catalogue.xml"
PATIENCE = 1200
FORGOTTEN = {"id", "work_id", "edition_id", "rights_set_id"}
"""Columns that only number rows."""


def a_long_file(path: Path, products: int) -> None:
    """The demonstration's products again and again, each a book of its own."""
    text = CATALOGUE.read_text(encoding="utf-8")
    head, tail = text[: text.index("<Product>")], "</ONIXMessage>\n"
    kinds = re.findall(r"<Product>.*?</Product>\n?", text, flags=re.DOTALL)
    with path.open("w", encoding="utf-8") as file:
        file.write(head)
        file.writelines(another(kinds[number % len(kinds)], number) for number in range(products))
        file.write(tail)


def another(product: str, number: int) -> str:
    """A product under another ISBN, reference, title and work."""
    isbn = f"978{number:09d}"
    isbn += ean.calc_check_digit(isbn)
    for pattern, words in (
        (r"(<IDValue>)97\d{11}(</IDValue>)", isbn),
        (r"(<RecordReference>).*?(</RecordReference>)", f"long.{number}"),
        (r"(<TitleText>).*?(</TitleText>)", f"The Book of the Number {number}"),
        (r"(<WorkIdentifier>.*?<IDValue>).*?(</IDValue>)", f"W{number}"),
    ):
        product = re.sub(pattern, rf"\g<1>{words}\g<2>", product, count=1, flags=re.DOTALL)
    return product


def start(command: list[str], database: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **SECRETS, "FRONTLIST_DATABASE_URL": f"sqlite:///{database}", "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "shop.cli", *command]
    return subprocess.Popen(program, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)


def run(command: list[str], database: Path) -> None:
    assert start(command, database).wait(PATIENCE) == 0


def content(database: Path) -> dict[str, list[str]]:
    """Every row of the catalogue, without its number, sorted."""
    with sqlite3.connect(database) as db:
        db.row_factory = sqlite3.Row
        tables = ("work", "edition", "contributor", "quotation", "price", "rights_set", "old_slug")
        return {table: sorted(map(_plain, db.execute(f"SELECT * FROM {table}"))) for table in tables}


def _plain(row: sqlite3.Row) -> str:
    kept = {name: row[name] for name in row.keys() if name not in {*FORGOTTEN, "revision"}}  # noqa: SIM118
    return repr(kept)


def count(database: Path) -> int:
    with sqlite3.connect(database) as db:
        return int(db.execute("SELECT count(*) FROM edition").fetchone()[0])


def killed_at_work(file: Path, database: Path, at_least: int) -> None:
    """Start the import and kill it once it has written more than so many."""
    program = start(["import-onix", str(file)], database)
    deadline = time.monotonic() + PATIENCE
    while count(database) <= at_least:
        assert program.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
    os.killpg(program.pid, signal.SIGKILL)
    program.wait()


def interrupt(folder: Path, products: int, kills: int) -> None:
    """Import a file in one go, and another time with kills; compare."""
    file, whole, broken = folder / "long.xml", folder / "whole.db", folder / "broken.db"
    a_long_file(file, products)
    for database in (whole, broken):
        run(["migrate"], database)
    dice = random.Random(products)  # noqa: S311 - to be thrown again
    for _ in range(kills):
        before = count(broken)
        killed_at_work(file, broken, before + dice.randrange(products // (2 * kills)))
    left = count(broken)
    for database in (whole, broken):
        run(["import-onix", str(file)], database)
    say(f"{products} products, killed {kills} times, last with {left} editions written")

    assert 0 < left < products
    assert count(whole) == products
    assert content(broken) == content(whole)


def test_an_import_killed_twice_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    interrupt(tmp_path, 4000, kills=2)


@pytest.mark.nightly
def test_nor_does_one_of_fifty_thousand(tmp_path: Path) -> None:
    interrupt(tmp_path, 50_000, kills=5)
