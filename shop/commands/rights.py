"""Explain sales rights: in which countries a publisher's sentence allows a sale, and why."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from shop.catalogue.territory import prose
from shop.countries import COUNTRIES

if TYPE_CHECKING:
    import argparse


def describe(parser: argparse.ArgumentParser) -> None:
    """Name the options."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    help_ = "Say in which countries a publisher's sentence allows a sale, and why."
    explaining = commands.add_parser("explain", help=help_, description=help_)
    explaining.add_argument("statement", help="the sentence, in quotation marks")
    explaining.add_argument("--json", action="store_true", help="print an object instead of words")
    explaining.add_argument("--on", type=date.fromisoformat, metavar="DATE", help="read it by the lists of that day")


def run(options: argparse.Namespace) -> int:
    """Say what a sentence comes to."""
    reading = prose.read(options.statement, options.on or datetime.now(UTC).date())
    print(json.dumps(prose.told(reading), ensure_ascii=False, indent=2) if options.json else _in_words(reading))
    return 0


def _in_words(reading: prose.Reading) -> str:
    lines = [f"Open in {len(reading.included)} of {len(COUNTRIES)} countries, confidence {reading.confidence:.0%}."]
    for reason, codes in prose.by_reason(reading).items():
        lines.append(f"  {reason}: {len(codes)}\n    {' '.join(codes)}")
    lines += [f"Please check: {problem}" for problem in reading.resolution.problems]
    lines += [f"Read by: {term}" for term in reading.terms]
    lines.append("A proposal: nothing is sold by it before somebody has signed this exact set.")
    return "\n".join(lines)
