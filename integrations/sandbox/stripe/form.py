"""Form fields: from flat names such as `line_items[0][price_data][currency]` to typed parameters."""

import re
from collections.abc import Callable
from typing import Any

from integrations.sandbox.stripe.errors import refused
from integrations.sandbox.stripe.store import Thing

TEXT, NUMBER, SWITCH, MAP, RANGE, ANY, UNSIMULATED, GONE = (
    "text",
    "number",
    "switch",
    "map",
    "range",
    "any",
    "unsimulated",
    "gone",
)
"""Kinds of leaf in a parameter specification; a tuple is a choice, a dict nests, a one-item list repeats.

UNSIMULATED is a parameter that Stripe knows and the sandbox refuses; GONE a list of words that endive took away.
"""

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


def check(spec: Thing, given: Thing, above: str = "", *, is_old: bool = False) -> Thing:
    """Return the parameters with their types, refusing what the specification does not know.

    Args:
        spec: the parameters there are.
        given: the decoded parameters.
        above: the name of the group they stand in, as it is told in errors.
        is_old: whether they are in the version before endive.
    """
    checked = {}
    for name, value in given.items():
        param = f"{above}[{name}]" if above else name
        if name not in spec:
            raise refused(f"Received unknown parameter: {param}", param, "parameter_unknown")
        kind = [TEXT] if spec[name] == GONE and is_old else spec[name]
        checked[name] = _typed(kind, value, param)
    return checked


def _typed(kind: Any, value: Any, param: str) -> Any:
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
            raise refused(f"Received unknown parameter: {param}[{name}]", f"{param}[{name}]", "parameter_unknown")
    return [(signs[name], _number(bound, f"{param}[{name}]")) for name, bound in bounds.items()]


def _any(value: Any, _param: str) -> Any:
    return value


def _unsimulated(_value: Any, param: str) -> Any:
    raise refused(f"The sandbox does not simulate {param}.", param)


def _gone(_value: Any, param: str) -> Any:
    says = f"The {param} parameter is no longer supported; use dynamic payment methods instead."
    raise refused(says, param, f"{param}_no_longer_supported")


_LEAVES: dict[str, Callable[[Any, str], Any]] = {
    TEXT: _text,
    NUMBER: _number,
    SWITCH: _switch,
    MAP: _map,
    RANGE: _range,
    ANY: _any,
    UNSIMULATED: _unsimulated,
    GONE: _gone,
}


def need(asked: Thing, *names: str, above: str = "") -> None:
    """Refuse a request that lacks one of the parameters."""
    for name in names:
        if asked.get(name) in (None, "", []):
            param = f"{above}[{name}]" if above else name
            raise refused(f"Missing required param: {param}.", param, "parameter_missing")
