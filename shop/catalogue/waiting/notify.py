"""Notify me: who asked to be told, once, when an edition can be bought; after the one letter the address is forgotten.

What a reader waits for is the offer in the country named with the request: whatever keeps the edition from being sold
there keeps the letter back too. A request lives for a year at most.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from shop import mail, work
from shop.catalogue.books import reading
from shop.catalogue.models import Edition
from shop.db import Base, key_column, upsert
from shop.services import RefusedError
from shop.work import Ending, Job, PostponedError, nothing_more

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from shop.catalogue.books.reading import EditionView
    from shop.services import Shop

ROUND, LETTER = "notify-readers", "mail.notify"
KEPT = timedelta(days=365)
LATER = timedelta(hours=1)
AT_ONCE = 500


class NotifyRequest(Base):
    """A reader wants to know when an edition is on sale in a country."""

    __tablename__ = "notify_request"
    __table_args__ = (UniqueConstraint("edition_id", "email"),)

    id: Mapped[int] = key_column()
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    edition_id: Mapped[int] = mapped_column(ForeignKey("edition.id"))
    email: Mapped[str] = mapped_column(String(254))
    country: Mapped[str] = mapped_column(String(2))
    asked_at: Mapped[datetime]


def ask(session: Session, edition_id: int, email: str, country: str, at: datetime) -> None:
    """Note a request; asking again, from another country perhaps, changes what was asked before.

    It stays the same request, so that a letter that is on its way answers it.
    """
    request = {"edition_id": edition_id, "email": email, "country": country, "asked_at": at}
    row = request | {"public_id": secrets.token_hex(16)}
    upsert(session, NotifyRequest, [row], key=("edition_id", "email"), keeps="public_id")


def look_round(_job: Job, shop: Shop) -> Ending:
    """Work: note a letter to everyone whose edition has come on sale, and forget who has waited for too long."""
    with shop.db.reading() as session:
        rows = session.execute(
            select(NotifyRequest.public_id, NotifyRequest.country, Edition.isbn)
            .join(Edition, Edition.id == NotifyRequest.edition_id)
            .order_by(NotifyRequest.id)
        ).all()
    waiting: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        waiting[row.country][row.isbn].append(row.public_id)
    served = [
        public_id
        for country, by_isbn in waiting.items()
        for isbn, view in _offered(shop, by_isbn, country).items()
        if view.may_be_basketed
        for public_id in by_isbn[isbn]
    ]
    return partial(_note_letters, served, shop.now)


def _note_letters(public_ids: list[str], at: datetime, session: Session) -> None:
    for public_id in public_ids:
        work.enqueue(session, LETTER, public_id, at=at)
    session.execute(delete(NotifyRequest).where(NotifyRequest.asked_at < at - KEPT))


def letter(job: Job, shop: Shop) -> Ending:
    """Work: tell one reader, and forget the address in the transaction that says so."""
    with shop.db.reading() as session:
        request = session.scalar(select(NotifyRequest).where(NotifyRequest.public_id == job.key))
        isbn = session.scalar(select(Edition.isbn).where(Edition.id == request.edition_id)) if request else None
    if request is None or isbn is None:
        return nothing_more
    view = _offered(shop, [isbn], request.country).get(isbn)
    if view is None or not view.may_be_basketed:
        raise PostponedError(shop.now + LATER)
    with shop.db.read_engine.connect() as connection:
        title, path = reading.titles_by_isbn(connection, [isbn])[isbn]
    link = f"{shop.settings.public_base_url}{path}#{isbn}"
    told = mail.compose(shop, "notify", request.email, job.key, title=title, edition=view, link=link)
    try:
        shop.services.mailer.send(told)
    except RefusedError:
        return partial(_forget, job.key)
    return partial(_forget, job.key)


def _forget(public_id: str, session: Session) -> None:
    session.execute(delete(NotifyRequest).where(NotifyRequest.public_id == public_id))


def _offered(shop: Shop, isbns: Iterable[str], country: str) -> dict[str, EditionView]:
    """What of these can be done in a country, so many of them in one question as an engine takes."""
    found: dict[str, EditionView] = {}
    left = iter(isbns)
    with shop.db.read_engine.connect() as connection:
        while some := list(islice(left, AT_ONCE)):
            views = reading.editions_by_isbn(shop, connection, some, country)
            found |= {isbn: view for isbn, (_id, view) in views.items()}
    return found
