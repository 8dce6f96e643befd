"""What a person does in front of the shop, step by step, in a real browser."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from playwright.sync_api import TimeoutError as TooLate
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.demo import Demo

HARDBACK, EBOOK = "9781631498299", "9781631498305"
TIDEWRACK = "9789999913669"
GOOD_CARD, DECLINED_CARD = "4242 4242 4242 4242", "4000 0000 0000 0002"
PATIENCE_SECONDS = 30
GLANCE_MS = 500


def card_of(page: Page, isbn: str) -> Locator:
    """The part of a book's page that is about one edition."""
    return page.locator(f'[id="{isbn}"]')


def buy_from(page: Page, country: str) -> None:
    """Tell the shop the country, from whatever page one is on."""
    page.get_by_role("contentinfo").get_by_role("link", name="country").click()
    page.get_by_label("Country").select_option(label=country)
    page.get_by_role("button", name="Use this country").click()


def put_into_basket(page: Page, demo: Demo, isbn: str) -> None:
    """Find an edition by its ISBN and put it into the basket."""
    page.goto(f"{demo.shop}/isbn/{isbn}")
    card_of(page, isbn).get_by_role("button", name=re.compile("^Add .* to basket$")).click()
    expect(page.get_by_role("heading", name="Basket")).to_be_visible()


def give_details(page: Page, email: str) -> None:
    """Fill in the details for an order that is posted to Boston."""
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Name").fill("Ann Reader")
    page.get_by_label("Address", exact=True).fill("12 Elm Street")
    page.get_by_label("Town or city").fill("Boston")
    page.get_by_label("Postcode").fill("02108")
    page.get_by_role("button", name="Continue to payment").click()


def type_card(page: Page, number: str) -> None:
    """Fill in Stripe's page, all but pressing pay."""
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry").fill("12 / 34")
    page.get_by_label("Security code").fill("123")
    page.get_by_label("Name on card").fill("Ann Reader")
    page.get_by_label("Billing country").select_option("US")


def pay_button(page: Page) -> Locator:
    """The one button that pays, on our page or on Stripe's."""
    return page.get_by_role("button", name=re.compile("^Pay £"))


def reload_until(page: Page, wanted: Locator) -> None:
    """Load the page again until it shows what is wanted."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _shows(wanted):
        assert time.monotonic() < deadline, f"{page.url} never showed {wanted}"
        page.reload()


def open_letter(page: Page, demo: Demo, to: str, subject: str) -> None:
    """Wait for a letter in the mailbox and open the newest of that subject."""
    page.goto(f"{demo.mailbox}/?to={to}")
    letter = page.get_by_role("link", name=re.compile(subject)).first
    reload_until(page, letter)
    letter.click()


def link_in_letter(page: Page) -> str:
    """The link to the reading page in the letter that is open."""
    link = page.locator("pre").get_by_role("link", name="/a/").get_attribute("href")
    assert link is not None
    return link


def sign_in_to_library(page: Page, demo: Demo, email: str) -> None:
    """Ask for a code, read it in the mailbox, type it."""
    page.goto(f"{demo.shop}/library")
    page.get_by_label("The e-mail address you buy with").fill(email)
    page.get_by_role("button", name="E-mail me a code").click()
    mailbox = page.context.new_page()
    open_letter(mailbox, demo, email, "is your code")
    code = re.match(r"(\d{3} \d{3}) is your code", mailbox.get_by_role("heading", level=1).inner_text())
    mailbox.close()
    assert code is not None
    page.get_by_label("Six digits").fill(code[1])
    page.get_by_role("button", name="Open my library").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def sign_in_as_staff(page: Page, demo: Demo) -> None:
    """Come in with the password and the authenticator's code."""
    page.goto(f"{demo.shop}/staff/")
    page.get_by_label("E-mail address").fill(demo.staff)
    page.get_by_label("Password").fill(demo.password)
    page.get_by_label("Code from your authenticator").fill(demo.staff_code)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Orders")).to_be_visible()


def _shows(wanted: Locator) -> bool:
    try:
        wanted.wait_for(timeout=GLANCE_MS)
    except TooLate:
        return False
    return True
