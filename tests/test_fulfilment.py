"""A paid ebook reaches its reader once, whatever the provider answers, or does not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from shop.catalogue.models import Edition, ProviderState
from shop.library import fulfilment
from shop.library.models import Delivery, Entitlement, Place, Submission
from shop.orders.models import Attention
from shop.orders.payments import Refund
from shop.services import RefusedError, RepeatRefusedError, UnavailableError, UnknownOutcomeError
from shop.staff.access import Role
from shop.work import WorkRow, WorkState
from tests.makers import EBOOK, EPUB, HARDBACK, Scene

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def paid(scene: Scene, *isbns: str, consent: bool = True) -> str:
    """An order that is paid, of which nothing has been done yet but the settling."""
    public_id = scene.buy(*isbns, consent=consent)
    scene.get(f"/orders/{public_id}")
    return public_id


def test_the_ebook_is_granted_with_exactly_the_readers_address_and_the_mail_says_so(scene: Scene) -> None:
    order = scene.order(paid(scene, EBOOK))
    scene.work()

    (granted,) = scene.provider.granted
    assert (granted.email, granted.sku, granted.order_number) == ("ann@example.com", EBOOK, order.number)
    ready = next(letter for letter in scene.mailer.sent if letter.subject == "Ready to read: Exit Stalin")
    assert "Glassboxx app" in ready.text
    assert "    ann@example.com" in ready.text


def test_an_outage_is_waited_out(scene: Scene) -> None:
    paid(scene, EBOOK)
    scene.provider.failures = [UnavailableError("maintenance")] * 3

    for _ in range(6):
        scene.work()
        scene.clock.forward(minutes=1)

    assert len(scene.provider.granted) == 1
    assert [submission.may_be_doubled for submission in scene.all(Submission)] == [False] * 4
    assert "Ready to read: Exit Stalin" in scene.mailer.subjects()


def test_a_lost_answer_is_recorded_and_sent_again_under_the_same_number(scene: Scene) -> None:
    paid(scene, EBOOK)
    scene.provider.lost_answers = [UnknownOutcomeError("connection reset")]

    scene.work()
    assert [one.answer for one in scene.all(Submission)] == [None]
    scene.clock.forward(minutes=1)
    scene.work()

    first, second = scene.provider.granted
    assert (first.order_number, first.sku, first.copy_id) == (second.order_number, second.sku, second.copy_id)
    assert [one.may_be_doubled for one in scene.all(Submission)] == [False, True]
    assert len([subject for subject in scene.mailer.subjects() if subject.startswith("Ready")]) == 1


def test_a_repeat_that_is_refused_leaves_the_first_order_standing_for_staff_to_see(scene: Scene) -> None:
    public_id = paid(scene, EBOOK)
    scene.provider.lost_answers = [UnknownOutcomeError("connection reset")]
    scene.provider.refuses_repeats = True
    scene.work()
    scene.clock.forward(minutes=1)
    scene.work()

    (entitlement,) = scene.all(Entitlement)
    (attention,) = scene.all(Attention)
    assert entitlement.fulfilled_at
    assert not entitlement.refused_at
    assert scene.all(Refund) == []
    assert (attention.code, attention.order_id) == ("REPEAT_REFUSED", scene.order(public_id).id)
    assert "we have this order" in attention.detail
    assert [one.answer for one in scene.all(Submission)] == [None, "refused as a repeat: we have this order"]
    assert "Ready to read: Exit Stalin" in scene.mailer.subjects()


def test_the_same_words_to_a_first_order_are_a_refusal(scene: Scene) -> None:
    paid(scene, EBOOK)
    scene.provider.failures = [RepeatRefusedError("we have this order")]
    scene.work()

    (entitlement,) = scene.all(Entitlement)
    assert entitlement.refused_at
    assert len(scene.all(Refund)) == 1


def test_a_plain_no_to_a_repeat_is_a_no(scene: Scene) -> None:
    """That the answer before was lost proves nothing: the provider says that it will not deliver."""
    paid(scene, EBOOK)
    scene.provider.lost_answers = [UnknownOutcomeError("connection reset")]
    scene.work()
    scene.clock.forward(minutes=1)
    scene.provider.failures = [RefusedError("SKU belongs to another vendor")]
    scene.work()

    (entitlement,) = scene.all(Entitlement)
    assert (entitlement.fulfilled_at, entitlement.refused_because) == (None, "SKU belongs to another vendor")
    assert len(scene.all(Refund)) == 1
    assert "REPEAT_REFUSED" not in [matter.code for matter in scene.all(Attention)]


def granted(**fields: object) -> Entitlement:
    return Entitlement(order_line_id=1, copy_id="c", email="ann@example.com", sessions_allowed=1, **fields)


FULFILLED, REFUSED, REVOKED = ({name: NOON} for name in ("fulfilled_at", "refused_at", "revoked_at"))


@pytest.mark.parametrize("end", [FULFILLED, REFUSED, REVOKED], ids=["delivered", "refused", "taken back"])
def test_what_has_come_to_an_end_is_neither_delivered_nor_refused_any_more(end: dict[str, datetime]) -> None:
    entitlement = granted(**end)
    later = NOON + timedelta(days=1)
    is_delivered = entitlement.fulfil(Delivery(Place.APP), later)
    entitlement.refuse("too late", later)

    assert is_delivered is False
    assert (entitlement.fulfilled_at, entitlement.refused_at) == (end.get("fulfilled_at"), end.get("refused_at"))
    assert entitlement.refused_because is None


def test_what_is_taken_back_twice_was_taken_back_the_first_time() -> None:
    entitlement = granted(**FULFILLED)
    answers = [entitlement.revoke(why, NOON + timedelta(days=day)) for day, why in enumerate(("asked for", "again"))]

    assert answers == [True, False]
    assert (entitlement.revoked_at, entitlement.revoked_because) == (NOON, "asked for")


def test_sending_again_can_be_left_to_staff(scene: Scene) -> None:
    object.__setattr__(scene.shop.settings, "glassboxx_resend_unknown", False)
    paid(scene, EBOOK)
    scene.provider.lost_answers = [UnknownOutcomeError("connection reset")]

    scene.work()
    scene.clock.forward(minutes=1)
    scene.work()

    assert len(scene.provider.granted) == 1
    dead = [row for row in scene.all(WorkRow) if row.kind == "deliver"]
    assert [(row.state, "staff decide" in (row.last_error or "")) for row in dead] == [(WorkState.DEAD, True)]


def test_a_definite_no_gives_the_money_back_and_stops(scene: Scene) -> None:
    public_id = paid(scene, EBOOK, HARDBACK)
    scene.provider.failures = [RefusedError("Product not enabled")]

    scene.work()
    scene.clock.forward(days=1)
    scene.work()

    assert scene.provider.granted == []
    (refund,) = scene.all(Refund)
    assert refund.minor == 3600
    assert "£36.00 is on its way back" in scene.mailer.subjects()
    assert "Refunded" in scene.get(f"/orders/{public_id}").text


def test_without_the_tick_the_ebook_comes_after_fourteen_days(scene: Scene) -> None:
    public_id = paid(scene, EBOOK, consent=False)
    scene.work()
    assert scene.provider.granted == []
    assert "9 December 2026" in scene.get(f"/orders/{public_id}").text

    scene.clock.forward(days=14, minutes=1)
    scene.work()

    assert len(scene.provider.granted) == 1


def test_a_preordered_ebook_is_sent_for_on_the_day_it_is_published(scene: Scene) -> None:
    tomorrow = date(2026, 11, 26)
    scene.provider.states[EBOOK] = ProviderState.PREORDER
    with scene.shop.db.writing() as session:
        changed = {"publication_date": tomorrow, "provider_state": ProviderState.PREORDER}
        session.execute(update(Edition).where(Edition.isbn == EBOOK).values(**changed))
    paid(scene, EBOOK)
    scene.work()
    assert scene.provider.granted == []

    scene.clock.forward(hours=12, minutes=1)
    scene.work()

    assert len(scene.provider.granted) == 1
    (row,) = [row for row in scene.all(WorkRow) if row.kind == "deliver"]
    assert row.attempts == 1, "waiting does not count as trying"


def test_a_refund_while_the_provider_is_away_is_never_delivered(scene: Scene) -> None:
    public_id = paid(scene, EBOOK)
    scene.provider.failures = [UnavailableError("maintenance")]
    scene.work()
    scene.sign_in_as_staff(Role.FINANCE)
    line = scene.order(public_id).lines[0]

    answer = scene.post(f"/staff/orders/{public_id}/lines/{line.id}/refund", reason="asked for it")
    assert answer.status_code == 303
    scene.clock.forward(minutes=5)
    scene.work()

    assert scene.provider.granted == []
    assert len(scene.all(Refund)) == 1


def test_a_refund_of_a_book_in_the_app_leaves_staff_the_task_of_removing_it(scene: Scene) -> None:
    public_id = paid(scene, EBOOK)
    scene.work()
    scene.sign_in_as_staff()
    line = scene.order(public_id).lines[0]

    for _ in range(2):
        scene.post(f"/staff/orders/{public_id}/lines/{line.id}/refund", reason="asked for it")
    scene.work()

    assert len(scene.gateway.refunds) == 1, "two clicks, one refund"
    assert [matter.code for matter in scene.all(Attention)] == ["REVOCATION_REQUESTED"]


@pytest.mark.parametrize(
    ("state", "wait", "due"),
    [
        (ProviderState.NOT_ENABLED, timedelta(seconds=301), True),
        (ProviderState.NOT_ENABLED, timedelta(seconds=200), False),
        (ProviderState.ENABLED, timedelta(seconds=301), False),
        (ProviderState.ENABLED, timedelta(seconds=3601), True),
    ],
)
def test_ebooks_not_on_sale_are_asked_after_more_often(
    scene: Scene, state: ProviderState, wait: timedelta, due: bool
) -> None:
    checked_at = scene.clock.now
    with scene.shop.db.writing() as session:
        changed = {"provider_state": state, "provider_checked_at": checked_at}
        session.execute(update(Edition).where(Edition.isbn == EBOOK).values(**changed))
    scene.clock.now += wait

    fulfilment.check_providers(None, scene.shop)  # type: ignore[arg-type]

    (ebook,) = [edition for edition in scene.all(Edition) if edition.isbn == EBOOK]
    assert (ebook.provider_checked_at == scene.clock.now) == due


NOT_ASKED_AFTER = {
    "one of print": (HARDBACK, {}),
    "one that is withdrawn": (EBOOK, {"publishing_status": "11"}),
    "one that nobody delivers": (EBOOK, {"fulfiller": None}),
}


@pytest.mark.parametrize(("isbn", "changed"), NOT_ASKED_AFTER.values(), ids=NOT_ASKED_AFTER.keys())
def test_some_editions_are_not_asked_after(scene: Scene, isbn: str, changed: dict[str, object]) -> None:
    with scene.shop.db.writing() as session:
        unknown = {"provider_state": ProviderState.UNCHECKED, "provider_checked_at": None}
        session.execute(update(Edition).where(Edition.isbn == isbn).values(**unknown, **changed))

    fulfilment.check_providers(None, scene.shop)  # type: ignore[arg-type]

    assert next(one.provider_checked_at for one in scene.all(Edition) if one.isbn == isbn) is None


def test_new_ebooks_are_asked_after_at_once_and_before_all_others(scene: Scene) -> None:
    asked: list[str] = []
    scene.provider.states = Noting(asked)
    long_ago = scene.clock.now - timedelta(days=9)
    with scene.shop.db.writing() as session:
        on_sale = {"provider_state": ProviderState.ENABLED, "provider_checked_at": long_ago, "fulfiller": "glassboxx"}
        session.execute(update(Edition).where(Edition.isbn == EPUB).values(**on_sale))
        new = {"provider_state": ProviderState.UNCHECKED, "provider_checked_at": None}
        session.execute(update(Edition).where(Edition.isbn == EBOOK).values(**new))

    fulfilment.check_providers(None, scene.shop)  # type: ignore[arg-type]

    assert asked == [EBOOK, EPUB]


class Noting(dict[str, ProviderState]):
    """What a provider says of each ebook, noting the order in which it is asked."""

    def __init__(self, asked: list[str]) -> None:
        super().__init__()
        self._asked = asked

    def get(self, sku: str, default: ProviderState) -> ProviderState:  # type: ignore[override]
        self._asked.append(sku)
        return default


def test_the_moment_the_provider_enables_a_book_it_can_be_bought(scene: Scene) -> None:
    scene.provider.states[EBOOK] = ProviderState.NOT_ENABLED
    fulfilment.ask_after(scene.shop, EBOOK)
    scene.live_in("US")
    assert "Coming soon" in scene.get("/books/exit-stalin").text

    scene.provider.states[EBOOK] = ProviderState.ENABLED
    fulfilment.ask_after(scene.shop, EBOOK)

    assert "Coming soon" not in scene.get("/books/exit-stalin").text


def test_a_copy_of_our_own_is_made_once_and_is_the_readers(scene: Scene) -> None:
    paid(scene, EPUB)
    scene.work()

    (entitlement,) = scene.all(Entitlement)
    assert entitlement.file is not None
    content = scene.shop.services.files.get(entitlement.file)
    assert content.startswith(b"PK")
    assert scene.all(Submission) == [], "what surely repeats safely needs no record of asking"


def test_nobody_can_hurry_an_ebook_past_the_fourteen_days(scene: Scene) -> None:
    public_id = paid(scene, EBOOK, consent=False)
    scene.sign_in_as_staff()
    (row,) = [row for row in scene.all(WorkRow) if row.kind == "deliver"]

    scene.post(f"/staff/orders/{public_id}/work-rows/{row.id}/again")
    scene.work()

    assert scene.provider.granted == []
