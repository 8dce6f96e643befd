"""Contract terms: what words such as "British Commonwealth" mean here, by publisher-owned, versioned, dated lists.

And the dictionary of a day: every phrase of territory, with the place that it names or what it does to others, and how
a clause is heard in these.

Never today's membership of anything: a list changes by a new version in config/territories.toml, and what was signed
on an older one stays signed on that one.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shop import countries
from shop.catalogue.territory import vocabulary as words
from shop.countries import COUNTRIES
from shop.settings import assets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date


LONGEST_PHRASE = 8
A_YEAR = 4
MANY = 4
"""So many codes, and a clause is a list of codes."""


class Level(Enum):
    """How narrowly a place is named; the narrower beats the wider."""

    COUNTRY = auto()
    GROUP = auto()
    WORLD = auto()


class Turn(Enum):
    """What a phrase does to the places about it."""

    INCLUDE = auto()
    RESTORE = auto()  # but including …: also what an exclusion holds
    SALE = auto()  # for sale in …: opens only in its own right
    YES = auto()  # Y, in a table
    EXCLUDE = auto()
    BUT_NOT = auto()  # lets in a part of what is shut, else closes
    BUT = auto()  # of the world: it closes a place right after it
    OUTSIDE = auto()  # all but these; after a no, only these
    NO = auto()  # not for sale in …
    DENIED = auto()  # excluded, not for sale: of the places before it too
    STAYS = auto()  # not for export: to the places after it, if there are any
    GONE = auto()  # sold: of the places before it only
    DASH = auto()  # between the world and a part of it
    NARROW = auto()  # the place right after it is meant in part
    NOTHING = auto()  # words that say nothing of where
    THERE = auto()  # its territories and dependencies: of the country named last
    CLAUSE = auto()  # a new sentence
    COMMA = auto()
    OPEN = auto()
    CLOSE = auto()


@dataclass(frozen=True, slots=True)
class Place:
    """A place that a phrase names.

    Attributes:
        countries: The codes it certainly holds; `disputed` those that it holds for some.
        label: What reasons call it.
        whole: What it is only a part of, if it is one: a part opens nothing, and closes the whole.
    """

    level: Level
    countries: frozenset[str]
    label: str
    disputed: frozenset[str] = frozenset()
    whole: str | None = None

    def narrowed(self, word: str) -> Place:
        """The part of it that a word before its name speaks of."""
        return replace(self, label=f"{word} {self.label}", whole=self.label)


Said = tuple[Place | Turn | None, str]
"""What a phrase means, if anything, and its first word."""


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


def _codes(listed: str, row: dict[str, Any], rows: dict[str, dict[str, Any]], above: tuple[str, ...]) -> frozenset[str]:
    found: set[str] = set()
    for word in listed.split():
        if word in COUNTRIES:
            found.add(word)
        elif word == "world":
            found |= COUNTRIES
        elif word in rows:
            found |= _members(rows[word], rows, (*above, row["id"]))
        else:
            raise TermsError(f"the term {row['id']} names {word}, which is neither a country nor a term of that day")
    return frozenset(found)


UNRESTRICTED = Place(Level.WORLD, COUNTRIES, "the world, as nothing is said to be restricted")


@lru_cache(maxsize=64)
def dictionary(on: date) -> dict[tuple[str, ...], Place | Turn]:
    """Every phrase that means something on a day."""
    found: dict[tuple[str, ...], Place | Turn] = {}
    for turn, phrases in _TURNS.items():
        found.update((words.phrase(one), turn) for one in phrases)
    for phrase, meaning in [one for one in found.items() if one[0][0] == "not"]:
        for contrast in words.BEFORE_NOT:
            found.setdefault((contrast, *phrase), meaning)
    for term in terms_on(on).values():
        place = Place(Level.GROUP, term.members, term.label, term.disputed)
        found.update((words.phrase(name), place) for name in term.names)
    world = Place(Level.WORLD, COUNTRIES, "the world")
    found.update((words.phrase(one), world) for one in words.WORLD)
    found.update((words.phrase(one), UNRESTRICTED) for one in words.UNRESTRICTED)
    for name, code in _country_names():
        found[words.phrase(name)] = Place(Level.COUNTRY, frozenset({code}), countries.name(code))
    for name, (certain, disputed) in words.AMBIGUOUS.items():
        codes, others = frozenset(certain.split()), frozenset(disputed.split())
        found[words.phrase(name)] = Place(Level.COUNTRY, codes, name, others)
    for name, code in words.PARTS.items():
        found[words.phrase(name)] = Place(Level.COUNTRY, frozenset({code}), name, whole=countries.in_sentence(code))
    return found


def _country_names() -> Iterator[tuple[str, str]]:
    yield from ((name, code) for code, name in countries.names().items())
    yield from ((name, code) for code, names in words.VARIANTS.items() for name in names)


_TURNS = {
    Turn.INCLUDE: words.INCLUDE,
    Turn.EXCLUDE: words.EXCLUDE,
    Turn.OUTSIDE: words.OUTSIDE,
    Turn.RESTORE: words.RESTORE,
    Turn.SALE: words.SALE,
    Turn.YES: words.YES,
    Turn.NO: words.NO,
    Turn.DENIED: words.DENIED,
    Turn.STAYS: words.STAYS,
    Turn.GONE: words.GONE,
    Turn.NOTHING: words.NOTHING,
    Turn.NARROW: words.NARROWING,
    Turn.BUT: words.BUT,
    Turn.BUT_NOT: words.BUT_NOT,
    Turn.THERE: words.DEPENDENCIES,
}


_MARKS = {
    "(": Turn.OPEN,
    "[": Turn.OPEN,
    ")": Turn.CLOSE,
    "]": Turn.CLOSE,
    ",": Turn.COMMA,
    ";": Turn.CLAUSE,
    ".": Turn.CLAUSE,
}


def listen(clause: list[words.Token], known: dict[tuple[str, ...], Place | Turn]) -> list[Said]:
    """The longest phrases of a clause that a dictionary knows, with what each means."""
    said: list[Said] = []
    at = 0
    while at < len(clause):
        length, meaning = _longest(clause, at, known)
        text = _as_written(clause[at : at + length]) if meaning is Turn.NARROW else clause[at].text
        if isinstance(meaning, Place) and _is_dashed_off(clause, at, meaning, said):
            said.append((Turn.DASH, clause[at - 1].text))
        is_silent = meaning is None and clause[at].folded in words.SILENT
        if meaning is not None or (_says_something(text) and not is_silent):
            said.append((meaning, text))
        at += length
    return said


def _as_written(tokens: list[words.Token]) -> str:
    return " ".join(token.text for token in tokens).replace(" - ", "-")


def _says_something(text: str) -> bool:
    """Whether it is a word or a year, not a mark or the number of a footnote."""
    return any(letter.isalpha() for letter in text) or (text.isdecimal() and len(text) == A_YEAR)


def _is_dashed_off(clause: list[words.Token], at: int, place: Place, said: list[Said]) -> bool:
    """Whether a dash alone stands between the world and a part of it: World – UK. Most mean it to take that away.

    Brackets that were closed, and words that say nothing of where, do not change that: World (English) – the UK.
    """
    return place.level is not Level.WORLD and _stands_behind_dash(clause, at) and _follows_world(said)


def _stands_behind_dash(clause: list[words.Token], at: int) -> bool:
    near = at - 1
    while near >= 0 and (_MARKS.get(clause[near].text) is Turn.OPEN or clause[near].folded in words.SILENT):
        if clause[near].text in words.DASHES:
            return True
        near -= 1
    return False


def _follows_world(said: list[Said]) -> bool:
    depth = 0
    for meaning, _ in reversed(said):
        depth = max(0, depth + (meaning is Turn.CLOSE) - (meaning is Turn.OPEN))
        if depth == 0 and meaning not in _SAYS_NO_PLACE:
            return isinstance(meaning, Place) and meaning.level is Level.WORLD
    return False


_SAYS_NO_PLACE = {None, Turn.NOTHING, Turn.COMMA, Turn.OPEN, Turn.CLOSE}


def _longest(
    clause: list[words.Token], at: int, known: dict[tuple[str, ...], Place | Turn]
) -> tuple[int, Place | Turn | None]:
    if mark := _MARKS.get(clause[at].text):
        return 1, mark
    heard: list[str] = []
    best: tuple[int, Place | Turn | None] = (1, None)
    for offset, token in enumerate(clause[at : at + 2 * LONGEST_PHRASE]):
        if token.text in _MARKS and token.text != ".":
            break
        if token.folded in words.SILENT:
            if not heard:
                break
            continue
        heard.append(token.folded)
        meaning = known.get(tuple(heard))
        if meaning is not None and not _is_only_a_word(clause, at, heard):
            best = (offset + 1, meaning)
        if len(heard) == LONGEST_PHRASE:
            break
    code = _code(clause, at) if best[0] == 1 else None
    if code and (not isinstance(best[1], Place) or clause[at].folded in words.IN_LISTS_OF_CODES):
        return 1, Place(Level.COUNTRY, frozenset({code}), countries.name(code))
    return best


def _is_only_a_word(clause: list[words.Token], at: int, heard: list[str]) -> bool:
    """Whether a short word is no abbreviation of a country because of how it is written: us, it, in."""
    capitals = sum(letter.isupper() for letter in clause[at].text)
    return len(heard) == 1 and heard[0] in words.ONLY_IN_CAPITALS and capitals < 2  # noqa: PLR2004 - RoW, not Row


def _code(clause: list[words.Token], at: int) -> str | None:
    """An ISO code, in capitals; one that is also a word counts only among other codes."""
    token = clause[at]
    if not token.may_be_a_code:
        return None
    code = words.ALPHA3.get(token.text, token.text)
    if code not in COUNTRIES:
        return None
    if token.folded in words.IN_LISTS_OF_CODES and sum(_is_sure(clause, near) for near in range(len(clause))) < MANY:
        return None
    if token.folded in words.ALSO_WORDS and not any(_is_sure(clause, near) for near in _neighbours(clause, at)):
        return None
    return code


def _is_sure(clause: list[words.Token], at: int) -> bool:
    token = clause[at]
    return token.may_be_a_code and token.text in COUNTRIES and token.folded not in words.ALSO_WORDS


def _neighbours(clause: list[words.Token], at: int) -> Iterator[int]:
    """Those beside it, and beyond these, as long as a mark parts one code from the next: DE, AT, CH."""
    for step in (-1, 1):
        near, is_parted = at + step, True
        while 0 <= near < len(clause) and is_parted:
            is_parted = False
            while 0 <= near < len(clause) and clause[near].text in {",", "/", "&"}:
                near, is_parted = near + step, True
            if 0 <= near < len(clause):
                yield near
                is_parted = is_parted and clause[near].may_be_a_code
                near += step


def clauses(tokens: list[words.Token]) -> Iterator[tuple[list[words.Token], str]]:
    """Cut the words at full stops and semicolons; with each clause goes the mark before it."""
    clause: list[words.Token] = []
    mark = "."
    for token in [*tokens, words.Token(".", ".")]:
        if _MARKS.get(token.text) is Turn.CLAUSE:
            yield clause, mark
            clause, mark = [], token.text
        else:
            clause.append(token)
