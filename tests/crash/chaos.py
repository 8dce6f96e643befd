"""A line that fails: a proxy between our adapters and a vendor, whose connections break in every way a line can."""

from __future__ import annotations

import random
import socket
import struct
import threading
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Self
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"
PATIENCE = 30.0
CHUNK = 65_536


class Fate(StrEnum):
    """What becomes of one request and its reply."""

    PASS = "pass"
    REFUSE = "refuse"  # the connection is closed before a word is read
    RESET = "reset"  # the request is read and goes no further
    CUT = "cut"  # the work is done, and half of the reply arrives
    DELAY = "delay"  # everything arrives, late
    LOSE = "lose"  # the work is done, and nothing of the reply arrives


ODDS = {Fate.PASS: 52, Fate.REFUSE: 10, Fate.RESET: 9, Fate.CUT: 9, Fate.DELAY: 8, Fate.LOSE: 12}
DELIVERED = {Fate.PASS, Fate.CUT, Fate.DELAY, Fate.LOSE}


@dataclass
class ChaosProxy:
    """A proxy to one address, for a `with` block; the same seed throws the same dice, though not to the same call.

    Attributes:
        delays: Seconds between which a late reply is late.
        is_calm: Whether it lets everything pass.
        fates: How often each fate has struck.
        arrived: The bodies of the requests that reached the vendor, with method and path.
    """

    target: str
    seed: int
    delays: tuple[float, float] = (0.05, 0.4)
    is_calm: bool = False
    fates: Counter[Fate] = field(default_factory=Counter)
    arrived: list[tuple[str, bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._dice = random.Random(self.seed)  # noqa: S311 - to be thrown again by the same seed
        self._lock = threading.Lock()
        self._server = ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Where the adapters call."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def _handler(self) -> type[BaseRequestHandler]:
        proxy = self

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                proxy.serve(self.request)

        return Handler

    def serve(self, line: socket.socket) -> None:
        """Let one request meet its fate."""
        line.settimeout(PATIENCE)
        fate, late_by = self._throw()
        if fate is Fate.REFUSE:
            return _break(line)
        request = _message(line)
        if not request or fate is Fate.RESET:
            return _break(line)
        if fate is Fate.DELAY:
            threading.Event().wait(late_by)
        reply = self._forwarded(request)
        if fate is Fate.LOSE:
            return _break(line)
        if fate is Fate.CUT:
            line.sendall(reply[: len(reply) // 2])
            return _break(line)
        return line.sendall(reply)

    def _throw(self) -> tuple[Fate, float]:
        with self._lock:
            fate = Fate.PASS if self.is_calm else self._dice.choices(list(ODDS), list(ODDS.values()))[0]
            self.fates[fate] += 1
            return fate, self._dice.uniform(*self.delays)

    def _forwarded(self, request: bytes) -> bytes:
        head, _, body = request.partition(HEAD_END)
        with self._lock:
            self.arrived.append((head.split(b"\r\n")[0].decode().rpartition(" ")[0], body))
        place = urlsplit(self.target)
        with socket.create_connection((place.hostname, place.port), timeout=PATIENCE) as vendor:
            vendor.sendall(_closing(request))
            reply = _message(vendor)
        return _closing(reply)


def _message(line: socket.socket) -> bytes:
    """Return one whole HTTP message, or what there was of it when the other side hung up."""
    told = b""
    while HEAD_END not in told or len(told) < _length(told):
        try:
            chunk = line.recv(CHUNK)
        except OSError:
            break
        if not chunk:
            break
        told += chunk
    return told


def _length(told: bytes) -> int:
    head, _, _ = told.partition(HEAD_END)
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return len(head) + len(HEAD_END) + int(value)
    return len(head) + len(HEAD_END)


def _closing(message: bytes) -> bytes:
    """Return a message that says it is the last one on its connection."""
    head, end, body = message.partition(HEAD_END)
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*lines, b"Connection: close"]) + end + body


def _break(line: socket.socket) -> None:
    """Close a connection as a crash does: with a reset."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()
