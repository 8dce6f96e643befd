"""Take ONIX files into the catalogue, and report on each."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from shop.catalogue.intake import importer
from shop.catalogue.onix import OnixError
from shop.catalogue.selling import sellable
from shop.commands.opening import premises

if TYPE_CHECKING:
    import argparse

    from shop.catalogue.intake.importer import Report
    from shop.services import Premises


def describe(parser: argparse.ArgumentParser) -> None:
    """Name the options."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")


def run(options: argparse.Namespace) -> int:
    """Take files in, one after the other; 1 when anything was left out or a file could not be read."""
    shop, status = premises(), 0
    sellable.begin_day(shop)
    for path in options.files:
        try:
            report = importer.import_file(shop, path)
        except (OnixError, OSError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            status = 1
        else:
            _tell(path, report)
            status = status or (1 if report.problems else 0)
    _alarm(shop)
    return status


def _tell(path: Path, report: Report) -> None:
    print(
        f"{path}: {report.read} products read, {report.added} added, {report.changed} changed, "
        f"{report.unchanged} unchanged, {report.withdrawn} withdrawn, {len(report.problems)} left out."
    )
    for problem in report.problems:
        print(f"  line {problem.line}, record {problem.reference or 'without a reference'}: {problem.reason}")
    if report.unsigned_rights:
        print(f"  {report.unsigned_rights} sets of rights wait for a signature: /staff/rights, or sign-rights.")


def _alarm(shop: Premises) -> None:
    with shop.db.reading() as session:
        since, lost = sellable.alarm(shop, session)
    if lost:
        print(f"Countries with fewer editions on sale than on {since}: {len(lost)}; see /staff/rights/countries.")
