"""What a sandbox was asked and what it answered, held against both layers of the contract."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import requests

from tests.contract import document, sdk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema_rs import ValidationError, Validator

Schema = dict[str, Any]
OK = 200
API_VERSION = "2026-10-28.endive"
UNDOCUMENTED = "/v1/payment_pages/"
NO_JSON = re.compile(r"/v1/files/[^/]+/contents")
SHOWN = 5
WORD = re.compile(r"[^\[\]]+|\[\]")
ERROR_FIELDS = frozenset(
    {
        *("charge", "code", "decline_code", "doc_url", "message", "param", "payment_intent", "payment_method"),
        *("payment_method_type", "request_log_url", "setup_intent", "source", "type"),
    }
)
ERROR_TYPES = frozenset({"api_error", "card_error", "idempotency_error", "invalid_request_error"})


def errors_of(address: str) -> list[str]:
    """Return every breach of the contract in what a sandbox remembers of its requests and events."""
    exchanges = requests.get(f"{address}/_sandbox/log", timeout=30).json()["data"]
    events = requests.get(f"{address}/_sandbox/objects/event", timeout=30).json()["data"]
    found = [error for one in exchanges if is_documented(one["path"]) for error in errors_of_exchange(one)]
    return found + [error for event in events for error in errors_of_event(event)]


def is_documented(path: str) -> bool:
    """Tell whether a path has a contract at all."""
    return not path.startswith(UNDOCUMENTED) and not NO_JSON.fullmatch(path)


def errors_of_exchange(exchange: dict[str, Any]) -> Iterator[str]:
    """Return what is wrong with one exchange, as the sandbox's log tells it.

    What was asked counts only where it was granted: a refused request may have been wrong on purpose.
    """
    method, path = exchange["method"], exchange["path"]
    reply = json.loads(exchange["reply"] or "null")
    if exchange["status"] == OK:
        is_newest = exchange["version"] == API_VERSION
        yield from errors_of_request(method, path, exchange["parameters"], is_newest=is_newest)
        yield from errors_of_reply(method, path, reply)
    elif reply is not None:
        yield from (f"{method} {path}: {error}" for error in errors_of_envelope(reply))


# --- requests


def errors_of_request(method: str, path: str, fields: dict[str, str], *, is_newest: bool) -> Iterator[str]:
    """Return what is wrong with the form fields of a call, by either layer."""
    layers = [("document", document.request_schema(method, path, is_newest=is_newest))]
    if is_newest:
        layers.append(("library", sdk.request_schema(method, path)))
    for layer, schema in layers:
        told = f"{method} {path}, request, {layer}"
        if schema is None:
            yield f"{told}: there is no such call"
        else:
            yield from _breaches(told, schema, _typed(nested(fields), schema, schema))


def nested(fields: dict[str, str]) -> Any:
    """Return nested values from form fields such as `line_items[0][price_data][currency]`, all words still."""
    root: dict[str, Any] = {}
    for name, value in fields.items():
        *above, last = WORD.findall(name)
        place = root
        for word in above:
            place = place.setdefault(word, {})
        place["0" if last == "[]" else last] = value
    return root


def _typed(value: Any, schema: Schema, root: Schema) -> Any:
    """Return words as the numbers, truths and lists that a schema wants where they are such."""
    choices = list(_choices(schema, root))
    if isinstance(value, dict):
        return _typed_group(value, choices, root)
    types = {choice.get("type") for choice in choices}
    if "integer" in types and re.fullmatch(r"-?\d+", value):
        return int(value)
    if "boolean" in types and value in {"true", "false"}:
        return value == "true"
    if "array" in types and value == "":
        return []
    return value


def _typed_group(value: dict[str, Any], choices: list[Schema], root: Schema) -> Any:
    if all(key.isdecimal() for key in value):
        for choice in choices:
            if choice.get("type") == "array":
                return [_typed(value[key], choice.get("items", {}), root) for key in sorted(value, key=int)]
    fields: dict[str, Schema] = {}
    for choice in choices:
        if choice.get("type") != "object":
            continue
        rest = choice.get("additionalProperties")
        fields |= {key: choice.get("properties", {}).get(key, rest if isinstance(rest, dict) else {}) for key in value}
    return {key: _typed(one, fields.get(key, {}), root) for key, one in value.items()}


def _choices(schema: Schema, root: Schema) -> Iterator[Schema]:
    if "$ref" in schema:
        place: Any = root
        for word in schema["$ref"].removeprefix("#/").split("/"):
            place = place[word]
        yield from _choices(place, root)
    elif "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from _choices(one, root)
    else:
        yield schema


# --- replies and events


def errors_of_reply(method: str, path: str, reply: Any) -> Iterator[str]:
    """Return what is wrong with a granted reply, by either layer."""
    told = f"{method} {path}, reply"
    schema = document.reply_schema(method, path)
    if schema is None:
        yield f"{told}, document: there is no such call"
    else:
        yield from _breaches(f"{told}, document", schema, reply)
    for one in reply["data"] if reply["object"] == "list" else [reply]:
        yield from _errors_of_object(told, one)


def _errors_of_object(told: str, thing: dict[str, Any]) -> Iterator[str]:
    if not thing.get("deleted"):
        yield from _breaches(f"{told}, library", sdk.reply_schema(thing["object"]), thing)


def errors_of_event(event: dict[str, Any]) -> Iterator[str]:
    """Return what is wrong with an event and the object in it, by either layer."""
    told, thing = f"event {event['type']}", event["data"]["object"]
    yield from _breaches(f"{told}, library", sdk.reply_schema("event"), event)
    yield from _breaches(f"{told}, document", document.object_schema("event"), event)
    yield from _errors_of_object(told, thing)
    yield from _breaches(f"{told}, document", document.object_schema(thing["object"]), thing)
    unknown = set(event["data"].get("previous_attributes") or {}) - set(thing)
    yield from (f"{told}: previous_attributes tells of {name}, which is no field of it" for name in sorted(unknown))
    if event.get("api_version") != API_VERSION:
        yield f"{told}: it is in the version {event.get('api_version')}"
    if event["type"].endswith(".updated") and "previous_attributes" not in event["data"]:
        yield f"{told}: it does not say what was there before"


def errors_of_envelope(reply: Any) -> Iterator[str]:
    """Return what is wrong with a reply that is no grant."""
    if not isinstance(reply, dict) or set(reply) != {"error"}:
        yield f"an error is not in its envelope: {str(reply)[:80]}"
        return
    error = reply["error"]
    yield from (f"an error has no field {name}" for name in sorted(set(error) - ERROR_FIELDS))
    if not error.get("message") or error.get("type") not in ERROR_TYPES:
        yield f"an error says neither what happened nor of what kind it is: {error}"
    for name in ("payment_intent", "setup_intent", "payment_method"):
        if name in error:
            yield from _errors_of_object(f"error, {name}", error[name])


# --- validation


_validators: dict[int, tuple[Schema, Validator]] = {}


def _breaches(told: str, schema: Schema, value: Any) -> Iterator[str]:
    if id(schema) not in _validators:
        _validators[id(schema)] = (schema, jsonschema_rs.validator_for(schema))
    for number, error in enumerate(_validators[id(schema)][1].iter_errors(value)):
        if number == SHOWN:
            return
        deepest = _deepest(error)
        place = "/".join(map(str, deepest.instance_path)) or "the whole"
        yield f"{told}: at {place}: {deepest.message[:300]}"


def _deepest(error: ValidationError) -> ValidationError:
    """Return the error that says most: where no choice fits, the one inside the choice that fits best."""
    branches = getattr(error.kind, "context", None)
    if not branches:
        return error
    inner = [_deepest(one) for branch in branches for one in branch]
    return max(inner, key=lambda one: (len(one.instance_path), "not of type" not in one.message))
