"""The way from a basket to a paid order: basket, details, a last look, Stripe's page, and thanks."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from flask import Blueprint, abort, make_response, redirect, render_template, request
from sqlalchemy import select

from shop import addresses, countries, visitor
from shop.checkout import basket as baskets
from shop.checkout import details as forms
from shop.checkout import inbox, placing, settlement
from shop.checkout.gateway import ForgedNoticeError
from shop.library import fulfilment
from shop.library.views import shelf
from shop.orders import consent
from shop.orders.models import Order, OrderError, OrderStatus
from shop.services import OutsideError, RefusedError
from shop.web import db, keep_private, local_path, private, see_other, the_shop

if TYPE_CHECKING:
    from flask import Response
    from sqlalchemy.orm import Session
    from werkzeug.wrappers import Response as AnyResponse

    from shop.checkout.basket import BasketView
    from shop.orders.payments import PaymentAttempt

log = structlog.get_logger()

bp = private(Blueprint("checkout", __name__))
hooks = Blueprint("hooks", __name__)

LARGEST_NOTICE = 1_000_000
WAIT_STEP = 0.1
LINK_SHOWN = timedelta(hours=2)
"""How long after paying this page leads to the books; later the mailed link and the library do."""


@bp.get("/basket")
def basket() -> AnyResponse:
    """What is in the basket, what it costs with delivery, and what stands in the way; books nobody knows leave it."""
    looked, wanted = _basket(), visitor.basket()
    known = {line.isbn for line in looked.lines}
    if known >= wanted.keys():
        return make_response(render_template("checkout/basket.html", basket=looked))
    left = {isbn: count for isbn, count in wanted.items() if isbn in known}
    page = render_template("checkout/basket.html", basket=looked, basket_count=sum(left.values()))
    response = make_response(page)
    visitor.remember_basket(response, left)
    return response


@bp.post("/basket")
def add_to_basket() -> AnyResponse | tuple[str, int]:
    """Put one copy of an edition into the basket, or one each of two, if this reader may buy them."""
    isbns, wanted = request.form.getlist("isbn")[:2], visitor.basket()
    shown = visitor.country_in(request.form)
    looked = baskets.look_at(the_shop(), dict.fromkeys(isbns, 1), visitor.country() or shown)
    if not isbns or len(looked.lines) < len({*isbns}):
        abort(404, "We do not know a book with this ISBN.")
    for line in looked.lines:
        if not line.view.may_be_basketed:
            return render_template("checkout/not_added.html", line=line), 409
        wanted = baskets.add(wanted, line.isbn, is_digital=line.is_digital)
    response = see_other(local_path(request.form.get("next"), "/basket"))
    visitor.remember_basket(response, wanted)  # type: ignore[arg-type]
    if shown and visitor.country() is None:
        visitor.remember_country(response, shown)  # type: ignore[arg-type]
    return response


@bp.post("/basket/<isbn>")
def change_basket(isbn: str) -> AnyResponse:
    """Change a quantity, or take a book out."""
    quantity = 0 if "remove" in request.form else request.form.get("quantity", -1, type=int)
    if quantity < 0:
        abort(400, "A quantity is a whole number, such as 1.")
    looked = baskets.look_at(the_shop(), {isbn: 1}, visitor.country())
    if looked.lines and looked.lines[0].is_digital:
        quantity = min(quantity, 1)
    response = see_other("/basket")
    visitor.remember_basket(response, baskets.change(visitor.basket(), isbn, quantity))  # type: ignore[arg-type]
    return response


@bp.get("/checkout")
def details() -> AnyResponse | str:
    """Ask for the few details an order needs."""
    looked = _basket()
    if not looked.can_be_paid:
        return redirect("/basket")
    return _details_page(looked, {}, {}, secrets.token_urlsafe(16))


@bp.post("/checkout")
def take_details() -> AnyResponse | tuple[str, int]:
    """Check the details and write the draft of the order down."""
    looked = _basket()
    if not looked.can_be_paid:
        return see_other("/basket")
    key = request.form.get("checkout_key", "")[:40] or secrets.token_urlsafe(16)
    found = forms.read(request.form, posts=looked.copies_to_post > 0, country=looked.country or "")
    if not found.errors and (refused := _not_posted_there(looked, found)):
        found.errors["postcode"] = refused
    if found.errors:
        return _details_page(looked, found.typed, found.errors, key), 422
    return _draft(looked, found, key)


@bp.get("/checkout/<public_id>")
def review(public_id: str) -> AnyResponse | str:
    """The last look before payment: everything, the address in large letters, one button that says pay."""
    order = _get_order(public_id)
    if order.is_paid:
        return redirect(f"/orders/{public_id}")
    return _review_page(order, [])


@bp.get("/checkout/<public_id>/details")
def edit_details(public_id: str) -> AnyResponse | str:
    """Change the details of an order that is not paid yet, with all that was typed before."""
    order, looked = _get_order(public_id), _basket()
    if not order.can_change or not looked.can_be_paid:
        return redirect(f"/checkout/{public_id}")
    typed = {"email": order.email, "name": order.name, **(order.address or {})}
    return _details_page(looked, typed, {}, order.checkout_key)


@bp.post("/checkout/<public_id>/pay")
def pay(public_id: str) -> AnyResponse | str | tuple[str, int]:
    """Hold the order against the shop as it is now, and send the reader to pay for exactly that."""
    shop = the_shop()
    _ask_providers(public_id)
    with shop.db.writing() as session:
        order = _lock(session, public_id)
        if not order.can_change:
            return see_other(f"/orders/{public_id}")
        looked = baskets.look_at(shop, visitor.basket(), visitor.country())
        changes = placing.changes(order, looked)
        attempt = placing.open_attempt(session, order, shop.now)
    if changes:
        return _show_changes(order, looked, changes, attempt)
    return _to_gateway(public_id)


@bp.get("/orders/<public_id>")
def thanks(public_id: str) -> Response:
    """What was bought and how it stands. Coming back from Stripe is a knock as well: the gateway is asked.

    The settling is no effect of this page's own: it brings the order to where the gateway's books already are,
    exactly as the notice or the sweep would a moment later.
    """
    shop = the_shop()
    with shop.db.reading() as session:
        order = _find_order(session, public_id)
        is_waiting = order.is_awaiting_payment
    if is_waiting:
        _knock(public_id)
    if is_waiting or "wait" in request.args:
        _wait_until_ready(public_id)
    order = _get_order(public_id)
    items = shelf(db(), shop, order.lines)
    token = None
    if order.paid_at and shop.now - order.paid_at < LINK_SHOWN:
        token = shop.services.links.access_token(order.link_id, order.link_version, shop.now)
    left = _without_bought(order)
    page = render_template(
        "checkout/thanks.html", order=order, items=items, token=token, basket_count=sum(left.values())
    )
    response = make_response(page)
    visitor.remember_basket(response, left)
    return response


def _without_bought(order: Order) -> visitor.Basket:
    """Once an order is paid, its books leave the basket."""
    bought = {line.isbn for line in order.lines} if order.is_paid else set()
    return {isbn: count for isbn, count in visitor.basket().items() if isbn not in bought}


@hooks.post("/webhooks/stripe")
def stripe_notice() -> tuple[str, int]:
    """Verify the raw bytes, write the notice down, answer; what follows is done by a worker."""
    shop = the_shop()
    if (request.content_length or 0) > LARGEST_NOTICE:
        return "too large", 413
    body = request.get_data(cache=False)
    try:
        knock = shop.services.gateway.hear(body, request.headers.get("Stripe-Signature", ""))
    except ForgedNoticeError:
        log.warning("webhook.forged")
        return "not signed by Stripe", 400
    inbox.keep(db(), knock, body, shop.now)
    return "", 200


stripe_notice.by_machine = True  # type: ignore[attr-defined]
hooks.after_request(keep_private)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the details form."""

    name: str
    label: str
    hint: str
    autocomplete: str
    type: str = "text"


FIELDS = (
    Field("email", "E-mail address", "Your receipt and your books go here.", "email", "email"),
    Field("name", "Name", "", "name"),
)
ADDRESS_FIELDS = (
    Field("street", "Address", "", "address-line1"),
    Field("street2", "Address, second line (optional)", "", "address-line2"),
    Field("city", "Town or city", "", "address-level2"),
    Field("region", "County, state or province (optional)", "", "address-level1"),
    Field("postcode", "Postcode", "", "postal-code"),
)


def _basket() -> BasketView:
    return baskets.look_at(the_shop(), visitor.basket(), visitor.country())


def _find_order(session: Session, public_id: str) -> Order:
    order = session.scalar(select(Order).where(Order.public_id == public_id))
    if order is None:
        abort(404, "There is no order at this address.")
    return order


def _get_order(public_id: str) -> Order:
    return _find_order(db(), public_id)


def _lock(session: Session, public_id: str) -> Order:
    order = session.scalar(select(Order).where(Order.public_id == public_id).with_for_update())
    if order is None:
        abort(404, "There is no order at this address.")
    return order


def _details_page(looked: BasketView, typed: dict[str, str], errors: dict[str, str], key: str) -> str:
    posts = looked.copies_to_post > 0
    return render_template(
        "checkout/details.html",
        basket=looked,
        country=countries.name(looked.country or ""),
        fields=FIELDS + (ADDRESS_FIELDS if posts else ()),
        posts=posts,
        typed=typed,
        errors=errors,
        checkout_key=key,
    )


def _not_posted_there(looked: BasketView, found: forms.Details) -> str:
    """Why these books do not go to this address; empty where they do (Regulation (EU) 2023/988, Windsor Framework)."""
    postcode = (found.address or {}).get("postcode", "")
    titles = ", ".join(line.title for line in looked.unanswered_for)
    if not titles or not forms.is_in_northern_ireland(looked.country or "", postcode):
        return ""
    return f"We are sorry: we cannot post {titles} to Northern Ireland yet. Take it out of the basket to go on."


def _draft(looked: BasketView, found: forms.Details, key: str) -> AnyResponse:
    shop = the_shop()
    with shop.db.reading() as session:
        existing = session.scalar(select(Order).where(Order.checkout_key == key))
        attempt = placing.open_attempt(session, existing, shop.now) if existing else None
    if existing is not None and attempt is not None and not placing.close_attempt(shop, attempt):
        settlement.settle(shop, existing.public_id)
        return see_other(f"/orders/{existing.public_id}")
    try:
        order = placing.draft(db(), shop, looked, found, key)
    except OrderError:
        if existing is None:
            return see_other("/basket")
        return see_other(f"/orders/{existing.public_id}")
    return see_other(f"/checkout/{order.public_id}")


def _review_page(order: Order, changes: list[placing.Change], trouble: str = "") -> str:
    return render_template(
        "checkout/review.html",
        order=order,
        country=countries.name(order.country),
        changes=changes,
        trouble=trouble,
        suspect=addresses.suspect(order.email),
        consent_words=consent.WORDS,
        expired=order.status == OrderStatus.EXPIRED,
    )


def _ask_providers(public_id: str) -> None:
    """Once more before any money moves: can the ebooks of this order be delivered?"""
    shop = the_shop()
    with shop.db.reading() as session:
        isbns = [line.isbn for line in _find_order(session, public_id).digital_lines]
    for isbn in isbns:
        fulfilment.ask_after(shop, isbn)


def _show_changes(
    order: Order, looked: BasketView, changes: list[placing.Change], attempt: PaymentAttempt | None
) -> AnyResponse | tuple[str, int]:
    """Something is not as it was shown: say what, agree anew where that can be, and ask again."""
    shop = the_shop()
    if not looked.can_be_paid:
        return see_other("/basket")
    if attempt is not None and not placing.close_attempt(shop, attempt):
        settlement.settle(shop, order.public_id)
        return see_other(f"/orders/{order.public_id}")
    with shop.db.writing() as session:
        placing.agree(session, _lock(session, order.public_id), looked, shop.now)
    return _review_page(_get_order(order.public_id), changes), 409


def _to_gateway(public_id: str) -> AnyResponse | tuple[str, int]:
    shop, consents = the_shop(), "consent" in request.form
    try:
        _hear_of_overdue(public_id)
        with shop.db.writing() as session:
            order = _lock(session, public_id)
            if not order.can_change:
                return see_other(f"/orders/{public_id}")
            placing.keep_consent(session, order, given=consents, now=shop.now)
            # Another press of the same button may have begun it since we looked.
            attempt = placing.open_attempt(session, order, shop.now)
            if attempt is None and placing.unfinished_attempt(session, order):
                return see_other(f"/orders/{public_id}")
            attempt = attempt or placing.begin_payment(session, order, now=shop.now)
        return see_other(attempt.address or placing.start_attempt(shop, attempt))
    except placing.SoldOutError as error:
        return _review_page(_get_order(public_id), [placing.Change(str(error))]), 409
    except RefusedError as error:
        log.error("checkout.refused", order=_number(public_id), reason=type(error).__name__)  # noqa: TRY400 - Stripe's words may hold an address
        trouble = "The payment page could not be opened. Nothing has been charged; please write to us."
    except OutsideError as error:
        log.warning("checkout.no_answer", order=_number(public_id), reason=str(error))
        trouble = "The payment page could not be reached. Nothing has been charged; please try again in a minute."
    return _review_page(_get_order(public_id), [], trouble), 503


def _hear_of_overdue(public_id: str) -> None:
    """Before another payment is begun, ask how one stands whose time is over: it may have been paid."""
    shop = the_shop()
    with shop.db.reading() as session:
        order = _find_order(session, public_id)
        unfinished = placing.unfinished_attempt(session, order)
    if unfinished is not None and unfinished.expires_at <= shop.now:
        settlement.settle(shop, public_id)


def _knock(public_id: str) -> None:
    try:
        settlement.settle(the_shop(), public_id, patiently=False)
    except OutsideError as error:
        log.warning("thanks.no_answer", order=_number(public_id), reason=str(error))


def _number(public_id: str) -> str:
    """What a log calls an order: its number, never the id that opens its page."""
    with the_shop().db.reading() as session:
        return _find_order(session, public_id).number


def _wait_until_ready(public_id: str) -> None:
    """Give the worker a moment, so that most readers see their books ready at once."""
    shop = the_shop()
    deadline = time.monotonic() + shop.settings.thanks_wait_seconds
    while time.monotonic() < deadline:
        with shop.db.reading() as session:
            order = _find_order(session, public_id)
            items = shelf(session, shop, order.digital_lines)
            if not order.is_paid or not any(item.is_on_its_way for item in items):
                return
        time.sleep(WAIT_STEP)
