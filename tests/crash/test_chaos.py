"""A bad line: hundreds of calls of our own adapters break in every way, and every promise is kept all the same."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests
import stripe
from sqlalchemy import select

from integrations.glassboxx import Glassboxx
from integrations.stripe_gateway import StripeGateway
from shop import work
from shop.app import create_app
from shop.catalogue.models import Edition, ProviderState
from shop.library import returns
from shop.library.models import Entitlement, Submission
from shop.orders.models import Attention, Order, OrderLine
from shop.orders.payments import Payment, Refund
from shop.reconciliation import cases, ledgers
from shop.work import WorkRow, WorkState
from shop.worker import HANDLERS
from tests.crash.chaos import DELIVERED, ChaosProxy, Fate
from tests.crash.yard import say
from tests.fakes import Clock, FakeMailer
from tests.integrations.stripe_sandbox import KEY, SECRET, Letterbox, Sandbox
from tests.integrations.test_promises import sandbox as a_sandbox
from tests.makers import EBOOK, EPUB, Scene, stock_the_shelves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shop.services import Shop

pytestmark = pytest.mark.crash

ORDERS = 110
LOGICAL_CALLS = 500
HANDS = 6
SEED = 20_261_126
MIXES = ((EBOOK,), (EPUB,), (EBOOK, EPUB))
ASKED_ABROAD = {"start", "receipt_for", "expire", "refund", "find_refund", "can_deliver", "deliver"}
TRIES = 40


class Counted:
    """A port that counts what it is asked, and is otherwise the port itself."""

    def __init__(self, port: Any, asked: Counter[str]) -> None:
        self._port, self._asked = port, asked

    def __getattr__(self, name: str) -> Any:
        if name in ASKED_ABROAD:
            self._asked[name] += 1
        return getattr(self._port, name)


class Forgetful(Counted):
    """A gateway with the oldest bug there is: a new key for each try."""

    def refund(self, payment: str, amount: Any, *, key: str, refund: str) -> Any:
        self._asked["refund"] += 1
        return self._port.refund(payment, amount, key=f"{key}:{self._asked.total()}", refund=refund)


@dataclass
class BadLine:
    """A shop with real adapters whose calls go through chaos, and the vendors' stand-ins behind it."""

    shop: Shop
    clock: Clock
    asked: Counter[str]
    stripe: Sandbox
    glassboxx: str
    proxies: tuple[ChaosProxy, ChaosProxy]

    def __post_init__(self) -> None:
        # One for all readers: Werkzeug compiles its routes, which CPython 3.11 cannot do in two threads at a time.
        self.app = create_app(self.shop)

    def buy(self, number: int) -> str:
        """A reader buys and pays, pressing again whenever the shop asks for it; the order's public id."""
        outside: Any = self.shop.services
        provider = outside.fulfillers["glassboxx"]
        client = self.app.test_client()
        scene = Scene(self.shop, self.clock, outside.gateway, provider, outside.mailer, client)
        scene.live_in("US")
        scene.fill_basket(*MIXES[number % len(MIXES)])
        public_id = scene.give_details(f"visit-{number}", email=f"reader-{number}@example.org")
        for _ in range(TRIES):
            answer = scene.post(f"/checkout/{public_id}/pay", consent="yes")
            if answer.status_code == requests.codes.see_other and "/c/pay/" in answer.location:
                self.stripe.tell(f"pay/{answer.location.rsplit('/', 1)[1]}", country="US")
                return public_id
        raise AssertionError(f"reader {number} could not begin to pay")

    def knock(self) -> None:
        """Stripe tells of every session that is complete, each notice twice."""
        client = self.app.test_client()
        for event in self.stripe.tell_objects("event"):
            if event["type"] == "checkout.session.completed":
                body = json.dumps(event)
                for _ in range(2):
                    signature = str(stripe.WebhookSignature.generate_signature_header(body, SECRET))
                    headers = {"Stripe-Signature": signature}
                    answer = client.post("/webhooks/stripe", data=body, base_url="http://localhost", headers=headers)
                    assert answer.status_code == requests.codes.ok

    def work_until_quiet(self) -> None:
        """Let workers do all there is, an hour passing whenever nothing is due."""
        for _ in range(TRIES):
            with ThreadPoolExecutor(HANDS) as hands:
                list(hands.map(lambda _: self._work(), range(HANDS)))
            if not self._rows_left():
                return
            self.clock.forward(hours=1)
        raise AssertionError(f"the work does not come to an end: {self._rows_left()}")

    def _work(self) -> None:
        while work.perform_next(self.shop, HANDLERS):
            pass

    def _rows_left(self) -> list[str]:
        with self.shop.db.reading() as session:
            waiting = WorkRow.state.in_([WorkState.READY, WorkState.RUNNING, WorkState.DEAD])
            return [
                f"{row.kind} {row.state} {row.last_error}" for row in session.scalars(select(WorkRow).where(waiting))
            ]

    def refund_every(self, nth: int) -> None:
        """Staff give the last line of every so manieth order back."""
        with self.shop.db.writing() as session:
            for order in session.scalars(select(Order).where(Order.id % nth == 0)):
                returns.take_back(session, order.lines[-1], reason="asked", by="sam@press.test", at=self.shop.now)

    def all(self, table: type[Any]) -> list[Any]:
        with self.shop.db.reading() as session:
            return list(session.scalars(select(table)))

    def statement(self) -> str:
        """What the provider would bill."""
        return requests.get(f"{self.glassboxx}/_sandbox/statement.csv", timeout=30).text

    def arrived_orders(self) -> Counter[str]:
        """How often an order of each number reached the provider, whatever became of the reply."""
        bodies = [body for asked, body in self.proxies[1].arrived if asked.endswith("/createOrder")]
        return Counter(json.loads(body)["items"][0]["original_order_number"] for body in bodies)


@pytest.fixture
def clock() -> Clock:
    """The time that Stripe's sandbox has as well."""
    return Clock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def open_line(shop: Shop, clock: Clock, tmp_path: Path) -> Iterator[Callable[..., BadLine]]:
    """Opens a bad line, with switches of the provider's and perhaps a careless gateway."""
    with ExitStack() as stack:

        def opened(gateway: type[Counted] = Counted, **switches: str) -> BadLine:
            return _opened(stack, shop, clock, tmp_path, gateway, switches)

        yield opened


def _opened(
    stack: ExitStack, shop: Shop, clock: Clock, folder: Path, gateway: type[Counted], switches: dict[str, str]
) -> BadLine:
    box = Letterbox()
    stack.callback(box.close)
    stripe_sandbox = Sandbox(folder / "stripe.db", box)
    stack.callback(stripe_sandbox.stop)
    stripe_sandbox.tell("mode", mode="drop")
    glassboxx = stack.enter_context(a_sandbox("glassboxx", folder / "glassboxx.db", "--sku", f"{EBOOK}:enabled:A book"))
    requests.post(f"{glassboxx}/_sandbox/switches", json=switches, timeout=10).raise_for_status()
    proxies = (
        stack.enter_context(ChaosProxy(stripe_sandbox.url, SEED)),
        stack.enter_context(ChaosProxy(glassboxx, SEED + 1)),
    )
    asked: Counter[str] = Counter()
    path = "/glassboxxcontent/checkContent?sku={sku}"
    base = f"{proxies[1].address}/rest/V1"
    app = Glassboxx(base, "frontlist", "sandbox-password", "42", check_path=path, timeout=5.0)
    fulfillers = {**shop.services.fulfillers, "glassboxx": Counted(app, asked)}
    paying = gateway(StripeGateway(KEY, (SECRET,), proxies[0].address), asked)
    services = replace(shop.services, gateway=paying, fulfillers=fulfillers)
    real = replace(shop, services=services)
    stock_the_shelves(real)
    with real.db.writing() as session:
        for ebook in session.scalars(select(Edition).where(Edition.fulfiller.is_not(None))):
            ebook.note_provider_state(ProviderState.ENABLED, clock.now)
    return BadLine(real, clock, asked, stripe_sandbox, glassboxx, proxies)


def sell(line: BadLine, readers: range) -> None:
    """Let readers buy, Stripe tell of it, and the workers do what follows."""
    with ThreadPoolExecutor(HANDS) as street:
        list(street.map(line.buy, readers))
    line.knock()
    line.work_until_quiet()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("policy", ["ignore", "accept", "error"])
def test_every_order_is_settled_once_and_every_reader_has_the_book(
    open_line: Callable[..., BadLine], policy: str
) -> None:
    line = open_line(duplicate_order=policy)
    sell(line, range(ORDERS))
    readers_have = [one.fulfilled_at is not None and one.refused_at is None for one in line.all(Entitlement)]
    line.refund_every(3)
    line.work_until_quiet()
    for proxy in line.proxies:
        proxy.is_calm = True
    mailer = line.shop.services.mailer
    assert isinstance(mailer, FakeMailer)

    charges = [one for one in line.stripe.tell_objects("charge") if one["status"] == "succeeded"]
    charged = Counter(one["metadata"]["order"] for one in charges)
    refunded = Counter(one["metadata"]["refund"] for one in line.stripe.tell_objects("refund"))
    refunds = line.all(Refund)
    mails = Counter((row.kind, row.key) for row in line.all(WorkRow) if row.kind.startswith("mail."))
    billed = Counter(row["order_number"] for row in csv.DictReader(io.StringIO(line.statement())))
    extra = billed - Counter(dict.fromkeys(billed, 1))
    sent_again = {one.entitlement_id for one in line.all(Submission) if one.may_be_doubled}
    tell(line, policy, extra, sent_again)

    paid = [order for order in line.all(Order) if order.paid_at]
    assert line.asked.total() >= LOGICAL_CALLS
    assert all(proxy.fates[fate] for proxy in line.proxies for fate in Fate), "every kind of mishap has happened"
    assert charged == Counter(order.public_id for order in paid)
    assert len(paid) == len(line.all(Payment)) == ORDERS
    assert len(readers_have) == len(line.all(OrderLine))
    assert all(readers_have)
    assert refunded == Counter(str(refund.id) for refund in refunds)
    assert {refund.status for refund in refunds} == {"succeeded"}
    assert len(refunds) == ORDERS // 3
    assert set(mails.values()) == {1}
    assert len(mailer.sent) == len(mails)
    assert set(billed) == {order.number for order in paid if any(one.sku == EBOOK for one in lines_of(line, order))}
    repeats = line.arrived_orders() - Counter(dict.fromkeys(line.arrived_orders(), 1))
    assert repeats, "an answer was lost, and an order sent again"
    assert extra == (repeats if policy == "accept" else Counter())
    assert set(repeats) <= {number_of(line, entitlement) for entitlement in sent_again}
    assert findings(line, "DUPLICATE_FULFILMENT") == extra
    attention = Counter(one.code for one in line.all(Attention))
    assert attention["REPEAT_REFUSED"] == (len(repeats) if policy == "error" else 0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_gateway_that_makes_a_new_key_for_each_try_gives_money_back_twice(open_line: Callable[..., BadLine]) -> None:
    line = open_line(Forgetful)
    sell(line, range(MIXES.index((EBOOK, EPUB)), 180, len(MIXES)))
    line.refund_every(1)
    line.work_until_quiet()

    refunded = Counter(one["metadata"]["refund"] for one in line.stripe.tell_objects("refund"))
    assert max(refunded.values()) > 1


def tell(line: BadLine, policy: str, extra: Counter[str], sent_again: set[int]) -> None:
    """Print the counts."""
    for name, proxy in zip(("Stripe", "Glassboxx"), line.proxies, strict=True):
        told = ", ".join(f"{fate} {proxy.fates[fate]}" for fate in Fate)
        arrived = sum(proxy.fates[fate] for fate in DELIVERED)
        say(f"{policy}: {name}: {proxy.fates.total()} requests, {arrived} of them arrived: {told}")
    say(
        f"{policy}: {line.asked.total()} logical calls: {dict(line.asked)}; {len(sent_again)} ebooks sent again, "
        f"{extra.total()} billed twice"
    )


def lines_of(line: BadLine, order: Order) -> list[OrderLine]:
    with line.shop.db.reading() as session:
        return list(session.scalars(select(OrderLine).where(OrderLine.order_id == order.id)))


def number_of(line: BadLine, entitlement_id: int) -> str:
    with line.shop.db.reading() as session:
        return session.get_one(Entitlement, entitlement_id).line.order.number


def findings(line: BadLine, code: str) -> Counter[str]:
    """What reconciliation finds of a kind, by order number, once statement and ledger are in."""
    with line.shop.db.writing() as session:
        report = ledgers.import_statement(session, "glassboxx", "statement.csv", line.statement(), line.shop.now)
    assert report.problems == []
    ledgers.fetch_now(line.shop)
    return Counter(str(one.order) for one in cases.reconcile(line.shop).findings if one.code == code)
