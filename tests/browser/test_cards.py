"""Every test card, typed into the sandbox's hosted page in Chromium: paid, declined, authenticated or not, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.walk import pay_button, type_card
from tests.contract.exchanges import errors_of
from tests.integrations.stripe_sandbox import Letterbox, Sandbox, heard, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import stripe
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

DECLINED = "Your card was declined."
PAYING = {
    "4242 4242 4242 4242": "US",
    "4000 0082 6000 0000": "GB",
    "4000 0027 6000 0016": "DE",
    "4000 0000 0000 0077": "US",
}
DECLINING = {
    "4000 0000 0000 0002": (DECLINED, "card_declined", "generic_decline"),
    "4000 0000 0000 9995": ("Your card has insufficient funds.", "card_declined", "insufficient_funds"),
    "4000 0000 0000 9987": (DECLINED, "card_declined", "lost_card"),
    "4000 0000 0000 9979": (DECLINED, "card_declined", "stolen_card"),
    "4000 0000 0000 0069": ("Your card has expired.", "expired_card", None),
    "4000 0000 0000 0127": ("Your card's security code is incorrect.", "incorrect_cvc", None),
    "4000 0000 0000 0119": ("An error occurred while processing your card.", "processing_error", None),
    "4100 0000 0000 0019": (DECLINED, "card_declined", "fraudulent"),
    "4000 0000 0000 0341": (DECLINED, "card_declined", "generic_decline"),
}
AFTERWARDS = {
    "4000 0000 0000 0259": ("charge.dispute.created", "dispute", "needs_response"),
    "4000 0000 0000 2685": ("charge.dispute.created", "dispute", "needs_response"),
    "4000 0000 0000 1976": ("charge.dispute.created", "dispute", "warning_needs_response"),
    "4000 0000 0000 5423": ("radar.early_fraud_warning.created", "warning", ""),
    "4000 0000 0000 7726": ("refund.updated", "refund", "succeeded"),
    "4000 0000 0000 5126": ("refund.failed", "refund", "failed"),
}
CHALLENGED = ("4000 0027 6000 3184", "4000 0025 0000 3155")
CHALLENGED_THEN_DECLINED = "4000 0084 0000 1629"


@pytest.fixture(scope="module")
def box() -> Iterator[Letterbox]:
    box = Letterbox()
    yield box
    box.close()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, box: Letterbox) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path_factory.mktemp("stripe") / "stripe.db", box)
    yield sandbox
    errors = errors_of(sandbox.url)
    sandbox.stop()
    assert errors == []


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    visit = browser.new_context()
    yield visit.new_page()
    visit.close()


def a_session(sandbox: Sandbox) -> stripe.checkout.Session:
    """Something to pay for, whose shop is the sandbox's own console: a page that is there."""
    return sandbox.session(success_url=f"{sandbox.url}/?s={{CHECKOUT_SESSION_ID}}", cancel_url=f"{sandbox.url}/?back")


def pay(page: Page, url: str | None, number: str) -> None:
    page.goto(str(url))
    type_card(page, number)
    pay_button(page).click()


def paid(sandbox: Sandbox, session: stripe.checkout.Session) -> Any:
    """The session with its payment and charge."""
    return sandbox.api.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})


@pytest.mark.parametrize(("number", "country"), PAYING.items())
def test_a_good_card_pays_and_leads_back_to_the_shop(sandbox: Sandbox, page: Page, number: str, country: str) -> None:
    session = a_session(sandbox)
    pay(page, session.url, number)
    expect(page).to_have_url(f"{sandbox.url}/?s={session.id}")
    found = paid(sandbox, session)
    charge = found.payment_intent.latest_charge
    assert (found.status, found.payment_status) == ("complete", "paid")
    assert charge.payment_method_details.card.country == country
    assert charge.payment_method_details.card.last4 == number[-4:]
    line = sandbox.api.balance_transactions.retrieve(charge.balance_transaction)
    assert line.status == ("available" if number.endswith("0077") else "pending")


@pytest.mark.parametrize(("number", "told"), DECLINING.items())
def test_a_refused_card_says_why_and_another_may_be_tried(
    sandbox: Sandbox, page: Page, number: str, told: tuple[str, str, str | None]
) -> None:
    message, code, decline_code = told
    session = a_session(sandbox)
    pay(page, session.url, number)
    expect(page.get_by_role("alert")).to_contain_text(message)
    expect(page.get_by_label("Card number")).to_have_value("")
    expect(page.get_by_label("Name on card")).to_have_value("Ann Reader")
    found = paid(sandbox, session)
    error = found.payment_intent.last_payment_error.to_dict()
    assert (error["code"], error.get("decline_code")) == (code, decline_code)
    assert (found.status, found.payment_intent.latest_charge.status) == ("open", "failed")
    type_card(page, "4242 4242 4242 4242")
    pay_button(page).click()
    expect(page).to_have_url(f"{sandbox.url}/?s={session.id}")


def test_a_mistyped_number_never_leaves_the_page(sandbox: Sandbox, page: Page) -> None:
    session = a_session(sandbox)
    pay(page, session.url, "4242 4242 4242 4241")
    expect(page.get_by_text("Your card number is incorrect.")).to_be_visible()
    assert paid(sandbox, session).payment_intent is None


@pytest.mark.parametrize(("number", "trouble"), AFTERWARDS.items())
def test_a_card_of_trouble_pays_and_the_trouble_comes_later(
    sandbox: Sandbox, box: Letterbox, page: Page, number: str, trouble: tuple[str, str, str]
) -> None:
    event, what, status = trouble
    session = a_session(sandbox)
    pay(page, session.url, number)
    expect(page).to_have_url(f"{sandbox.url}/?s={session.id}")
    intent = paid(sandbox, session).payment_intent
    if what == "refund":
        made = sandbox.api.refunds.create({"payment_intent": intent.id})
        assert made.status == ("pending" if number.endswith("7726") else "succeeded")
    sandbox.tell("clock", seconds=6)
    if what == "dispute":
        (dispute,) = sandbox.api.disputes.list({"payment_intent": intent.id}).data
        assert dispute.status == status
        until(lambda: dispute.id in heard(box, event))
    elif what == "refund":
        assert sandbox.api.refunds.retrieve(made.id).status == status
        until(lambda: made.id in heard(box, event))
    else:
        until(lambda: intent.id in [one.data.object.payment_intent for one in box.events() if one.type == event])


@pytest.mark.parametrize("number", CHALLENGED)
def test_a_bank_that_asks_is_answered(sandbox: Sandbox, page: Page, number: str) -> None:
    session = a_session(sandbox)
    pay(page, session.url, number)
    expect(page.get_by_role("heading", name="Your bank asks you to confirm £74.00")).to_be_visible()
    page.get_by_role("button", name="Complete authentication").click()
    expect(page).to_have_url(f"{sandbox.url}/?s={session.id}")
    assert paid(sandbox, session).payment_status == "paid"


@pytest.mark.parametrize("number", CHALLENGED)
def test_a_bank_that_is_not_answered_refuses(sandbox: Sandbox, page: Page, number: str) -> None:
    session = a_session(sandbox)
    pay(page, session.url, number)
    page.get_by_role("button", name="Fail authentication").click()
    expect(page.get_by_role("alert")).to_contain_text("unable to authenticate")
    found = paid(sandbox, session)
    assert found.status == "open"
    assert found.payment_intent.last_payment_error.code == "payment_intent_authentication_failure"
    assert found.payment_intent.latest_charge is None


def test_a_bank_may_ask_and_still_refuse(sandbox: Sandbox, page: Page) -> None:
    session = a_session(sandbox)
    pay(page, session.url, CHALLENGED_THEN_DECLINED)
    page.get_by_role("button", name="Complete authentication").click()
    expect(page.get_by_role("alert")).to_contain_text(DECLINED)
    assert paid(sandbox, session).status == "open"


def test_the_way_back_from_the_bank_leads_to_the_form_and_another_card(sandbox: Sandbox, page: Page) -> None:
    session = a_session(sandbox)
    pay(page, session.url, CHALLENGED[0])
    expect(page.get_by_role("button", name="Complete authentication")).to_be_visible()
    page.go_back()
    type_card(page, "4242 4242 4242 4242")
    pay_button(page).click()
    expect(page).to_have_url(f"{sandbox.url}/?s={session.id}")
    assert len(sandbox.api.charges.list({"payment_intent": paid(sandbox, session).payment_intent.id}).data) == 1


def test_the_way_back_after_paying_charges_nothing_more(sandbox: Sandbox, page: Page) -> None:
    session = a_session(sandbox)
    pay(page, session.url, "4242 4242 4242 4242")
    expect(page).to_have_url(f"{sandbox.url}/?s={session.id}")
    page.go_back()
    page.reload()
    expect(page.get_by_role("heading", name="You are all done here")).to_be_visible()
    page.get_by_role("link", name="Return to the shop").click()
    expect(page).to_have_url(f"{sandbox.url}/?s={session.id}")
    assert len(sandbox.api.charges.list({"payment_intent": paid(sandbox, session).payment_intent.id}).data) == 1


def test_a_reader_who_thinks_better_of_it_goes_back_to_the_basket(sandbox: Sandbox, page: Page) -> None:
    session = a_session(sandbox)
    page.goto(str(session.url))
    page.get_by_role("link", name="Back to the shop").click()
    expect(page).to_have_url(f"{sandbox.url}/?back")
    assert paid(sandbox, session).status == "open"
