"""The warehouse: a despatch file out, a despatch notice in, a mail to each reader whose books have left.

The file out is CSV, one line a paid order line that can be sent; a line is asked for once, in one file. The
notice back names our `despatch_line` with the day, the carrier and the tracking number.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import or_, select

from shop import mail, work
from shop.catalogue.models import Edition
from shop.db import insert_if_absent
from shop.despatch.models import Despatch
from shop.library.letters import access_link
from shop.orders.letters import post
from shop.orders.models import Attention, Order, OrderLine, OrderStatus
from shop.orders.payments import Refund

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from shop.services import Shop
    from shop.work import Ending, Job

DESPATCHED_MAIL = "mail.despatched"
STOP_REQUESTED = "STOP_REQUESTED"
COLUMNS = (
    "despatch_line",
    "order_number",
    "isbn",
    "title",
    "quantity",
    "name",
    "street",
    "street2",
    "city",
    "region",
    "postcode",
    "country",
)
NOTICE_COLUMNS = ("despatch_line", "despatched_on", "carrier", "tracking")


@dataclass(slots=True)
class NoticeReport:
    """What came of a despatch notice: how many lines left, how many were known, and what was wrong where."""

    despatched: int = 0
    known: int = 0
    problems: list[str] = field(default_factory=list)


def ask_for_despatch(session: Session, now: datetime) -> str | None:
    """Ask the warehouse for every paid line that can be sent and has not been asked for; the file's name, if any."""
    session.scalars(lines_to_send(now).with_for_update(of=OrderLine)).all()
    # Whoever paid one back, or asked for it, while we waited for the lock is seen only by a second look.
    lines = session.scalars(lines_to_send(now)).all()
    if not lines:
        return None
    name = f"despatch-{now:%Y%m%d-%H%M%S-%f}.csv"
    session.add_all(
        Despatch(
            order_line_id=line.id,
            reference=f"{line.order.number}-{line.position + 1}",
            file=name,
            requested_at=now,
        )
        for line in lines
    )
    session.flush()
    return name


def despatch_file(session: Session, name: str) -> str:
    """The CSV of that name; it can be had again at any time, and is the same."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for despatch in session.scalars(select(Despatch).where(Despatch.file == name).order_by(Despatch.id)):
        writer.writerow(_row(despatch))
    return out.getvalue()


def take_notice(session: Session, text: str, now: datetime) -> NoticeReport:
    """Take in a despatch notice; a bad line is reported with its number, and the others go in."""
    report = NoticeReport()
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff").replace("\0", "")))
    missing = [name for name in NOTICE_COLUMNS if name not in (rows.fieldnames or [])]
    if missing:
        report.problems.append(f"Line 1: the notice has no column {', '.join(missing)}.")
        return report
    left: dict[tuple[int, date], list[int]] = defaultdict(list)
    try:
        for row in rows:
            try:
                if line := _leave(session, row, now, report):
                    left[line.order_id, line.despatched_on or now.date()].append(line.id)
            except (ValueError, OverflowError) as error:
                report.problems.append(f"Line {rows.line_num}: {error}")
    except csv.Error as error:
        report.problems.append(f"Line {rows.line_num + 1}: {error}; nothing after it was read.")
    for (order, on), lines in left.items():
        key = f"order:{order}:{on}:{min(lines)}"
        work.enqueue(session, DESPATCHED_MAIL, key, at=now, payload={"order": order, "on": str(on), "lines": lines})
    return report


def stop(session: Session, line: OrderLine, at: datetime) -> None:
    """Leave staff the task of stopping a parcel that was asked for and is paid back, unless it has left."""
    despatch = session.scalar(select(Despatch).where(Despatch.order_line_id == line.id))
    if despatch is None or line.despatched_on is not None:
        return
    insert_if_absent(
        session,
        Attention,
        code=STOP_REQUESTED,
        subject=f"line:{line.id}",
        order_id=line.order_id,
        detail=f"Ask the warehouse to stop {despatch.reference}, {line.described}: its money goes back. "
        "Note here whether they could.",
        raised_at=at,
    )


def despatched_letter(job: Job, shop: Shop) -> Ending:
    """Work: tell a reader which books have left, and how to follow them."""
    with shop.db.reading() as session:
        order = session.get_one(Order, job.payload["order"])
        on = date.fromisoformat(job.payload["on"])
        left = [line for line in order.lines if line.id in job.payload["lines"]]
    letter = mail.compose(
        shop,
        "despatched",
        order.email,
        job.key,
        order=order,
        left=left,
        on=on,
        link=access_link(shop, order),
    )
    return post(shop, letter, order.id)


def lines_to_send(now: datetime) -> Select[OrderLine]:
    """The paid lines that can be sent and have not been asked for, oldest first."""
    asked = select(Despatch.order_line_id)
    returned = select(Refund.order_line_id).where(Refund.order_line_id.is_not(None))
    return (
        select(OrderLine)
        .join(Order)
        .join(Edition, Edition.id == OrderLine.edition_id)
        .where(
            Order.status == OrderStatus.PAID,
            OrderLine.is_digital.is_(False),
            OrderLine.declined_at.is_(None),
            OrderLine.id.not_in(asked),
            OrderLine.id.not_in(returned),
            or_(Edition.publication_date.is_(None), Edition.publication_date <= now.date()),
        )
        .order_by(Order.paid_at, OrderLine.id)
    )


def _row(despatch: Despatch) -> Iterator[str]:
    line, order = despatch.line, despatch.line.order
    address = order.address or {}
    yield from (despatch.reference, order.number, line.isbn, _guarded(line.title), str(line.quantity))
    yield _guarded(order.name)
    yield from (_guarded(address.get(name, "")) for name in ("street", "street2", "city", "region", "postcode"))
    yield order.country


def _guarded(text: str) -> str:
    """A spreadsheet must not take a reader's text for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _leave(session: Session, row: dict[str, str | None], now: datetime, report: NoticeReport) -> OrderLine | None:
    reference = (row["despatch_line"] or "").strip()
    despatch = session.scalar(select(Despatch).where(Despatch.reference == reference).with_for_update())
    if despatch is None:
        raise ValueError(f"we asked for no despatch line {reference!r}.")
    on = _day(row["despatched_on"])
    if on > now.date():
        raise ValueError(f"{on} is not over yet.")
    if not despatch.leave(on, (row["carrier"] or "").strip()[:60], (row["tracking"] or "").strip()[:120], now):
        report.known += 1
        return None
    report.despatched += 1
    return despatch.line


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError:
        raise ValueError(f"{text!r} is not a day written YYYY-MM-DD.") from None
