"""How Alembic meets the shop: on the connection it is handed, with every room's tables in sight."""

from __future__ import annotations

from alembic import context

from shop import throttle, work
from shop.catalogue import models as catalogue
from shop.catalogue.finding import search
from shop.catalogue.intake import jobs, twins
from shop.catalogue.selling import sellable
from shop.catalogue.waiting import notify
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
    jobs,
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
