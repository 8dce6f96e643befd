"""The workshop keeps its promises: commands have names, locks are sealed, PostgreSQL is real."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import create_engine, text

from tests.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ("help", "install", "demo", "test", "bench", "lint", "nightly")
SCRIPTS = ("run", ".ci/run")
LOCKS = ("config/locks/runtime.lock", "config/locks/dev.lock")
SEALED = (*LOCKS, "config/locks/contract.lock")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "run", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_can_be_started_and_is_plain_shell(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    subprocess.run(["sh", "-n", ROOT / script], check=True)


def test_help_names_every_command_on_a_line_of_its_own() -> None:
    named = re.findall(r"^  (\w+) {2,}\S", run("help").stdout, flags=re.MULTILINE)
    assert tuple(named) == COMMANDS


def test_run_without_a_command_helps() -> None:
    assert run().stdout == run("help").stdout


def test_an_unknown_command_is_an_error_and_leaves_the_output_empty() -> None:
    answer = run("dmeo")
    assert answer.returncode != 0
    assert answer.stdout == ""
    assert "dmeo" in answer.stderr


def test_help_works_from_any_folder(tmp_path: Path) -> None:
    assert subprocess.run([ROOT / "run"], cwd=tmp_path, capture_output=True, check=True).stdout


def pins(lock: str) -> dict[str, str]:
    """Return what a lock asks for, each requirement with its hashes on one line."""
    lines = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
    asked = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return {line.split("==")[0]: line for line in asked}


@pytest.mark.parametrize("lock", SEALED)
def test_every_line_of_a_lock_is_pinned_and_sealed(lock: str) -> None:
    whole = re.compile(r"[\w.-]+(\[[\w,-]+\])?==\S+( ; .+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert pins(lock)
    assert [line for line in pins(lock).values() if not whole.fullmatch(line)] == []


@pytest.mark.parametrize("lock", SEALED)
def test_a_lock_tells_no_address(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text()


def test_the_development_lock_holds_the_runtime_lock_unchanged() -> None:
    # An environment made for the tests also serves the demo, so it must not hold other versions. It may hold one
    # on more systems than the demo needs it on: which system a line is for is not part of what is compared.
    runtime, development = (
        {name: re.sub(r" ; \S.*?(?=\s+--hash)", "", line).split() for name, line in pins(lock).items()}
        for lock in LOCKS
    )
    assert {name: development.get(name) for name in runtime} == runtime


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


def test_postgres_copies_a_template_and_answers(server: Postgres) -> None:
    template = create_engine(server.create_database("workshop_template"))
    with template.begin() as connection:
        connection.execute(text("create table shelf as select 1 as books"))
    template.dispose()  # nobody may be connected while it is copied

    address = server.create_database("workshop_copy", template="workshop_template")
    with psycopg.connect(address.replace("+psycopg", "")) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        assert connection.execute("select books from shelf").fetchone() == (1,)

    server.drop_database("workshop_copy")
    server.drop_database("workshop_template")


def test_postgres_listens_to_nobody_outside_unless_asked(server: Postgres) -> None:
    with psycopg.connect(server.dsn().replace("+psycopg", "")) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)


def test_a_killed_postgres_comes_back_with_what_was_committed() -> None:
    with Postgres(durable=True, tcp=True) as server:
        engine = create_engine(server.create_database("workshop_crash"))
        with engine.begin() as connection:
            connection.execute(text("create table shelf as select 7 as books"))
        server.kill()  # with our connection still in the pool
        server.start()
        engine.dispose()
        with engine.connect() as connection:
            assert connection.scalar(text("select books from shelf")) == 7
            assert connection.scalar(text("show fsync")) == "on"
        engine.dispose()
