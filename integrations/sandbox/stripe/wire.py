"""Stripe's manners on the wire: keys, versions, form fields, errors, idempotency, expansion and paging."""

import hashlib
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response, g, request

from integrations.sandbox.stripe.objects import API_VERSION
from integrations.sandbox.stripe.store import REPLIES_KEPT, Thing
from integrations.sandbox.stripe.world import World, public

KEY_PREFIX = "sk_test_sandbox"
DEEPEST_EXPANSION = 4
LARGEST_PAGE = 100
DROP = "X-Sandbox-Drop"

Work = Callable[..., Thing]
"""What an endpoint does: takes the world, the decoded parameters and the ids of the path."""


class StripeError(Exception):
    """An answer other than 200, in Stripe's envelope."""

    def __init__(self, status: int, message: str, *, kind: str = "invalid_request_error", **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, **extra}}


def missing(kind: str, object_id: str, param: str = "id") -> StripeError:
    """Return the answer for an id that is not there."""
    noun = {"checkout.session": "checkout.session", "event": "notification"}.get(kind, kind)
    return StripeError(404, f"No such {noun}: '{object_id}'", code="resource_missing", param=param)


def refused(message: str, param: str | None = None, code: str | None = None) -> StripeError:
    """Return the answer for a request that cannot be done as asked."""
    extra = {key: value for key, value in (("param", param), ("code", code)) if value}
    return StripeError(400, message, **extra)


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
    return _reply(200, _perform(world, work, spec, ids, _fields()))


def _fields() -> list[tuple[str, str]]:
    return [*request.args.items(multi=True), *request.form.items(multi=True)]


def admit() -> None:
    """Refuse a request without a sandbox key or with another version than this sandbox speaks."""
    key = request.authorization.token if request.authorization and request.authorization.token else ""
    if request.authorization and request.authorization.type == "basic":
        key = request.authorization.username or ""
    if not key.startswith(KEY_PREFIX):
        raise StripeError(401, f"Invalid API Key provided: '{_masked(key)}'. The sandbox takes {KEY_PREFIX}… only.")
    version = request.headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        raise refused(f"Invalid Stripe API version: {version}. The sandbox speaks {API_VERSION} only.")


def _masked(key: str) -> str:
    return f"{key[:8]}…{key[-4:]}" if len(key) > 12 else key  # noqa: PLR2004 - Stripe too shows only the ends


def _perform(world: World, work: Work, spec: Thing, ids: dict[str, str], fields: list[tuple[str, str]]) -> str:
    asked = check({**spec, "expand": [TEXT]}, decode(fields))
    with world.store.transaction():
        thing = work(world, asked, **ids)
        return render(world, thing, asked.get("expand") or [])


def render(world: World, thing: Thing, expansions: list[str]) -> str:
    """Return the JSON text of a reply, with the asked fields expanded."""
    shown = public(thing)
    for path in expansions:
        expand(world, shown, path)
    return json.dumps(shown)


def _reply(status: int, body: str) -> Response:
    response = Response(body + "\n", status, mimetype="application/json")
    response.headers["Request-Id"] = g.request_id
    response.headers["Stripe-Version"] = API_VERSION
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
        status, body = 200, _perform(world, *call)
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


# --- form fields

TEXT, NUMBER, SWITCH, MAP, RANGE, ANY, UNSIMULATED = (
    "text",
    "number",
    "switch",
    "map",
    "range",
    "any",
    "unsimulated",
)
"""Kinds of leaf in a parameter specification; a tuple is a choice, a dict nests, a one-item list repeats."""

_WORD = re.compile(r"[^\[\]]+|\[\]")


def decode(fields: list[tuple[str, str]]) -> Thing:
    """Return nested parameters from form fields such as `line_items[0][price_data][currency]`."""
    root: Thing = {}
    for name, value in fields:
        *above, last = _WORD.findall(name) or [name]
        place = root
        for word in above:
            place = place.setdefault(word, {})
            if not isinstance(place, dict):
                raise refused(f"Invalid field name: {name}", name)
        place[str(len(place)) if last == "[]" else last] = value
    return root


def check(spec: Thing, given: Thing, above: str = "") -> Thing:
    """Return the parameters with their types, refusing what the specification does not know."""
    checked = {}
    for name, value in given.items():
        param = f"{above}[{name}]" if above else name
        if name not in spec:
            raise _unknown(name, param)
        checked[name] = _typed(spec[name], value, param)
    return checked


def _unknown(name: str, param: str) -> StripeError:
    if name == "payment_method_types":
        says = "The payment_method_types parameter is no longer supported; use dynamic payment methods instead."
        return refused(says, param, "payment_method_types_no_longer_supported")
    return refused(f"Received unknown parameter: {param}", param, "parameter_unknown")


def _typed(kind: Any, value: Any, param: str) -> Any:
    if kind == UNSIMULATED:
        raise refused(f"The sandbox does not simulate {param}.", param)
    if isinstance(kind, dict):
        return _nested(kind, value, param)
    if isinstance(kind, list):
        return _listed(kind[0], value, param)
    if isinstance(kind, tuple):
        return _chosen(kind, value, param)
    return _LEAVES[kind](value, param)


def _nested(kind: Thing, value: Any, param: str) -> Thing | None:
    if value == "":
        return None  # an empty value unsets an optional group
    if not isinstance(value, dict):
        raise refused("Invalid object", param)
    return check(kind, value, param)


def _listed(kind: Any, value: Any, param: str) -> list[Any]:
    if value == "":
        return []
    if not isinstance(value, dict) or not all(key.isdecimal() for key in value):
        raise refused("Invalid array", param)
    return [_typed(kind, value[key], f"{param}[{key}]") for key in sorted(value, key=int)]


def _chosen(kind: tuple[str, ...], value: Any, param: str) -> str | None:
    if value == "" or value in kind:
        return value or None
    raise refused(f"Invalid {param}: must be one of {', '.join(kind)}", param)


def _text(value: Any, param: str) -> str:
    if not isinstance(value, str):
        raise refused("Invalid string", param)
    return value


def _number(value: Any, param: str) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,18}", value):
        raise refused(f"Invalid integer: {value}", param, "parameter_invalid_integer")
    return int(value)


def _switch(value: Any, param: str) -> bool:
    if value not in {"true", "false"}:
        raise refused(f"Invalid boolean: {value}", param)
    return bool(value == "true")


def _map(value: Any, param: str) -> Thing:
    if value == "":
        return {}
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise refused("Invalid hash of strings", param)
    if len(value) > 50 or any(len(key) > 40 or len(one) > 500 for key, one in value.items()):  # noqa: PLR2004
        raise refused("Metadata takes 50 keys of 40 characters, with values of 500 characters.", param)
    return value


def _range(value: Any, param: str) -> list[tuple[str, int]]:
    bounds = value if isinstance(value, dict) else {"eq": value}
    signs = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "="}
    for name in bounds:
        if name not in signs:
            raise _unknown(name, f"{param}[{name}]")
    return [(signs[name], _number(bound, f"{param}[{name}]")) for name, bound in bounds.items()]


def _any(value: Any, _param: str) -> Any:
    return value


_LEAVES: dict[str, Callable[[Any, str], Any]] = {
    TEXT: _text,
    NUMBER: _number,
    SWITCH: _switch,
    MAP: _map,
    RANGE: _range,
    ANY: _any,
}


def need(asked: Thing, *names: str, above: str = "") -> None:
    """Refuse a request that lacks one of the parameters."""
    for name in names:
        if asked.get(name) in (None, "", []):
            param = f"{above}[{name}]" if above else name
            raise refused(f"Missing required param: {param}.", param, "parameter_missing")


# --- expansion

_INCLUDED = {("checkout.session", "line_items"), ("charge", "refunds")}
"""Fields that exist only when expanded, as (object, field)."""


def expand(world: World, shown: Thing, path: str) -> None:
    """Replace the ids along a dotted path such as `payment_intent.latest_charge` by the objects they name."""
    words = path.split(".")
    if len(words) > DEEPEST_EXPANSION:
        raise refused(f"You cannot expand more than {DEEPEST_EXPANSION} levels of a property.", "expand")
    _expand(world, shown, words, path)


def _expand(world: World, place: Any, words: list[str], path: str) -> None:
    if isinstance(place, list):
        for one in place:
            _expand(world, one, words, path)
    elif words and isinstance(place, dict):
        word, *rest = words
        place[word] = _opened(world, place, word, path)
        _expand(world, place[word], rest, path)


def _opened(world: World, place: Thing, word: str, path: str) -> Any:
    if (place.get("object"), word) in _INCLUDED:
        return _included(world, place, word)
    if word not in place:
        raise refused(f"This property cannot be expanded ({path}).", "expand")
    value = place[word]
    if isinstance(value, list):
        return [_object(world, one) for one in value]
    return _object(world, value)


def _object(world: World, value: Any) -> Any:
    found = world.store.find(value) if isinstance(value, str) else None
    return public(found) if found else value


def _included(world: World, place: Thing, word: str) -> Thing:
    if word == "refunds":
        found = world.store.all("refund", charge=place["id"])
        return envelope(found, has_more=False, url=f"/v1/charges/{place['id']}/refunds")
    whole = world.store.find(place["id"]) or {"_lines": []}
    url = f"/v1/checkout/sessions/{place['id']}/line_items"
    return envelope([public(line) for line in whole["_lines"]], has_more=False, url=url)


# --- lists


def envelope(things: list[Thing], *, has_more: bool, url: str) -> Thing:
    """Return Stripe's list object."""
    return {"object": "list", "data": [public(one) for one in things], "has_more": has_more, "url": url}


PAGING: Thing = {"limit": NUMBER, "starting_after": TEXT, "ending_before": TEXT, "created": RANGE}


def page(world: World, kind: str, asked: Thing, conditions: list[tuple[str, Any]]) -> Thing:
    """Return one page of a list, newest first, of the objects that meet the conditions."""
    limit = asked.get("limit", 10)
    if not 1 <= limit <= LARGEST_PAGE:
        raise refused(f"Invalid limit: must be between 1 and {LARGEST_PAGE}", "limit", "parameter_invalid_integer")
    dates = [(name, bound) for name in ("created", "arrival_date") for bound in asked.get(name) or []]
    conditions = conditions + [(f"{name} {sign} ?", second) for name, (sign, second) in dates]
    backwards = "ending_before" in asked
    conditions += _cursor(world, kind, asked)
    found = world.store.select(kind, conditions, limit=limit + 1, oldest_first=backwards)
    shown = found[:limit][::-1] if backwards else found[:limit]
    return envelope(shown, has_more=len(found) > limit, url=request.path)


def _cursor(world: World, kind: str, asked: Thing) -> list[tuple[str, Any]]:
    cursors = [(name, sign) for name, sign in (("starting_after", "<"), ("ending_before", ">")) if name in asked]
    for name, _ in cursors:
        if world.store.find(asked[name], kind) is None:
            raise refused(f"No such {kind}: '{asked[name]}'", name, "resource_missing")
    return [(f"seq {sign} ?", world.store.position(asked[name])) for name, sign in cursors]


def new_request_id() -> str:
    """Return a fresh request id such as `req_3f…`."""
    return f"req_{secrets.token_hex(7)}"
