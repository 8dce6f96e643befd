"""Readers: they buy over HTTP as a browser would, and press again when nobody answers."""

from __future__ import annotations

import random
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.crash.yard import Yard

EBOOK = "9781631498305"  # Exit Stalin, from the provider
HARDBACK = "9781631498299"
OWN_EBOOK = "9789999913669"  # Tidewrack, a marked file of ours
MIXES = ((EBOOK,), (OWN_EBOOK,), (HARDBACK, EBOOK))
CARDS = {"US": "4242424242424242", "CA": "4000001240000000"}
ADDRESS = {"street": "1 Main Street", "city": "Springfield", "region": "ON", "postcode": "K1A 0B1"}

AT_ONCE = 6
PATIENCE = 120.0
BREATH = 0.2

KEY = re.compile(r'name="checkout_key" value="([^"]+)"')
REVIEW = re.compile(r"/checkout/[\w-]+")
PAYING = re.compile(r"http://[^/]+/c/pay/(\w+)")


@dataclass(slots=True)
class Reader:
    """One reader with one browser."""

    yard: Yard
    number: int
    dice: random.Random

    @property
    def email(self) -> str:
        return f"reader-{self.number}@example.org"

    def buy(self, *isbns: str, comes_back: bool) -> None:
        """Go from an empty basket to a paid order, and perhaps back to the page of thanks, which asks Stripe."""
        country = self.dice.choice(list(CARDS))
        with requests.Session() as browser:
            browser.trust_env = False
            browser.headers["Origin"] = self.yard.address("web-1")
            browser.cookies.set("country", country)
            for isbn in isbns:
                self._press(browser, "/basket", isbn=isbn)
            review = self._fill_in(browser)
            session = _found(PAYING, self._press(browser, f"{review}/pay", consent="yes"))
            self._pay(session, country)
            if comes_back:
                self._ask(browser, "GET", review.replace("/checkout/", "/orders/"))

    def _fill_in(self, browser: requests.Session) -> str:
        form = self._ask(browser, "GET", "/checkout").text
        typed = {"checkout_key": _found(KEY, form), "email": self.email, "name": "Ann Reader", **ADDRESS}
        return _found(REVIEW, self._press(browser, "/checkout", **typed), whole=True)

    def _pay(self, session: str, country: str) -> None:
        payer = {"card": CARDS[country], "country": country, "name": "Ann Reader", "email": self.email}
        address = f"{self.yard.address('stripe')}/_sandbox/pay/{session}"
        answer = requests.post(address, json=payer, timeout=30)
        assert answer.json()["verdict"] == "paid", answer.text

    def _press(self, browser: requests.Session, path: str, **form: str) -> str:
        """Send a form and return where it leads."""
        answer = self._ask(browser, "POST", path, form)
        assert answer.status_code == requests.codes.see_other, f"POST {path}: {answer.status_code}"
        return answer.headers["Location"]

    def _ask(
        self, browser: requests.Session, method: str, path: str, form: dict[str, str] | None = None
    ) -> requests.Response:
        """Ask any of the web processes, and again while it is dead or has trouble."""
        deadline = time.monotonic() + PATIENCE
        while True:
            web = self.yard.address(self.dice.choice(self.yard.web_names))
            try:
                answer = browser.request(method, web + path, data=form, timeout=10, allow_redirects=False)
            except requests.RequestException as error:
                trouble = type(error).__name__
            else:
                if answer.status_code < requests.codes.server_error:
                    return answer
                trouble = f"{answer.status_code}"
            assert time.monotonic() < deadline, f"{method} {path} fails on and on: {trouble}"
            time.sleep(BREATH)


def buy_all(yard: Yard, count: int, seed: int, come_in: Callable[[int], None] = lambda _number: None) -> None:
    """Let so many readers buy, a few at once, each another mix of books; half of them close the window once they paid.

    `come_in` may hold a reader back at the door.
    """

    def visit(number: int) -> None:
        come_in(number)
        dice = random.Random(f"{seed}/{number}")  # noqa: S311 - to be thrown again by the same seed
        Reader(yard, number, dice).buy(*MIXES[number % len(MIXES)], comes_back=number % 2 == 0)

    with ThreadPoolExecutor(AT_ONCE) as street:
        for done in [street.submit(visit, number) for number in range(count)]:
            done.result()


def _found(pattern: re.Pattern[str], text: str, *, whole: bool = False) -> str:
    found = pattern.search(text)
    assert found, f"no {pattern.pattern} in {text[:300]}"
    return found[0] if whole else found[1]
