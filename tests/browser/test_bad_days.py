"""The three bad days of docs/sandbox.md: its commands, as they are printed, do to a real shop what it says they do."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.walk import EBOOK, TIDEWRACK, buy_from, pay_button, put_into_basket, reload_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.browser.demo import Demo

pytestmark = pytest.mark.browser

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"
PATIENCE_SECONDS = 60


def commands(heading: str, demo: Demo) -> list[str]:
    """The three commands under a heading, for this demo's ports."""
    section = PAGE.read_text(encoding="utf-8").split(f"### {heading}\n")[1]
    found = re.search(r"```sh\n(.*?)```", section, flags=re.DOTALL)
    assert found is not None
    text = found[1].replace("http://127.0.0.1:4242", demo.stripe).replace("http://127.0.0.1:4343", demo.glassboxx)
    return text.strip().splitlines()


def obey(command: str) -> Any:
    """Run a command as it is printed and read what it prints."""
    told = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, timeout=30)
    return json.loads(told.stdout)


@pytest.fixture(scope="module")
def page(browser: Browser, demo: Demo) -> Iterator[Page]:
    visit = browser.new_context()
    page = visit.new_page()
    page.goto(demo.shop)
    buy_from(page, "United States")
    yield page
    visit.close()


def go_as_far_as_the_payment_page(page: Page, demo: Demo, isbn: str) -> None:
    put_into_basket(page, demo, isbn)
    page.get_by_role("link", name="Continue to your details").click()
    page.get_by_label("E-mail address").fill("ann@example.com")
    page.get_by_label("Name").fill("Ann Reader")
    page.get_by_role("button", name="Continue to payment").click()
    page.get_by_label("Give me my ebook now.").check()
    pay_button(page).click()
    expect(page.get_by_label("Card number")).to_be_visible()


def test_a_lost_webhook_is_found_by_asking(page: Page, demo: Demo) -> None:
    go_as_far_as_the_payment_page(page, demo, TIDEWRACK)
    drop, pay, missed = commands("A lost webhook", demo)
    obey(drop)
    paid = obey(pay)
    lost = obey(missed)
    requests.post(f"{demo.stripe}/_sandbox/mode", json={"mode": "normal"}, timeout=10)

    assert paid["verdict"] == "paid"
    assert "checkout.session.completed" in [event["type"] for event in lost["data"]]
    page.goto(paid["return_url"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, Ann Reader")
    reload_until(page, page.get_by_text("Ready to read"))


def test_a_declined_card_leaves_the_session_open_for_another(page: Page, demo: Demo) -> None:
    go_as_far_as_the_payment_page(page, demo, TIDEWRACK)
    decline, look, pay = commands("A declined card", demo)
    refusal = obey(decline)
    newest = obey(look)["data"][0]
    paid = obey(pay)

    assert (refusal["verdict"], refusal["message"]) == ("declined", "Your card has insufficient funds.")
    assert (newest["status"], newest["failure_code"]) == ("failed", "card_declined")
    assert (paid["verdict"], paid["payment_intent"]) == ("paid", refusal["payment_intent"])


def test_an_outage_of_the_provider_delays_a_book_and_doubles_none(page: Page, demo: Demo) -> None:
    enable = f"{demo.glassboxx}/_sandbox/skus/{EBOOK}"
    assert requests.put(enable, json={"state": "enabled"}, timeout=10).ok
    page.goto(f"{demo.shop}/isbn/{EBOOK}")
    reload_until(page, page.get_by_role("button", name="Add ebook to basket"))
    go_as_far_as_the_payment_page(page, demo, EBOOK)
    outage, pay, look = commands("A provider outage", demo)
    obey(outage)
    assert obey(pay)["verdict"] == "paid"

    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := obey(look)):
        assert time.monotonic() < deadline, "the book never came"
    assert [(line["sku"], line["repeats"]) for line in found] == [(EBOOK, 0)]
    calls = requests.get(f"{demo.glassboxx}/_sandbox/log", timeout=10).json()
    assert [call["status"] for call in calls].count(503) == 4
