"""The page on which a reader asks to be told when an edition is on sale."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request

from shop import addresses, throttle, visitor
from shop.catalogue.books import reading
from shop.catalogue.waiting import notify
from shop.throttle import hashed, network_of
from shop.web import db, see_other, the_shop

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from shop.catalogue.books.reading import EditionView

bp = Blueprint("notify", __name__)


@bp.get("/notify/<isbn>")
def page(isbn: str) -> AnyResponse | str:
    """Ask for an address; whoever can buy already is sent to the book."""
    found = _edition(isbn)
    return _page(found) if found[1].may_be_awaited else redirect(f"{found[3]}#{isbn}")


@bp.post("/notify/<isbn>")
def ask(isbn: str) -> AnyResponse | tuple[str, int]:
    """Note the address. The answer is the same for one that is noted already."""
    shop, email = the_shop(), addresses.tidy(request.form.get("email", ""))
    found = _edition(isbn)
    edition_id, view, _title, address = found
    if not view.may_be_awaited or view.country is None:
        return redirect(f"{address}#{isbn}", code=303)
    if not addresses.is_email(email):
        return _page(found, "Enter an e-mail address like name@example.com.", email), 422
    limits = ((f"notify:{hashed(network_of(request.remote_addr))}", 30), (f"notify:{hashed(email)}", 10))
    if not all(throttle.allows(shop, key, most, timedelta(hours=1)) for key, most in limits):
        return _page(found, "Too many requests came from here. Try again in an hour.", email), 429
    notify.ask(db(), edition_id, email, view.country, shop.now)
    return see_other(f"/notify/{isbn}/noted")


@bp.get("/notify/<isbn>/noted")
def noted(isbn: str) -> str:
    """Say what will happen now."""
    _id, view, title, address = _edition(isbn)
    return render_template("catalogue/notify_noted.html", edition=view, title=title, address=address)


Found = tuple[int, "EditionView", str, str]
"""Id and view of an edition, title and address of its work."""


def _page(found: Found, error: str | None = None, typed: str = "") -> str:
    _id, view, title, address = found
    told = {"edition": view, "title": title, "address": address, "country": view.country}
    return render_template("catalogue/notify.html", error=error, typed=typed, **told)


def _edition(isbn: str) -> Found:
    shop = the_shop()
    with shop.db.read_engine.connect() as connection:
        editions = reading.editions_by_isbn(shop, connection, [isbn], visitor.country())
        titles = reading.titles_by_isbn(connection, [isbn])
    if isbn not in editions:
        abort(404)
    return (*editions[isbn], *titles[isbn])
