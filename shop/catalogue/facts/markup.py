"""Publisher's markup made safe: one allow-list, applied when a description is shown."""

from __future__ import annotations

import re
from functools import lru_cache

import nh3
from markupsafe import Markup

ALLOWED = {
    "p",
    "br",
    "em",
    "i",
    "strong",
    "b",
    "cite",
    "q",
    "blockquote",
    "ul",
    "ol",
    "li",
    "sub",
    "sup",
    "h3",
}
FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document may hold (XML 1.0, section 2.2), though HTML can name it, as `&#27;`."""


@lru_cache(maxsize=10_000)
def clean(html: str) -> Markup:
    """The text with nothing in it but reading matter: no script, no style, no link, no picture."""
    cleaned = nh3.clean(_apart(html), tags=ALLOWED, attributes={}, link_rel=None)
    return Markup(FORBIDDEN.sub("", cleaned))  # noqa: S704 - this is the cleaner


def lines(html: str) -> str:
    """The words alone, a paragraph or heading a line, with an empty line between."""
    blocks = str(html).replace("</h2>", "</p>").split("</p>")  # marked as safe, it would escape what it is joined to
    return "\n\n".join(text for block in blocks if (text := plain(block)))


def _apart(html: str) -> str:
    """The same, with a space for each block that will be taken away, lest words run together."""
    return _BLOCK.sub(lambda found: found[0] if found[1].lower() in ALLOWED else f" {found[0]}", html)


_BLOCK = re.compile(r"</?(p|br|li|ul|ol|h[1-6]|div|blockquote|table|tr|t[dh]|dl|d[td]|section)\b[^>]*>", re.IGNORECASE)


@lru_cache(maxsize=10_000)
def plain(html: str) -> str:
    """The words alone."""
    words = Markup(nh3.clean(_BLOCK.sub(r" \g<0> ", html), tags=set())).unescape()  # noqa: S704 - unescaped to text at once
    return FORBIDDEN.sub("", " ".join(words.split()))
