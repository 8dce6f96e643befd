"""The HTTP server: threads, kept-alive connections, and a way to cut one in the middle of a call."""

import socket
import struct
from io import BytesIO
from threading import Event
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.test import run_wsgi_app

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

CUT = "sandbox.cut_connection"
"""Where the WSGI environment holds an Event; setting it resets the caller's connection."""

IDLE_SECONDS = 120


class KeepAliveHandler(WSGIRequestHandler):
    """Answers call after call on one connection; Werkzeug's own handler closes after each."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    quiet = False

    def run_wsgi(self) -> None:
        """Read one whole request, ask the application, and answer it or cut it off."""
        environ = self._environ()
        chunks, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        if environ[CUT].is_set():
            self._reset()
        else:
            self._send(status, list(headers.items()), b"".join(chunks))

    def _environ(self) -> "WSGIEnvironment":
        environ = self.make_environ()
        terminated = environ.get("wsgi.input_terminated", False)
        length = -1 if terminated else int(environ.get("CONTENT_LENGTH") or 0)
        # Read it all now: a body the application ignores would be taken for the next request.
        body = environ["wsgi.input"].read(length)
        return {**environ, "wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body)), CUT: Event()}

    def _reset(self) -> None:
        linger_not_at_all = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not_at_all)
        self.close_connection = True
        # Closing the descriptor itself sends RST at once; shutdown() would say a polite FIN first.
        socket.close(self.connection.detach())

    def _send(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        code, reason = status.split(None, 1)
        self.log_request(code)
        self.send_response_only(int(code), reason)
        self.send_header("Server", "Glassboxx-sandbox")
        self.send_header("Date", self.date_time_string())
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Print the request, unless asked to be quiet."""
        if not self.quiet:
            super().log_request(code, size)


class QuietHandler(KeepAliveHandler):
    """The same, printing nothing."""

    quiet = True


def make_loopback_server(app: "WSGIApplication", port: int, *, quiet: bool) -> BaseWSGIServer:
    """Return a threaded server bound to 127.0.0.1; port 0 takes a free one."""
    handler = QuietHandler if quiet else KeepAliveHandler
    return make_server("127.0.0.1", port, app, threaded=True, request_handler=handler)
