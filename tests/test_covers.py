"""Covers drawn from the ISBN: the same bytes, small, legible, and never type upon the pattern."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from shop.catalogue.covers import drawing
from shop.catalogue.covers.drawing import PALETTES, draw, estimate, fit

if TYPE_CHECKING:
    from shop.catalogue.covers.drawing import Palette

SVG = "{http://www.w3.org/2000/svg}"
LONG_TITLE = (
    "An Incomplete Account of the Expeditions, Quarrels, Instruments and Weather Diaries of the North Sea "
    "Kite Survey, Together with Several Letters That Were Never Answered"
)
BOOKS = (
    ("Exit Stalin", "The Soviet Union as a Civilization, 1953-1991", "Mark B. Smith"),
    ("Salt", None, "R. Ito"),
    (LONG_TITLE, None, "Edmund Farrant-Achebe"),
    ("Antidisestablishmentarianism", "A Very Short Reckoning", "Nkechi Adébáyọ̀-Wren"),
    ("Donaudampfschifffahrtselektrizitätenhauptbetrieb", None, "Ana Łukasiewicz and Kenji Ōkawa"),
)
ISBNS = [f"97899999{n:05d}" for n in range(240)]


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


def parsed(svg: str) -> etree._Element:
    return etree.fromstring(svg.encode())


def luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance."""
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def inherited(element: etree._Element, name: str) -> str | None:
    for one in (element, *element.iterancestors()):
        if (value := one.get(name)) is not None:
            return value
    return None


def lines(cover: etree._Element) -> list[tuple[Box, etree._Element]]:
    """Every line of type with the box it takes, by the module's own estimate."""
    found = []
    for text in cover.iter(f"{SVG}text"):
        words, size = text.text or "", float(inherited(text, "font-size") or 0)
        tracking = float((inherited(text, "letter-spacing") or "0").removesuffix("em"))
        width = size * (estimate(words) + tracking * len(words))
        x, y = float(text.get("x", "0")), float(text.get("y", "0"))
        left = x - width / 2 if inherited(text, "text-anchor") == "middle" else x
        found.append((Box(left, y - size * 0.75, left + width, y + size * 0.2), text))
    return found


def plates(cover: etree._Element) -> list[Box]:
    """Where the pattern is drawn."""
    found = []
    for art in cover.findall(f"{SVG}svg"):
        x, y, width, height = (float(art.get(name, "0")) for name in ("x", "y", "width", "height"))
        found.append(Box(x, y, x + width, y + height))
    return found


def label(cover: etree._Element, palette: Palette) -> Box | None:
    """The label pasted over the pattern, if there is one."""
    for path in cover.findall(f"{SVG}path"):
        if path.get("fill") == palette.ink:
            shape = path.get("d", "").replace("M", "").replace("h", " ").replace("V", " ").replace("H", " ")
            left, top, width, bottom = (float(number) for number in shape.split()[:4])
            return Box(left, top, left + width, bottom)
    return None


def palette_of(isbn: str) -> Palette:
    return PALETTES[int.from_bytes(hashlib.sha256(isbn.encode()).digest()) % len(PALETTES)]


def test_the_same_book_has_the_same_cover_to_the_byte() -> None:
    svg = draw("9781631498299", *BOOKS[0])

    assert svg == draw("9781631498299", *BOOKS[0])
    # Covers are served as immutable: whoever changes the drawing changes their address too, and this line.
    assert hashlib.sha256(svg.encode()).hexdigest()[:16] == "1101bd2a473e1f10"


def test_different_books_look_different() -> None:
    assert len({draw(isbn, *BOOKS[0]) for isbn in ISBNS}) == len(ISBNS)


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book[0][:20])
def test_every_cover_is_one_small_well_formed_image(book: tuple[str, str | None, str]) -> None:
    for isbn in ISBNS:
        svg = draw(isbn, *book)
        cover = parsed(svg)
        assert len(svg.encode()) <= 2600
        assert cover.get("viewBox") == "0 0 600 900"
        assert cover.findtext(f"{SVG}title") == book[0]


@pytest.mark.parametrize("palette", PALETTES, ids=lambda palette: palette.ground)
def test_type_is_legible_in_every_palette(palette: Palette) -> None:
    assert contrast(palette.ink, palette.ground) >= 9
    assert all(contrast(c, palette.ground) >= 1.3 for c in (palette.first, palette.second, palette.third))


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book[0][:20])
def test_type_keeps_to_the_page_and_off_the_pattern(book: tuple[str, str | None, str]) -> None:
    page = Box(0, 0, drawing.WIDTH, drawing.HEIGHT)
    for isbn in ISBNS:
        cover, palette = parsed(draw(isbn, *book)), palette_of(isbn)
        pasted = label(cover, palette)
        room = pasted or page
        for box, text in lines(cover):
            assert room.left + 20 <= box.left
            assert box.right <= room.right - 20
            assert room.top + 20 <= box.top
            assert box.bottom <= room.bottom - 20
            assert pasted or not any(box.meets(plate) for plate in plates(cover)), (isbn, text.text)
            assert inherited(text, "fill") == (palette.ground if pasted else palette.ink)


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book[0][:20])
def test_no_line_of_type_runs_into_another(book: tuple[str, str | None, str]) -> None:
    for isbn in ISBNS:
        boxes = [box for box, _ in lines(parsed(draw(isbn, *book)))]
        assert not any(a.meets(b) for n, a in enumerate(boxes) for b in boxes[:n]), isbn


def test_markup_in_a_title_is_only_text() -> None:
    title = '<script>alert("1 & 2")</script>'
    cover = parsed(draw("9789999900003", title, "a < b", "R & D"))

    assert cover.findtext(f"{SVG}title") == title
    assert not cover.findall(f".//{SVG}script")


def test_what_xml_forbids_is_left_out() -> None:
    assert parsed(draw("9789999900003", "Sa\x00lt\x0b\ud800 Road", None, "R.\x1bIto")).findtext(f"{SVG}title") == (
        "Sa lt Road"
    )


def test_accents_are_kept_and_cost_no_width() -> None:
    words = "".join(text.text or "" for _, text in lines(parsed(draw("9789999900003", "Øresund", None, "Ōe Björk"))))

    assert words == "ØresundŌe Björk"
    assert estimate("Björk") == estimate("Bjork")
    assert estimate("Adébáyọ̀") == estimate("Adebayo")


@pytest.mark.parametrize("word", ["m" * 48, "Donaudampfschifffahrtselektrizitätenhauptbetrieb", "W" * 30])
def test_a_word_too_long_at_the_smallest_size_is_broken_with_a_hyphen(word: str) -> None:
    set_lines, size = fit(word, 320, 500, 92, drawing.SMALLEST_TITLE)

    assert size == drawing.SMALLEST_TITLE
    assert all(line.endswith("-") for line in set_lines[:-1])
    assert all(estimate(line) * size <= 320 for line in set_lines)
    assert "".join(line.removesuffix("-") for line in set_lines[:-1]) + set_lines[-1] == word


def test_a_word_that_fits_is_never_broken() -> None:
    set_lines, size = fit("Antidisestablishmentarianism", 488, 400, 92, drawing.SMALLEST_TITLE)

    assert set_lines == ["Antidisestablishmentarianism"]
    assert size > drawing.SMALLEST_TITLE


def test_a_book_without_words_still_has_a_cover() -> None:
    assert not lines(parsed(draw("9789999900003", "", None, "")))


@pytest.mark.parametrize("text", ["&" * 900, "書物" * 300, "word " * 300], ids=["escapes", "wide", "many"])
def test_a_monstrous_title_is_cut_and_says_so(text: str) -> None:
    for isbn in ISBNS[:60]:
        svg = draw(isbn, text, None, "R. Ito")
        assert len(svg.encode()) <= 2600
        assert (parsed(svg).findtext(f"{SVG}title") or "").endswith("…")
