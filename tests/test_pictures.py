"""Covers as bitmaps: the same on every machine, whatever letters a title is written in."""

from __future__ import annotations

import re
import struct

import pytest

from shop.catalogue.covers import bitmaps, drawing
from tests.makers import HARDBACK, Scene

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


def test_a_link_to_a_book_shows_its_card(scene: Scene) -> None:
    page = scene.get("/books/exit-stalin").text
    (address,) = re.findall(r'<meta property="og:image" content="http://localhost([^"]+)">', page)
    card, bitmap = scene.get(address), scene.get(f"/covers/{HARDBACK}.png")

    assert (card.mimetype, size(card.data)) == ("image/png", (1200, 630))
    assert size(bitmap.data) == (400, 600)
    assert scene.get(address, **{"If-None-Match": card.headers["ETag"]}).status_code == 304
    assert scene.get("/covers/9780000000002.png").status_code == 404
