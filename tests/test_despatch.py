"""Printed books leave by way of the warehouse, and their readers hear of it."""

from __future__ import annotations

import csv
import io
import re
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from shop.catalogue.models import Edition
from shop.despatch import warehouse
from shop.despatch.models import Despatch
from shop.library import returns
from shop.orders.models import Attention, OrderLine
from tests.makers import ADDRESS, EPUB, HARDBACK, Scene

if TYPE_CHECKING:
    from werkzeug.test import TestResponse


def paid(scene: Scene, *isbns: str) -> str:
    """A paid order."""
    public_id = scene.buy(*isbns)
    scene.get(f"/orders/{public_id}")
    scene.work()
    return public_id


def ask(scene: Scene) -> list[dict[str, str]]:
    """Write a despatch file; its rows."""
    with scene.shop.db.writing() as session:
        name = warehouse.ask_for_despatch(session, scene.clock.now)
        return list(csv.DictReader(io.StringIO(warehouse.despatch_file(session, name)))) if name else []


def notice(scene: Scene, *rows: str) -> TestResponse:
    """Upload a despatch notice."""
    text = "\n".join(["despatch_line,despatched_on,carrier,tracking", *rows])
    return scene.client.post(
        "/staff/despatch/notice",
        data={"notice": (io.BytesIO(text.encode()), "notice.csv")},
        base_url=ADDRESS,
        headers={"Sec-Fetch-Site": "same-origin"},
    )


def test_a_paid_hardback_is_asked_of_the_warehouse_once(scene: Scene) -> None:
    order = scene.order(paid(scene, HARDBACK, EPUB))

    (row,) = ask(scene)

    assert (row["order_number"], row["isbn"], row["quantity"], row["country"]) == (order.number, HARDBACK, "1", "US")
    assert (row["name"], row["street"], row["postcode"]) == ("Ann Łukasiewicz", "1 Main St", "02101")
    assert ask(scene) == []


def test_a_notice_tells_the_reader_and_coming_twice_tells_them_once(scene: Scene) -> None:
    public_id = paid(scene, HARDBACK)
    (row,) = ask(scene)
    scene.sign_in_as_staff()

    for _ in range(2):
        answer = notice(scene, f"{row['despatch_line']},2026-11-24,Royal Mail,RM123")
        assert answer.status_code == 200
    scene.work()

    assert [line.despatched_on for line in scene.all(OrderLine)] == [date(2026, 11, 24)]
    assert scene.mailer.subjects().count("On its way: Exit Stalin") == 1
    assert "RM123" in scene.mailer.sent[-1].text
    mailed = re.search(rf"{ADDRESS}(/a/\S+)", scene.mailer.sent[-1].text)
    assert mailed is not None
    for page in (f"/orders/{public_id}", mailed[1]):
        assert "Despatched on 24 November 2026 by Royal Mail, tracking RM123." in scene.get(page).text


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("NOBODY-1,2026-11-24,X,1", "Line 3: we asked for no despatch line"),
        ("{good},24/11/2026,X,1", "Line 3: &#39;24/11/2026&#39; is not a day"),
        ("{good},2027-01-01,X,1", "Line 3: 2027-01-01 is not over yet"),
    ],
)
def test_a_bad_line_is_named_and_the_others_go_in(scene: Scene, row: str, words: str) -> None:
    paid(scene, HARDBACK)
    second = scene.buy(HARDBACK, key="two")
    scene.get(f"/orders/{second}")
    first_row, second_row = ask(scene)
    scene.sign_in_as_staff()

    page = notice(
        scene, f"{first_row['despatch_line']},2026-11-24,X,1", row.format(good=second_row["despatch_line"])
    ).text

    assert words in page
    assert [one.noticed_at is not None for one in scene.all(Despatch)] == [True, False]


def test_a_file_without_the_columns_is_refused_whole(scene: Scene) -> None:
    scene.sign_in_as_staff()
    with scene.shop.db.writing() as session:
        report = warehouse.take_notice(session, "line,day\n1,2\n", scene.clock.now)

    assert report.problems == ["Line 1: the notice has no column despatch_line, despatched_on, carrier, tracking."]


def test_a_preordered_hardback_waits_for_its_day(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.isbn == HARDBACK).values(publication_date=date(2026, 12, 1)))
    public_id = paid(scene, HARDBACK)
    scene.sign_in_as_staff()
    assert ask(scene) == []
    assert "Published 1 December 2026; we post it then, and e-mail you." in scene.get(f"/orders/{public_id}").text
    assert "waits for publication" in scene.get(f"/staff/orders/{public_id}").text

    scene.clock.forward(days=6)

    assert "waits for publication" not in scene.get(f"/staff/orders/{public_id}").text
    assert "On its way to the warehouse" in scene.get(f"/orders/{public_id}").text
    assert len(ask(scene)) == 1


@pytest.mark.parametrize(
    ("asked", "left", "tasks"),
    [(False, False, []), (True, False, ["STOP_REQUESTED"]), (True, True, [])],
    ids=["nobody has asked for it", "the warehouse has it", "it is on its way"],
)
def test_a_parcel_that_is_paid_back_is_stopped_while_it_can_be(
    scene: Scene, *, asked: bool, left: bool, tasks: list[str]
) -> None:
    public_id = paid(scene, HARDBACK)
    scene.sign_in_as_staff()
    reference = ask(scene)[0]["despatch_line"] if asked else ""
    if left:
        notice(scene, f"{reference},2026-11-25,Royal Mail,")
    line = scene.order(public_id).lines[0]
    answer = scene.post(f"/staff/orders/{public_id}/lines/{line.id}/refund", reason="changed their mind")

    assert answer.status_code == 303
    assert [matter.code for matter in scene.all(Attention)] == tasks
    assert all(reference in matter.detail for matter in scene.all(Attention))


def test_a_line_that_is_paid_back_just_as_the_file_is_written_is_not_in_it(scene: Scene) -> None:
    line = scene.order(paid(scene, HARDBACK)).lines[0]
    with ThreadPoolExecutor(1) as another:
        with scene.shop.db.writing() as session:
            found = session.get_one(OrderLine, line.id)
            returns.take_back(session, found, reason="asked for it", by="ann@press.test", at=scene.clock.now)
            session.flush()
            asked = another.submit(ask, scene)
            waiting = wait([asked], 0.5).not_done
        rows = asked.result()

    assert (waiting, rows) == ({asked}, [])


def test_a_refunded_hardback_is_not_sent(scene: Scene) -> None:
    public_id = paid(scene, HARDBACK)
    scene.sign_in_as_staff()
    line = scene.order(public_id).lines[0]
    scene.post(f"/staff/orders/{public_id}/lines/{line.id}/refund", reason="changed their mind")

    assert ask(scene) == []


def test_a_readers_text_is_no_formula_in_the_warehouses_spreadsheet(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(HARDBACK)
    public_id = scene.give_details(name="=1+1@evil.test", street="+44 something")
    scene.gateway.pay(scene.press_pay(public_id))
    scene.get(f"/orders/{public_id}")

    (row,) = ask(scene)

    assert (row["name"], row["street"]) == ("'=1+1@evil.test", "'+44 something")
