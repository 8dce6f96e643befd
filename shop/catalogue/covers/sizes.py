"""Sizes: in which widths and formats a given cover is kept."""

WIDTHS = (160, 240, 320, 640)
"""Pixels: the sizes of the pages at one and two pixels to the point."""
FORMATS = {"avif": "image/avif", "webp": "image/webp", "jpg": "image/jpeg"}
"""Media types by the ends of names: AVIF and WebP for browsers, JPEG for whoever knows neither."""
CARD = "card.jpg"
"""The picture that goes with a link."""
NAMES = frozenset({f"{width}.{kind}" for width in WIDTHS for kind in FORMATS} | {CARD})
"""What every picture of a given cover is called."""
