"""How requests are read: Magento's rules for bodies, wrappers, elements and their fields."""

import json
from collections.abc import Collection
from typing import Any

from flask import request

from integrations.sandbox.glassboxx import messages
from integrations.sandbox.glassboxx.messages import MagentoError, field_required, internal_error
from integrations.sandbox.glassboxx.sandbox import sandbox


def json_object() -> dict[str, Any]:
    """Return the body's object; no body, or one that is no object, has no keys.

    Raises:
        MagentoError: the body is not JSON, or not said to be.
    """
    if not request.get_data():
        return {}
    if request.mimetype != "application/json":
        raise MagentoError(400, messages.WRONG_CONTENT_TYPE, [request.mimetype])
    try:
        body = json.loads(request.get_data())
    except ValueError:
        raise MagentoError(400, messages.DECODING_ERROR) from None
    return body if isinstance(body, dict) else {}


def require(given: dict[str, Any], names: Collection[str]) -> None:
    """Let a request pass that has every named parameter, none of them empty.

    Raises:
        MagentoError: some are missing (E1, or M1; M2 for several).
    """
    missing = [name for name in names if given.get(name) in (None, "", [], {})]
    if missing:
        raise field_required(missing, required_text())


def required_text() -> str:
    """Return the text, old or newer, that names a missing parameter."""
    is_newer = sandbox().switches["required_text"] == "M1"
    return messages.FIELD_REQUIRED_NEWER if is_newer else messages.FIELD_REQUIRED


def elements(wrapper: str, fields: Collection[str]) -> list[dict[str, str]]:
    """Return the objects in the body's wrapper, their fields as strings.

    Raises:
        MagentoError: the wrapper is missing or no list, or an element is not as the service's class.
    """
    body = json_object()
    require(body, [wrapper])
    if not isinstance(body[wrapper], list):
        raise wrong_type(body[wrapper], "array")
    return [element(found, fields) for found in body[wrapper]]


def element(found: Any, fields: Collection[str], *, numbers: bool = False) -> dict[str, str]:
    """Return one object with its values as strings; null counts as absent.

    Raises:
        MagentoError: it has a property that the service's class lacks (E6), or a value of a wrong type.
    """
    if not isinstance(found, dict):
        raise wrong_type(found, "object")
    if not found.keys() <= set(fields):
        raise internal_error()
    may_be_number = numbers or sandbox().switches["field_check"] == "lenient"
    return {name: text(value, numbers=may_be_number) for name, value in found.items() if value is not None}


def text(value: Any, *, numbers: bool) -> str:
    """Return a value that is a string, or a number where numbers may be.

    Raises:
        MagentoError: it is something else.
    """
    if isinstance(value, str):
        return value
    if numbers and isinstance(value, int | float):
        return str(value)
    raise wrong_type(value, "string")


def wrong_type(value: Any, expected: str) -> MagentoError:
    """Return the refusal of a value of a wrong type."""
    return MagentoError(400, messages.WRONG_TYPE, {"value": json.dumps(value)[:100], "type": expected})
