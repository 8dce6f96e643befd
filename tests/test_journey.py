"""The journey: a stranger buys the book, reads it, and the books agree; told in order, on both databases."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shop.library.links import Links
from shop.orders import consent
from tests.journey import (
    BRITISH_CARD,
    DECLINED_CARD,
    GOOD_CARD,
    POSTED_TO,
    ROOT,
    Page,
    Purchase,
    Reader,
    Story,
    as_csv,
    buy,
    open_house,
    origin,
    pay_button,
    soon,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HARDBACK, EBOOK = "9781631498299", "9781631498305"
TIDEWRACK = "9789999913669"  # an ebook of ours
SLOW_ARITHMETIC = "9789999908863"  # an ebook at Glassboxx
GRAMMAR = "9789999916202"
NOBODYS_ISBN = "9781631498312"

DOWNLOAD = "/a/*/download/*"
HANDS = 8  # as many as the demo's shop has threads
ANN = "ann.reader@gmail.com"
UUID = "eaf76fe3-d512-4df1-ad96-ac38133a5174"

SECURITY_HEADERS = (
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "Permissions-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
)
PRIVATE = re.compile(r"/(basket|checkout|orders|library|a|f|staff)(/|$)")


CHAPTERS: list[Callable[[Story], None]] = []


def chapter(told: Callable[[Story], None]) -> Callable[[Story], None]:
    """A part of the journey; parts are told in the order of this file, and each is reported by its name."""
    CHAPTERS.append(told)
    return told


# One test a database, since pytest-xdist would give the parts to different processes, in any order.
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_the_journey(engine: str, tmp_path: Path, request: pytest.FixtureRequest, subtests: pytest.Subtests) -> None:
    address = None
    if engine == "postgresql":
        address = request.getfixturevalue("postgres").create_database("journey")
    with open_house(tmp_path, address) as house:
        story = Story(house)
        for tell in CHAPTERS:
            with subtests.test(tell.__name__):
                tell(story)


def card_of(page: Page, isbn: str) -> str:
    return page.words_at(f"//li[@id='{isbn}']")


def button_of(page: Page, isbn: str) -> str:
    """The words on the edition's button, or on the link in its place."""
    return page.words_at(f"//li[@id='{isbn}']//*[self::button or contains(@class, 'button')]")


def in_basket(reader: Reader) -> list[str]:
    """The ISBNs of what the basket holds."""
    return [form.get("action").rpartition("/")[2] for form in reader.open("/basket").all("//main//form")]


# --- 1. Browse


@chapter
def a_stranger_finds_the_book_on_the_shelf(story: Story) -> None:
    reader = story.house.reader()
    shelf = reader.open("/")
    assert shelf.status == 200
    assert len(shelf.all("//ul[@class='shelf']/li")) >= 12
    book = reader.follow(shelf, "Exit Stalin")
    assert (book.path, book.heading) == ("/books/exit-stalin", "Exit Stalin")
    for way, words in (("title", "exit stalin"), ("author", "Mark B. Smith"), ("isbn", "978-1-63149-830-5")):
        found = reader.press(reader.open("/search"), "/search", {"q": words})
        assert [one.get("href") for one in found.all("//ul[@class='shelf']//a")] == ["/books/exit-stalin"], way


@chapter
def the_page_shows_everything_the_publisher_told(story: Story) -> None:
    page = story.house.reader().open("/books/exit-stalin")
    assert page.heading == "Exit Stalin"
    assert page.words_at("//hgroup/p") == "The Soviet Union as a Civilization, 1953-1991"
    assert "28 April 2026" in page
    assert "Territory rights" in page
    assert "Worldwide including Canada, but excluding the British Commonwealth and the European Union." in page
    assert "Mark B. Smith (Author)" in page
    assert "When Stalin died, the country he had terrorised" in page
    said_by = {
        "The most insightful and accurate cultural history": "Jack F. Matlock., Jr., author of Autopsy on an Empire",
        "analytical prowess, and formidable emotional intelligence": (
            "Christopher Clark, author of The Sleepwalkers: How Europe Went to War in 1914"
        ),
        "exhaustive scholarship, lucid prose, and subtle insight": (
            "Douglas Smith, author of Former People: The Final Days of the Russian Aristocracy"
        ),
    }
    quotations = page.all("//figure")
    told = {one.findtext("blockquote/p"): one.findtext("figcaption") for one in quotations}
    assert told == said_by


@chapter
def each_edition_says_what_it_is_and_how_one_reads_it(story: Story) -> None:
    reader = story.house.reader("US")
    page = reader.open("/books/exit-stalin")
    hardback = card_of(page, HARDBACK)
    for fact in ("Hardback", "£38.00", "152 × 229 mm", "576 pages", f"ISBN {HARDBACK}", "In stock."):
        assert fact in hardback
    assert "Delivery to the United States £9.50, £47.50 in all" in hardback
    assert button_of(page, HARDBACK) == "Add hardback to basket"
    ebook = card_of(page, EBOOK)
    for fact in ("Ebook", "£36.00", "EPUB", "protected (DRM)", f"ISBN {EBOOK}", "Powered by Glassboxx"):
        assert fact in ebook
    assert "free Glassboxx app" in ebook
    assert "You are buying a licence" in ebook
    assert button_of(page, EBOOK) == "Coming soon"
    for address in [one.get("src") for one in page.all("//img")] + [one.get("href") for one in page.all("//link")]:
        assert reader.ask("GET", address).status_code == 200, address


@chapter
def every_known_address_of_a_book_ends_on_one_page(story: Story) -> None:
    rename(story, "A Grammar of Rooms", "A Grammar of Empty Rooms")
    reader = story.house.reader()
    one_page = {
        "exit-stalin": [
            f"/books/{HARDBACK}-exit-stalin",
            f"/books/{EBOOK}-another-slug",
            f"/isbn/{EBOOK}",
            "/isbn/978-1-63149-829-9",
            f"/books/exit-stalin-{UUID}",
            f"/books/{HARDBACK}/formats",
            "/books/exit-stalin/",
            "/books/Exit-Stalin",
        ],
        "a-grammar-of-empty-rooms": ["/books/a-grammar-of-rooms", f"/books/a-grammar-of-rooms-{UUID}"],
    }
    for slug, addresses in one_page.items():
        for address in addresses:
            page = reader.open(address)
            assert (page.status, page.path) == (200, f"/books/{slug}"), address
            assert {hop.status_code for hop in page.response.history} <= {301}
            assert page.one("//link[@rel='canonical']").get("href") == f"{story.house.shop}/books/{slug}"


def rename(story: Story, title: str, wanted: str) -> None:
    """Have the publisher send a correction: the one book under another title."""
    catalogue = open_catalogue()
    head, *products = re.split(r"(?=<Product>)", catalogue.partition("</ONIXMessage>")[0])
    chosen = [one.replace(f"<TitleText>{title}<", f"<TitleText>{wanted}<") for one in products if f">{title}<" in one]
    file = story.house.folder / "correction.xml"
    file.write_text(f"{head}{''.join(chosen)}</ONIXMessage>", "utf-8")
    done = story.house.command("import-onix", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(chosen)} changed" in done.stdout


def open_catalogue() -> str:
    return (ROOT / "config/demo/catalogue.xml").read_text("utf-8")


@chapter
def an_address_that_was_never_ours_is_told_so(story: Story) -> None:
    reader = story.house.reader()
    for address in ("/nothing", "/nothing/", "/nothing/at/all"):
        page = reader.open(address)
        assert page.status == 404, address
        assert page.all("//main//a[@href='/']"), "and the way back to the books"


@chapter
def an_unknown_isbn_is_told_with_what_comes_near(story: Story) -> None:
    reader = story.house.reader()
    for address in (f"/isbn/{NOBODYS_ISBN}", "/isbn/9781631498290", "/books/exit-stallin"):
        page = reader.open(address)
        assert page.status == 404, address
        assert page.heading == "We do not know this book"
        assert reader.follow(page, "Exit Stalin").path == "/books/exit-stalin"
    assert reader.open("/isbn/not-a-number").status == 404


# --- 2. The territory trap


@chapter
def where_the_rights_are_not_ours_readers_are_told_kindly(story: Story) -> None:
    for code, country in (("GB", "the United Kingdom"), ("IE", "Ireland")):
        be_told_kindly(story.house.reader(), code, country)


def be_told_kindly(reader: Reader, code: str, country: str) -> None:
    page = reader.choose_country(code, "/books/exit-stalin")
    for isbn in (HARDBACK, EBOOK):
        assert button_of(page, isbn) == f"Not sold in {country}"
        assert "sorry" in card_of(page, isbn)
        assert "another publisher" in card_of(page, isbn)
        assert not page.all(f"//li[@id='{isbn}']//form")
        refused = reader.forge("/basket", isbn=isbn)
        assert refused.status == 409
        assert f"Not sold in {country}" in refused
        assert "another publisher" in refused
    assert in_basket(reader) == []


@chapter
def where_the_rights_are_ours_it_can_be_put_in_the_basket(story: Story) -> None:
    for code in ("US", "CA"):
        reader = story.house.reader(code)
        reader.add(HARDBACK)
        assert in_basket(reader) == [HARDBACK]


@chapter
def a_country_changed_after_the_basket_was_filled_is_noticed_in_the_basket(story: Story) -> None:
    reader = story.house.reader("US")
    reader.add(HARDBACK)
    basket = reader.choose_country("GB", "/basket")
    assert "Not sold in the United Kingdom" in basket
    assert not basket.all("//a[@href='/checkout']"), "there is no way on"
    assert reader.open("/checkout").path == "/basket"
    assert reader.forge("/checkout", checkout_key="forged", email=ANN, name="Ann").path == "/basket"


@chapter
def a_country_changed_after_the_last_look_is_noticed_before_payment(story: Story) -> None:
    reader = story.house.reader("US")
    reader.add(HARDBACK)
    review = reader.check_out("trapped@example.com")
    reader.choose_country("GB")
    stopped = reader.go_to_pay(review)
    assert stopped.path == "/basket"
    assert "Not sold in the United Kingdom" in stopped
    assert not story.house.stripe.sessions_of(review.path.rpartition("/")[2])


# --- 3. Coming soon is computed


@chapter
def an_ebook_goes_on_sale_the_moment_the_provider_enables_it(story: Story) -> None:
    reader = story.house.reader("US")
    page = reader.open("/books/exit-stalin")
    assert button_of(page, EBOOK) == "Coming soon"
    assert "the ebook is still being prepared" in card_of(page, EBOOK)
    assert reader.forge("/basket", isbn=EBOOK).status == 409
    story.house.glassboxx.enable(EBOOK)
    soon(lambda: button_of(reader.open("/books/exit-stalin"), EBOOK) == "Add ebook to basket")
    assert "Ready to read within a minute of paying." in card_of(reader.open("/books/exit-stalin"), EBOOK)


# --- 4. Buy


@chapter
def a_mixed_basket_is_bought_as_a_guest(story: Story) -> None:
    house, reader = story.house, story.house.reader("US")
    for isbn in (HARDBACK, EBOOK, EBOOK, TIDEWRACK):
        reader.add(isbn)
    basket = reader.open("/basket")
    assert in_basket(reader) == [HARDBACK, EBOOK, TIDEWRACK]
    assert not basket.form(f"/basket/{EBOOK}").xpath(".//input"), "one ebook is enough"
    assert "Delivery to the United States £9.50" in spaced(basket)
    assert "Total, tax included £91.49" in spaced(basket)
    assert "Basket (3)" in basket.words_at("//nav")

    details = reader.open(basket.one("//a[@href='/checkout']").get("href"))
    wrong = reader.press(details, "/checkout", {"email": "ann at gmail", "name": "Ann Łukasiewicz"})
    assert wrong.status == 422
    for name in ("email", "street", "city", "postcode"):
        assert wrong.one(f"//input[@name='{name}']").get("aria-invalid") == "true"
        assert wrong.all(f"//a[@href='#{name}']"), "the summary leads to the field"
    assert wrong.one("//input[@name='name']").get("value") == "Ann Łukasiewicz"
    review = reader.press(wrong, "/checkout", {"email": "Ann.Reader@gmial.com", **POSTED_TO})
    assert f"Did you mean {ANN}?" in review
    corrected = reader.open(f"{review.path}/details")
    assert corrected.one("//input[@name='city']").get("value") == "Boston"
    again = reader.press(corrected, "/checkout", {"email": "Ann.Reader@gmail.com"})
    assert again.path == review.path, "the same order, corrected"

    assert again.words_at("//p[@class='large']") == ANN
    assert "Delivery to the United States £9.50" in spaced(again)
    assert pay_button(again) == "Pay £91.49 now"
    tick = again.one("//input[@type='checkbox']")
    assert tick.get("checked") is None
    assert again.words_at("//label[@for='consent']") == consent.WORDS
    story.keep("mixed", pay_after_a_refusal(story, reader, again))
    assert house.stripe.charges_of(story.purchase("mixed").order)[0]["amount"] == 9149


@chapter
def of_an_ebook_one_copy_is_enough(story: Story) -> None:
    reader = story.house.reader("US")
    reader.add(TIDEWRACK)
    basket = reader.forge(f"/basket/{TIDEWRACK}", quantity="7")
    assert "Total, tax included £7.99" in spaced(basket)
    assert "Basket (1)" in basket.words_at("//nav")


def spaced(page: Page) -> str:
    """A page's words with a space between one piece of text and the next."""
    return " ".join(" ".join(page.one("//main").itertext()).split())


def pay_after_a_refusal(story: Story, reader: Reader, review: Page) -> Purchase:
    """Tamper, be declined, go back, lose nothing, press twice, and pay once."""
    house, order = story.house, review.path.rpartition("/")[2]
    stripe_page = reader.go_to_pay(review, forged={"price": "1", "total": "1", "unit_minor": "1"})
    assert pay_button(stripe_page) == "Pay £91.49"
    declined = reader.pay(stripe_page, DECLINED_CARD)
    assert declined.status == 402
    assert "Your card was declined." in declined
    assert house.stripe.charges_of(order) == []

    back = reader.follow(declined, "← Back to the shop")
    assert back.path == review.path
    assert "Nothing has been charged yet." in back
    for kept in (ANN, "1 Main Street", "Exit Stalin", "Tidewrack"):
        assert kept in back
    assert in_basket(reader) == [HARDBACK, EBOOK, TIDEWRACK]

    once, twice = reader.go_to_pay(back), reader.go_to_pay(back)
    assert once.address == twice.address == stripe_page.address
    thanks = reader.pay(once)
    assert thanks.path == f"/orders/{order}"
    return Purchase(reader, ANN, thanks)


@chapter
def the_back_button_and_old_pages_cannot_pay_a_second_time(story: Story) -> None:
    bought = story.purchase("mixed")
    reader, order = bought.reader, bought.order
    assert reader.open(f"/checkout/{order}").path == f"/orders/{order}"
    assert reader.open(f"/checkout/{order}/details").path == f"/orders/{order}"
    assert reader.forge(f"/checkout/{order}/pay", consent="yes").path == f"/orders/{order}"
    session = one(story.house.stripe.sessions_of(order))
    hosted = reader.forge(f"{story.house.stripe.address}/c/pay/{session['id']}", number=GOOD_CARD)
    assert hosted.path == f"/orders/{order}"
    assert len(story.house.stripe.charges_of(order)) == 1
    assert "Basket (0)" in reader.open("/").words_at("//nav")


@chapter
def a_button_pressed_twice_at_once_pays_one_order(story: Story) -> None:
    house, reader = story.house, story.house.reader("US")
    reader.add(TIDEWRACK)
    details = reader.open("/checkout")
    assert not details.all("//input[@name='street']"), "nothing is posted, so no address is asked for"
    typed = dict(details.form("/checkout").form_values()) | {"email": "hasty@example.com", "name": "Hasty Reader"}
    with ThreadPoolExecutor(HANDS) as hands:
        reviews = list(hands.map(lambda _hand: reader.forge("/checkout", **typed), range(HANDS)))
    assert {page.status for page in reviews} == {200}
    assert len({page.path for page in reviews}) == 1
    order = reviews[0].path.rpartition("/")[2]
    with ThreadPoolExecutor(HANDS) as hands:
        pages = list(hands.map(lambda _hand: reader.forge(f"/checkout/{order}/pay", consent="yes"), range(HANDS)))
    assert {page.status for page in pages} == {200}
    assert len({page.address for page in pages}) == 1
    assert len(house.stripe.sessions_of(order)) == 1
    thanks = reader.pay(pages[0])
    story.keep("hasty", Purchase(reader, "hasty@example.com", thanks))
    assert len(house.stripe.charges_of(order)) == 1


@chapter
def the_tick_is_kept_with_its_words_its_time_and_its_line(story: Story) -> None:
    ticks = story.house.rows(
        "SELECT order_line.isbn, consent.version, consent.words, consent.ticked_at FROM consent"
        " JOIN order_line ON order_line.id = consent.order_line_id"
        " JOIN shop_order ON shop_order.id = order_line.order_id"
        " WHERE shop_order.public_id = :order ORDER BY order_line.isbn",
        order=story.purchase("mixed").order,
    )
    assert [tick["isbn"] for tick in ticks] == [EBOOK, TIDEWRACK]
    for tick in ticks:
        assert (tick["words"], tick["version"]) == (consent.WORDS, consent.version_of(consent.WORDS))
        assert str(tick["ticked_at"]).startswith(f"{datetime.now(UTC):%Y-%m-}")
    mail = story.house.mailbox.letter(ANN, "Your order")
    assert consent.WORDS in mail["text"], "the reader has it in writing"


@chapter
def without_the_tick_the_ebook_comes_when_the_fortnight_is_over(story: Story) -> None:
    story.keep("unticked", buy(story.house, "patient@example.com", TIDEWRACK, ticked=False))
    thanks = story.purchase("unticked").thanks
    day = datetime.now(UTC) + timedelta(days=14)
    assert "Being prepared" in thanks
    assert f"{day:%-d %B %Y}" in thanks
    assert not thanks.all("//main//form"), "nothing to download yet"


# --- 5. Settled once


@chapter
def staff_come_in_with_password_and_second_factor_only(story: Story) -> None:
    house, staff = story.house, story.house.reader()
    door = staff.open("/staff/reconciliation")
    assert door.path == "/staff/sign-in"
    right = {"email": house.staff, "password": house.password}
    code = house.code_now()
    wrong_code = "000000" if code != "000000" else "111111"
    for wrong in ({**right, "code": wrong_code}, {**right, "password": "not the password", "code": code}):
        refused = staff.press(door, "/staff/sign-in", wrong)
        assert refused.status == 422
        assert "is not right" in refused
        assert staff.open("/staff/orders").path == "/staff/sign-in"
    page = staff.press(door, "/staff/sign-in", {**right, "code": house.code_now()})
    assert page.path == "/staff/reconciliation", "where they wanted to go"
    story.staff = staff


@chapter
def the_thanks_page_says_what_is_ready_and_what_is_on_its_way(story: Story) -> None:
    bought = story.purchase("mixed")
    page = soon(lambda: ready_page(bought, 2))
    assert page.heading == "Thank you, Ann Łukasiewicz"
    assert "Paid: £91.49" in page
    assert bought.number in page
    assert states(page) == ["By post", "Ready to read", "Ready to read"]


def states(page: Page) -> list[str]:
    """How each bought book stands, in the order of the page."""
    return [one.text_content() for one in page.all("//li[contains(@class, 'thing')]//span[contains(@class, 'state')]")]


def ready_page(bought: Purchase, count: int) -> Page | None:
    page = bought.reader.open(f"/orders/{bought.order}")
    return page if page.words.count("Ready to read") == count else None


@chapter
def however_often_anyone_knocks_there_is_one_payment(story: Story) -> None:
    house, bought = story.house, story.purchase("mixed")
    events = [one for one in house.stripe.objects("event") if one["type"] == "checkout.session.completed"]
    mine = one([event for event in events if event["data"]["object"]["client_reference_id"] == bought.order])
    for _ in range(3):
        house.stripe.verb("resend", event=mine["id"])
        bought.reader.open(f"/orders/{bought.order}")
        page = story.staff.open(f"/staff/orders/{bought.order}")
        page = story.staff.press(page, "/staff/orders/*/check")
    soon(lambda: deliveries_done(story, mine["id"], 4))
    assert [row.text_content() for row in page.all("//th[@scope='row']")].count("Payment") == 1
    assert len(house.stripe.charges_of(bought.order)) == 1
    assert len(house.glassboxx.orders_of(bought.number)) == 1
    house.mailbox.letter(ANN, "Your order")


def deliveries_done(story: Story, event: str, count: int) -> bool:
    sent = [one for one in story.house.stripe.control("GET", "deliveries")["data"] if one["event_id"] == event]
    return len(sent) == count and {one["status"] for one in sent} == {"delivered"}


@chapter
def a_reader_who_never_comes_back_is_served_all_the_same(story: Story) -> None:
    house, reader = story.house, story.house.reader("US")
    reader.add(TIDEWRACK)
    review = reader.check_out("gone@example.com")
    order = review.path.rpartition("/")[2]
    reader.go_to_pay(review)
    session = one(house.stripe.sessions_of(order))
    house.stripe.control("POST", f"pay/{session['id']}", {"country": "US"})
    house.mailbox.letter("gone@example.com", "Ready to read: Tidewrack")
    story.keep("gone", Purchase(reader, "gone@example.com", reader.open(f"/orders/{order}")))


@chapter
def the_thanks_page_settles_when_no_notice_comes(story: Story) -> None:
    story.house.stripe.verb("mode", mode="hold")
    try:
        story.keep("unheard", buy(story.house, "unheard@example.com", TIDEWRACK))
    finally:
        story.house.stripe.verb("mode", mode="normal")
        story.house.stripe.verb("release")
    story.house.mailbox.letter("unheard@example.com", "Ready to read: Tidewrack")


@chapter
def a_card_issued_where_the_rights_are_not_ours_buys_the_hardback_only(story: Story) -> None:
    house = story.house
    story.keep("british", buy(house, "abroad@example.com", HARDBACK, EBOOK, card=BRITISH_CARD))
    bought = story.purchase("british")
    assert "Refunded" in bought.thanks
    assert "This ebook may not be sold to the United Kingdom" in bought.thanks
    refund = one(soon(lambda: house.stripe.refunds_of(bought.order)))
    assert (refund["amount"], refund["status"]) == (3600, "succeeded")
    assert "£36.00" in house.mailbox.letter(bought.email, "£36.00 is on its way back")["text"]
    assert house.mailbox.letters(bought.email, "Ready to read") == []
    assert house.glassboxx.books_of(bought.email) == []
    assert house.glassboxx.orders_of(bought.number) == []
    page = story.staff.open(f"/staff/orders/{bought.order}")
    assert "card issued in GB" in page
    assert "to be despatched" in page


@chapter
def an_unsigned_notice_is_refused(story: Story) -> None:
    house, reader = story.house, story.house.reader()
    body = b'{"id": "evt_forged", "type": "checkout.session.completed", "data": {"object": {}}}'
    for signature in ("", "t=1,v1=00", "nonsense"):
        headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
        assert reader.ask("POST", "/webhooks/stripe", data=body, headers=headers).status_code == 400
    assert house.rows("SELECT id FROM notice WHERE external_id = 'evt_forged'") == []


# --- 6. Delivered


@chapter
def one_mail_an_ebook_says_how_to_read_it(story: Story) -> None:
    house, bought = story.house, story.purchase("mixed")
    app = house.mailbox.letter(ANN, "Ready to read: Exit Stalin")
    assert f"Open the Glassboxx app and sign in with exactly this address:\n\n    {ANN}\n" in app["text"]
    file = house.mailbox.letter(ANN, "Ready to read: Tidewrack")
    assert "Download it on your reading page." in file["text"]
    for letter in (app, file):
        assert letter["envelope_to"] == [ANN]
        assert f"{house.shop}/a/" in letter["text"]
        assert bought.number in letter["text"]
    assert house.glassboxx.books_of(ANN) == [EBOOK]


@chapter
def the_reading_page_has_an_action_for_each_ebook(story: Story) -> None:
    bought = story.purchase("mixed")
    page = phone(story).open(mailed_link(story, "mixed", "Ready to read: Tidewrack"))
    assert page.heading == "Your books"
    assert f"Order {bought.number}" in page
    assert page.words_at("//p[@class='large']") == ANN
    assert [app.text_content() for app in page.all("//ul[@class='apps']//a")] == [
        "iPhone and iPad",
        "Android",
        "Windows and Mac",
    ]
    assert len(page.all("//main//form")) == 1, "one is read in the app, the other downloaded"


def phone(story: Story) -> Reader:
    """The same person, with another device."""
    return story.house.reader(agent="Phone/1.0")


def mailed_link(story: Story, purchase: str, subject: str) -> str:
    letter = story.house.mailbox.letter(story.purchase(purchase).email, subject)
    found = re.search(rf"{re.escape(story.house.shop)}/a/\S+", letter["text"])
    assert found
    story.house.secrets.add(found[0].rpartition("/")[2])
    return found[0]


@chapter
def a_mail_scanner_that_opens_the_link_changes_nothing(story: Story) -> None:
    link = mailed_link(story, "mixed", "Ready to read: Tidewrack")
    scanner = story.house.reader(agent="Scanner/1.0")
    before = scanner.open(link)
    assert "12 of 12 downloads left" in before
    for method in ("GET", "HEAD", "GET"):
        assert scanner.ask(method, link).status_code == 200
    assert scanner.ask("GET", before.form(DOWNLOAD).get("action")).status_code == 405
    assert "12 of 12 downloads left" in scanner.open(link)


@chapter
def our_own_epub_is_marked_for_its_reader_and_resumes(story: Story) -> None:
    reader, bought = phone(story), story.purchase("mixed")
    link = mailed_link(story, "mixed", "Ready to read: Tidewrack")
    whole = download(reader, reader.open(link))
    ticket, tag, book = whole.url, whole.headers["ETag"], whole.content
    assert whole.headers["Content-Type"] == "application/epub+zip"
    assert whole.headers["Content-Disposition"] == "attachment; filename=tidewrack.epub"
    with zipfile.ZipFile(io.BytesIO(book)) as epub:
        assert epub.testzip() is None
        written = b"".join(epub.read(name) for name in epub.namelist()).decode("utf-8", "replace")
    assert "Ann Łukasiewicz" in written
    assert bought.number in written

    begun = reader.ask("GET", ticket, headers={"Range": "bytes=0-999"})
    assert (begun.status_code, begun.content) == (206, book[:1000])
    assert begun.headers["Content-Range"] == f"bytes 0-999/{len(book)}"
    resumed = reader.ask("GET", ticket, headers={"Range": "bytes=1000-", "If-Range": tag})
    assert (resumed.status_code, begun.content + resumed.content) == (206, book)
    other = reader.ask("GET", ticket, headers={"Range": "bytes=1000-", "If-Range": '"another copy"'})
    assert (other.status_code, other.content) == (200, book)
    beyond = reader.ask("GET", ticket, headers={"Range": f"bytes={len(book)}-"})
    assert beyond.status_code == 416
    head = reader.ask("HEAD", ticket)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(book))
    assert head.headers["Accept-Ranges"] == "bytes"

    again = reader.open(link)
    assert "11 of 12 downloads left" in again, "ranges and resumptions belong to one download"
    assert download(reader, again).content == book, "the same copy, byte by byte"
    assert "11 of 12 downloads left" in reader.open(link), "a second press by the same browser is free"


def download(reader: Reader, page: Page) -> Any:
    answer = reader.ask("POST", page.form(DOWNLOAD).get("action"), headers={"Origin": origin(page.address)})
    assert (answer.status_code, answer.history[0].status_code) == (200, 303)
    assert "/f/" in answer.url
    return answer


@chapter
def two_readers_have_two_copies(story: Story) -> None:
    ann = download(phone(story), phone(story).open(mailed_link(story, "mixed", "Ready to read: Tidewrack")))
    other = download(phone(story), phone(story).open(mailed_link(story, "hasty", "Ready to read: Tidewrack")))
    assert ann.content != other.content
    assert ann.headers["ETag"] != other.headers["ETag"]


@chapter
def an_expired_link_says_so_and_offers_a_new_one(story: Story) -> None:
    reader, now = phone(story), datetime.now(UTC)
    token = mailed_link(story, "mixed", "Ready to read: Tidewrack").rpartition("/")[2]
    claim = links(story).read_access(token, now)
    page = reader.open(links(story).access(claim.order, claim.version, now - timedelta(days=400)))
    assert page.status == 410
    sent = reader.press(page, "/a/*/renew")
    assert sent.heading == "A new link is on its way"
    assert reader.open(mailed_link(story, "mixed", "Your new link")).heading == "Your books"


def links(story: Story) -> Links:
    settings = story.house.settings
    return Links(tuple(settings["secret_keys"]), settings["public_base_url"], timedelta(days=365))


@chapter
def a_forged_link_opens_nothing_and_no_kind_passes_for_another(story: Story) -> None:
    bought, reader, now = story.purchase("mixed"), phone(story), datetime.now(UTC)
    token = mailed_link(story, "mixed", "Ready to read: Tidewrack").rpartition("/")[2]
    stranger = Links(("a key of somebody else, long enough",), story.house.shop, timedelta(days=365))
    body, dot, signature = token.rpartition(".")
    forgeries = (
        f"/a/{body}{dot}{signature[::-1]}",
        f"/a/{body[:-2]}{dot}{signature}",
        f"/a/{stranger.access_token(bought.order, 1, now)}",
        f"/a/{links(story).ticket(bought.order, now)}",
        f"/a/{bought.order}",
        f"/f/{token}",
        f"/f/{stranger.ticket(bought.order, now)}",
        f"/f/{bought.order}",
    )
    for address in forgeries:
        page = reader.open(address)
        assert page.status == 404, address
        assert page.heading == "This link is not one of ours"
        assert reader.forge(f"{address}/renew").status == 404, address


@chapter
def a_link_opens_the_books_of_its_own_order_only(story: Story) -> None:
    mine = phone(story).open(mailed_link(story, "mixed", "Ready to read: Tidewrack"))
    theirs = phone(story).open(mailed_link(story, "hasty", "Ready to read: Tidewrack"))
    copy = mine.form(DOWNLOAD).get("action").rpartition("/")[2]
    other_door = theirs.form(DOWNLOAD).get("action").rpartition("/")[0]
    assert phone(story).forge(f"{other_door}/{copy}").status == 410


# --- 7. Come back


@chapter
def a_reader_comes_back_with_a_six_digit_code(story: Story) -> None:
    house, reader = story.house, phone(story)
    asked = reader.press(reader.open("/library"), "/library/code", {"email": f"  {ANN.upper()} "})
    code = code_mailed(story, ANN)
    wrong = reader.press(asked, "/library/sign-in", {"code": f"{(int(code) + 1) % 1_000_000:06d}"})
    assert wrong.status == 422
    assert "not the code" in wrong
    library = reader.press(wrong, "/library/sign-in", {"code": f"{code[:3]} {code[3:]}"})
    assert library.heading == "My library"
    assert ANN in library
    assert states(library) == ["By post", "Ready to read", "Ready to read"]
    for item in library.all("//li[contains(@class, 'thing')]"):
        assert len(item.xpath(".//form")) <= 1, "one action each"
    copy = reader.ask("POST", library.form("/library/download/*").get("action"), headers={"Origin": house.shop})
    assert copy.headers["Content-Type"] == "application/epub+zip"
    assert reader.press(asked, "/library/sign-in", {"code": code}).status == 422, "a code is good once"
    reader.press(library, "/library/sign-out")
    assert reader.open("/library").form("/library/code") is not None


def code_mailed(story: Story, to: str) -> str:
    letter = soon(lambda: [one for one in story.house.mailbox.letters(to) if one["subject"].endswith("is your code")])
    return re.sub(r"\D", "", letter[-1]["subject"])


@chapter
def an_unknown_address_gets_the_same_answer(story: Story) -> None:
    stranger, known = phone(story), phone(story)
    asked = stranger.press(stranger.open("/library"), "/library/code", {"email": "nobody@example.com"})
    same = known.press(known.open("/library"), "/library/code", {"email": story.purchase("gone").email})
    assert (asked.status, asked.words) == (same.status, same.words)
    empty = stranger.press(asked, "/library/sign-in", {"code": code_mailed(story, "nobody@example.com")})
    assert empty.heading == "My library"
    assert states(empty) == []


# --- 8. Staff


@chapter
def staff_find_an_order_by_whatever_the_reader_quotes(story: Story) -> None:
    house, bought = story.house, story.purchase("mixed")
    charge = one(house.stripe.charges_of(bought.order))
    quoted = (
        ANN,
        bought.number,
        bought.number.lower(),
        "978-1-63149-829-9",
        TIDEWRACK,
        charge["payment_intent"],
        charge["id"],
        "Łukasiewicz",
    )
    for words in quoted:
        found = story.staff.press(story.staff.open("/staff/"), "/staff/orders", {"q": words})
        assert bought.number in found.words_at("//tbody"), words
    nothing = story.staff.press(story.staff.open("/staff/"), "/staff/orders", {"q": "pi_nobodys"})
    assert nothing.all("//tbody/tr") == []


@chapter
def one_order_tells_its_whole_story(story: Story) -> None:
    page = story.staff.open(f"/staff/orders/{story.purchase('mixed').order}")
    told = page.words_at("//ol[@class='story']")
    moments = (
        "Asked for immediate supply",
        "Order placed",
        "Payment begun",
        "Notice from Stripe",
        "Paid",
        "Exit Stalin (ebook) granted",
        "Tidewrack (ebook) delivered",
        "Mail sent",
        "check payment",
    )
    for moment in moments:
        assert moment.lower() in told.lower(), f"{moment} is not in {told}"
    times = [moment.get("datetime") for moment in page.all("//ol[@class='story']//time")]
    assert times == sorted(times)


@chapter
def a_refunded_line_is_cut_off_at_the_next_request(story: Story) -> None:
    house, bought, reader = story.house, story.purchase("hasty"), phone(story)
    link = mailed_link(story, "hasty", "Ready to read: Tidewrack")
    ticket = download(reader, reader.open(link)).url
    page = story.staff.open(f"/staff/orders/{bought.order}")
    page = story.staff.press(page, "/staff/orders/*/refund", {"reason": "bought by mistake"})
    assert "taken back" in page
    cut = reader.ask("GET", ticket, headers={"Range": "bytes=1000-"})
    assert cut.status_code == 410
    assert "bought by mistake" in reader.open(link)
    assert not reader.open(link).all("//main//form")
    refund = one(soon(lambda: house.stripe.refunds_of(bought.order)))
    assert (refund["amount"], refund["status"]) == (799, "succeeded")
    letter = house.mailbox.letter(bought.email, "£7.99 is on its way back")
    assert "Why: bought by mistake" in letter["text"]
    again = story.staff.open(f"/staff/orders/{bought.order}")
    assert not again.all("//form[contains(@action, '/lines/')]"), "a line is refunded once"


@chapter
def staff_retry_a_delivery_after_the_provider_was_out(story: Story) -> None:
    house = story.house
    house.glassboxx.fail("http_503_html", calls=1000)
    try:
        story.keep("outage", buy(house, "outage@example.com", SLOW_ARITHMETIC))
        bought = story.purchase("outage")
        assert "Being prepared" in bought.thanks
        page = soon(lambda: in_trouble(story, bought))
        assert bought.number in story.staff.open("/staff/orders?show=undelivered").words_at("//tbody")
        assert "deliver" in story.staff.open("/staff/work").words_at("//tbody")
        assert house.mailbox.letters(bought.email, "Ready to read") == []
    finally:
        house.glassboxx.recover()
    story.staff.press(page, "/staff/orders/*/work-rows/*/again")
    house.mailbox.letter(bought.email, "Ready to read: Slow Arithmetic")
    assert house.glassboxx.books_of(bought.email) == [SLOW_ARITHMETIC]
    assert "Ready to read" in bought.reader.open(f"/orders/{bought.order}")


def in_trouble(story: Story, bought: Purchase) -> Page | None:
    page = story.staff.open(f"/staff/orders/{bought.order}")
    return page if "UnavailableError" in page and page.all("//form[contains(@action, '/again')]") else None


# --- 9. Hardback


@chapter
def paid_hardbacks_go_to_the_warehouse_and_their_readers_hear(story: Story) -> None:
    house, staff = story.house, story.staff
    page = staff.open("/staff/despatch")
    assert re.search(r"\b2 paid lines", page.words)
    page = staff.press(page, "/staff/despatch/ask")
    name = page.words_at("//tbody//a")
    sheet = staff.ask("GET", page.link(name))
    assert sheet.headers["Content-Type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(sheet.content.decode("utf-8"))))
    asked = {line["order_number"]: line for line in lines}
    mixed, british = story.purchase("mixed"), story.purchase("british")
    assert set(asked) == {mixed.number, british.number}
    line = asked[mixed.number]
    assert line | {"despatch_line": ""} == {
        "despatch_line": "",
        "order_number": mixed.number,
        "isbn": HARDBACK,
        "title": "Exit Stalin",
        "quantity": "1",
        "name": "Ann Łukasiewicz",
        "street": "1 Main Street",
        "street2": "",
        "city": "Boston",
        "region": "MA",
        "postcode": "02101",
        "country": "US",
    }
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    notice = as_csv(
        ("despatch_line", "despatched_on", "carrier", "tracking"),
        (line["despatch_line"], today, "Parcel Post", "PP123456789"),
        ("NOBODYS-1", today, "Parcel Post", "PP0"),
        (asked[british.number]["despatch_line"], "yesterday", "Parcel Post", "PP1"),
        (asked[british.number]["despatch_line"], today, "Parcel Post", "PP987654321"),
    )
    upload = {"notice": ("notice.csv", notice, "text/csv")}
    taken = staff.press(page, "/staff/despatch/notice", upload)
    assert "2 despatched, 0 known already." in taken
    problems = [one.text_content() for one in taken.all("//div[@role='alert']//li")]
    assert [problem.partition(":")[0] for problem in problems] == ["Line 3", "Line 4"]
    for bought, tracking in ((mixed, "PP123456789"), (british, "PP987654321")):
        letter = house.mailbox.letter(bought.email, "On its way: Exit Stalin")
        assert f"by Parcel Post, tracking {tracking}" in letter["text"]
        assert tracking in bought.reader.open(f"/orders/{bought.order}")
    again = staff.press(taken, "/staff/despatch/notice", upload)
    assert "0 despatched, 2 known already." in again
    assert "Nothing is waiting to be sent." in staff.press(again, "/staff/despatch/ask")


# --- 8, concluded. The books agree


@chapter
def the_books_agree(story: Story) -> None:
    house, staff = story.house, story.staff
    house.stripe.verb("payout", include_pending=True)
    page = staff.press(staff.open("/staff/reconciliation"), "/staff/reconciliation/fetch")
    assert (page.status, page.heading) == (200, "Reconciliation")
    page = staff.press(page, "/staff/reconciliation/statement", statement_of(story))
    assert "glassboxx.csv: 2 new lines, 0 known." in page
    assert findings_on(page) == []

    file = house.folder / "statement.csv"
    file.write_text(house.glassboxx.statement(), "utf-8")
    status, told = house.reconcile("--fetch", "--statement", str(file))
    assert (status, told["findings"]) == (0, [])
    assert told["agreed"] == {"payments": 7, "refunds": 2, "grants": 6, "despatches": 2, "payouts": 1}
    assert told["waiting"] == {"grants": 1}, "the one without the tick"
    payout = one(told["payouts"])
    assert (payout["is_complete"], payout["remainder"]) == (True, 0)
    assert payout["amount"] == sum(payout["by_category"].values()) - payout["fees"]
    charged = sum(charge["amount"] for charge in house.stripe.objects("charge") if charge["paid"])
    assert payout["by_category"]["charge"] == charged
    assert payout["by_category"]["refund"] == -3600 - 799
    for name, count in told["agreed"].items():
        assert re.search(rf"\b({name} {count}|{count} {name})\b", spaced(page), re.IGNORECASE), name
    assert page.words_at("(//tbody//tr)[last()]/td[last()]") == "£0.00"
    printed = house.command("reconcile")
    assert printed.returncode == 0
    assert "Findings: 0" in printed.stdout


def statement_of(story: Story) -> dict[str, Any]:
    """What the provider would bill, as a file to upload."""
    return {"statement": ("glassboxx.csv", story.house.glassboxx.statement(), "text/csv")}


@chapter
def money_of_nobodys_is_named_and_its_notice_kept(story: Story) -> None:
    house, staff = story.house, story.staff
    intent = house.stripe.take_money_of_nobodys("no-order-of-ours")
    work = soon(lambda: mentions(staff.open("/staff/work"), "no-order-of-ours"))
    assert "checkout.session.completed" in work
    page = staff.press(staff.open("/staff/reconciliation"), "/staff/reconciliation/fetch")
    assert row_of(page, "ORPHAN_CHARGE") == [
        "ORPHAN_CHARGE",
        "–",
        intent,
        "Stripe took 4321 GBP (minor units) for which we hold no payment.",
    ]
    kept = [row[3] for row in findings_on(page) if row[0] == "UNMATCHED_NOTICE"]
    assert "Stripe told us of checkout.session.completed, for an order we do not know." in kept


def mentions(page: Page, words: str) -> Page | None:
    return page if words in page else None


def findings_on(page: Page) -> list[list[str]]:
    """The rows of the table of findings, cell by cell."""
    rows = page.all("//h2[.='Findings']/following-sibling::*[1]//tbody/tr")
    return [[cell.text_content().strip() for cell in row] for row in rows]


def row_of(page: Page, name: str) -> list[str]:
    """The one finding of that name."""
    found: list[str] = one([row for row in findings_on(page) if row[0] == name])
    return found


def named(told: dict[str, Any], code: str) -> dict[str, Any]:
    found: dict[str, Any] = one([one for one in told["findings"] if one["code"] == code])
    return found


@chapter
def an_answer_lost_on_the_wire_is_sent_again_and_its_double_is_named(story: Story) -> None:
    house, staff = story.house, story.staff
    house.glassboxx.control("POST", "switches", {"duplicate_order": "accept"})
    house.glassboxx.fail("reset_after_commit", calls=1)
    story.keep("doubled", buy(house, "doubled@example.com", SLOW_ARITHMETIC))
    bought = story.purchase("doubled")
    house.mailbox.letter(bought.email, "Ready to read: Slow Arithmetic")
    assert house.glassboxx.books_of(bought.email) == [SLOW_ARITHMETIC], "the reader sees one"
    booked = house.glassboxx.orders_of(bought.number)
    assert len(booked) == 2, "the provider bills two"
    assert "sent again, may be doubled" in staff.open(f"/staff/orders/{bought.order}")

    page = staff.press(staff.open("/staff/reconciliation"), "/staff/reconciliation/statement", statement_of(story))
    row = row_of(page, "DUPLICATE_FULFILMENT")
    assert row[1:3] == [bought.number, booked[1]["statement_line"]]
    assert "It was sent again after a lost answer." in row[3]
    file = house.folder / "statement.csv"
    file.write_text(house.glassboxx.statement(), "utf-8")
    status, told = house.reconcile("--statement", str(file))
    assert status == 1
    assert named(told, "DUPLICATE_FULFILMENT")["order"] == bought.number
    assert named(told, "ORPHAN_CHARGE")["subject"].startswith("pi_"), "and what was named before"


# --- What must hold on every page, and in every log


@chapter
def every_page_had_its_security_headers(story: Story) -> None:
    visits = story.house.visits
    assert {200, 206, 301, 302, 303, 400, 404, 405, 409, 410, 416, 422} <= {visit.status for visit in visits}
    for visit in visits:
        for name in SECURITY_HEADERS:
            assert visit.headers.get(name), f"{visit.method} {visit.path} {visit.status} has no {name}"
        policy = visit.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert visit.headers["X-Content-Type-Options"] == "nosniff"


@chapter
def every_private_page_was_neither_stored_nor_indexed(story: Story) -> None:
    # A method that an address does not know is refused before anything private is looked at.
    private = [visit for visit in story.house.visits if PRIVATE.match(visit.path) and visit.status != 405]
    rooms = {visit.path.split("/")[1] for visit in private}
    assert rooms == {"basket", "checkout", "orders", "library", "a", "f", "staff"}
    for visit in private:
        told = f"{visit.method} {visit.path} {visit.status}"
        assert "no-store" in visit.headers.get("Cache-Control", ""), told
        assert visit.headers.get("Referrer-Policy") == "no-referrer", told
        assert "noindex" in visit.headers.get("X-Robots-Tag", ""), told


@chapter
def nothing_broke_on_our_side(story: Story) -> None:
    assert [visit for visit in story.house.visits if visit.status >= 500] == []
    assert '"event": "fault"' not in story.house.log()
    assert "Traceback" not in story.house.log()


@chapter
def no_log_holds_an_address_or_a_secret(story: Story) -> None:
    house = story.house
    log = house.log()
    assert '"event"' in log, "the log was written"
    settings = house.settings
    secret = {
        *settings["secret_keys"],
        *settings["stripe_webhook_secrets"],
        settings["stripe_secret_key"],
        settings["glassboxx_password"],
        house.password,
        house.totp_secret,
        *house.secrets,
    }
    assert len(secret) > 20
    assert [word for word in secret if word in log] == []
    assert "whsec" not in log
    addresses = set(re.findall(r"[\w.+-]+@[\w-]+\.[\w.]+", log))
    assert addresses == set()


def one(found: list[Any]) -> Any:
    """The only thing in a list."""
    assert len(found) == 1, found
    return found[0]
