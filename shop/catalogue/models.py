"""The catalogue's tables: a Work as written, its Editions (one ISBN each), their prices and sales rights."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, update
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.catalogue.forms import is_digital
from shop.db import Base, key_column

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class ProviderState(StrEnum):
    """What the one who would deliver an ebook says of it (Glassboxx: checkContent)."""

    UNCHECKED = "unchecked"
    ENABLED = "enabled"
    PREORDER = "preorder"
    NOT_ENABLED = "not_enabled"
    UNKNOWN_SKU = "unknown_sku"
    OTHER_VENDOR = "other_vendor"


class Work(Base):
    """A book as written: what its editions share.

    `subjects` are `{"scheme", "code", "heading"}` (list 27; a keyword has no code, a code may have no heading).
    `published_on` is the day of its first edition.
    """

    __tablename__ = "work"
    __table_args__ = (Index(None, "published_on", "id"),)

    id: Mapped[int] = key_column()
    slug: Mapped[str] = mapped_column(String(120), unique=True)
    identifier: Mapped[str] = mapped_column(String(200), unique=True)
    title: Mapped[str] = mapped_column(Text)
    subtitle: Mapped[str | None] = mapped_column(Text)
    publisher: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="")
    short_description: Mapped[str | None] = mapped_column(Text)
    territory_statement: Mapped[str | None] = mapped_column(Text)
    subjects: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    search_text: Mapped[str] = mapped_column(Text, default="")
    published_on: Mapped[date | None]
    revision: Mapped[int] = mapped_column(default=1)

    contributors: Mapped[list[Contributor]] = relationship(
        order_by="Contributor.position", cascade="all, delete-orphan"
    )
    quotations: Mapped[list[Quotation]] = relationship(order_by="Quotation.position", cascade="all, delete-orphan")
    editions: Mapped[list[Edition]] = relationship(back_populates="work", order_by="Edition.position")


class OldSlug(Base):
    """An address a work once had; it keeps leading to the work."""

    __tablename__ = "old_slug"

    slug: Mapped[str] = mapped_column(String(120), primary_key=True)
    work_id: Mapped[int] = mapped_column(ForeignKey("work.id"))


class WorkAlias(Base):
    """An identifier under which a work is known beside its own: it was put together from two."""

    __tablename__ = "work_alias"

    identifier: Mapped[str] = mapped_column(String(200), primary_key=True)
    work_id: Mapped[int] = mapped_column(ForeignKey("work.id"))


class Contributor(Base):
    """A person of a work, in their role (ONIX list 17)."""

    __tablename__ = "contributor"
    __table_args__ = (UniqueConstraint("work_id", "position"),)

    id: Mapped[int] = key_column()
    work_id: Mapped[int] = mapped_column(ForeignKey("work.id"))
    position: Mapped[int]
    role: Mapped[str] = mapped_column(String(3))
    name: Mapped[str] = mapped_column(Text)
    biography: Mapped[str | None] = mapped_column(Text)


class Quotation(Base):
    """What a reviewer said; the words and who said them are kept apart, both unaltered."""

    __tablename__ = "quotation"
    __table_args__ = (UniqueConstraint("work_id", "position"),)

    id: Mapped[int] = key_column()
    work_id: Mapped[int] = mapped_column(ForeignKey("work.id"))
    position: Mapped[int]
    words: Mapped[str] = mapped_column(Text)
    author: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str | None] = mapped_column(Text)


class RightsSet(Base):
    """A resolved set of countries in which an edition may be sold; each distinct set is stored and signed once.

    `countries` is sorted ISO 3166-1 codes, separated by spaces. `statements` is what it was resolved from first,
    kept so that every country's reason can be given again.
    """

    __tablename__ = "rights_set"

    id: Mapped[int] = key_column()
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    countries: Mapped[str] = mapped_column(Text)
    statements: Mapped[dict[str, Any]] = mapped_column(JSON)
    problems: Mapped[list[str]] = mapped_column(JSON, default=list)
    signed_by: Mapped[str | None] = mapped_column(Text)
    signed_at: Mapped[datetime | None]

    def sign(self, by: str, at: datetime) -> None:
        """Put a name to this exact set; from now on editions may be sold by it."""
        self.signed_by, self.signed_at = by, at


class Edition(Base):
    """One product with one ISBN (ONIX: Product).

    Codes are ONIX's: `accessibility` is `{"value", "words"}` of list 196, `hazards` of list 143, `usage` is
    `{"type", "status", "limits"}` of lists 145, 146 and 147, `safety_contacts` is `{"name", "email", "address"}`.
    `stock` is what is left of the copies that its record counted last, `told_stock`; none for what is not counted.
    `cover_link` is where its record says that a picture of its cover is, `cover` the digest of the one that is kept.
    `elsewhere` is who sells it where we may not: `{"countries", "publisher", "isbn"}`.
    `rights_statement` is what its own record says of its rights, where that is not word for word what its set came of.
    """

    __tablename__ = "edition"
    __table_args__ = (Index(None, "work_id"), Index(None, "publication_date"))

    id: Mapped[int] = key_column()
    work_id: Mapped[int] = mapped_column(ForeignKey("work.id"))
    position: Mapped[int] = mapped_column(default=0)
    isbn: Mapped[str] = mapped_column(String(13), unique=True)
    record_reference: Mapped[str] = mapped_column(String(100), unique=True)
    record_digest: Mapped[str] = mapped_column(String(64))
    form: Mapped[str] = mapped_column(String(2))
    form_details: Mapped[str | None] = mapped_column(String(100))
    protection: Mapped[str | None] = mapped_column(String(2))
    pages: Mapped[int | None]
    width_mm: Mapped[int | None]
    height_mm: Mapped[int | None]
    thickness_mm: Mapped[int | None]
    weight_g: Mapped[int | None]
    illustrations: Mapped[str | None] = mapped_column(Text)
    file_bytes: Mapped[int | None]
    language: Mapped[str] = mapped_column(String(3), default="eng")
    accessibility: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    hazards: Mapped[list[str]] = mapped_column(JSON, default=list)
    usage: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    safety_contacts: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    publication_date: Mapped[date | None]
    publishing_status: Mapped[str] = mapped_column(String(2))
    availability: Mapped[str] = mapped_column(String(2))
    expected_date: Mapped[date | None]
    stock: Mapped[int | None]
    told_stock: Mapped[int | None]
    rights_set_id: Mapped[int | None] = mapped_column(ForeignKey("rights_set.id"))
    elsewhere: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    rights_statement: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    tax_class: Mapped[str] = mapped_column(String(20))
    fulfiller: Mapped[str | None] = mapped_column(String(20))
    sku: Mapped[str] = mapped_column(String(40))
    provider_state: Mapped[str] = mapped_column(String(20), default=ProviderState.UNCHECKED)
    provider_checked_at: Mapped[datetime | None]
    cover_link: Mapped[str | None] = mapped_column(Text)
    cover: Mapped[str | None] = mapped_column(String(64))

    work: Mapped[Work] = relationship(back_populates="editions")
    rights_set: Mapped[RightsSet | None] = relationship()
    prices: Mapped[list[Price]] = relationship(cascade="all, delete-orphan", order_by="Price.position")

    @property
    def is_digital(self) -> bool:
        """Whether it is delivered as bytes rather than by post."""
        return is_digital(self.form)

    def note_provider_state(self, state: ProviderState, at: datetime) -> None:
        """Write down what the provider said, and when."""
        self.provider_state, self.provider_checked_at = state, at


class Price(Base):
    """What an edition costs, tax included, in some countries and on some days.

    No countries means wherever it may be sold; no first or last day, for as long as it is sold.
    """

    __tablename__ = "price"
    __table_args__ = (UniqueConstraint("edition_id", "position"),)

    id: Mapped[int] = key_column()
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    position: Mapped[int]
    minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    countries: Mapped[str | None] = mapped_column(Text)
    since: Mapped[date | None]
    until: Mapped[date | None]


class KnownSubject(Base):
    """A subject that some work has, or has had, and its heading in the publisher's words."""

    __tablename__ = "known_subject"

    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    heading: Mapped[str | None] = mapped_column(Text)


def take_stock(session: Session, edition_id: int, quantity: int) -> bool:
    """Take copies off the shelf in one conditional statement; false when there are too few."""
    enough = update(Edition).where(Edition.id == edition_id, Edition.stock >= quantity)
    taken = session.execute(enough.values(stock=Edition.stock - quantity).returning(Edition.id))
    return taken.first() is not None


def give_back_stock(session: Session, edition_id: int, quantity: int) -> None:
    """Put copies back on the shelf."""
    counted = update(Edition).where(Edition.id == edition_id, Edition.stock.is_not(None))
    session.execute(counted.values(stock=Edition.stock + quantity))
