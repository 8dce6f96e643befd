"""Who asks to be told is told once, when it is true, and then nobody remembers the address."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select, update

from shop import throttle, work
from shop.catalogue.models import Edition, ProviderState, RightsSet
from shop.catalogue.waiting import notify
from shop.catalogue.waiting.notify import NotifyRequest
from shop.services import UnavailableError
from shop.work import WorkRow, WorkState
from shop.worker import HANDLERS, rounds
from tests.makers import EBOOK, HARDBACK, Scene

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from shop.mail import Letter

ANN = "ann@example.org"


@pytest.fixture
def waiting(scene: Scene) -> Scene:
    """A reader in the United States before an ebook that is still being prepared."""
    scene.live_in("US")
    on_sale(scene, EBOOK, provider_state=ProviderState.NOT_ENABLED)
    return scene


def on_sale(scene: Scene, isbn: str, **values: Any) -> None:
    values |= {"provider_checked_at": scene.clock.now}
    with scene.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.isbn == isbn).values(**values))


def asked(scene: Scene, email: str = ANN, isbn: str = EBOOK) -> TestResponse:
    return scene.post(f"/notify/{isbn}", email=email)


def look_round(scene: Scene) -> None:
    """The round comes, and the worker does all there is to do."""
    with scene.shop.db.writing() as session:
        work.enqueue(session, notify.ROUND, f"at {scene.clock.now}", at=scene.clock.now)
    while work.perform_next(scene.shop, HANDLERS):
        pass


def addresses_kept(scene: Scene) -> list[str]:
    with scene.shop.db.reading() as session:
        return list(session.scalars(select(NotifyRequest.email)))


def test_a_reader_is_told_once_when_it_goes_on_sale_and_forgotten(waiting: Scene) -> None:
    page = waiting.get("/books/exit-stalin").text
    answer = asked(waiting)
    look_round(waiting)
    too_early = waiting.mailer.subjects()
    on_sale(waiting, EBOOK, provider_state=ProviderState.ENABLED)
    for _ in range(3):
        waiting.clock.forward(minutes=10)
        on_sale(waiting, EBOOK, provider_state=ProviderState.ENABLED)
        look_round(waiting)

    assert f'<a href="/notify/{EBOOK}">Tell me when it is on sale</a>' in page
    assert (answer.status_code, answer.location) == (303, f"/notify/{EBOOK}/noted")
    assert too_early == []
    assert waiting.mailer.subjects() == ["Now on sale: Exit Stalin"]
    assert addresses_kept(waiting) == []
    with waiting.shop.db.reading() as session:
        assert ANN not in "".join(f"{row.key}{row.payload}{row.last_error}" for row in session.scalars(select(WorkRow)))


def test_who_asks_again_while_the_letter_is_under_way_is_not_told_twice(waiting: Scene) -> None:
    asked(waiting)
    on_sale(waiting, EBOOK, provider_state=ProviderState.ENABLED)
    send, mailer = waiting.mailer.send, waiting.mailer

    class Slow:
        """A mail server that takes its time."""

        def send(self, letter: Letter) -> None:
            with waiting.shop.db.writing() as session:
                edition = session.scalars(select(Edition).where(Edition.isbn == EBOOK)).one()
                notify.ask(session, edition.id, ANN, "US", waiting.clock.now)
            send(letter)

    slow = replace(waiting.shop, services=replace(waiting.shop.services, mailer=Slow()))
    with waiting.shop.db.writing() as session:
        work.enqueue(session, notify.ROUND, "now", at=waiting.clock.now)
    while work.perform_next(slow, HANDLERS):
        pass
    look_round(waiting)

    assert mailer.subjects() == ["Now on sale: Exit Stalin"]
    assert addresses_kept(waiting) == []


def test_many_who_ask_at_once_are_noted_once(waiting: Scene) -> None:
    with waiting.shop.db.reading() as session:
        edition_id = session.scalars(select(Edition.id).where(Edition.isbn == EBOOK)).one()
    ready = Barrier(4)

    def ask(country: str) -> None:
        ready.wait()
        with waiting.shop.db.writing() as session:
            notify.ask(session, edition_id, ANN, country, waiting.clock.now)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, ("US", "CA", "MX", "JP")))

    assert addresses_kept(waiting) == [ANN]


def test_a_round_asks_once_for_all_books_that_are_awaited_in_a_country(waiting: Scene) -> None:
    def statements() -> int:
        seen: list[str] = []

        def note(*told: object) -> None:
            seen.append(str(told[2]))

        event.listen(waiting.shop.db.read_engine, "before_cursor_execute", note)
        look_round(waiting)
        event.remove(waiting.shop.db.read_engine, "before_cursor_execute", note)
        return len(seen)

    asked(waiting)
    one = statements()
    with waiting.shop.db.writing() as session:
        for number, edition in enumerate(session.scalars(select(Edition)).all()):
            notify.ask(session, edition.id, f"{number}@example.org", "US", waiting.clock.now)
        session.execute(update(RightsSet).values(signed_at=None))
    waiting.clock.forward(minutes=1)

    assert len(addresses_kept(waiting)) == 4
    assert statements() == one


def test_the_letter_says_what_where_and_that_it_is_the_only_one(waiting: Scene) -> None:
    asked(waiting, "Zoë@Example.org ")
    on_sale(waiting, EBOOK, provider_state=ProviderState.ENABLED)
    look_round(waiting)
    (letter,) = waiting.mailer.sent

    assert letter.to == "zoë@example.org"
    for part in (letter.text, letter.html):
        assert f"http://localhost/books/exit-stalin#{EBOOK}" in part
        assert "£36.00" in part
        assert "only e-mail" in part


def test_the_second_click_is_the_first(waiting: Scene) -> None:
    asked(waiting)
    again = asked(waiting, ANN.upper())

    assert again.status_code == 303
    assert addresses_kept(waiting) == [ANN]
    assert "We will tell you once" in waiting.get(f"/notify/{EBOOK}/noted").text


def test_whoever_moves_asks_for_the_country_they_are_in_now(waiting: Scene) -> None:
    asked(waiting)
    waiting.live_in("CA")
    asked(waiting)

    with waiting.shop.db.reading() as session:
        assert list(session.scalars(select(NotifyRequest.country))) == ["CA"]


@pytest.mark.parametrize("typed", ["", "ann", "ann@", "a b@example.org", "x" * 250 + "@example.org"])
def test_what_is_no_address_is_asked_for_again(waiting: Scene, typed: str) -> None:
    answer = asked(waiting, typed)

    assert answer.status_code == 422
    assert "Enter an e-mail address" in answer.text
    assert addresses_kept(waiting) == []


def test_what_is_on_sale_already_leads_to_its_page(waiting: Scene) -> None:
    look, ask = waiting.get(f"/notify/{HARDBACK}"), asked(waiting, isbn=HARDBACK)

    assert look.location == ask.location == f"/books/exit-stalin#{HARDBACK}"
    assert addresses_kept(waiting) == []
    assert waiting.get("/notify/9780000000002").status_code == 404


def test_whoever_has_not_said_where_they_are_is_asked_that_first(scene: Scene) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(RightsSet).values(signed_at=None))
    page = scene.get(f"/notify/{EBOOK}").text

    assert "Choose your country" in page
    assert 'name="email"' not in page
    assert asked(scene).status_code == 303
    assert addresses_kept(scene) == []


def test_a_book_that_is_not_sold_where_the_reader_is_sends_nothing(waiting: Scene) -> None:
    asked(waiting)
    with waiting.shop.db.writing() as session:
        session.execute(update(RightsSet).values(countries="CA"))
    on_sale(waiting, EBOOK, provider_state=ProviderState.ENABLED)
    look_round(waiting)

    assert waiting.mailer.subjects() == []
    assert addresses_kept(waiting) == [ANN]


def test_what_is_gone_again_before_the_letter_is_written_is_waited_for(waiting: Scene) -> None:
    asked(waiting)
    on_sale(waiting, EBOOK, provider_state=ProviderState.ENABLED)
    with waiting.shop.db.writing() as session:
        ending = notify.look_round(work.Job(1, notify.ROUND, "", {}, 1, ""), waiting.shop)
        ending(session)
    on_sale(waiting, EBOOK, provider_state=ProviderState.NOT_ENABLED)
    look_round(waiting)
    meanwhile = waiting.mailer.subjects()
    on_sale(waiting, EBOOK, provider_state=ProviderState.ENABLED)
    waiting.clock.forward(hours=2)
    on_sale(waiting, EBOOK, provider_state=ProviderState.ENABLED)
    look_round(waiting)

    assert meanwhile == []
    assert waiting.mailer.subjects() == ["Now on sale: Exit Stalin"]


def test_an_address_that_refuses_its_letter_for_good_is_forgotten(waiting: Scene) -> None:
    waiting.mailer.bounces.add(ANN)
    asked(waiting)
    asked(waiting, "zoe@example.org")
    on_sale(waiting, EBOOK, provider_state=ProviderState.ENABLED)
    look_round(waiting)
    letters = {row.state: row.last_error for row in waiting.all(WorkRow) if row.kind == notify.LETTER}

    assert [letter.to for letter in waiting.mailer.sent] == ["zoe@example.org"]
    assert addresses_kept(waiting) == []
    assert letters == {WorkState.DONE: None}


def test_an_address_that_cannot_be_reached_today_is_kept_until_it_can(waiting: Scene) -> None:
    waiting.mailer.failures.append(UnavailableError("the mail server is away"))
    asked(waiting)
    on_sale(waiting, EBOOK, provider_state=ProviderState.ENABLED)
    look_round(waiting)
    meanwhile = addresses_kept(waiting), waiting.mailer.subjects()
    waiting.clock.forward(minutes=11)
    look_round(waiting)

    assert meanwhile == ([ANN], [])
    assert waiting.mailer.subjects() == ["Now on sale: Exit Stalin"]
    assert addresses_kept(waiting) == []


def test_nobody_is_remembered_for_more_than_a_year(waiting: Scene) -> None:
    asked(waiting)
    waiting.clock.forward(days=364)
    look_round(waiting)
    within = addresses_kept(waiting)
    waiting.clock.forward(days=2)
    look_round(waiting)

    assert (within, addresses_kept(waiting)) == ([ANN], [])


def test_a_network_that_asks_too_often_is_asked_to_wait(waiting: Scene) -> None:
    answers = [asked(waiting, f"reader-{number}@example.org").status_code for number in range(31)]

    assert answers == [303] * 30 + [429]
    waiting.clock.now += timedelta(hours=1, seconds=1)
    assert asked(waiting).status_code == 303


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "nowhere", False),
    ],
)
def test_a_network_is_what_one_subscriber_has(one: str, other: str, *, are_one: bool) -> None:
    assert (throttle.network_of(one) == throttle.network_of(other)) is are_one


def test_one_address_is_not_filled_in_for_every_book_from_everywhere(waiting: Scene) -> None:
    def from_network(number: int) -> int:
        waiting.client.environ_base["REMOTE_ADDR"] = f"192.0.2.{number}"
        return asked(waiting, ANN.upper() if number % 2 else ANN).status_code

    assert [from_network(number) for number in range(11)] == [303] * 10 + [429]
    assert asked(waiting, "zoe@example.org").status_code == 303


def test_the_round_is_made_by_itself(waiting: Scene) -> None:
    assert notify.ROUND in rounds(waiting.shop.settings)
