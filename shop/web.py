"""What every page shares: the shop behind the request, its one transaction, its headers, who may post."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, current_app, g, redirect, request
from werkzeug.exceptions import BadRequest, HTTPException

from shop.settings import assets

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from sqlalchemy.orm import Session
    from werkzeug.wrappers import Response as AnyResponse

    from shop.services import Shop

READING = {"GET", "HEAD", "OPTIONS"}
YEAR = 31_536_000

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}


class StrangerPostError(BadRequest):
    """A form was sent from a page that is not ours."""

    description = "This form was sent from another site, so nothing was done. Go back to the shop and try again."


def the_shop() -> Shop:
    """The shop that answers this request."""
    shop: Shop = current_app.extensions["frontlist"]
    return shop


def db() -> Session:
    """This request's one transaction: reading for GET, writing else; undone by an answer of 400 or more."""
    if "session" not in g:
        shop = the_shop()
        opened = shop.db.reading() if request.method in READING else shop.db.writing()
        g.opened = opened
        g.session = opened.__enter__()
    session: Session = g.session
    return session


def settle_transaction(response: Response) -> Response:
    """Commit before the answer leaves; an error answer undoes everything first."""
    if session := g.pop("session", None):
        opened = g.pop("opened")
        if response.status_code >= 400:  # noqa: PLR2004 - HTTP's own line between fine and not
            session.rollback()
        opened.__exit__(None, None, None)
    return response


def commit_now() -> None:
    """Commit what the request has written so far; what follows, such as a call abroad, holds no transaction."""
    if session := g.pop("session", None):
        session.flush()
        g.pop("opened").__exit__(None, None, None)


def drop_transaction(error: BaseException | None) -> None:
    """Undo what is still open when the request ends in an exception."""
    if session := g.pop("session", None):
        session.rollback()
        g.pop("opened").__exit__(type(error) if error else None, error, None)


def refuse_nulls() -> None:
    """A null character is in no title and no address; PostgreSQL keeps none."""
    if "\0" in request.path or "%00" in request.environ["QUERY_STRING"]:
        abort(404, "There is nothing at this address.")


def refuse_strangers() -> None:
    """Refuse a change that a browser was led into by another site.

    Browsers say where a request comes from: `Sec-Fetch-Site` everywhere since 2023, `Origin` on every POST
    since 2020. A request that says neither is no browser's and is refused too. Pages need no token, so they
    can be kept and shared out (OWASP: verifying origin with Fetch Metadata).
    """
    if request.method in READING or _is_called_by_machine():
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site == "same-origin" or (site is None and _origin_is_ours()):
        return
    raise StrangerPostError


def _is_called_by_machine() -> bool:
    """Whether the view proves its caller in another way, as a signed notice does."""
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "by_machine", False)


def _origin_is_ours() -> bool:
    ours = urlsplit(the_shop().settings.public_base_url)
    return request.headers.get("Origin") == f"{ours.scheme}://{ours.netloc}"


@dataclass(frozen=True)
class Headers:
    """The security headers of every answer."""

    checkout_origin: str
    secure: bool

    @cached_property
    def usual(self) -> list[tuple[str, str]]:
        """Those that hold unless a route set its own."""
        headers = [
            (
                "Content-Security-Policy",
                (
                    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
                    f"connect-src 'self'; form-action 'self' {self.checkout_origin}; base-uri 'none'; "
                    "object-src 'none'; frame-ancestors 'none'"
                ),
            ),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "strict-origin-when-cross-origin"),
            (
                "Permissions-Policy",
                "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()",
            ),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ]
        if self.secure:
            headers.append(("Strict-Transport-Security", f"max-age={YEAR}; includeSubDomains"))
        return headers

    def put_on(self, response: Response) -> Response:
        """Add each header that the route has not set itself."""
        present = response.headers
        if response.mimetype == "text/html" and "Cache-Control" not in present:
            present["Cache-Control"] = "private, no-cache"  # every page shows the basket's count
            response.vary.add("Cookie")
        for name, value in self.usual:
            if name not in present:
                present.add(name, value)
        return response


def keep_private(response: AnyResponse) -> AnyResponse:
    """A page about one person: never stored, never indexed, its address never passed on."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def private(blueprint: Blueprint) -> Blueprint:
    """Every page of this blueprint is about one person."""
    blueprint.after_request(keep_private)
    return blueprint


def see_other(location: str) -> AnyResponse:
    """Answer a form: go and look there (303)."""
    return redirect(location, code=303)


def local_path(target: str | None, otherwise: str) -> str:
    """A path of ours that a form asked to return to; anything that could lead away is not followed."""
    if target and target.startswith("/") and target[1:2] not in {"/", "\\"} and target.isprintable():
        return target if "\\" not in target else otherwise
    return otherwise


class Assets:
    """Stylesheet, script and pictures, each under an address that changes with its content."""

    def __init__(self, folder: Path) -> None:
        """Read them all, once; there are few and they are small."""
        self._by_name: dict[str, tuple[str, bytes]] = {}
        self._address: dict[str, str] = {}
        for path in sorted(folder.iterdir()):
            content = path.read_bytes()
            name = f"{path.stem}.{hashlib.sha256(content).hexdigest()[:10]}{path.suffix}"
            self._by_name[name] = (_TYPES[path.suffix], content)
            self._address[path.name] = f"/assets/{name}"

    def address(self, name: str) -> str:
        """Where `site.css` is now."""
        return self._address[name]

    def serve(self, name: str) -> Response:
        """Answer with an asset that may be kept for ever."""
        if name not in self._by_name:
            abort(404)
        kind, content = self._by_name[name]
        response = Response(content, mimetype=kind)
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
        return response


def furnish(app: Flask, shop: Shop) -> Headers:
    """Give the application what every page shares; the headers that every answer carries."""
    app.extensions["frontlist"] = shop
    served = Assets(assets("templates") / "assets")
    headers = Headers(shop.settings.stripe_api_base or shop.settings.stripe_checkout_origin, shop.settings.is_secure)
    app.add_url_rule("/assets/<name>", "asset", served.serve)
    app.before_request(refuse_nulls)
    app.before_request(refuse_strangers)
    app.after_request(settle_transaction)
    app.after_request(headers.put_on)
    app.teardown_request(drop_transaction)
    app.jinja_env.globals["asset"] = served.address
    app.jinja_env.globals |= {"stylesheet": served.address("site.css"), "icon": served.address("icon.svg")}
    app.jinja_env.globals["house"] = shop.settings
    return headers


def sentence_of(error: HTTPException) -> str:
    """What a reader is told of an HTTP error."""
    return error.description or error.name
