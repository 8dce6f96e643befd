"""From a basket to a payment page: nothing lost, nothing forged, nothing sold that may not be."""

from __future__ import annotations

import pytest
from sqlalchemy import text, update

from shop.catalogue.models import Edition, Price, ProviderState, RightsSet
from shop.checkout import settlement
from shop.orders import consent
from shop.orders.consent import Consent
from shop.orders.models import Order, OrderLine, OrderStatus
from shop.orders.payments import PaymentAttempt
from tests.makers import EBOOK, EPUB, HARDBACK, READER, Scene, hidden


@pytest.mark.parametrize(
    ("country", "status"), [("US", 303), ("CA", 303), ("GB", 409), ("IE", 409), ("FR", 409), (None, 409)]
)
def test_a_book_goes_into_the_basket_only_where_it_may_be_sold(scene: Scene, country: str | None, status: int) -> None:
    if country:
        scene.live_in(country)

    answer = scene.post("/basket", isbn=HARDBACK)

    assert answer.status_code == status
    assert ("Basket (1)" in scene.get("/basket").text) == (status == 303)


def test_a_basket_filled_at_home_is_judged_anew_abroad(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(HARDBACK)
    public_id = scene.give_details()

    scene.live_in("GB")

    assert "Not sold in the United Kingdom" in scene.get("/basket").text
    assert scene.get("/checkout").location == "/basket"
    assert scene.post(f"/checkout/{public_id}/pay").location == "/basket"
    assert scene.gateway.requests == {}


def test_an_ebook_is_bought_once_and_a_hardback_as_often_as_there_are_copies(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(EBOOK, EBOOK, HARDBACK, HARDBACK, HARDBACK)
    scene.post(f"/basket/{EBOOK}", quantity="7")
    public_id = scene.give_details()

    assert [(line.isbn, line.quantity) for line in scene.order(public_id).lines] == [(EBOOK, 1), (HARDBACK, 3)]
    scene.post(f"/basket/{HARDBACK}", quantity="4")
    assert "Only 3 left" in scene.get("/basket").text


def test_prices_from_the_browser_are_not_even_read(scene: Scene) -> None:
    scene.live_in("US")
    scene.post("/basket", isbn=HARDBACK, price="1", unit_minor="1", quantity="-3")
    public_id = scene.give_details(total="1", delivery="0")
    scene.post(f"/checkout/{public_id}/pay", total="1", amount="1", price="0.01")

    (request,) = scene.gateway.requests.values()
    assert [(item.name, item.unit.minor) for item in request.items] == [
        ("Exit Stalin (hardback)", 3800),
        ("Delivery", 950),
    ]


def test_the_address_is_asked_for_only_when_something_is_posted(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(EPUB)
    page = scene.get("/checkout").text

    assert 'name="street"' not in page
    public_id = scene.give_details()
    assert scene.order(public_id).address is None
    scene.fill_basket(HARDBACK)
    assert 'name="street"' in scene.get("/checkout").text


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"email": "not an address"}, "Enter an e-mail address like"),
        ({"email": ""}, "Enter your e-mail address"),
        ({"name": "  "}, "Enter your name"),
        ({"street": ""}, "Enter the address"),
        ({"postcode": ""}, "Enter the postcode"),
    ],
)
def test_a_fault_in_the_details_is_named_and_nothing_typed_is_lost(
    scene: Scene, details: dict[str, str], words: str
) -> None:
    scene.live_in("US")
    scene.fill_basket(HARDBACK)

    answer = scene.post("/checkout", checkout_key="k", **(READER | details))

    assert answer.status_code == 422
    assert words in answer.text
    assert "There is a problem" in answer.text
    kept = {name: value for name, value in READER.items() if name not in details}
    assert all(value in answer.text for value in kept.values())
    assert scene.all(Order) == []


def test_the_address_is_shown_large_and_a_slip_is_doubted(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(EPUB)
    public_id = scene.give_details(email=" Ann@Gmial.com ")

    page = scene.get(f"/checkout/{public_id}").text

    assert '<p class="large">ann@gmial.com</p>' in page
    assert "ann@gmail.com" in page


def test_the_same_form_sent_twice_is_one_order(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(EPUB)
    key = hidden(scene.get("/checkout").text, "checkout_key")

    assert scene.give_details(key) == scene.give_details(key, name="Ann Other")
    (order,) = scene.all(Order)
    assert order.name == "Ann Other"


def test_pay_pressed_twice_begins_one_payment(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(HARDBACK)
    public_id = scene.give_details()

    assert scene.press_pay(public_id) == scene.press_pay(public_id)
    assert len(scene.all(PaymentAttempt)) == 1
    assert [edition.stock for edition in scene.all(Edition) if edition.isbn == HARDBACK] == [2]


def test_coming_back_and_changing_the_details_ends_the_old_payment_first(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(HARDBACK)
    public_id = scene.give_details("key")
    first = scene.press_pay(public_id)

    assert scene.give_details("key", email="other@example.com") == public_id
    second = scene.press_pay(public_id)

    assert second != first
    assert scene.gateway.receipts[first].standing == "expired"
    assert scene.gateway.requests[second].email == "other@example.com"
    assert [edition.stock for edition in scene.all(Edition) if edition.isbn == HARDBACK] == [2]


def test_an_order_that_was_paid_meanwhile_cannot_be_changed_any_more(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(EPUB)
    public_id = scene.give_details("key")
    scene.gateway.pay(scene.press_pay(public_id))

    answer = scene.post("/checkout", checkout_key="key", **READER)

    assert answer.location == f"/orders/{public_id}"
    assert scene.order(public_id).is_paid


def test_the_consent_is_unticked_and_kept_with_its_words_time_and_line(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(HARDBACK, EBOOK)
    public_id = scene.give_details()
    page = scene.get(f"/checkout/{public_id}").text
    assert 'name="consent" value="yes">' in page
    assert "checked" not in page

    scene.press_pay(public_id, consent=True)

    (given,) = scene.all(Consent)
    ebook = next(line for line in scene.all(OrderLine) if line.isbn == EBOOK)
    assert (given.order_line_id, given.words) == (ebook.id, consent.WORDS)
    assert (given.version, given.ticked_at) == (consent.version_of(consent.WORDS), scene.clock.now)


def test_a_tick_taken_back_before_paying_is_no_consent(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(EBOOK)
    public_id = scene.give_details()
    scene.press_pay(public_id, consent=True)

    scene.press_pay(public_id, consent=False)

    assert scene.all(Consent) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (update(Price).where(Price.minor == 3800).values(minor=3900), "was £38.00 and is now £39.00"),
        (update(Edition).where(Edition.isbn == HARDBACK).values(stock=0), None),
        (update(RightsSet).values(countries="CA"), None),
        (update(RightsSet).values(signed_at=None), None),
    ],
)
def test_what_changed_since_it_was_shown_is_said_before_any_money_moves(
    scene: Scene, change: object, words: str | None
) -> None:
    scene.live_in("US")
    scene.fill_basket(HARDBACK)
    public_id = scene.give_details()
    with scene.shop.db.writing() as session:
        session.execute(change)  # type: ignore[call-overload]

    answer = scene.post(f"/checkout/{public_id}/pay")

    assert scene.gateway.requests == {}
    if words is None:
        assert answer.location == "/basket"
    else:
        assert answer.status_code == 409
        assert words in answer.text
        assert scene.press_pay(public_id), "the second press pays the new price"


def test_the_provider_is_asked_once_more_before_paying(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(EBOOK)
    public_id = scene.give_details()
    scene.provider.states[EBOOK] = ProviderState.NOT_ENABLED

    answer = scene.post(f"/checkout/{public_id}/pay", consent="yes")

    assert answer.location == "/basket"
    assert scene.gateway.requests == {}
    assert "Coming soon" in scene.get("/basket").text


def test_the_last_copy_is_sold_once(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.isbn == HARDBACK).values(stock=1))
    scene.live_in("US")
    scene.fill_basket(HARDBACK)
    first, second = scene.give_details("a"), scene.give_details("b")

    scene.press_pay(first)
    answer = scene.post(f"/checkout/{second}/pay")

    assert answer.status_code in {303, 409}
    assert len(scene.gateway.requests) == 1


def test_the_button_says_pay_and_how_much(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(HARDBACK, EPUB)
    public_id = scene.give_details()

    assert "<button>Pay £55.49 now</button>" in scene.get(f"/checkout/{public_id}").text


def test_the_total_never_grows_on_the_way_to_the_payment_page(scene: Scene) -> None:
    scene.live_in("US")
    assert "£47.50 in all" in scene.get("/books/exit-stalin").text
    scene.fill_basket(HARDBACK)
    assert "£47.50" in scene.get("/basket").text
    assert "£47.50" in scene.get("/checkout").text
    public_id = scene.give_details()
    scene.press_pay(public_id)

    (request,) = scene.gateway.requests.values()
    assert sum(item.unit.minor * item.quantity for item in request.items) == 4750


def test_a_paid_order_leaves_the_basket_empty_and_the_page_says_what_is_ready(scene: Scene) -> None:
    public_id = scene.buy(EPUB)
    assert "Basket (1)" in scene.get("/basket").text

    first = scene.get(f"/orders/{public_id}").text
    assert "Thank you, Ann Łukasiewicz" in first
    assert "Being prepared" in first
    assert "Basket (0)" in first
    scene.work()

    assert "Download EPUB" in scene.get(f"/orders/{public_id}").text
    assert "Nothing here yet" in scene.get("/basket").text


def test_nobody_finds_an_order_by_counting(scene: Scene) -> None:
    public_id = scene.buy(EPUB)
    order = scene.order(public_id)

    assert len(public_id) >= 22
    assert {scene.get(f"/orders/{guess}").status_code for guess in (order.id, order.number, public_id[:-1])} == {404}


@pytest.mark.parametrize(
    "cookie", ["", "x", "9781631498299x0", "9781631498299x999", "<script>", "9781631498299x1." * 200, "é", "1=1"]
)
def test_a_basket_cookie_that_makes_no_sense_is_an_empty_basket_or_a_small_one(scene: Scene, cookie: str) -> None:
    scene.client.set_cookie("basket", cookie, domain="localhost")
    scene.live_in("US")

    assert scene.get("/basket").status_code == 200


def test_a_book_nobody_knows_is_not_put_into_the_basket(scene: Scene) -> None:
    scene.live_in("US")

    answer = scene.post("/basket", isbn="9780000000002")

    assert answer.status_code == 404
    assert "We do not know a book with this ISBN" in answer.text


def test_a_draft_nobody_pays_is_let_go(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(HARDBACK)
    public_id = scene.give_details()
    scene.clock.forward(days=3)

    with scene.shop.db.writing() as session:
        settlement.sweep(None, scene.shop)(session)  # type: ignore[arg-type]

    assert scene.order(public_id).status == OrderStatus.EXPIRED
    assert "Pay £" not in scene.get(f"/checkout/{public_id}").text
    with scene.shop.db.reading() as session:
        assert session.scalar(text("SELECT stock FROM edition WHERE isbn = '9781631498299'")) == 3
