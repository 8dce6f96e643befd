"""The sandbox's books: JSON objects in one SQLite file, settings, and a clock that can be moved.

Keys of an object that begin with an underscore are the sandbox's own notes; `wire.public` hides them.
"""

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Thing = dict[str, Any]
"""One Stripe object, or one decoded request: a JSON mapping."""

REPLIES_KEPT = 86400
"""Seconds of sandbox time for which the reply to an idempotency key is kept."""

COLUMNS = ("payment_intent", "charge", "source", "type", "status", "currency", "_payout")
"""Fields copied beside the JSON so that lists can be filtered by an index."""


def equals(name: str) -> str:
    """Return the SQL test that a field, indexed or not, equals a value."""
    column = name if name in COLUMNS else f"json_extract(objects.body, '$.{name}')"
    return f"{column} = ?"


SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    created INTEGER NOT NULL, expires_at INTEGER, arrival_date INTEGER, payment_intent TEXT, charge TEXT,
    source TEXT, type TEXT, status TEXT, currency TEXT, _payout TEXT, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS by_intent ON objects (kind, payment_intent);
CREATE INDEX IF NOT EXISTS by_charge ON objects (kind, charge);
CREATE INDEX IF NOT EXISTS by_source ON objects (kind, source);
CREATE INDEX IF NOT EXISTS by_type ON objects (kind, type);
CREATE INDEX IF NOT EXISTS by_payout ON objects (kind, _payout);
CREATE INDEX IF NOT EXISTS by_expiry ON objects (kind, status, expires_at) WHERE status = 'open';
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
    created INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS timers (
    id INTEGER PRIMARY KEY, due REAL NOT NULL, task TEXT NOT NULL, object_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY, event_id TEXT NOT NULL, endpoint_id TEXT NOT NULL, status TEXT NOT NULL,
    due REAL NOT NULL, first_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, answer TEXT);
CREATE INDEX IF NOT EXISTS by_due ON deliveries (status, due);
CREATE INDEX IF NOT EXISTS by_event ON deliveries (event_id);
"""


def new_id(prefix: str) -> str:
    """Return a fresh Stripe-like id such as `pi_3f…`, 24 hexadecimal digits after the prefix."""
    return f"{prefix}_{secrets.token_hex(12)}"


class Store:
    """Every object ever made, in order of creation.

    One connection behind one lock: the sandbox is a single process, and a transaction is shorter than a
    thread switch would be.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._before: dict[str, Thing] = {}
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA wal_autocheckpoint=8000")
        self._db.executescript(SCHEMA)
        self._offset = int(self.setting("clock_offset", 0))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the lock; keep everything written inside, or nothing; inner ones join the outer one."""
        with self._lock:
            if self._depth == 0:
                self._db.execute("BEGIN")
                self._before.clear()
            self._depth += 1
            try:
                yield
            except BaseException:
                self._leave("ROLLBACK")
                raise
            self._leave("COMMIT")

    def _leave(self, verdict: str) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._db.execute(verdict)

    def run(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Run one statement and return its rows."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def fold(self) -> None:
        """Fold the write-ahead log back into the file, and forget replies that nobody may ask for again."""
        self.run("DELETE FROM replies WHERE created < ?", self.now() - REPLIES_KEPT)
        self.run("PRAGMA wal_checkpoint(TRUNCATE)")

    # --- the clock and the settings

    def now(self) -> int:
        """Return the sandbox's time in seconds since 1970: the real time plus what `advance` added."""
        return int(time.time()) + self._offset

    def advance(self, seconds: int) -> int:
        """Move the clock forward and return the new time."""
        with self.transaction():
            self._offset += seconds
            self.set("clock_offset", self._offset)
        return self.now()

    def setting(self, name: str, default: Any) -> Any:
        """Return a setting, or the default while nobody has set it."""
        rows = self.run("SELECT value FROM settings WHERE name = ?", name)
        return json.loads(rows[0]["value"]) if rows else default

    def set(self, name: str, value: Any) -> None:
        """Keep a setting across restarts."""
        self.run("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, json.dumps(value))

    # --- objects

    def add(self, thing: Thing) -> Thing:
        """Write a new object down and return it."""
        columns = ["id", "kind", "created", "expires_at", "arrival_date", *COLUMNS, "body"]
        marks = ", ".join("?" * len(columns))
        self.run(f"INSERT INTO objects ({', '.join(columns)}) VALUES ({marks})", *_row(thing))
        return thing

    def save(self, thing: Thing, **changes: Any) -> Thing:
        """Apply the changes to the object, write it and return it."""
        before = self._before.setdefault(thing["id"], {})
        for name, value in changes.items():
            if not name.startswith("_") and thing.get(name) != value:
                before.setdefault(name, thing.get(name))
        thing.update(changes)
        assignments = ", ".join(f"{name} = ?" for name in ("expires_at", "arrival_date", *COLUMNS, "body"))
        self.run(f"UPDATE objects SET {assignments} WHERE id = ?", *_row(thing)[3:], thing["id"])
        return thing

    def changes(self, object_id: str) -> Thing:
        """Return what the fields that this transaction has changed were before."""
        return dict(self._before.get(object_id, {}))

    def remove(self, object_id: str) -> None:
        """Forget an object."""
        self.run("DELETE FROM objects WHERE id = ?", object_id)

    def find(self, object_id: str, kind: str | None = None) -> Thing | None:
        """Return the object of that id, or None; with a kind, only if it is of that kind."""
        rows = self.run("SELECT kind, body FROM objects WHERE id = ?", object_id)
        if not rows or (kind and rows[0]["kind"] != kind):
            return None
        return self._thing(rows[0])

    def first(self, kind: str, **equal: Any) -> Thing | None:
        """Return the newest object whose columns equal the values, or None."""
        found = self.select(kind, [(f"{name} = ?", value) for name, value in equal.items()], limit=1)
        return found[0] if found else None

    def all(self, kind: str, **equal: Any) -> list[Thing]:
        """Return every object of a kind, newest first."""
        return self.select(kind, [(f"{name} IS ?", value) for name, value in equal.items()])

    def select(
        self,
        kind: str,
        conditions: Sequence[tuple[str, Any]] = (),
        *,
        limit: int = -1,
        oldest_first: bool = False,
    ) -> list[Thing]:
        """Return objects of a kind that meet all conditions, each an SQL test with one `?` and its value."""
        where = " AND ".join(["kind = ?", *(test for test, _ in conditions)])
        order = "ASC" if oldest_first else "DESC"
        sql = f"SELECT kind, body FROM objects WHERE {where} ORDER BY seq {order} LIMIT ?"
        return [self._thing(row) for row in self.run(sql, kind, *(value for _, value in conditions), limit)]

    def position(self, object_id: str) -> int | None:
        """Return an object's place in the order of creation, or None if it does not exist."""
        rows = self.run("SELECT seq FROM objects WHERE id = ?", object_id)
        return int(rows[0]["seq"]) if rows else None

    def _thing(self, row: Mapping[str, Any] | sqlite3.Row) -> Thing:
        thing: Thing = json.loads(row["body"])
        if thing["object"] == "balance_transaction":
            # Money becomes available by the passing of time alone; nobody writes it.
            thing["status"] = "available" if thing["available_on"] <= self.now() else "pending"
        return thing

    # --- what happens later

    def later(self, task: str, object_id: str, seconds: float) -> None:
        """Set a timer on the sandbox's clock."""
        self.run(
            "INSERT INTO timers (due, task, object_id) VALUES (?, ?, ?)",
            self.now() + seconds,
            task,
            object_id,
        )

    def due(self) -> list[tuple[str, str]]:
        """Take the timers that have rung, as (task, object id), oldest first."""
        rows = self.run("SELECT id, task, object_id FROM timers WHERE due <= ? ORDER BY due, id", self.now())
        for row in rows:
            self.run("DELETE FROM timers WHERE id = ?", row["id"])
        return [(row["task"], row["object_id"]) for row in rows]


def _row(thing: Thing) -> list[Any]:
    plain = [thing.get(name) for name in COLUMNS]
    dates = [thing.get("expires_at"), thing.get("arrival_date")]
    return [thing["id"], thing["object"], thing["created"], *dates, *plain, json.dumps(thing)]
