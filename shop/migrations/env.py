"""How Alembic meets the shop: on the connection it is handed, with every room's tables in sight."""

from __future__ import annotations

from alembic import context

from shop import throttle, work
from shop.catalogue import importing, notify, search, sellable, twins
from shop.catalogue import models as catalogue
from shop.checkout import inbox
from shop.db import Base
from shop.despatch import models as despatch
from shop.library import models as library
from shop.library import signin
from shop.orders import consent, models, payments
from shop.reconciliation import ledgers
from shop.staff import access, audit

ROOMS = (
    work,
    throttle,
    catalogue,
    search,
    notify,
    importing,
    sellable,
    twins,
    models,
    payments,
    consent,
    library,
    signin,
    inbox,
    despatch,
    ledgers,
    access,
    audit,
)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
context.config.attributes["connection"].commit()
