"""Consent to immediate supply of an ebook: the exact words, when they were ticked, for which line.

UK Consumer Contracts Regulations 2013, regulation 37: supply within fourteen days needs the reader's express
consent and acknowledgement. No tick is no error: the ebook is then delivered after the fourteen days.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, key_column

WORDS = (
    "Give me my ebook now. I know that once it has been supplied I can no longer cancel this ebook "
    "and get my money back because I changed my mind."
)
CANCELLATION_PERIOD = timedelta(days=14)


class Consent(Base):
    """What the reader ticked, for one order line."""

    __tablename__ = "consent"

    id: Mapped[int] = key_column()
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), unique=True)
    words: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(String(16))
    locale: Mapped[str] = mapped_column(String(10))
    ticked_at: Mapped[datetime]


def version_of(words: str) -> str:
    """Names the exact words."""
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def given(at: datetime) -> Consent:
    """The consent of a reader who has just ticked the words on the page."""
    return Consent(words=WORDS, version=version_of(WORDS), locale="en-GB", ticked_at=at)
