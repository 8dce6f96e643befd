"""The mailbox's memory: messages as they came, addresses that bounce, and faults still to come."""

import sqlite3
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = """
create table if not exists message (
    id integer primary key autoincrement, received_at text not null, message_id text not null,
    sender text not null, raw blob not null
);
create index if not exists message_by_message_id on message (message_id);
create table if not exists recipient (
    message integer not null references message on delete cascade, position integer not null,
    address text not null, identity text not null, primary key (message, position)
);
create index if not exists recipient_by_identity on recipient (identity);
create table if not exists bounce (identity text primary key, code integer not null);
create table if not exists fault (
    id integer primary key autoincrement, fault text not null, remaining integer not null
);
"""

COLUMNS = (
    "message.*, case message_id when '' then 1 else"
    " (select count(*) from message as other where other.message_id = message.message_id) end as copies"
)


class FaultKind(StrEnum):
    """What can happen to a message that has come in whole."""

    REFUSE = "refuse"  # 554, not kept
    TEMPFAIL = "tempfail"  # 451, not kept
    DROP_AFTER_DATA = "drop_after_data"  # kept, and the connection cut before the 250


@dataclass(frozen=True)
class StoredMessage:
    """One message with its envelope; `copies` counts all that came with its Message-ID."""

    id: int
    received_at: str
    message_id: str
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    copies: int


class Store:
    """One connection behind one lock."""

    def __init__(self, path: "Path") -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(
            "pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on;" + SCHEMA
        )

    def keep(self, message_id: str, sender: str, recipients: list[str], raw: bytes) -> None:
        """Keep one message."""
        with self._lock:
            self._run("begin immediate")
            self._run(
                "insert into message (received_at, message_id, sender, raw) values (?, ?, ?, ?)",
                now_text(),
                message_id,
                sender,
                raw,
            )
            message = self._rows("select last_insert_rowid() as id")[0]["id"]
            for position, address in enumerate(recipients):
                self._run("insert into recipient values (?, ?, ?, ?)", message, position, address, identity(address))
            self._run("commit")

    def messages(self, to: str = "") -> list[StoredMessage]:
        """Return the messages, newest first: all, or those to one address."""
        if not to:
            return self._messages(f"select {COLUMNS} from message order by id desc")
        return self._messages(
            f"select {COLUMNS} from message where id in (select message from recipient where identity = ?)"
            " order by id desc",
            identity(to),
        )

    def find_message(self, number: int) -> StoredMessage | None:
        """Return one message, if it is there."""
        return next(iter(self._messages(f"select {COLUMNS} from message where id = ?", number)), None)

    def forget_messages(self) -> None:
        """Throw every message away; their numbers are not used again."""
        self._run("delete from message")

    def bounce(self, address: str, code: int) -> None:
        """Refuse an address from now on."""
        self._run("insert or replace into bounce values (?, ?)", identity(address), code)

    def bounces(self) -> list[dict[str, Any]]:
        """Return the refused addresses, each with its code."""
        return self._rows("select identity as address, code from bounce order by identity")

    def find_bounce(self, address: str) -> int | None:
        """Return the code the address is refused with, if it is."""
        rows = self._rows("select code from bounce where identity = ?", identity(address))
        return int(rows[0]["code"]) if rows else None

    def forget_bounces(self) -> None:
        """Accept every address again."""
        self._run("delete from bounce")

    def order_fault(self, kind: FaultKind, messages: int) -> None:
        """Let the next messages meet the fault."""
        self._run("insert into fault (fault, remaining) values (?, ?)", kind, messages)

    def find_next_fault(self) -> FaultKind | None:
        """Use up the fault that waits for this message, if one does."""
        with self._lock:
            waiting = self._rows("select id, fault from fault where remaining > 0 order by id limit 1")
            for fault in waiting:
                self._run("update fault set remaining = remaining - 1 where id = ?", fault["id"])
                return FaultKind(fault["fault"])
            return None

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults not yet used up."""
        return self._rows("select fault, remaining as messages from fault where remaining > 0 order by id")

    def forget_faults(self) -> None:
        """Call off every fault."""
        self._run("delete from fault")

    def _messages(self, query: str, *values: object) -> list[StoredMessage]:
        with self._lock:
            return [StoredMessage(**row, recipients=self._to(row["id"])) for row in self._rows(query, *values)]

    def _to(self, message: int) -> tuple[str, ...]:
        rows = self._rows("select address from recipient where message = ? order by position", message)
        return tuple(row["address"] for row in rows)

    def _rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(row) for row in self._connection.execute(query, values)]

    def _run(self, statement: str, *values: object) -> None:
        with self._lock:
            self._connection.execute(statement, values)


def identity(address: str) -> str:
    """Return what makes two spellings of an address one mailbox."""
    return address.strip().casefold()


def now_text() -> str:
    """Return this moment as ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
