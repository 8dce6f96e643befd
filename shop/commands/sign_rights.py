"""Sign every set of rights that waits for it, in somebody's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from shop.catalogue.models import RightsSet
from shop.commands.opening import premises
from shop.countries import COUNTRIES
from shop.staff import audit

if TYPE_CHECKING:
    import argparse


def describe(parser: argparse.ArgumentParser) -> None:
    """Name the options."""
    parser.add_argument("--by", required=True, metavar="EMAIL")


def run(options: argparse.Namespace) -> int:
    """Sign what waits."""
    shop = premises()
    with shop.db.writing() as session:
        for waiting in session.scalars(select(RightsSet).where(RightsSet.signed_at.is_(None))):
            waiting.sign(options.by, shop.now)
            audit.note(session, options.by, "sign rights", f"rights set {waiting.id}", shop.now, waiting.digest)
            print(f"Signed: {len(waiting.countries.split())} of {len(COUNTRIES)} countries, {waiting.digest[:12]}")
            for problem in waiting.problems:
                print(f"  {problem}")
    return 0
