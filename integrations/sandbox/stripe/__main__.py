"""Run the sandbox: `python -m integrations.sandbox.stripe --port 4242 --db FILE`."""

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from integrations.sandbox.stripe import webhooks
from integrations.sandbox.stripe.app import create_app, open_post_office, open_world

HOST = "127.0.0.1"


class PromptHandler(WSGIRequestHandler):
    """Sends each reply at once: in pieces it would wait 40 ms for the reader's nod."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1


def main() -> None:
    """Serve until told to stop."""
    wish = _wish()
    logging.getLogger("werkzeug").setLevel(logging.ERROR if wish.quiet else logging.INFO)
    world = open_world(wish.db, wish.public_url or f"http://{HOST}:{wish.port}")
    for url, secret in zip(wish.webhook, wish.webhook_secret, strict=True):
        webhooks.install(world, url, secret)
    server = make_server(HOST, wish.port, create_app(world), threaded=True, request_handler=PromptHandler)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    open_post_office(world)
    sys.stdout.write(f"Stripe sandbox on http://{HOST}:{server.port}\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.1)
    world.store.fold()


def _wish() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m integrations.sandbox.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=4242)
    parser.add_argument("--db", type=Path, required=True, metavar="FILE", help="where the sandbox keeps its books")
    parser.add_argument("--public-url", metavar="URL", help="the address browsers use; the port's own by default")
    parser.add_argument("--webhook", action="append", default=[], metavar="URL", help="deliver every event there")
    parser.add_argument("--webhook-secret", action="append", default=[], metavar="SECRET", help="one for each URL")
    parser.add_argument("--quiet", action="store_true", help="no line for each request")
    wish = parser.parse_args()
    if len(wish.webhook) != len(wish.webhook_secret):
        parser.error("each --webhook needs its --webhook-secret")
    return wish


if __name__ == "__main__":
    main()
