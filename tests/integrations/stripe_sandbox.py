"""A Stripe sandbox under test: a process of its own, spoken to by the official library, and a receiver of webhooks."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
import stripe

KEY = "sk_test_sandbox_tests"
SECRET = "whsec_tests"
CARD = "4242 4242 4242 4242"


class Letter(NamedTuple):
    body: bytes
    signature: str


class Letterbox:
    """A webhook receiver that keeps what it gets and answers as it is told."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.answers: list[int] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        box = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                box.letters.append(Letter(body, self.headers["Stripe-Signature"]))
                self.send_response(box.answers.pop(0) if box.answers else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def events(self) -> list[Any]:
        return [stripe.Webhook.construct_event(one.body, one.signature, SECRET) for one in list(self.letters)]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Sandbox:
    """A running sandbox, spoken to by the official library."""

    def __init__(self, file: Path, box: Letterbox) -> None:
        self.file, self.box = file, box
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()
        self.client = stripe.StripeClient(
            KEY,
            base_addresses={"api": self.url},
            http_client=stripe.RequestsClient(timeout=(3, 10)),
            max_network_retries=2,
        )
        self.api = self.client.v1

    def start(self) -> None:
        command = [sys.executable, "-m", "integrations.sandbox.stripe", "--quiet"]
        place = ["--port", str(self.port), "--db", str(self.file)]
        webhook = ["--webhook", self.box.url, "--webhook-secret", SECRET]
        root = Path(__file__).parents[2]
        self.process = subprocess.Popen([*command, *place, *webhook], cwd=root, stdout=subprocess.DEVNULL)
        until(self.is_up, seconds=10)

    def is_up(self) -> bool:
        try:
            return requests.get(f"{self.url}/_sandbox/health", timeout=2).ok
        except requests.ConnectionError:
            return False

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=5)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=5)

    def tell(self, verb: str, **body: Any) -> Any:
        reply = requests.post(f"{self.url}/_sandbox/{verb}", json=body, timeout=5)
        assert reply.ok, reply.text
        return reply.json()

    def tell_objects(self, kind: str) -> list[Any]:
        """Everything of a kind, newest first, as the sandbox's books have it."""
        told: list[Any] = requests.get(f"{self.url}/_sandbox/objects/{kind}", timeout=10).json()["data"]
        return told

    def session(self, **changes: Any) -> stripe.checkout.Session:
        return self.api.checkout.sessions.create(order(**changes))

    def pay(self, card: str = CARD, **changes: Any) -> stripe.checkout.Session:
        session = self.session(**changes)
        self.tell(f"pay/{session.id}", card=card)
        return self.api.checkout.sessions.retrieve(session.id)

    def submit(self, url: str | None, **changes: str) -> requests.Response:
        return requests.post(str(url), data={**FORM, **changes}, allow_redirects=False, timeout=5)


FORM = {
    "email": "ann@example.com",
    "name": "Ann Reader",
    "number": CARD,
    "expiry": "12 / 34",
    "cvc": "123",
    "country": "GB",
}


def order(**changes: Any) -> Any:
    price = {"currency": "gbp", "unit_amount": 3700, "product_data": {"name": "A Book of Hours"}}
    return {
        "mode": "payment",
        "ui_mode": "hosted_page",
        "line_items": [{"quantity": 2, "price_data": price}],
        "client_reference_id": "order-1",
        "metadata": {"order": "order-1"},
        "payment_intent_data": {"metadata": {"order": "order-1"}},
        "customer_email": "ann@example.com",
        "success_url": "http://shop.test/thanks?s={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://shop.test/basket",
        **changes,
    }


def free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


def until(look: Callable[[], Any], seconds: float = 5) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    pytest.fail(f"Nothing happened within {seconds} seconds.")


def sandbox_time(sandbox: Sandbox) -> int:
    return int(sandbox.tell("clock", seconds=0)["now"])


def heard(box: Letterbox, kind: str) -> list[str]:
    return [event.data.object.id for event in box.events() if event.type == kind]
