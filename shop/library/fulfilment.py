"""Fulfilment: a paid ebook is brought to its reader by whoever can deliver it, and what they said is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

import structlog
from sqlalchemy import or_, select

from shop import work
from shop.catalogue.models import Edition, ProviderState
from shop.catalogue.offers import WITHDRAWN_STATUS
from shop.db import insert_if_absent
from shop.library import returns
from shop.library.models import Delivery, Entitlement, Place, Submission
from shop.orders.models import Attention, OrderLine
from shop.services import OutsideError, RefusedError, RepeatRefusedError, UnavailableError
from shop.work import Ending, Job, PostponedError, nothing_more

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from shop.catalogue.selling.disclosure import Disclosure
    from shop.money import Money
    from shop.services import Shop

log = structlog.get_logger()

READY_MAIL = "mail.ready"
CHECKED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Consignment:
    """One copy for one reader, as a provider needs to know it.

    Attributes:
        copy_id: Our opaque name of the copy; the same on every attempt.
        price: What the reader paid for it, tax included.
    """

    order_number: str
    ordered_on: date
    isbn: str
    sku: str
    title: str
    copy_id: str
    email: str
    reader: str
    price: Money


class Fulfiller(Protocol):
    """Brings ebooks to readers."""

    @property
    def disclosure(self) -> Disclosure:
        """What readers are told before they pay."""

    @property
    def repeats_safely(self) -> bool:
        """Whether delivering the same copy twice surely leaves one copy."""

    def can_deliver(self, isbn: str, sku: str) -> ProviderState:
        """Ask whether it could deliver this edition now; raises UnavailableError when it cannot say."""

    def deliver(self, consignment: Consignment) -> Delivery:
        """Deliver one copy.

        Raises:
            RefusedError: never, for the reason given.
            RepeatRefusedError: no, in words that do not rule out that the copy was delivered before.
            UnavailableError: it did not happen, and may later.
            UnknownOutcomeError: it may have happened.
        """


def deliver(job: Job, shop: Shop) -> Ending:
    """Bring one paid ebook to its reader."""
    with shop.db.reading() as session:
        entitlement = _entitlement(session, job.payload["line"])
        if not entitlement.is_preparing:
            return nothing_more
        consignment = _consignment(entitlement)
        edition = session.get_one(Edition, entitlement.line.edition_id)
        fulfiller = shop.services.fulfillers[entitlement.line.fulfiller or ""]
    _wait_for_its_day(entitlement, edition, shop.now)
    submission, is_repeat = (None, False) if fulfiller.repeats_safely else _write_down(job, shop, entitlement)
    try:
        delivery = fulfiller.deliver(consignment)
    except RefusedError as error:
        if is_repeat and isinstance(error, RepeatRefusedError):
            return partial(_take_repeat_refused, job.payload["line"], submission, str(error), shop.now)
        return partial(_take_no, job.payload["line"], submission, str(error), shop.now)
    except UnavailableError as error:
        _answered(shop, submission, f"unavailable: {error}")
        raise
    return partial(_take_delivery, job.payload["line"], submission, delivery, shop.now)


def check_providers(_job: Job, shop: Shop) -> Ending:
    """Ask after the ebooks whose state is due to be asked after, those not on sale yet the most often."""
    with shop.db.reading() as session:
        due = session.scalars(_due_for_check(shop)).all()
    for edition in due:
        ask_after(shop, edition.isbn)
    return nothing_more


def ask_after(shop: Shop, isbn: str) -> None:
    """Ask whether an edition can be delivered now, and write down the answer; no answer changes nothing."""
    with shop.db.reading() as session:
        edition = session.scalar(select(Edition).where(Edition.isbn == isbn))
    fulfiller = shop.services.fulfillers.get(edition.fulfiller or "") if edition else None
    if edition is None or fulfiller is None:
        return
    try:
        state = fulfiller.can_deliver(edition.isbn, edition.sku)
    except OutsideError as error:
        log.warning("provider.no_answer", isbn=isbn, reason=str(error))
        return
    with shop.db.writing() as session:
        row = session.scalars(select(Edition).where(Edition.isbn == isbn).with_for_update()).one()
        row.note_provider_state(state, shop.now)


def _due_for_check(shop: Shop) -> Select[Edition]:
    now, settings = shop.now, shop.settings
    waiting = Edition.provider_checked_at <= now - timedelta(seconds=settings.provider_check_seconds)
    selling = Edition.provider_checked_at <= now - timedelta(seconds=settings.provider_recheck_seconds)
    on_sale = Edition.provider_state == ProviderState.ENABLED
    return (
        select(Edition)
        .where(
            Edition.fulfiller.is_not(None),
            Edition.publishing_status.not_in(WITHDRAWN_STATUS),
            or_(Edition.provider_checked_at.is_(None), ~on_sale & waiting, on_sale & selling),
        )
        .order_by(Edition.provider_checked_at.asc().nulls_first())
        .limit(CHECKED_AT_ONCE)
    )


def _entitlement(session: Session, line_id: int) -> Entitlement:
    return session.scalars(select(Entitlement).where(Entitlement.order_line_id == line_id)).one()


def _consignment(entitlement: Entitlement) -> Consignment:
    line, order = entitlement.line, entitlement.order
    return Consignment(
        order_number=order.number,
        ordered_on=order.placed_at.date(),
        isbn=line.isbn,
        sku=line.sku,
        title=line.title,
        copy_id=entitlement.copy_id,
        email=entitlement.email,
        reader=order.name,
        price=line.total,
    )


def _wait_for_its_day(entitlement: Entitlement, edition: Edition, now: datetime) -> None:
    """An ebook is sent for when its reader may have it and it is published, whoever asks for it sooner."""
    if entitlement.deliver_after > now:
        raise PostponedError(entitlement.deliver_after)
    if edition.publication_date and edition.publication_date > now.date():
        raise PostponedError(datetime.combine(edition.publication_date, datetime.min.time(), UTC))


def _write_down(job: Job, shop: Shop, seen: Entitlement) -> tuple[int, bool]:
    """Record that the provider is about to be asked, and whether an earlier asking was never answered.

    Whoever corrects the reader's address takes the same lock: either the book goes to the new one, or they see that it
    went to the old.
    """
    entitlement_id = seen.id
    with shop.db.writing() as session:
        work.renew(session, job, shop.now + timedelta(seconds=shop.settings.work_lease_seconds))
        locked = select(Entitlement.email).where(Entitlement.id == entitlement_id).with_for_update()
        if session.scalars(locked).one() != seen.email:
            raise PostponedError(shop.now)
        earlier = select(Submission.id).where(
            Submission.entitlement_id == entitlement_id, Submission.answered_at.is_(None)
        )
        doubled = session.scalar(earlier.limit(1)) is not None
        if doubled and not shop.settings.glassboxx_resend_unknown:
            raise RefusedError("an earlier answer was lost, and sending again is switched off: staff decide")
        submission = Submission(entitlement_id=entitlement_id, sent_at=shop.now, may_be_doubled=doubled)
        session.add(submission)
        session.flush()
        return submission.id, doubled


def _answered(shop: Shop, submission: int | None, answer: str) -> None:
    with shop.db.writing() as session:
        _note_answer(session, submission, answer, shop.now)


def _note_answer(session: Session, submission: int | None, answer: str, at: datetime) -> None:
    if submission is not None:
        row = session.get_one(Submission, submission)
        row.answered_at, row.answer = at, answer


def _take_delivery(line_id: int, submission: int | None, delivery: Delivery, at: datetime, session: Session) -> None:
    _note_answer(session, submission, "delivered", at)
    entitlement = session.scalars(
        select(Entitlement).where(Entitlement.order_line_id == line_id).with_for_update(of=Entitlement)
    ).one()
    if entitlement.fulfil(delivery, at):
        work.enqueue(session, READY_MAIL, f"line:{line_id}", at=at, payload={"line": line_id})
    elif delivery.place is Place.APP and entitlement.revoked_at:
        returns.ask_for_revocation(session, entitlement.line, at)


def _take_repeat_refused(line_id: int, submission: int | None, because: str, at: datetime, session: Session) -> None:
    """A copy is refused whose order went out before and whose answer was lost: the first order stands, and staff look.

    Giving the money back would be wrong where the reader has the book; the provider's statement decides later.
    """
    line = session.get_one(OrderLine, line_id)
    _take_delivery(line_id, submission, Delivery(Place.APP), at, session)
    _note_answer(session, submission, f"refused as a repeat: {because}", at)
    insert_if_absent(
        session,
        Attention,
        code="REPEAT_REFUSED",
        subject=f"line:{line_id}",
        order_id=line.order_id,
        detail=(
            f"The answer to the first order of {line.sku} was lost, and the provider refuses a second one: {because}. "
            "We hold the first as delivered. See at the provider that the reader has the book."
        ),
        raised_at=at,
    )


def _take_no(line_id: int, submission: int | None, because: str, at: datetime, session: Session) -> None:
    """A definite no after payment: the money of the line goes back, and staff see why."""
    _note_answer(session, submission, f"refused: {because}", at)
    entitlement = session.scalars(
        select(Entitlement).where(Entitlement.order_line_id == line_id).with_for_update(of=Entitlement)
    ).one()
    entitlement.refuse(because, at)
    returns.take_back(session, entitlement.line, reason=f"The provider refused it: {because}", by="the shop", at=at)
