"""Fetching: how the covers that publishers give come to us, and are kept in every size that pages show."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import select, update

from shop.catalogue.covers import thumbnails
from shop.catalogue.covers.jackets import name_of
from shop.catalogue.models import Edition
from shop.services import RefusedError
from shop.work import nothing_more

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from shop.services import Shop
    from shop.work import Ending, Job


class Pictures(Protocol):
    """Fetches the pictures that ONIX names."""

    def fetch(self, address: str) -> bytes:
        """Return a picture as it was given.

        Raises:
            RefusedError: there is none, it is too large, or its host is not one of ours.
            UnavailableError: it may be had later.
        """


def fetch(job: Job, shop: Shop) -> Ending:
    """Work: fetch a cover and keep it; one that the book's record no longer names is left alone."""
    isbn, link = job.key, job.payload["link"]
    with shop.db.reading() as session:
        named = session.scalar(select(Edition.cover_link).where(Edition.isbn == isbn))
    if named != link:
        return nothing_more
    content = shop.services.pictures.fetch(link)
    try:
        return keep(shop, isbn, content)
    except thumbnails.UnsuitablePictureError as error:
        raise RefusedError(f"{link}: {error}") from error


def keep(shop: Shop, isbn: str, content: bytes) -> Ending:
    """Keep a cover in every size; what it returns puts it on the edition, in a session of the caller's.

    Raises:
        UnsuitablePictureError: it is none.
    """
    given = _digest(content)[:32]
    for name, picture in thumbnails.made_of(content).items():
        shop.services.files.put(name_of(given, name), picture)

    def put_on(session: Session) -> None:
        session.execute(update(Edition).where(Edition.isbn == isbn).values(cover=given))

    return put_on


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
