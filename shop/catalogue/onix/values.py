"""What a product of an ONIX message is, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from shop.catalogue.rights import Statement, Territory
    from shop.money import Money


class OnixError(Exception):
    """The file as a whole cannot be read."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A product that was left out, and why.

    Attributes:
        line: Where it begins in the file, from 1.
        reference: Its RecordReference, where it has one.
    """

    line: int
    reference: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class OnixContributor:
    """A contributor: role (list 17), name, biography."""

    role: str
    name: str
    biography: str | None


@dataclass(frozen=True, slots=True)
class OnixQuotation:
    """A review quotation, its author and source apart."""

    words: str
    author: str | None
    source: str | None


@dataclass(frozen=True, slots=True)
class OnixPrice:
    """A price with tax, and where it holds (None: everywhere)."""

    money: Money
    territory: Territory | None


@dataclass(frozen=True, slots=True)
class OnixProduct:
    """One Product composite, as far as the shop reads it. Descriptions are as sent: not yet cleaned."""

    reference: str
    digest: str
    notification: str
    isbn: str
    work_identifier: str
    form: str
    form_detail: str | None
    protection: str | None
    title: str
    subtitle: str | None
    publisher: str | None
    contributors: tuple[OnixContributor, ...]
    description: str
    short_description: str | None
    quotations: tuple[OnixQuotation, ...]
    subjects: tuple[str, ...]
    language: str
    accessibility: tuple[str, ...]
    pages: int | None
    width_mm: int | None
    height_mm: int | None
    file_bytes: int | None
    publishing_status: str
    publication_date: date | None
    availability: str
    expected_date: date | None
    stock: int | None
    rights: Statement
    territory_statement: str | None
    prices: tuple[OnixPrice, ...]
