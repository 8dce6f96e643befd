"""The whole journey in Chromium: a reader buys three books and gives one back; with scripts, and without."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.walk import (
    DECLINED_CARD,
    EBOOK,
    GOOD_CARD,
    HARDBACK,
    TIDEWRACK,
    buy_from,
    card_of,
    give_details,
    link_in_letter,
    open_letter,
    pay_button,
    put_into_basket,
    reload_until,
    sign_in_as_staff,
    sign_in_to_library,
    type_card,
)
from tests.contract.exchanges import errors_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.browser.demo import Demo

MISTYPED, ANN = "ann.reader@gmial.com", "ann.reader@gmail.com"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_reader_buys_three_books_and_gives_one_back(browser: Browser, fresh_demo: Demo, *, scripts: bool) -> None:
    visit = browser.new_context(java_script_enabled=scripts)
    page = visit.new_page()
    she_finds_the_book_and_is_kindly_refused_in_britain(page, fresh_demo)
    she_buys_from_america_once_the_ebook_is_ready(page, fresh_demo)
    she_fills_a_mixed_basket_and_corrects_her_address(page, fresh_demo)
    she_pays_with_her_second_card(page, scripts=scripts)
    link, file = she_downloads_from_the_mailed_link(page, fresh_demo)
    she_finds_all_of_it_in_her_library(browser, fresh_demo, scripts=scripts)
    staff_read_the_order_and_refund_one_line(browser, fresh_demo, scripts=scripts)
    the_refunded_book_is_closed_to_her(page, link, file)
    assert errors_of(fresh_demo.stripe) == [], "all that the shop asked of Stripe, and all it was told, was well formed"
    visit.close()


def she_finds_the_book_and_is_kindly_refused_in_britain(page: Page, demo: Demo) -> None:
    page.goto(demo.shop)
    page.get_by_role("link", name="Exit Stalin").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Exit Stalin")
    card_of(page, HARDBACK).get_by_role("link", name="Choose your country to buy").click()
    page.get_by_label("Country").select_option(label="United Kingdom")
    page.get_by_role("button", name="Use this country").click()
    for isbn in (HARDBACK, EBOOK):
        card = card_of(page, isbn)
        expect(card.get_by_role("button", name="Not sold in the United Kingdom")).to_be_disabled()
        expect(card).to_contain_text("We are sorry: another publisher holds the rights")
        answer = post_into_basket(page.context, demo, isbn)
        assert answer == 409, "what the page does not offer, the shop does not sell"
    page.reload()
    expect(page.get_by_role("link", name="Basket (0)")).to_be_visible()


def post_into_basket(visit: BrowserContext, demo: Demo, isbn: str) -> int:
    answer = visit.request.post(f"{demo.shop}/basket", form={"isbn": isbn}, headers=SAME_ORIGIN)
    return answer.status


def she_buys_from_america_once_the_ebook_is_ready(page: Page, demo: Demo) -> None:
    buy_from(page, "United States")
    expect(card_of(page, HARDBACK).get_by_role("button", name="Add hardback to basket")).to_be_enabled()
    expect(card_of(page, EBOOK).get_by_role("button", name="Coming soon")).to_be_disabled()
    expect(card_of(page, EBOOK)).to_contain_text("Powered by Glassboxx")
    switch = f"{demo.glassboxx}/_sandbox/skus/{EBOOK}"
    assert requests.put(switch, json={"state": "enabled"}, timeout=10).ok
    reload_until(page, card_of(page, EBOOK).get_by_role("button", name="Add ebook to basket"))


def she_fills_a_mixed_basket_and_corrects_her_address(page: Page, demo: Demo) -> None:
    for isbn in (HARDBACK, EBOOK, TIDEWRACK):
        put_into_basket(page, demo, isbn)
    expect(page.get_by_role("link", name="Basket (3)")).to_be_visible()
    page.get_by_role("link", name="Continue to your details").click()
    give_details(page, MISTYPED)
    expect(page.locator(".large")).to_have_text(MISTYPED)
    expect(page.get_by_text("Did you mean")).to_contain_text(ANN)
    page.get_by_role("link", name="correct it").click()
    expect(page.get_by_label("Town or city")).to_have_value("Boston")
    give_details(page, ANN)
    expect(page.locator(".large")).to_have_text(ANN)
    expect(page.get_by_text("Did you mean")).to_have_count(0)


def she_pays_with_her_second_card(page: Page, *, scripts: bool) -> None:
    page.get_by_label("Give me my ebook now.").check()
    pay_button(page).click()
    type_card(page, DECLINED_CARD)
    pay_button(page).click()
    expect(page.get_by_role("alert")).to_contain_text("declined")
    type_card(page, GOOD_CARD)
    pay_button(page).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, Ann Reader")
    if not scripts:
        reload_until(page, page.get_by_text("Ready to read").nth(1))
    expect(page.get_by_text("Ready to read")).to_have_count(2)
    expect(page.get_by_role("link", name="Basket (0)")).to_be_visible()


def she_downloads_from_the_mailed_link(page: Page, demo: Demo) -> tuple[str, str]:
    """The link in the mail, and the address the file came from."""
    open_letter(page, demo, ANN, "Ready to read: Tidewrack")
    link = link_in_letter(page)
    page.goto(link)
    expect(page.get_by_role("heading", name="Your books")).to_be_visible()
    expect(page.locator(".large")).to_have_text(ANN)
    with page.expect_download() as arriving:
        page.get_by_role("button", name="Download EPUB").click()
    with zipfile.ZipFile(arriving.value.path()) as book:
        assert book.read("mimetype") == b"application/epub+zip"
    page.reload()
    expect(page.get_by_text("11 of 12 downloads left")).to_be_visible()
    return link, arriving.value.url


def she_finds_all_of_it_in_her_library(browser: Browser, demo: Demo, *, scripts: bool) -> None:
    elsewhere = browser.new_context(java_script_enabled=scripts)
    page = elsewhere.new_page()
    sign_in_to_library(page, demo, ANN)
    expect(page.get_by_role("heading", level=2)).to_have_text(["Exit Stalin", "Exit Stalin", "Tidewrack"])
    expect(page.get_by_text("Ready to read")).to_have_count(2)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("The e-mail address you buy with")).to_be_visible()
    elsewhere.close()


def staff_read_the_order_and_refund_one_line(browser: Browser, demo: Demo, *, scripts: bool) -> None:
    counter = browser.new_context(java_script_enabled=scripts)
    page = counter.new_page()
    sign_in_as_staff(page, demo)
    page.get_by_role("row", name=ANN).get_by_role("link").click()
    story = page.locator("ol.story")
    for moment in ("Order placed", "Asked for immediate supply", "Paid", "granted", "delivered", "Mail sent"):
        expect(story).to_contain_text(moment)
    page.get_by_text(re.compile("^Refund Tidewrack")).click()
    page.get_by_label("Why £7.99 goes back; the reader is told").fill("Bought by mistake")
    page.get_by_role("button", name="Refund ebook").and_(page.locator(":visible")).click()
    reload_until(page, page.get_by_text("refund succeeded").first)
    expect(story).to_contain_text("Bought by mistake")
    expect(page.get_by_text(re.compile("^Refund Tidewrack"))).to_have_count(0)
    counter.close()


def the_refunded_book_is_closed_to_her(page: Page, link: str, file: str) -> None:
    page.goto(link)
    expect(page.get_by_text("Bought by mistake")).to_be_visible()
    expect(page.get_by_role("button", name="Download EPUB")).to_have_count(0)
    expect(page.get_by_text("Ready to read")).to_have_count(1)
    assert page.context.request.get(file).status == 410, "the old ticket opens nothing any more"


def test_pressing_pay_twice_and_going_back_pays_once(browser: Browser, demo: Demo) -> None:
    email = "twice@example.com"
    visit = browser.new_context()
    page = visit.new_page()
    page.goto(demo.shop)
    buy_from(page, "United States")
    put_into_basket(page, demo, HARDBACK)
    page.get_by_role("link", name="Continue to your details").click()
    give_details(page, email)
    review = page.url
    pay_button(page).dblclick()
    expect(page).to_have_url(re.compile(re.escape(demo.stripe)))  # the second click may break off the first one's way
    till = page.url
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check and pay")
    pay_button(page).click()
    page.wait_for_url(f"{demo.stripe}/**")
    assert page.url == till, "there is one payment page for one order"
    type_card(page, GOOD_CARD)
    pay_button(page).dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, Ann Reader")
    thanks = page.url.partition("?")[0]
    page.go_back()
    page.goto(review)
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, Ann Reader")
    assert page.url == thanks, "a paid order is not asked to be paid again"
    assert len(payments_of(demo, email)) == 1
    open_letter(page, demo, email, "Your order")
    page.goto(f"{demo.mailbox}/?to={email}")
    expect(page.get_by_role("link", name="Your order")).to_have_count(1)
    visit.close()


def payments_of(demo: Demo, email: str) -> list[object]:
    sessions = requests.get(f"{demo.stripe}/_sandbox/objects/checkout.session", timeout=10).json()["data"]
    intents = {one["payment_intent"] for one in sessions if one["customer_email"] == email}
    charges = requests.get(f"{demo.stripe}/_sandbox/objects/charge", timeout=10).json()["data"]
    return [one for one in charges if one["payment_intent"] in intents and one["paid"]]
