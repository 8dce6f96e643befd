"""The command line: `python -m integrations.sandbox.mailbox --smtp-port 2525 --port 8025 --db FILE`."""

import argparse
import signal
import threading
from pathlib import Path

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from integrations.sandbox.mailbox.smtp import make_smtp_server
from integrations.sandbox.mailbox.store import Store
from integrations.sandbox.mailbox.web import create_app


class QuietHandler(WSGIRequestHandler):
    """Prints no line per request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Print nothing."""


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="integrations.sandbox.mailbox", description=__doc__)
    parser.add_argument("--smtp-port", type=int, default=2525, help="where mail comes in (default 2525)")
    parser.add_argument("--port", type=int, default=8025, help="where it is read (default 8025)")
    parser.add_argument("--db", type=Path, required=True, help="SQLite file; it outlives the process")
    parser.add_argument("--quiet", action="store_true", help="print no line per request")
    return parser.parse_args()


def main() -> None:
    """Take and show mail until SIGTERM or Ctrl-C."""
    options = arguments()
    store = Store(options.db)
    handler = QuietHandler if options.quiet else WSGIRequestHandler
    web = make_server("127.0.0.1", options.port, create_app(store), threaded=True, request_handler=handler)
    smtp = make_smtp_server(store, options.smtp_port)
    smtp.start()
    stop_on_terminate(web)
    print(f"Mailbox on http://127.0.0.1:{web.port} (SMTP 127.0.0.1:{options.smtp_port})", flush=True)  # noqa: T201
    web.serve_forever()
    smtp.stop()


def stop_on_terminate(web: BaseWSGIServer) -> None:
    """Let SIGTERM end the serving loop."""
    # shutdown() waits for the serving loop, which this very thread runs: it needs a thread of its own.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=web.shutdown).start())


if __name__ == "__main__":
    main()
