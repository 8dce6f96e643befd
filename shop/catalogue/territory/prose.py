"""Rights from prose: a publisher's sentence read into countries, each with its reason, and the words not understood.

A proposal, never a permission: nothing read here sells anything before a member of staff has signed that exact set.
Pure. The sentence is cut into words; the longest names, terms and turns of phrase are recognised first; what is left
is told as unplaced. The rules of precedence are the house's (`rights`): a country named beats a group named, a group
beats the world, a group inside another beats it, and what is said both ways at one level is closed and reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shop import countries
from shop.catalogue.rights import Decision, Resolution
from shop.catalogue.territory import vocabulary as words
from shop.catalogue.territory.terms import UNRESTRICTED, Level, Place, Said, Turn, clauses, dictionary, listen, terms_on
from shop.countries import COUNTRIES

if TYPE_CHECKING:
    from datetime import date

LONGEST_SENTENCE = 4000
SHOWN = 12
UNSURE = 0.5


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
    claims.is_cut = len(sentence) > LONGEST_SENTENCE
    _Parser(claims, on).take_in(words.tokens(sentence[:LONGEST_SENTENCE]))
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


# --- the sentence


@dataclass(slots=True)
class _Claim:
    """That a place is open, or closed."""

    place: Place
    closes: bool


@dataclass(slots=True)
class _Claims:
    """What has been said so far.

    Attributes:
        lost: Words for what is shut out, of which nobody knows where it is.
        doubts: What can be read both ways, or was not read at all.
        lacks_base: Whether places are taken away from something of which nobody knows where it is.
    """

    said: list[_Claim] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)
    is_cut: bool = False
    lacks_base: bool = False


@dataclass(slots=True)
class _Frame:
    """A clause, or a bracket in it.

    Attributes:
        closes: Whether places are closed where it begins.
        runs: Its places, between commas.
    """

    closes: bool
    runs: list[list[_Claim]] = field(default_factory=lambda: [[]])

    def reach(self) -> list[_Claim]:
        """The places that a word behind them speaks of: the last run, and the list that it ends."""
        runs = [run for run in self.runs if run]
        reached = list(runs.pop()) if runs else []
        widest = max((claim.place.level.value for claim in reached), default=0)
        while runs and widest < Level.WORLD.value and all(one.place.level.value <= widest for one in runs[-1]):
            reached += runs.pop()
        return reached


class _Parser:
    """Walks over the words and says of each place whether it is opened or closed.

    A negation holds until a part of the sentence opens in its own right after a place was closed. One that stands
    behind its places closes those; one that may belong to either side closes both, and that is said.
    """

    def __init__(self, claims: _Claims, on: date) -> None:
        self._claims = claims
        self._dictionary = dictionary(on)
        self._terms = terms_on(on)
        self._closes = False
        self._waits = False  # for the first place after a negation
        self._picks = ""  # after "including" or "but not" in an exclusion
        self._is_outside = False
        self._frames = [_Frame(closes=False)]
        self._last: Place | None = None

    def take_in(self, tokens: list[words.Token]) -> None:
        """Read the whole sentence."""
        for clause, mark in clauses(tokens):
            said = _with_listed(listen(clause, self._dictionary), is_closed=self._closes)
            self._begin(clause, said, mark)
            for at in range(len(said)):
                self._hear(said, at)

    def _begin(self, clause: list[words.Token], said: list[Said], mark: str) -> None:
        """Begin a clause; after a semicolon a list goes on, and after a full stop one of places alone does."""
        speaks_anew = any(token.folded in words.SPEAKS_ANEW for token in clause)
        is_list = all(isinstance(meaning, Place) or meaning is Turn.COMMA for meaning, _ in said)
        goes_on = is_list or (mark == ";" and (self._waits or not speaks_anew))
        self._closes = self._closes and goes_on
        self._waits = self._waits and self._closes
        self._picks, self._is_outside = "", False
        self._frames = [_Frame(self._closes)]

    def _hear(self, said: list[Said], at: int) -> None:
        meaning, text = said[at]
        if self._is_the_last_again(said, at):
            return
        is_half = (meaning is Turn.NARROW and not _is_before_place(said, at)) or self._is_half_a_name(said, at)
        if meaning is None or is_half:
            self._claims.unplaced.append(text)
            self._claims.lost += [text] * (self._closes and not text.isdecimal())
        elif isinstance(meaning, Place):
            self._name(self._narrowed(meaning, said[:at]))
        elif meaning is Turn.BUT:
            self._except(said, at)
        elif meaning is Turn.DASH:
            self._doubt(text)
            self._closes = self._waits = True
        elif meaning in _CLOSING:
            self._shut_out(meaning, said, at)
        elif meaning in _OPENING:
            self._allow(meaning, said, at)
        elif meaning is Turn.OUTSIDE:
            self._turn_outside(said, at)
        elif meaning is Turn.THERE:
            self._name_dependencies(text)
        else:
            self._mark(meaning)

    def _narrowed(self, place: Place, before: list[Said]) -> Place:
        """The place, or the part of it that a word right before it speaks of, which nobody knows here."""
        meaning, text = next((one for one in reversed(before) if one[0] is not Turn.NOTHING), (None, ""))
        if meaning is not Turn.NARROW:
            return place
        self._claims.unplaced.append(text)
        return place.narrowed(text)

    def _is_half_a_name(self, said: list[Said], at: int) -> bool:
        """Whether it belongs to an unknown word after it: the Indian Ocean is not in India."""
        meaning, text = said[at]
        folded = words.fold(text)
        is_adjective = folded in words.ADJECTIVES and self._dictionary[(folded,)] is meaning
        return is_adjective and at + 1 < len(said) and said[at + 1][0] is None

    def _mark(self, mark: Turn) -> None:
        if mark is Turn.COMMA:
            self._frames[-1].runs.append([])
            if self._picks == _BUT_NOT and len(self._frames) == 1:
                self._picks = f"{_BUT_NOT} …,"
        elif mark is Turn.OPEN:
            self._frames.append(_Frame(self._closes))
        elif mark is Turn.CLOSE and len(self._frames) > 1:
            inner = self._frames.pop()
            self._closes, self._picks = inner.closes, ""
            self._frames[-1].runs[-1] += [claim for run in inner.runs for claim in run]

    def _shut_out(self, turn: Turn, said: list[Said], at: int) -> None:
        """Hear a word that closes, but for "but not" in an exclusion, and "not for export" where no place follows."""
        text, ahead = said[at][1], _ahead(said, at)
        if turn is Turn.BUT_NOT and self._closes and not self._waits:
            self._picks = _BUT_NOT
        elif turn is not Turn.STAYS or ahead:
            self._claims.lacks_base |= turn in _TAKES_AWAY and not self._claims.said and _is_after_unknown(said, at)
            self._deny(turn, text, ahead)

    def _deny(self, turn: Turn, text: str, ahead: str) -> None:
        """Close the places after a negation; or those before it, where it stands behind them; or both."""
        stands_behind = ahead != "here" and bool(self._frames[-1].runs[-1])
        if self._is_outside and not ahead and turn not in _TAKES_AWAY:
            return
        if turn is Turn.GONE:
            if not ahead or stands_behind:
                self._close_back(text, spares_world=bool(ahead))
                self._doubt(text)
            return
        if not ahead and self._close_back(text, spares_world=False):
            if turn in _TAKES_AWAY:
                self._doubt(text)
            return
        if turn not in _TAKES_AWAY and (stands_behind or (turn is Turn.DENIED and self._frames[-1].runs[-1])):
            self._close_back(text, spares_world=True)
            self._doubt(text)
        elif not ahead:
            self._doubt(text)
        self._closes = self._waits = True
        self._picks = ""

    def _except(self, said: list[Said], at: int) -> None:
        """Close the place right after a but, if all before it is open: without doubt if that was the world."""
        before = self._claims.said
        if self._closes or not _is_before_place(said, at) or not before or any(one.closes for one in before):
            return
        if before[-1].place.level is not Level.WORLD or any(words.fold(text) in _OWNS for _, text in said[at:]):
            self._doubt(said[at][1])
        self._closes = self._waits = True

    def _close_back(self, text: str, *, spares_world: bool) -> bool:
        """Close the places that a word behind them speaks of; return whether there are any."""
        reached = next((found for frame in reversed(self._frames) if (found := frame.reach())), [])
        for claim in reached:
            claim.closes = claim.closes or not (spares_world and claim.place.level is Level.WORLD)
        if len(self._frames[-1].runs) > 1 and reached and all(claim.closes for claim in self._claims.said):
            self._doubt(text)
        return bool(reached)

    def _allow(self, turn: Turn, said: list[Said], at: int) -> None:
        """Open the places after a word that lets in; a negation gives way only where nothing else can be meant."""
        text, frame = said[at][1], self._frames[-1]
        if turn in {Turn.INCLUDE, Turn.YES} and _ahead(said, at) != "here" and frame.runs[-1]:
            if any(claim.closes for claim in frame.runs[-1]):
                self._doubt(text)
            elif turn is Turn.YES:
                frame.runs = [[]]
        elif turn is Turn.YES and not self._waits:
            self._closes = False
            frame.runs = [[]]
        elif not self._closes or self._waits:
            return
        elif turn is Turn.INCLUDE:
            self._picks = "including"
        elif turn is Turn.RESTORE or _opens_anew(said, at):
            self._closes = False
        else:
            self._doubt(text)

    def _turn_outside(self, said: list[Said], at: int) -> None:
        """All but the places after it; only these, after a no or before one at the end."""
        last = max((near for near in range(at, len(said)) if isinstance(said[near][0], Place)), default=at)
        forbids = [text for meaning, text in said[last:] if meaning in _CLOSING and words.fold(text) in words.FORBIDS]
        if forbids and any(claim.place.level is Level.WORLD for claim in self._claims.said):
            self._doubt(forbids[0])
        is_denied = self._closes and self._waits
        self._is_outside = bool(forbids) and not is_denied
        self._closes = not (is_denied or forbids)
        self._waits, self._picks = False, ""

    def _name_dependencies(self, text: str) -> None:
        """Name the territories of the country before, or of all that the clause speaks of alike."""
        named = [claim for frame in self._frames for run in frame.runs for claim in run]
        alike = [claim.place for claim in named if claim.closes == self._closes and claim.place.level is Level.COUNTRY]
        are_of_all = words.fold(text) == "their" or (self._closes and words.fold(text) != "its")
        owners = alike if are_of_all else [self._last] if self._last else []
        ids = {words.DEPENDENCIES_OF[code] for owner in owners for code in owner.countries & _WITH_DEPENDENCIES}
        if not ids:
            self._claims.unplaced.append("territories and dependencies")
            self._claims.lost += ["territories and dependencies"] * self._closes
        for term in (self._terms[one] for one in sorted(ids)):
            self._name(Place(Level.GROUP, term.members, term.label, term.disputed))

    def _is_the_last_again(self, said: list[Said], at: int) -> bool:
        """Whether it is the code of the country just named: Germany (DE)."""
        stands_in_bracket = at > 0 and said[at - 1][0] is Turn.OPEN
        return stands_in_bracket and self._last is not None and self._last.countries == {said[at][1]}

    def _name(self, place: Place) -> None:
        claims = self._claims
        if place.level is Level.GROUP and place.label not in claims.terms:
            claims.terms.append(place.label)
        closes = self._closes and place != UNRESTRICTED and not (self._picks and self._is_let_in(place))
        if closes and self._picks:
            self._doubt(f"{self._picks} {place.label}")
        claim = _Claim(place, closes)
        claims.said.append(claim)
        self._frames[-1].runs[-1].append(claim)
        self._last, self._waits = place, False

    def _is_let_in(self, place: Place) -> bool:
        """Whether a place comes back from an exclusion, as a part of it.

        After "including" it does in no bracket of it, and after "but not" up to a comma outside brackets: the list of
        what is closed may go on behind that.
        """
        within = any(one.closes and place.countries < one.place.countries for one in self._claims.said)
        return within and (self._picks == _BUT_NOT or (self._picks == "including" and not self._frames[-1].closes))

    def _doubt(self, text: str) -> None:
        self._claims.doubts.append(text)


_WITH_DEPENDENCIES = frozenset(words.DEPENDENCIES_OF)
_OWNS = frozenset({"exclusive", "exclusively", "nonexclusive"})
_BUT_NOT = "but not"
_TAKES_AWAY = {Turn.EXCLUDE, Turn.BUT_NOT}
_CLOSING = {*_TAKES_AWAY, Turn.NO, Turn.DENIED, Turn.STAYS, Turn.GONE}
_OPENING = {Turn.INCLUDE, Turn.RESTORE, Turn.SALE, Turn.YES}


def _ahead(said: list[Said], at: int) -> str:
    """Where the next place of the clause or bracket is, known or not: here, beyond a comma, or nowhere."""
    depth, where = 0, "here"
    for meaning, _ in said[at + 1 :]:
        depth += (meaning is Turn.OPEN) - (meaning is Turn.CLOSE)
        if depth < 0:
            break
        if meaning is None or isinstance(meaning, Place) or meaning is Turn.THERE:
            return where
        where = "beyond" if meaning is Turn.COMMA else where
    return ""


def _is_after_unknown(said: list[Said], at: int) -> bool:
    """Whether a word that is not known stands before it, but for words that say nothing of where."""
    before = (meaning for meaning, _ in reversed(said[:at]) if meaning not in {Turn.NOTHING, Turn.OPEN, Turn.COMMA})
    return next(before, Turn.NOTHING) is None


def _is_before_place(said: list[Said], at: int) -> bool:
    """Whether a place stands right after it, but for words that say nothing of where."""
    following = (meaning for meaning, _ in said[at + 1 :] if meaning is not Turn.NOTHING)
    return isinstance(next(following, None), Place)


def _opens_anew(said: list[Said], at: int) -> bool:
    meaning, text = said[at - 1] if at else (Turn.COMMA, "")
    return meaning is Turn.COMMA or words.fold(text) in words.CONTRAST


def _with_listed(said: list[Said], *, is_closed: bool) -> list[Said]:
    """Read the words for countries that a list of what is closed may hold: excl. us, Can."""
    found: list[Said] = []
    for at, (meaning, text) in enumerate(said):
        is_closed = is_closed or meaning in _CLOSING
        code = words.LISTED.get(words.fold(text)) if is_closed and _ends_an_item(said, at) else None
        is_word = meaning is None or meaning is Turn.NOTHING
        found.append(
            (Place(Level.COUNTRY, frozenset({code}), countries.name(code)), text)
            if code and is_word
            else (meaning, text)
        )
    return found


def _ends_an_item(said: list[Said], at: int) -> bool:
    after = said[at + 1][0] if at + 1 < len(said) else Turn.COMMA
    return isinstance(after, Place) or after in {Turn.COMMA, Turn.CLOSE, Turn.INCLUDE, Turn.RESTORE, *_TAKES_AWAY}


# --- the verdict


def _settled(sentence: str, claims: _Claims) -> Reading:
    closed = [claim.place for claim in claims.said if claim.closes]
    opened = _bounded([claim.place for claim in claims.said if not claim.closes and claim.place.whole is None])
    parts = _parts(claims)
    problems = parts + _shut(claims)
    assumed = bool(closed) and not (opened or claims.doubts or claims.lacks_base)
    if assumed:
        opened.append(Place(Level.WORLD, COUNTRIES, "the rest of the world, which the sentence does not name"))
        problems.append("It says only where it is not sold: the rest of the world is taken as open.")
    if not opened:
        problems.append("It names no country and no group that is known here.")
    decisions = _decisions(opened, closed, shut=claims.is_cut or bool(claims.lost))
    clashes = {reason for reason in {one.reason for one in decisions.values()} if reason.startswith("contradiction")}
    clashing = sorted(code for code, decision in decisions.items() if clashes and decision.reason in clashes)
    if clashing:
        problems.append(f"Both for sale and not for sale: {' '.join(clashing)}.")
    disputed = [place for place in (*opened, *closed) if place.disputed]
    problems += [f"Disputed: whether {one.label} counts {' '.join(sorted(one.disputed))}." for one in disputed]
    problems += [f"It can be read both ways: “{text}”." for text in claims.doubts]
    if claims.unplaced:
        problems.append(f"Not understood: {', '.join(claims.unplaced)}.")
    resolution = Resolution(decisions, tuple(sorted(set(problems))))
    doubts = 0.15 * len(claims.unplaced) + 0.2 * assumed + 0.1 * bool(disputed) + 0.1 * len(parts)
    doubts = max(doubts + 0.3 * bool(clashing), (1 - UNSURE) * bool(claims.doubts))
    confidence = 0.0 if not resolution.countries else round(max(0.0, 1 - doubts), 2)
    return Reading(sentence, resolution, tuple(claims.unplaced), tuple(claims.terms), confidence)


def _bounded(opened: list[Place]) -> list[Place]:
    """What is opened; that nothing is restricted opens no more than the places that are named."""
    return [place for place in opened if place != UNRESTRICTED] or opened


def _parts(claims: _Claims) -> list[str]:
    return [
        f"{claim.place.label} is a part of {claim.place.whole}: "
        f"{'the whole is closed' if claim.closes else 'a part opens nothing'}."
        for claim in claims.said
        if claim.place.whole is not None
    ]


def _shut(claims: _Claims) -> list[str]:
    problems = [f"It is longer than {LONGEST_SENTENCE:,} characters and was not read to its end."] * claims.is_cut
    if claims.lost:
        problems.append(f"It shuts out {', '.join(claims.lost)}, and nobody knows here where that is.")
    return problems


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
    sets = [place.countries for place in (*opened, *closed)] + [place.disputed for place in closed]
    said: dict[str, int] = {}  # by each country, a bit for every set that holds it
    for number, codes in enumerate(sets):
        for code in codes:
            said[code] = said.get(code, 0) | 1 << number
    verdicts: dict[int, Decision] = {}
    for code, bits in said.items():
        if bits not in verdicts:
            for_ = [place for place in opened if code in place.countries]
            against = [place for place in closed if code in place.countries or code in place.disputed]
            verdicts[bits] = _verdict(code, for_, against)
        decisions[code] = verdicts[bits]


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
