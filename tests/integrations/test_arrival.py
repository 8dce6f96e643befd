"""In whatever order notices arrive, the shop ends in the same state: every order of one purchase's and one refund's.

Nine notices come in 362,880 orders. They are walked by sets instead of one by one: where the same set has arrived,
in any order, and left the same state behind, what comes after is the same as well, so it need be tried only once.
A state is every row of every table, without what only counts or dates it. Everything is real but the clock, the
app and the mail: Stripe's sandbox, our adapter over HTTP, signed notices through the shop's own door, the worker.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import stripe
from sqlalchemy import select

from integrations.stripe_gateway import StripeGateway
from shop import work
from shop.app import create_app
from shop.catalogue.models import Edition, ProviderState
from shop.checkout import settlement
from shop.library import returns
from shop.orders.models import Order
from shop.worker import HANDLERS
from tests.fakes import Clock
from tests.integrations.stripe_sandbox import KEY, SECRET, Letterbox, Sandbox
from tests.makers import EBOOK, EPUB, HARDBACK, Scene, stock_the_shelves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

    from shop.services import Shop

COUNTED = {"id", "attempts", "copy_id", "lease_token", "last_error"}
"""Columns that number, count or dice; a column of a time only says whether it has come."""
RETRY = "the worker tries again"


class Till:
    """A shop on SQLite with Stripe's sandbox behind it, whose state can be kept and put back."""

    def __init__(self, shop: Shop, clock: Clock, client: FlaskClient, sandbox: Sandbox) -> None:
        self.shop, self.clock, self.client, self.sandbox = shop, clock, client, sandbox
        self._file = shop.settings.database_url.removeprefix("sqlite:///")
        self.deliveries = 0

    def arrive(self, notice: Any) -> None:
        """Let a notice arrive, or the worker's next try, and do all that is due then."""
        self.deliveries += 1
        if notice == RETRY:
            self.clock.forward(hours=1)
        else:
            body = json.dumps(notice)
            signature = str(stripe.WebhookSignature.generate_signature_header(body, SECRET))
            headers = {"Stripe-Signature": signature}
            answer = self.client.post("/webhooks/stripe", data=body, base_url="http://localhost", headers=headers)
            assert answer.status_code == 200
        self.work()

    def work(self) -> None:
        while work.perform_next(self.shop, HANDLERS):
            pass

    def kept(self) -> tuple[sqlite3.Connection, datetime]:
        """Return the shop as it is, to be put back."""
        copy = sqlite3.connect(":memory:")
        with sqlite3.connect(self._file) as file:
            file.backup(copy)
        return copy, self.clock.now

    def put_back(self, kept: tuple[sqlite3.Connection, datetime]) -> None:
        copy, self.clock.now = kept
        file = sqlite3.connect(self._file)
        copy.backup(file)
        file.close()

    def state(self) -> str:
        """Return every row of every table as text, sorted, without what only counts or dates it."""
        with sqlite3.connect(self._file) as file:
            file.row_factory = sqlite3.Row
            # The index of words is SQLite's own, and says nothing that its table does not say.
            ours = "type = 'table' AND name NOT LIKE 'work\\_word%' ESCAPE '\\'"
            tables = [row[0] for row in file.execute(f"SELECT name FROM sqlite_master WHERE {ours}")]
            rows = [[name, _plain(row)] for name in tables for row in file.execute(f"SELECT * FROM {name}")]
        return "\n".join(sorted(json.dumps([*row, self.clock.now.isoformat()], sort_keys=True) for row in rows))

    def events(self, known: set[str]) -> list[Any]:
        """Return the events that have happened at Stripe since, oldest first."""
        self.sandbox.tell("clock", seconds=2)
        told: list[Any] = self.sandbox.tell_objects("event")
        return [event for event in reversed(told) if event["id"] not in known]


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    told = {name: row[name] for name in row.keys() if name not in COUNTED}  # noqa: SIM118 - a Row iterates its values
    return {name: value is not None if name.endswith("_at") else value for name, value in told.items()}


def every_order(till: Till, arrivals: list[Any]) -> dict[frozenset[int], set[str]]:
    """Let them arrive in every order; the states that each set of them can leave behind."""
    reached: dict[frozenset[int], dict[str, Any]] = {frozenset(): {till.state(): till.kept()}}
    for size in range(len(arrivals)):
        for had in [one for one in reached if len(one) == size]:
            for kept in reached[had].values():
                for number in set(range(len(arrivals))) - had:
                    till.put_back(kept)
                    till.arrive(arrivals[number])
                    states = reached.setdefault(had | {number}, {})
                    if (state := till.state()) not in states:
                        states[state] = till.kept()
    return {had: set(states) for had, states in reached.items()}


@pytest.fixture
def clock() -> Clock:
    """The time that Stripe's sandbox has as well."""
    return Clock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture(scope="module")
def quiet_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that tells nobody: the test carries its notices."""
    box = Letterbox()
    sandbox = Sandbox(tmp_path_factory.mktemp("stripe") / "stripe.db", box)
    sandbox.tell("mode", mode="drop")
    yield sandbox
    sandbox.stop()
    box.close()


@pytest.fixture
def till(shop: Shop, clock: Clock, quiet_sandbox: Sandbox) -> Till:
    """A stocked shop whose gateway is our adapter."""
    gateway = StripeGateway(KEY, (SECRET,), quiet_sandbox.url)
    settings = replace(shop.settings, stripe_webhook_secrets=(SECRET,))
    real = replace(shop, settings=settings, services=replace(shop.services, gateway=gateway))
    stock_the_shelves(real)
    with real.db.writing() as session:
        for ebook in session.scalars(select(Edition).where(Edition.fulfiller.is_not(None))):
            ebook.note_provider_state(ProviderState.ENABLED, clock.now)
    return Till(real, clock, create_app(real).test_client(), quiet_sandbox)


def buy(till: Till, *isbns: str) -> str:
    """Buy and pay at Stripe, which nobody has told the shop; the order's public id."""
    services: Any = till.shop.services
    scene = Scene(
        till.shop, till.clock, services.gateway, services.fulfillers["glassboxx"], services.mailer, till.client
    )
    scene.live_in("US")
    scene.fill_basket(*isbns)
    public_id = scene.give_details()
    reference = scene.press_pay(public_id)
    told = till.sandbox.tell(f"pay/{reference}", card="4242424242424242", country="US")
    assert told["verdict"] == "paid"
    return public_id


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_purchase_and_a_refund_made_at_stripe_end_alike_in_every_order(till: Till) -> None:
    known = {event["id"] for event in till.sandbox.tell_objects("event")}
    till.sandbox.tell("settings", async_capture=True)
    public_id = buy(till, HARDBACK, EBOOK)
    till.sandbox.tell("settings", async_capture=False)
    intent = till.sandbox.tell_objects("payment_intent")[0]["id"]
    till.sandbox.tell("clock", seconds=2)
    till.sandbox.api.refunds.create({"payment_intent": intent, "amount": 500})
    arrivals = till.events(known)

    reached = every_order(till, arrivals)

    kinds = Counter(event["type"] for event in arrivals)
    print(f"{len(arrivals)} notices, {till.deliveries} deliveries, {len(reached)} sets: {dict(kinds)}")  # noqa: T201
    assert len(arrivals) == 9
    assert len(reached) == 2**9
    (end,) = reached[frozenset(range(9))]
    assert end.count('["payment", ') == end.count('"mail.confirmation"') == 1
    assert end.count('["entitlement", ') == 1
    with till.shop.db.reading() as session:
        order = session.scalars(select(Order).where(Order.public_id == public_id)).one()
        assert order.paid_at is not None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_refund_by_staff_whose_answer_was_lost_ends_alike_in_every_order(till: Till) -> None:
    known = {event["id"] for event in till.sandbox.tell_objects("event")}
    public_id = buy(till, EPUB)
    settlement.settle(till.shop, public_id)
    till.work()
    with till.shop.db.writing() as session:
        order = session.scalars(select(Order).where(Order.public_id == public_id)).one()
        returns.take_back(session, order.lines[0], reason="asked", by="sam@press.test", at=till.shop.now)
    till.sandbox.tell("fault", kind="lose_reply", count=3, path="/v1/refunds", method="POST")
    till.work()
    arrivals = [*till.events(known), RETRY]

    reached = every_order(till, arrivals)

    print(f"{len(arrivals)} arrivals, {till.deliveries} deliveries, {len(reached)} sets")  # noqa: T201
    assert len(arrivals) == 9
    (end,) = reached[frozenset(range(9))]
    assert end.count('["refund", ') == end.count('"mail.refund"') == 1
    intent = till.sandbox.tell_objects("payment_intent")[0]["id"]
    assert len(till.sandbox.api.refunds.list({"payment_intent": intent}).data) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_two_states_that_differ_are_told_apart(till: Till) -> None:
    before = till.state()
    public_id = buy(till, EPUB)
    bought = till.state()
    settlement.settle(till.shop, public_id)

    assert len({before, bought, till.state()}) == 3
