"""The server under measure: one granian worker with one blocking thread, and in it every application measured.

A request names the application it is for in the header `X-Bench`, so that all share one process, one
interpreter and one set of flags. `rendered` is the shop with its page memory emptied before each request, as for a
reader in another country; for `first` it has not told of the book at all yet.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from shop import settings as configuration
from shop.app import create_app
from shop.outside import connect
from tests.bench import yardstick

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

MEMORY, TEXTS = "page_memory", "about_memory"


def create() -> Application:
    """Every application, chosen by a header."""
    settings = configuration.load()
    shop = create_app(connect(settings))
    applications: dict[str, Application] = {
        "bare": yardstick.create_app(settings.database_url.removeprefix("sqlite:///")),
        "shop": shop,
    }

    def forgetful(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        shop.extensions.pop(MEMORY, None)
        return shop(environ, start)

    def amnesic(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        texts = shop.extensions.pop(TEXTS, None)
        try:
            return forgetful(environ, start)
        finally:
            if texts is not None:
                shop.extensions[TEXTS] = texts

    applications["rendered"] = forgetful
    applications["first"] = amnesic
    return lambda environ, start: applications[environ["HTTP_X_BENCH"]](environ, start)


def main() -> None:
    """Serve until told to stop."""
    from granian.constants import Interfaces  # noqa: PLC0415 - only the parent process needs a server
    from granian.log import LogLevels  # noqa: PLC0415
    from granian.server import Server  # noqa: PLC0415

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    Server(
        "tests.bench.served:create",
        factory=True,
        address="127.0.0.1",
        port=parser.parse_args().port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=1,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main()
