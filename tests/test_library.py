"""Readers find their books again, and nobody else does."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from shop.app import create_app
from shop.library.models import DownloadSession, Entitlement
from shop.library.signin import ReaderSession, SignInCode
from shop.orders.models import Order
from tests.makers import ADDRESS, EBOOK, EPUB, Scene

if TYPE_CHECKING:
    from werkzeug.test import TestResponse


def bought(scene: Scene, *isbns: str) -> str:
    """An order, paid and delivered; its public id."""
    public_id = scene.buy(*isbns)
    scene.get(f"/orders/{public_id}")
    scene.work()
    return public_id


def mailed_link(scene: Scene) -> str:
    """The path of the access link in the newest mail that has one."""
    texts = [letter.text for letter in scene.mailer.sent]
    return str(re.findall(rf"{ADDRESS}(/a/\S+)", "\n".join(texts))[-1])


def press_download(scene: Scene, link: str) -> TestResponse:
    """Press the first download button of a reading page."""
    action = re.search(r'action="(/a/[^"]+/download/[^"]+)"', scene.get(link).text)
    assert action
    return scene.post(action[1])


def test_the_mailed_link_opens_a_page_the_button_opens_the_file(scene: Scene) -> None:
    bought(scene, EPUB, EBOOK)
    link = mailed_link(scene)

    page = scene.get(link).text
    assert "ann@example.com" in page, "the address to sign in to the app with, exactly"
    ticket = press_download(scene, link)
    file = scene.get(ticket.location)

    assert (ticket.status_code, file.status_code, file.mimetype) == (303, 200, "application/epub+zip")
    assert file.data.startswith(b"PK")
    assert "filename=exit-stalin.epub" in file.headers["Content-Disposition"]
    assert file.headers["Cache-Control"] == "private, no-store"
    assert "sandbox" in file.headers["Content-Security-Policy"]


def test_where_there_is_a_proxy_it_is_told_which_file_to_hand_out(scene: Scene) -> None:
    bought(scene, EPUB)
    ticket = press_download(scene, mailed_link(scene)).location
    behind = create_app(replace(scene.shop, settings=replace(scene.shop.settings, accel_prefix="/protected/")))
    answer = behind.test_client().get(ticket, base_url=ADDRESS)

    (copy,) = scene.all(Entitlement)
    assert (answer.headers["X-Accel-Redirect"], answer.data) == (f"/protected/{copy.file}", b"")


def test_looking_at_the_page_however_often_uses_nothing_up(scene: Scene) -> None:
    bought(scene, EPUB)
    link = mailed_link(scene)

    for _ in range(3):
        scene.get(link)
        scene.client.head(link, base_url=ADDRESS)

    assert scene.all(DownloadSession) == []
    assert [one.sessions_opened for one in scene.all(Entitlement)] == [0]


def test_a_download_is_resumed_and_all_its_ranges_are_one(scene: Scene) -> None:
    bought(scene, EPUB)
    ticket = press_download(scene, mailed_link(scene)).location
    whole = scene.get(ticket)
    size, tag = len(whole.data), whole.headers["ETag"]

    cuts = [0, 1, size // 3, size // 2, size]
    parts = [ranged(scene, ticket, f"bytes={start}-{end - 1}") for start, end in pairwise(cuts)]

    assert {part.status_code for part in parts} == {206}
    assert b"".join(part.data for part in parts) == whole.data
    assert ranged(scene, ticket, "bytes=-10").data == whole.data[-10:]
    assert ranged(scene, ticket, f"bytes={size}-").status_code == 416
    fresh = ranged(scene, ticket, "bytes=0-9", **{"If-Range": tag})
    stale = ranged(scene, ticket, "bytes=0-9", **{"If-Range": '"other"'})
    assert (fresh.status_code, stale.status_code) == (206, 200)
    assert [one.sessions_opened for one in scene.all(Entitlement)] == [1]


def ranged(scene: Scene, path: str, span: str, **more: str) -> TestResponse:
    """Ask for part of a file."""
    return scene.get(path, Range=span, **more)


def test_a_second_click_in_the_same_browser_costs_nothing_and_the_last_one_is_the_last(scene: Scene) -> None:
    bought(scene, EPUB)
    link = mailed_link(scene)
    press_download(scene, link)
    press_download(scene, link)
    assert [one.sessions_opened for one in scene.all(Entitlement)] == [1]

    for number in range(11):
        scene.client.environ_base["HTTP_USER_AGENT"] = f"browser {number}"
        assert press_download(scene, link).status_code == 303
    scene.client.environ_base["HTTP_USER_AGENT"] = "one too many"

    assert press_download(scene, link).status_code == 403
    assert [one.sessions_left for one in scene.all(Entitlement)] == [0]


def test_each_of_two_copies_is_downloaded_and_counted_by_itself(scene: Scene) -> None:
    links = []
    for number, key in enumerate(("one", "two"), 1):
        scene.knock(scene.buy(EPUB, key=key), number)
        scene.work()
        links.append(mailed_link(scene))
    tickets = {press_download(scene, link).location for link in links}

    assert len(tickets) == 2
    assert [one.sessions_opened for one in scene.all(Entitlement)] == [1, 1]
    assert [one.entitlement_id for one in scene.all(DownloadSession)] == [one.id for one in scene.all(Entitlement)]


@pytest.mark.parametrize(("minutes", "opened"), [(23 * 60 + 29, 1), (23 * 60 + 31, 2)])
def test_a_download_is_gone_on_with_only_while_it_outlives_a_ticket(scene: Scene, minutes: int, opened: int) -> None:
    bought(scene, EPUB)
    link = mailed_link(scene)
    press_download(scene, link)
    scene.clock.forward(minutes=minutes)

    assert scene.get(press_download(scene, link).location).status_code == 200
    assert len(scene.all(DownloadSession)) == opened


def test_a_refund_cuts_the_download_at_the_next_range(scene: Scene) -> None:
    public_id = bought(scene, EPUB)
    link = mailed_link(scene)
    ticket = press_download(scene, link).location
    assert ranged(scene, ticket, "bytes=0-9").status_code == 206
    scene.sign_in_as_staff()
    line = scene.order(public_id).lines[0]

    scene.post(f"/staff/orders/{public_id}/lines/{line.id}/refund", reason="asked for it")

    assert ranged(scene, ticket, "bytes=10-19").status_code == 410
    assert scene.post(f"{link}/download/{scene.all(Entitlement)[0].copy_id}").status_code == 410
    assert "Download EPUB" not in scene.get(link).text
    assert "Refunded" in scene.get(link).text


def test_a_link_whose_time_is_over_says_so_and_offers_a_new_one(scene: Scene) -> None:
    bought(scene, EPUB)
    link = mailed_link(scene)
    scene.clock.forward(days=366)

    answer = scene.get(link)
    assert answer.status_code == 410
    assert f'action="{link}/renew"' in answer.text
    assert f'action="{link}/renew"' in scene.post(f"{link}/download/any").text
    assert scene.post(f"{link}/renew").location == "/link-sent"
    scene.clock.forward(minutes=5)
    assert scene.post(f"{link}/renew").location == "/link-sent"
    scene.work()

    assert scene.mailer.subjects().count("Your new link: Exit Stalin") == 1, "pressed twice, mailed once"
    assert scene.get(mailed_link(scene)).status_code == 200


def test_of_an_orders_links_only_those_of_its_newest_version_open(scene: Scene) -> None:
    bought(scene, EPUB)
    link = mailed_link(scene)
    with scene.shop.db.writing() as session:
        session.get_one(Order, 1).link_version += 1

    assert scene.get(link).status_code == 410
    scene.post(f"{link}/renew")
    scene.work()
    assert scene.get(mailed_link(scene)).status_code == 200


def test_an_old_file_ticket_leads_to_a_new_link(scene: Scene) -> None:
    bought(scene, EPUB)
    ticket = press_download(scene, mailed_link(scene)).location
    scene.clock.forward(minutes=40)

    answer = scene.get(ticket)
    assert answer.status_code == 410
    assert scene.post(f"{ticket}/renew").location == "/link-sent"
    scene.work()

    assert "Your new link: Exit Stalin" in scene.mailer.subjects()


@pytest.mark.parametrize("path", ["/a/{}", "/f/{}"])
def test_a_forged_link_opens_nothing(scene: Scene, path: str) -> None:
    bought(scene, EPUB)
    token = mailed_link(scene).removeprefix("/a/")
    for forged in ("x", token[:-1], token[:-2] + "AA", "A" + token[1:], token + "x", token.swapcase()):
        answer = scene.get(path.format(forged))
        assert answer.status_code == 404, forged
        assert "ann@" not in answer.text


def test_a_link_of_one_kind_is_no_link_of_another(scene: Scene) -> None:
    bought(scene, EPUB)
    link = mailed_link(scene)
    ticket = press_download(scene, link).location

    assert scene.get(link.replace("/a/", "/f/")).status_code == 404
    assert scene.get(ticket.replace("/f/", "/a/")).status_code == 404


def test_another_orders_copy_is_not_reached_through_this_orders_link(scene: Scene) -> None:
    bought(scene, EPUB)
    first = scene.all(Entitlement)[0].copy_id
    second = scene.buy(EBOOK, key="two")
    scene.knock(second, 2)
    scene.work()

    assert scene.post(f"{mailed_link(scene)}/download/{first}").status_code == 410


def sign_in(scene: Scene, email: str) -> TestResponse:
    """Ask for a code, read the mail, type it."""
    assert scene.post("/library/code", email=email).location == "/library/code"
    scene.work()
    letter = [one for one in scene.mailer.sent if one.subject.endswith("is your code")][-1]
    return scene.post("/library/sign-in", code=letter.subject[:7])


def test_the_library_opens_by_a_mailed_code_and_shows_every_book(scene: Scene) -> None:
    bought(scene, EPUB)
    second = scene.buy(EBOOK, key="two")
    scene.knock(second, 2)
    scene.work()

    assert sign_in(scene, "Ann@Example.com").location == "/library"
    page = scene.get("/library").text

    assert page.count(">Ready to read<") == 2
    assert "Download EPUB" in page
    action = re.search(r'action="(/library/download/[^"]+)"', page)
    assert action
    assert scene.get(scene.post(action[1]).location).data.startswith(b"PK")


def test_a_signed_in_reader_reaches_no_book_of_somebody_else(scene: Scene) -> None:
    bought(scene, EPUB)
    theirs = f"/library/download/{scene.all(Entitlement)[0].copy_id}"
    sign_in(scene, "nobody@example.com")

    assert scene.post(theirs).status_code == 410
    scene.post("/library/sign-out")
    assert scene.post(theirs).location == "/library"
    assert scene.all(DownloadSession) == []


def test_an_order_that_nobody_paid_is_no_book_in_the_library(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(EPUB)
    scene.give_details()
    sign_in(scene, "ann@example.com")

    assert "No books have been bought with this address" in scene.get("/library").text


@pytest.mark.parametrize(("days", "is_open"), [(29, True), (30, False)])
def test_a_reader_stays_signed_in_for_thirty_days(scene: Scene, days: int, *, is_open: bool) -> None:
    sign_in(scene, "ann@example.com")
    scene.clock.forward(days=days)

    assert ("No books have been bought" in scene.get("/library").text) is is_open


def test_signing_out_ends_the_session_in_the_database(scene: Scene) -> None:
    sign_in(scene, "ann@example.com")
    kept = scene.client.get_cookie("reader", domain="localhost")
    assert kept
    assert kept.http_only
    scene.post("/library/sign-out")
    scene.client.set_cookie("reader", kept.value, domain="localhost")

    assert "E-mail me a code" in scene.get("/library").text
    assert scene.all(ReaderSession) == []


def test_a_code_is_good_once_for_a_quarter_of_an_hour_and_for_five_tries(scene: Scene) -> None:
    scene.post("/library/code", email="ann@example.com")
    scene.work()
    code = scene.mailer.sent[-1].subject[:7]
    wrong = "000000" if not code.startswith("000") else "111111"

    for _ in range(5):
        assert scene.post("/library/sign-in", code=wrong).status_code == 422
    assert scene.post("/library/sign-in", code=code).status_code == 422, "the right one comes too late"

    assert sign_in(scene, "ann@example.com").status_code == 303
    assert scene.post("/library/sign-in", code=scene.mailer.sent[-1].subject[:7]).status_code == 422
    scene.post("/library/code", email="ann@example.com")
    scene.work()
    scene.clock.now += timedelta(minutes=16)
    assert scene.post("/library/sign-in", code=scene.mailer.sent[-1].subject[:7]).status_code == 422


def test_a_known_and_an_unknown_address_get_the_same_answer(scene: Scene) -> None:
    bought(scene, EPUB)
    known = scene.post("/library/code", email="ann@example.com")
    unknown = scene.post("/library/code", email="nobody@example.com")

    assert (known.status_code, known.location, known.data) == (unknown.status_code, unknown.location, unknown.data)
    assert sign_in(scene, "nobody@example.com").status_code == 303
    assert "No books have been bought with this address" in scene.get("/library").text


def test_codes_are_not_sent_without_end(scene: Scene) -> None:
    answers = [scene.post("/library/code", email="ann@example.com").status_code for _ in range(7)]

    assert answers == [303] * 5 + [429] * 2
    assert len(scene.all(SignInCode)) == 5


def test_only_the_hash_of_a_code_is_stored(scene: Scene) -> None:
    scene.post("/library/code", email="ann@example.com")
    scene.work()
    code = scene.mailer.sent[-1].subject[:7].replace(" ", "")

    (row,) = scene.all(SignInCode)
    assert code not in row.code_hash
    assert code not in row.public_id


def test_what_a_link_says_opens_nothing_else_and_the_page_of_thanks_stops_giving_links(scene: Scene) -> None:
    public_id = bought(scene, EPUB)
    assert (
        public_id
        not in base64.urlsafe_b64decode(mailed_link(scene).removeprefix("/a/").partition(".")[0] + "==").decode()
    )
    assert 'action="/a/' in scene.get(f"/orders/{public_id}").text

    scene.clock.forward(hours=3)

    assert "/a/" not in scene.get(f"/orders/{public_id}").text
