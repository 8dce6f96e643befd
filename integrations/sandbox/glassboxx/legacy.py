"""The dialect of 2020, spoken by an old unofficial SDK: other routes, other names, numbers allowed."""

from typing import Any

from flask import Blueprint, Response

from integrations.sandbox.glassboxx.answers import as_json
from integrations.sandbox.glassboxx.api import answer_together, refuse_stranger
from integrations.sandbox.glassboxx.messages import Answer, MagentoError
from integrations.sandbox.glassboxx.orders import FIELDS
from integrations.sandbox.glassboxx.requests_in import element, json_object, require, wrong_type
from integrations.sandbox.glassboxx.sandbox import sandbox

rest = Blueprint("legacy", __name__, url_prefix="/rest/V1/glassboxxorder")

CUSTOMER_NAMES = {
    "created_in": "vendor_id",
    "email": "email",
    "firstname": "first_name",
    "lastname": "last_name",
}
LINE_NAMES = {
    "customer_email": "email",
    "customer_firstname": "first_name",
    "customer_lastname": "last_name",
    "hostname": "vendor_id",
    "created_at": "created_at",
    "currency_code": "currency_code",
    "discount_amount": "discount_amount",
    "original_order_number": "original_order_number",
    "price_incl_tax": "price_incl_tax",
    "sku": "sku",
    "duration_for_loan": "duration_for_loan",
    "type_of_interaction": "type_of_interaction",
}


@rest.post("/customCustomer")
def custom_customer() -> Response:
    """Create one account, and answer the JSON string "Success"."""
    refuse_stranger()
    body = json_object()
    require(body, ["customer"])
    raise_if_refused(answer_together([renamed(body["customer"], CUSTOMER_NAMES)], sandbox().accounts.create))
    return as_json("Success")


@rest.post("/toglassboxx")
def to_glassboxx() -> Response:
    """Take order lines, and echo the body."""
    refuse_stranger()
    body = json_object()
    require(body, ["items"])
    raise_if_refused(answer_together(modern_lines(body["items"]), lambda line: sandbox().orders.accept(line, "legacy")))
    return as_json(body)


def modern_lines(found: Any) -> list[dict[str, str]]:
    """Return the old lines in today's words.

    Raises:
        MagentoError: they are not a list of objects with known properties.
    """
    if not isinstance(found, list):
        raise wrong_type(found, "array")
    return [modern_line(renamed(one, LINE_NAMES)) for one in found]


def modern_line(line: dict[str, str]) -> dict[str, str]:
    """Return an old line with amounts and day as they are written today."""
    rewritten = {
        "price_incl_tax": two_decimals(line.get("price_incl_tax", "")),
        "discount_amount": two_decimals(line.get("discount_amount", "")),
        "created_at": line.get("created_at", "")[: len("CCYY-MM-DD")],
    }
    return {name: value for name, value in (line | rewritten).items() if name in FIELDS}


def two_decimals(amount: str) -> str:
    """Return an amount as xxx.yy; what is no amount is left for the field check to refuse."""
    try:
        return f"{float(amount):.2f}"
    except ValueError:
        return amount


def renamed(found: Any, names: dict[str, str]) -> dict[str, str]:
    """Return an old object with today's names."""
    return {names[name]: value for name, value in element(found, names, numbers=True).items()}


def raise_if_refused(answer: Answer) -> None:
    """Let a SUCCESS pass.

    Raises:
        MagentoError: the old dialect had no Status; a refusal was an ordinary 400.
    """
    if answer.status == "ERROR":
        raise MagentoError(400, answer.message)
