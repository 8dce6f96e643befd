"""Have the covers fetched that ONIX names and that are missing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from shop.catalogue.covers import jackets
from shop.commands.opening import premises

if TYPE_CHECKING:
    import argparse


def describe(_parser: argparse.ArgumentParser) -> None:
    """Name no options."""


def run(_options: argparse.Namespace) -> int:
    """Note for the workers which are to be fetched."""
    shop = premises()
    with shop.db.writing() as session:
        wanted, elsewhere = jackets.note_all(session, shop)
    print(f"{wanted} covers will be fetched.")
    if elsewhere:
        print(f"Not from hosts that cover_hosts does not name: {', '.join(elsewhere)}.", file=sys.stderr)
    return 0
