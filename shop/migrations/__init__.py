"""Migrations: the schema's history, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect

if TYPE_CHECKING:
    from alembic.config import Config

    from shop.db import Database

NEWEST = "0017"
"""The head of `versions/`; a test keeps the two together."""


def upgrade(db: Database) -> None:
    """Bring the database to the newest schema."""
    from alembic import command  # noqa: PLC0415 - a fifth of the start of every process that never migrates

    with db.write_engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(db: Database) -> bool:
    """Whether the database has the newest schema."""
    with db.read_engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        now = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return now == NEWEST


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
