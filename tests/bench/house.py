"""The house under measure: a fresh database and two servers, in a folder that is gone afterwards."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shop import settings as configuration
from shop.outside import connect
from tests.bench import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shop.services import Shop

PATIENCE_SECONDS = 30
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens and what its first process is."""

    port: int
    process: int


@dataclass(frozen=True, slots=True)
class House:
    """Both servers, and the shop's database seen from here."""

    shop: Shop
    web: Server
    stripe: Server

    @property
    def webhook_secret(self) -> str:
        """By which Stripe's notices are signed."""
        return self.shop.settings.stripe_webhook_secrets[0]

    @property
    def database(self) -> str:
        """The shop's SQLite file."""
        return self.shop.settings.database_url.removeprefix("sqlite:///")


@contextmanager
def opened() -> Iterator[House]:
    """Build the catalogue, start the servers, and stop them at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="frontlist-bench-")))
        web, stripe = _free_port(), _free_port()
        named = environment(folder, web, stripe)
        shop = connect(configuration.load(named))
        stack.callback(shop.db.close)
        catalogue.build(shop)
        sandbox = ["integrations.sandbox.stripe", "--port", str(stripe), "--db", str(folder / "stripe.db"), "--quiet"]
        serving = stack.enter_context(_served(["tests.bench.served", str(web)], web, named))
        selling = stack.enter_context(_served(sandbox, stripe, named))
        yield House(shop, serving, selling)


def environment(folder: Path, web: int, stripe: int) -> dict[str, str]:
    """Settings of a shop that keeps everything in a folder."""
    settings = {
        "public_base_url": f"http://127.0.0.1:{web}",
        "secret_keys": secrets.token_urlsafe(48),
        "watermark_secret": secrets.token_urlsafe(48),
        "database_url": f"sqlite:///{folder / 'shop.db'}",
        "files_dir": str(folder / "files"),
        "stripe_secret_key": "sk_test_sandbox_bench",
        "stripe_webhook_secrets": f"whsec_{secrets.token_hex(24)}",
        "stripe_api_base": f"http://127.0.0.1:{stripe}",
        "glassboxx_base_url": "http://127.0.0.1:9/rest/V1",
        "glassboxx_username": "nobody",
        "glassboxx_password": "asks",
        "glassboxx_vendor_id": "42",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FRONTLIST_")}
    return kept | {f"FRONTLIST_{name.upper()}": value for name, value in settings.items()}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _served(module: list[str], port: int, environment: Mapping[str, str]) -> Iterator[Server]:
    process = subprocess.Popen([sys.executable, "-m", *module], env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_SECONDS)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"nothing listens on port {port}: the server did not start")
