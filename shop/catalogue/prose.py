"""Rights from prose: a publisher's sentence read into countries, each with its reason, and the words not understood.

A proposal, never a permission: nothing read here sells anything before a member of staff has signed that exact set.
Pure. The sentence is cut into words; the longest names, terms and turns of phrase are recognised first; what is left
is told as unplaced. The rules of precedence are the house's (`rights`): a country named beats a group named, a group
beats the world, a group inside another beats it, and what is said both ways at one level is closed and reported.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shop import countries
from shop.catalogue import vocabulary as words
from shop.catalogue.rights import Decision, Resolution
from shop.catalogue.terms import terms_on
from shop.countries import COUNTRIES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

LONGEST_PHRASE = 8
LONGEST_SENTENCE = 4000
SHOWN = 12


class Level(Enum):
    """How narrowly a place is named; the narrower beats the wider."""

    COUNTRY = auto()
    GROUP = auto()
    WORLD = auto()


class Turn(Enum):
    """What a phrase does to the places after it."""

    INCLUDE = auto()
    EXCLUDE = auto()
    OUTSIDE = auto()  # all but these; after a no, only these
    NO = auto()  # not for sale in …
    NOTHING = auto()  # words that say nothing of where
    THERE = auto()  # its territories and dependencies: of the country named last
    CLAUSE = auto()  # a new sentence
    OPEN = auto()
    CLOSE = auto()


@dataclass(frozen=True, slots=True)
class Place:
    """A place that a phrase names.

    Attributes:
        countries: The codes it certainly holds; `disputed` those that it holds for some.
        label: What reasons call it.
        is_part: Whether it is only a part of the country: a part opens nothing, and closes the whole.
    """

    level: Level
    countries: frozenset[str]
    label: str
    disputed: frozenset[str] = frozenset()
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sentence comes to.

    Attributes:
        sentence: As it was given.
        resolution: Every country decided, with its reason, and what a person must look at.
        unplaced: Words that could not be placed, in their order.
        terms: The lists that were used, with their versions.
        confidence: From 0, nothing understood, to 1, every word placed and nothing disputed.
    """

    sentence: str
    resolution: Resolution
    unplaced: tuple[str, ...]
    terms: tuple[str, ...]
    confidence: float

    @property
    def included(self) -> list[str]:
        """The codes that it opens, sorted."""
        return sorted(self.resolution.countries)

    @property
    def excluded(self) -> list[str]:
        """The codes that it leaves closed, sorted."""
        return sorted(COUNTRIES - self.resolution.countries)


def read(sentence: str, on: date) -> Reading:
    """Read a sentence by the lists that hold on a day; any text at all has a reading."""
    claims = _Claims()
    _Parser(claims, on).take_in(_tokens(sentence[:LONGEST_SENTENCE]))
    return _settled(sentence, claims)


def beside(onix: Resolution, sentence: str, on: date) -> Resolution:
    """What ONIX states, with a word for staff where the published sentence says otherwise.

    ONIX decides and the sentence is display only; but a set that somebody signs must be one that both agree on, or one
    whose disagreement they have seen.
    """
    said = read(sentence, on).resolution.countries
    more, fewer = sorted(said - onix.countries), sorted(onix.countries - said)
    if not more and not fewer:
        return onix
    parts = [f"opens {_some(more)} as well"] * bool(more) + [f"closes {_some(fewer)}"] * bool(fewer)
    problem = f"The published sentence, “{sentence}”, says otherwise: it {' and '.join(parts)}."
    return Resolution(onix.decisions, tuple(sorted({*onix.problems, problem})))


def _some(codes: list[str]) -> str:
    shown = " ".join(codes[:SHOWN])
    return shown if len(codes) <= SHOWN else f"{shown} and {len(codes) - SHOWN} more"


def by_reason(reading: Reading) -> dict[str, list[str]]:
    """The codes under each reason, those that are open first."""
    found: dict[str, list[str]] = {}
    decisions = reading.resolution.decisions
    for code in sorted(decisions, key=lambda code: (not decisions[code].allowed, decisions[code].reason, code)):
        found.setdefault(decisions[code].reason, []).append(code)
    return found


def told(reading: Reading) -> dict[str, Any]:
    """A reading as plain values, for programs."""
    return {
        "statement": reading.sentence,
        "included": reading.included,
        "excluded": reading.excluded,
        "unplaced": list(reading.unplaced),
        "confidence": reading.confidence,
        "problems": list(reading.resolution.problems),
        "terms": list(reading.terms),
        "why": {code: decision.reason for code, decision in reading.resolution.decisions.items()},
    }


# --- words


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    folded: str

    @property
    def looks_like_a_name(self) -> bool:
        return self.text[:1].isupper()

    @property
    def may_be_a_code(self) -> bool:
        return self.text.isupper() and self.text.isalpha() and len(self.text) in {2, 3}


_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W_]+(?:['’][^\W_]+)*\.?|[()\[\];:.]|[^\s\w]")
_PLAIN = str.maketrans({"’": "'", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "ß": "ss", "æ": "ae"})
_ABBREVIATIONS = {"ex.", "excl.", "incl.", "exc.", "inc.", "st.", "is.", "rep.", "terr.", "n.", "s.", "e.", "w."}


def _tokens(sentence: str) -> list[_Token]:
    found = []
    for word in _WORD.findall(sentence):
        text = word
        if word.endswith(".") and len(word) > 1 and word.count(".") == 1 and word.casefold() not in _ABBREVIATIONS:
            found += [_Token(word[:-1], fold(word[:-1])), _Token(".", ".")]
            continue
        found.append(_Token(text, fold(text)))
    return found


@lru_cache(maxsize=16384)
def fold(text: str) -> str:
    """A word for comparing: small letters, no accents, no dots of abbreviation."""
    plain = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()
    return letters if len(letters) == 1 else letters.replace(".", "").removesuffix("'s")


def _phrase(text: str) -> tuple[str, ...]:
    return tuple(token.folded for token in _tokens(text) if token.folded not in _SILENT)


_SILENT = {*"-–—/&,*.\"'“”", "\u2011", "\u2018", "the", "and"}
"""Inside a name nobody hears these: Antigua & Barbuda, Guinea-Bissau, Isle of the Man."""


@lru_cache(maxsize=64)
def _dictionary(on: date) -> dict[tuple[str, ...], Place | Turn]:
    """Every phrase that means something on a day."""
    found: dict[tuple[str, ...], Place | Turn] = {}
    for turn, phrases in _TURNS.items():
        found.update((_phrase(one), turn) for one in phrases)
    for term in terms_on(on).values():
        place = Place(Level.GROUP, term.members, term.label, term.disputed)
        found.update((_phrase(name), place) for name in term.names)
    world = Place(Level.WORLD, COUNTRIES, "the world")
    found.update((_phrase(one), world) for one in words.WORLD)
    for name, code in _country_names():
        found[_phrase(name)] = Place(Level.COUNTRY, frozenset({code}), countries.name(code))
    for name, (certain, disputed) in words.AMBIGUOUS.items():
        codes, others = frozenset(certain.split()), frozenset(disputed.split())
        found[_phrase(name)] = Place(Level.COUNTRY, codes, name, others)
    for name, code in words.PARTS.items():
        found[_phrase(name)] = Place(Level.COUNTRY, frozenset({code}), name, is_part=True)
    return found


def _country_names() -> Iterator[tuple[str, str]]:
    yield from ((name, code) for code, name in countries.names().items())
    yield from ((name, code) for code, names in words.VARIANTS.items() for name in names)


_TURNS = {
    Turn.INCLUDE: words.INCLUDE,
    Turn.EXCLUDE: words.EXCLUDE,
    Turn.OUTSIDE: words.OUTSIDE,
    Turn.NO: words.NO,
    Turn.NOTHING: words.NOTHING,
    Turn.THERE: words.DEPENDENCIES,
}
_MARKS = {"(": Turn.OPEN, "[": Turn.OPEN, ")": Turn.CLOSE, "]": Turn.CLOSE, ";": Turn.CLAUSE, ".": Turn.CLAUSE}


# --- the sentence


@dataclass(slots=True)
class _Claims:
    """What has been said so far."""

    opened: list[Place] = field(default_factory=list)
    closed: list[Place] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)
    lost_exclusions: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)


class _Parser:
    """Walks over the words and says of each place whether it is opened or closed."""

    def __init__(self, claims: _Claims, on: date) -> None:
        self._claims = claims
        self._dictionary = _dictionary(on)
        self._terms = terms_on(on)
        self._closes = False
        self._is_negative = False
        self._kept: list[bool] = []
        self._last: Place | None = None

    def take_in(self, tokens: list[_Token]) -> None:
        """Read the whole sentence."""
        for clause, goes_on in _clauses(tokens):
            self._closes, self._kept = self._closes and goes_on, []
            self._is_negative = any(token.folded in words.NEGATIVE for token in clause)
            at = 0
            while at < len(clause):
                at += self._step(clause, at)

    def _step(self, clause: list[_Token], at: int) -> int:
        """Take the longest phrase that begins here; return how many words it was."""
        if turn := _MARKS.get(clause[at].text):
            self._turn(turn)
            return 1
        if clause[at].folded in _SILENT:
            return 1
        if self._is_the_last_again(clause, at):
            return 1
        length, meaning = self._longest(clause, at)
        code = _code(clause, at) if length == 1 else None
        if code and not isinstance(meaning, Place):
            self._name(Place(Level.COUNTRY, frozenset({code}), countries.name(code)))
        elif isinstance(meaning, Place):
            self._name(meaning)
        elif meaning is not None:
            self._turn(meaning)
        else:
            self._leave(clause, at)
        return length

    def _is_the_last_again(self, clause: list[_Token], at: int) -> bool:
        """Whether it is the code of the country just named: Germany (DE)."""
        stands_behind = at > 0 and _MARKS.get(clause[at - 1].text) is Turn.OPEN
        return stands_behind and self._last is not None and self._last.countries == {clause[at].text}

    def _longest(self, clause: list[_Token], at: int) -> tuple[int, Place | Turn | None]:
        heard: list[str] = []
        best: tuple[int, Place | Turn | None] = (1, None)
        for offset, token in enumerate(clause[at : at + 2 * LONGEST_PHRASE]):
            if token.text in _MARKS and token.text != ".":
                break
            if token.text == ",":
                break
            if token.folded in _SILENT:
                continue
            heard.append(token.folded)
            meaning = self._dictionary.get(tuple(heard))
            if meaning is not None and not self._is_only_a_word(clause, at, heard):
                best = (offset + 1, meaning)
            if len(heard) == LONGEST_PHRASE:
                break
        return best

    @staticmethod
    def _is_only_a_word(clause: list[_Token], at: int, heard: list[str]) -> bool:
        """Whether a short word is no abbreviation of a country because of how it is written: us, it, in."""
        capitals = sum(letter.isupper() for letter in clause[at].text)
        return len(heard) == 1 and heard[0] in words.ONLY_IN_CAPITALS and capitals < 2  # noqa: PLR2004 - RoW, not Row

    def _turn(self, turn: Turn) -> None:
        if turn is Turn.INCLUDE:
            self._closes = False
        elif turn is Turn.EXCLUDE or turn is Turn.NO:
            self._closes = True
        elif turn is Turn.OUTSIDE:
            self._closes = not self._is_negative
        elif turn is Turn.OPEN:
            self._kept.append(self._closes)
        elif turn is Turn.CLOSE:
            self._closes = self._kept.pop() if self._kept else self._closes
        elif turn is Turn.THERE:
            self._name_dependencies()

    def _name_dependencies(self) -> None:
        owner = next(iter(self._last.countries), "") if self._last else ""
        term = self._terms.get(words.DEPENDENCIES_OF.get(owner, ""))
        if term is None:
            self._claims.unplaced.append("territories and dependencies")
            return
        self._name(Place(Level.GROUP, term.members, term.label, term.disputed))

    def _name(self, place: Place) -> None:
        claims = self._claims
        self._last = place
        if place.level is Level.GROUP and place.label not in claims.terms:
            claims.terms.append(place.label)
        if place.is_part:
            effect = "its whole country is closed" if self._closes else "a part opens nothing"
            claims.problems.append(
                f"{place.label} is a part of {countries.in_sentence(min(place.countries))}: {effect}."
            )
            if not self._closes:
                return
        (claims.closed if self._closes else claims.opened).append(place)

    def _leave(self, clause: list[_Token], at: int) -> None:
        """Keep a word that nobody could place; one that looks like the name of something shut out shuts everything."""
        token = clause[at]
        if not any(letter.isalpha() for letter in token.text):
            return
        self._claims.unplaced.append(token.text)
        if self._closes and token.looks_like_a_name:
            self._claims.lost_exclusions.append(token.text)


def _clauses(tokens: list[_Token]) -> Iterator[tuple[list[_Token], bool]]:
    """Cut the words at full stops and semicolons; after a semicolon a list goes on, unless it speaks of rights anew."""
    clause: list[_Token] = []
    goes_on = False
    for token in [*tokens, _Token(".", ".")]:
        if _MARKS.get(token.text) is Turn.CLAUSE:
            yield clause, goes_on and not any(one.folded in words.SPEAKS_ANEW for one in clause)
            clause, goes_on = [], token.text == ";"
        else:
            clause.append(token)


def _code(clause: list[_Token], at: int) -> str | None:
    """An ISO code, in capitals; one that is also a word counts only among other codes."""
    token = clause[at]
    if not token.may_be_a_code:
        return None
    code = words.ALPHA3.get(token.text, token.text)
    if code not in COUNTRIES:
        return None
    if token.folded in words.ALSO_WORDS and not any(_is_sure(clause, near) for near in _neighbours(clause, at)):
        return None
    return code


def _is_sure(clause: list[_Token], at: int) -> bool:
    token = clause[at]
    return token.may_be_a_code and token.text in COUNTRIES and token.folded not in words.ALSO_WORDS


def _neighbours(clause: list[_Token], at: int) -> Iterator[int]:
    for step in (-1, 1):
        near = at + step
        while 0 <= near < len(clause) and clause[near].text in {",", "/", "&", "-"}:
            near += step
        if 0 <= near < len(clause):
            yield near


# --- the verdict


def _settled(sentence: str, claims: _Claims) -> Reading:
    problems = list(claims.problems)
    opened = list(claims.opened)
    assumed = not opened and bool(claims.closed)
    if assumed:
        opened.append(Place(Level.WORLD, COUNTRIES, "the rest of the world, which the sentence does not name"))
        problems.append("It says only where it is not sold: the rest of the world is taken as open.")
    if not opened:
        problems.append("It names no country and no group that is known here.")
    if claims.lost_exclusions:
        problems.append(f"It shuts out {', '.join(claims.lost_exclusions)}, and nobody knows here where that is.")
    decisions = _decisions(opened, claims.closed, shut=bool(claims.lost_exclusions))
    clashing = sorted(code for code, decision in decisions.items() if decision.reason.startswith("contradiction"))
    if clashing:
        problems.append(f"Both for sale and not for sale: {' '.join(clashing)}.")
    disputed = [place for place in (*opened, *claims.closed) if place.disputed]
    problems += [f"Disputed: whether {one.label} counts {' '.join(sorted(one.disputed))}." for one in disputed]
    if claims.unplaced:
        problems.append(f"Not understood: {', '.join(claims.unplaced)}.")
    resolution = Resolution(decisions, tuple(sorted(set(problems))))
    doubts = 0.15 * len(claims.unplaced) + 0.2 * assumed + 0.1 * bool(disputed) + 0.1 * len(claims.problems)
    doubts += 0.3 * bool(clashing)
    confidence = 0.0 if not resolution.countries else round(max(0.0, 1 - doubts), 2)
    return Reading(sentence, resolution, tuple(claims.unplaced), tuple(claims.terms), confidence)


def _decisions(opened: list[Place], closed: list[Place], *, shut: bool) -> dict[str, Decision]:
    """Decide every country by the narrowest place that speaks of it."""
    if shut:
        reason = "something is shut out that could not be placed, and it might be here"
        return dict.fromkeys(_ALL, Decision(allowed=False, reason=reason))
    decisions = dict.fromkeys(_ALL, Decision(allowed=False, reason="not mentioned"))
    for level in (Level.WORLD, Level.GROUP, Level.COUNTRY):
        _decide_level(decisions, *([one for one in places if one.level is level] for places in (opened, closed)))
    return decisions


_ALL = tuple(sorted(COUNTRIES))


def _decide_level(decisions: dict[str, Decision], opened: list[Place], closed: list[Place]) -> None:
    """Decide the countries that places of one level speak of; those of which the same is said share one verdict."""
    spoken = {code for place in opened for code in place.countries}
    spoken |= {code for place in closed for code in place.countries | place.disputed}
    verdicts: dict[tuple[bool, ...], Decision] = {}
    for code in spoken:
        said = (
            *(code in place.countries for place in opened),
            *(code in place.countries for place in closed),
            *(code in place.disputed for place in closed),
        )
        if said not in verdicts:
            for_ = [place for place in opened if code in place.countries]
            against = [place for place in closed if code in place.countries or code in place.disputed]
            verdicts[said] = _verdict(code, for_, against)
        decisions[code] = verdicts[said]


def _verdict(code: str, opened: list[Place], closed: list[Place]) -> Decision:
    """A group inside another beats it; two that only overlap contradict each other."""
    if opened and closed:
        narrow_opened = all(any(one.countries < other.countries for one in opened) for other in closed)
        narrow_closed = any(all(one.countries < other.countries for other in opened) for one in closed)
        if narrow_opened == narrow_closed:
            return Decision(allowed=False, reason=f"contradiction: {opened[0].label} is open, {closed[0].label} closed")
        opened, closed = (opened, []) if narrow_opened else ([], closed)
    place = (opened or closed)[0]
    how = "named" if place.level is Level.COUNTRY else "in" if place.level is Level.GROUP else "by"
    counted = "" if code in place.countries else ", where some count it"
    return Decision(allowed=bool(opened), reason=f"{'open' if opened else 'closed'}: {how} {place.label}{counted}")
