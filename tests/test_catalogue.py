"""The pages on which books are found: what they show, for whom, and that they are never out of date."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text, update

from shop.catalogue.books.reading import provider_max_age
from shop.catalogue.facts import markup
from shop.catalogue.intake import batch, importer
from shop.catalogue.models import Contributor, Edition, OldSlug, Price, ProviderState, Quotation, RightsSet, Work
from tests.makers import EBOOK, HARDBACK, Scene, an_edition

CATALOGUE = Path(__file__).parent.parent / "config" / "demo" / "catalogue.xml"
PAGE = "/books/exit-stalin"


@pytest.mark.parametrize(
    "change",
    [
        update(Price).values(minor=1234),
        update(Edition).where(Edition.isbn == HARDBACK).values(stock=0),
        update(Edition).where(Edition.isbn == EBOOK).values(provider_state=ProviderState.NOT_ENABLED),
        update(RightsSet).values(countries="CA"),
        update(RightsSet).values(signed_at=None),
        update(Work).values(title="Another Title"),
        update(Contributor).values(name="Another Author"),
        update(Work).values(subjects=[{"scheme": "93", "code": "NHD", "heading": "European history"}]),
        update(Work).values(description="<p>About another country.</p>"),
        update(Edition).values(illustrations="16 plates"),
    ],
    ids=[
        *("price", "stock", "provider", "right", "signature", "title", "author"),
        *("subjects", "description", "illustrations"),
    ],
)
def test_a_change_shows_at_once_on_a_page_that_was_remembered(scene: Scene, change: object) -> None:
    scene.live_in("US")
    before = scene.get(PAGE)
    assert scene.get(PAGE).data == before.data

    with scene.shop.db.writing() as session:
        session.execute(change)  # type: ignore[call-overload]

    assert scene.get(PAGE).data != before.data


def test_rows_added_and_taken_away_show_at_once_too(scene: Scene) -> None:
    before = scene.get(PAGE).text
    with scene.shop.db.writing() as session:
        session.add(Quotation(work_id=1, position=0, words="A quotation.", author="A. Reader", source=None))
    with_quotation = scene.get(PAGE).text
    with scene.shop.db.writing() as session:
        session.execute(text("DELETE FROM quotation"))

    assert "A quotation." not in before
    assert "A quotation." in with_quotation
    assert scene.get(PAGE).text == before


def test_time_alone_changes_a_remembered_page(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.isbn == HARDBACK).values(publication_date=date(2026, 11, 26)))
    scene.live_in("US")
    assert "Pre-order hardback" in scene.get(PAGE).text

    scene.clock.forward(hours=13)

    assert "Add hardback to basket" in scene.get(PAGE).text


def test_a_yes_of_the_provider_grows_old_on_a_remembered_page(scene: Scene) -> None:
    scene.live_in("US")
    assert "Add ebook to basket" in scene.get(PAGE).text

    scene.clock.forward(hours=24)

    assert "Coming soon" in scene.get(PAGE).text


@pytest.mark.parametrize(
    ("country", "change", "price", "delivery", "licence"),
    [
        ("US", {}, "£38.00", "£47.50 in all", True),
        ("US", {"stock": 0}, "£38.00", "Delivery to the United States costs £9.50.", True),
        ("US", {"availability": "51"}, "", "", False),
        ("US", {"publishing_status": "11"}, "", "", False),
        ("GB", {}, "", "", False),
    ],
    ids=["to be had", "out of stock", "out of print", "withdrawn", "not sold here"],
)
def test_a_card_tells_what_buying_means_only_where_that_can_be(
    scene: Scene, country: str, change: dict[str, object], price: str, delivery: str, *, licence: bool
) -> None:
    if change:
        with scene.shop.db.writing() as session:
            session.execute(update(Edition).values(**change))
    scene.live_in(country)
    page = scene.get(PAGE).text
    hardback = page[page.index(f'id="{HARDBACK}"') :].partition("</li>")[0]
    ebook = page[page.index(f'id="{EBOOK}"') :].partition("</li>")[0]

    assert re.findall(r'<span class="price">([^<]+)', hardback) == [price] * bool(price)
    assert delivery in hardback
    assert ("Delivery" in hardback) is bool(delivery)
    assert ("You are buying a licence" in ebook) is licence
    assert "In the app." in ebook, "whoever has bought it still reads how"


def test_a_yes_of_the_provider_grows_old_on_a_remembered_page_before_the_day_is_over(scene: Scene) -> None:
    asked_at = scene.clock.now + timedelta(hours=6) - provider_max_age(scene.shop)
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).values(provider_checked_at=asked_at))
    scene.live_in("US")
    pages = [scene.get(PAGE).text]
    for hours in (5, 2):
        scene.clock.forward(hours=hours)
        pages.append(scene.get(PAGE).text)

    assert scene.clock.now.date() == date(2026, 11, 25)
    assert ["Add ebook to basket" in page for page in pages] == [True, True, False]
    assert "Coming soon" in pages[-1]


def test_the_basket_is_counted_on_a_remembered_page_and_no_country_sees_anothers(scene: Scene) -> None:
    scene.live_in("US")
    scene.get(PAGE)
    scene.fill_basket(HARDBACK)
    assert "Basket (1)" in scene.get(PAGE).text
    scene.live_in("GB")
    assert "Not sold in the United Kingdom" in scene.get(PAGE).text
    scene.live_in("US")
    assert "Add hardback to basket" in scene.get(PAGE).text


def test_an_unchanged_page_is_not_sent_again(scene: Scene) -> None:
    scene.live_in("US")
    tag = scene.get(PAGE).headers["ETag"]

    again = scene.client.get(PAGE, base_url="http://localhost", headers={"If-None-Match": tag})
    scene.fill_basket(HARDBACK)
    with_basket = scene.client.get(PAGE, base_url="http://localhost", headers={"If-None-Match": tag})

    assert (again.status_code, again.data) == (304, b"")
    assert with_basket.status_code == 200


@pytest.mark.parametrize("editions", [0, 9])
def test_a_page_takes_at_most_six_statements_however_many_editions(scene: Scene, editions: int) -> None:
    with scene.shop.db.writing() as session:
        book, signed = session.get_one(Work, 1), session.get_one(RightsSet, 1)
        session.add_all(an_edition(book, signed, f"978000000{n:04d}", "BC", 1000 + n) for n in range(editions))
    statements: list[str] = []
    event.listen(
        scene.shop.db.read_engine, "before_cursor_execute", lambda _c, _cu, sql, *_rest: statements.append(sql)
    )

    scene.get(PAGE)

    assert 0 < len(statements) + 1 <= 6, "the look-up of the revision goes past the engine's events"


@pytest.mark.parametrize(
    "address",
    [
        f"/books/{HARDBACK}-exit-stalin",
        f"/books/{EBOOK}-any-old-words",
        f"/books/{HARDBACK}",
        f"/isbn/{EBOOK}",
        "/isbn/978-1-63149-829-9",
        "/isbn/1-63149-829-0",
        "/books/exit-stalin-eaf76fe3-d512-4df1-ad96-ac38133a5174",
        f"/books/{EBOOK}-exit-stalin-eaf76fe3-d512-4df1-ad96-ac38133a5174/formats",
        "/books/EXIT-STALIN",
        "/books/leaving-stalin",
        "/books/exit-stalin/",
    ],
)
def test_every_known_address_ends_on_the_one_page(scene: Scene, address: str) -> None:
    with scene.shop.db.writing() as session:
        session.add(OldSlug(slug="leaving-stalin", work_id=1))

    first = scene.get(address)

    assert first.status_code == 301
    assert first.location.partition("#")[0] == PAGE
    assert f'rel="canonical" href="http://localhost{PAGE}"' in scene.get(PAGE).text


def test_an_unknown_isbn_is_not_found_and_what_comes_near_is_named(scene: Scene) -> None:
    answer = scene.get("/isbn/9781631498298")

    assert answer.status_code == 404
    assert 'href="/books/exit-stalin"' in answer.text


@pytest.mark.parametrize("asked", ["exit-stalinn", "exit_stalin", "about-stalin", "exit-stalin-second-edition"])
def test_an_address_that_leads_nowhere_names_the_books_whose_words_it_holds(scene: Scene, asked: str) -> None:
    answer = scene.get(f"/books/{asked}")

    assert answer.status_code == 404
    assert 'href="/books/exit-stalin"' in answer.text
    assert "Did you mean" not in scene.get("/books/quite-another").text


@pytest.mark.parametrize("path", ["/", "/search?q=stalin", "/subjects", "/books/nothing", "/country", "/help/reading"])
def test_a_page_that_shows_the_basket_is_nobody_elses(scene: Scene, path: str) -> None:
    answer = scene.get(path)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Cookie" in answer.headers["Vary"]


@pytest.mark.parametrize("asked", ["{}", "W/{}", '"other", {}', "*"])
def test_a_page_is_known_by_its_tag_however_it_comes_back(scene: Scene, asked: str) -> None:
    tag = scene.get(PAGE).headers["ETag"]
    assert scene.get(PAGE, **{"If-None-Match": asked.format(tag)}).status_code == 304
    assert scene.get(PAGE, **{"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/search/?q=stalin", "/search?q=stalin"),
        ("/subjects/nhd/", "/subjects/nhd"),
        ("/new/", "/new"),
    ],
)
def test_a_slash_too_many_costs_nothing(scene: Scene, path: str, leads_to: str) -> None:
    answer = scene.get(path)
    assert (answer.status_code, answer.location) == (301, leads_to)


def test_a_subject_that_no_book_has_yet_may_have_one_tomorrow(scene: Scene) -> None:
    answer = scene.get("/subjects/zz")
    assert (answer.status_code, answer.location) == (302, "/search?q=zz")


@pytest.mark.parametrize("words", ["ISBN 9781631498305", "isbn: 978-1-63149-830-5", "ISBN-13: 9781631498305"])
def test_a_number_may_be_called_an_isbn(scene: Scene, words: str) -> None:
    with scene.shop.db.writing() as session:
        batch.summarise(session.get_one(Work, 1))
    answer = scene.client.get("/search", query_string={"q": words}, base_url="http://localhost")
    assert 'href="/books/exit-stalin"' in answer.text


@pytest.mark.parametrize(
    ("path", "back"),
    [
        ("/", "/country?next=/"),
        ("/coming", "/country?next=/coming"),
        ("/search?q=exit&form=ebook", "/country?next=/search%3Fq%3Dexit%26form%3Debook"),
        ("/terms", "/country"),
        (PAGE, f"/country?next={PAGE}"),
        ("/basket", "/country?next=/basket"),
    ],
)
def test_the_foot_of_a_page_knows_the_country_and_leads_back(scene: Scene, path: str, back: str) -> None:
    def foot() -> str:
        return scene.get(path).text.partition("<footer")[2]

    assert f'<a href="{back}">Choose your country</a>' in foot()
    scene.live_in("US")
    assert f'<a href="{back}">Change country</a>' in foot()


def test_a_shopping_page_leads_to_the_page_of_its_own_country(scene: Scene) -> None:
    stranger = scene.get(f"{PAGE}?country=US").text
    assert "Add hardback to basket" in stranger
    assert "Choose your country to buy" in scene.get(f"{PAGE}?country=Ruritania").text
    assert scene.post("/basket", isbn=HARDBACK, country="US").status_code == 303
    assert "Continue to your details" in scene.get("/basket").text
    assert "Not sold in" not in scene.get(f"{PAGE}?country=GB").text, "the reader's own choice goes before"


def test_a_basket_forgets_what_nobody_knows_and_asks_for_the_country_once(scene: Scene) -> None:
    scene.client.set_cookie("basket", f"9780000000002x2.{HARDBACK}x1", domain="localhost")
    page = scene.get("/basket").text
    assert "Basket (1)" in page
    assert "Take it out" not in page
    assert "Total" not in page
    assert "Basket (1)" in scene.get("/").text


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<ul><li>One</li><li>Two</li></ul>", "One Two"),
        ("<p>One</p><p>Two</p>", "One Two"),
        ("One<br/>Two", "One Two"),
        ("<h1>One</h1>Two", "One Two"),
        ("<em>O</em>ne", "One"),
    ],
)
def test_words_of_two_blocks_do_not_run_together(html: str, words: str) -> None:
    assert markup.plain(html) == words
    assert "OneTwo" not in markup.clean(html)


@pytest.mark.parametrize(
    ("html", "shown", "words", "lines"),
    [
        ('<p class="x" onclick="y()" style="color: red">One</p>', "<p>One</p>", "One", "One"),
        ('<a href="https://x.test" title="t">One</a>', "One", "One", "One"),
        ('<img src="x" alt="a picture">One', "One", "One", "One"),
        ("<script>x()</script><style>p{}</style><!-- no -->One", "One", "One", "One"),
        ('<iframe src="x">One</iframe>', "One", "One", "One"),
        ('<q cite="https://x.test">One</q>', "<q>One</q>", "One", "One"),
        ('<ol start="3"><li>One</li></ol>', "<ol><li>One</li></ol>", "One", "One"),
        ("<h3>One</h3>", "<h3>One</h3>", "One", "One"),
        ("<em>One</em> &amp; &lt;two&gt;", "<em>One</em> &amp; &lt;two&gt;", "One & <two>", "One & <two>"),
        ("One < two", "One &lt; two", "One < two", "One < two"),
        (
            "<h2>One</h2><p>Two<br>three</p><p> </p>",
            " One <p>Two<br>three</p><p> </p>",
            "One Two three",
            "One\n\nTwo three",
        ),
        ("", "", "", ""),
    ],
)
def test_of_markup_nothing_is_left_but_reading_matter(html: str, shown: str, words: str, lines: str) -> None:
    assert (str(markup.clean(html)), markup.plain(html), markup.lines(html)) == (shown, words, lines)


@pytest.mark.parametrize("asked", ["<script>alert(1)</script>", "%00", "a" * 3000, "..%2f..%2fetc"])
def test_a_strange_address_is_not_found_and_harms_nobody(scene: Scene, asked: str) -> None:
    answer = scene.get(f"/books/{asked}")

    assert answer.status_code == 404
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("words", ["nothing like it", "100%", "_", "'; DROP TABLE work; --"])
def test_search_that_finds_nothing_says_what_to_do(scene: Scene, words: str) -> None:
    answer = scene.client.get("/search", query_string={"q": words}, base_url="http://localhost")

    assert answer.status_code == 200
    assert "/books/exit-stalin" not in answer.text


def test_markup_of_a_publisher_is_cleaned_and_text_is_text(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        book = session.get_one(Work, 1)
        book.description = '<p onclick="x()">Fine <script>alert(1)</script><a href="javascript:x">words</a></p>'
        book.title = "Tom & <b>Jerry</b>"

    page = scene.get(PAGE).text

    assert "Fine" in page
    assert "<script>alert" not in page
    assert "onclick" not in page
    assert "javascript:" not in page
    assert "Tom &amp; &lt;b&gt;Jerry&lt;/b&gt;" in page


def clear_the_shelves(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        for table in ("price", "edition", "contributor", "work"):
            session.execute(text(f"DELETE FROM {table}"))


def test_the_same_file_twice_changes_nothing_and_a_new_title_keeps_the_old_address(
    scene: Scene, tmp_path: Path
) -> None:
    clear_the_shelves(scene)
    first = importer.import_file(scene.shop, CATALOGUE)
    again = importer.import_file(scene.shop, CATALOGUE)
    resent = tmp_path / "resent.xml"
    resent.write_text(CATALOGUE.read_text("utf-8").replace("<SenderName>", "<SenderName>The "), "utf-8")
    looked_through = importer.import_file(scene.shop, resent)
    renamed = tmp_path / "renamed.xml"
    renamed.write_text(CATALOGUE.read_text("utf-8").replace(">Tidewrack<", ">Sea Wrack<"), "utf-8")

    changed = importer.import_file(scene.shop, renamed)

    assert first.added == 20
    for report in (again, looked_through):
        assert (report.added, report.changed, report.unchanged) == (0, 0, 20)
    assert changed.changed == 2
    assert scene.get("/books/tidewrack").location == "/books/sea-wrack"


def test_nothing_is_sold_by_rights_that_nobody_signed(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(RightsSet).values(signed_at=None))
    scene.live_in("US")

    assert scene.post("/basket", isbn=HARDBACK).status_code == 409
    scene.sign_in_as_staff()
    found = scene.all(RightsSet)[0]
    assert scene.post("/staff/rights/1/sign", digest="another").status_code == 409
    assert scene.post("/staff/rights/1/sign", digest=found.digest).status_code == 303
    assert scene.post("/basket", isbn=HARDBACK).status_code == 303


def test_a_sentence_that_says_otherwise_than_the_onix_waits_for_staff(scene: Scene, tmp_path: Path) -> None:
    clear_the_shelves(scene)
    sentence = "Worldwide including Canada, but excluding the British Commonwealth and the European Union."
    agreeing, disagreeing = tmp_path / "agreeing.xml", tmp_path / "disagreeing.xml"
    agreeing.write_text(CATALOGUE.read_text("utf-8"), "utf-8")
    disagreeing.write_text(CATALOGUE.read_text("utf-8").replace(sentence, "World rights excluding Canada"), "utf-8")

    importer.import_file(scene.shop, agreeing)
    before = {one.digest for one in scene.all(RightsSet)}
    importer.import_file(scene.shop, disagreeing)

    (waiting,) = [one for one in scene.all(RightsSet) if one.digest not in before]
    assert waiting.signed_at is None
    assert "says otherwise" in waiting.problems[0]
    assert "closes CA" in waiting.problems[0]


def test_staff_may_have_a_sentence_explained(scene: Scene) -> None:
    scene.sign_in_as_staff()
    empty = scene.get("/staff/rights/explain").text
    page = scene.get("/staff/rights/explain?statement=UK+%26+<Ruritania>").text

    assert "countries open" not in empty
    assert "1 country open, 248 closed" in page
    assert "United Kingdom (GB)" in page
    assert "Not understood: Ruritania." in page
    assert "&lt;Ruritania&gt;" in page


def test_whoever_signs_rights_sees_where_they_open_and_for_which_books(scene: Scene) -> None:
    scene.sign_in_as_staff()
    listed = scene.get("/staff/rights").text
    (found,) = scene.all(RightsSet)
    shown = scene.get(f"/staff/rights/{found.id}").text

    assert f'<a href="/staff/rights/{found.id}">Canada, Japan and the United States</a>' in listed
    assert "Exit Stalin<br>" in listed
    assert "3 editions" in listed
    assert "Canada, Japan and the United States" in shown
    assert "3 of 249 countries are open." in shown
