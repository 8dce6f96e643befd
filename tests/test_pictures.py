"""Covers as bitmaps: the same on every machine, whatever letters a title is written in."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import ImageFont

from shop.catalogue.covers import bitmaps, drawing
from shop.settings import assets
from tests.makers import HARDBACK, Scene

ROOT = Path(__file__).parent.parent
PNG = b"\x89PNG\r\n\x1a\n"


def size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(PNG)
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


@pytest.mark.parametrize("title", ["Exit Stalin", "Łódź & <History>", "ọ̀rọ̀", "Прилив", "", "x" * 300])
def test_every_cover_is_a_bitmap_of_its_size(title: str) -> None:
    drawn = drawing.draw(HARDBACK, title, "A subtitle", "Zoë Ōe")

    assert size(bitmaps.cover(drawn)) == (bitmaps.WIDTH, bitmaps.HEIGHT)
    assert size(bitmaps.card(drawn)) == (bitmaps.CARD_WIDTH, bitmaps.CARD_HEIGHT)


def test_words_are_on_the_picture_without_any_font_of_the_machine() -> None:
    with_words, without = (bitmaps.cover(drawing.draw(HARDBACK, title, None, "")) for title in ("Stalin", "\u200b"))

    assert with_words != without
    assert bitmaps.cover(drawing.draw(HARDBACK, "Lodz", None, "")) != bitmaps.cover(
        drawing.draw(HARDBACK, "Łódź", None, "")
    )


WIDE = Path("/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf")
has_wide = pytest.mark.skipif(not WIDE.is_file(), reason="this machine has no font with more letters than ours")


@has_wide
def test_letters_that_our_font_lacks_are_set_in_one_of_the_machine() -> None:
    one, other = (bitmaps.cover(drawing.draw(HARDBACK, title, None, "")) for title in ("Прилив", "Пролив"))

    assert one != other, "or both would be six boxes"


@has_wide
@pytest.mark.parametrize("title", ["Преступление и наказание", "Ὀδύσσεια, ῥαψῳδία", "Щёлковское шоссе"])
def test_words_in_greek_and_cyrillic_stay_on_the_cover(title: str) -> None:
    assert drawing.estimate(title) >= ImageFont.truetype(WIDE, 100).getlength(title) / 100


IOWAN = "Iowan Old Style"
"""The first font that a cover asks for, of the machines that have it."""
DRAWN = """
import sys, resvg_py
from shop.catalogue.covers import bitmaps

named, with_ours, *fonts = sys.argv[1:]
print(bitmaps.cover(named) == bitmaps.cover(with_ours), bitmaps.card(named) == bitmaps.card(with_ours))
theirs, ours = (resvg_py.svg_to_bytes(svg_string=one, font_files=fonts) for one in (named, with_ours))
print(theirs == ours)
"""
"""A process of its own, since a drawing program looks only once for what the machine has."""


def test_a_font_of_the_machine_is_not_drawn_with_even_where_a_cover_names_it(tmp_path: Path) -> None:
    fonts = [assets("config") / "fonts" / name for name in bitmaps.FONTS]
    slanted = fonts[1].read_bytes().replace(bitmaps.FAMILY.encode("utf-16-be"), IOWAN.encode("utf-16-be"))
    (tmp_path / ".fonts").mkdir()
    (tmp_path / ".fonts" / "iowan.ttf").write_bytes(slanted)
    drawn = drawing.draw(HARDBACK, "Exit Stalin", "A subtitle", "Zoë Ōe")
    command = [sys.executable, "-c", DRAWN, drawn, drawn.replace(IOWAN, bitmaps.FAMILY), *map(str, fonts)]
    machine = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    said = subprocess.run(command, env=machine, capture_output=True, text=True, check=True).stdout

    assert IOWAN in drawn
    assert said.splitlines()[0] == "True True"
    assert said.splitlines()[1] == "False", "the control: a drawing program left to itself takes what the machine has"


def test_a_link_to_a_book_shows_its_card(scene: Scene) -> None:
    page = scene.get("/books/exit-stalin").text
    (address,) = re.findall(r'<meta property="og:image" content="http://localhost([^"]+)">', page)
    card, bitmap = scene.get(address), scene.get(f"/covers/{HARDBACK}.png")

    assert (card.mimetype, size(card.data)) == ("image/png", (1200, 630))
    assert size(bitmap.data) == (400, 600)
    assert scene.get(address, **{"If-None-Match": card.headers["ETag"]}).status_code == 304
    assert scene.get("/covers/9780000000002.png").status_code == 404
