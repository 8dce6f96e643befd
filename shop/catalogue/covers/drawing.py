"""Covers for books that have none, drawn from the ISBN: the same book, the same bytes.

The SHA-256 of the ISBN is thrown like a handful of dice: it chooses a palette, a composition and a pattern,
and then the measures inside the pattern. Text is set by estimated widths, since an SVG inside `<img>` sees
none of the page's fonts; it always stands on a plain ground, never on the pattern.
"""

import hashlib
import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import TypeVar

from shop.catalogue.facts.markup import FORBIDDEN

WIDTH = 600
HEIGHT = 900
SMALLEST_TITLE = 28.0  # px; a word still too wide is broken rather than shrunk
FAMILY = "'Iowan Old Style',Charter,Georgia,'Times New Roman',serif"

T = TypeVar("T")


@dataclass(frozen=True)
class Palette:
    """Five colours: text is `ink` on `ground`, or the reverse, at 9:1 or better; the rest are for the art."""

    ground: str
    ink: str
    first: str
    second: str
    third: str


PALETTES = (
    Palette("#14213d", "#f6f0e4", "#e0a458", "#c4553b", "#5b7194"),  # midnight, amber, brick
    Palette("#4a1420", "#f8ece1", "#e39a7b", "#f0cfa6", "#9b3d46"),  # oxblood, shell, straw
    Palette("#12352b", "#f4f0df", "#dcb95f", "#7fb093", "#3f7a60"),  # bottle green, brass, sage
    Palette("#2c1a3b", "#f6edf3", "#d79abf", "#f0bfa0", "#7c5796"),  # aubergine, mallow, apricot
    Palette("#1d2b34", "#eff2ec", "#8fb8c6", "#e6c48d", "#537a8c"),  # slate, ice, sand
    Palette("#3a2316", "#f8ecda", "#dd9a52", "#a3ae7a", "#8a5a38"),  # umber, ochre, moss
    Palette("#dfe4cd", "#172013", "#5b6d2a", "#a5482c", "#a9b97f"),  # lichen, olive, clay
    Palette("#e8e5dc", "#17221e", "#2c6a56", "#cc8a35", "#98b3a2"),  # stone, viridian, marigold
    Palette("#f4dfd5", "#2b1018", "#9e3047", "#4b5b7d", "#dd9c8f"),  # blush, damson, dusk
    Palette("#dce7ea", "#0f1f2e", "#2a5f87", "#d67d4b", "#8fb4c4"),  # mist, cobalt, rust
    Palette("#f3e0a9", "#23190a", "#ad4a1e", "#3c5b4d", "#d9a441"),  # butter, cinnamon, pine
    Palette("#f5eddd", "#1d1b22", "#b53f2c", "#2f4858", "#dba964"),  # cream, vermilion, ink blue
)


def draw(isbn: str, title: str, subtitle: str | None, author: str) -> str:
    """The cover as an SVG document, 600 by 900, at most 2.6 kB."""
    dice = _Dice(isbn)
    words = _Words(_clip(title, 190), _clip(subtitle or "", 120), _clip(author, 90))
    palette = dice.one_of(PALETTES)
    composition, patterns = dice.one_of(_COMPOSITIONS)
    cover = composition(words, palette, _Artist(dice.one_of(patterns), dice, palette))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="{FAMILY}"><title>{escape(words.title, quote=False)}</title>'
        f'<path fill="{palette.ground}" d="M0 0h{WIDTH}v{HEIGHT}H0z"/>{cover}</svg>'
    )


@lru_cache(maxsize=4096)
def estimate(text: str) -> float:
    """The width of a line in ems, after Georgia, which is wider than most book faces."""
    return sum(_advance(character) for character in unicodedata.normalize("NFD", text))


def fit(text: str, width: float, height: float, largest: float, smallest: float) -> tuple[list[str], float]:
    """The lines, at the largest size (px) that keeps them within width and height.

    At the smallest size height is no longer kept, and a word wider than the line is broken with a hyphen.
    """
    words = text.split()
    if not words:
        return [], largest
    size = min(largest, width / max(map(estimate, words)))
    while size > smallest:
        lines = _balance(words, _wrap(words, width / size), width / size)
        if len(lines) * size * _LEADING <= height and (size < 0.6 * largest or not _is_ragged(lines)):
            return lines, size
        size *= 0.94
    pieces = [piece for word in words for piece in _break(word, width / smallest)]
    return _wrap(pieces, width / smallest), smallest


# --- Dice -----------------------------------------------------------------------------------------------


class _Dice:
    """A hash, spent throw by throw: 256 bits are enough for any one cover."""

    def __init__(self, seed: str) -> None:
        self._left = int.from_bytes(hashlib.sha256(seed.encode()).digest())

    def throw(self, low: int, high: int) -> int:
        """A number from low to high, both included."""
        self._left, thrown = divmod(self._left, high - low + 1)
        return low + thrown

    def one_of(self, things: Sequence[T]) -> T:
        return things[self.throw(0, len(things) - 1)]


# --- Type -----------------------------------------------------------------------------------------------

LAST_LATIN = "\u024f"
_LEADING = 1.12
_SPACE = 0.25
_EMS = {
    **dict.fromkeys("ijl|'.,:;!·\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}", 0.30),
    **dict.fromkeys('frt()[]I-/“”"', 0.42),
    **dict.fromkeys("csz?vJ", 0.50),
    **dict.fromkeys("wÞÆæŒœ%…", 0.82),
    **dict.fromkeys("DGHNOQU&", 0.80),
    **dict.fromkeys("mMW—@", 0.97),
    " ": _SPACE,
}


def _advance(character: str) -> float:
    if known := _EMS.get(character):
        return known
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    if character.isalpha() and character > LAST_LATIN:  # Greek and Cyrillic, and the faces that have them, are wider
        return 0.80 if character.isupper() else 0.67
    return 0.70 if character.isupper() else 0.58


def _wrap(words: Sequence[str], ems: float) -> list[str]:
    lines: list[str] = []
    used = 0.0
    for word in words:
        width = estimate(word)
        if lines and used + _SPACE + width <= ems:
            lines[-1] += f" {word}"
            used += _SPACE + width
        else:
            lines.append(word)
            used = width
    return lines


def _balance(words: Sequence[str], lines: list[str], ems: float) -> list[str]:
    """The same number of lines, as nearly equal as a narrower measure makes them."""
    for share in (0.6, 0.7, 0.8, 0.9):
        narrower = _wrap(words, ems * share)
        if len(narrower) == len(lines) and max(map(estimate, narrower)) <= ems:
            return narrower
    return lines


def _is_ragged(lines: Sequence[str]) -> bool:
    """Whether some short word stands all alone above or below long ones."""
    return min(map(len, lines)) < 0.34 * max(map(len, lines))


def _break(word: str, ems: float) -> list[str]:
    """The word whole if it fits, else in the fewest nearly equal pieces."""
    if estimate(word) <= ems:
        return [word]
    share = estimate(word) / math.ceil(estimate(word) / (ems - 2))
    pieces = [""]
    for character in word:
        if estimate(pieces[-1]) >= share:
            pieces[-1] += "-"
            pieces.append("")
        pieces[-1] += character
    return pieces


def _clip(text: str, most: int) -> str:
    """The text without what XML forbids, shortened to a number of bytes as they will be written."""
    kept = whole = " ".join(FORBIDDEN.sub(" ", text).split())
    while len(escape(kept, quote=False).encode()) > most:
        kept = kept[:-1]
    return kept if kept == whole else f"{kept.rstrip(' ,;:-')}…"


@dataclass(frozen=True)
class _Words:
    title: str
    subtitle: str
    author: str


@dataclass(frozen=True)
class _Face:
    """One of the three voices on a cover: the sizes it may take and how it is dressed."""

    largest: float
    smallest: float
    dress: str = ""
    tracking: float = 0.0  # em


_TITLE = _Face(92, SMALLEST_TITLE)
_SUBTITLE = _Face(27, 20, ' font-style="italic"')
_AUTHOR = _Face(25, 18, ' letter-spacing=".08em"', 0.08)


@dataclass(frozen=True)
class _Column:
    """A column of type: where it stands, how wide it is, whether it is centred."""

    x: int
    width: int
    is_centred: bool = False

    def title_and_subtitle(self, words: _Words, top: float, height: float) -> tuple[str, float]:
        """Both, one under the other, and where they end."""
        title, end = self.block(words.title, _TITLE, top, height)
        if not words.subtitle:
            return title, end
        subtitle, end = self.block(words.subtitle, _SUBTITLE, end + 16, 120)
        return title + subtitle, end

    def block(self, text: str, face: _Face, top: float, height: float = HEIGHT) -> tuple[str, float]:
        """The markup of a text whose first line hangs from `top`, and where its last line ends."""
        width = self.width / (1 + 2 * face.tracking)
        lines, size = fit(text, width, height, face.largest, face.smallest)
        step = size * _LEADING
        rows = "".join(
            f'<text x="{self.x}" y="{top + size * 0.78 + step * row:.0f}">{escape(line, quote=False)}</text>'
            for row, line in enumerate(lines)
        )
        anchor = ' text-anchor="middle"' if self.is_centred else ""
        return f'<g font-size="{size:.4g}"{anchor}{face.dress}>{rows}</g>', top + step * len(lines)

    def block_ending(self, text: str, face: _Face, bottom: float) -> tuple[str, float]:
        """As `block`, standing on `bottom`; and where it begins."""
        _, end = self.block(text, face, 0)
        return self.block(text, face, bottom - end)[0], bottom - end


# --- Compositions: who stands where ---------------------------------------------------------------------


_Pattern = Callable[["_Dice", Palette, int, int], str]


_SPINE = 180  # px, the width of a patterned spine


@dataclass(frozen=True)
class _Artist:
    """A pattern with everything it needs but a place."""

    pattern: _Pattern
    dice: _Dice
    palette: Palette

    def fill(self, x: float, y: float, width: float, height: float) -> str:
        """The pattern, cut off at the edges of a rectangle."""
        size = f'width="{width:.0f}" height="{height:.0f}"'
        art = self.pattern(self.dice, self.palette, round(width), round(height))
        return f'<svg x="{x:.0f}" y="{y:.0f}" {size}>{art}</svg>'


def _standing(words: _Words, palette: Palette, artist: _Artist) -> str:
    """Author, a short rule and title above; the art rises from the foot."""
    column = _Column(56, 488)
    author, end = column.block(words.author, _AUTHOR, 56)
    rule = f'<path fill="{palette.first}" d="M56 {end + 20:.0f}h56v5h-56z"/>'
    title, end = column.title_and_subtitle(words, end + 50, 380)
    top = max(end + 44, 400)
    return f'<g fill="{palette.ink}">{author}{title}</g>{rule}{artist.fill(0, top, WIDTH, HEIGHT - top)}'


def _hanging(words: _Words, palette: Palette, artist: _Artist) -> str:
    """The art hangs from the head; title and author stand beneath it."""
    column = _Column(56, 488)
    author, top = column.block_ending(words.author, _AUTHOR, HEIGHT - 52)
    _, height = column.title_and_subtitle(words, 0, 360)
    start = min(top - height - 40, 600)
    title, _ = column.title_and_subtitle(words, start, 360)
    edge = start - 46
    rule = f'<path fill="{palette.first}" d="M0 {edge:.0f}h{WIDTH}v6H0z"/>'
    return f'{artist.fill(0, 0, WIDTH, edge)}{rule}<g fill="{palette.ink}">{title}{author}</g>'


def _banded(words: _Words, palette: Palette, artist: _Artist) -> str:
    """A belt of art between the title and the author."""
    column = _Column(56, 488)
    title, end = column.title_and_subtitle(words, 62, 380)
    author, start = column.block_ending(words.author, _AUTHOR, HEIGHT - 52)
    top, bottom = end + 40, start - 40
    return f'<g fill="{palette.ink}">{title}{author}</g>{artist.fill(0, top, WIDTH, bottom - top)}'


def _framed(words: _Words, palette: Palette, artist: _Artist) -> str:
    """Everything on the middle line, a plate in the centre, a double frame around."""
    column = _Column(WIDTH // 2, 440, is_centred=True)
    title, end = column.title_and_subtitle(words, 84, 330)
    author, start = column.block_ending(words.author, _AUTHOR, HEIGHT - 82)
    side = min(start - end - 76, 392)
    plate = artist.fill((WIDTH - side) / 2, (end + start - side) / 2, side, side)
    frame = (
        f'<g fill="none" stroke="{palette.first}"><path stroke-width="5" d="M30 30h540v840H30z"/>'
        '<path d="M40 40h520v820H40z"/></g>'
    )
    return f'{frame}<g fill="{palette.ink}">{title}{author}</g>{plate}'


def _labelled(words: _Words, palette: Palette, artist: _Artist) -> str:
    """Patterned paper all over, and a pasted label."""
    column = _Column(WIDTH // 2, 372, is_centred=True)
    title, end = column.title_and_subtitle(words, 150, 330)
    author, end = column.block(words.author, _AUTHOR, end + 34)
    bottom = end + 40
    label = (
        f'<path fill="{palette.ink}" d="M84 100h432V{bottom:.0f}H84z"/>'
        f'<path fill="none" stroke="{palette.ground}" d="M94 110h412V{bottom - 10:.0f}H94z"/>'
    )
    return f'{artist.fill(0, 0, WIDTH, HEIGHT)}{label}<g fill="{palette.ground}">{title}{author}</g>'


def _bound(words: _Words, palette: Palette, artist: _Artist) -> str:
    """A patterned spine down the left, the words beside it."""
    column = _Column(_SPINE + 52, 320)
    title, _ = column.title_and_subtitle(words, 70, 520)
    author, _ = column.block_ending(words.author, _AUTHOR, HEIGHT - 60)
    edge = f'<path fill="{palette.first}" d="M{_SPINE} 0h6v{HEIGHT}h-6z"/>'
    return f'{artist.fill(0, 0, _SPINE, HEIGHT)}{edge}<g fill="{palette.ink}">{title}{author}</g>'


# --- Patterns: each fills a width and a height with at most 1.1 kB ---------------------------------------


def _rings(dice: _Dice, palette: Palette, width: int, height: int) -> str:
    """Rings around two centres, one drawn over the other."""
    step = dice.throw(26, 38)
    count = 11
    centres = (
        (dice.throw(0, width // 3), dice.throw(height // 2, height)),
        (width - dice.throw(0, width // 3), 0),
    )

    def rings(centre: tuple[int, int], colour: str, stroke: int) -> str:
        circles = "".join(f'<circle r="{step * n}"/>' for n in range(1, count))
        place = f'transform="translate({centre[0]} {centre[1]})"'
        return f'<g {place} fill="none" stroke="{colour}" stroke-width="{stroke}">{circles}</g>'

    return rings(centres[1], palette.third, 3) + rings(centres[0], palette.first, dice.throw(5, 10))


def _scales(dice: _Dice, palette: Palette, width: int, height: int) -> str:
    """Overlapping scales, as on Japanese cloth."""
    radius = min(round(width / dice.throw(4, 6) / 2), 70) if width > _SPINE else width // 3
    name = f"s{dice.throw(0, 0xFFFFF):x}"
    colours = (palette.ground, palette.first, palette.ground, palette.second, palette.ground, palette.third)
    scale = "".join(
        f'<circle r="{radius * share:.0f}" fill="{colour}"/>'
        for share, colour in zip((1, 0.94, 0.74, 0.64, 0.4, 0.3), colours, strict=True)
    )
    half = radius // 2
    places = [(x, y) for y in range(-1, 4) for x in ((0, 2) if y % 2 else (1,))]
    stamps = "".join(f'<use href="#{name}" x="{x * radius}" y="{y * half}"/>' for x, y in places)
    return (
        f'<pattern id="{name}p" width="{2 * radius}" height="{2 * half}" patternUnits="userSpaceOnUse">'
        f'<g id="{name}">{scale}</g>{stamps}</pattern>'
        f'<path fill="url(#{name}p)" d="M0 0h{width}v{height}H0z"/>'
    )


def _waves(dice: _Dice, palette: Palette, width: int, height: int) -> str:
    """Nine seas, one in front of the other."""
    colours = (palette.third, palette.second, palette.first, palette.ground)
    start = dice.throw(0, 3)
    layers = []
    for n in range(9):
        y = round(height * (0.06 + n * 0.11))
        length = dice.throw(5, 9) * 10
        swell = dice.throw(14, 34) * (1 if n % 2 else -1)
        crests = math.ceil(width / length) + 1
        path = f"M{-dice.throw(0, 40)} {y}q{length // 2} {swell} {length} 0" + f"t{length} 0" * crests
        layers.append(f'<path fill="{colours[(start + n) % 4]}" d="{path}V{height}H-50z"/>')
    return "".join(layers)


def _dots(dice: _Dice, palette: Palette, width: int, height: int) -> str:
    """Rows of dots that swell and shrink, as in a coarse halftone."""
    pitch = max(dice.one_of((40, 50, 60)), height // 12)
    phase, turn = dice.throw(0, 62) / 10, dice.throw(15, 40) / 100
    rows = ["", ""]
    for n in range(2 * height // pitch + 1):
        size = pitch * (0.47 + 0.38 * math.sin(phase + n * turn))
        line = f"M{n % 2 * pitch // 2} {n * pitch // 2}H{width + pitch}"
        rows[n % 2] += f'<path stroke-width="{size:.0f}" d="{line}"/>'
    other = dice.one_of((palette.first, palette.second))
    return (
        f'<g stroke-linecap="round" stroke-dasharray="0 {pitch}"><g stroke="{palette.first}">{rows[0]}</g>'
        f'<g stroke="{other}">{rows[1]}</g></g>'
    )


def _peaks(dice: _Dice, palette: Palette, width: int, height: int) -> str:
    """Ridge behind ridge, and a low sun."""
    radius = min(width, height) * dice.throw(14, 22) // 100
    sun_x = width * dice.throw(25, 75) // 100
    sky = f'<circle cx="{sun_x}" cy="{round(height * 0.1) + radius}" r="{radius}" fill="{palette.second}"/>'
    ridges = []
    for n, opacity in enumerate((0.35, 0.5, 0.68, 0.84, 1)):
        base = height * (0.34 + n * 0.15)
        step = width / dice.throw(4, 6)
        points = [
            f"{round(step * (k - 0.5))} {round(base + (-1) ** k * height * dice.throw(3, 13) / 100)}"
            for k in range(math.ceil(width / step) + 2)
        ]
        colour = palette.first if n % 2 == 0 else palette.third
        ridges.append(
            f'<path fill="{palette.ground}" d="M-99 {height}L{" ".join(points)}V{height}z"/>'
            f'<path fill="{colour}" opacity="{opacity}" d="M-99 {height}L{" ".join(points)}V{height}z"/>'
        )
    return sky + "".join(ridges)


_MOST_TILES = 30  # more would cost too many bytes


def _tiles(dice: _Dice, palette: Palette, width: int, height: int) -> str:
    """Quarter discs, each turned as it was dealt."""
    across = next(n for n in (6, 5, 4, 3, 2, 1) if n * math.ceil(height * n / width) <= _MOST_TILES)
    cell = math.ceil(width / across)
    sides = ((0, 0, f"h{cell}"), (cell, 0, f"v{cell}"), (cell, cell, f"h-{cell}"), (0, cell, f"v-{cell}"))
    ends = (f"-{cell} {cell}", f"-{cell}-{cell}", f"{cell}-{cell}", f"{cell} {cell}")
    paths = {palette.first: "", palette.second: "", palette.third: ""}
    for n in range(across * math.ceil(height / cell)):
        turn, colour = dice.throw(0, 3), dice.one_of(tuple(paths))
        right, down, side = sides[turn]
        corner = f"M{n % across * cell + right} {n // across * cell + down}"
        paths[colour] += f"{corner}{side}a{cell} {cell} 0 0 1{' ' * (ends[turn][0] != '-')}{ends[turn]}z"
    return _filled(paths)


def _shelf(dice: _Dice, palette: Palette, width: int, height: int) -> str:
    """Books on a shelf, by their spines."""
    colours = (palette.first, palette.second, palette.third)
    paths = dict.fromkeys((*colours, palette.ground), "")
    x, last = dice.throw(-30, 0), 0
    while x < width:
        last = (last + dice.throw(1, 2)) % 3
        thick = dice.throw(26, 58)
        tall = round(height * dice.throw(58, 94) / 100)
        paths[colours[last]] += f"M{x} {height}v-{tall}h{thick}v{tall}z"
        band = height - tall + dice.throw(24, 60)
        paths[palette.ground] += f"M{x} {band}h{thick}v6h-{thick}z"
        x += thick + 4
    return _filled(paths)


def _filled(paths: dict[str, str]) -> str:
    return "".join(f'<path fill="{colour}" d="{path}"/>' for colour, path in paths.items() if path)


def _sun(dice: _Dice, palette: Palette, width: int, height: int) -> str:
    """A great disc over the sea, and its reflection in strokes."""
    x = width * dice.throw(35, 65) // 100
    horizon = height * dice.throw(52, 62) // 100
    radius = round(min(width * 0.34, horizon * 0.72))
    strokes, y, n = "", horizon + 14, 0
    while y < height:
        reach = round(radius * (1.25 - n * 0.05) * dice.throw(70, 125) / 100)
        strokes += f"M{x - reach} {y}H{x + reach - dice.throw(0, 50)}"
        n += 1
        y += 15 + n
    sea = f'<path fill="{palette.third}" d="M0 {horizon}h{width}V{height}H0z"/>'
    disc = f'<path fill="{palette.first}" d="M{x - radius} {horizon}a{radius} {radius} 0 0 1 {2 * radius} 0z"/>'
    return f'{disc}{sea}<path stroke="{palette.first}" stroke-width="7" stroke-linecap="round" d="{strokes}"/>'


def _fronds(dice: _Dice, palette: Palette, width: int, height: int) -> str:
    """Stems with paired leaves, growing from the foot."""
    name = f"f{dice.throw(0, 0xFFFFF):x}"
    pace = max(58, height // 12)
    reach, rise = dice.throw(54, 72), pace * dice.throw(65, 100) // 100
    third, tip = reach // 3, rise + 22
    leaf = f"c{third}-{rise} {reach}-{rise} {reach}-{tip}c0 {rise} -{third} {tip} -{reach} {tip}z"
    leaves = "".join(f"M0-{n * pace + 20}{leaf}" for n in range(max(3, round(height / pace))))
    pair = f'<use href="#{name}"/><use href="#{name}" transform="scale(-1 1)"/>'
    colours = (palette.first, palette.second, palette.third)
    count = max(1, round(width / 150))
    stems = "".join(
        f'<g transform="translate({round(width * (n + 0.5) / count)} {height + dice.throw(0, 90)})" '
        f'fill="{colours[(n + count) % 3]}">{pair}</g>'
        for n in range(count)
    )
    edge = f'stroke="{palette.ground}" stroke-width="2"'
    return f'<defs><path id="{name}" {edge} d="{leaves}"/></defs>{stems}'


_ALL_OVER = (_rings, _scales, _waves, _dots, _tiles, _fronds)  # these have no up, no down and no middle
_ANY = (*_ALL_OVER, _peaks, _shelf, _sun)
_COMPOSITIONS = (
    (_standing, _ANY),
    (_hanging, _ANY),
    (_banded, _ANY),
    (_framed, _ANY),
    (_labelled, _ALL_OVER),
    (_bound, _ALL_OVER),
)
