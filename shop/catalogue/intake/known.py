"""Known files: what was taken in whole, and has nothing to say as long as nothing else came in after it.

A supplier sends the same catalogue night after night, under another date. It is known by a digest of what it says
before any product of it is looked at. A file is noted when it begins and marked when it ends; whatever changes the
catalogue in between, or later, strikes out every file but its own.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from sqlalchemy import String, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, upsert

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class KnownFile(Base):
    """A file that was begun, and how many products it held once it was taken in whole and without a fault.

    `begun` names the import that began it last: of two that take in one file at once, only the later speaks for it.
    """

    __tablename__ = "known_file"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    begun: Mapped[str] = mapped_column(String(16))
    products: Mapped[int | None]


def products_of(session: Session, digest: str) -> int | None:
    """Return how many products a file holds that has nothing new to say; None where that is not sure."""
    return session.scalar(select(KnownFile.products).where(KnownFile.digest == digest))


def begin(session: Session, digest: str) -> str:
    """Note that a file is begun; what is returned names this import of it."""
    begun = secrets.token_hex(8)
    upsert(session, KnownFile, [{"digest": digest, "begun": begun, "products": None}], ("digest",))
    return begun


def strike_others(session: Session, begun: str) -> None:
    """Note that an import changes the catalogue: of all other files nothing is sure any more."""
    session.execute(delete(KnownFile).where(KnownFile.begun != begun))


def end(session: Session, begun: str, products: int) -> None:
    """Note that a file was taken in whole, unless it has been struck out meanwhile."""
    session.execute(update(KnownFile).where(KnownFile.begun == begun).values(products=products))
