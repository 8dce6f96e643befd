"""Orders behind the counter: the list with its search, one order with its whole story, and what can be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import abort, render_template, request
from sqlalchemy import String, cast, or_, select

from shop import addresses, countries, work
from shop.catalogue.models import Edition
from shop.catalogue.selling import sellable
from shop.checkout import correcting, settlement
from shop.checkout.inbox import Notice
from shop.despatch import warehouse
from shop.despatch.models import Despatch
from shop.library import returns
from shop.library.models import Entitlement, Submission
from shop.orders import refunds
from shop.orders.models import Attention, Order, OrderLine, OrderStatus
from shop.orders.payments import Payment, PaymentAttempt, Refund
from shop.services import OutsideError
from shop.staff.access import Role
from shop.staff.audit import AuditEntry
from shop.staff.views import bp, me, needs, note
from shop.web import commit_now, db, see_other, the_shop
from shop.work import WorkRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from sqlalchemy import Select
    from werkzeug.wrappers import Response as AnyResponse

PAGE_SIZE = 50
START = "/staff/"
"""Where staff come in, and where alarms stand."""
FILTERS = {
    "all": "All orders",
    "paid": "Paid",
    "waiting": "Waiting for payment",
    "undelivered": "Ebook not delivered",
    "attention": "Needs attention",
}


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """One thing that happened to an order."""

    at: datetime
    what: str
    detail: str = ""


@bp.get("/")
@bp.get("/orders")
def orders() -> str:
    """The orders, newest first, by filter and search."""
    words, chosen = request.args.get("q", "").strip(), request.args.get("show", "all")
    page = max(1, request.args.get("page", 1, type=int))
    query = _filtered(_searched(select(Order).where(Order.status != OrderStatus.DRAFT), words), chosen)
    query = query.order_by(Order.placed_at.desc(), Order.id.desc())
    found = db().scalars(query.limit(PAGE_SIZE + 1).offset(PAGE_SIZE * (page - 1))).all()
    return render_template(
        "staff/orders.html",
        orders=found[:PAGE_SIZE],
        more=len(found) > PAGE_SIZE,
        page=page,
        words=words,
        filters=FILTERS,
        chosen=chosen if chosen in FILTERS else "all",
        lost=sellable.alarm(the_shop(), db()) if request.path == START else (None, []),
    )


@bp.get("/orders/<public_id>")
def order(public_id: str) -> str:
    """One order: its lines and money, its story, and what may be done."""
    found = _get(public_id)
    lines = [
        (line, _entitlement(line), refunds.refund_of(db(), line), _despatch(line), _day_ahead(line))
        for line in found.lines
    ]
    return render_template(
        "staff/order.html",
        order=found,
        country=countries.name(found.country),
        lines=lines,
        payments=db().scalars(select(Payment).where(Payment.order_id == found.id)).all(),
        refunds=db().scalars(select(Refund).where(Refund.order_id == found.id)).all(),
        matters=db().scalars(select(Attention).where(Attention.order_id == found.id)).all(),
        waiting=db().scalars(_work_of(found).where(WorkRow.state != work.WorkState.DONE)).all(),
        story=sorted(_story(found)),
        may_refund=me().may(Role.FINANCE),
    )


@bp.post("/orders/<public_id>/check")
@needs(Role.SUPPORT)
def check_payment(public_id: str) -> AnyResponse:
    """Ask Stripe how the order's payment stands, now."""
    note("check payment", public_id)
    commit_now()
    try:
        settlement.settle(the_shop(), public_id)
    except OutsideError as error:
        abort(503, f"Stripe could not be asked: {error}. Nothing was changed.")
    return _back(public_id)


@bp.post("/orders/<public_id>/address")
@needs(Role.SUPPORT)
def correct_address(public_id: str) -> AnyResponse:
    """Put the reader's e-mail address right."""
    found, email = _get(public_id), addresses.tidy(request.form.get("email", ""))
    if not addresses.is_email(email):
        abort(400, f"“{email}” is not an e-mail address. Nothing was changed.")
    if not found.is_paid:
        abort(409, "The order is not paid; the reader can still give another address.")
    if email != found.email:
        at = note("correct address", public_id, f"{found.email} to {email}")
        correcting.correct_address(db(), found, email, me().email, at)
    return _back(public_id)


@bp.post("/orders/<public_id>/lines/<int:line_id>/refund")
@needs(Role.FINANCE)
def refund_line(public_id: str, line_id: int) -> AnyResponse:
    """Give the money of one line back, and end the reading of it in the same breath."""
    line = _line(_get(public_id), line_id)
    reason = request.form.get("reason", "").strip()
    if not reason:
        abort(400, "Say why the line is refunded; the reader is told.")
    at = note("refund line", public_id, f"{line.described}: {reason}")
    try:
        returns.take_back(db(), line, reason=reason, by=me().email, at=at)
    except refunds.NothingToRefundError as error:
        abort(409, f"Not refunded: {error}.")
    warehouse.stop(db(), line, at)
    return _back(public_id)


@bp.post("/orders/<public_id>/delivery/refund")
@needs(Role.FINANCE)
def refund_delivery(public_id: str) -> AnyResponse:
    """Give the delivery charge back."""
    found = _get(public_id)
    reason = request.form.get("reason", "").strip()
    if not reason:
        abort(400, "Say why the delivery charge is refunded; the reader is told.")
    if not found.delivery:
        abort(409, "No delivery was charged for this order.")
    at = note("refund delivery", public_id, reason)
    try:
        refunds.request_delivery_refund(db(), found, reason=reason, by=me().email, at=at)
    except refunds.NothingToRefundError as error:
        abort(409, f"Not refunded: {error}.")
    return _back(public_id)


@bp.post("/orders/<public_id>/work-rows/<int:row_id>/again")
@needs(Role.SUPPORT)
def work_again(public_id: str, row_id: int) -> AnyResponse:
    """Try a delivery, a mail or a refund again at once."""
    found = _get(public_id)
    row = db().scalar(_work_of(found).where(WorkRow.id == row_id))
    if row is None:
        abort(404, "This order has no such work.")
    at = note("try again", public_id, row.kind)
    work.try_again(db(), row.id, at)
    return _back(public_id)


@bp.post("/orders/<public_id>/lines/<int:line_id>/downloads")
@needs(Role.SUPPORT)
def more_downloads(public_id: str, line_id: int) -> AnyResponse:
    """Give the reader of a file of ours more downloads."""
    entitlement = _entitlement(_line(_get(public_id), line_id))
    if entitlement is None:
        abort(404, "This line has no ebook.")
    entitlement.sessions_allowed += the_shop().settings.download_limit
    note("more downloads", public_id, entitlement.line.described)
    return _back(public_id)


@bp.post("/matters/<int:matter_id>/resolve")
@needs(Role.SUPPORT)
def resolve(matter_id: int) -> AnyResponse:
    """Close something that was put before staff, with a word on why."""
    matter = db().get(Attention, matter_id)
    if matter is None:
        abort(404)
    answer = request.form.get("note", "").strip()
    if not answer:
        abort(400, "Say what was done about it.")
    at = note("resolve", matter.subject, f"{matter.code}: {answer}")
    if matter.code == correcting.MOVE_REQUESTED:
        correcting.note_moved(db(), matter)
    if matter.resolved_at is None:
        matter.resolve(me().email, answer, at)
    found = db().get(Order, matter.order_id) if matter.order_id else None
    return _back(found.public_id) if found else see_other("/staff/reconciliation")


def _get(public_id: str) -> Order:
    found = db().scalar(select(Order).where(Order.public_id == public_id))
    if found is None:
        abort(404, "There is no such order.")
    return found


def _line(found: Order, line_id: int) -> OrderLine:
    line = next((line for line in found.lines if line.id == line_id), None)
    if line is None:
        abort(404, "This order has no such line.")
    return line


def _back(public_id: str) -> AnyResponse:
    return see_other(f"/staff/orders/{public_id}")


def _entitlement(line: OrderLine) -> Entitlement | None:
    return db().scalar(select(Entitlement).where(Entitlement.order_line_id == line.id))


def _day_ahead(line: OrderLine) -> date | None:
    """The day of publication for which a printed book waits, when it is still ahead."""
    published = db().get_one(Edition, line.edition_id).publication_date
    return published if published and published > the_shop().now.date() else None


def _despatch(line: OrderLine) -> Despatch | None:
    return db().scalar(select(Despatch).where(Despatch.order_line_id == line.id))


def _searched(query: Select[Order], words: str) -> Select[Order]:
    """Find by number, address, name, ISBN, or the id of a payment at Stripe."""
    if not words:
        return query
    plain = words.replace("-", "").replace(" ", "")
    by_line = select(OrderLine.order_id).where(
        or_(OrderLine.isbn == plain, OrderLine.title.icontains(words, autoescape=True))
    )
    by_money = select(Payment.order_id).where(or_(Payment.reference == words, Payment.charge == words))
    by_attempt = select(PaymentAttempt.order_id).where(PaymentAttempt.reference == words)
    return query.where(
        or_(
            Order.number == plain.upper(),
            Order.public_id == words,
            Order.email.contains(words.casefold(), autoescape=True),
            Order.name.icontains(words, autoescape=True),
            Order.id.in_(by_line),
            Order.id.in_(by_money),
            Order.id.in_(by_attempt),
        )
    )


def _filtered(query: Select[Order], chosen: str) -> Select[Order]:
    undelivered = (
        select(OrderLine.order_id)
        .join(Entitlement, Entitlement.order_line_id == OrderLine.id)
        .where(Entitlement.fulfilled_at.is_(None), Entitlement.revoked_at.is_(None))
    )
    open_matters = select(Attention.order_id).where(Attention.resolved_at.is_(None), Attention.order_id.is_not(None))
    conditions = {
        "paid": Order.status == OrderStatus.PAID,
        "waiting": Order.status == OrderStatus.AWAITING_PAYMENT,
        "undelivered": Order.id.in_(undelivered),
        "attention": Order.id.in_(open_matters),
    }
    return query.where(conditions[chosen]) if chosen in conditions else query


def _work_of(found: Order) -> Select[WorkRow]:
    """The work rows of an order: by its own id, its lines', its refunds' and its public id."""
    lines = [f"line:{line.id}" for line in found.lines]
    refund_ids = select("refund:" + cast(Refund.id, String)).where(Refund.order_id == found.id)
    return select(WorkRow).where(
        or_(
            WorkRow.key.in_([f"order:{found.id}", *lines]),
            WorkRow.key.startswith(f"order:{found.id}:"),
            WorkRow.key.startswith(f"{found.link_id}:", autoescape=True),
            WorkRow.key.in_(refund_ids),
        )
    )


def _story(found: Order) -> Iterator[Moment]:
    """Everything that happened, from every room."""
    yield Moment(found.placed_at, "Order placed", f"{found.total} to {found.email}")
    if found.expired_at:
        yield Moment(found.expired_at, "Given up", "The payment was not made in time")
    yield from _story_of_money(found)
    for line in found.lines:
        yield from _story_of_line(line)
    for row in db().scalars(_work_of(found).where(WorkRow.done_at.is_not(None), WorkRow.kind.startswith("mail."))):
        if row.done_at:
            yield Moment(row.done_at, "Mail sent", row.kind.removeprefix("mail."))
    for entry in db().scalars(select(AuditEntry).where(AuditEntry.subject == found.public_id)):
        yield Moment(entry.at, f"{entry.by}: {entry.action}", entry.detail)
    for matter in db().scalars(select(Attention).where(Attention.order_id == found.id)):
        yield Moment(matter.raised_at, matter.code, matter.detail)
        if matter.resolved_at:
            yield Moment(matter.resolved_at, f"{matter.code} resolved by {matter.resolved_by}", matter.note or "")


def _story_of_money(found: Order) -> Iterator[Moment]:
    for attempt in db().scalars(select(PaymentAttempt).where(PaymentAttempt.order_id == found.id)):
        yield Moment(attempt.begun_at, "Payment begun", attempt.reference or "Stripe has not answered yet")
    for notice in db().scalars(select(Notice).where(Notice.order_public_id == found.public_id)):
        yield Moment(notice.received_at, "Notice from Stripe", notice.kind)
    for payment in db().scalars(select(Payment).where(Payment.order_id == found.id)):
        yield Moment(payment.received_at, "Paid", f"{payment.amount}, {payment.reference}")
    for refund in db().scalars(select(Refund).where(Refund.order_id == found.id)):
        yield Moment(
            refund.requested_at,
            f"Refund asked for by {refund.requested_by}",
            f"{refund.amount}: {refund.reason}",
        )
        if refund.settled_at:
            yield Moment(refund.settled_at, f"Refund {refund.status}", refund.reference or "")


def _story_of_line(line: OrderLine) -> Iterator[Moment]:
    if line.consent:
        yield Moment(line.consent.ticked_at, "Asked for immediate supply", line.described)
    if line.declined_at:
        yield Moment(line.declined_at, f"{line.described} not sold", line.declined_because or "")
    if entitlement := _entitlement(line):
        yield from _story_of_entitlement(entitlement)
    if despatch := _despatch(line):
        yield Moment(despatch.requested_at, f"{line.described} asked of the warehouse", despatch.file)
        if despatch.noticed_at:
            yield Moment(
                despatch.noticed_at,
                f"{line.described} despatched",
                f"{line.carrier or ''} {line.tracking or ''}",
            )


def _story_of_entitlement(entitlement: Entitlement) -> Iterator[Moment]:
    what = entitlement.line.described
    yield Moment(entitlement.granted_at, f"{what} granted")
    for submission in db().scalars(select(Submission).where(Submission.entitlement_id == entitlement.id)):
        again = "sent again, may be doubled" if submission.may_be_doubled else "sent"
        yield Moment(submission.sent_at, f"{what} {again} to the provider", submission.answer or "outcome unknown")
    if entitlement.fulfilled_at:
        yield Moment(entitlement.fulfilled_at, f"{what} delivered")
    if entitlement.refused_at:
        yield Moment(entitlement.refused_at, f"{what} refused by the provider", entitlement.refused_because or "")
    if entitlement.revoked_at:
        yield Moment(entitlement.revoked_at, f"{what} taken back", entitlement.revoked_because or "")
