"""The reader's pages: the mailed link, the library behind a code, and the way to the bytes of a book."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, request
from sqlalchemy import select

from shop import addresses, work
from shop.catalogue.books.reading import long_date
from shop.catalogue.covers import jackets
from shop.catalogue.models import Edition
from shop.library import downloads, letters, signin
from shop.library.downloads import NoDownloadsLeftError, NotYoursError
from shop.library.links import ExpiredLinkError, ForgedLinkError
from shop.library.models import DownloadSession, Entitlement
from shop.library.signin import ReaderSession
from shop.orders.models import Order, OrderLine, OrderStatus
from shop.orders.refunds import refund_of
from shop.throttle import hashed, network_of
from shop.web import db, private, see_other, the_shop

if TYPE_CHECKING:
    from datetime import date, datetime, timedelta

    from flask import Response
    from sqlalchemy import Select
    from sqlalchemy.orm import Session
    from werkzeug.wrappers import Response as AnyResponse

    from shop.catalogue.covers.jackets import Jacket
    from shop.catalogue.selling.disclosure import Disclosure
    from shop.services import Shop

bp = private(Blueprint("library", __name__))

READER_COOKIE = "reader"
CODE_COOKIE = "sign-in"
RESEND_SECONDS = 600


@dataclass(frozen=True, slots=True)
class ShelfItem:
    """One bought book as its reader sees it: its state, and at most one thing to do."""

    line: OrderLine
    entitlement: Entitlement | None
    is_refunded: bool
    disclosure: Disclosure | None
    address: str
    jacket: Jacket | None
    waits_until: date | None

    @property
    def state(self) -> str:
        """One word for the style sheet and the page: ready, preparing, waiting, refunded, refused, posted."""
        if self.is_refunded:
            return "refunded"
        if self.entitlement is None:
            return "posted"
        if self.entitlement.revoked_at or self.entitlement.refused_at:
            return "refunded"
        if self.entitlement.may_read:
            return "ready"
        return "preparing"

    @property
    def is_on_its_way(self) -> bool:
        """Whether it will be ready in a moment."""
        return self.state == "preparing" and self.waits_until is None

    @property
    def ended_because(self) -> str:
        """Why it was taken back, where somebody said so."""
        ended = self.entitlement.revoked_because if self.entitlement else None
        return ended or self.line.declined_because or ""

    @property
    def posted_sentence(self) -> str:
        """Where a printed book is."""
        if self.line.despatched_on is None:
            if self.waits_until:
                return f"Published {long_date(self.waits_until)}; we post it then, and e-mail you."
            return "On its way to the warehouse; we will e-mail you when it leaves."
        carrier = f" by {self.line.carrier}" if self.line.carrier else ""
        tracking = f", tracking {self.line.tracking}" if self.line.tracking else ""
        return f"Despatched on {long_date(self.line.despatched_on)}{carrier}{tracking}."

    @property
    def opens_in_app(self) -> bool:
        """Whether it is read in a provider's app."""
        return self.state == "ready" and self.entitlement is not None and not self.entitlement.may_download

    @property
    def may_download(self) -> bool:
        """Whether a download can be opened."""
        return self.entitlement is not None and self.entitlement.may_download and not self.is_refunded


def shelf(session: Session, shop: Shop, lines: list[OrderLine]) -> list[ShelfItem]:
    """The lines of paid orders as their reader sees them."""
    return [_shelf_item(session, shop, line) for line in lines]


@bp.get("/a/<token>")
def access(token: str) -> str | Response:
    """The page behind a mailed link: every book of the order, how it stands, and one action each."""
    order = _order_behind(token)
    items = shelf(db(), the_shop(), [*order.digital_lines, *order.posted_lines])
    return render_template("library/access.html", order=order, items=items, token=token)


@bp.post("/a/<token>/download/<copy_id>")
def download(token: str, copy_id: str) -> AnyResponse:
    """Open a download of one book of the order."""
    order = _order_behind(token)
    entitlement = next((one for one in _entitlements(order) if one.copy_id == copy_id), None)
    return _to_ticket(entitlement)


@bp.post("/a/<token>/renew")
def renew(token: str) -> AnyResponse:
    """Mail a new link in place of one whose time is over."""
    try:
        order = the_shop().services.links.read_access(token, the_shop().now).order
    except ExpiredLinkError as over:
        order = over.subject
    return _mail_new_link(order)


@bp.get("/f/<ticket>")
def file(ticket: str) -> Response:
    """The bytes of a book, decided anew for every range."""
    shop = the_shop()
    allowed = downloads.authorise(db(), shop.services.links.read_ticket(ticket, shop.now), shop.now)
    return downloads.hand_out(shop, allowed)


@bp.post("/f/<ticket>/renew")
def renew_ticket(ticket: str) -> AnyResponse:
    """Mail a new link to the reader whose file ticket ran out."""
    try:
        subject = the_shop().services.links.read_ticket(ticket, the_shop().now)
    except ExpiredLinkError as over:
        subject = over.subject
    found = db().scalar(select(DownloadSession).where(DownloadSession.public_id == subject))
    if found is None:
        raise ForgedLinkError
    return _mail_new_link(found.entitlement.order.link_id)


@bp.get("/library")
def library() -> str:
    """Every book bought with the reader's address, or the way in."""
    email = signed_in_as(db())
    if email is None:
        return render_template("library/sign_in.html", error=None, typed="")
    query = (
        select(OrderLine)
        .join(Order)
        .where(Order.email == email, Order.status == OrderStatus.PAID)
        .order_by(Order.paid_at.desc(), OrderLine.position)
    )
    items = shelf(db(), the_shop(), list(db().scalars(query)))
    return render_template("library/library.html", email=email, items=items)


@bp.post("/library/code")
def ask_code() -> AnyResponse | tuple[str, int]:
    """Mail a code to the address that was typed."""
    email = addresses.tidy(request.form.get("email", ""))
    if not addresses.is_email(email):
        page = render_template(
            "library/sign_in.html", error="Enter an e-mail address like name@example.com.", typed=email
        )
        return page, 422
    try:
        public_id = signin.send_code(the_shop(), email, network_of(request.remote_addr))
    except signin.TooManyCodesError:
        page = render_template(
            "library/sign_in.html",
            error="Too many codes were asked for. Wait an hour, or write to us.",
            typed=email,
        )
        return page, 429
    response = see_other("/library/code")
    _remember(response, CODE_COOKIE, public_id, signin.CODE_LIFE)
    return response


@bp.get("/library/code")
def enter_code() -> AnyResponse | str:
    """Where the code is typed."""
    if not request.cookies.get(CODE_COOKIE):
        return redirect("/library")
    return render_template("library/code.html", error=None)


@bp.post("/library/sign-in")
def sign_in() -> AnyResponse | tuple[str, int]:
    """Let in whoever types the right code."""
    public_id = request.cookies.get(CODE_COOKIE, "")
    try:
        token = signin.answer_code(the_shop(), public_id, request.form.get("code", ""))
    except signin.WrongCodeError:
        error = "That is not the code, or its time is over. Check the newest mail, or ask for another code."
        return render_template("library/code.html", error=error), 422
    response = see_other("/library")
    _remember(response, READER_COOKIE, token, signin.SESSION_LIFE)
    response.delete_cookie(CODE_COOKIE)
    return response


@bp.post("/library/sign-out")
def sign_out() -> AnyResponse:
    """End the session, here and in the database."""
    for row in db().scalars(_session_query()):
        db().delete(row)
    response = see_other("/library")
    response.delete_cookie(READER_COOKIE)
    return response


@bp.post("/library/download/<copy_id>")
def library_download(copy_id: str) -> AnyResponse:
    """Open a download of one of the signed-in reader's books."""
    email = signed_in_as(db())
    if email is None:
        return see_other("/library")
    query = select(Entitlement).where(Entitlement.copy_id == copy_id, Entitlement.email == email)
    return _to_ticket(db().scalar(query))


@bp.app_errorhandler(ForgedLinkError)
def forged(_error: ForgedLinkError) -> tuple[str, int]:
    """A link that is not ours opens nothing, and says no more."""
    return render_template("library/forged.html"), 404


@bp.app_errorhandler(ExpiredLinkError)
def expired(_error: ExpiredLinkError) -> tuple[str, int]:
    """A link whose time is over says so, and offers a new one."""
    return render_template("library/expired.html", renew=f"{request.path.split('/download/')[0]}/renew"), 410


@bp.app_errorhandler(NotYoursError)
def not_yours(_error: NotYoursError) -> tuple[str, int]:
    """The book was taken back, or the download's time is over."""
    return render_template("library/not_yours.html"), 410


@bp.app_errorhandler(NoDownloadsLeftError)
def none_left(_error: NoDownloadsLeftError) -> tuple[str, int]:
    """Every download was used; a person can give more."""
    return render_template("library/none_left.html"), 403


def signed_in_as(session: Session) -> str | None:
    """The address this browser has proved, if any."""
    row = session.scalar(_session_query())
    return row.email if row else None


def _session_query() -> Select[ReaderSession]:
    token = request.cookies.get(READER_COOKIE, "")
    return select(ReaderSession).where(
        ReaderSession.token_hash == hashed(token), ReaderSession.expires_at > the_shop().now
    )


def _shelf_item(session: Session, shop: Shop, line: OrderLine) -> ShelfItem:
    entitlement = session.scalar(select(Entitlement).where(Entitlement.order_line_id == line.id))
    fulfiller = shop.services.fulfillers.get(line.fulfiller or "")
    edition = session.get_one(Edition, line.edition_id)
    return ShelfItem(
        line=line,
        entitlement=entitlement,
        is_refunded=line.declined_at is not None or refund_of(session, line) is not None,
        disclosure=fulfiller.disclosure if fulfiller else None,
        address=f"/books/{edition.work.slug}",
        jacket=jackets.of_work((one.isbn, one.cover) for one in edition.work.editions),
        waits_until=_waits_until(entitlement, edition, shop.now),
    )


def _waits_until(entitlement: Entitlement | None, edition: Edition, now: datetime) -> date | None:
    """The day from which a book may be delivered or posted, when that is still ahead."""
    days = [entitlement.deliver_after.date()] if entitlement and entitlement.deliver_after > now else []
    if edition.publication_date and edition.publication_date > now.date():
        days.append(edition.publication_date)
    return max(days, default=None)


def _order_behind(token: str) -> Order:
    claim = the_shop().services.links.read_access(token, the_shop().now)
    order = db().scalar(select(Order).where(Order.link_id == claim.order))
    if order is None:
        raise ForgedLinkError
    if order.link_version != claim.version:
        raise ExpiredLinkError(order.link_id)
    return order


def _entitlements(order: Order) -> list[Entitlement]:
    lines = [line.id for line in order.lines]
    return list(db().scalars(select(Entitlement).where(Entitlement.order_line_id.in_(lines))))


def _to_ticket(entitlement: Entitlement | None) -> AnyResponse:
    if entitlement is None:
        raise NotYoursError
    shop = the_shop()
    browser = downloads.browser_print(request.headers.get("User-Agent", ""))
    opened = downloads.open_session(db(), entitlement, browser, shop.now)
    return see_other(f"/f/{shop.services.links.ticket(opened.public_id, shop.now)}")


def _mail_new_link(order: str) -> AnyResponse:
    """Send a link to the address the order was placed with; at most one in ten minutes, however often asked."""
    now = the_shop().now
    slot = f"{order}:{int(now.timestamp()) // RESEND_SECONDS}"
    work.enqueue(db(), letters.LINK_MAIL, slot, at=now, payload={"link": order})
    return see_other("/link-sent")


@bp.get("/link-sent")
def link_sent() -> str:
    """A new link is on its way."""
    return render_template("library/link_sent.html")


def _remember(response: AnyResponse, name: str, value: str, life: timedelta) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(life.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=the_shop().settings.is_secure,
    )
