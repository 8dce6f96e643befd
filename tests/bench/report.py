"""The report: one line for each target, one verdict for each figure the shop must reach."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from tests.bench import targets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.bench.load import Measured

    Rounds = Mapping[str, Sequence[Measured]]


@dataclass(frozen=True, slots=True)
class Line:
    """A target over all rounds: medians; ratios are medians of each round's own ratio."""

    name: str
    per_second: float
    cpu_micros: float
    least: float
    most: float
    to_bare: float
    to_yardstick: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure to be reached: at most so much, or at least."""

    name: str
    reached: float
    limit: float
    at_least: bool = False

    @property
    def passes(self) -> bool:
        """Whether it is reached."""
        return self.reached >= self.limit if self.at_least else self.reached <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{'PASS' if self.passes else 'FAIL'}  {self.name}: {self.reached:.6g} ({sign} {self.limit:g})"


def lines(rounds: Rounds) -> list[Line]:
    """One line for each target, in the order in which they were measured."""
    return [_line(name, rounds) for name in rounds]


def _line(name: str, rounds: Rounds) -> Line:
    cpu = [one.cpu_micros for one in rounds[name]]
    return Line(
        name=name,
        per_second=median(one.per_second for one in rounds[name]),
        cpu_micros=median(cpu),
        least=min(cpu),
        most=max(cpu),
        to_bare=ratio(rounds, name, targets.BARE),
        to_yardstick=ratio(rounds, name, targets.YARDSTICK),
        bytes=round(median(one.received / one.requests for one in rounds[name])),
    )


def ratio(rounds: Rounds, name: str, beside: str) -> float:
    """CPU of one target beside another's, round by round."""
    pairs = zip(rounds[name], rounds[beside], strict=True)
    return round(median(one.cpu_micros / other.cpu_micros for one, other in pairs), 2)


def table(rows: Sequence[Line]) -> str:
    """The lines, aligned."""
    head = f"{'target':36}{'req/s':>8}{'CPU µs':>9}{'min..max':>14}{'x bare':>9}{'x yardstick':>13}{'bytes':>8}"
    return "\n".join([head, *(_written(row) for row in rows)])


def _written(row: Line) -> str:
    spread = f"{row.least:.0f}..{row.most:.0f}"
    return (
        f"{row.name:36}{row.per_second:8.0f}{row.cpu_micros:9.0f}{spread:>14}"
        f"{row.to_bare:9.2f}{row.to_yardstick:13.2f}{row.bytes:8d}"
    )
