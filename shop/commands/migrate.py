"""Bring the database to the newest schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shop import migrations
from shop.commands.opening import premises

if TYPE_CHECKING:
    import argparse


def describe(_parser: argparse.ArgumentParser) -> None:
    """Name no options."""


def run(_options: argparse.Namespace) -> int:
    """Bring it up to date."""
    migrations.upgrade(premises().db)
    print("The database has the newest schema.")
    return 0
