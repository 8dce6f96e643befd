"""Covers over HTTP: what a host answers, and where its answers may not lead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Event, Thread

import pytest

from integrations import covers
from integrations.covers import CoverHosts
from shop.services import RefusedError, UnavailableError

Answers = dict[str, tuple[int, dict[str, str], bytes | Iterator[bytes]]]


@contextmanager
def host(answers: Answers) -> Iterator[str]:
    """A host that gives these answers; its name with its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, content = answers[self.path]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in [content] if isinstance(content, bytes) else content:
                self.wfile.write(piece)

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_picture_comes_as_it_is_and_a_redirect_is_followed_within_the_hosts() -> None:
    answers: Answers = {"/a.jpg": (200, {}, b"picture"), "/old.jpg": (301, {"Location": "/a.jpg"}, b"")}
    with host(answers) as first, host({"/far.jpg": (302, {"Location": f"http://{first}/old.jpg"}, b"")}) as second:
        fetching = CoverHosts((first, second))

        assert fetching.fetch(f"http://{first}/a.jpg") == b"picture"
        assert fetching.fetch(f"http://{second}/far.jpg") == b"picture"


def test_no_answer_leads_to_a_host_that_nobody_named() -> None:
    inner: Answers = {"/secret": (200, {}, b"a secret of the house")}
    with host(inner) as inside:
        outer: Answers = {
            "/there": (302, {"Location": f"http://{inside}/secret"}, b""),
            "/round": (302, {"Location": "/round"}, b""),
            "/nowhere": (302, {"Location": "http://[nowhere"}, b""),
        }
        with host(outer) as named:
            fetching = CoverHosts((named,))
            for path in ("there", "round", "nowhere"):
                with pytest.raises(RefusedError):
                    fetching.fetch(f"http://{named}/{path}")
            with pytest.raises(RefusedError, match="cover_hosts"):
                fetching.fetch(f"http://{inside}/secret")


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, RefusedError), (410, RefusedError), (403, RefusedError), (429, UnavailableError), (503, UnavailableError)],
)
def test_a_refusal_is_for_good_and_a_fault_for_now(status: int, error: type[Exception]) -> None:
    with host({"/a.jpg": (status, {}, b"")}) as named, pytest.raises(error, match=str(status)):
        CoverHosts((named,)).fetch(f"http://{named}/a.jpg")


def test_a_host_that_is_away_may_be_back_later() -> None:
    with host({}) as named:
        address = f"http://{named}/a.jpg"
    with pytest.raises(UnavailableError):
        CoverHosts((named,)).fetch(address)


def test_a_picture_without_end_is_let_go() -> None:
    without_end = b"x" * (covers.LARGEST + covers.PIECE)
    with host({"/a.jpg": (200, {}, without_end)}) as named, pytest.raises(RefusedError, match="larger"):
        CoverHosts((named,)).fetch(f"http://{named}/a.jpg")


def test_a_host_that_spins_its_answer_out_is_waited_for_no_longer_than_agreed() -> None:
    has_given_up = Event()

    def spun_out() -> Iterator[bytes]:
        yield b"p"
        has_given_up.wait(5)
        yield b"icture"

    with host({"/a.jpg": (200, {}, spun_out())}) as named:
        with pytest.raises(UnavailableError, match="not come to an end"):
            CoverHosts((named,), patience=0).fetch(f"http://{named}/a.jpg")
        has_given_up.set()


def test_what_comes_with_a_redirect_is_not_read() -> None:
    has_come, came_first = Event(), SimpleQueue[bool]()

    def spun_out() -> Iterator[bytes]:
        yield b"It has moved."
        came_first.put(has_come.wait(5))

    def picture() -> Iterator[bytes]:
        has_come.set()
        yield b"picture"

    with host({"/old.jpg": (302, {"Location": "/a.jpg"}, spun_out()), "/a.jpg": (200, {}, picture())}) as named:
        assert CoverHosts((named,)).fetch(f"http://{named}/old.jpg") == b"picture"

    assert came_first.get(timeout=10)
