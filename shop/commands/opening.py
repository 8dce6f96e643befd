"""Opening the shop for a command that asks nothing of the outside, or that must be sure of the schema first."""

from __future__ import annotations

from shop import migrations
from shop import settings as configuration
from shop.db import Database
from shop.services import Premises, utc_now
from shop.settings import UnsafeSettingsError


def premises() -> Premises:
    """The shop that the settings name, without its outside: sooner there, and half the size."""
    settings = configuration.load()
    return Premises(settings, Database(settings.database_url), utc_now)


def refuse_old_schema(db: Database) -> None:
    """Leave the database alone until it has the schema that this code was written for.

    Raises:
        UnsafeSettingsError: it has another, or none.
    """
    if not migrations.is_current(db):
        raise UnsafeSettingsError(["database_url names a database without the newest schema: run `frontlist migrate`."])
    db.close()
