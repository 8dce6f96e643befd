"""The command line: `python -m integrations.sandbox.glassboxx --port 4343 --db FILE`."""

import argparse
import signal
import threading
from pathlib import Path

from integrations.sandbox.glassboxx.app import create_app
from integrations.sandbox.glassboxx.sandbox import Sandbox
from integrations.sandbox.glassboxx.server import make_loopback_server
from integrations.sandbox.glassboxx.skus import parse_seed
from integrations.sandbox.glassboxx.store import Store


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="integrations.sandbox.glassboxx", description=__doc__)
    parser.add_argument("--port", type=int, default=4343, help="loopback port (default 4343)")
    parser.add_argument("--db", type=Path, required=True, help="SQLite file; it outlives the process")
    parser.add_argument("--username", default="frontlist")
    parser.add_argument("--password", default="sandbox-password")
    parser.add_argument("--vendor-id", default="42")
    parser.add_argument(
        "--sku",
        action="append",
        default=[],
        type=parse_seed,
        metavar="SKU:STATE:TITLE",
        help="seed a SKU unless it is there already; may be repeated",
    )
    parser.add_argument("--quiet", action="store_true", help="print no line per request")
    return parser.parse_args()


def build(options: argparse.Namespace) -> Sandbox:
    """Open the store the options name, seed its SKUs, and return the sandbox."""
    sandbox = Sandbox(Store(options.db), options.username, options.password, options.vendor_id)
    for seed in options.sku:
        sandbox.skus.add_if_absent(seed)
    return sandbox


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    options = arguments()
    server = make_loopback_server(create_app(build(options)), options.port, quiet=options.quiet)
    # shutdown() waits for the serving loop, which this very thread runs: it needs a thread of its own.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"Glassboxx sandbox on http://127.0.0.1:{server.port}", flush=True)  # noqa: T201 (a launcher reads it)
    server.serve_forever()


if __name__ == "__main__":
    main()
