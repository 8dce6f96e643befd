"""Thumbnails: from a cover as it was given to the sizes and formats in which pages show it. Pure."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import ExifTags, Image, ImageCms, ImageOps

from shop.catalogue.covers.sizes import CARD, FORMATS, WIDTHS

if TYPE_CHECKING:
    from collections.abc import Mapping

READ = ("JPEG", "PNG", "WEBP", "TIFF", "GIF")
LARGEST = 50_000_000
"""Pixels of a picture that is looked at: 200 MB once it is unpacked."""
SMALLEST = 100
"""Pixels of a width that still shows a cover."""
MOST_OBLONG = 8
"""How many times as long as wide, or as wide as long, a cover may be at most."""
CARD_SIZE = (1200, 630)
_MARGIN = 30
_PAPER = "#f3eee3"
_REDUCIBLE = {"L", "LA", "RGB", "RGBA", "CMYK"}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUALITY: Mapping[str, Mapping[str, int]] = {
    "avif": {"quality": 45, "speed": 4},  # a list of 24 photographs is within its 130 kB
    "webp": {"quality": 76, "method": 4},
    "jpg": {"quality": 80},
}


class UnsuitablePictureError(Exception):
    """It cannot be shown as a cover; the text says why."""


def made_of(content: bytes) -> dict[str, bytes]:
    """Return every picture of NAMES, none wider than what was given.

    Raises:
        UnsuitablePictureError: it is no picture, a damaged one, or too small or large.
    """
    try:
        with Image.open(io.BytesIO(content), formats=READ) as given:
            if not _has_size_of_cover(*given.size):
                raise UnsuitablePictureError(f"a picture of {given.width} by {given.height} pixels is no cover")
            whole = _in_srgb(_upright(_nearer(given)))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnsuitablePictureError(f"it cannot be read as a picture: {error}") from error
    made = {f"{width}.{kind}": _written(_narrowed(whole, width), kind) for width in WIDTHS for kind in FORMATS}
    return made | {CARD: _written(_card(whole), "jpg")}


def _has_size_of_cover(width: int, height: int) -> bool:
    is_oblong = max(width, height) > MOST_OBLONG * min(width, height)
    return width >= SMALLEST and width * height <= LARGEST and not is_oblong


def _nearer(picture: Image.Image) -> Image.Image:
    """Of a huge one a smaller, still twice as large as any that is made, so that what follows takes little memory."""
    enough = 2 * WIDTHS[-1]
    picture.draft(picture.mode, (enough, enough))
    factor = min(picture.size) // enough
    if factor > 1 and picture.mode == "P":
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    return picture.reduce(factor) if factor > 1 and picture.mode in _REDUCIBLE else picture


def _upright(picture: Image.Image) -> Image.Image:
    """Turned as its camera said, whatever else that said: Pillow's own function writes all of it anew, and may fail."""
    picture.load()  # which turns a TIFF already, and then says so
    turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    return picture if turn is None else picture.transpose(turn)


def _in_srgb(picture: Image.Image) -> Image.Image:
    """The same colours as browsers take them for; printers send CMYK with a profile."""
    if picture.mode in {"RGB", "CMYK", "L"} and (source := _profile_of(picture)) is not None:
        try:
            turned = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except ImageCms.PyCMSError:
            turned = None  # a profile for another kind of picture: its colours are as good as we can guess
        if turned is not None:
            return turned
    if picture.mode.startswith("I"):
        picture = picture.convert("I").point(lambda grey: grey / 256)  # of sixteen bits, eight are seen
    if "A" in picture.getbands() or "transparency" in picture.info:
        ground = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")
    return picture.convert("RGB")


def _profile_of(picture: Image.Image) -> ImageCms.ImageCmsProfile | None:
    """What its colours mean; none where nobody says, or nobody can read it."""
    profile = picture.info.get("icc_profile")
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else None
    except OSError:
        return None


def _narrowed(picture: Image.Image, width: int) -> Image.Image:
    width = min(width, picture.width)
    return picture.resize((width, max(1, round(picture.height * width / picture.width))), Image.Resampling.LANCZOS)


def _card(picture: Image.Image) -> Image.Image:
    """The cover in the middle of a card of Open Graph's shape."""
    card = Image.new("RGB", CARD_SIZE, _PAPER)
    cover = ImageOps.contain(
        picture, (CARD_SIZE[0] - 2 * _MARGIN, CARD_SIZE[1] - 2 * _MARGIN), Image.Resampling.LANCZOS
    )
    card.paste(cover, ((CARD_SIZE[0] - cover.width) // 2, (CARD_SIZE[1] - cover.height) // 2))
    return card


def _written(picture: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    picture.save(out, {"jpg": "JPEG"}.get(kind, kind.upper()), **_QUALITY[kind])
    return out.getvalue()
