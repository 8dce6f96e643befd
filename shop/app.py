"""The application: where the shop is put together. The only module that names a concrete integration."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask, Response, redirect, render_template, request
from jinja2 import StrictUndefined
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from integrations.covers import CoverHosts
from integrations.files import Folder
from integrations.glassboxx import Glassboxx
from integrations.mail import SmtpMailer
from integrations.stripe_gateway import StripeGateway
from integrations.watermark import Watermark
from shop import countries, money, visitor, web, work
from shop import settings as configuration
from shop.catalogue import views as catalogue
from shop.catalogue.books import pages, reading
from shop.catalogue.covers import jackets
from shop.catalogue.feeds import trade
from shop.catalogue.feeds import views as feed_views
from shop.catalogue.intake import jobs
from shop.catalogue.selling import sellable
from shop.catalogue.waiting import notify
from shop.catalogue.waiting import views as waiting_views
from shop.checkout import inbox, refunding, settlement
from shop.checkout import letters as checkout_letters
from shop.checkout import views as checkout
from shop.db import Database
from shop.despatch import warehouse
from shop.library import fulfilment, signin
from shop.library import letters as library_letters
from shop.library import models as library_models
from shop.library import views as library
from shop.library.links import Links
from shop.orders import refunds
from shop.reconciliation import ledgers
from shop.services import Services, Shop
from shop.settings import Settings, assets
from shop.staff import views as staff

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

    from shop.library.fulfilment import Fulfiller
    from shop.work import Handler

HANDLERS: dict[str, Handler] = {
    inbox.LOOK_INTO: inbox.look_into,
    library_models.DELIVER: fulfilment.deliver,
    refunds.REFUND: refunding.make_refund,
    settlement.CONFIRMATION_MAIL: checkout_letters.confirmation,
    refunding.REFUND_MAIL: checkout_letters.refund,
    fulfilment.READY_MAIL: library_letters.ready,
    signin.CODE_MAIL: library_letters.code,
    library_letters.LINK_MAIL: library_letters.new_link,
    warehouse.DESPATCHED_MAIL: warehouse.despatched_letter,
    notify.LETTER: notify.letter,
    notify.ROUND: notify.look_round,
    jobs.IMPORT: jobs.take_in,
    jackets.FETCH: jackets.fetch,
    sellable.ROUND: sellable.note_day,
    "sweep": settlement.sweep,
    "check-providers": fulfilment.check_providers,
    "fetch-ledger": ledgers.fetch,
}
"""Who does each kind of work row."""


def rounds(settings: Settings) -> dict[str, int]:
    """Work that comes round by itself: its kind, and every how many seconds."""
    return {
        "sweep": settings.sweep_seconds,
        "check-providers": min(settings.provider_check_seconds, settings.provider_recheck_seconds),
        "fetch-ledger": settings.ledger_seconds,
        notify.ROUND: settings.notify_seconds,
        sellable.ROUND: sellable.A_DAY,
    }


def connect(settings: Settings) -> Shop:
    """Put the shop together from its settings, with the real outside."""
    return Shop(settings, Database(settings.database_url), services_of(settings))


def services_of(settings: Settings) -> Services:
    """The outside that the settings name."""
    files = Folder(Path(settings.files_dir))
    fulfillers: dict[str, Fulfiller] = {"watermark": Watermark(files, settings.watermark_secret)}
    if settings.glassboxx_base_url:
        fulfillers["glassboxx"] = Glassboxx(
            settings.glassboxx_base_url,
            settings.glassboxx_username,
            settings.glassboxx_password,
            settings.glassboxx_vendor_id,
            check_path=settings.glassboxx_check_path,
            timeout=settings.glassboxx_timeout_seconds,
        )
    return Services(
        gateway=StripeGateway(settings.stripe_secret_key, settings.stripe_webhook_secrets, settings.stripe_api_base),
        fulfillers=fulfillers,
        files=files,
        pictures=CoverHosts(settings.cover_hosts),
        mailer=SmtpMailer(
            settings.mail_host,
            settings.mail_port,
            settings.mail_username,
            settings.mail_password,
            settings.mail_from,
            settings.support_email,
            starttls=settings.mail_starttls,
        ),
        links=Links(settings.secret_keys, settings.public_base_url, timedelta(days=settings.access_link_days)),
        clock=lambda: datetime.now(UTC),
    )


class Application(Flask):
    """Flask, but for what it writes into logs of its own accord."""

    def log_exception(self, exc_info: Any) -> None:
        """Write down where it broke, never the address: it may hold the token of somebody's books."""
        structlog.get_logger().error("exception", endpoint=request.endpoint, exc_info=exc_info)


def create_app(shop: Shop | None = None) -> Flask:
    """The WSGI application; without a shop, one is put together from the settings."""
    write_logs()
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


def write_logs() -> None:
    """Logs are lines of JSON with ids in them: no secret, no token, no address of a person."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


def work_for_ever(shop: Shop, stop: work.Stop) -> None:
    """Do work rows until told to stop, and see that the rounds are made."""
    work.run(shop, HANDLERS, rounds(shop.settings), stop)


def _shown_everywhere() -> dict[str, Any]:
    return {"basket_count": visitor.copies(), "path": request.path}


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
