"""Load: send prepared requests over a few kept connections, and read the server's own CPU clock around them."""

from __future__ import annotations

import socket
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CONNECTIONS = 4
WARM_UP = 20
LARGEST_READ = 262_144


@dataclass(frozen=True, slots=True)
class Measured:
    """What one round of requests took: wall and CPU seconds, bytes of bodies, and answers by status."""

    requests: int
    wall: float
    cpu: float
    received: int
    statuses: dict[int, int]

    @property
    def per_second(self) -> float:
        """Requests answered in a second of wall time."""
        return self.requests / self.wall

    @property
    def cpu_micros(self) -> float:
        """Microseconds of the server's CPU for one request."""
        return self.cpu / self.requests * 1e6


class Connection:
    """One HTTP/1.1 connection, kept as long as the server keeps it, read by Content-Length."""

    def __init__(self, port: int) -> None:
        """Connect to this machine when something is asked."""
        self._port = port
        self._socket: socket.socket | None = None

    def send(self, request: bytes) -> None:
        """Ask; the answer is read later."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=60)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)

    def answer(self) -> Answer:
        """The next answer."""
        read = self._more()
        while (end := read.find(b"\r\n\r\n")) < 0:
            read += self._more()
        answer = Answer(int(read[9:12]), read[:end], read[end + 4 :])
        while len(answer.body) < answer.length:
            answer.body += self._more()
        if answer.is_last:
            self.close()
        return answer

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _more(self) -> bytes:
        if self._socket is None or not (read := self._socket.recv(LARGEST_READ)):
            raise ConnectionError("the server hung up in the middle of an answer")
        return read


@dataclass(slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    head: bytes
    body: bytes

    @property
    def size(self) -> int:
        """Bytes on the wire."""
        return len(self.head) + 4 + len(self.body)

    @property
    def length(self) -> int:
        """Bytes that its body is to have."""
        return int(self._header(b"content-length") or 0)

    @property
    def is_last(self) -> bool:
        """Whether the server hangs up after it."""
        return self._header(b"connection") == b"close"

    def _header(self, wanted: bytes) -> bytes:
        named = (line.partition(b":") for line in self.head.lower().split(b"\r\n"))
        return next((value.strip() for name, _, value in named if name == wanted), b"")


def once(port: int, request: bytes) -> Answer:
    """Ask one thing on a connection of its own."""
    connection = Connection(port)
    try:
        connection.send(request)
        return connection.answer()
    finally:
        connection.close()


def drive(port: int, server: int, requests: Sequence[bytes]) -> Measured:
    """Send all requests, the first few unmeasured, keeping every connection busy; `server` is a process id."""
    connections = [Connection(port) for _ in range(CONNECTIONS)]
    _send(connections, requests[:WARM_UP])
    processes = family(server)
    wall, cpu = time.perf_counter(), cpu_seconds(processes)
    statuses, received = _send(connections, requests[WARM_UP:])
    wall, cpu = time.perf_counter() - wall, cpu_seconds(processes) - cpu
    for connection in connections:
        connection.close()
    return Measured(len(requests) - WARM_UP, wall, cpu, received, statuses)


def _send(connections: Sequence[Connection], requests: Sequence[bytes]) -> tuple[dict[int, int], int]:
    """Connection after connection: read the answer to its last request, then send it the next."""
    statuses, received, count = Counter[int](), 0, len(connections)
    for number in range(len(requests) + count):
        connection = connections[number % count]
        if count <= number:
            answer = connection.answer()
            statuses[answer.status] += 1
            received += len(answer.body)
        if number < len(requests):
            connection.send(requests[number])
    return dict(statuses), received


def family(process: int) -> list[int]:
    """A process and all that descend from it."""
    found = [process]
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread may end while we look
            for child in (task / "children").read_text().split():
                found += family(int(child))
    return found


def cpu_seconds(processes: Sequence[int]) -> float:
    """CPU time that these processes have used, threads that have ended included, to the nanosecond."""
    return sum(time.clock_gettime(_cpu_clock(process)) for process in processes)


def _cpu_clock(process: int) -> int:
    """Linux's clock of another process's CPU time: MAKE_PROCESS_CPUCLOCK(process, CPUCLOCK_SCHED)."""
    return (~process << 3) | 2


def memory_mb(process: int) -> float:
    """Proportional set size: its own memory, and its share of what it has in common with others."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
