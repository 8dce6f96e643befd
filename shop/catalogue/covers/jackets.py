"""Jackets: where the pictures of a cover are, and how those that publishers give come to us.

ONIX names a cover by its address. An import only notes that; a worker fetches the picture afterwards, from hosts that
the operator has named and from no others, since a message must not send the shop to places within its own network.
Without a picture the cover is drawn (`drawing`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from sqlalchemy import select, update

from shop.catalogue.covers import thumbnails
from shop.catalogue.models import Edition
from shop.services import RefusedError
from shop.work import enqueue_anew, nothing_more

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy.orm import Session

    from shop.services import Premises, Shop
    from shop.work import Ending, Job

FETCH = "fetch-cover"
SHOWN = 320


class Pictures(Protocol):
    """Fetches the pictures that ONIX names."""

    def fetch(self, address: str) -> bytes:
        """Return a picture as it was given.

        Raises:
            RefusedError: there is none, it is too large, or its host is not one of ours.
            UnavailableError: it may be had later.
        """


@dataclass(frozen=True, slots=True)
class Jacket:
    """The pictures of a cover.

    Attributes:
        isbn: Of the edition from which it is drawn when nobody gave one.
        given: The digest under which the given picture is kept, if there is one.
    """

    isbn: str
    given: str | None = None

    @property
    def address(self) -> str:
        """The path of a picture that every browser shows."""
        return f"/covers/{self.given}/{SHOWN}.jpg" if self.given else f"/covers/{self.isbn}.svg"

    @property
    def sources(self) -> list[tuple[str, str]]:
        """Better pictures for browsers that know them: media type, and addresses with their widths. Best first."""
        kinds = ("avif", "webp") if self.given else ()
        return [(thumbnails.FORMATS[kind], self._widths(kind)) for kind in kinds]

    @property
    def bitmap(self) -> str:
        """The path of a bitmap, for whoever shows no drawings."""
        return f"/covers/{self.given}/{thumbnails.WIDTHS[-1]}.jpg" if self.given else f"/covers/{self.isbn}.png"

    @property
    def bitmap_type(self) -> str:
        """Its media type."""
        return "image/jpeg" if self.given else "image/png"

    @property
    def card(self) -> str:
        """The path of the picture that goes with a link to the book."""
        return f"/covers/{self.given}/card.jpg" if self.given else f"/covers/{self.isbn}/card.png"

    def _widths(self, kind: str) -> str:
        return ", ".join(f"/covers/{self.given}/{width}.{kind} {width}w" for width in thumbnails.WIDTHS)


def of_work(editions: Iterable[tuple[str, str | None]]) -> Jacket | None:
    """Return a work's jacket by the ISBN and the given cover of each of its editions: the first given, or drawn."""
    every = [Jacket(isbn, given) for isbn, given in editions]
    return next((one for one in every if one.given), every[0] if every else None)


def name_of(given: str, name: str) -> str:
    """Return the name under which a picture of `thumbnails.NAMES` is kept."""
    return f"covers/{given}/{name}"


def note(session: Session, links: Iterable[tuple[str, str]], shop: Premises) -> None:
    """Note that these covers must be fetched, by ISBN and address; others than from named hosts are left alone."""
    hosts = shop.settings.cover_hosts
    wanted = [(isbn, link) for isbn, link in links if is_from(link, hosts)]
    enqueue_anew(session, FETCH, [(isbn, {"link": link}) for isbn, link in wanted], at=shop.now)


def is_from(link: str, hosts: Collection[str]) -> bool:
    """Whether an address of the web is on one of these hosts, a port being part of its name where it has one."""
    try:
        parts = urlsplit(link)
        return parts.scheme in {"http", "https"} and parts.netloc.lower() in hosts
    except ValueError:
        return False


def note_all(session: Session, shop: Premises) -> tuple[int, list[str]]:
    """Note that every cover must be fetched that was named and is not kept.

    Returns how many there are, and the hosts of others that must not be asked.
    """
    missing = select(Edition.isbn, Edition.cover_link).where(Edition.cover_link.is_not(None), Edition.cover.is_(None))
    links = [(isbn, link or "") for isbn, link in session.execute(missing)]
    wanted = [(isbn, link) for isbn, link in links if is_from(link, shop.settings.cover_hosts)]
    note(session, wanted, shop)
    hosts = {urlsplit(link).netloc for _isbn, link in links if not is_from(link, shop.settings.cover_hosts)}
    return len(wanted), sorted(hosts)


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
