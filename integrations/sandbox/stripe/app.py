"""The sandbox as one WSGI program: the API, the pages and the console over one file."""

import socket
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, jsonify, request
from jinja2 import StrictUndefined
from werkzeug.exceptions import Forbidden, HTTPException

from integrations.sandbox.stripe import api, checkout, console, webhooks
from integrations.sandbox.stripe.errors import StripeError
from integrations.sandbox.stripe.store import Store
from integrations.sandbox.stripe.wire import DROP, new_request_id
from integrations.sandbox.stripe.world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def open_world(file: Path, public_url: str) -> World:
    """Return the sandbox's world over a file, made if it is not there."""
    return World(Store(file), public_url.rstrip("/"))


def create_app(world: World) -> Flask:
    """Return the web program for a world."""
    app = Flask(__name__)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.filters["moment"] = moment
    for room in (api, checkout, console):
        app.register_blueprint(room.blueprint(world))
    app.before_request(_number_request)
    app.before_request(_refuse_strangers)
    app.after_request(_log_request)
    app.register_error_handler(HTTPException, _unknown_address)
    app.register_error_handler(StripeError, lambda error: (jsonify(error.body), error.status))
    app.wsgi_app = Dropping(app.wsgi_app)  # type: ignore[method-assign]
    return app


def open_post_office(world: World) -> None:
    """Start the threads that deliver webhooks and ring timers."""
    webhooks.PostOffice(world, console.ring).open()


def moment(seconds: int) -> str:
    """Return a time for people, such as `2026-11-25 14:03:09`, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


def _number_request() -> None:
    g.request_id = new_request_id()


def _refuse_strangers() -> None:
    # A page of some other site, open in a developer's browser, has no business pressing our buttons.
    if request.path.startswith("/_sandbox/") and request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise Forbidden


def _log_request(response: Response) -> Response:
    if request.path.startswith("/v1/"):
        entry = {
            "method": request.method,
            "path": request.path,
            "parameters": request.values.to_dict(),
            "status": response.status_code,
            "lost": DROP in response.headers,
            "idempotency_key": request.headers.get("Idempotency-Key"),
            "request_id": g.request_id,
            "version": request.headers.get("Stripe-Version"),
            "reply": response.get_data(as_text=True),
        }
        console.LOG.append(entry)
    return response


def _unknown_address(error: HTTPException) -> Response | HTTPException:
    if not request.path.startswith("/v1/"):
        return error
    says = f"Unrecognized request URL ({request.method}: {request.path}). The sandbox does not know it."
    body = {"error": {"message": says, "type": "invalid_request_error"}}
    response = jsonify(body)
    response.status_code = 404 if error.code in {404, 405} else error.code or 500
    response.headers["Request-Id"] = g.request_id
    return response


class Dropping:
    """Closes the connection in place of a reply that `wire.dropped` has marked."""

    def __init__(self, inner: "WSGIApplication") -> None:
        self._inner = inner

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Run the program, then send its reply or lose it."""
        begun: list[Any] = []
        reply = self._inner(environ, lambda *told: begun.append(told) or (lambda _data: None))  # type: ignore[func-returns-value]
        if any(name == DROP for name, _ in begun[0][1]):
            _cut(environ.get("werkzeug.socket"))
        start_response(*begun[0])
        return reply


def _cut(line: socket.socket | None) -> None:
    if line is not None:
        line.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError
