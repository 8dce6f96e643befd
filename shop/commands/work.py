"""Do the work that follows from orders until told to stop."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from shop import logs, worker
from shop import settings as configuration
from shop.commands.opening import refuse_old_schema
from shop.outside import connect
from shop.work import Stop

if TYPE_CHECKING:
    import argparse


def describe(_parser: argparse.ArgumentParser) -> None:
    """Name no options."""


def run(_options: argparse.Namespace) -> int:
    """Work; the unit in hand is ended before it stops."""
    logs.configure()
    shop, stop = connect(configuration.load()), Stop()
    refuse_old_schema(shop.db)
    signal.signal(signal.SIGTERM, stop.set)
    signal.signal(signal.SIGINT, stop.set)
    worker.run(shop, stop)
    return 0
