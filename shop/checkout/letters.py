"""Letters of the checkout: the confirmation of the contract, and money on its way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shop import countries, mail
from shop.catalogue.facts import markup
from shop.library.letters import access_link
from shop.orders.letters import post
from shop.orders.models import Order
from shop.orders.payments import Refund

if TYPE_CHECKING:
    from shop.services import Shop
    from shop.work import Ending, Job


def confirmation(job: Job, shop: Shop) -> Ending:
    """Work: confirm the contract on a durable medium: lines, total, tax, consent, and the terms themselves."""
    with shop.db.reading() as session:
        order = session.get_one(Order, job.payload["order"])
    terms = mail.legal_text(shop, "terms")
    letter = mail.compose(
        shop,
        "confirmation",
        order.email,
        job.key,
        order=order,
        country=countries.name(order.country),
        terms=terms,
        terms_text=markup.lines(terms),
        link=access_link(shop, order),
    )
    return post(shop, letter, order.id)


def refund(job: Job, shop: Shop) -> Ending:
    """Work: tell the reader that money is on its way back, for what and why."""
    with shop.db.reading() as session:
        row = session.get_one(Refund, job.payload["refund"])
        order = session.get_one(Order, row.order_id)
    letter = mail.compose(shop, "refund", order.email, job.key, order=order, refund=row)
    return post(shop, letter, order.id)
