"""Letters of the library: the book is ready, here is your code, here is a new link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from shop import mail
from shop.library import signin
from shop.library.models import Entitlement
from shop.library.signin import SignInCode
from shop.orders.letters import post
from shop.orders.models import Order
from shop.services import RefusedError
from shop.work import Ending, Job, nothing_more

if TYPE_CHECKING:
    from shop.services import Shop

LINK_MAIL = "mail.link"


def ready(job: Job, shop: Shop) -> Ending:
    """Work: tell the reader that a book is ready, in which app, and with which address to sign in."""
    with shop.db.reading() as session:
        query = select(Entitlement).where(Entitlement.order_line_id == job.payload["line"])
        entitlement = session.scalars(query).one()
        order, line = entitlement.order, entitlement.line
    if entitlement.revoked_at:
        return nothing_more
    fulfiller = shop.services.fulfillers[line.fulfiller or ""]
    letter = mail.compose(
        shop,
        "ready",
        order.email,
        job.key,
        order=order,
        line=line,
        account=entitlement.email,
        in_app=not entitlement.may_download,
        disclosure=fulfiller.disclosure,
        link=access_link(shop, order),
    )
    return post(shop, letter, order.id)


def code(job: Job, shop: Shop) -> Ending:
    """Work: mail a sign-in code, unless its time is over."""
    with shop.db.reading() as session:
        row = session.scalars(select(SignInCode).where(SignInCode.public_id == job.payload["code"])).one()
    if row.expires_at <= shop.now:
        return nothing_more
    letter = mail.compose(shop, "code", row.email, job.key, code=signin.code_of(shop, row.public_id))
    try:
        shop.services.mailer.send(letter)
    except RefusedError:
        return nothing_more
    return nothing_more


def new_link(job: Job, shop: Shop) -> Ending:
    """Work: mail a new access link to the address an order was placed with."""
    with shop.db.reading() as session:
        order = session.scalar(select(Order).where(Order.link_id == job.payload["link"]))
    if order is None:
        return nothing_more
    letter = mail.compose(shop, "link", order.email, job.key, order=order, link=access_link(shop, order))
    return post(shop, letter, order.id)


def access_link(shop: Shop, order: Order) -> str:
    """The link that opens an order's reading page."""
    return shop.services.links.access(order.link_id, order.link_version, shop.now)
