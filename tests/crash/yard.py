"""The yard: a whole shop of real processes on free ports; any of them can be killed, and comes back at once."""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import requests
from sqlalchemy import select, text

from shop import settings as configuration
from shop.catalogue.intake import importer
from shop.catalogue.models import Edition, RightsSet
from shop.library import fulfilment
from shop.outside import connect
from shop.settings import assets
from shop.storage import master
from shop.work import WorkRow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from shop.services import Shop

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds for anything to come up on a machine that is busy with other tests
LEASE_SECONDS = 10.0  # longer than three calls to the provider, each timed out
# Below the range from which the system takes ports for outgoing calls: while the owner of one of these is dead,
# nobody else's call can sit down on it.
PORTS = range(20_000, 32_000)
# Reads after each start which process groups live. The end of its input without a goodbye means that the
# test itself was killed; then it ends them in the test's place.
GUARDIAN = """
while read -r now; do groups=$now; done
for group in $groups; do kill -s KILL -- "-$group"; done
"""


@dataclass(slots=True)
class Program:
    """A command that runs in a process group of its own, again and again under the same name."""

    name: str
    command: list[str]
    log: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started_at: datetime | None = None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.started_at = datetime.now(UTC)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """End it as a crash would, with all its children: at once and without a goodbye."""
        if self.is_running and self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass(slots=True)
class Yard:
    """A shop of so many web processes and workers, with sandboxes for all that is outside, for a `with` block.

    Args:
        folder: Where everything is kept, the logs as well.
        bytecode: Where processes keep what they compiled if they may not keep it beside the source; without it,
            each would take seconds to come back.
        wishes: Settings that differ from the yard's usual ones.
        is_told: Whether Stripe sends its notices: to every web process, so that each comes as often.
    """

    folder: Path
    bytecode: Path
    database_url: str
    webs: int
    workers: int
    wishes: dict[str, Any] = field(default_factory=dict)
    is_told: bool = True
    shop: Shop = field(init=False)
    programs: dict[str, Program] = field(init=False, default_factory=dict)
    _ports: dict[str, int] = field(init=False)
    _guardian: subprocess.Popen[bytes] = field(init=False)

    def __enter__(self) -> Self:
        self._ports = _free_ports("stripe", "glassboxx", "mailbox", "smtp", *self.web_names)
        self.shop = connect(configuration.load({"FRONTLIST_CONFIG": str(self._write_settings())}))
        self._guardian = subprocess.Popen(["/bin/sh", "-c", GUARDIAN], stdin=subprocess.PIPE, start_new_session=True)
        try:
            self._open()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    @property
    def web_names(self) -> list[str]:
        return [f"web-{number}" for number in range(1, self.webs + 1)]

    @property
    def worker_names(self) -> list[str]:
        return [f"worker-{number}" for number in range(1, self.workers + 1)]

    def assert_all_run(self) -> None:
        """Nobody but us ends a program; one that ends by itself tells why in its log."""
        ended = [program for program in self.programs.values() if not program.is_running]
        assert not ended, "\n".join(f"{program.name} has ended: {program.log.read_text()}" for program in ended)

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self._ports[name]}"

    def kill(self, name: str) -> None:
        """Kill -9 one process with its children, and start it again as a supervisor would."""
        self.programs[name].kill()
        self.programs[name].start()
        self._tell_guardian()

    def wait_until_at_work(self, name: str) -> None:
        """Wait until a web process answers, or a worker does rows."""
        if name in self.web_names:
            self._wait_for(self.address(name) + "/health")
        else:
            wait_until(partial(self._does_rows, name), f"{name} is at work", PATIENCE)

    def slow_the_provider_down(self, seconds: float) -> None:
        """Let the provider take its time over every order, as one at the other end of a country does."""
        wish = {"fault": "slow", "calls": 100_000, "path": "createOrder", "seconds": seconds}
        requests.post(self.address("glassboxx") + "/_sandbox/faults", json=wish, timeout=10).raise_for_status()

    def _write_settings(self) -> Path:
        values = {
            "public_base_url": self.address("web-1"),
            "secret_keys": [secrets.token_urlsafe(48)],
            "database_url": self.database_url,
            "watermark_secret": secrets.token_urlsafe(48),
            "files_dir": str(self.folder / "files"),
            "stripe_secret_key": "sk_test_sandbox_crash",
            "stripe_webhook_secrets": ["whsec_" + secrets.token_hex(24)],
            "stripe_api_base": self.address("stripe"),
            "glassboxx_base_url": self.address("glassboxx") + "/rest/V1",
            "glassboxx_username": "frontlist",
            "glassboxx_password": "sandbox-password",
            "glassboxx_vendor_id": "42",
            "glassboxx_timeout_seconds": 3.0,
            "mail_port": self._ports["smtp"],
            "work_lease_seconds": LEASE_SECONDS,
            "work_idle_seconds": 0.05,
            "sweep_seconds": 2,
            "thanks_wait_seconds": 0.0,
            **self.wishes,
        }
        path = self.folder / "settings.toml"
        # What JSON writes of a word, a number and a list is TOML as well.
        path.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()))
        return path

    def _open(self) -> None:
        # The one who makes the schema also compiles the shop for all the others.
        self._run_to_end("migrate")
        _stock(self.shop)
        sandboxes = ("stripe", "glassboxx", "mailbox")
        for name in sandboxes:
            self._start(name, "integrations.sandbox." + name, *self._sandbox_options(name))
        for name in sandboxes:
            self._wait_for(self.address(name) + "/_sandbox/health")
        for isbn in _isbns(self.shop, "glassboxx"):
            fulfilment.ask_after(self.shop, isbn)
        for name in self.web_names:
            self._start(name, "shop.cli", "serve", "--processes", "1", "--port", str(self._ports[name]))
        for name in self.worker_names:
            self._start(name, "shop.cli", "work")
        for name in [*self.web_names, *self.worker_names]:
            self.wait_until_at_work(name)

    def _sandbox_options(self, name: str) -> list[str]:
        options = ["--quiet", "--port", str(self._ports[name]), "--db", str(self.folder / f"{name}.db")]
        if name == "glassboxx":
            isbns = _isbns(self.shop, name)
            return options + [part for isbn in isbns for part in ("--sku", f"{isbn}:enabled:A book")]
        if name == "mailbox":
            return [*options, "--smtp-port", str(self._ports["smtp"])]
        (secret,) = self.shop.settings.stripe_webhook_secrets
        for web in self.web_names if self.is_told else []:
            options += ["--webhook", self.address(web) + "/webhooks/stripe", "--webhook-secret", secret]
        return options

    def _run_to_end(self, command: str) -> None:
        program = self._program(command, "shop.cli", command)
        program.start()
        assert program.process
        assert program.process.wait(PATIENCE) == 0, program.log.read_text()

    def _start(self, name: str, *command: str) -> None:
        self.programs[name] = self._program(name, *command)
        self.programs[name].start()
        self._tell_guardian()

    def _program(self, name: str, *command: str) -> Program:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FRONTLIST_")}
        environment |= {
            "FRONTLIST_CONFIG": str(self.folder / "settings.toml"),
            "PYTHONPATH": str(ROOT),
            "PGAPPNAME": name,
        }
        if environment.pop("PYTHONDONTWRITEBYTECODE", None):
            environment["PYTHONPYCACHEPREFIX"] = str(self.bytecode)
        return Program(name, [sys.executable, "-m", *command], self.folder / f"{name}.log", environment)

    def _wait_for(self, address: str) -> None:
        def answers() -> bool:
            self.assert_all_run()
            try:
                return requests.get(address, timeout=5).ok
            except requests.RequestException:
                return False

        wait_until(answers, f"{address} answers", PATIENCE)

    def _does_rows(self, name: str) -> bool:
        """Whether PostgreSQL knows a caller of this name; SQLite knows none, so there somebody's done row must do."""
        self.assert_all_run()
        with self.shop.db.reading() as session:
            if self.shop.db.is_sqlite:
                done = select(WorkRow.id).where(WorkRow.done_at > self.programs[name].started_at)
                return session.scalar(done.limit(1)) is not None
            callers = text("select count(*) from pg_stat_activity where application_name = :name")
            return bool(session.scalar(callers, {"name": name}))

    def _tell_guardian(self) -> None:
        groups = [program.process.pid for program in self.programs.values() if program.process]
        assert self._guardian.stdin
        self._guardian.stdin.write((" ".join(map(str, groups)) + "\n").encode())
        self._guardian.stdin.flush()

    def _close(self) -> None:
        for program in self.programs.values():
            program.kill()
        self._guardian.communicate(b"\n")
        self.shop.db.close()


def say(what: str) -> None:
    """Tell whoever looks: pytest shows it when a test fails, and with -rP when it passes."""
    print(what)  # noqa: T201 - it is for people


def wait_until(is_so: Callable[[], bool], what: str, seconds: float) -> None:
    """Look again and again until it is so; raises TimeoutError, naming it, when it does not come about."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{seconds:.0f} seconds have passed and still not: {what}")
        time.sleep(0.05)


def _free_ports(*names: str) -> dict[str, int]:
    ports = iter(random.SystemRandom().sample(PORTS, len(PORTS)))
    return {name: next(port for port in ports if _is_free(port)) for name in names}


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _stock(shop: Shop) -> None:
    """The demonstration catalogue with its rights signed, and the files of our own ebooks."""
    examples = assets("config") / "demo"
    importer.import_file(shop, examples / "catalogue.xml")
    for file in examples.glob("*.epub"):
        shop.services.files.put(master(file.stem), file.read_bytes())
        fulfilment.ask_after(shop, file.stem)
    with shop.db.writing() as session:
        for waiting in session.scalars(select(RightsSet)):
            waiting.sign("rights@example-press.test", shop.now)


def _isbns(shop: Shop, fulfiller: str) -> list[str]:
    with shop.db.reading() as session:
        return list(session.scalars(select(Edition.sku).where(Edition.fulfiller == fulfiller)))
