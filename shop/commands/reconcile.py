"""Hold orders, Stripe, the ebook provider and the warehouse together."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from shop import logs
from shop import settings as configuration
from shop.outside import connect
from shop.reconciliation import cases, ledgers

if TYPE_CHECKING:
    import argparse

    from shop.reconciliation.findings import Outcome


def describe(parser: argparse.ArgumentParser) -> None:
    """Name the options."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--fetch", action="store_true", help="fetch Stripe's ledger first")
    parser.add_argument("--statement", type=Path, metavar="CSV", help="import a provider's statement first")


def run(options: argparse.Namespace) -> int:
    """Print what agrees and what does not; 1 when there is a finding."""
    logs.configure()
    shop = connect(configuration.load())
    if options.statement:
        with shop.db.writing() as session:
            report = ledgers.import_statement(
                session,
                "glassboxx",
                options.statement.name,
                options.statement.read_text("utf-8-sig"),
                shop.now,
            )
        for problem in report.problems:
            print(problem, file=sys.stderr)
    if options.fetch:
        ledgers.fetch_now(shop)
    outcome = cases.reconcile(shop)
    print(json.dumps(asdict(outcome), default=str, indent=2) if options.json else _written(outcome))
    return 1 if outcome.findings else 0


def _written(outcome: Outcome) -> str:
    lines = [f"Reconciled at {outcome.at:%Y-%m-%d %H:%M} UTC", "", "Agreed"]
    lines += [f"  {count:6d}  {name}" for name, count in outcome.agreed.items()]
    if outcome.waiting:
        lines += [
            "",
            "Not due yet",
            *(f"  {count:6d}  {name}" for name, count in sorted(outcome.waiting.items())),
        ]
    for payout in outcome.payouts:
        lines += ["", f"Payout {payout.reference}  {payout.amount} {payout.currency}  {payout.status}"]
        lines += [f"  {amount:10d}  {category}" for category, amount in payout.by_category.items()]
        lines += [f"  {-payout.fees:10d}  fees", f"  {payout.remainder:10d}  remainder, in none of its lines"]
    lines += ["", f"Findings: {len(outcome.findings)}"]
    lines += [f"  {one.code}  {one.order or '-'}  {one.subject}\n      {one.detail}" for one in outcome.findings]
    return "\n".join(lines)
