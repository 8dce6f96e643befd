"""How answers are written on the wire."""

import json
from typing import TYPE_CHECKING, Any

from flask import Response

from integrations.sandbox.glassboxx.sandbox import sandbox

if TYPE_CHECKING:
    from integrations.sandbox.glassboxx.messages import Answer, MagentoError


def as_json(body: Any, http_status: int = 200) -> Response:
    """Return a JSON answer, its non-ASCII letters escaped as PHP escapes them."""
    return Response(json.dumps(body), http_status, content_type="application/json; charset=utf-8")


def as_magento(refusal: "MagentoError") -> Response:
    """Return a technical refusal in its envelope."""
    return as_json(refusal.envelope, refusal.http_status)


def as_business(answers: "list[Answer]") -> Response:
    """Return one Status and Message, in the shape the switches ask for; several answers make a list."""
    shaped = [shape(answer) for answer in answers]
    is_wrapped = len(shaped) > 1 or sandbox().switches["answer_shape"] == "list"
    return as_json(shaped if is_wrapped else shaped[0])


def shape(answer: "Answer") -> list[str] | dict[str, str]:
    """Return one answer as a pair, or as an object with keys in the case asked for."""
    switches = sandbox().switches
    if switches["answer_shape"] == "pair":
        return [answer.status, answer.message]
    if switches["key_case"] == "lower":
        return {"status": answer.status, "message": answer.message}
    return {"Status": answer.status, "Message": answer.message}
