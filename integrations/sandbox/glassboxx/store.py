"""The sandbox's memory: one SQLite file, shared by every thread."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SCHEMA = """
create table if not exists sku (
    sku text primary key, title text not null, state text not null
);
create table if not exists account (
    identity text primary key, email text not null, first_name text not null, last_name text not null,
    vendor_id text not null, created_at text not null, calls integer not null default 1
);
create table if not exists order_line (
    id integer primary key autoincrement, original_order_number text not null, sku text not null,
    identity text not null, email text not null, first_name text not null, last_name text not null,
    vendor_id text not null, created_at text not null, currency_code text not null,
    price_incl_tax text not null, discount_amount text not null, dialect text not null,
    duplicate integer not null, repeats integer not null default 0, received_at text not null
);
create index if not exists order_line_by_key on order_line (original_order_number, sku);
create table if not exists switch (name text primary key, value text not null);
create table if not exists fault (
    id integer primary key autoincrement, fault text not null, path text not null,
    seconds real not null, remaining integer not null
);
create table if not exists sign_in (
    username text primary key, failures integer not null, locked_until real not null
);
create table if not exists secret (name text primary key, value text not null);
create table if not exists request_log (
    id integer primary key autoincrement, received_at text not null, method text not null, path text not null,
    query text not null, body text not null, status integer, answer text not null, fault text not null
);
"""


class Store:
    """One connection behind one lock: a loopback sandbox needs certainty more than speed."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript("pragma journal_mode = wal; pragma synchronous = normal;" + SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all of what happens inside, or none; an inner transaction joins the outer one."""
        with self._lock:
            if self._connection.in_transaction:
                yield
            else:
                yield from self._begun()

    def _begun(self) -> Iterator[None]:
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def run(self, statement: str, *values: object) -> int:
        """Execute one statement and return how many rows it touched."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Return every row as a dictionary."""
        with self._lock:
            return [dict(row) for row in self._connection.execute(query, values)]

    def find_row(self, query: str, *values: object) -> dict[str, Any] | None:
        """Return the first row, if there is one."""
        return next(iter(self.rows(query, *values)), None)


def now_text() -> str:
    """Return this moment as ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
