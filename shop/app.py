"""The application: the shop's pages, put together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask, Response, redirect, render_template, request
from jinja2 import StrictUndefined
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from shop import countries, logs, money, visitor, web
from shop import settings as configuration
from shop.catalogue import views as catalogue
from shop.catalogue.books import pages, reading
from shop.catalogue.feeds import trade
from shop.catalogue.feeds import views as feed_views
from shop.catalogue.waiting import views as waiting_views
from shop.checkout import views as checkout
from shop.library import views as library
from shop.outside import connect
from shop.settings import assets
from shop.staff import views as staff

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from shop.services import Shop


class Application(Flask):
    """Flask, but for what it writes into logs of its own accord."""

    def log_exception(self, exc_info: Any) -> None:
        """Write down where it broke, never the address: it may hold the token of somebody's books."""
        structlog.get_logger().error("exception", endpoint=request.endpoint, exc_info=exc_info)


def create_app(shop: Shop | None = None) -> Flask:
    """The WSGI application; without a shop, one is put together from the settings."""
    logs.configure()
    shop = shop or connect(configuration.load())
    app = Application("frontlist", template_folder=str(assets("templates")), static_folder=None)
    app.config.update(
        DEBUG=shop.settings.debug,
        TRUSTED_HOSTS=[shop.settings.host],
        MAX_CONTENT_LENGTH=16 * 1024 * 1024,
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters["long_date"] = reading.long_date
    app.jinja_env.filters["instant"] = _instant
    app.jinja_env.filters["minor"] = money.written
    app.jinja_env.filters["country_in_sentence"] = countries.in_sentence
    headers = web.furnish(app, shop)
    for blueprint in (
        catalogue.bp,
        feed_views.bp,
        trade.bp,
        waiting_views.bp,
        checkout.bp,
        checkout.hooks,
        library.bp,
        staff.bp,
    ):
        app.register_blueprint(blueprint)
    app.context_processor(_shown_everywhere)
    pages.put_before(app, shop, headers.usual)
    if shop.settings.trusted_proxies:
        proxies = shop.settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]
    app.add_url_rule("/health", "health", lambda: _health(shop))
    app.register_error_handler(HTTPException, _explain)
    for nonsense in (DataError, OverflowError):
        app.register_error_handler(nonsense, _explain_nonsense)
    app.register_error_handler(500, _explain_fault)
    return app


def _shown_everywhere() -> dict[str, Any]:
    return {"basket_count": visitor.copies(), "country": visitor.country(), "path": request.path}


def _health(shop: Shop) -> Response:
    with shop.db.read_engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    return Response("ok\n", mimetype="text/plain", headers={"Cache-Control": "no-store"})


def _explain(error: HTTPException) -> tuple[str, int] | HTTPException | AnyResponse:
    """An error of the reader's, in a sentence and with a way on."""
    if error.code is None or error.code < 400:  # noqa: PLR2004 - redirects are exceptions too
        return error
    if error.code == 404 and request.method in web.READING and request.path.rstrip("/") not in {"", request.path}:  # noqa: PLR2004
        query = request.query_string.decode("ascii", "ignore")
        plain = request.path.rstrip("/") + (f"?{query}" if query else "")
        return redirect(web.local_path(plain, "/"), code=301)
    page = render_template("error.html", code=error.code, name=error.name, sentence=web.sentence_of(error))
    return page, error.code


def _explain_nonsense(_error: Exception) -> tuple[str, int]:
    """Something no database can hold was sent: a null character, a number without end."""
    return render_template(
        "error.html", code=400, name="Bad Request", sentence="That cannot be meant; please check it."
    ), 400


def _explain_fault(_error: Exception) -> tuple[str, int]:
    reference = request.headers.get("X-Request-Id", f"{datetime.now(UTC):%H%M%S%f}")
    structlog.get_logger().error("fault", reference=reference, endpoint=request.endpoint)
    return render_template("fault.html", reference=reference), 500


def _instant(value: datetime | None) -> str:
    return f"{value:%-d %B %Y, %H:%M} UTC" if value else ""
