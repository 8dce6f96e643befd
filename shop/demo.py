"""The demo: a whole shop on this machine, with sandboxes for everything outside, until you press Ctrl-C."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from sqlalchemy import select

from shop import migrations
from shop import settings as configuration
from shop.catalogue.intake import importer
from shop.catalogue.models import Edition, RightsSet
from shop.library import fulfilment
from shop.outside import connect
from shop.settings import assets
from shop.staff import access
from shop.storage import master

if TYPE_CHECKING:
    import argparse

    from shop.services import Shop

STAFF = "staff@example-press.test"
NOT_ENABLED = "9781631498305"
PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each part listens, on 127.0.0.1."""

    shop: int
    stripe: int
    glassboxx: int
    mailbox: int
    smtp: int


def describe(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--dir", type=Path, default=Path("var/demo"), help="where the demo keeps everything")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier demo left there")
    parser.add_argument("--database-url", help="a PostgreSQL database instead of SQLite")
    parser.add_argument("--port", type=int, default=8000, help="of the shop")
    parser.add_argument("--stripe-port", type=int, default=4242)
    parser.add_argument("--glassboxx-port", type=int, default=4343)
    parser.add_argument("--mailbox-port", type=int, default=8025)
    parser.add_argument("--smtp-port", type=int, default=2525)


def run(options: argparse.Namespace) -> int:
    """Prepare everything, start everything, say where it is, and stop it all at the end."""
    ports = Ports(options.port, options.stripe_port, options.glassboxx_port, options.mailbox_port, options.smtp_port)
    if taken := [port for port in _numbers(ports) if _is_taken(port)]:
        print(f"Something listens on port {', '.join(map(str, taken))} already; see `frontlist demo --help`.")
        return 1
    folder = options.dir.resolve()
    if options.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["FRONTLIST_CONFIG"] = str(_settings_file(folder, ports, options.database_url))
    shop = connect(configuration.load())
    password, secret = _seed(shop, folder)
    shop.db.close()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    processes = _start(folder, ports, shop.settings.stripe_webhook_secrets[0], shop)
    try:
        _wait_for(ports, processes)
        _say(ports, password, secret)
        return _watch(processes)
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(processes)


def _numbers(ports: Ports) -> list[int]:
    return [ports.shop, ports.stripe, ports.glassboxx, ports.mailbox, ports.smtp]


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _settings_file(folder: Path, ports: Ports, database_url: str | None) -> Path:
    """Settings with fresh secrets; an earlier demo's secrets are kept, so that its links go on working."""
    path, secrets_path = folder / "settings.toml", folder / "secrets.txt"
    if not secrets_path.exists():
        secrets_path.touch(mode=0o600)
        fresh = (secrets.token_urlsafe(48), f"whsec_{secrets.token_hex(24)}", secrets.token_urlsafe(48))
        secrets_path.write_text("\n".join(fresh))
    key, webhook, mark = secrets_path.read_text().split()
    values = {
        "shop_name": "Example Press",
        "public_base_url": f"http://127.0.0.1:{ports.shop}",
        "listen_port": ports.shop,
        "secret_keys": [key],
        "watermark_secret": mark,
        "database_url": database_url or f"sqlite:///{folder / 'shop.db'}",
        "files_dir": str(folder / "files"),
        "stripe_secret_key": "sk_test_sandbox_demo",
        "stripe_webhook_secrets": [webhook],
        "stripe_api_base": f"http://127.0.0.1:{ports.stripe}",
        "glassboxx_base_url": f"http://127.0.0.1:{ports.glassboxx}/rest/V1",
        "glassboxx_username": "frontlist",
        "glassboxx_password": "sandbox-password",
        "glassboxx_vendor_id": "42",
        "mail_port": ports.smtp,
        "bundle_percent_off": 15,
        "provider_check_seconds": 2,
        "work_idle_seconds": 0.2,
        "ledger_seconds": 30,
        "notify_seconds": 10,
    }
    path.touch(mode=0o600)
    path.write_text("".join(f"{name} = {_toml(value)}\n" for name, value in values.items()))
    return path


def _toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    return str(value) if isinstance(value, int | float) else '"' + str(value).replace("\\", "\\\\") + '"'


def _seed(shop: Shop, folder: Path) -> tuple[str, str]:
    """The schema, the catalogue with its rights signed, the master files, and one member of staff."""
    migrations.upgrade(shop.db)
    examples = assets("config") / "demo"
    importer.import_file(shop, examples / "catalogue.xml")
    for file in examples.glob("*.epub"):
        shop.services.files.put(master(file.stem), file.read_bytes())
        fulfilment.ask_after(shop, file.stem)
    with shop.db.writing() as session:
        for waiting in session.scalars(select(RightsSet).where(RightsSet.signed_at.is_(None))):
            waiting.sign(STAFF, shop.now)
    return _staff(shop, folder)


def _staff(shop: Shop, folder: Path) -> tuple[str, str]:
    kept = folder / "staff.txt"
    with shop.db.writing() as session:
        member = session.scalar(select(access.StaffMember).where(access.StaffMember.email == STAFF))
        if member is None:
            password = secrets.token_urlsafe(12)
            member = access.hire(session, STAFF, "Demo Staff", access.Role.ADMIN, password)
            kept.touch(mode=0o600)
            kept.write_text(password)
        return kept.read_text(), member.totp_secret


def _start(folder: Path, ports: Ports, webhook_secret: str, shop: Shop) -> dict[str, subprocess.Popen[bytes]]:
    python = [sys.executable, "-m"]
    sandbox = [*python, "integrations.sandbox."]
    with shop.db.reading() as session:
        editions = session.scalars(select(Edition).where(Edition.fulfiller == "glassboxx")).all()
        skus = [
            f"{one.sku}:{'not_enabled' if one.sku == NOT_ENABLED else 'enabled'}:{one.work.title}" for one in editions
        ]
    commands = {
        "Stripe sandbox": [
            *sandbox[:-1],
            sandbox[-1] + "stripe",
            *("--port", str(ports.stripe), "--db", str(folder / "stripe.db"), "--quiet"),
            *(
                "--webhook",
                f"http://127.0.0.1:{ports.shop}/webhooks/stripe",
                "--webhook-secret",
                webhook_secret,
            ),
        ],
        "Glassboxx sandbox": [
            *sandbox[:-1],
            sandbox[-1] + "glassboxx",
            *("--port", str(ports.glassboxx), "--db", str(folder / "glassboxx.db"), "--quiet"),
            *(part for sku in skus for part in ("--sku", sku)),
        ],
        "mailbox": [
            *sandbox[:-1],
            sandbox[-1] + "mailbox",
            *("--port", str(ports.mailbox), "--smtp-port", str(ports.smtp)),
            *("--db", str(folder / "mailbox.db"), "--quiet"),
        ],
        "shop": [*python, "shop.cli", "serve"],
        "worker": [*python, "shop.cli", "work"],
    }
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    log = (folder / "log.txt").open("ab")
    return {
        name: subprocess.Popen(command, stdout=log, stderr=log, env=environment)  # noqa: S603 - our own programs
        for name, command in commands.items()
    }


def _wait_for(ports: Ports, processes: dict[str, subprocess.Popen[bytes]]) -> None:
    addresses = [f"http://127.0.0.1:{ports.shop}/health"]
    addresses += [f"http://127.0.0.1:{port}/_sandbox/health" for port in (ports.stripe, ports.glassboxx, ports.mailbox)]
    deadline = time.monotonic() + PATIENCE_SECONDS
    for address in addresses:
        while not _answers(address):
            if ended := [name for name, process in processes.items() if process.poll() is not None]:
                raise SystemExit(f"The {ended[0]} ended; see log.txt in the demo's folder.")
            if time.monotonic() > deadline:
                raise SystemExit(f"{address} does not answer; see log.txt in the demo's folder.")
            time.sleep(0.1)


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=1).ok
    except requests.RequestException:
        return False


def _say(ports: Ports, password: str, secret: str) -> None:
    print(
        f"""
The shop is open.

  Shop       http://127.0.0.1:{ports.shop}/
  Staff      http://127.0.0.1:{ports.shop}/staff/
               {STAFF}
               password  {password}
               code      from an authenticator with the secret {secret},
                         or: FRONTLIST_CONFIG={os.environ["FRONTLIST_CONFIG"]} .venv/bin/frontlist staff-code {STAFF}
  Mailbox    http://127.0.0.1:{ports.mailbox}/       every mail the shop sends
  Stripe     http://127.0.0.1:{ports.stripe}/       pay with 4242 4242 4242 4242, be declined with 4000 0000 0000 0002
  Glassboxx  http://127.0.0.1:{ports.glassboxx}/       enable {NOT_ENABLED} here, and it goes on sale

Press Ctrl-C to close it.
""",
        flush=True,
    )


def _watch(processes: dict[str, subprocess.Popen[bytes]]) -> int:
    """Wait for Ctrl-C; when a part ends by itself, say which."""
    while True:
        for name, process in processes.items():
            if process.poll() is not None:
                print(f"The {name} has ended ({process.returncode}); see log.txt in the demo's folder.")
                return 1
        time.sleep(0.5)


def _stop(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    for process in processes.values():
        process.terminate()
    for process in processes.values():
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
