"""Payments and saved cards without a page: intents, payment methods and customers keep Stripe's promises."""

from typing import Any

import pytest
import requests
import stripe

from tests.integrations.stripe_sandbox import KEY, Letterbox, Sandbox, heard, order, until

NO_REDIRECTS: Any = {"enabled": True, "allow_redirects": "never"}


def a_payment(**changes: Any) -> Any:
    """Parameters of a payment of £20 that is tried at once."""
    wish = {"amount": 2000, "currency": "gbp", "confirm": True, "automatic_payment_methods": NO_REDIRECTS}
    return {"payment_method": "pm_card_visa", **wish, **changes}


def a_saved_card(sandbox: Sandbox, name: str) -> tuple[str, str]:
    """A customer and a card of that name, set up for later."""
    customer = sandbox.api.customers.create({"email": "zoë@example.com"}).id
    wish: Any = {
        "customer": customer,
        "payment_method": name,
        "confirm": True,
        "automatic_payment_methods": NO_REDIRECTS,
    }
    intent = sandbox.api.setup_intents.create(wish)
    if intent.status == "requires_action":
        sandbox.tell("authenticate", setup_intent=intent.id, ok=True)
    return customer, str(sandbox.api.setup_intents.retrieve(intent.id).payment_method)


# --- cards by name


@pytest.mark.parametrize(
    ("name", "code", "decline_code"),
    [
        ("chargeDeclined", "card_declined", "generic_decline"),
        ("visa_chargeDeclined", "card_declined", "generic_decline"),
        ("visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("chargeDeclinedExpiredCard", "expired_card", None),
        ("chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("chargeDeclinedProcessingError", "processing_error", None),
        ("radarBlock", "card_declined", "fraudulent"),
        ("chargeCustomerFail", "card_declined", "generic_decline"),
    ],
)
def test_a_refusing_bank_is_named_and_leaves_the_payment_open(
    sandbox: Sandbox, name: str, code: str, decline_code: str | None
) -> None:
    with pytest.raises(stripe.CardError) as refusal:
        sandbox.api.payment_intents.create(a_payment(payment_method=f"pm_card_{name}"))
    error: Any = refusal.value.error
    assert (refusal.value.http_status, refusal.value.code) == (402, code)
    assert error.to_dict().get("decline_code") == decline_code
    kept = sandbox.api.payment_intents.retrieve(error.payment_intent["id"])
    assert (kept.status, kept.payment_method) == ("requires_payment_method", None)
    assert sandbox.api.charges.retrieve(error.charge).status == "failed"


@pytest.mark.parametrize(
    "name", ["visa", "visa_debit", "mastercard", "amex", "gb", "de", "pendingRefund", "refundFail"]
)
def test_a_good_card_pays(sandbox: Sandbox, name: str) -> None:
    intent = sandbox.api.payment_intents.create(a_payment(payment_method=f"pm_card_{name}"))
    assert (intent.status, intent.amount_received) == ("succeeded", 2000)


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("createDispute", "needs_response", "fraudulent"),
        ("createDisputeProductNotReceived", "needs_response", "product_not_received"),
        ("createDisputeInquiry", "warning_needs_response", "general"),
    ],
)
def test_a_card_of_trouble_is_disputed_at_once(sandbox: Sandbox, name: str, status: str, reason: str) -> None:
    intent = sandbox.api.payment_intents.create(a_payment(payment_method=f"pm_card_{name}"))
    (dispute,) = sandbox.api.disputes.list({"payment_intent": intent.id}).data
    assert (dispute.status, dispute.reason, dispute.amount) == (status, reason, 2000)


def test_a_refused_payment_keeps_its_answer_for_its_key(sandbox: Sandbox) -> None:
    wish, options = a_payment(payment_method="pm_card_chargeDeclined"), {"idempotency_key": "declined:1"}
    charges = [_charge_of_refusal(sandbox, wish, options) for _ in range(2)]
    assert charges[0] == charges[1]


def _charge_of_refusal(sandbox: Sandbox, wish: Any, options: Any) -> str:
    with pytest.raises(stripe.CardError) as refusal:
        sandbox.api.payment_intents.create(wish, options)
    error: Any = refusal.value.error
    return str(error.charge)


def test_a_card_number_is_not_taken_over_the_api(sandbox: Sandbox) -> None:
    card: Any = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034}
    with pytest.raises(stripe.StripeError, match="token"):
        sandbox.api.payment_methods.create({"type": "card", "card": card})


# --- the life of an intent


def test_a_payment_is_made_in_steps_and_can_be_changed_until_it_is_paid(sandbox: Sandbox) -> None:
    intent = sandbox.api.payment_intents.create({"amount": 500, "currency": "GBP"})
    assert intent.status == "requires_payment_method"
    sandbox.api.payment_intents.update(intent.id, {"amount": 700, "payment_method": "pm_card_gb"})
    assert sandbox.api.payment_intents.retrieve(intent.id).status == "requires_confirmation"
    paid = sandbox.api.payment_intents.confirm(intent.id, {"return_url": "http://shop.test/back"})
    assert (paid.status, paid.amount_received) == ("succeeded", 700)
    with pytest.raises(stripe.InvalidRequestError) as late:
        sandbox.api.payment_intents.update(intent.id, {"amount": 800})
    assert late.value.code == "payment_intent_unexpected_state"
    with pytest.raises(stripe.InvalidRequestError):
        sandbox.api.payment_intents.cancel(intent.id)


def test_the_newest_version_wants_to_know_where_a_redirected_payer_comes_back(sandbox: Sandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sandbox.api.payment_intents.create(a_payment(automatic_payment_methods={"enabled": True}))
    assert refusal.value.param == "return_url"


def test_a_payer_proves_who_they_are_and_comes_back(sandbox: Sandbox) -> None:
    wish = a_payment(payment_method="pm_card_authenticationRequired", return_url="http://shop.test/back?a=1")
    intent = sandbox.api.payment_intents.create(wish)
    action: Any = intent.next_action
    reply = requests.post(action.redirect_to_url.url, data={"answer": "complete"}, allow_redirects=False, timeout=5)
    assert reply.headers["Location"].startswith(f"http://shop.test/back?a=1&payment_intent={intent.id}")
    assert sandbox.api.payment_intents.retrieve(intent.id).status == "succeeded"


@pytest.mark.guess
def test_a_session_keeps_its_intent_from_being_cancelled(sandbox: Sandbox) -> None:
    session = sandbox.session()
    sandbox.tell(f"pay/{session.id}", card="4000000000000002")
    intent = str(sandbox.api.checkout.sessions.retrieve(session.id).payment_intent)
    with pytest.raises(stripe.InvalidRequestError, match="expire"):
        sandbox.api.payment_intents.cancel(intent)
    sandbox.api.checkout.sessions.expire(session.id)
    assert sandbox.api.payment_intents.retrieve(intent).status == "canceled"


def test_a_request_without_a_version_may_still_choose_payment_methods(sandbox: Sandbox) -> None:
    form = {"amount": "500", "currency": "gbp", "payment_method_types[]": "card"}
    reply = requests.post(f"{sandbox.url}/v1/payment_intents", data=form, auth=(KEY, ""), timeout=5)
    assert reply.json()["payment_method_types"] == ["card"]
    assert reply.headers["Stripe-Version"] == "2026-08-26.dahlia"


@pytest.mark.parametrize(
    ("iban", "seconds", "status"),
    [
        ("AT611904300234573201", 3, "succeeded"),
        ("AT321904300235473204", 181, "succeeded"),
        ("AT861904300235473202", 3, "requires_payment_method"),
        ("NL39RABO0300065264", 999, "processing"),
    ],
)
def test_a_bank_debit_is_decided_later(sandbox: Sandbox, iban: str, seconds: int, status: str) -> None:
    method = sandbox.api.payment_methods.create({"type": "sepa_debit", "sepa_debit": {"iban": iban}})
    intent = sandbox.api.payment_intents.create(a_payment(payment_method=method.id, currency="eur"))
    assert intent.status == "processing"
    sandbox.tell("clock", seconds=seconds)
    assert sandbox.api.payment_intents.retrieve(intent.id).status == status


def test_a_debit_decided_by_hand_is_not_decided_again(sandbox: Sandbox) -> None:
    iban: Any = {"iban": "AT611904300234573201"}
    method = sandbox.api.payment_methods.create({"type": "sepa_debit", "sepa_debit": iban})
    intent = sandbox.api.payment_intents.create(a_payment(payment_method=method.id, currency="eur"))
    sandbox.tell("settle", payment_intent=intent.id, ok=False)
    sandbox.tell("clock", seconds=5)
    assert sandbox.api.payment_intents.retrieve(intent.id).status == "requires_payment_method"


# --- saved cards


def test_a_saved_card_is_charged_when_nobody_is_there(sandbox: Sandbox) -> None:
    customer, card = a_saved_card(sandbox, "pm_card_authenticationRequiredOnSetup")
    intent = sandbox.api.payment_intents.create(a_payment(customer=customer, payment_method=card, off_session=True))
    assert (intent.status, intent.customer) == ("succeeded", customer)


def test_a_bank_that_always_asks_refuses_when_nobody_is_there(sandbox: Sandbox) -> None:
    customer, card = a_saved_card(sandbox, "pm_card_authenticationRequired")
    with pytest.raises(stripe.CardError) as refusal:
        sandbox.api.payment_intents.create(a_payment(customer=customer, payment_method=card, off_session=True))
    assert refusal.value.code == "authentication_required"


def test_a_card_may_be_saved_and_refused_later(sandbox: Sandbox) -> None:
    customer, card = a_saved_card(sandbox, "pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError):
        sandbox.api.payment_intents.create(a_payment(customer=customer, payment_method=card, off_session=True))


def test_a_card_that_is_never_good_cannot_be_saved(sandbox: Sandbox, box: Letterbox) -> None:
    wish: Any = {"confirm": True, "automatic_payment_methods": NO_REDIRECTS, "payment_method": "pm_card_chargeDeclined"}
    with pytest.raises(stripe.CardError) as refusal:
        sandbox.api.setup_intents.create(wish)
    error: Any = refusal.value.error
    assert error.setup_intent["status"] == "requires_payment_method"
    until(lambda: error.setup_intent["id"] in heard(box, "setup_intent.setup_failed"))


def test_a_card_is_saved_on_the_hosted_page(sandbox: Sandbox) -> None:
    wish: Any = {
        "mode": "setup",
        "currency": "gbp",
        "success_url": "http://shop.test/saved",
        "customer_creation": "always",
    }
    session = sandbox.api.checkout.sessions.create(wish)
    page = requests.get(str(session.url), timeout=5).text
    assert "Save card" in page
    assert "Nothing is charged today" in page
    assert sandbox.submit(session.url).headers["Location"] == "http://shop.test/saved"
    found = sandbox.api.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    intent: Any = found.setup_intent
    assert (found.status, found.payment_status, intent.status) == ("complete", "no_payment_required", "succeeded")
    assert [one.id for one in sandbox.api.customers.payment_methods.list(str(found.customer)).data] == [
        intent.payment_method
    ]


def test_a_customer_may_pay_a_session_and_keep_the_card(sandbox: Sandbox) -> None:
    customer = sandbox.api.customers.create({"name": "Zoë O'Neil"}).id
    later: Any = {"setup_future_usage": "off_session", "metadata": {"order": "order-1"}}
    wish = order(customer=customer, payment_intent_data=later)
    del wish["customer_email"]
    session = sandbox.api.checkout.sessions.create(wish)
    sandbox.tell(f"pay/{session.id}")
    (card,) = sandbox.api.payment_methods.list({"customer": customer, "type": "card"}).data
    paid = sandbox.api.payment_intents.create(a_payment(customer=customer, payment_method=card.id, off_session=True))
    assert paid.status == "succeeded"


def test_a_card_belongs_to_one_customer_and_is_spent_once_it_left(sandbox: Sandbox) -> None:
    customer, card = a_saved_card(sandbox, "pm_card_visa")
    other = sandbox.api.customers.create({}).id
    with pytest.raises(stripe.InvalidRequestError):
        sandbox.api.payment_methods.attach(card, {"customer": other})
    with pytest.raises(stripe.InvalidRequestError, match="belongs to a Customer"):
        sandbox.api.payment_intents.create(a_payment(payment_method=card))
    sandbox.api.payment_methods.detach(card)
    with pytest.raises(stripe.InvalidRequestError, match="detached"):
        sandbox.api.payment_intents.create(a_payment(customer=customer, payment_method=card))


def test_a_deleted_customer_leaves_a_mark_and_no_card(sandbox: Sandbox) -> None:
    customer, card = a_saved_card(sandbox, "pm_card_visa")
    sandbox.api.customers.update(customer, {"phone": "020 7946 0000", "metadata": {"reader": "1"}})
    assert sandbox.api.customers.retrieve(customer).phone == "020 7946 0000"
    assert sandbox.api.customers.delete(customer).deleted
    assert sandbox.api.customers.retrieve(customer).deleted
    assert sandbox.api.payment_methods.retrieve(card).customer is None


# --- what a line may name


def test_a_line_may_name_a_price(sandbox: Sandbox) -> None:
    product = sandbox.api.products.create({"name": "A Book of Hours"})
    price = sandbox.api.prices.create({"product": product.id, "currency": "gbp", "unit_amount": 1500})
    session = sandbox.session(line_items=[{"price": price.id, "quantity": 2}])
    assert session.amount_total == 3000
    assert "A Book of Hours" in requests.get(str(session.url), timeout=5).text
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sandbox.session(line_items=[{"price": "price_none", "quantity": 1}])
    assert refusal.value.code == "resource_missing"


# --- what an update tells


def test_an_update_tells_what_was_there_before(sandbox: Sandbox) -> None:
    customer = sandbox.api.customers.create({"name": "Ann", "metadata": {"a": "1"}})
    sandbox.api.customers.update(customer.id, {"name": "Anna"})
    (event,) = sandbox.api.events.list({"type": "customer.updated", "limit": 1}).data
    assert event.data.to_dict()["previous_attributes"] == {"name": "Ann"}


@pytest.mark.parametrize("path", ["/v1/subscriptions", "/v1/nonsense", "/v1/customers/cus_none/sources"])
def test_what_is_not_there_is_a_404_in_stripes_shape(sandbox: Sandbox, path: str) -> None:
    reply = requests.get(sandbox.url + path, auth=(KEY, ""), timeout=5)
    assert reply.status_code == 404
    assert reply.json()["error"]["type"] == "invalid_request_error"
    assert reply.headers["Request-Id"].startswith("req_")
