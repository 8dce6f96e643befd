"""A whole shop for the length of a story: opened as `frontlist demo` opens it, and walked as a browser walks."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urljoin, urlsplit

import lxml.html
import pyotp
import pytest
import requests
from sqlalchemy import create_engine, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
OPENING_SECONDS = 90.0
PATIENCE_SECONDS = 20.0
LOOK_AGAIN_SECONDS = 0.05
# Below the range from which Linux gives ports to those who ask for any.
FIRST_PORT, LAST_PORT = 24000, 31999

SECRET_COOKIES = {"reader", "sign-in", "staff"}

GOOD_CARD = "4242 4242 4242 4242"
DECLINED_CARD = "4000 0000 0000 0002"
BRITISH_CARD = "4000 0082 6000 0000"
POSTED_TO = {"street": "1 Main Street", "city": "Boston", "region": "MA", "postcode": "02101"}


def soon(ask: Callable[[], T | None], within: float = PATIENCE_SECONDS) -> T:
    """Ask again and again, and return the first answer that says anything."""
    deadline = time.monotonic() + within
    while not (answer := ask()):
        if time.monotonic() > deadline:
            pytest.fail(f"It has not come to pass within {within:.0f} seconds.")
        time.sleep(LOOK_AGAIN_SECONDS)
    return answer


def tidy(words: str) -> str:
    return " ".join(words.split())


def origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


class Page:
    """An answer of the shop, or of a stand-in, as a reader sees it."""

    def __init__(self, response: requests.Response) -> None:
        self.response = response
        self.status = response.status_code
        self.address = response.url
        self.path = urlsplit(response.url).path
        self.tree: Any = lxml.html.document_fromstring(response.text, base_url=response.url)

    def __contains__(self, words: str) -> bool:
        return words.casefold() in self.words.casefold()

    def __str__(self) -> str:
        return f"{self.status} {self.address}: {self.words}"

    @property
    def words(self) -> str:
        return self.words_at("//main") or tidy(self.tree.text_content())

    @property
    def heading(self) -> str:
        return self.words_at("//h1")

    def all(self, path: str) -> list[Any]:
        return list(self.tree.xpath(path))

    def one(self, path: str) -> Any:
        found = self.all(path)
        assert len(found) == 1, f"{len(found)} × {path} on {self}"
        return found[0]

    def words_at(self, path: str) -> str:
        return tidy(" ".join(one.text_content() for one in self.all(path)))

    def link(self, words: str) -> str:
        """Where the one link of these words leads."""
        led = {urljoin(self.address, one.get("href")) for one in self.all("//a") if tidy(one.text_content()) == words}
        assert len(led) == 1, f"{len(led)} links “{words}” on {self}"
        return str(led.pop())

    def buttons(self, within: str = "//body") -> list[str]:
        return [tidy(one.text_content()) for one in self.all(f"{within}//button")]

    def form(self, wanted: str, within: str = "//body") -> Any:
        """The one form with a button of these words, or, where they begin with a slash, that is sent there."""
        by_address = wanted.startswith("/")
        found = [
            form
            for form in self.all(f"{within}//form")
            if (fnmatch(form.get("action", ""), wanted) if by_address else wanted in _buttons_of(form))
        ]
        assert len(found) == 1, f"{len(found)} forms “{wanted}” on {self}"
        return found[0]


def _buttons_of(form: Any) -> list[str]:
    return [tidy(one.text_content()) for one in form.iter("button")]


@dataclass(frozen=True)
class Visit:
    """What was asked of the shop, and the headers of its answer."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]


class Reader:
    """A browser without JavaScript: keeps cookies, follows redirects, sends the page's own forms."""

    def __init__(self, house: House, agent: str = "Journey/1.0") -> None:
        self._house = house
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["User-Agent"] = agent

    def ask(self, method: str, address: str, **options: Any) -> requests.Response:
        """Send a request; the visit, and every redirect on its way, is remembered by the house."""
        response = self.http.request(method, urljoin(self._house.shop, address), timeout=PATIENCE_SECONDS, **options)
        for answer in (*response.history, response):
            self._house.remember(answer)
        return response

    def open(self, address: str) -> Page:
        return Page(self.ask("GET", address))

    def follow(self, page: Page, words: str) -> Page:
        return self.open(page.link(words))

    def press(
        self,
        page: Page,
        wanted: str,
        typed: Mapping[str, Any] | None = None,
        *,
        within: str = "//body",
        forged: Mapping[str, str] | None = None,
    ) -> Page:
        """Fill a form's own fields in and send it; see `Page.form` for how it is found.

        A tuple is a file to upload; `forged` fields are sent though the form has none such.
        """
        form = page.form(wanted, within)
        uploads = {name: value for name, value in (typed or {}).items() if isinstance(value, tuple)}
        for name, value in (typed or {}).items():
            _fill(form, name, value)
        values = [*form.form_values(), *(forged or {}).items()]
        target = urljoin(page.address, form.get("action") or page.address)
        if form.method == "GET":
            return Page(self.ask("GET", target, params=values))
        headers = {"Origin": origin(page.address)}
        answer = self.ask("POST", target, data=values, files=uploads or None, headers=headers)
        _obey_form_policy(page, answer)
        return Page(answer)

    def forge(self, address: str, **values: str) -> Page:
        """Send what no page of the shop has a form for, from the shop's own pages."""
        return Page(self.ask("POST", address, data=values, headers={"Origin": self._house.shop}))

    def choose_country(self, code: str, back: str = "/") -> Page:
        return self.press(self.open(f"/country?next={back}"), "/country", {"country": code})

    def add(self, isbn: str) -> Page:
        """Find the edition's card on its book's page and press its button."""
        return self.press(self.open(f"/isbn/{isbn}"), "/basket", within=f"//li[@id='{isbn}']")

    def check_out(self, email: str, name: str = "Ann Reader") -> Page:
        """From the basket to the last look before payment."""
        basket = self.open("/basket")
        assert basket.all("//a[@href='/checkout']"), str(basket)
        page = self.open("/checkout")
        asked = page.form("/checkout").fields.keys()
        typed = {"email": email, "name": name, **POSTED_TO}
        return self.press(page, "/checkout", {key: typed[key] for key in typed if key in asked})

    def go_to_pay(self, review: Page, *, ticked: bool = True, forged: Mapping[str, str] | None = None) -> Page:
        """Tick, or do not, and press the button that says pay."""
        tick = {"consent": ticked} if review.all("//input[@name='consent']") else {}
        return self.press(review, pay_button(review), tick, forged=forged)

    def pay(self, stripe_page: Page, card: str = GOOD_CARD) -> Page:
        """Fill the hosted payment page in and send it."""
        typed = {"number": card, "expiry": "12/39", "cvc": "123", "name": "Ann Reader", "country": "US"}
        return self.press(stripe_page, pay_button(stripe_page), typed)

    def close(self) -> None:
        self.http.close()


def pay_button(review: Page) -> str:
    return next(one for one in review.buttons() if one.startswith("Pay £"))


def _fill(form: Any, name: str, value: Any) -> None:
    assert name in form.inputs.keys(), f"the form {form.get('action')} has no field {name}"  # noqa: SIM118 - lxml's `in` differs
    if isinstance(value, tuple):
        assert form.get("enctype") == "multipart/form-data", f"the form {form.get('action')} carries no files"
        assert form.inputs[name].type == "file"
    elif isinstance(value, bool):
        form.inputs[name].checked = value
    else:
        form.inputs[name].value = value


def _obey_form_policy(page: Page, answer: requests.Response) -> None:
    """Fail where a browser would refuse to send a form, or to follow its redirect, for the page's own policy."""
    policy = page.response.headers.get("Content-Security-Policy", "")
    if allowed := re.search(r"form-action ([^;]*)", policy):
        sources = {origin(page.address) if one == "'self'" else one for one in allowed[1].split()}
        for hop in (*answer.history, answer):
            assert origin(hop.url) in sources, f"{page.path} may not send its form to {hop.url}"


@dataclass(frozen=True)
class StandIn:
    """The control door of a sandbox."""

    address: str

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.address}/_sandbox/{path}", json=body, timeout=PATIENCE_SECONDS)
        answer.raise_for_status()
        return answer.json()


class Mailbox(StandIn):
    """Every mail the shop sent."""

    def letters(self, to: str, subject: str = "") -> list[dict[str, Any]]:
        """The letters to one address whose subjects begin so, oldest first."""
        found: list[dict[str, Any]] = self.control("GET", f"messages?to={to}")
        return [one for one in reversed(found) if one["subject"].startswith(subject)]

    def letter(self, to: str, subject: str) -> dict[str, Any]:
        """The one letter of its kind, once it has come."""
        found = soon(lambda: self.letters(to, subject))
        assert len(found) == 1, [one["subject"] for one in found]
        assert found[0]["copies"] == 1
        return found[0]


class Glassboxx(StandIn):
    """The ebook provider."""

    def enable(self, sku: str) -> None:
        self.control("PUT", f"skus/{sku}", {"state": "enabled"})

    def books_of(self, email: str) -> list[str]:
        """What the reader's app shows under MY BOOKS."""
        return [book["sku"] for book in self.control("GET", f"books?email={email}") if book["readable"]]

    def orders_of(self, number: str) -> list[dict[str, Any]]:
        return [one for one in self.control("GET", "orders") if one["original_order_number"] == number]

    def fail(self, fault: str, calls: int, path: str = "createOrder") -> None:
        self.control("POST", "faults", {"fault": fault, "calls": calls, "path": path})

    def recover(self) -> None:
        self.control("DELETE", "faults")

    def statement(self) -> str:
        answer = requests.get(f"{self.address}/_sandbox/statement.csv", timeout=PATIENCE_SECONDS)
        answer.raise_for_status()
        return answer.text


class Stripe(StandIn):
    """Who takes the money."""

    def objects(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", f"objects/{kind}")["data"]
        return found

    def sessions_of(self, order: str) -> list[dict[str, Any]]:
        return [one for one in self.objects("checkout.session") if one["client_reference_id"] == order]

    def charges_of(self, order: str) -> list[dict[str, Any]]:
        """The charges that brought money for an order."""
        return [one for one in self.objects("charge") if one["paid"] and one["metadata"].get("order") == order]

    def refunds_of(self, order: str) -> list[dict[str, Any]]:
        charges = {one["id"] for one in self.charges_of(order)}
        return [one for one in self.objects("refund") if one["charge"] in charges]

    def verb(self, name: str, **body: Any) -> Any:
        return self.control("POST", name, body)

    def take_money_of_nobodys(self, order: str) -> str:
        """Take a payment that the shop knows nothing of; its id."""
        asked = {
            "mode": "payment",
            "success_url": "https://elsewhere.example/thanks",
            "client_reference_id": order,
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": "gbp",
            "line_items[0][price_data][unit_amount]": "4321",
            "line_items[0][price_data][product_data][name]": "Nobody’s book",
        }
        key = {"Authorization": "Bearer sk_test_sandbox_demo"}
        made = requests.post(
            f"{self.address}/v1/checkout/sessions", data=asked, headers=key, timeout=PATIENCE_SECONDS
        ).json()
        return str(self.control("POST", f"pay/{made['id']}", {})["payment_intent"])


@dataclass
class House:
    """A shop that is open: where everything is, who works there, and every answer it has given."""

    folder: Path
    shop: str
    mailbox: Mailbox
    stripe: Stripe
    glassboxx: Glassboxx
    staff: str
    password: str
    totp_secret: str
    visits: list[Visit] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    """Words that no log may hold: tokens and addresses the readers met, gathered on the way."""

    _readers: list[Reader] = field(default_factory=list)

    @cached_property
    def settings(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "settings.toml").read_text("utf-8"))

    def reader(self, country: str | None = None, agent: str = "Journey/1.0") -> Reader:
        """A new visitor, with a browser of their own."""
        reader = Reader(self, agent)
        self._readers.append(reader)
        if country:
            reader.choose_country(country)
        return reader

    def remember(self, answer: requests.Response) -> None:
        if origin(answer.url) != self.shop:
            return
        path = urlsplit(answer.url).path
        self.visits.append(Visit(answer.request.method or "", path, answer.status_code, answer.headers))
        self.secrets.update(re.findall(r"^/[af]/([^/]{20,})", path))
        self.secrets.update(value for name, value in answer.cookies.items() if name in SECRET_COOKIES and value)

    def code_now(self) -> str:
        """What the authenticator of the member of staff shows."""
        return pyotp.TOTP(self.totp_secret).now()

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """Look a fact up in the database that no page shows."""
        engine = create_engine(self.settings["database_url"])
        try:
            with engine.connect() as connection:
                return [dict(row) for row in connection.execute(text(query), values).mappings()]
        finally:
            engine.dispose()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `frontlist` against this shop."""
        environment = {**os.environ, "FRONTLIST_BUNDLE_PERCENT_OFF": "0"}
        environment |= {"FRONTLIST_CONFIG": str(self.folder / "settings.toml")}
        command = [sys.executable, "-m", "shop.cli", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def reconcile(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """What `frontlist reconcile --json` exits with, and prints."""
        done = self.command("reconcile", "--json", *arguments)
        assert not done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout)

    def log(self) -> str:
        return (self.folder / "log.txt").read_text("utf-8", errors="replace")

    def close(self) -> None:
        for reader in self._readers:
            reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


@contextmanager
def open_house(folder: Path, database_url: str | None) -> Iterator[House]:
    """Start the demo as a process of its own, and stop it by its id when the story is over."""
    ports = free_ports(5)
    names = ("--port", "--stripe-port", "--glassboxx-port", "--mailbox-port", "--smtp-port")
    options = [part for name, port in zip(names, ports, strict=True) for part in (name, str(port))]
    if database_url:
        options += ["--database-url", database_url]
    command = [sys.executable, "-m", "shop.cli", "demo", "--dir", str(folder), *options]
    environment = {**os.environ, "FRONTLIST_BUNDLE_PERCENT_OFF": "0"}  # the story counts in whole prices
    said = folder / "said.txt"
    with said.open("wb") as out:
        demo = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out, start_new_session=True)
    try:
        told = soon(lambda: _opening(demo, said), OPENING_SECONDS)
        with _house(folder, ports, told) as house:
            yield house
        demo.terminate()
        assert demo.wait(PATIENCE_SECONDS) == 0, said.read_text()
    finally:
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGKILL)
            demo.wait()


def free_ports(count: int) -> list[int]:
    """Ports on which nobody listens just now."""
    found: list[int] = []
    while len(found) < count:
        port = random.randint(FIRST_PORT, LAST_PORT)  # noqa: S311 - spreads parallel runs, guards nothing
        with socket.socket() as probe:
            if port not in found and probe.connect_ex((HOST, port)) != 0:
                found.append(port)
    return found


def _opening(demo: subprocess.Popen[bytes], said: Path) -> str:
    words = said.read_text("utf-8")
    assert demo.poll() is None, f"The demo has ended: {words}"
    return words if "The shop is open" in words and "Press Ctrl-C" in words else ""


def _house(folder: Path, ports: list[int], told: str) -> House:
    """Read the addresses and the credentials as the demo prints them."""
    shop, stripe, glassboxx, mailbox = (f"http://{HOST}:{port}" for port in ports[:4])
    for address in (shop, stripe, glassboxx, mailbox):
        assert f"{address}/" in told, told
    staff = re.search(r"Staff +\S+/staff/\s+(\S+@\S+)\s+password +(\S+)\s+code .*the secret (\w+)", told)
    assert staff, told
    return House(
        folder,
        shop,
        Mailbox(mailbox),
        Stripe(stripe),
        Glassboxx(glassboxx),
        staff[1],
        password=staff[2],
        totp_secret=staff[3],
    )


@dataclass(frozen=True)
class Purchase:
    """An order as its reader holds it: the browser it was bought with, and the page that said thanks."""

    reader: Reader
    email: str
    thanks: Page

    @property
    def order(self) -> str:
        """The unguessable id in the address of the thanks page."""
        return self.thanks.path.rpartition("/")[2]

    @property
    def number(self) -> str:
        found = re.search(r"[Oo]rder ([A-Z0-9]{6,12})\b", self.thanks.words)
        assert found, str(self.thanks)
        return found[1]


def buy(house: House, email: str, *isbns: str, card: str = GOOD_CARD, ticked: bool = True) -> Purchase:
    """A visitor in the United States buys books, from the shelf to the thanks page, through the pages' own forms."""
    reader = house.reader("US")
    for isbn in isbns:
        reader.add(isbn)
    stripe_page = reader.go_to_pay(reader.check_out(email), ticked=ticked)
    thanks = reader.pay(stripe_page, card)
    assert thanks.heading.startswith("Thank you"), str(thanks)
    return Purchase(reader, email, thanks)


@dataclass
class Story:
    """What earlier chapters left for the later ones."""

    house: House
    _purchases: dict[str, Purchase] = field(default_factory=dict)
    _staff: Reader | None = None

    def keep(self, name: str, purchase: Purchase) -> None:
        self._purchases[name] = purchase
        self.house.secrets.add(purchase.email)

    def purchase(self, name: str) -> Purchase:
        if name not in self._purchases:
            pytest.fail(f"The purchase “{name}” was not made: an earlier chapter failed.")
        return self._purchases[name]

    @property
    def staff(self) -> Reader:
        if self._staff is None:
            pytest.fail("Nobody of the staff is signed in: an earlier chapter failed.")
        return self._staff

    @staff.setter
    def staff(self, reader: Reader) -> None:
        self._staff = reader


def as_csv(*rows: tuple[str, ...]) -> str:
    """Write a small file as the warehouse would."""
    sheet = io.StringIO()
    csv.writer(sheet).writerows(rows)
    return sheet.getvalue()
