"""The demo as the browser tests see it: a whole shop in processes of its own, its addresses, its staff."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tomllib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING

import pyotp

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FIRST_PORT, LAST_PORT = 22000, 29999
CLOSING_SECONDS = 30


@dataclass(frozen=True)
class Demo:
    """A running demo: where its parts listen, how staff come in, where it keeps its files."""

    shop: str
    stripe: str
    glassboxx: str
    mailbox: str
    staff: str
    password: str
    secret: str
    folder: Path

    @property
    def staff_code(self) -> str:
        """What the authenticator of the demo's member of staff shows now."""
        return pyotp.TOTP(self.secret).now()

    @property
    def signing_key(self) -> str:
        """The key that signs the demo's links."""
        keys: list[str] = tomllib.loads((self.folder / "settings.toml").read_text())["secret_keys"]
        return keys[-1]


class NotOpenError(Exception):
    """The demo ended before it was open; it carries what the demo said."""


@contextmanager
def open_demo(folder: Path) -> Iterator[Demo]:
    """Open a demo and close it again; on a busy machine it may run out of its own patience, so it has three tries."""
    with ExitStack() as stack:
        for tries_left in (2, 1, 0):
            try:
                opened = stack.enter_context(_opened_once(folder))
                break
            except NotOpenError:
                if not tries_left:
                    raise
        yield opened


@contextmanager
def _opened_once(folder: Path) -> Iterator[Demo]:
    ports = free_ports(5)
    names = ("--port", "--stripe-port", "--glassboxx-port", "--mailbox-port", "--smtp-port")
    options = [part for name, port in zip(names, ports, strict=True) for part in (name, str(port))]
    command = [sys.executable, "-m", "shop.cli", "demo", "--dir", str(folder), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield _demo(_announcement(process), ports, folder)
        finally:
            process.terminate()
            process.communicate(timeout=CLOSING_SECONDS)


def free_ports(count: int) -> list[int]:
    """Ports on which nothing listens, far from those a developer's own demo takes."""
    candidates = SystemRandom().sample(range(FIRST_PORT, LAST_PORT), 200)
    return list(islice(filter(_is_free, candidates), count))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _announcement(process: subprocess.Popen[str]) -> str:
    """All that the demo says until it is open; it gives up by itself when a part does not start."""
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if "Press Ctrl-C" in line:
            return said
    raise NotOpenError(f"The demo did not open. It said:\n{said}")


def _demo(said: str, ports: list[int], folder: Path) -> Demo:
    shop, stripe, glassboxx, mailbox, _smtp = (f"http://127.0.0.1:{port}" for port in ports)
    staff, password, secret = (
        _found(pattern, said) for pattern in (r"(\S+@\S+)", r"password +(\S+)", r"the secret (\w+)")
    )
    return Demo(shop, stripe, glassboxx, mailbox, staff, password, secret, folder)


def _found(pattern: str, said: str) -> str:
    match = re.search(pattern, said)
    assert match is not None, f"The demo did not say {pattern}:\n{said}"
    return match[1]
