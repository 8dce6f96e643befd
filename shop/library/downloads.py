"""Downloads: the one function that hands out bytes, and the sessions under which it does.

A button opens a session, counted once; every range of the file, every resumption, belongs to it. Each request
for bytes is decided anew: a refund cuts the next range.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flask import Response, request, send_file
from sqlalchemy import select, update
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from shop.catalogue.intake.batch import slug_of
from shop.library.links import TICKET_LIFE
from shop.library.models import DownloadSession, Entitlement
from shop.orders.models import new_public_id

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from shop.services import Shop

SESSION_LIFE = timedelta(hours=24)
MEDIA_TYPE = "application/epub+zip"


class NotYoursError(Exception):
    """The book may not be handed out: taken back, never delivered, or not of this session."""


class NoDownloadsLeftError(Exception):
    """Every download that the copy came with has been opened."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """A decision to hand out one file."""

    file: str
    title: str
    tag: str


def open_session(session: Session, entitlement: Entitlement, browser: str, now: datetime) -> DownloadSession:
    """Open a download, or go on with the one this browser has open; a second click costs nothing.

    Raises:
        NotYoursError: there is nothing to hand out.
        NoDownloadsLeftError: all of them are used.
    """
    if not entitlement.may_download:
        raise NotYoursError
    running = session.scalar(
        select(DownloadSession).where(
            DownloadSession.entitlement_id == entitlement.id,
            DownloadSession.browser == browser,
            DownloadSession.expires_at > now + TICKET_LIFE,
        )
    )
    return running or _take_one(session, entitlement, browser, now)


def browser_print(user_agent: str) -> str:
    """Tells one browser's clicks from another's, and nothing else."""
    return hashlib.sha256(user_agent.encode()).hexdigest()[:32]


def authorise(session: Session, download: str, now: datetime) -> Allowed:
    """Decide, now, whether a download session may have its bytes; raises NotYoursError."""
    found = session.scalar(select(DownloadSession).where(DownloadSession.public_id == download))
    if found is None or found.expires_at <= now or not found.entitlement.may_download:
        raise NotYoursError
    entitlement = found.entitlement
    assert entitlement.file is not None  # noqa: S101 - may_download says so
    tag = hashlib.sha256(entitlement.copy_id.encode()).hexdigest()[:32]
    return Allowed(entitlement.file, entitlement.line.title, tag)


def hand_out(shop: Shop, allowed: Allowed) -> Response:
    """Answer with the bytes, or let the proxy do it; whole, in ranges, resumed or not at all."""
    name = f"{slug_of(allowed.title)}.epub"
    if shop.settings.accel_prefix:
        response = Response(mimetype=MEDIA_TYPE)
        response.headers["X-Accel-Redirect"] = f"{shop.settings.accel_prefix.rstrip('/')}/{allowed.file}"
        response.headers.set("Content-Disposition", "attachment", filename=name)
    else:
        path = shop.services.files.path(allowed.file)
        response = send_file(
            path,
            mimetype=MEDIA_TYPE,
            as_attachment=True,
            download_name=name,
            conditional=False,
            etag=allowed.tag,
        )
        try:
            response.make_conditional(request, accept_ranges=True, complete_length=path.stat().st_size)
        except RequestedRangeNotSatisfiable:
            response.close()  # nobody else will close the file
            raise
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def _take_one(session: Session, entitlement: Entitlement, browser: str, now: datetime) -> DownloadSession:
    some_left = update(Entitlement).where(
        Entitlement.id == entitlement.id, Entitlement.sessions_opened < Entitlement.sessions_allowed
    )
    taken = some_left.values(sessions_opened=Entitlement.sessions_opened + 1).returning(Entitlement.id)
    if session.execute(taken.execution_options(synchronize_session=False)).first() is None:
        raise NoDownloadsLeftError
    opened = DownloadSession(
        public_id=new_public_id(),
        entitlement_id=entitlement.id,
        browser=browser,
        opened_at=now,
        expires_at=now + SESSION_LIFE,
    )
    session.add(opened)
    session.flush()
    return opened
