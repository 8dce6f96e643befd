"""A reader mistyped the address, and staff put it right: every book goes along, and old links go out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from shop.checkout.correcting import MOVE_REQUESTED
from shop.library.models import Entitlement, Submission
from shop.orders.models import Attention
from shop.reconciliation import cases
from shop.services import UnknownOutcomeError
from shop.staff.access import Role
from shop.staff.audit import AuditEntry
from shop.work import WorkRow
from tests.makers import EBOOK, EPUB, HARDBACK, Scene
from tests.test_library import bought, mailed_link, press_download

if TYPE_CHECKING:
    from collections.abc import Callable

    from shop.catalogue.models import ProviderState
    from shop.catalogue.selling.disclosure import Disclosure
    from shop.library.fulfilment import Consignment
    from shop.library.models import Delivery
    from tests.fakes import FakeApp

RIGHT = "ann@example.org"
WRONG = "ann@example.com"


def correct(scene: Scene, public_id: str, email: str = RIGHT) -> int:
    return scene.post(f"/staff/orders/{public_id}/address", email=email).status_code


def paid(scene: Scene, *isbns: str) -> str:
    """An order that is paid, of which nothing has been delivered."""
    public_id = scene.buy(*isbns)
    scene.get(f"/orders/{public_id}")
    return public_id


def addresses(scene: Scene) -> list[str]:
    return [one.email for one in scene.all(Entitlement)]


def test_the_order_is_confirmed_to_the_right_address_and_old_links_open_nothing(scene: Scene) -> None:
    public_id = bought(scene, EPUB)
    old = mailed_link(scene)
    letters = len(scene.mailer.sent)
    scene.sign_in_as_staff(Role.SUPPORT)

    answer = correct(scene, public_id, f"  {RIGHT.upper()} ")
    scene.work()
    new = mailed_link(scene)

    assert answer == 303
    assert [(one.to, one.subject.split(" ")[0]) for one in scene.mailer.sent[letters:]] == [(RIGHT, "Your")]
    assert (scene.get(old).status_code, press_download(scene, new).status_code) == (410, 303)
    assert addresses(scene) == [RIGHT]
    assert [one.detail for one in scene.all(AuditEntry) if one.action == "correct address"] == [f"{WRONG} to {RIGHT}"]
    assert scene.all(Attention) == []


def test_what_is_not_delivered_yet_goes_to_the_right_address(scene: Scene) -> None:
    public_id = paid(scene, EBOOK, EPUB, HARDBACK)
    scene.sign_in_as_staff()
    correct(scene, public_id)
    scene.work()

    assert [one.email for one in scene.provider.granted] == [RIGHT]
    assert {one.to for one in scene.mailer.sent} == {RIGHT}
    assert scene.all(Attention) == []


def test_a_book_in_the_app_stays_under_the_old_address_until_the_provider_has_moved_it(scene: Scene) -> None:
    public_id = bought(scene, EBOOK)
    scene.sign_in_as_staff()
    correct(scene, public_id)
    scene.work()
    before = scene.get(mailed_link(scene)).text
    (matter,) = scene.all(Attention)
    scene.post(f"/staff/matters/{matter.id}/resolve", note="Glassboxx moved it, ticket 12")
    after = scene.get(mailed_link(scene)).text
    with scene.shop.db.reading() as session:
        (fact,) = cases.books(session, scene.clock.now).ebooks

    assert (matter.code, WRONG in matter.detail, RIGHT in matter.detail) == (MOVE_REQUESTED, True, True)
    assert (f">{WRONG}<" in before, f">{RIGHT}<" in before) == (True, False)
    assert (f">{WRONG}<" in after, f">{RIGHT}<" in after) == (False, True)
    assert fact.email == WRONG, "as the provider's statement has it"


def test_a_book_whose_delivery_was_never_answered_may_be_under_the_old_address(scene: Scene) -> None:
    public_id = paid(scene, EBOOK)
    scene.provider.lost_answers = [UnknownOutcomeError("connection reset")]
    scene.work()
    scene.sign_in_as_staff()
    correct(scene, public_id)

    assert addresses(scene) == [WRONG]
    assert [one.code for one in scene.all(Attention)] == [MOVE_REQUESTED]


def test_an_address_that_is_corrected_twice_leaves_one_task_and_corrected_back_none(scene: Scene) -> None:
    public_id = bought(scene, EBOOK)
    scene.sign_in_as_staff()
    correct(scene, public_id, "anne@example.com")
    correct(scene, public_id, RIGHT)
    (task,) = [one for one in scene.all(Attention) if not one.resolved_at]
    correct(scene, public_id, WRONG)

    assert f"from {WRONG} to {RIGHT}" in task.detail
    assert [one for one in scene.all(Attention) if not one.resolved_at] == []
    assert addresses(scene) == [WRONG]


def test_a_book_that_did_not_reach_the_provider_after_all_follows_the_next_correction(scene: Scene) -> None:
    public_id = paid(scene, EBOOK)
    scene.provider.lost_answers = [UnknownOutcomeError("connection reset")]
    scene.work()
    scene.sign_in_as_staff()
    correct(scene, public_id, "anne@example.com")
    with scene.shop.db.writing() as session:
        session.execute(update(Submission).values(answered_at=scene.clock.now, answer="unavailable: 503"))
    correct(scene, public_id)

    assert addresses(scene) == [RIGHT]
    assert [one for one in scene.all(Attention) if not one.resolved_at] == []


def test_a_book_that_was_taken_back_at_the_provider_keeps_the_address_of_its_statement(scene: Scene) -> None:
    public_id = bought(scene, EBOOK)
    scene.sign_in_as_staff()
    line = scene.order(public_id).lines[0]
    scene.post(f"/staff/orders/{public_id}/lines/{line.id}/refund", reason="bought twice")
    correct(scene, public_id)

    assert addresses(scene) == [WRONG]
    assert MOVE_REQUESTED not in [one.code for one in scene.all(Attention)]


class Interrupted:
    """A provider before whose asking, and after the worker has read whom to send the book to, something happens."""

    def __init__(self, app: FakeApp, happens: Callable[[], object]) -> None:
        self._app, self._happens = app, [happens]

    @property
    def disclosure(self) -> Disclosure:
        return self._app.disclosure

    @property
    def repeats_safely(self) -> bool:
        while self._happens:
            self._happens.pop()()
        return self._app.repeats_safely

    def can_deliver(self, isbn: str, sku: str) -> ProviderState:
        return self._app.can_deliver(isbn, sku)

    def deliver(self, consignment: Consignment) -> Delivery:
        return self._app.deliver(consignment)


def test_an_address_that_is_corrected_under_the_workers_hands_is_read_anew(scene: Scene) -> None:
    public_id = paid(scene, EBOOK)
    scene.sign_in_as_staff()
    interrupted = Interrupted(scene.provider, lambda: correct(scene, public_id))
    services = replace(scene.shop.services, fulfillers={**scene.shop.services.fulfillers, "glassboxx": interrupted})
    scene.shop = replace(scene.shop, services=services)
    scene.work()

    assert [one.email for one in scene.provider.granted] == addresses(scene) == [RIGHT]
    assert len(scene.all(Submission)) == 1
    assert scene.all(Attention) == []


@pytest.mark.parametrize(
    ("email", "status"), [("ann", 400), ("", 400), ("ann@example", 400), ("a b@example.org", 400), (WRONG, 303)]
)
def test_what_is_no_address_or_the_same_changes_nothing(scene: Scene, email: str, status: int) -> None:
    public_id = bought(scene, EPUB)
    link, rows = mailed_link(scene), len(scene.all(WorkRow))
    scene.sign_in_as_staff()

    assert correct(scene, public_id, email) == status
    assert (scene.get(link).status_code, len(scene.all(WorkRow))) == (200, rows)
    assert addresses(scene) == [WRONG]


def test_an_order_that_is_not_paid_is_not_corrected(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(EPUB)
    public_id = scene.give_details()
    scene.press_pay(public_id)
    scene.sign_in_as_staff()

    assert correct(scene, public_id) == 409
    assert scene.order(public_id).email == WRONG


def test_a_task_that_was_closed_while_it_stood_on_a_screen_moves_no_book(scene: Scene) -> None:
    public_id = bought(scene, EBOOK)
    scene.sign_in_as_staff()
    correct(scene, public_id, "ann@example.net")
    (seen,) = scene.all(Attention)
    correct(scene, public_id)
    answer = scene.post(f"/staff/matters/{seen.id}/resolve", note="Glassboxx moved it")

    assert answer.status_code == 303
    assert addresses(scene) == [WRONG]
    assert [one.resolved_at is None for one in scene.all(Attention)] == [False, True]
