"""`./run bench`: CPU and requests per second of the shop, and whether it reaches its figures.

One granian worker with one blocking thread serves every application, on SQLite, over 127.0.0.1. Targets take
turns, round after round; a number is the median of its rounds, a ratio the median of the rounds' own ratios.
CPU is the server's process tree's by the kernel's clock, and moves far less with other load than requests per
second do. The load comes from a process of its own. Linux only.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import catalogue, checks, load, reach, report, targets
from tests.bench.catalogue import FAMOUS
from tests.bench.house import opened
from tests.bench.report import Figure, Line

if TYPE_CHECKING:
    from tests.bench.house import House
    from tests.bench.load import Measured
    from tests.bench.targets import Target

ROUNDS = 5
QUICK_ROUNDS = 2
QUICK_SHARE = 5


def main() -> int:
    """Measure, print, and return 1 when a figure is missed."""
    options = _parser().parse_args()
    with opened() as house:
        say(f"measuring {len(targets.TARGETS)} targets; the numbers are for this machine, the ratios for any\n")
        rounds = measure(house, quick=options.quick)
        rows, figures = report.lines(rounds), figures_of(house, rounds)
        memory = {str(process): round(load.memory_mb(process), 1) for process in load.family(house.web.process)}
    say(report.table(rows))
    if not options.quick:
        say("\nmeasuring an import, and a hundred thousand products on both engines")
        figures += reach.figures()
    say("\n" + "\n".join(map(str, figures)))
    say(f"\nmemory (PSS) of the server's processes: {', '.join(f'{size} MB' for size in memory.values())}")
    if options.json:
        options.json.write_text(written(rows, figures, memory))
    return 0 if all(figure.passes for figure in figures) else 1


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def measure(house: House, *, quick: bool) -> dict[str, list[Measured]]:
    """Every target once in each round."""
    rounds: dict[str, list[Measured]] = {target.name: [] for target in targets.TARGETS}
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as elsewhere:
        for _ in range(QUICK_ROUNDS if quick else ROUNDS):
            for target in targets.TARGETS:
                count = target.count // (QUICK_SHARE if quick else 1)
                rounds[target.name].append(_measure(house, target, count, elsewhere))
    return rounds


def _measure(house: House, target: Target, count: int, elsewhere: ProcessPoolExecutor) -> Measured:
    server = house.stripe if target.on_stripe else house.web
    requests = [target.make(house, number) for number in range(count + load.WARM_UP)]
    measured = elsewhere.submit(load.drive, server.port, server.process, requests).result()
    if set(measured.statuses) != {target.status}:
        raise SystemExit(f"{target.name} answered {measured.statuses}, not {target.status}")
    return measured


def figures_of(house: House, rounds: dict[str, list[Measured]]) -> list[Figure]:
    """What the shop must reach."""
    rows = {row.name: row for row in report.lines(rounds)}
    stale = checks.stale(house)
    covered = catalogue.give_covers(house.shop, at=48, count=24)
    visits = [
        ("a book", checks.transferred(house, f"/books/{FAMOUS}"), 40_000),
        ("a book with a photograph for its cover", checks.transferred(house, covered), 40_000),
        ("a list of 24", checks.transferred(house, "/?page=2"), 130_000),
        ("a list of 24 photographs", checks.transferred(house, "/?page=3"), 130_000),
    ]
    counted = checks.statements(house.shop)
    best = max(one.per_second for one in rounds[targets.STRIPE])  # other load can only slow a clock on the wall
    size = rows[targets.YARDSTICK].bytes / rows[targets.RENDERED].bytes
    return [
        Figure("product page, rendered, CPU beside the yardstick's", rows[targets.RENDERED].to_yardstick, 1.5),
        Figure("product page, nothing changed, CPU beside the bare response's", rows[targets.REMEMBERED].to_bare, 1.7),
        Figure("the yardstick's page is no larger than ours, in sizes of ours", round(size, 2), 1.0),
        Figure(f"changed facts shown late, of {len(checks.CHANGES)} {stale or ''}".rstrip(), len(stale), 0),
        *(Figure(f"SQL statements, {how}", count, 6) for how, count in counted.items()),
        Figure("SQL statements, counted at all", min(counted.values()), 1, at_least=True),
        *(_weight(page, answers, most) for page, answers, most in visits),
        Figure("the page sells without script", checks.sells_without_script(house), 1, at_least=True),
        Figure("sandbox, checkout sessions a second, best round", round(best), 300, at_least=True),
    ]


def _weight(page: str, answers: dict[str, int], most: int) -> Figure:
    return Figure(f"bytes of a first visit to {page} ({len(answers)} answers)", sum(answers.values()), most)


def written(rows: list[Line], figures: list[Figure], memory: dict[str, float]) -> str:
    """Everything, for a machine."""
    everything = {
        "targets": [asdict(row) for row in rows],
        "figures": [asdict(figure) | {"passes": figure.passes} for figure in figures],
        "memory_mb": memory,
    }
    return json.dumps(everything, indent=2, ensure_ascii=False) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short rounds: a glance, not a measurement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there as JSON too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
