"""Access for staff: a password, a second factor, a session that ends; without all three, nothing."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from sqlalchemy import String, Text, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from shop import throttle
from shop.db import Base, key_column
from shop.throttle import hashed

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from shop.services import Shop

SESSION_LIFE = timedelta(hours=12)
IDLE_LIFE = timedelta(hours=1)
SHORTEST_PASSWORD = 12
_hasher = PasswordHasher()


class Role(StrEnum):
    """What a member of staff may do; each role may do what those before it may."""

    VIEWER = "viewer"
    SUPPORT = "support"
    FINANCE = "finance"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        """Whether this role is enough."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)


class NotLetInError(Exception):
    """Wrong name, password or code; which of them is not told."""


class TooManyTriesError(Exception):
    """So many tries that we wait."""


class StaffMember(Base):
    """Somebody who works here."""

    __tablename__ = "staff_member"

    id: Mapped[int] = key_column()
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(20))
    password_hash: Mapped[str] = mapped_column(Text)
    totp_secret: Mapped[str] = mapped_column(String(64))
    last_code_at: Mapped[int] = mapped_column(default=0)
    left_at: Mapped[datetime | None]

    def may(self, needed: Role) -> bool:
        """Whether this person may do what needs such a role."""
        return self.left_at is None and Role(self.role).covers(needed)


class StaffSession(Base):
    """A browser in which a member of staff has signed in."""

    __tablename__ = "staff_session"

    id: Mapped[int] = key_column()
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    staff_member_id: Mapped[int]
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]


def hire(session: Session, email: str, name: str, role: Role, password: str) -> StaffMember:
    """Add a member of staff; the secret of their second factor is on the row.

    Raises:
        ValueError: the password is too short.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise ValueError(f"a password has at least {SHORTEST_PASSWORD} characters")
    member = StaffMember(
        email=email.lower(),
        name=name,
        role=role,
        password_hash=_hasher.hash(password),
        totp_secret=pyotp.random_base32(),
    )
    session.add(member)
    session.flush()
    return member


def sign_in(shop: Shop, email: str, password: str, code: str, network: str) -> str:
    """Open a session for whoever knows the password and holds the second factor; its token.

    Raises:
        NotLetInError, TooManyTriesError.
    """
    email = email.strip().lower()
    limits = ((f"staff:{hashed(email)}", 10), (f"staff:{hashed(network)}", 50))
    if not all(throttle.allows(shop, key, most, timedelta(minutes=5)) for key, most in limits):
        raise TooManyTriesError
    with shop.db.reading() as session:
        member = session.scalar(select(StaffMember).where(StaffMember.email == email, StaffMember.left_at.is_(None)))
    if not _password_fits(member, password) or member is None:
        raise NotLetInError
    return _open(shop, member, code)


def current(session: Session, token: str, now: datetime) -> StaffMember | None:
    """Whose session this is, if it is still open and its owner still works here."""
    query = (
        select(StaffMember)
        .join(StaffSession, StaffSession.staff_member_id == StaffMember.id)
        .where(
            StaffSession.token_hash == hashed(token),
            StaffSession.opened_at > now - SESSION_LIFE,
            StaffSession.seen_at > now - IDLE_LIFE,
            StaffMember.left_at.is_(None),
        )
    )
    return session.scalar(query)


def keep_awake(shop: Shop, token: str) -> None:
    """Note that the session is in use; at most once a minute, and not of one that has been idle for too long."""
    now = shop.now
    drowsy = (
        StaffSession.token_hash == hashed(token),
        StaffSession.seen_at < now - timedelta(minutes=1),
        StaffSession.seen_at > now - IDLE_LIFE,
    )
    with shop.db.reading() as session:
        if session.scalar(select(StaffSession.id).where(*drowsy)) is None:
            return
    with shop.db.writing() as session:
        session.execute(update(StaffSession).where(*drowsy).values(seen_at=now))


def sign_out(session: Session, token: str) -> None:
    """End the session."""
    session.execute(delete(StaffSession).where(StaffSession.token_hash == hashed(token)))


def code_now(member: StaffMember, at: datetime) -> str:
    """The code of the second factor at a moment."""
    return pyotp.TOTP(member.totp_secret).at(at)


def _password_fits(member: StaffMember | None, password: str) -> bool:
    """Check in the same time whether or not there is such a person."""
    try:
        return _hasher.verify(member.password_hash if member else _hash_of_nobody(), password)
    except Argon2Error:
        return False


@cache
def _hash_of_nobody() -> str:
    return _hasher.hash("nobody has this password")


def _open(shop: Shop, member: StaffMember, code: str) -> str:
    """Accept each code once, from this time step or the one before."""
    now, digits = shop.now, "".join(code.split())
    step = int(now.timestamp()) // 30
    fitting = [one for one in (step - 1, step) if pyotp.TOTP(member.totp_secret).at(one * 30) == digits]
    token = secrets.token_urlsafe(32)
    with shop.db.writing() as session:
        for used in fitting:
            fresh = update(StaffMember).where(StaffMember.id == member.id, StaffMember.last_code_at < used)
            if session.execute(fresh.values(last_code_at=used).returning(StaffMember.id)).first():
                opened = StaffSession(token_hash=hashed(token), staff_member_id=member.id, opened_at=now, seen_at=now)
                session.add(opened)
                return token
    raise NotLetInError
