"""One request: its key and version, the faults it may meet, and the work done once for its idempotency key."""

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response, g, request

from integrations.sandbox.stripe.errors import DeclinedError, StripeError, refused
from integrations.sandbox.stripe.form import TEXT, check, decode
from integrations.sandbox.stripe.lists import expand
from integrations.sandbox.stripe.objects import API_VERSION
from integrations.sandbox.stripe.store import REPLIES_KEPT, Thing
from integrations.sandbox.stripe.world import World, public

KEY_PREFIX = "sk_test_sandbox"
DEFAULT_VERSION = "2026-08-26.dahlia"
"""What a request without a `Stripe-Version` is answered in: the last version to take `payment_method_types`."""
DROP = "X-Sandbox-Drop"

Work = Callable[..., Thing]
"""What an endpoint does: takes the world, the decoded parameters and the ids of the path."""

# --- one request


def answer(world: World, work: Work, spec: Thing, ids: dict[str, str]) -> Response:
    """Answer one API request: admit it, suffer a planned fault, decode, do the work once, render."""
    try:
        admit()
        fault = _suffered(world)
        reply = _once(world, work, spec, ids) if request.method == "POST" else _plainly(world, work, spec, ids)
    except StripeError as error:
        return _reply(error.status, json.dumps(error.body))
    except ConnectionAbortedError:
        return dropped(_reply(500, ""))
    return dropped(reply) if fault["kind"] == "lose_reply" else reply


def dropped(reply: Response) -> Response:
    """Return the reply marked as one that never arrives: `app.Dropping` closes the connection instead."""
    reply.headers[DROP] = "1"
    return reply


def _plainly(world: World, work: Work, spec: Thing, ids: dict[str, str]) -> Response:
    return _reply(*_perform(world, work, spec, ids, _fields()))


def _fields() -> list[tuple[str, str]]:
    return [*request.args.items(multi=True), *request.form.items(multi=True)]


def admit() -> None:
    """Refuse a request without a sandbox key or with another version than this sandbox speaks."""
    key = request.authorization.token if request.authorization and request.authorization.token else ""
    if request.authorization and request.authorization.type == "basic":
        key = request.authorization.username or ""
    if not key.startswith(KEY_PREFIX):
        raise StripeError(401, f"Invalid API Key provided: '{_masked(key)}'. The sandbox takes {KEY_PREFIX}… only.")
    g.version = request.headers.get("Stripe-Version", DEFAULT_VERSION)
    if g.version not in {API_VERSION, DEFAULT_VERSION}:
        raise refused(f"Invalid Stripe API version: {g.version}. The sandbox speaks {API_VERSION} only.")


def speaks_newest() -> bool:
    """Tell whether the request named the newest version, whose rules are the strictest."""
    return bool(g.version == API_VERSION)


def _masked(key: str) -> str:
    return f"{key[:8]}…{key[-4:]}" if len(key) > 12 else key  # noqa: PLR2004 - Stripe too shows only the ends


def _perform(
    world: World, work: Work, spec: Thing, ids: dict[str, str], fields: list[tuple[str, str]]
) -> tuple[int, str]:
    asked = check({**spec, "expand": [TEXT]}, decode(fields), is_old=not speaks_newest())
    with world.store.transaction():
        try:
            thing = work(world, asked, **ids)
        except DeclinedError as error:
            return error.status, json.dumps(error.body)
        return 200, render(world, thing, asked.get("expand") or [])


def render(world: World, thing: Thing, expansions: list[str]) -> str:
    """Return the JSON text of a reply, with the asked fields expanded."""
    shown = public(thing)
    for path in expansions:
        expand(world, shown, path)
    return json.dumps(shown)


def _reply(status: int, body: str) -> Response:
    response = Response(body + "\n", status, mimetype="application/json")
    response.headers["Request-Id"] = g.request_id
    response.headers["Stripe-Version"] = g.get("version", API_VERSION)
    if "idempotency_key" in g:
        response.headers["Idempotency-Key"] = g.idempotency_key
    return response


# --- idempotency

_in_progress: set[str] = set()
_in_progress_lock = threading.Lock()


def _once(world: World, work: Work, spec: Thing, ids: dict[str, str]) -> Response:
    key, fields = request.headers.get("Idempotency-Key"), _fields()
    if not key:
        return _plainly(world, work, spec, ids)
    g.idempotency_key = key
    fingerprint = hashlib.sha256(json.dumps([request.path, sorted(fields)]).encode()).hexdigest()
    with _claimed(key):
        if "slow_for" in g:
            time.sleep(g.slow_for)
        return _replayed(world, key, fingerprint) or _kept(world, key, fingerprint, (work, spec, ids, fields))


@contextmanager
def _claimed(key: str) -> Iterator[None]:
    with _in_progress_lock:
        if key in _in_progress:
            says = f"There is currently another in-progress request using this Idempotent Key: {key}."
            raise StripeError(409, says, kind="idempotency_error", code="idempotency_key_in_use")
        _in_progress.add(key)
    try:
        yield
    finally:
        with _in_progress_lock:
            _in_progress.discard(key)


def _replayed(world: World, key: str, fingerprint: str) -> Response | None:
    oldest = world.store.now() - REPLIES_KEPT
    rows = world.store.run("SELECT * FROM replies WHERE key = ? AND created >= ?", key, oldest)
    if not rows:
        return None
    if rows[0]["fingerprint"] != fingerprint:
        says = "Keys for idempotent requests can only be used with the same parameters they were first used with."
        raise StripeError(400, f"{says} Try using a key other than '{key}'.", kind="idempotency_error")
    response = _reply(rows[0]["status"], rows[0]["body"])
    response.headers["Idempotent-Replayed"] = "true"
    return response


def _kept(world: World, key: str, fingerprint: str, call: tuple[Work, Thing, dict[str, str], Any]) -> Response:
    # The work and its reply commit together: a crash between them would do the work twice.
    with world.store.transaction():
        status, body = _perform(world, *call)
        sql = "INSERT OR REPLACE INTO replies (key, fingerprint, status, body, created) VALUES (?, ?, ?, ?, ?)"
        world.store.run(sql, key, fingerprint, status, body, world.store.now())
    return _reply(status, body)


# --- planned faults


def _suffered(world: World) -> Thing:
    fault = _next_fault(world)
    match fault["kind"]:
        case "500":
            raise StripeError(500, "An unknown error occurred (planned by the sandbox).", kind="api_error")
        case "429":
            says = "Request rate limit exceeded (planned by the sandbox)."
            raise StripeError(429, says, code="rate_limit")
        case "slow":
            _be_slow(float(fault.get("seconds") or 1))
        case "drop":
            raise ConnectionAbortedError
    return fault


def _be_slow(seconds: float) -> None:
    if request.method == "POST" and "Idempotency-Key" in request.headers:
        g.slow_for = seconds  # slept while the key is taken, so that a second request meets it
    else:
        time.sleep(seconds)


def _next_fault(world: World) -> Thing:
    if not world.store.setting("faults", []):
        return {"kind": ""}
    with world.store.transaction():
        faults: list[Thing] = world.store.setting("faults", [])
        fault = next((one for one in faults if _applies(one)), None)
        if fault is None:
            return {"kind": ""}
        fault["count"] -= 1
        world.store.set("faults", [one for one in faults if one["count"] > 0])
    return fault


def _applies(fault: Thing) -> bool:
    return fault.get("method") in {None, "", request.method} and (fault.get("path") or "") in request.path


def new_request_id() -> str:
    """Return a fresh request id such as `req_3f…`."""
    return f"req_{secrets.token_hex(7)}"
