"""The worker: who does each kind of work row, and what work comes round by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shop import work
from shop.catalogue.covers import fetching, jackets
from shop.catalogue.intake import jobs
from shop.catalogue.selling import sellable
from shop.catalogue.waiting import notify
from shop.checkout import inbox, refunding, settlement
from shop.checkout import letters as checkout_letters
from shop.despatch import warehouse
from shop.library import fulfilment, signin
from shop.library import letters as library_letters
from shop.library import models as library_models
from shop.orders import refunds
from shop.reconciliation import ledgers

if TYPE_CHECKING:
    from shop.services import Shop
    from shop.settings import Settings
    from shop.work import Handler

HANDLERS: dict[str, Handler] = {
    inbox.LOOK_INTO: inbox.look_into,
    library_models.DELIVER: fulfilment.deliver,
    refunds.REFUND: refunding.make_refund,
    settlement.CONFIRMATION_MAIL: checkout_letters.confirmation,
    refunding.REFUND_MAIL: checkout_letters.refund,
    fulfilment.READY_MAIL: library_letters.ready,
    signin.CODE_MAIL: library_letters.code,
    library_letters.LINK_MAIL: library_letters.new_link,
    warehouse.DESPATCHED_MAIL: warehouse.despatched_letter,
    notify.LETTER: notify.letter,
    notify.ROUND: notify.look_round,
    jobs.IMPORT: jobs.take_in,
    jobs.FORGET: jobs.forget,
    jackets.FETCH: fetching.fetch,
    sellable.ROUND: sellable.note_day,
    "sweep": settlement.sweep,
    "check-providers": fulfilment.check_providers,
    "fetch-ledger": ledgers.fetch,
}
"""Who does each kind of work row."""
UNHURRIED = frozenset({jackets.FETCH})
"""Kinds of which an import notes thousands, a second or more of work each: no reader shall wait behind them."""


def rounds(settings: Settings) -> dict[str, int]:
    """Work that comes round by itself: its kind, and every how many seconds."""
    return {
        "sweep": settings.sweep_seconds,
        "check-providers": min(settings.provider_check_seconds, settings.provider_recheck_seconds),
        "fetch-ledger": settings.ledger_seconds,
        notify.ROUND: settings.notify_seconds,
        sellable.ROUND: sellable.A_DAY,
    }


def run(shop: Shop, stop: work.Stop) -> None:
    """Do work rows until told to stop, and see that the rounds are made."""
    work.run(shop, HANDLERS, rounds(shop.settings), stop, UNHURRIED)
