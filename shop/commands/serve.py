"""Serve the shop's pages until told to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from granian.server import Server

from shop.commands.opening import premises, refuse_old_schema

if TYPE_CHECKING:
    import argparse


def describe(parser: argparse.ArgumentParser) -> None:
    """Name the options."""
    parser.add_argument("--port", type=int, help="instead of listen_port")
    parser.add_argument("--processes", type=int, help="instead of server_processes")


def run(options: argparse.Namespace) -> int:
    """Serve; the processes are granian's, each with a shop of its own."""
    shop = premises()
    refuse_old_schema(shop.db)
    Server(
        "shop.app:create_app",
        factory=True,
        address=shop.settings.listen_host,
        port=options.port or shop.settings.listen_port,
        interface=Interfaces.WSGI,
        workers=options.processes or shop.settings.server_processes,
        blocking_threads=shop.settings.server_threads,
        respawn_failed_workers=True,
        log_level=LogLevels.warning,
        loop=Loops.auto,
    ).serve()
    return 0
