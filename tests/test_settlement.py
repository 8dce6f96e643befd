"""Money that came is settled once, whoever asks, however often, in whatever order."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text, update

from shop.catalogue.models import Edition, RightsSet
from shop.checkout import placing, settlement
from shop.checkout.inbox import Notice
from shop.library.models import Entitlement
from shop.money import Money
from shop.orders.models import Attention, OrderLine, OrderStatus
from shop.orders.payments import Payment, PaymentAttempt, Refund, RefundStatus
from shop.services import UnavailableError, UnknownOutcomeError
from shop.work import WorkRow
from tests.makers import EBOOK, EPUB, HARDBACK, Scene

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_paid_order_is_settled_by_its_notice(scene: Scene) -> None:
    public_id = scene.buy(HARDBACK, EBOOK)

    assert scene.knock(public_id).status_code == 200
    assert scene.order(public_id).status == OrderStatus.AWAITING_PAYMENT, "the notice is written down, not believed"
    scene.work()

    order = scene.order(public_id)
    assert order.is_paid
    assert [payment.amount for payment in scene.all(Payment)] == [order.total]
    assert [one.line.isbn for one in scene.all(Entitlement)] == [EBOOK]
    assert scene.mailer.subjects() == [f"Your order {order.number}: Exit Stalin", "Ready to read: Exit Stalin"]


def test_the_confirmation_brings_the_terms_along_in_plain_words(scene: Scene) -> None:
    scene.knock(scene.buy(EPUB))
    scene.work()
    letter = scene.mailer.sent[0]

    assert ">Who sells</h2>" in letter.html
    assert "\n\nWho sells\n\nExample Press Ltd" in letter.text
    assert "<" not in letter.text


def callers(scene: Scene, public_id: str) -> dict[str, Callable[[], object]]:
    """Everybody who settles."""
    return {
        "notice": lambda: (scene.knock(public_id), scene.work()),
        "thanks page": lambda: scene.get(f"/orders/{public_id}"),
        "sweep": lambda: settlement.sweep(None, scene.shop),  # type: ignore[arg-type]
        "staff": lambda: scene.post(f"/staff/orders/{public_id}/check"),
    }


def test_whoever_settles_and_in_whatever_order_it_happens_once(scene: Scene) -> None:
    scene.sign_in_as_staff()
    for number, order_of_callers in enumerate(permutations(["notice", "thanks page", "sweep", "staff"])):
        public_id = scene.buy(EPUB, key=f"visit {number}")
        scene.clock.forward(minutes=3)
        calls = callers(scene, public_id)
        for name in order_of_callers:
            calls[name]()
        scene.work()
        assert scene.order(public_id).is_paid, order_of_callers
        assert len(scene.all(Payment)) == number + 1, order_of_callers
        assert len(scene.all(Entitlement)) == number + 1, order_of_callers
        assert len(scene.mailer.sent) == 2 * (number + 1), order_of_callers


def test_a_notice_that_comes_many_times_is_one_notice(scene: Scene) -> None:
    public_id = scene.buy(EPUB)

    assert {scene.knock(public_id).status_code for _ in range(5)} == {200}
    scene.work()

    assert len(scene.all(Notice)) == 1
    assert len(scene.all(Payment)) == 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"amount": Money(1, "GBP")}, "AMOUNT_MISMATCH"),
        ({"amount": Money(5150, "USD")}, "CURRENCY_MISMATCH"),
        ({"order": "somebody-elses"}, "AMOUNT_MISMATCH"),
    ],
)
def test_money_that_does_not_fit_pays_nothing_and_tells_staff(
    scene: Scene, wrong: dict[str, object], code: str
) -> None:
    scene.live_in("US")
    scene.fill_basket(HARDBACK)
    public_id = scene.give_details()
    scene.gateway.pay(scene.press_pay(public_id), **wrong)  # type: ignore[arg-type]

    scene.knock(public_id)
    scene.work()

    assert not scene.order(public_id).is_paid
    assert [matter.code for matter in scene.all(Attention)] == [code]
    assert scene.mailer.sent == []


def test_a_rehearsal_does_not_pay_a_real_order(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(EPUB)
    public_id = scene.give_details()
    reference = scene.press_pay(public_id)
    scene.gateway.livemode = True
    scene.gateway.pay(reference)

    scene.knock(public_id)
    scene.work()

    assert not scene.order(public_id).is_paid
    assert scene.all(Entitlement) == []


def test_a_notice_for_an_unknown_order_is_kept_and_shown(scene: Scene) -> None:
    body = b'{"id": "evt_9", "kind": "charge.succeeded", "order": "never-heard-of"}'

    assert scene.notice(body).status_code == 200
    scene.work()

    assert [notice.unmatched_at is not None for notice in scene.all(Notice)] == [True]
    scene.sign_in_as_staff()
    assert "never-heard-of" in scene.get("/staff/work").text


@pytest.mark.parametrize("signature", ["", "forged", "t=1,v1=00"])
def test_a_notice_with_a_bad_signature_is_refused_and_not_kept(scene: Scene, signature: str) -> None:
    answer = scene.notice(b'{"id": "evt_1", "kind": "charge.succeeded"}', signature)

    assert answer.status_code == 400
    assert scene.all(Notice) == []


def test_a_right_lost_between_paying_and_settling_gives_the_money_back(scene: Scene) -> None:
    public_id = scene.buy(HARDBACK, EBOOK)
    with scene.shop.db.writing() as session:
        session.execute(update(RightsSet).values(countries="CA JP"))

    scene.knock(public_id)
    scene.work()

    assert scene.all(Entitlement) == []
    assert scene.provider.granted == []
    assert all(line.declined_because for line in scene.all(OrderLine))
    order = scene.order(public_id)
    assert sum(refund.minor for refund in scene.all(Refund)) == order.total.minor, "the delivery charge goes back too"
    assert {refund.status for refund in scene.all(Refund)} == {RefundStatus.SUCCEEDED}


def test_staff_give_money_back_only_with_a_reason_and_delivery_only_once(scene: Scene) -> None:
    public_id = scene.buy(HARDBACK)
    scene.get(f"/orders/{public_id}")
    scene.work()
    scene.sign_in_as_staff()
    order, page = scene.order(public_id), f"/staff/orders/{public_id}"

    for what in ("delivery/refund", f"lines/{order.lines[0].id}/refund"):
        assert scene.post(f"{page}/{what}", reason=" ").status_code == 400, what
    assert scene.all(Refund) == []
    assert "Refund the delivery charge" in scene.get(page).text

    assert scene.post(f"{page}/delivery/refund", reason="It came late").status_code == 303
    scene.work()
    assert [refund.minor for refund in scene.all(Refund)] == [order.delivery.minor]
    assert "Why: It came late" in scene.mailer.sent[-1].text
    assert "Refund the delivery charge" not in scene.get(page).text


def test_a_card_issued_where_the_ebook_may_not_be_sold_is_refunded_before_it_is_granted(scene: Scene) -> None:
    public_id = scene.buy(HARDBACK, EBOOK, card="GB")

    scene.knock(public_id)
    scene.work()

    assert scene.provider.granted == []
    (refund,) = scene.all(Refund)
    assert refund.amount == Money(3600, "GBP"), "the hardback goes where it was declared to"
    assert "£36.00 is on its way back" in scene.mailer.subjects()


def test_an_order_paid_twice_is_delivered_once_and_the_second_payment_goes_back(scene: Scene) -> None:
    public_id = scene.buy(EPUB)
    scene.knock(public_id)
    scene.work()
    first, second = "cs_1", "cs_2"
    with scene.shop.db.writing() as session:
        session.add(
            PaymentAttempt(
                order_id=1,
                number=2,
                reference=second,
                begun_at=scene.clock.now,
                expires_at=scene.clock.now,
            )
        )
    scene.gateway.requests[second] = scene.gateway.requests[first]
    scene.gateway.pay(second)

    settlement.settle(scene.shop, public_id)
    scene.work()

    assert len(scene.all(Payment)) == 2
    (refund,) = scene.all(Refund)
    assert refund.payment.reference == f"pi_{second}"
    assert len(scene.all(Entitlement)) == 1
    assert [matter.code for matter in scene.all(Attention)] == ["DUPLICATE_PAYMENT"]


def test_a_payment_that_is_never_made_gives_the_copies_back(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(HARDBACK)
    public_id = scene.give_details()
    scene.press_pay(public_id)
    assert copies(scene) == 2

    scene.clock.forward(minutes=62)
    settlement.settle(scene.shop, public_id)

    assert scene.order(public_id).status == OrderStatus.EXPIRED
    assert copies(scene) == 3


def test_money_that_comes_after_the_time_ran_out_still_buys_the_book(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(HARDBACK)
    public_id = scene.give_details()
    reference = scene.press_pay(public_id)
    scene.clock.forward(minutes=62)
    with scene.shop.db.writing() as session:
        attempt = session.get_one(PaymentAttempt, 1)
        settlement.take_note(session, scene.shop, attempt.id, scene.gateway.receipt_for(reference))
    assert scene.order(public_id).status == OrderStatus.EXPIRED
    scene.gateway.pay(reference)

    with scene.shop.db.writing() as session:
        settlement.take_note(session, scene.shop, 1, scene.gateway.receipt_for(reference))

    assert scene.order(public_id).is_paid
    assert copies(scene) == 2


def test_a_gateway_that_does_not_answer_changes_nothing(scene: Scene) -> None:
    public_id = scene.buy(EPUB)
    scene.gateway.fail(UnavailableError("away"))

    answer = scene.get(f"/orders/{public_id}")

    assert "We are checking your payment" in answer.text
    assert scene.order(public_id).is_awaiting_payment


def test_a_beginning_whose_answer_was_lost_is_begun_again_by_its_key(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(EPUB)
    public_id = scene.give_details()
    scene.gateway.lose_answer(UnknownOutcomeError("the line went dead"))
    answer = scene.post(f"/checkout/{public_id}/pay", consent="yes")
    assert answer.status_code == 503
    assert "Nothing has been charged" in answer.text

    reference = scene.press_pay(public_id)

    assert list(scene.gateway.requests) == [reference], "one payment was begun, not two"
    assert len(scene.all(PaymentAttempt)) == 1


def test_the_sweep_finds_a_payment_of_which_nobody_told_us(scene: Scene) -> None:
    public_id = scene.buy(EPUB)
    scene.clock.forward(minutes=3)

    settlement.sweep(None, scene.shop)  # type: ignore[arg-type]

    assert scene.order(public_id).is_paid


def test_payment_state_entitlement_and_work_commit_together_or_not_at_all(scene: Scene) -> None:
    public_id = scene.buy(EPUB)
    with scene.shop.db.writing() as session:
        session.execute(text("ALTER TABLE entitlement RENAME TO entitlement_away"))

    with pytest.raises(Exception, match="entitlement"):
        settlement.settle(scene.shop, public_id)

    assert scene.all(Payment) == []
    assert not scene.order(public_id).is_paid
    assert [row.kind for row in scene.all(WorkRow)] == []


def copies(scene: Scene) -> int:
    """Hardbacks on the shelf."""
    return next(edition.stock or 0 for edition in scene.all(Edition) if edition.isbn == HARDBACK)


def test_an_order_that_nobody_pays_any_more_gives_its_copies_back(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(HARDBACK)
    public_id = scene.give_details()
    scene.press_pay(public_id)
    with scene.shop.db.writing() as session:
        session.get_one(PaymentAttempt, 1).ended_at = scene.clock.now
    scene.clock.forward(hours=3)

    with scene.shop.db.writing() as session:
        settlement.sweep(None, scene.shop)(session)  # type: ignore[arg-type]

    assert scene.order(public_id).status == OrderStatus.EXPIRED
    assert copies(scene) == 3


def test_a_payment_begun_for_an_order_that_changed_meanwhile_is_ended_at_once(scene: Scene) -> None:
    scene.live_in("US")
    scene.fill_basket(EPUB)
    public_id = scene.give_details()
    scene.gateway.fail(UnavailableError("away"))
    assert scene.post(f"/checkout/{public_id}/pay").status_code == 503
    with scene.shop.db.writing() as session:
        attempt = session.get_one(PaymentAttempt, 1)
        _ = attempt.order.lines
        attempt.ended_at = scene.clock.now

    with pytest.raises(UnavailableError):
        placing.start_attempt(scene.shop, attempt)

    assert [receipt.standing for receipt in scene.gateway.receipts.values()] == ["expired"]


def test_a_payment_whose_end_we_have_not_heard_of_is_asked_after_before_another_is_begun(scene: Scene) -> None:
    public_id = scene.buy(EPUB)
    scene.clock.forward(hours=2)

    answer = scene.post(f"/checkout/{public_id}/pay")

    assert answer.location == f"/orders/{public_id}"
    assert scene.order(public_id).is_paid
    assert len(scene.gateway.requests) == 1


def test_an_older_answer_about_a_refund_changes_nothing(scene: Scene) -> None:
    public_id = scene.buy(EPUB, card="GB")
    scene.knock(public_id)
    scene.work()
    with scene.shop.db.writing() as session:
        refund = session.get_one(Refund, 1)
        refund.note(RefundStatus.PENDING, "re_late", scene.clock.now)
        assert refund.status == RefundStatus.SUCCEEDED
        refund.note(RefundStatus.FAILED, "re_1", scene.clock.now)
        refund.note(RefundStatus.SUCCEEDED, "re_1", scene.clock.now)
        assert refund.has_failed


def test_two_callers_who_both_heard_that_it_is_paid_settle_it_once(scene: Scene) -> None:
    """Both had asked before either held the order's lock."""
    public_id = scene.buy(EPUB)
    receipt = scene.gateway.receipt_for("cs_1")

    for _ in range(2):
        with scene.shop.db.writing() as session:
            settlement.take_note(session, scene.shop, 1, receipt)
    scene.work()

    assert scene.order(public_id).is_paid
    assert len(scene.all(Payment)) == 1
    assert scene.all(Refund) == [], "it is not taken for a second payment"
    assert scene.all(Attention) == []
