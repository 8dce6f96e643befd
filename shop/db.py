"""The database: declarative base, a read and a write engine, and one transaction for one unit of work.

SQLite runs in WAL with `synchronous=FULL`, and every writing transaction opens with `BEGIN IMMEDIATE`:
with a deferred `BEGIN`, a third of concurrent read-then-write updates are lost or refused.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, DateTime, Engine, Integer, MetaData, create_engine, event, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.engine import Connection, Dialect
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

BUSY_SECONDS = 30


class Instant(TypeDecorator[datetime]):
    """A point in time: aware in Python, UTC in the database, the same on both engines."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time; hand the database UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone is not an instant")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware time in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


Key = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """The one declarative base; every constraint has a name, so that both engines can migrate it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Instant, int: Integer}  # noqa: RUF012 - SQLAlchemy reads it as a class attribute


def key_column() -> Any:
    """A surrogate primary key that numbers itself on both engines."""
    return mapped_column(Key, primary_key=True, autoincrement=True)


class Prepared:
    """A select with one parameter, compiled once and run on the driver's own connection.

    It is for the one path that every visitor takes: there it costs a quarter of the usual.
    """

    def __init__(self, statement: Any) -> None:
        """Prepare a select; it is compiled for an engine when first run there."""
        self._statement = statement
        names = [str(column.key) for column in statement.selected_columns]
        row: Any = namedtuple("Row", names)  # type: ignore[misc]  # noqa: PYI024 - its fields are known here only
        self._as_row = row._make
        self._compiled: dict[str, tuple[str, str, list[tuple[int, Any]]]] = {}

    def run(self, connection: PoolProxiedConnection, dialect: Dialect, value: object) -> list[Any]:
        """All rows for a value of the parameter, each with its columns as attributes."""
        if dialect.name not in self._compiled:
            self._compiled[dialect.name] = self._compile(dialect)
        sql, name, readers = self._compiled[dialect.name]
        cursor = connection.cursor()
        cursor.execute(sql, (value,) if dialect.positional else {name: value})
        found = cursor.fetchall()
        rows = [self._read(row, readers) for row in found] if readers else [self._as_row(row) for row in found]
        cursor.close()
        return rows

    def _compile(self, dialect: Dialect) -> tuple[str, str, list[tuple[int, Any]]]:
        compiled = self._statement.compile(dialect=dialect)
        (name,) = compiled.params
        readers = [
            (place, reader)
            for place, column in enumerate(self._statement.selected_columns)
            if (reader := column.type.dialect_impl(dialect).result_processor(dialect, None))
        ]
        return str(compiled), name, readers

    def _read(self, row: Any, readers: list[tuple[int, Any]]) -> Any:
        values = list(row)
        for place, reader in readers:
            values[place] = reader(values[place])
        return self._as_row(values)


Look = Callable[[Prepared, object], list[Any]]


class Database:
    """Where the shop's facts are kept: open a reading or a writing transaction from here."""

    def __init__(self, url: str) -> None:
        """Connect lazily to `url` (`sqlite:///file` or `postgresql+psycopg://…`)."""
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.read_engine = self._engine(writing=False)
        self.write_engine = self._engine(writing=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the facts and cannot change any."""
        with Session(self.read_engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def looking(self) -> Iterator[Look]:
        """Run prepared statements on one connection, each seeing the facts of its own moment."""
        connection, dialect = self.read_engine.raw_connection(), self.read_engine.dialect
        try:
            yield lambda prepared, value: prepared.run(connection, dialect, value)
        finally:
            connection.close()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction: committed when the block ends, undone when it raises."""
        with Session(self.write_engine, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Let go of every connection."""
        self.read_engine.dispose()
        self.write_engine.dispose()

    def _engine(self, *, writing: bool) -> Engine:
        return self._sqlite(writing=writing) if self.is_sqlite else self._postgresql(writing=writing)

    def _sqlite(self, *, writing: bool) -> Engine:
        engine = create_engine(self.url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)

        @event.listens_for(engine, "connect")
        def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
            connection.isolation_level = None  # the driver must not open transactions of its own
            pragmas = ["journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"]
            for pragma in pragmas if writing else [*pragmas, "query_only=ON"]:
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

        return engine

    def _postgresql(self, *, writing: bool) -> Engine:
        options = "-c timezone=UTC" + ("" if writing else " -c default_transaction_read_only=on")
        return create_engine(
            self.url,
            connect_args={"options": options},
            pool_pre_ping=True,
            pool_size=5,
            max_overflow=15,
            isolation_level="READ COMMITTED" if writing else "REPEATABLE READ",  # a reader sees one state of the facts
            hide_parameters=True,  # what a reader typed must not end in a log
        )


def number(session: Session, *models: type[Base]) -> None:
    """Give the new rows of these models their keys, so that SQLite inserts them by hundreds instead of one by one.

    It has no sequences, and does not promise in which order it returns the keys of many rows. Whoever holds its one
    write lock may count on from the highest; PostgreSQL numbers its rows itself.
    """
    if session.get_bind().dialect.name != "sqlite":
        return
    for model in models:
        key: Any = model.id  # type: ignore[attr-defined]
        new = [row for row in session.new if type(row) is model and row.id is None]  # type: ignore[attr-defined]
        if new:
            highest = session.scalar(select(func.max(key))) or 0
            for count, row in enumerate(new, start=1):
                row.id = highest + count  # type: ignore[attr-defined]


def take_turns(session: Session, name: str) -> None:
    """Wait until no other transaction is at this, and keep others waiting until the end of one's own.

    On SQLite whoever writes is alone already.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(name))))


def keys(session: Session, model: type[Base], count: int) -> Sequence[int]:
    """Set aside keys for so many new rows of a model, so that what refers to them can be written at once.

    On SQLite they are free as long as the session holds the write lock.
    """
    if session.get_bind().dialect.name == "sqlite":
        highest = session.scalar(select(func.max(model.id))) or 0  # type: ignore[attr-defined]
        return range(highest + 1, highest + 1 + count)
    following = func.nextval(func.pg_get_serial_sequence(model.__tablename__, "id"))
    return session.scalars(select(following).select_from(func.generate_series(1, count))).all()


def upsert(
    session: Session, model: type[Base], rows: list[dict[str, Any]], key: tuple[str, ...], *, keeps: str = ""
) -> None:
    """Insert rows; one that is there by its unique key takes the values of the new one, but for what it `keeps`."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert(model)
    told = {name: statement.excluded[name] for name in rows[0] if name not in (*key, keeps)}
    session.connection().execute(statement.on_conflict_do_update(index_elements=list(key), set_=told), rows)


def insert_if_absent(session: Session, model: type[Base], **values: Any) -> bool:
    """Insert a row unless a unique key already holds one; true when this call inserted it."""
    dialect = session.get_bind().dialect.name
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    statement = insert(model).values(**values).on_conflict_do_nothing().returning(text("1"))
    return session.execute(statement).first() is not None
