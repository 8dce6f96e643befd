"""The Sales API as documented: token, checkContent, createAccount, createOrder."""

import time
from collections.abc import Callable

from flask import Blueprint, Response, request

from integrations.sandbox.glassboxx import messages
from integrations.sandbox.glassboxx.answers import as_business, as_json
from integrations.sandbox.glassboxx.messages import Answer, MagentoError, RefusalError
from integrations.sandbox.glassboxx.orders import FIELDS
from integrations.sandbox.glassboxx.requests_in import elements, json_object, require, required_text
from integrations.sandbox.glassboxx.sandbox import sandbox
from integrations.sandbox.glassboxx.tokens import SignInError

rest = Blueprint("rest", __name__, url_prefix="/rest/V1")

CUSTOMER_FIELDS = ("email", "first_name", "last_name", "vendor_id")
RESOURCES = "Magento_Backend::admin"


@rest.post("/integration/admin/token")
def token() -> Response:
    """Exchange a name and password, from the query or the body, for a token: a bare JSON string."""
    given = json_object() | request.args.to_dict()
    require(given, ("username", "password"))
    try:
        return as_json(sandbox().tokens.sign_in(str(given["username"]), str(given["password"]), now=time.time()))
    except SignInError:
        is_older = sandbox().switches["sign_in_text"] == "E4"
        text = messages.NOT_SIGNED_IN if is_older else messages.SIGN_IN_INCORRECT
        raise MagentoError(401, text) from None


@rest.get("/glassboxxcontent/checkContent")
@rest.get("/glassboxxcontent/checkContent/<path:sku>")
def check_content(sku: str = "") -> Response:
    """Say whether a SKU may be sold."""
    refuse_stranger()
    sku = sku or request.args.get("sku", "")
    if not sku and request.args.keys() - {"sku"}:
        # The vendor's page: a 500 here usually means that the parameter's name is misspelt.
        raise messages.internal_error()
    if not sku:
        raise messages.field_required(["sku"], required_text())
    return as_business([sandbox().skus.check(sku)])


@rest.post("/glassboxxorder/createAccount")
def create_account() -> Response:
    """Create accounts for an array of customers; nobody is mailed."""
    refuse_stranger()
    return as_business(answer_each(elements("customer", CUSTOMER_FIELDS), sandbox().accounts.create))


@rest.post("/glassboxxorder/createOrder")
def create_order() -> Response:
    """Take an array of order lines."""
    refuse_stranger()
    return as_business(answer_each(elements("items", FIELDS), lambda line: sandbox().orders.accept(line, "sales_api")))


def refuse_stranger() -> None:
    """Let a call pass that carries a living token of ours.

    Raises:
        MagentoError: it carries none, or another one.
    """
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() != "bearer" or not sandbox().tokens.is_good(bearer.strip(), now=time.time()):
        raise not_signed_in()


def not_signed_in() -> MagentoError:
    """Return the 401 of the switch's choice; checkContent's page prints its text without the full stop."""
    if sandbox().switches["unauthorised_text"] == "E5":
        return MagentoError(401, messages.NOT_AUTHORISED, {"resources": RESOURCES})
    if "/checkContent" in request.path:
        return MagentoError(401, messages.NOT_SIGNED_IN.removesuffix("."))
    return MagentoError(401, messages.NOT_SIGNED_IN)


def answer_each(found: list[dict[str, str]], accept: Callable[[dict[str, str]], None]) -> list[Answer]:
    """Accept the elements, and return one answer for all or, if the switch says so, one for each."""
    if sandbox().switches["partial_success"] == "per_line":
        return [answer_together([one], accept) for one in found]
    return [answer_together(found, accept)]


def answer_together(found: list[dict[str, str]], accept: Callable[[dict[str, str]], None]) -> Answer:
    """Accept all of the elements, or none and return why."""
    try:
        with sandbox().store.transaction():
            for one in found:
                accept(one)
    except RefusalError as refusal:
        return messages.error(refusal.message)
    return messages.success()
