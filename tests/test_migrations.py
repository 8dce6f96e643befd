"""The schema's history leads, on both engines, to exactly what the models say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from shop import migrations
from shop.db import Base, Database

if TYPE_CHECKING:
    from alembic.config import Config

    from shop.services import Shop


def test_the_newest_revision_is_the_one_we_ask_for() -> None:
    assert ScriptDirectory.from_config(config()).get_current_head() == migrations.NEWEST


def test_the_migrated_schema_is_what_the_models_say(shop: Shop) -> None:
    with shop.db.write_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_modelled})
        assert compare_metadata(context, Base.metadata) == []
    assert migrations.is_current(shop.db)


def test_the_way_back_leads_to_nothing(shop: Shop) -> None:
    with shop.db.write_engine.connect() as connection:
        going_back = config()
        going_back.attributes["connection"] = connection
        command.downgrade(going_back, "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]
    assert not migrations.is_current(shop.db)


def test_an_empty_database_is_not_current(tmp_path: object) -> None:
    database = Database(f"sqlite:///{tmp_path}/new.db")
    assert not migrations.is_current(database)
    database.close()


def is_modelled(_object: object, name: str | None, kind: str, *_rest: object) -> bool:
    """The index of words is each engine's own: FTS5's tables on one, indexes over expressions on the other."""
    return not (kind in {"table", "index"} and name is not None and name.startswith(("work_word", "work_newest")))


def config() -> Config:
    """Alembic's own view of our history."""
    return migrations._config()  # noqa: SLF001 - the one place that knows where the scripts are
