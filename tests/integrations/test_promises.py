"""Promises: what each port says it does, held against the fake that tests use and the adapter that readers meet."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import requests
import stripe
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from integrations.files import Folder
from integrations.glassboxx import Glassboxx
from integrations.mail import SmtpMailer
from integrations.stripe_gateway import StripeGateway
from shop.catalogue.models import ProviderState
from shop.checkout.gateway import ForgedNoticeError, Item, PaymentRequest, Standing
from shop.library.fulfilment import Consignment
from shop.library.models import Delivery, Place
from shop.mail import Letter
from shop.money import Money
from shop.orders.payments import RefundStatus
from shop.services import RefusedError, RepeatRefusedError, UnavailableError, UnknownOutcomeError
from tests.fakes import SIGNATURE, Clock, FakeApp, FakeGateway, FakeMailer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shop.checkout.gateway import Gateway
    from shop.mail import Mailer

ROOT = Path(__file__).parents[2]
WEBHOOK_SECRET = "whsec_promises_0123456789"


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def sandbox(name: str, db: Path, *options: str, port: int | None = None) -> Iterator[str]:
    """A sandbox as a process of its own; its address."""
    port = port or free_port()
    command = [sys.executable, "-m", f"integrations.sandbox.{name}", "--port", str(port), "--db", str(db), "--quiet"]
    with subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.DEVNULL) as program:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 15
        while not _is_up(address):
            assert program.poll() is None, f"the {name} sandbox ended"
            assert time.monotonic() < deadline, f"the {name} sandbox does not answer"
        yield address
        program.terminate()


def _is_up(address: str) -> bool:
    try:
        return requests.get(f"{address}/_sandbox/health", timeout=2).ok
    except requests.ConnectionError:
        return False


# -- The gateway -----------------------------------------------------------------------------------------------------


class Cashier(Protocol):
    """A gateway with somebody who can press its reader's buttons."""

    @property
    def gateway(self) -> Gateway:
        """The one in question."""

    def pay(self, reference: str, card: str = "4242424242424242") -> None:
        """The reader pays."""

    def signed_notice(self, number: int, order: str) -> tuple[bytes, str]:
        """A notice and its signature."""


@dataclass
class FakeCashier:
    gateway: FakeGateway

    def pay(self, reference: str, card: str = "") -> None:
        self.gateway.pay(reference, card="GB" if card.startswith("40000082") else "US")

    def signed_notice(self, number: int, order: str) -> tuple[bytes, str]:
        notice = {"id": f"evt_{number}", "kind": "checkout.session.completed", "order": order}
        return json.dumps(notice).encode(), SIGNATURE


@dataclass
class StripeCashier:
    """Stripe, or its sandbox; the reader's button is pressed as Stripe's own command line does it."""

    gateway: StripeGateway
    address: str
    key: str

    def pay(self, reference: str, card: str = "4242424242424242") -> None:
        total = self._ask("GET", f"checkout/sessions/{reference}")["amount_total"]
        method = self._ask("POST", "payment_methods", {**READER, "card[token]": TOKENS[card]})
        wish = {"payment_method": method["id"], "expected_amount": str(total)}
        self._ask("GET", f"payment_pages/{reference}")
        self._ask("POST", f"payment_pages/{reference}/confirm", wish)

    def _ask(self, method: str, path: str, form: dict[str, str] | None = None) -> Any:
        address = f"{self.address}/v1/{path}"
        answer = requests.request(method, address, data=form, auth=(self.key, ""), timeout=30)
        assert answer.ok, answer.text
        return answer.json()

    def signed_notice(self, number: int, order: str) -> tuple[bytes, str]:
        about = {"object": "checkout.session", "client_reference_id": order, "metadata": {}}
        event = {"id": f"evt_{number}", "type": "checkout.session.completed", "data": {"object": about}}
        body = json.dumps(event)
        signature = stripe.WebhookSignature.generate_signature_header(body, WEBHOOK_SECRET)
        return body.encode(), str(signature)


TOKENS = {"4242424242424242": "tok_visa", "4000008260000000": "tok_gb"}
READER = {
    "type": "card",
    "billing_details[email]": "ann@example.com",
    "billing_details[name]": "Ann Reader",
    "billing_details[address][country]": "US",
    "billing_details[address][line1]": "1 Main Street",
    "billing_details[address][city]": "Springfield",
    "billing_details[address][state]": "IL",
    "billing_details[address][postal_code]": "62701",
}
SANDBOX_KEY = "sk_test_sandbox_promises"
TEST_KEY = os.environ.get("STRIPE_TEST_KEY", "")
NO_TEST_KEY = "STRIPE_TEST_KEY is not set, so Stripe's own test mode was not asked"


@pytest.fixture(scope="module")
def stripe_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Stripe sandbox for this module."""
    with sandbox("stripe", tmp_path_factory.mktemp("stripe") / "stripe.db") as address:
        yield address


@pytest.fixture(params=["fake", "sandbox", "real"])
def cashier(request: pytest.FixtureRequest) -> Cashier:
    """Each gateway in turn; Stripe itself where there is a key of its test mode."""
    if request.param == "fake":
        return FakeCashier(FakeGateway(Clock(datetime.now(UTC))))
    if request.param == "real":
        if not TEST_KEY:
            pytest.skip(NO_TEST_KEY)
        assert TEST_KEY.startswith("sk_test_"), "only a key of the test mode may be used in a test"
        return StripeCashier(StripeGateway(TEST_KEY, (WEBHOOK_SECRET,)), "https://api.stripe.com", TEST_KEY)
    address = request.getfixturevalue("stripe_address")
    return StripeCashier(StripeGateway(SANDBOX_KEY, (WEBHOOK_SECRET,), address), address, SANDBOX_KEY)


_orders = iter(range(10_000))


def a_request(**changes: Any) -> PaymentRequest:
    """Something to pay for: £83.50."""
    order = f"order-{next(_orders)}-{time.time_ns()}"
    request = PaymentRequest(
        order=order,
        number="FYWD8CT",
        key=f"{order}:pay:1",
        email="ann@example.com",
        items=(Item("Exit Stalin (hardback)", Money(3700, "GBP"), 2), Item("Delivery", Money(950, "GBP"), 1)),
        success_address="http://localhost/orders/x",
        cancel_address="http://localhost/checkout/x",
        expires_at=datetime.now(UTC) + timedelta(minutes=31),
    )
    return replace(request, **changes)


def test_the_same_key_begins_the_same_payment(cashier: Cashier) -> None:
    request = a_request()

    assert cashier.gateway.start(request).reference == cashier.gateway.start(request).reference
    assert cashier.gateway.start(a_request()).reference != cashier.gateway.start(request).reference


def test_the_same_key_for_something_else_is_refused(cashier: Cashier) -> None:
    request = a_request()
    cashier.gateway.start(request)

    with pytest.raises(RefusedError):
        cashier.gateway.start(replace(request, email="other@example.com"))


def test_a_receipt_tells_what_was_paid_for_which_order_by_whose_card(cashier: Cashier) -> None:
    request = a_request()
    reference = cashier.gateway.start(request).reference
    before = cashier.gateway.receipt_for(reference)
    cashier.pay(reference, "4000008260000000")
    receipt = cashier.gateway.receipt_for(reference)

    assert (before.standing, before.amount) == (Standing.OPEN, None)
    assert (receipt.standing, receipt.order, receipt.livemode) == (Standing.PAID, request.order, False)
    assert receipt.amount == Money(8350, "GBP")
    assert receipt.card_country == "GB"
    assert receipt.payment
    assert receipt.charge


def test_a_payment_is_ended_unless_it_has_been_made(cashier: Cashier) -> None:
    open_one, paid_one = (cashier.gateway.start(a_request()).reference for _ in range(2))
    cashier.pay(paid_one)

    assert cashier.gateway.expire(open_one).standing is Standing.EXPIRED
    assert cashier.gateway.expire(open_one).standing is Standing.EXPIRED
    assert cashier.gateway.expire(paid_one).standing is Standing.PAID


def test_a_refund_is_made_once_per_key_and_found_by_our_id(cashier: Cashier) -> None:
    reference = cashier.gateway.start(a_request()).reference
    cashier.pay(reference)
    payment = cashier.gateway.receipt_for(reference).payment or ""
    ours = f"r{time.time_ns()}"
    assert cashier.gateway.find_refund(payment, ours) is None

    made = [cashier.gateway.refund(payment, Money(3700, "GBP"), key=f"refund:{ours}", refund=ours) for _ in range(2)]

    assert made[0] == made[1]
    assert made[0].status is RefundStatus.SUCCEEDED
    assert cashier.gateway.find_refund(payment, ours) == made[0]
    with pytest.raises(RefusedError):
        cashier.gateway.refund(payment, Money(8000, "GBP"), key=f"{ours}:more", refund=f"{ours}0")


def test_a_signed_notice_is_heard_and_any_other_is_forged(cashier: Cashier) -> None:
    body, signature = cashier.signed_notice(1, "the-order")

    knock = cashier.gateway.hear(body, signature)
    assert (knock.id, knock.kind, knock.order) == ("evt_1", "checkout.session.completed", "the-order")
    for forged in (
        (body, ""),
        (body + b" ", "x" + signature),
        (b"\xff\xfe", signature),
        (body, "é"),
        (b"[]", signature),
    ):
        with pytest.raises(ForgedNoticeError):
            cashier.gateway.hear(*forged)


def test_a_notice_signed_long_ago_is_forged() -> None:
    gateway = StripeGateway("sk_test_sandbox_x", ("whsec_other_0123456789", WEBHOOK_SECRET))
    body = b'{"id": "evt_1", "type": "charge.succeeded", "data": {"object": {}}}'
    for age, fits in ((0, True), (299, True), (302, False)):
        at = int(time.time()) - age
        signature = stripe.WebhookSignature._compute_signature(f"{at}.{body.decode()}", WEBHOOK_SECRET)  # noqa: SLF001
        if fits:
            assert gateway.hear(body, f"t={at},v1={signature}").id == "evt_1"
        else:
            with pytest.raises(ForgedNoticeError):
                gateway.hear(body, f"t={at},v1={signature}")


def test_an_answer_lost_by_stripe_is_found_again_by_its_key(stripe_address: str) -> None:
    gateway = StripeGateway("sk_test_sandbox_promises", (WEBHOOK_SECRET,), stripe_address)
    request = a_request()
    fault = {"kind": "lose_reply", "count": 3, "path": "checkout/sessions", "method": "POST"}
    requests.post(f"{stripe_address}/_sandbox/fault", json=fault, timeout=9)

    with pytest.raises(UnknownOutcomeError):
        gateway.start(request)
    requests.post(f"{stripe_address}/_sandbox/fault", json={"kind": "lose_reply", "count": 0}, timeout=9)
    started = gateway.start(request)

    made = requests.get(f"{stripe_address}/_sandbox/objects/checkout.session", timeout=9).json()["data"]
    assert [one["id"] for one in made if one["client_reference_id"] == request.order] == [started.reference]


def test_a_gateway_that_is_not_there_is_unavailable_to_ask_and_unknown_to_change() -> None:
    gateway = StripeGateway("sk_test_sandbox_x", (WEBHOOK_SECRET,), f"http://127.0.0.1:{free_port()}")

    with pytest.raises(UnavailableError):
        gateway.receipt_for("cs_1", patiently=False)
    with pytest.raises(UnknownOutcomeError):
        gateway.start(a_request())


# -- The fulfiller with an app ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def glassboxx_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Glassboxx sandbox for this module."""
    with sandbox("glassboxx", tmp_path_factory.mktemp("glassboxx") / "glassboxx.db") as address:
        yield address


def glassboxx(address: str, password: str = "sandbox-password", timeout: float = 5.0) -> Glassboxx:  # noqa: S107
    """Our adapter, speaking to a sandbox."""
    path = "/glassboxxcontent/checkContent?sku={sku}"
    return Glassboxx(f"{address}/rest/V1", "frontlist", password, "42", check_path=path, timeout=timeout)


def tell(address: str, what: str, **wish: Any) -> None:
    """Turn a switch or plan a fault."""
    answer = requests.post(f"{address}/_sandbox/{what}", json=wish, timeout=9)
    assert answer.ok, answer.text


def set_state(address: str, sku: str, state: str) -> None:
    """Say what the provider says of a SKU."""
    tell(address, "skus", sku=sku, state=state)


def a_consignment(sku: str = "9781631498305", **changes: Any) -> Consignment:
    """One copy for one reader."""
    number = f"N{next(_orders)}{time.time_ns() % 10**9}"
    consignment = Consignment(
        order_number=number,
        ordered_on=date(2026, 11, 25),
        isbn=sku,
        sku=sku,
        title="Exit Stalin",
        copy_id=number,
        email="ann@example.com",
        reader="Ann Łukasiewicz",
        price=Money(3600, "GBP"),
    )
    return replace(consignment, **changes)


def billed(address: str, consignment: Consignment) -> int:
    """How often the provider has booked a consignment."""
    lines = requests.get(f"{address}/_sandbox/orders", timeout=9).json()
    return sum(1 for line in lines if line["original_order_number"] == consignment.order_number)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("enabled", ProviderState.ENABLED),
        ("preorder", ProviderState.PREORDER),
        ("not_enabled", ProviderState.NOT_ENABLED),
        ("unknown", ProviderState.UNKNOWN_SKU),
        ("other_vendor", ProviderState.OTHER_VENDOR),
    ],
)
def test_the_five_answers_of_the_provider_mean_five_states(
    glassboxx_address: str, state: str, expected: ProviderState
) -> None:
    adapter = glassboxx(glassboxx_address)
    set_state(glassboxx_address, "9780000000019", state)
    for apostrophe, shape in product(("typographic", "ascii"), ("object", "list", "pair")):
        tell(glassboxx_address, "switches", apostrophe=apostrophe, answer_shape=shape)
        assert adapter.can_deliver("9780000000019", "9780000000019") is expected, (apostrophe, shape)
    tell(glassboxx_address, "switches", apostrophe="typographic", answer_shape="object")


@pytest.mark.guess
def test_a_copy_is_delivered_under_every_combination_of_what_is_not_documented(glassboxx_address: str) -> None:
    set_state(glassboxx_address, "9781631498305", "enabled")
    adapter = glassboxx(glassboxx_address)
    switches = {
        "answer_shape": ("object", "list", "pair"),
        "key_case": ("title", "lower"),
        "order_before_account": ("error", "implicit"),
        "unauthorised_text": ("E4", "E5"),
        "partial_success": ("all_or_nothing", "per_line"),
        "duplicate_order": ("ignore", "accept", "error"),
    }
    for values in product(*switches.values()):
        tell(glassboxx_address, "switches", **dict(zip(switches, values, strict=True)))
        consignment = a_consignment()
        assert adapter.deliver(consignment) == Delivery(Place.APP), values
        assert billed(glassboxx_address, consignment) == 1, values
        assert repeated(adapter, consignment) is (values[-1] != "error"), values
        assert billed(glassboxx_address, consignment) == (2 if values[-1] == "accept" else 1), values
    first = {name: values[0] for name, values in switches.items()}
    tell(glassboxx_address, "switches", **first)


def repeated(adapter: Glassboxx, consignment: Consignment) -> bool:
    """Whether the provider takes the same order again; if not, its words must not be taken for a plain refusal."""
    try:
        adapter.deliver(consignment)
    except RepeatRefusedError:
        return False
    return True


def test_the_fake_and_the_sandbox_refuse_for_good_and_say_why(glassboxx_address: str) -> None:
    set_state(glassboxx_address, "9780000000026", "not_enabled")
    with pytest.raises(RefusedError, match="Product not enabled"):
        glassboxx(glassboxx_address).deliver(a_consignment("9780000000026"))
    with pytest.raises(RefusedError, match="no"):
        FakeApp(failures=[RefusedError("no")]).deliver(a_consignment())


@pytest.mark.parametrize(
    ("fault", "error", "times_billed"),
    [
        ("http_503_html", UnavailableError, 0),
        ("http_503_json", UnavailableError, 0),
        ("http_500", UnknownOutcomeError, 0),
        ("reset_before", UnknownOutcomeError, 0),
        ("reset_after_commit", UnknownOutcomeError, 1),
        ("not_json_200", UnknownOutcomeError, 1),
    ],
)
def test_what_may_have_happened_is_told_apart_from_what_has_not(
    glassboxx_address: str, fault: str, error: type[Exception], times_billed: int
) -> None:
    set_state(glassboxx_address, "9781631498305", "enabled")
    consignment = a_consignment()
    tell(glassboxx_address, "faults", fault=fault, calls=1, path="createOrder")

    with pytest.raises(error):
        glassboxx(glassboxx_address).deliver(consignment)

    assert billed(glassboxx_address, consignment) == times_billed
    assert glassboxx(glassboxx_address).deliver(consignment) == Delivery(Place.APP)
    assert billed(glassboxx_address, consignment) == 1, "by default the provider ignores a repeat"


def test_a_slow_answer_is_unknown(glassboxx_address: str) -> None:
    set_state(glassboxx_address, "9781631498305", "enabled")
    tell(glassboxx_address, "faults", fault="slow", calls=1, path="createOrder", seconds=3)

    with pytest.raises(UnknownOutcomeError):
        glassboxx(glassboxx_address, timeout=0.3).deliver(a_consignment())


def test_a_token_that_ran_out_is_renewed_in_the_middle_of_an_order(glassboxx_address: str) -> None:
    set_state(glassboxx_address, "9781631498305", "enabled")
    adapter = glassboxx(glassboxx_address)
    adapter.deliver(a_consignment())
    adapter._token = ("a token nobody knows any more", time.time() + 999)  # noqa: SLF001 - as if it had been revoked

    assert adapter.deliver(a_consignment()) == Delivery(Place.APP)


def test_a_wrong_password_is_not_tried_until_the_account_is_locked(glassboxx_address: str) -> None:
    adapter = glassboxx(glassboxx_address, password="wrong")
    for _ in range(8):
        with pytest.raises(UnavailableError, match="password"):
            adapter.can_deliver("x", "x")

    assert glassboxx(glassboxx_address).can_deliver("9781631498305", "9781631498305")


def test_a_provider_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match="cannot be reached"):
        glassboxx(f"http://127.0.0.1:{free_port()}").deliver(a_consignment())


# -- Mail and files ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A mailbox: its address and its SMTP port."""
    smtp = free_port()
    with sandbox("mailbox", tmp_path_factory.mktemp("mail") / "mail.db", "--smtp-port", str(smtp)) as address:
        yield address, smtp


def smtp_mailer(port: int) -> SmtpMailer:
    """Our adapter, speaking to a mailbox."""
    return SmtpMailer("127.0.0.1", port, "", "", "Press <press@example.test>", "help@example.test", starttls=False)


@pytest.fixture(params=["fake", "mailbox"])
def mailer(request: pytest.FixtureRequest) -> Mailer:
    """Each mailer in turn, of which one address bounces."""
    if request.param == "fake":
        return FakeMailer(bounces={"gone@example.com"})
    address, port = request.getfixturevalue("mailbox")
    requests.post(f"{address}/_sandbox/bounces", json={"address": "gone@example.com", "code": 550}, timeout=9)
    return smtp_mailer(port)


def a_letter(to: str = "ann@example.com") -> Letter:
    """A small letter with an accent."""
    return Letter(to, "Łódź", "Plain text.\n", "<p>HTML</p>", f"{time.time_ns()}@example.test")


def test_a_letter_is_taken_and_an_address_that_is_gone_is_refused(mailer: Mailer) -> None:
    mailer.send(a_letter())

    with pytest.raises(RefusedError):
        mailer.send(a_letter("gone@example.com"))


def test_a_letter_arrives_as_it_was_written(mailbox: tuple[str, int]) -> None:
    address, port = mailbox
    letter = replace(a_letter("łucja@example.com".encode("ascii", "ignore").decode()), to="lucja@example.com")

    smtp_mailer(port).send(letter)

    (arrived,) = requests.get(f"{address}/_sandbox/messages", params={"to": "lucja@example.com"}, timeout=9).json()
    assert (arrived["subject"], arrived["text"].strip(), arrived["message_id"].strip("<>")) == (
        "Łódź",
        "Plain text.",
        letter.message_id,
    )


@pytest.mark.parametrize(
    ("fault", "error"),
    [("tempfail", UnavailableError), ("refuse", RefusedError), ("drop_after_data", UnknownOutcomeError)],
)
def test_what_the_mail_server_did_is_told_apart(mailbox: tuple[str, int], fault: str, error: type[Exception]) -> None:
    address, port = mailbox
    requests.post(f"{address}/_sandbox/faults", json={"fault": fault, "messages": 1}, timeout=9)

    with pytest.raises(error):
        smtp_mailer(port).send(a_letter())


def test_a_mail_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(UnavailableError):
        smtp_mailer(free_port()).send(a_letter())


def test_an_address_that_the_mail_server_cannot_write_is_refused_and_not_doubted() -> None:
    """A server without SMTPUTF8: nothing was sent, and nothing would be another time."""
    server = Controller(Sink(), hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=False)
    server.start()
    try:
        with pytest.raises(RefusedError, match="beyond ASCII"):
            smtp_mailer(server.port).send(a_letter("łucja@example.com"))
        smtp_mailer(server.port).send(a_letter("lucja@example.com"))
    finally:
        server.stop()


def test_a_mail_server_that_does_not_encrypt_when_it_must_is_waited_for(mailbox: tuple[str, int]) -> None:
    mailer = SmtpMailer("127.0.0.1", mailbox[1], "", "", "press@example.test", "help@example.test", starttls=True)

    with pytest.raises(UnavailableError, match="settings"):
        mailer.send(a_letter())


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b", ""])
def test_a_name_that_is_not_ours_reaches_no_file(tmp_path: Path, name: str) -> None:
    folder = Folder(tmp_path / "files")
    with pytest.raises(ValueError, match="not a name of ours"):
        folder.put(name, b"x")


def test_a_file_is_kept_whole(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "files")
    folder.put("copies/a.epub", b"one")
    folder.put("copies/a.epub", b"two")

    assert folder.get("copies/a.epub") == b"two"
    assert not folder.has("copies/b.epub")
    with pytest.raises(FileNotFoundError):
        folder.path("copies/b.epub")
    assert [path.name for path in (tmp_path / "files/copies").iterdir()] == ["a.epub"], "nothing half written is left"
