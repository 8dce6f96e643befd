"""Despatches: one a paid line of printed books, asked of the warehouse in a file, answered in another."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.db import Base, key_column
from shop.orders.models import OrderLine


class Despatch(Base):
    """A line that was asked of the warehouse; `reference` is how both sides call it.

    That it has left is the order line's own fact, since its reader is told there.
    """

    __tablename__ = "despatch"

    id: Mapped[int] = key_column()
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), unique=True)
    reference: Mapped[str] = mapped_column(String(30), unique=True)
    file: Mapped[str] = mapped_column(String(60), index=True)
    requested_at: Mapped[datetime]
    noticed_at: Mapped[datetime | None]

    line: Mapped[OrderLine] = relationship()

    def leave(self, on: date, carrier: str, tracking: str, at: datetime) -> bool:
        """It has left; false if that was known."""
        if not self.line.leave(on, carrier, tracking):
            return False
        self.noticed_at = at
        return True
