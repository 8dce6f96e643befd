"""Publisher's markup made safe: one allow-list, applied when a description is shown."""

from __future__ import annotations

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


@lru_cache(maxsize=10_000)
def clean(html: str) -> Markup:
    """The text with nothing in it but reading matter: no script, no style, no link, no picture."""
    return Markup(nh3.clean(html, tags=ALLOWED, attributes={}, link_rel=None))  # noqa: S704 - this is the cleaner


def lines(html: str) -> str:
    """The words alone, a paragraph or heading a line, with an empty line between."""
    blocks = html.replace("</h2>", "</p>").split("</p>")
    return "\n\n".join(text for block in blocks if (text := plain(block)))


@lru_cache(maxsize=10_000)
def plain(html: str) -> str:
    """The words alone."""
    spaced = html.replace("</p>", "</p> ").replace("<br", " <br")
    return " ".join(Markup(nh3.clean(spaced, tags=set())).unescape().split())  # noqa: S704 - unescaped to text at once
