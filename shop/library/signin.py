"""Signing in to the library: a six-digit code by mail, no password, and a session that can be ended.

Any address gets a code; an address without books sees an empty shelf. So nothing is told of who has bought
here, and both cases take the same path and the same time.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import String, update
from sqlalchemy.orm import Mapped, mapped_column

from shop import throttle, work
from shop.db import Base, key_column
from shop.orders.models import new_public_id
from shop.throttle import hashed

if TYPE_CHECKING:
    from shop.services import Shop

CODE_LIFE = timedelta(minutes=15)
SESSION_LIFE = timedelta(days=30)
MOST_TRIES = 5
CODE_MAIL = "mail.code"


class TooManyCodesError(Exception):
    """So many codes were asked for that we wait."""


class WrongCodeError(Exception):
    """Not the code, or not any more."""


class SignInCode(Base):
    """A code that was mailed; only its hash stays, and only for a quarter of an hour is it good."""

    __tablename__ = "sign_in_code"

    id: Mapped[int] = key_column()
    public_id: Mapped[str] = mapped_column(String(30), unique=True)
    email: Mapped[str] = mapped_column(String(254))
    code_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]


class ReaderSession(Base):
    """A browser that proved an address; ended by signing out."""

    __tablename__ = "reader_session"

    id: Mapped[int] = key_column()
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(254))
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]


def send_code(shop: Shop, email: str, network: str) -> str:
    """Mail a code to an address; the id under which it is answered.

    Raises:
        TooManyCodesError: this address or network has asked too often.
    """
    limits = ((f"code:{hashed(email)}", 5), (f"code:{hashed(network)}", 30))
    if not all(throttle.allows(shop, key, most, timedelta(hours=1)) for key, most in limits):
        raise TooManyCodesError
    public_id, now = new_public_id(), shop.now
    code = code_of(shop, public_id)
    with shop.db.writing() as session:
        session.add(
            SignInCode(
                public_id=public_id,
                email=email,
                code_hash=hashed(public_id + code),
                created_at=now,
                expires_at=now + CODE_LIFE,
            )
        )
        work.enqueue(session, CODE_MAIL, public_id, at=now, payload={"code": public_id})
    return public_id


def code_of(shop: Shop, public_id: str) -> str:
    """The six digits of a code, made from its id and our key, so that they are stored nowhere."""
    digest = hmac.digest(shop.settings.secret_keys[-1].encode(), f"sign-in:{public_id}".encode(), "sha256")
    return f"{int.from_bytes(digest[:8]) % 1_000_000:06d}"


def answer_code(shop: Shop, public_id: str, typed: str) -> str:
    """Open a session for whoever types the right code; its token, for the browser's cookie.

    Raises:
        WrongCodeError: wrong, used, too old, or tried too often.
    """
    digits, now = "".join(typed.split()), shop.now
    with shop.db.writing() as session:
        alive = update(SignInCode).where(
            SignInCode.public_id == public_id,
            SignInCode.used_at.is_(None),
            SignInCode.expires_at > now,
            SignInCode.tries < MOST_TRIES,
        )
        row = session.execute(
            alive.values(tries=SignInCode.tries + 1).returning(SignInCode.id, SignInCode.email, SignInCode.code_hash)
        ).first()
        if row is not None and hmac.compare_digest(row.code_hash, hashed(public_id + digits)):
            session.execute(update(SignInCode).where(SignInCode.id == row.id).values(used_at=now))
            token = secrets.token_urlsafe(32)
            session.add(
                ReaderSession(token_hash=hashed(token), email=row.email, opened_at=now, expires_at=now + SESSION_LIFE)
            )
            return token
    raise WrongCodeError
