"""Covers by the web, from the hosts that an operator has named, and from nowhere a redirect may lead beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

import requests

from shop.catalogue.covers.jackets import is_from
from shop.services import RefusedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Collection

CONNECT_SECONDS, READ_SECONDS = 3, 30
LARGEST = 30 << 20
PIECE = 1 << 16
MOST_REDIRECTS = 3
TOO_MANY_REQUESTS, SERVER_ERRORS = 429, 500


class CoverHosts:
    """Fetches pictures by https or http."""

    def __init__(self, hosts: Collection[str]) -> None:
        """Fetch from these hosts only; `host:port` where a port is named."""
        self._hosts = hosts

    def fetch(self, address: str) -> bytes:
        """Return the picture at an address; see `Pictures.fetch`."""
        for _hop in range(MOST_REDIRECTS + 1):
            if not is_from(address, self._hosts):
                raise RefusedError(f"{address} is on no host that cover_hosts names")
            answer = self._get(address)
            if isinstance(answer, bytes):
                return answer
            address = urljoin(address, answer)
        raise RefusedError(f"{address} leads on and on")

    def _get(self, address: str) -> bytes | str:
        """The content, or where it has moved to."""
        try:
            with requests.get(
                address, timeout=(CONNECT_SECONDS, READ_SECONDS), stream=True, allow_redirects=False
            ) as answer:
                if answer.is_redirect:
                    return answer.headers["Location"]
                if answer.status_code == TOO_MANY_REQUESTS or answer.status_code >= SERVER_ERRORS:
                    raise UnavailableError(f"{address} answered {answer.status_code}")
                if not answer.ok:
                    raise RefusedError(f"{address} answered {answer.status_code}")
                content = bytearray()
                for piece in answer.iter_content(PIECE):
                    content += piece
                    if len(content) > LARGEST:
                        raise RefusedError(f"{address} is larger than {LARGEST >> 20} MB")
                return bytes(content)
        except requests.RequestException as error:
            raise UnavailableError(f"{address}: {type(error).__name__}") from error
