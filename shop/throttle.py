"""Throttles: how often something may be tried, counted in the database so that all processes count together."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import String, case
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base

if TYPE_CHECKING:
    from shop.services import Shop


class Throttle(Base):
    """How often a thing was tried in its current window."""

    __tablename__ = "throttle"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    window_start: Mapped[datetime]
    count: Mapped[int]


def hashed(text: str) -> str:
    """How a token, an address or a network is kept: not readable."""
    return hashlib.sha256(text.encode()).hexdigest()


def network_of(address: str | None) -> str:
    """Return the network that is counted for an address: itself, or the 64 bits that one subscriber has of IPv6."""
    try:
        known = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(known, ipaddress.IPv6Address):
        return str(known.ipv4_mapped or ipaddress.ip_network((known, 64), strict=False))
    return str(known)


def allows(shop: Shop, key: str, most: int, per: timedelta) -> bool:
    """Count one more try, in a transaction of its own: a failed request must not undo it.

    Call it before the request's own transaction is opened; SQLite has one writer at a time.
    """
    now = shop.now
    insert = (sqlite.insert if shop.db.is_sqlite else postgresql.insert)(Throttle)
    insert = insert.values(key=key[:200], window_start=now, count=1)
    over = Throttle.window_start <= now - per
    upsert = insert.on_conflict_do_update(
        index_elements=[Throttle.key],
        set_={
            "count": case((over, 1), else_=Throttle.count + 1),
            "window_start": case((over, now), else_=Throttle.window_start),
        },
    ).returning(Throttle.count)
    with shop.db.writing() as session:
        return session.execute(upsert).scalar_one() <= most
