"""Jackets: where the pictures of a cover are, and which of those that publishers give must still be fetched.

ONIX names a cover by its address. An import only notes that; a worker fetches the picture afterwards (`fetching`), from
hosts that the operator has named and from no others, since a message must not send the shop to places within its own
network. Without a picture the cover is drawn (`drawing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import and_, select

from shop.catalogue.covers.sizes import CARD, FORMATS, WIDTHS
from shop.catalogue.models import Edition
from shop.work import WorkRow, WorkState, enqueue_anew

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy.orm import Session

    from shop.services import Premises

FETCH = "fetch-cover"
SHOWN = 320


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
        return [(FORMATS[kind], self._widths(kind)) for kind in kinds]

    @property
    def bitmap(self) -> str:
        """The path of a bitmap, for whoever shows no drawings."""
        return f"/covers/{self.given}/{WIDTHS[-1]}.jpg" if self.given else f"/covers/{self.isbn}.png"

    @property
    def bitmap_type(self) -> str:
        """Its media type."""
        return "image/jpeg" if self.given else "image/png"

    @property
    def card(self) -> str:
        """The path of the picture that goes with a link to the book."""
        return f"/covers/{self.given}/{CARD}" if self.given else f"/covers/{self.isbn}/card.png"

    def _widths(self, kind: str) -> str:
        return ", ".join(f"/covers/{self.given}/{width}.{kind} {width}w" for width in WIDTHS)


def of_work(editions: Iterable[tuple[str, str | None]]) -> Jacket | None:
    """Return a work's jacket by the ISBN and the given cover of each of its editions: the first given, or drawn."""
    every = [Jacket(isbn, given) for isbn, given in editions]
    return next((one for one in every if one.given), every[0] if every else None)


def name_of(given: str, name: str) -> str:
    """Return the name under which a picture of NAMES is kept."""
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
    """Note that every cover must be fetched that was named and is not kept, or another in its stead.

    Returns how many there are, and the hosts of others that must not be asked.
    """
    links = _missing(session)
    wanted = [(isbn, link) for isbn, link in links if is_from(link, shop.settings.cover_hosts)]
    note(session, wanted, shop)
    hosts = {urlsplit(link).netloc for _isbn, link in links if not is_from(link, shop.settings.cover_hosts)}
    return len(wanted), sorted(hosts)


def _missing(session: Session) -> list[tuple[str, str]]:
    """By ISBN and address; one that was fetched from where the record named it before is missing too."""
    fetched = and_(WorkRow.kind == FETCH, WorkRow.key == Edition.isbn, WorkRow.state == WorkState.DONE)
    named = select(Edition.isbn, Edition.cover_link, Edition.cover, WorkRow.payload).outerjoin(WorkRow, fetched)
    return [
        (isbn, link)
        for isbn, link, cover, payload in session.execute(named.where(Edition.cover_link.is_not(None)))
        if cover is None or (payload is not None and payload["link"] != link)
    ]
