"""Pictures: covers as bitmaps, for those who cannot show a drawing: link previews and the catalogues of reading apps.

Text is set in a font that the shop brings along, so that the same book has the same picture on every machine. It has
Latin letters; others are set in what fonts the machine has.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import resvg_py

from shop.catalogue.covers.drawing import HEIGHT as DRAWN_HEIGHT
from shop.catalogue.covers.drawing import WIDTH as DRAWN_WIDTH
from shop.settings import assets

WIDTH, HEIGHT = 400, 600
CARD_WIDTH, CARD_HEIGHT = 1200, 630
FAMILY = "Frontlist Serif"
FONTS = ("FrontlistSerif-Regular.ttf", "FrontlistSerif-Italic.ttf")
_MARGIN = 30


def cover(drawing: str) -> bytes:
    """Return a drawn cover (SVG) as PNG, WIDTH by HEIGHT."""
    return _png(drawing, WIDTH)


def card(drawing: str) -> bytes:
    """Return a card with the cover in its middle as PNG, CARD_WIDTH by CARD_HEIGHT (Open Graph's shape)."""
    height = CARD_HEIGHT - 2 * _MARGIN
    width = height * DRAWN_WIDTH // DRAWN_HEIGHT
    place = f'x="{(CARD_WIDTH - width) // 2}" y="{_MARGIN}" width="{width}" height="{height}"'
    inside = drawing[drawing.index("<svg") + len("<svg") :].replace(' xmlns="http://www.w3.org/2000/svg"', "", 1)
    return _png(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {CARD_WIDTH} {CARD_HEIGHT}">'
        f'<rect width="{CARD_WIDTH}" height="{CARD_HEIGHT}" fill="#f3eee3"/><svg {place}{inside}</svg>',
        CARD_WIDTH,
    )


@lru_cache(maxsize=200)
def _png(drawing: str, width: int) -> bytes:
    fonts = [str(assets("config") / "fonts" / name) for name in FONTS]
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=drawing,
            width=width,
            font_files=fonts,
            font_family=FAMILY,
            serif_family=FAMILY,
            skip_system_fonts=not _has_other_letters(drawing),
        )
    )


def _has_other_letters(drawing: str) -> bool:
    return any(letter.isalpha() and not unicodedata.name(letter, "").startswith("LATIN") for letter in drawing)
