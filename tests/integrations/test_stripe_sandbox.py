"""The Stripe sandbox keeps the promises that the official library and its users rely on."""

import typing
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import stripe

from tests.integrations.stripe_sandbox import KEY, SECRET, Letterbox, Sandbox, heard, order, sandbox_time, until

# --- paying


def test_a_reader_pays_on_the_hosted_page_and_returns_to_the_shop(sandbox: Sandbox) -> None:
    session = sandbox.session()
    page = requests.get(str(session.url), timeout=5)
    reply = sandbox.submit(session.url, number="4000 0082 6000 0000")
    assert "A Book of Hours" in page.text
    assert "Pay £74.00" in page.text
    assert reply.status_code == 303
    assert reply.headers["Location"] == f"http://shop.test/thanks?s={session.id}"


def test_a_paid_session_tells_amount_order_and_countries(sandbox: Sandbox) -> None:
    url = (session := sandbox.session()).url
    sandbox.submit(url, number="4000 0027 6000 0016", country="FR")
    found = sandbox.api.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge.balance_transaction", "line_items"]}
    )
    charge = typing.cast("Any", found.payment_intent).latest_charge
    assert (found.status, found.payment_status, found.amount_total) == ("complete", "paid", 7400)
    assert typing.cast("Any", found.payment_intent).metadata["order"] == "order-1"
    assert typing.cast("Any", found.customer_details).address.country == "FR"
    assert charge.payment_method_details.card.country == "DE"
    assert charge.balance_transaction.fee == 205  # 2.5 % of £74.00 is £1.85, and 20p
    assert typing.cast("Any", found.line_items).data[0].amount_total == 7400


def test_postage_is_part_of_the_total(sandbox: Sandbox) -> None:
    rate = {
        "display_name": "Royal Mail",
        "fixed_amount": {"amount": 350, "currency": "gbp"},
        "type": "fixed_amount",
    }
    session = sandbox.session(shipping_options=[{"shipping_rate_data": rate}], metadata={"_order": "1"})
    page = requests.get(str(session.url), timeout=5).text
    assert session.amount_total == 7750
    assert session.to_dict()["metadata"] == {"_order": "1"}
    assert "Royal Mail" in page
    assert "Pay £77.50" in page


def test_a_declined_card_keeps_the_session_open_and_what_was_typed(sandbox: Sandbox) -> None:
    session = sandbox.session()
    reply = sandbox.submit(session.url, number="4000 0000 0000 0002", name="Zoë O'Neil")
    assert "Your card was declined." in reply.text
    assert "Zoë O&#39;Neil" in reply.text
    assert "4000 0000 0000 0002" not in reply.text.split("Test cards")[0]
    assert sandbox.api.checkout.sessions.retrieve(session.id).status == "open"
    assert sandbox.submit(session.url).status_code == 303


def test_paying_twice_at_once_charges_once(sandbox: Sandbox) -> None:
    session = sandbox.session()
    with ThreadPoolExecutor(4) as hands:
        replies = list(hands.map(lambda _: sandbox.submit(session.url), range(4)))
    intent = str(sandbox.api.checkout.sessions.retrieve(session.id).payment_intent)
    assert [one.status_code for one in replies] == [303] * 4
    assert len(sandbox.api.charges.list({"payment_intent": intent}).data) == 1


@pytest.mark.parametrize(("answer", "status"), [("complete", "complete"), ("fail", "open")])
def test_a_bank_may_ask_the_reader_to_confirm(sandbox: Sandbox, answer: str, status: str) -> None:
    session = sandbox.session()
    challenge = sandbox.submit(session.url, number="4000 0027 6000 3184").headers["Location"]
    assert "Complete authentication" in requests.get(challenge, timeout=5).text
    requests.post(challenge, data={"answer": answer}, allow_redirects=False, timeout=5)
    assert sandbox.api.checkout.sessions.retrieve(session.id).status == status


def test_a_mistyped_number_is_named_and_nothing_is_charged(sandbox: Sandbox) -> None:
    session = sandbox.session()
    reply = sandbox.submit(session.url, number="4242 4242 4242 4241", country="")
    assert "Your card number is incorrect." in reply.text
    assert "Choose a country." in reply.text
    assert sandbox.api.checkout.sessions.retrieve(session.id).payment_intent is None


def test_an_expired_session_cannot_be_paid_or_expired_again(sandbox: Sandbox) -> None:
    session = sandbox.session()
    sandbox.api.checkout.sessions.expire(session.id)
    with pytest.raises(stripe.InvalidRequestError, match="status of expired"):
        sandbox.api.checkout.sessions.expire(session.id)
    assert "timed out" in sandbox.submit(session.url).text


def test_a_session_expires_when_its_time_comes(sandbox: Sandbox, box: Letterbox) -> None:
    session = sandbox.session(expires_at=sandbox_time(sandbox) + 31 * 60)
    sandbox.tell("clock", minutes=32)
    until(lambda: [e for e in box.events() if (e.type, e.data.object.id) == ("checkout.session.expired", session.id)])


def test_money_held_for_a_reader_is_captured_or_let_go(sandbox: Sandbox) -> None:
    held = [sandbox.pay(payment_intent_data={"capture_method": "manual"}) for _ in range(2)]
    taken, freed = (str(one.payment_intent) for one in held)
    assert sandbox.api.payment_intents.capture(taken).amount_received == 7400
    assert sandbox.api.payment_intents.cancel(freed).status == "canceled"


# --- requests


def test_what_stripe_does_not_know_is_refused_by_name(sandbox: Sandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        sandbox.session(payment_intent_data={"meta": "x"})
    with pytest.raises(stripe.InvalidRequestError) as gone:
        sandbox.session(payment_method_types=["card"])
    assert (unknown.value.code, unknown.value.param) == ("parameter_unknown", "payment_intent_data[meta]")
    assert gone.value.code == "payment_method_types_no_longer_supported"


def test_a_hold_shorter_than_half_an_hour_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="at least 30 minutes"):
        sandbox.session(expires_at=sandbox_time(sandbox) + 60)


def test_only_sandbox_keys_and_the_pinned_version_are_welcome(sandbox: Sandbox) -> None:
    live = stripe.StripeClient("sk_live_oops", base_addresses={"api": sandbox.url})
    old = stripe.StripeClient(KEY, base_addresses={"api": sandbox.url}, stripe_version="2020-08-27")
    with pytest.raises(stripe.AuthenticationError):
        live.v1.balance.retrieve()
    with pytest.raises(stripe.InvalidRequestError, match="version"):
        old.v1.balance.retrieve()


def test_the_same_key_makes_one_session_and_refuses_another_body(sandbox: Sandbox) -> None:
    options: Any = {"idempotency_key": "order:1:pay:1"}
    first = sandbox.api.checkout.sessions.create(order(), options)
    second = sandbox.api.checkout.sessions.create(order(), options)
    assert first.id == second.id
    assert typing.cast("Any", second.last_response).headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        sandbox.api.checkout.sessions.create(order(client_reference_id="order-2"), options)


@pytest.mark.guess
def test_a_refused_request_leaves_its_key_free(sandbox: Sandbox) -> None:
    options: Any = {"idempotency_key": "order:2:pay:1"}
    with pytest.raises(stripe.InvalidRequestError):
        sandbox.api.checkout.sessions.create(order(client_reference="typo"), options)
    assert sandbox.api.checkout.sessions.create(order(), options).status == "open"


def test_a_lost_reply_and_a_retry_make_one_refund(sandbox: Sandbox) -> None:
    intent = str(sandbox.pay().payment_intent)
    sandbox.tell("fault", kind="lose_reply", path="/v1/refunds", method="POST")
    refund = sandbox.api.refunds.create({"payment_intent": intent, "amount": 500})
    assert [one.id for one in sandbox.api.refunds.list({"payment_intent": intent}).data] == [refund.id]
    tries = requests.get(f"{sandbox.url}/_sandbox/log", timeout=5).json()["data"][-3:-1]
    assert [one["lost"] for one in tries] == [True, False]
    assert len({one["idempotency_key"] for one in tries}) == 1


@pytest.mark.parametrize("kind", ["500", "drop"])
def test_the_library_overcomes_a_passing_fault(sandbox: Sandbox, kind: str) -> None:
    sandbox.tell("fault", kind=kind, count=1)
    assert sandbox.session().status == "open"


def test_the_rate_limit_reaches_the_caller(sandbox: Sandbox) -> None:
    sandbox.tell("fault", kind="429")
    with pytest.raises(stripe.RateLimitError):
        sandbox.api.balance.retrieve()


@pytest.mark.guess
def test_a_second_request_meets_the_first_still_at_work(sandbox: Sandbox) -> None:
    sandbox.tell("fault", kind="slow", seconds=0.5, path="/v1/checkout")
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": "order:3:pay:1"}
    post = lambda _: requests.post(f"{sandbox.url}/v1/checkout/sessions", headers=headers, timeout=5)  # noqa: E731
    with ThreadPoolExecutor(2) as hands:
        codes = sorted(reply.status_code for reply in hands.map(post, range(2)))
    assert codes == [400, 409]


@pytest.mark.parametrize("path", ["data.a.b.c.d", "payment_intent.nonsense"])
def test_what_cannot_be_expanded_is_refused(sandbox: Sandbox, path: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="expand"):
        sandbox.api.checkout.sessions.retrieve(sandbox.pay().id, {"expand": [path]})


def test_lists_are_read_page_by_page_newest_first(sandbox: Sandbox) -> None:
    start = sandbox_time(sandbox)
    made = [sandbox.session(client_reference_id=f"page-{number}").id for number in range(5)]
    pages = sandbox.api.checkout.sessions.list({"limit": 2, "created": {"gte": start}})
    assert pages.has_more
    assert [one.id for one in pages.auto_paging_iter()][:5] == made[::-1]


# --- money


def test_more_than_was_paid_is_never_refunded(sandbox: Sandbox) -> None:
    intent = str(sandbox.pay().payment_intent)
    sandbox.api.refunds.create({"payment_intent": intent, "amount": 7000})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        sandbox.api.refunds.create({"payment_intent": intent, "amount": 401})
    assert refusal.value.param == "amount"
    sandbox.api.refunds.create({"payment_intent": intent})
    with pytest.raises(stripe.InvalidRequestError) as again:
        sandbox.api.refunds.create({"payment_intent": intent})
    assert again.value.code == "charge_already_refunded"


def test_a_payout_is_the_sum_of_its_lines(sandbox: Sandbox) -> None:
    sandbox.tell("payout", include_pending=True)
    refunded = str(sandbox.pay("4000 0082 6000 0000").payment_intent)
    sandbox.pay("4000 0000 0000 0077")
    sandbox.api.refunds.create({"payment_intent": refunded, "amount": 1000})
    sandbox.tell("clock", days=3)
    (made,) = sandbox.tell("payout")["payouts"]
    lines = list(sandbox.api.balance_transactions.list({"payout": made["id"], "limit": 2}).auto_paging_iter())
    assert sum(one.net for one in lines if one.type != "payout") == made["amount"] == 14800 - 131 - 261 - 1000
    assert sum(one.net for one in lines) == 0
    assert sorted(one.reporting_category for one in lines) == ["charge", "charge", "payout", "refund"]


def test_a_payout_that_fails_joins_the_next_one(sandbox: Sandbox) -> None:
    sandbox.tell("payout", include_pending=True)
    sandbox.pay()
    (first,) = sandbox.tell("payout", include_pending=True)["payouts"]
    assert sandbox.tell("fail_payout", payout=first["id"])["status"] == "failed"
    (second,) = sandbox.tell("payout")["payouts"]
    assert second["amount"] == first["amount"]


def test_a_refund_may_come_back(sandbox: Sandbox) -> None:
    intent = str(sandbox.pay("4000 0000 0000 5126").payment_intent)
    refund = sandbox.api.refunds.create({"payment_intent": intent})
    assert refund.status == "succeeded"
    sandbox.tell("clock", seconds=10)
    assert sandbox.api.refunds.retrieve(refund.id).status == "failed"
    assert sandbox.api.charges.list({"payment_intent": intent}).data[0].amount_refunded == 0


def test_a_dispute_takes_the_money_and_a_win_gives_it_back(sandbox: Sandbox) -> None:
    intent = str(sandbox.pay("4000 0000 0000 0259").payment_intent)
    sandbox.tell("clock", seconds=10)
    (dispute,) = sandbox.api.disputes.list({"payment_intent": intent}).data
    sandbox.tell("dispute_result", dispute=dispute.id, won=True)
    lines = sandbox.api.balance_transactions.list({"source": dispute.id}).data
    assert [one.reporting_category for one in lines] == ["dispute_reversal", "dispute"]
    assert sum(one.net for one in lines) == -2000


def test_an_asynchronous_capture_is_booked_later(sandbox: Sandbox) -> None:
    sandbox.tell("settings", async_capture=True)
    intent = str(sandbox.pay().payment_intent)
    sandbox.tell("settings", async_capture=False)
    sandbox.tell("clock", seconds=5)
    assert sandbox.api.charges.list({"payment_intent": intent}).data[0].balance_transaction


# --- webhooks


def test_every_step_of_a_payment_is_told_with_a_true_signature(sandbox: Sandbox, box: Letterbox) -> None:
    session = sandbox.pay()
    until(lambda: session.id in heard(box, "checkout.session.completed"))
    assert session.payment_intent in heard(box, "payment_intent.succeeded")


def test_a_refused_webhook_is_sent_again(sandbox: Sandbox, box: Letterbox) -> None:
    settled(sandbox)
    box.answers.append(503)
    session = sandbox.session()
    sandbox.api.checkout.sessions.expire(session.id)
    until(lambda: heard(box, "checkout.session.expired").count(session.id) == 2)


def settled(sandbox: Sandbox) -> None:
    """Wait until nothing is on its way to the receiver."""
    until(lambda: all(one["status"] in {"delivered", "dropped"} for one in deliveries(sandbox)))


def deliveries(sandbox: Sandbox) -> Any:
    return requests.get(f"{sandbox.url}/_sandbox/deliveries", timeout=5).json()["data"]


def test_a_held_webhook_waits_and_a_dropped_one_is_found_by_asking(sandbox: Sandbox, box: Letterbox) -> None:
    sandbox.tell("mode", mode="hold")
    held = sandbox.pay().id
    sandbox.tell("mode", mode="drop")
    lost = sandbox.pay().id
    sandbox.tell("mode", mode="normal")
    sandbox.tell("release", reverse=True)
    until(lambda: held in heard(box, "checkout.session.completed"))
    settled(sandbox)
    missed: Any = {"types": ["checkout.session.completed"], "delivery_success": False}
    assert [one.data.object["id"] for one in sandbox.api.events.list(missed).data] == [lost]


def test_a_duplicated_webhook_arrives_twice(sandbox: Sandbox, box: Letterbox) -> None:
    sandbox.tell("mode", mode="duplicate", n=2)
    session = sandbox.pay()
    sandbox.tell("mode", mode="normal")
    until(lambda: heard(box, "checkout.session.completed").count(session.id) == 2)


@pytest.mark.parametrize("verb", ["wrong_signature", "stale_timestamp"])
def test_a_spoilt_webhook_does_not_pass_the_library(sandbox: Sandbox, box: Letterbox, verb: str) -> None:
    settled(sandbox)
    box.letters.clear()
    sandbox.tell(verb)
    sandbox.api.checkout.sessions.expire(sandbox.session().id)
    letter = until(lambda: box.letters and box.letters[0])
    box.letters.clear()
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(letter.body, letter.signature, SECRET)


@pytest.mark.guess
def test_an_endpoint_hears_only_what_it_asked_for_under_both_its_secrets(sandbox: Sandbox) -> None:
    other = Letterbox()
    endpoint = sandbox.api.webhook_endpoints.create({"url": other.url, "enabled_events": ["refund.created"]})
    fresh = sandbox.tell("roll_secret", endpoint=endpoint.id)["secret"]
    sandbox.api.refunds.create({"payment_intent": str(sandbox.pay().payment_intent)})
    letter = until(lambda: other.letters and other.letters[0])
    for secret in (endpoint.secret, fresh):
        event = stripe.Webhook.construct_event(letter.body, letter.signature, str(secret))
        assert event.type == "refund.created"
    assert sandbox.api.webhook_endpoints.delete(endpoint.id).deleted
    assert len(other.letters) == 1
    other.close()


def test_a_bank_debit_is_certain_only_once_it_arrives(sandbox: Sandbox, box: Letterbox) -> None:
    session = sandbox.session()
    intent = sandbox.tell(f"pay/{session.id}", method="debit")["payment_intent"]
    waiting = sandbox.api.checkout.sessions.retrieve(session.id)
    sandbox.tell("settle", payment_intent=intent, ok=True)
    until(lambda: session.id in heard(box, "checkout.session.async_payment_succeeded"))
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    assert sandbox.api.checkout.sessions.retrieve(session.id).payment_status == "paid"


# --- the program


def test_replies_carry_every_field_the_library_requires(sandbox: Sandbox) -> None:
    session = sandbox.pay("4000 0000 0000 0259")
    intent = str(session.payment_intent)
    sandbox.api.refunds.create({"payment_intent": intent, "amount": 100})
    sandbox.pay(line_items=order()["line_items"] * 3)
    sandbox.tell("clock", days=3)
    sandbox.tell("payout")
    things: list[Any] = [
        session,
        sandbox.api.payment_intents.retrieve(intent),
        *sandbox.api.charges.list({"payment_intent": intent}).data,
        *sandbox.api.refunds.list({"limit": 1}).data,
        *sandbox.api.balance_transactions.list({"limit": 5}).data,
        *sandbox.api.payouts.list({"limit": 1}).data,
        *sandbox.api.disputes.list({"limit": 1}).data,
        *sandbox.api.events.list({"limit": 5}).data,
        *sandbox.api.webhook_endpoints.list().data,
        *sandbox.api.checkout.sessions.line_items.list(session.id).data,
        sandbox.api.balance.retrieve(),
    ]
    assert {type(one).__name__ for one in things} >= {
        "Session",
        "Charge",
        "Refund",
        "Payout",
        "Dispute",
        "Event",
    }
    assert [lack for one in things for lack in lacks(type(one), one.to_dict(), type(one).__name__)] == []


def lacks(kind: Any, given: Any, path: str) -> list[str]:
    """Return the required fields, by dotted path, that an object of the library's lacks."""
    if isinstance(given, list):
        return [lack for one in given for lack in lacks(kind, one, path)]
    if not isinstance(given, dict):
        return []
    hints = {name: hint for name, hint in kind.__annotations__.items() if name != "OBJECT_NAME"}
    absent = [name for name, hint in hints.items() if given.get(name) is None and not may_be_null(hint)]
    deeper = [(parts(hint), given.get(name), f"{path}.{name}") for name, hint in hints.items()]
    return [f"{path}.{name}" for name in absent] + [
        lack for found, value, place in deeper for part in found for lack in lacks(part, value, place)
    ]


def may_be_null(hint: Any) -> bool:
    return type(None) in typing.get_args(hint)


def parts(hint: Any) -> list[type]:
    """Return the library's nested classes that a field may hold."""
    if isinstance(hint, type) and issubclass(hint, stripe.StripeObject):
        return [hint]
    return [part for one in typing.get_args(hint) for part in parts(one)][:1]


def test_the_console_shows_what_happened(sandbox: Sandbox) -> None:
    session = sandbox.pay()
    page = requests.get(sandbox.url, timeout=5)
    assert page.status_code == 200
    assert str(session.payment_intent) in page.text


def test_the_books_survive_a_kill(sandbox: Sandbox) -> None:
    session = sandbox.pay()
    sandbox.kill()
    sandbox.start()
    assert sandbox.api.checkout.sessions.retrieve(session.id).payment_status == "paid"
