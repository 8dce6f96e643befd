"""Sales rights: from ONIX statements to the countries in which an edition may be sold, each with its reason.

Pure. The rules are ONIX 3.0's (lists 46, 49 and 91) and the house's, in this order:

1. a country named beats the region or `WORLD` that contains it, either way;
2. a country both for sale and not for sale at one level is closed, and reported;
3. types 00, 07 and 08, restrictions on who may buy, unknown codes, parts of countries and silence never open a
   country, and a country that is named under them is closed;
4. where something is shut out and nobody can say what, only countries that are named stay open.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

from shop.countries import COUNTRIES

FOR_SALE = {"01": "exclusive rights", "02": "non-exclusive rights"}
NOT_FOR_SALE = {
    "03": "not for sale",
    "04": "not for sale here, though the publisher holds exclusive rights",
    "05": "not for sale here, though the publisher holds non-exclusive rights",
    "06": "the publisher holds no rights",
}
WAITING = {
    "00": "of no known meaning",
    "07": "sold with a restriction, exclusively",
    "08": "sold with a restriction",
}
"""What waits for a person, and is closed until then; types that list 46 does not have are taken for the first."""
CLOSING = NOT_FOR_SALE | WAITING
_OPEN_TO_ALL = {None, "00"}
"""Restrictions of list 71 that restrict nothing: 00 is only a note."""
_FORMER_PARTS = {"GB-CHA": {"GG", "JE"}, "GB-IOM": {"IM"}}
"""Regions of list 49 that ISO 3166-1 counts as countries."""


@dataclass(frozen=True, slots=True)
class Territory:
    """An ONIX Territory composite: codes as they were written."""

    countries_included: tuple[str, ...] = ()
    regions_included: tuple[str, ...] = ()
    countries_excluded: tuple[str, ...] = ()
    regions_excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SalesRights:
    """An ONIX SalesRights composite: its type (list 46), where it holds, and what restricts the sale (list 71).

    Attributes:
        publisher: Whose the book is there, where that is told of a territory in which it is not for sale.
        isbn: Of that publisher's edition.
    """

    type: str
    territory: Territory
    restriction: str | None = None
    publisher: str | None = None
    isbn: str | None = None

    @property
    def kind(self) -> str:
        """The type as it may be acted upon: what is restricted, or of no known type, waits for a person."""
        if self.type in FOR_SALE and self.restriction not in _OPEN_TO_ALL:
            return "08"
        return self.type if self.type in FOR_SALE or self.type in CLOSING else "00"


@dataclass(frozen=True, slots=True)
class Statement:
    """All that one product says of its rights; `rest_of_world` is ROWSalesRightsType, if given."""

    rights: tuple[SalesRights, ...] = ()
    rest_of_world: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The statement as plain values, equal to what a database gives back of them."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Statement:
        """The statement again."""
        rights = tuple(
            SalesRights(
                one["type"],
                Territory(**{k: tuple(v) for k, v in one["territory"].items()}),
                *(one.get(name) for name in ("restriction", "publisher", "isbn")),
            )
            for one in values["rights"]
        )
        return cls(rights, values["rest_of_world"])


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a country is open, and why."""

    allowed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a statement comes to.

    Attributes:
        decisions: One for every ISO country.
        problems: What a person must look at, one sentence each.
    """

    decisions: dict[str, Decision]
    problems: tuple[str, ...]

    @property
    def countries(self) -> frozenset[str]:
        """Where it may be sold."""
        return frozenset(code for code, decision in self.decisions.items() if decision.allowed)

    @property
    def digest(self) -> str:
        """Names this exact set of countries, with its problems: equal sets are signed once."""
        return hashlib.sha256("\n".join([written(self.countries), *self.problems]).encode()).hexdigest()


@dataclass(slots=True)
class _Claims:
    """What has been said of each country so far: by name, and by each WORLD with what it spares.

    Attributes:
        spared: Countries excluded from somewhere, and so not meant by the rest of the world.
        may_close_more: Whether something is shut out that could not be placed.
    """

    by_name: dict[str, set[str]] = field(default_factory=dict)
    by_world: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    spared: set[str] = field(default_factory=set)
    may_close_more: bool = False
    problems: list[str] = field(default_factory=list)


def resolve(statement: Statement) -> Resolution:
    """Decide every country; the order of the composites changes nothing."""
    claims = _Claims()
    for rights in sorted(statement.rights, key=lambda one: (one.type, one.territory.countries_included)):
        _take_in(rights, claims)
    if not statement.rights and statement.rest_of_world is None:
        claims.problems.append("Nothing is stated of sales rights.")
    if statement.rest_of_world not in {None, *FOR_SALE, *NOT_FOR_SALE}:
        claims.problems.append(
            f"Of the rest of the world it states no rights (type {statement.rest_of_world}, list 46): it stays closed."
        )
    if claims.by_world and statement.rest_of_world in FOR_SALE and claims.spared - claims.by_name.keys():
        claims.problems.append(
            "The rest of the world is for sale, but WORLD is named with exclusions: they stay closed."
        )
    decisions = {code: _decide(code, claims, statement.rest_of_world) for code in sorted(COUNTRIES)}
    clashing = sorted(code for code, decision in decisions.items() if decision.reason.startswith("contradiction"))
    if clashing:
        claims.problems.append(f"Both for sale and not for sale: {' '.join(clashing)}.")
    return Resolution(decisions, tuple(sorted(set(claims.problems))))


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Who sells a book where we may not: countries as they are stored, a publisher, perhaps its ISBN."""

    countries: str
    publisher: str
    isbn: str | None


def elsewhere(statement: Statement) -> list[Elsewhere]:
    """Return whom a statement names for territories in which it does not let us sell."""
    return [
        Elsewhere(written(countries_of(one.territory)), one.publisher, one.isbn)
        for one in statement.rights
        if one.publisher and one.kind in NOT_FOR_SALE
    ]


def written(countries: frozenset[str]) -> str:
    """A country set as it is stored: sorted, separated by spaces."""
    return " ".join(sorted(countries))


@lru_cache(maxsize=4096)
def read(countries: str) -> frozenset[str]:
    """A stored country set; each distinct one is read once."""
    return frozenset(countries.split())


def countries_of(territory: Territory) -> frozenset[str]:
    """The whole countries that a price or market territory covers; codes it does not know open nothing."""
    named = COUNTRIES.intersection(territory.countries_included)
    is_world = "WORLD" in territory.regions_included and not _excludes_what_nobody_knows(territory)
    world = COUNTRIES if is_world else frozenset[str]()
    return (named | world) - COUNTRIES.intersection(
        (*territory.countries_excluded, *_wholes(territory.regions_excluded))
    )


def _take_in(rights: SalesRights, claims: _Claims) -> None:
    territory, kind = rights.territory, rights.kind
    claims.problems.extend(_told_of(rights))
    excluded = _excluded(territory)
    claims.spared |= excluded
    for code in COUNTRIES.intersection(territory.countries_included):
        both = {"03"} if code in excluded else set()
        claims.by_name.setdefault(code, set()).update({kind} | both)
    if kind in CLOSING:
        for code in COUNTRIES.intersection(_wholes(territory.regions_included)):
            claims.by_name.setdefault(code, set()).add(kind)
    if "WORLD" in territory.regions_included:
        claims.by_world.append((kind, excluded))
    is_lost = _excludes_what_nobody_knows(territory) or (kind in CLOSING and _names_what_nobody_knows(territory))
    claims.may_close_more |= is_lost


def _told_of(rights: SalesRights) -> list[str]:
    """What a person must look at in one composite."""
    territory, problems = rights.territory, []
    if rights.type in FOR_SALE and rights.kind in WAITING:
        problems.append(f"Sales are restricted (type {rights.restriction} of list 71); that opens nothing.")
    elif rights.kind in WAITING:
        problems.append(f"Sales rights type {rights.type} is {WAITING[rights.kind]}; it opens nothing.")
    problems.extend(_unknown(territory))
    if not territory.countries_included and not territory.regions_included:
        problems.append(f"Sales rights type {rights.type} names no country and no region.")
    apart = sorted(COUNTRIES.intersection(territory.countries_excluded) - {*territory.countries_included})
    if apart and not territory.regions_included:
        problems.append(f"Excluded from a territory that does not hold them, and closed: {' '.join(apart)}.")
    return problems


def _excluded(territory: Territory) -> frozenset[str]:
    return COUNTRIES.intersection((*territory.countries_excluded, *_wholes(territory.regions_excluded)))


def _excludes_what_nobody_knows(territory: Territory) -> bool:
    """Whether something is excluded that nobody can place."""
    codes = (*territory.countries_excluded, *_wholes(territory.regions_excluded))
    unplaced = [code for code in territory.regions_excluded if "-" not in code]
    return bool(unplaced) or any(code not in COUNTRIES for code in codes)


def _names_what_nobody_knows(territory: Territory) -> bool:
    """Whether it names nothing, or something that nobody can place."""
    codes = (*territory.countries_included, *_wholes(territory.regions_included))
    unplaced = [code for code in territory.regions_included if "-" not in code and code != "WORLD"]
    names_nothing = not territory.countries_included and not territory.regions_included
    return names_nothing or bool(unplaced) or any(code not in COUNTRIES for code in codes)


def _wholes(regions: tuple[str, ...]) -> set[str]:
    """The countries of which these are parts."""
    return set().union(*(_FORMER_PARTS.get(code, {code.split("-")[0]}) for code in regions if "-" in code))


def _unknown(territory: Territory) -> list[str]:
    problems = [
        f"Country code {code} is not in ONIX list 91."
        for code in (*territory.countries_included, *territory.countries_excluded)
        if code not in COUNTRIES
    ]
    problems += [
        f"Region {code} is part of a country; a part opens nothing."
        if "-" in code
        else f"Region code {code} opens nothing here."
        for code in territory.regions_included
        if code != "WORLD"
    ]
    problems += [
        f"Region {code} is excluded; its whole country is closed."
        if code.split("-")[0] in COUNTRIES
        else f"Region code {code} is excluded, and nobody knows here where it is."
        for code in territory.regions_excluded
    ]
    return problems


def _decide(code: str, claims: _Claims, rest_of_world: str | None) -> Decision:
    if types := claims.by_name.get(code):
        return _judge(types, "named")
    if claims.may_close_more:
        return Decision(allowed=False, reason="something is shut out that could not be placed, and this is not named")
    if world := {kind for kind, spared in claims.by_world if code not in spared}:
        return _judge(world, "by WORLD")
    return _of_the_rest(code, claims, rest_of_world)


def _of_the_rest(code: str, claims: _Claims, rest_of_world: str | None) -> Decision:
    if claims.by_world or code in claims.spared:
        return Decision(allowed=False, reason="excluded, and not named elsewhere")
    if rest_of_world in FOR_SALE:
        return Decision(allowed=True, reason=f"rest of the world: {FOR_SALE[rest_of_world]}")
    if rest_of_world in NOT_FOR_SALE:
        return Decision(allowed=False, reason=f"rest of the world: {NOT_FOR_SALE[rest_of_world]}")
    return Decision(allowed=False, reason="nothing is stated")


def _judge(types: set[str], how: str) -> Decision:
    opening, closing = types & FOR_SALE.keys(), types & CLOSING.keys()
    if opening and closing:
        return Decision(allowed=False, reason=f"contradiction: {how} both for sale and not for sale")
    meaning = FOR_SALE[min(opening)] if opening else CLOSING[min(closing)]
    return Decision(allowed=bool(opening), reason=f"{how}: {meaning}")
