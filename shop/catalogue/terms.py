"""Contract terms: what words such as "British Commonwealth" mean here, by publisher-owned, versioned, dated lists.

Never today's membership of anything: a list changes by a new version in config/territories.toml, and what was signed
on an older one stays signed on that one.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shop.countries import COUNTRIES
from shop.settings import assets

if TYPE_CHECKING:
    from datetime import date


class TermsError(Exception):
    """The lists cannot be read; the text says which one, and why."""


@dataclass(frozen=True, slots=True)
class Term:
    """One version of a named group.

    Attributes:
        members: The ISO 3166-1 codes that it holds beyond doubt.
        disputed: Codes that some contracts count in: a term that opens does not open them, one that closes closes them.
        source: Where the list is from.
    """

    id: str
    names: tuple[str, ...]
    version: int
    since: date
    source: str
    members: frozenset[str]
    disputed: frozenset[str]

    @property
    def label(self) -> str:
        """The list as reasons and signatures name it."""
        return f"{self.names[0]}, list {self.version}"


@lru_cache(maxsize=64)
def terms_on(day: date) -> dict[str, Term]:
    """Return the version of every term that holds on a day, by id.

    Raises:
        TermsError: a list names something that is neither a country nor a term.
    """
    rows: dict[str, dict[str, Any]] = {}
    for row in sorted(_rows(), key=lambda row: row["from"]):
        if row["from"] <= day:
            rows[row["id"]] = row
    return {term_id: _term(row, rows) for term_id, row in rows.items()}


@lru_cache(maxsize=1)
def _rows() -> tuple[dict[str, Any], ...]:
    return tuple(tomllib.loads((assets("config") / "territories.toml").read_text(encoding="utf-8"))["term"])


def _term(row: dict[str, Any], rows: dict[str, dict[str, Any]]) -> Term:
    members = _members(row, rows, ())
    disputed = _codes(row.get("disputed", ""), row, rows, ()) - members
    names = tuple(row["names"])
    return Term(row["id"], names, row["version"], row["from"], row["source"], members, disputed)


def _members(row: dict[str, Any], rows: dict[str, dict[str, Any]], above: tuple[str, ...]) -> frozenset[str]:
    if row["id"] in above:
        raise TermsError(f"{row['id']} is a member of itself")
    return _codes(row["members"], row, rows, above) - _codes(row.get("without", ""), row, rows, above)


def _codes(words: str, row: dict[str, Any], rows: dict[str, dict[str, Any]], above: tuple[str, ...]) -> frozenset[str]:
    found: set[str] = set()
    for word in words.split():
        if word in COUNTRIES:
            found.add(word)
        elif word == "world":
            found |= COUNTRIES
        elif word in rows:
            found |= _members(rows[word], rows, (*above, row["id"]))
        else:
            raise TermsError(f"the term {row['id']} names {word}, which is neither a country nor a term of that day")
    return frozenset(found)
