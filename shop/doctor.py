"""The doctor: looks over this machine and these settings, and says what is missing and what to do about it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from shop import migrations
from shop import settings as configuration
from shop.db import Database
from shop.settings import UnsafeSettingsError

if TYPE_CHECKING:
    import argparse

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def describe(_parser: argparse.ArgumentParser) -> None:
    """Name no options."""


def run(_options: argparse.Namespace) -> int:
    """Print one line a check; 1 when something that the shop needs is missing."""
    needed = [_python(), *_settings()]
    wanted = [_browser(), _java()]
    for ok, text in needed:
        print(f"{'ok     ' if ok else 'MISSING'}  {text}")
    for ok, text in wanted:
        print(f"{'ok     ' if ok else 'absent '}  {text}")
    return 0 if all(ok for ok, _text in needed) else 1


def _python() -> tuple[bool, str]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return sys.version_info >= (3, 11), f"Python {version}; 3.11 is the oldest that will do"


def _settings() -> list[tuple[bool, str]]:
    try:
        settings = configuration.load()
    except UnsafeSettingsError as error:
        return [(False, problem) for problem in error.problems]
    files = Path(settings.files_dir)
    parent = next(path for path in (files, *files.resolve().parents) if path.exists())
    return [
        (True, f"settings for {settings.public_base_url} ({settings.environment})"),
        _database(settings.database_url),
        (os.access(parent, os.W_OK), f"files_dir {files} can be written to"),
    ]


def _database(url: str) -> tuple[bool, str]:
    db = Database(url)
    name = db.write_engine.url.render_as_string(hide_password=True)
    try:
        current = migrations.is_current(db)
    except SQLAlchemyError as error:
        return False, f"the database {name} cannot be reached: {type(error).__name__}"
    finally:
        db.close()
    return current, f"the database {name} has the newest schema" + ("" if current else ": run `frontlist migrate`")


def _browser() -> tuple[bool, str]:
    found = os.environ.get("CHROMIUM") or next((path for name in BROWSERS if (path := shutil.which(name))), None)
    return bool(found), f"Chromium, for the browser tests ({found or 'apt-get install chromium, or set CHROMIUM'})"


def _java() -> tuple[bool, str]:
    found = shutil.which("java")
    return bool(found), f"Java, for the EPUB checks of the tests ({found or 'apt-get install default-jre-headless'})"
