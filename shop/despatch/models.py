"""Despatches: one a paid line of printed books, asked of the warehouse in a file, answered in another."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.db import Base, key_column
from shop.orders.models import OrderLine


class Despatch(Base):
    """A line that was asked of the warehouse; `reference` is how both sides call it."""

    __tablename__ = "despatch"

    id: Mapped[int] = key_column()
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), unique=True)
    reference: Mapped[str] = mapped_column(String(30), unique=True)
    file: Mapped[str] = mapped_column(String(60), index=True)
    requested_at: Mapped[datetime]
    despatched_on: Mapped[date | None]
    carrier: Mapped[str | None] = mapped_column(String(60))
    tracking: Mapped[str | None] = mapped_column(String(120))
    noticed_at: Mapped[datetime | None]

    line: Mapped[OrderLine] = relationship()

    @property
    def is_despatched(self) -> bool:
        """Whether the warehouse says that it has left."""
        return self.despatched_on is not None

    def leave(self, on: date, carrier: str, tracking: str, at: datetime) -> bool:
        """It has left; false if that was known."""
        if self.is_despatched:
            return False
        self.despatched_on, self.carrier, self.tracking, self.noticed_at = on, carrier, tracking, at
        return True
