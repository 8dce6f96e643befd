"""Letters about an order: handed to the mail server by a worker; an address that refuses them is a staff matter."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from shop.db import insert_if_absent
from shop.orders.models import Attention
from shop.services import RefusedError
from shop.work import Ending, nothing_more

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from shop.mail import Letter
    from shop.services import Shop

MAIL_BOUNCED = "MAIL_BOUNCED"


def post(shop: Shop, letter: Letter, order_id: int) -> Ending:
    """Send a letter about an order; when its address does not take mail, tell staff instead of trying for ever."""
    try:
        shop.services.mailer.send(letter)
    except RefusedError as error:
        return partial(_bounced, order_id, letter.subject, str(error), shop.now)
    return nothing_more


def _bounced(order_id: int, subject: str, why: str, at: datetime, session: Session) -> None:
    insert_if_absent(
        session,
        Attention,
        code=MAIL_BOUNCED,
        subject=f"order:{order_id}:{subject}"[:200],
        order_id=order_id,
        detail=f'The mail "{subject}" did not arrive: {why}. Find another way to reach the reader.',
        raised_at=at,
    )
