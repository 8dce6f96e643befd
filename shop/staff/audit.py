"""The audit log: who did what to which order, and when; entries are added and never changed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, key_column

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class AuditEntry(Base):
    """One thing a member of staff did."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = key_column()
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(200), index=True)
    detail: Mapped[str] = mapped_column(Text, default="")


def note(session: Session, by: str, action: str, subject: str, at: datetime, detail: str = "") -> None:
    """Write down what was done, in the transaction that does it."""
    session.add(AuditEntry(at=at, by=by, action=action, subject=subject[:200], detail=detail))
