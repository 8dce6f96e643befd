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
class OnixDeletion:
    """A record that its sender has withdrawn (NotificationType 05); it need say nothing else."""

    reference: str
    digest: str


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
class OnixSubject:
    """A subject: scheme (list 27: 93 Thema, 10 BISAC, 20 a keyword), its code (none for a keyword), its heading."""

    scheme: str
    code: str
    heading: str | None


@dataclass(frozen=True, slots=True)
class OnixFeature:
    """A feature of a product's form (list 79): its value, a code of the type's own list, and words on it."""

    value: str
    words: str | None


@dataclass(frozen=True, slots=True)
class OnixUsage:
    """What a licence lets a reader do: type (list 145), status (list 146), limits (quantity, unit of list 147)."""

    type: str
    status: str
    limits: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class OnixContact:
    """Whom to ask about a product: name, e-mail address, postal address on one line."""

    name: str
    email: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class OnixPrice:
    """A price with tax, and where and when it holds.

    Attributes:
        territory: The price's own (None: everywhere in its market).
        market: That of the supply it belongs to (None: everywhere).
        since: The first day on which it holds, where it says so.
        until: The last day.
    """

    money: Money
    territory: Territory | None = None
    market: Territory | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class OnixProduct:
    """One Product composite, as far as the shop reads it. Descriptions are as sent: not yet cleaned.

    Attributes:
        publication_date: The day from which it may be sold: that of publication, or of the end of an embargo.
        form_details: Codes of list 175.
        stock: Copies on hand, where they are counted: what is printed or fetched to order is not.
        hazards: Codes of list 143.
        alternatives: ISBNs of the same work in other forms.
        cover: The address of a picture of the front cover.
    """

    reference: str
    digest: str
    isbn: str
    work_identifier: str
    form: str
    form_details: tuple[str, ...]
    protection: str | None
    title: str
    subtitle: str | None
    publisher: str | None
    contributors: tuple[OnixContributor, ...]
    description: str
    short_description: str | None
    quotations: tuple[OnixQuotation, ...]
    subjects: tuple[OnixSubject, ...]
    language: str
    accessibility: tuple[OnixFeature, ...]
    hazards: tuple[str, ...]
    usage: tuple[OnixUsage, ...]
    safety_contacts: tuple[OnixContact, ...]
    alternatives: tuple[str, ...]
    illustrations: str | None
    pages: int | None
    width_mm: int | None
    height_mm: int | None
    thickness_mm: int | None
    weight_g: int | None
    file_bytes: int | None
    publishing_status: str
    publication_date: date | None
    availability: str
    expected_date: date | None
    stock: int | None
    rights: Statement
    territory_statement: str | None
    cover: str | None
    prices: tuple[OnixPrice, ...]


Told = OnixProduct | OnixDeletion | Problem
"""What a record comes to."""
