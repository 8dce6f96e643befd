"""Every kind of page, looked at wide and narrow, by day and by night: nobody is kept out, nothing is wasted."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from shop.library.links import Links
from tests import npm
from tests.browser.walk import (
    EBOOK,
    HARDBACK,
    TIDEWRACK,
    link_in_letter,
    open_letter,
    sign_in_as_staff,
    sign_in_to_library,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page, Request

    from tests.browser.demo import Demo

VNU = "vnu-jar@26.9.27"
PHONE, DESK = {"width": 320, "height": 640}, {"width": 1280, "height": 900}
THUMB = 44
PRODUCT_PAGE_BYTES = 40_000
STYLE_SHEET_BYTES = 9_000
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
ANN, MISTYPED = "ann@example.com", "ann@gmial.com"
POSTED = {"name": "Ann Reader", "street": "12 Elm Street", "city": "Boston", "postcode": "02108"}
LETTER = {"rules": {rule: {"enabled": False} for rule in ("region", "landmark-one-main", "page-has-heading-one")}}
"""A letter is read inside a mail program, which brings the landmarks and the heading of the page."""

LOOKED_AT = {"include": [["html"]], "exclude": [["tbody tr:nth-child(n + 12)"]]}
"""Of a long table the first rows are enough; the others are like them."""

TARGETS = "button, .button, summary, select, .door a, .foot a, input:not([type=hidden], [type=checkbox])"
TOO_SMALL = """(targets, least) => targets
    .filter(one => one.checkVisibility() && one.getBoundingClientRect().height < least)
    .map(one => one.outerHTML)"""


@dataclass(frozen=True)
class Kind:
    """A kind of page: who sees it, where, and the button to press before looking."""

    visitor: str
    path: str
    press: str = ""


BOOK = "/books/exit-stalin"
KINDS = {
    "shelf": Kind("stranger", "/"),
    "search": Kind("stranger", "/search?q=stalin"),
    "search, nothing found": Kind("stranger", "/search?q=zeppelin"),
    "search, a slip": Kind("stranger", "/search?q=stalim"),
    "search, narrowed": Kind("briton", "/search?q=the&form=ebook&here=yes"),
    "shelf, narrowed to nothing": Kind("stranger", "/?form=audiobook&year=1999"),
    "new books": Kind("stranger", "/new"),
    "coming soon": Kind("stranger", "/coming"),
    "subjects": Kind("stranger", "/subjects"),
    "one subject": Kind("briton", "/subjects/n"),
    "suggestions": Kind("stranger", "/suggest?q=tide"),
    "book, country not known": Kind("stranger", BOOK),
    "book, not sold here": Kind("briton", BOOK),
    "book, on sale": Kind("american", BOOK),
    "book, pre-order or soon": Kind("briton", "/books/what-the-hedge-remembers"),
    "book, out of stock": Kind("briton", "/books/a-grammar-of-rooms"),
    "book, withdrawn": Kind("briton", "/books/the-prosecutors-garden"),
    "book, long title": Kind(
        "briton", "/books/an-incomplete-account-of-the-expeditions-quarrels-instruments-and-weather"
    ),
    "told when on sale": Kind("briton", "/notify/9789999906364"),
    "told when on sale, no address": Kind("briton", "/notify/9789999906364", "Tell me once"),
    "told when on sale, noted": Kind("briton", "/notify/9789999906364/noted"),
    "book, unknown": Kind("stranger", "/books/exit-stallin"),
    "terms": Kind("stranger", "/terms"),
    "reading help": Kind("stranger", "/help/reading"),
    "country": Kind("american", "/country"),
    "basket, empty": Kind("stranger", "/basket"),
    "basket": Kind("american", "/basket"),
    "basket, trouble": Kind("briton", "/basket"),
    "details": Kind("american", "/checkout"),
    "details, errors": Kind("american", "/checkout", "Continue to payment"),
    "check and pay": Kind("american", "{review}"),
    "payment awaited": Kind("american", "{awaited}"),
    "thanks": Kind("american", "{thanks}"),
    "reading page": Kind("stranger", "{access}"),
    "link, expired": Kind("stranger", "{expired}"),
    "link, forged": Kind("stranger", "/a/forged"),
    "link, sent": Kind("stranger", "/link-sent"),
    "library, the way in": Kind("stranger", "/library"),
    "library, code": Kind("asker", "/library/code"),
    "library, wrong code": Kind("asker", "/library/code", "Open my library"),
    "library": Kind("reader", "/library"),
    "library, empty": Kind("newcomer", "/library"),
    "not found": Kind("stranger", "/orders/nothing-here"),
    "staff, sign in": Kind("stranger", "/staff/sign-in"),
    "staff, orders": Kind("staff", "/staff/orders"),
    "staff, no order": Kind("staff", "/staff/orders?q=zeppelin"),
    "staff, order": Kind("staff", "/staff{thanks}"),
    "staff, reconciliation": Kind("staff", "/staff/reconciliation"),
    "staff, despatch": Kind("staff", "/staff/despatch"),
    "staff, rights": Kind("staff", "/staff/rights"),
    "staff, a sentence explained": Kind("staff", "/staff/rights/explain?statement=World+excluding+Ruritania"),
    "staff, why not sold": Kind("staff", "/staff/rights/why?book=stalin&country=IN"),
    "staff, one set of rights": Kind("staff", "/staff/rights/1"),
    "staff, catalogue": Kind("staff", "/staff/catalogue"),
    "staff, catalogue, no file": Kind("staff", "/staff/catalogue", "Take it in"),
    "staff, no twins": Kind("staff", "/staff/catalogue/twins"),
    "staff, one import": Kind("staff", "{import}"),
    "staff, where we may sell": Kind("staff", "/staff/rights/countries"),
    "staff, work": Kind("staff", "/staff/work"),
}


class Town:
    """A demo in which a little has happened, and the people who look at its pages, each in a browser of their own."""

    def __init__(self, demo: Demo, browser: Browser) -> None:
        self.demo, self._browser = demo, browser
        self._pages: dict[str, Page] = {}
        american = self._visit("american")
        self._choose(american, "US", HARDBACK, TIDEWRACK)
        self.paths = {
            "thanks": self._ordered(american, ANN, pays=True),
            "awaited": self._ordered(american, "maud@example.com", pays=False),
            "review": self._drafted(american, MISTYPED),
        }
        self._choose(american, "US", HARDBACK, TIDEWRACK)
        briton = self._visit("briton")
        self._choose(briton, "US", HARDBACK)
        self._choose(briton, "GB", TIDEWRACK)
        self._come_in()
        self.paths["access"] = self._mailed_link()
        self.paths["expired"] = self._expired_link()
        self.paths["import"] = self._brought_file()

    def show(self, kind: Kind) -> Page:
        """Go to a page as its visitor does."""
        page = self._pages.get(kind.visitor) or self._visit(kind.visitor)
        page.set_viewport_size(DESK)  # type: ignore[arg-type]
        page.goto(self.demo.shop + kind.path.format(**self.paths))
        if kind.press:
            page.get_by_role("button", name=kind.press).click()
            expect(page.locator("[role=alert]").first).to_be_visible()
        return page

    def _visit(self, visitor: str) -> Page:
        # The content security policy forbids axe's own script, so these visits go without; another test keeps it.
        page = self._browser.new_context(bypass_csp=True).new_page()
        self._pages[visitor] = page
        return page

    def _post(self, page: Page, path: str, **form: str | float | bool) -> str:
        """Send a form as a page of the shop would; where its answer leads."""
        answer = page.context.request.post(self.demo.shop + path, form=form, headers=SAME_ORIGIN, max_redirects=0)
        assert answer.status == 303, f"{path} answered {answer.status}"
        return answer.headers["location"]

    def _choose(self, page: Page, country: str, *isbns: str) -> None:
        self._post(page, "/country", country=country)
        for isbn in isbns:
            self._post(page, "/basket", isbn=isbn)

    def _drafted(self, page: Page, email: str) -> str:
        self._choose(page, "US", HARDBACK, TIDEWRACK)
        return self._post(page, "/checkout", email=email, **POSTED)

    def _ordered(self, page: Page, email: str, *, pays: bool) -> str:
        review = self._drafted(page, email)
        session = self._post(page, f"{review}/pay", consent="yes").rpartition("/")[2]
        if pays:
            paid = requests.post(f"{self.demo.stripe}/_sandbox/pay/{session}", json={"country": "US"}, timeout=10)
            page.goto(paid.json()["return_url"])
            expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, Ann Reader")
        return review.replace("/checkout/", "/orders/")

    def _come_in(self) -> None:
        sign_in_to_library(self._visit("reader"), self.demo, ANN)
        sign_in_to_library(self._visit("newcomer"), self.demo, "newcomer@example.com")
        self._post(self._visit("asker"), "/library/code", email="asker@example.com")
        sign_in_as_staff(self._visit("staff"), self.demo)

    def _brought_file(self) -> str:
        file: Any = {"onix": {"name": "none.xml", "mimeType": "text/xml", "buffer": b"<html/>"}}
        sent = self._pages["staff"].context.request.post(
            f"{self.demo.shop}/staff/catalogue/imports", multipart=file, headers=SAME_ORIGIN, max_redirects=0
        )
        return sent.headers["location"]

    def _mailed_link(self) -> str:
        page = self._visit("clerk")
        open_letter(page, self.demo, ANN, "Ready to read: Tidewrack")
        return link_in_letter(page).removeprefix(self.demo.shop)

    def _expired_link(self) -> str:
        links = Links((self.demo.signing_key,), self.demo.shop, timedelta(days=1))
        order = self.paths["thanks"].rpartition("/")[2]
        return f"/a/{links.access_token(order, 1, datetime.now(UTC) - timedelta(days=400))}"


@pytest.fixture(scope="module")
def town(demo: Demo, browser: Browser) -> Town:
    return Town(demo, browser)


@pytest.mark.parametrize("name", KINDS)
def test_every_page_is_open_to_everyone(town: Town, artefacts: Path, name: str) -> None:
    page = town.show(KINDS[name])
    picture = name.replace(", ", "-").replace(" ", "-")
    for viewport in (DESK, PHONE):
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert complaints(page) == []
            page.screenshot(path=artefacts / f"{picture}-{viewport['width']}-{scheme}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], "it scrolls sideways"
    assert page.locator(TARGETS).evaluate_all(TOO_SMALL, THUMB) == [], "a thumb would miss these"


def test_every_page_is_valid_html(town: Town, tmp_path_factory: pytest.TempPathFactory) -> None:
    if not shutil.which("java"):
        pytest.skip("java is not here, so the W3C's validator was not tried")
    jar = npm.bring(tmp_path_factory.mktemp("vnu"), VNU) / "vnu-jar" / "build" / "dist" / "vnu.jar"
    folder = tmp_path_factory.mktemp("pages")
    for name, kind in KINDS.items():
        if not kind.press:
            answer = town.show(kind).context.request.get(town.demo.shop + kind.path.format(**town.paths))
            (folder / f"{name.replace(' ', '-').replace(',', '')}.html").write_bytes(answer.body())
    command = ["java", "-jar", str(jar), "--errors-only", "--format", "gnu", str(folder)]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)

    assert said.stderr == ""
    assert said.returncode == 0


def complaints(page: Page, options: dict[str, Any] | None = None) -> list[str]:
    """What axe finds wrong, and what it could not decide."""
    found = Axe().run(page, context=LOOKED_AT, options=options).response
    return [
        f"{kind}: {rule['id']}: {node['html']} {node.get('failureSummary', '')}"
        for kind in ("violations", "incomplete")
        for rule in found[kind]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("subject", ["Your order", "Ready to read: Tidewrack"])
def test_letters_can_be_read_by_everyone(town: Town, artefacts: Path, subject: str) -> None:
    page = town.show(Kind("clerk", "/"))
    open_letter(page, town.demo, ANN, subject)
    html = page.get_by_role("link", name="Open the HTML by itself").get_attribute("href")
    page.goto(f"{town.demo.mailbox}{html}")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert complaints(page, LETTER) == []
        page.screenshot(path=artefacts / f"letter-{subject.partition(' ')[0].lower()}-{scheme}.png", full_page=True)


@pytest.fixture
def reader(browser: Browser) -> Iterator[BrowserContext]:
    """A first visit: nothing cached, no scripts, the content security policy in force."""
    visit = browser.new_context(java_script_enabled=False, viewport=DESK)  # type: ignore[arg-type]
    yield visit
    visit.close()


def test_a_first_visit_to_a_book_costs_at_most_forty_kilobytes(demo: Demo, reader: BrowserContext) -> None:
    asked: list[Request] = []
    page = reader.new_page()
    page.on("requestfinished", lambda request: asked.append(request))  # noqa: PLW0108 - Playwright marks its handlers
    page.goto(demo.shop + BOOK, wait_until="networkidle")
    sizes = [one.sizes() for one in asked]
    carried = sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes)
    assert 0 < carried <= PRODUCT_PAGE_BYTES
    assert len(asked) <= 8


def test_the_style_sheet_stays_small(demo: Demo, reader: BrowserContext) -> None:
    page = reader.new_page()
    with page.expect_response("**/site.*.css") as arriving:
        page.goto(demo.shop)
    assert len(arriving.value.body()) <= STYLE_SHEET_BYTES


def test_no_page_asks_anyone_else_for_anything_or_complains(demo: Demo, browser: Browser) -> None:
    visit = browser.new_context()
    page = visit.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in ("/", "/search?q=salt", BOOK, "/country", "/basket", "/library", "/link-sent", "/staff/sign-in"):
        page.goto(demo.shop + path, wait_until="networkidle")
    assert [address for address in asked if not address.startswith(demo.shop)] == []
    assert said == []
    assert visit.cookies() == [], "nobody gets a cookie for looking"
    visit.close()


def test_a_keyboard_finds_the_content(demo: Demo, browser: Browser) -> None:
    visit = browser.new_context()
    page = visit.new_page()
    page.goto(demo.shop + BOOK)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Mark B. Smith")).to_be_focused()
    visit.close()


def test_the_ways_through_the_shop_stand_in_one_line_on_a_phone(demo: Demo, browser: Browser) -> None:
    visit = browser.new_context(viewport=PHONE)  # type: ignore[arg-type]
    page = visit.new_page()
    page.goto(demo.shop)
    tops = page.get_by_label("Shop").get_by_role("link").evaluate_all("all => all.map(one => one.offsetTop)")
    assert len(tops) == 4
    assert len(set(tops)) == 1
    visit.close()


def test_what_staff_may_do_to_an_order_is_not_printed_with_it(town: Town) -> None:
    page = town.show(KINDS["staff, order"])
    refund = page.get_by_text("Refund Tidewrack (ebook)", exact=True)
    expect(refund).to_be_visible()
    page.emulate_media(media="print")
    expect(refund).to_be_hidden()
    expect(page.get_by_text("Order placed")).to_be_visible()
    page.emulate_media(media="screen")


def test_an_address_that_leads_nowhere_says_so(demo: Demo, browser: Browser) -> None:
    visit = browser.new_context()
    page = visit.new_page()
    answer = page.goto(f"{demo.shop}/nothing-here")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("We cannot find that page")
    visit.close()


def test_an_edition_has_an_address_of_its_own(demo: Demo, browser: Browser) -> None:
    visit = browser.new_context(viewport=PHONE)  # type: ignore[arg-type]
    page = visit.new_page()
    page.goto(f"{demo.shop}/isbn/{EBOOK}")
    expect(page.locator(f'[id="{EBOOK}"]')).to_be_in_viewport()
    assert page.url == f"{demo.shop}{BOOK}#{EBOOK}"
    visit.close()
