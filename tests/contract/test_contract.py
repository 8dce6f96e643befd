"""The contract finds what is wrong: broken requests, replies and events, each by the layer that can know."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import requests

from integrations.stripe_gateway import StripeGateway
from shop.checkout.gateway import Item, PaymentRequest
from shop.money import Money
from shop.services import RefusedError
from tests.contract import document, exchanges, sdk
from tests.integrations.stripe_sandbox import KEY, SECRET, Letterbox, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

SESSIONS = "/v1/checkout/sessions"
LINE = {
    "mode": "payment",
    "success_url": "http://shop.test/thanks",
    "line_items[0][quantity]": "1",
    "line_items[0][price_data][currency]": "gbp",
    "line_items[0][price_data][unit_amount]": "3700",
    "line_items[0][price_data][product_data][name]": "A Book of Hours",
}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox in which a reader has paid and got some money back."""
    box = Letterbox()
    sandbox = Sandbox(tmp_path_factory.mktemp("stripe") / "stripe.db", box)
    intent = str(sandbox.pay().payment_intent)
    sandbox.api.refunds.create({"payment_intent": intent, "amount": 100})
    yield sandbox
    sandbox.stop()
    box.close()


# --- requests


@pytest.mark.parametrize(
    ("fields", "layers"),
    [
        ({}, set()),
        ({"line_items[0][quantity]": "one"}, {"library", "document"}),
        ({"line_items[0][price_data][unit_amount]": "37.00"}, {"library", "document"}),
        ({"line_items[0][price_data][unit_ammount]": "1"}, {"library", "document"}),
        ({"payment_intent_data[metdata][order]": "1"}, {"library", "document"}),
        ({"refrence": "1"}, {"library", "document"}),
        ({"mode": "purchase"}, {"library", "document"}),
        ({"ui_mode": "hosted"}, {"library", "document"}),
        ({"ui_mode": "hosted_page"}, set()),
        ({"payment_method_types[0]": "card"}, {"library", "document"}),
        ({"allowed_payment_method_types[0]": "card"}, set()),
        ({"expires_at": "soon"}, {"library", "document"}),
        ({"adaptive_pricing[enabled]": "false"}, set()),
        ({"adaptive_pricing[enabled]": "no"}, {"library", "document"}),
        ({"metadata[order]": "1", "expand[0]": "line_items"}, set()),
        ({"expand[]": "line_items"}, set()),
        ({"consent_collection[terms_of_service]": "perhaps"}, {"library", "document"}),
    ],
)
def test_a_request_is_held_against_both_layers(fields: dict[str, str], layers: set[str]) -> None:
    found = list(exchanges.errors_of_request("POST", SESSIONS, {**LINE, **fields}, is_newest=True))

    assert {layer for layer in ("library", "document") for error in found if f", {layer}:" in error} == layers, found


def test_a_request_without_a_version_may_choose_payment_methods_as_before() -> None:
    wish = {**LINE, "payment_method_types[]": "card"}

    assert list(exchanges.errors_of_request("POST", SESSIONS, wish, is_newest=False)) == []
    assert len(list(exchanges.errors_of_request("POST", SESSIONS, wish, is_newest=True))) == 2


@pytest.mark.parametrize(
    ("path", "fields", "is_good"),
    [
        ("/v1/events", {"created[gte]": "1", "types[0]": "charge.updated", "delivery_success": "false"}, True),
        ("/v1/events", {"created[since]": "1"}, False),
        ("/v1/balance_transactions", {"payout": "po_1", "limit": "100"}, True),
        ("/v1/balance_transactions", {"order": "1"}, False),
        ("/v1/nonsense", {}, False),
    ],
)
def test_a_question_is_held_against_both_layers(path: str, fields: dict[str, str], *, is_good: bool) -> None:
    assert (list(exchanges.errors_of_request("GET", path, fields, is_newest=True)) == []) is is_good


# --- replies


def broken(thing: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """A copy with another value at a dotted place; `...` takes the field away."""
    thing = copy.deepcopy(thing)
    *above, last = place.split(".")
    inner = thing
    for word in above:
        inner = inner[word]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return thing


@pytest.mark.parametrize(
    ("place", "value", "layers"),
    [
        ("", None, set()),
        ("amount", ..., {"library", "document"}),
        ("amount", "3700", {"library", "document"}),
        ("amount", 37.5, {"library", "document"}),
        ("status", "paid", {"library", "document"}),
        ("mood", "good", {"library", "document"}),
        ("billing_details.mood", "good", {"library", "document"}),
        ("payment_method_details.card.brandt", "visa", {"library", "document"}),
        ("payment_method_details.card.country", 44, {"library", "document"}),
        ("livemode", None, {"library", "document"}),
        ("outcome", None, set()),
        ("presentment_details", None, {"document"}),
        ("balance_transaction", 7, {"library", "document"}),
    ],
)
def test_a_charge_is_held_against_both_layers(sandbox: Sandbox, place: str, value: Any, layers: set[str]) -> None:
    charge = sandbox.api.charges.list({"limit": 1}).data[0].to_dict()
    reply = broken(charge, place, value) if place else charge
    found = list(exchanges.errors_of_reply("GET", f"/v1/charges/{charge['id']}", reply))

    assert {layer for layer in ("library", "document") for error in found if f", {layer}:" in error} == layers, found


def test_an_expanded_object_is_looked_into(sandbox: Sandbox) -> None:
    wish: Any = {"limit": 1, "expand": ["data.latest_charge"]}
    intent = sandbox.api.payment_intents.list(wish).data[0].to_dict()
    found = list(
        exchanges.errors_of_reply("GET", "/v1/payment_intents/pi_1", broken(intent, "latest_charge.mood", "ill"))
    )

    assert any("at latest_charge" in error and "mood" in error for error in found), found


def test_a_list_is_an_envelope_and_every_row_counts(sandbox: Sandbox) -> None:
    reply = requests.get(f"{sandbox.url}/v1/refunds", auth=(KEY, ""), timeout=5).json()

    assert list(exchanges.errors_of_reply("GET", "/v1/refunds", reply)) == []
    assert list(exchanges.errors_of_reply("GET", "/v1/refunds", broken(reply, "has_more", "no"))) != []
    reply["data"][0]["status"] = 7
    assert list(exchanges.errors_of_reply("GET", "/v1/refunds", reply)) != []


# --- events and errors


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("type", "refund.made"),
        ("api_version", ...),
        ("data.object.amount", "100"),
        ("data.object.mood", "good"),
        ("data.previous_attributes", ...),
        ("data.previous_attributes", {"mood": "bad"}),
    ],
)
def test_an_event_is_held_against_both_layers(sandbox: Sandbox, place: str, value: Any) -> None:
    told = requests.get(f"{sandbox.url}/_sandbox/objects/event", timeout=5).json()["data"]
    event = next(one for one in told if one["type"] == "refund.updated")

    assert list(exchanges.errors_of_event(event)) == []
    assert list(exchanges.errors_of_event(broken(event, place, value))) != []


@pytest.mark.parametrize(
    ("reply", "is_good"),
    [
        ({"error": {"message": "No", "type": "invalid_request_error", "param": "id"}}, True),
        ({"message": "No"}, False),
        ({"error": {"message": "No", "type": "invalid_request"}}, False),
        ({"error": {"message": "No", "type": "card_error", "reason": "why"}}, False),
        ({"error": {"message": "No", "type": "card_error", "payment_intent": {"object": "payment_intent"}}}, False),
    ],
)
def test_an_error_has_an_envelope(reply: Any, *, is_good: bool) -> None:
    exchange = {"method": "GET", "path": "/v1/charges/ch_1", "status": 400, "reply": json.dumps(reply), "version": None}

    assert (list(exchanges.errors_of_exchange({**exchange, "parameters": {}})) == []) is is_good


# --- the overlay


@cache
def endive() -> tuple[document.Change, ...]:
    return (*document.OVERLAY, *document.DYNAMIC_METHODS)


def excerpt(change: document.Change) -> dict[str, Any]:
    """The document with nothing in it but the place of a change."""
    place: Any = document.original()
    for key in change.where:
        place = place[key]
    for key in reversed(change.where):
        place = {key: place}
    found: dict[str, Any] = place
    return found


@pytest.mark.parametrize("number", range(len((*document.OVERLAY, *document.DYNAMIC_METHODS))))
def test_what_endive_changed_is_not_in_the_document_already(number: int) -> None:
    change = endive()[number]
    before = excerpt(change)
    once = document.changed(before, (change,))

    assert once != before
    with pytest.raises(KeyError):
        document.changed(once, (change,))


def test_the_library_speaks_of_what_the_overlay_adds() -> None:
    for name in ("checkout.session", "payment_intent", "setup_intent", "product"):
        schema = sdk.reply_schema(name)
        fields = schema["$defs"][schema["$ref"].removeprefix("#/$defs/")]["properties"]
        added = [change.give for change in document.OVERLAY if change.where[2:3] == (name,)]
        assert all(field in fields for given in added for field in given), name


# --- our own adapter


def test_our_adapter_and_the_sandbox_keep_the_contract(sandbox: Sandbox) -> None:
    gateway = StripeGateway(KEY, (SECRET,), sandbox.url)
    started = gateway.start(a_request("order-1"))
    for card in ("4000000000000002", "4000008260000000"):
        requests.post(f"{sandbox.url}/_sandbox/pay/{started.reference}", json={"card": card}, timeout=5)
    receipt = gateway.receipt_for(started.reference)
    gateway.refund(str(receipt.payment), Money(100, "GBP"), key="refund:1", refund="1")
    assert gateway.find_refund(str(receipt.payment), "1")
    with pytest.raises(RefusedError):
        gateway.refund(str(receipt.payment), Money(99_900, "GBP"), key="refund:2", refund="2")
    gateway.expire(gateway.start(a_request("order-2")).reference)
    sandbox.tell("payout", include_pending=True)
    since = datetime.now(UTC) - timedelta(days=1)
    assert list(gateway.ledger(since))
    assert next(iter(gateway.payouts(since))).lines

    assert exchanges.errors_of(sandbox.url) == []


def a_request(name: str) -> PaymentRequest:
    return PaymentRequest(
        order=name,
        number="FYWD8CT",
        key=f"{name}:pay:1",
        email="ann@example.com",
        items=(Item("Exit Stalin (ebook)", Money(3600, "GBP"), 1),),
        success_address="http://localhost/orders/x",
        cancel_address="http://localhost/checkout/x",
        expires_at=datetime.now(UTC) + timedelta(minutes=31),
    )


def test_a_sandbox_that_broke_the_contract_would_be_found(sandbox: Sandbox) -> None:
    exchange = {"method": "POST", "path": SESSIONS, "status": 200, "version": "2026-10-28.endive"}
    reply = sandbox.session().to_dict()
    asked = {**exchange, "parameters": LINE, "reply": json.dumps(broken(reply, "status", "waiting"))}

    assert len(list(exchanges.errors_of_exchange(asked))) == 2
