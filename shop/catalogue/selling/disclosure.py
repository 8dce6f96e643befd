"""Disclosure: what a reader is told, before paying, of how an ebook is delivered and read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class App:
    """An app in which a book opens."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What the law and fairness want said beside the price (CCR 2013 Schedule 2; California AB 2426).

    Attributes:
        powered_by: Whom to credit, or None where we deliver ourselves.
        protection: The technical protection, in a reader's words.
        how_to_read: One or two sentences: which apps and devices, which address to sign in with.
        is_licence: Whether what is sold is a licence that needs somebody's service, rather than a file to keep.
    """

    powered_by: str | None
    protection: str
    how_to_read: str
    is_licence: bool
    apps: tuple[App, ...] = ()
