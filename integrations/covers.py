"""Covers by the web, from the hosts that an operator has named, and from nowhere a redirect may lead beside them."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import requests
from urllib3.exceptions import HTTPError

from shop.catalogue.covers.jackets import is_from
from shop.services import RefusedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Collection

CONNECT_SECONDS, READ_SECONDS = 3, 30
LONGEST_SECONDS = 90
"""After which no further piece of a picture is waited for, and no further address asked; less than a lease of work."""
LARGEST = 30 << 20
PIECE = 1 << 16
MOST_REDIRECTS = 3
TOO_MANY_REQUESTS, SERVER_ERRORS = 429, 500


class CoverHosts:
    """Fetches pictures by https or http."""

    def __init__(self, hosts: Collection[str], patience: float = LONGEST_SECONDS) -> None:
        """Fetch from these hosts only; `host:port` where a port is named. `patience` is in seconds."""
        self._hosts, self._patience = hosts, patience

    def fetch(self, address: str) -> bytes:
        """Return the picture at an address; see `Pictures.fetch`."""
        until = monotonic() + self._patience
        for _hop in range(MOST_REDIRECTS + 1):
            if not is_from(address, self._hosts):
                raise RefusedError(f"{address} is on no host that cover_hosts names")
            answer = self._get(address, until)
            if isinstance(answer, bytes):
                return answer
            address = _joined(address, answer)
            if monotonic() > until:
                raise UnavailableError(f"{address} was not reached in {self._patience:.0f} seconds")
        raise RefusedError(f"{address} leads on and on")

    def _get(self, address: str, until: float) -> bytes | str:
        """The content, or where it has moved to."""
        try:
            with _asked(address) as answer:
                if answer.is_redirect:
                    return answer.headers["Location"]
                if answer.status_code == TOO_MANY_REQUESTS or answer.status_code >= SERVER_ERRORS:
                    raise UnavailableError(f"{address} answered {answer.status_code}")
                if not answer.ok:
                    raise RefusedError(f"{address} answered {answer.status_code}")
                return _content(address, answer, until)
        except (requests.RequestException, HTTPError) as error:
            raise UnavailableError(f"{address}: {type(error).__name__}") from error


def _asked(address: str) -> requests.Response:
    """The answer to one question, of which nothing is read but the head.

    A session would read all of an answer that leads elsewhere, however long it is.
    """
    session, question = requests.Session(), requests.Request("GET", address).prepare()
    how = session.merge_environment_settings(address, {}, stream=True, verify=None, cert=None)
    return session.get_adapter(address).send(
        question,
        stream=True,
        timeout=(CONNECT_SECONDS, READ_SECONDS),
        verify=how["verify"] or True,
        proxies=how["proxies"],
    )


def _content(address: str, answer: requests.Response, until: float) -> bytes:
    """All that comes, a piece at a time as it comes, so that the clock is looked at in between."""
    content = bytearray()
    while piece := answer.raw.read1(PIECE, decode_content=True):
        content += piece
        if len(content) > LARGEST:
            raise RefusedError(f"{address} is larger than {LARGEST >> 20} MB")
        if monotonic() > until:
            raise UnavailableError(f"{address} had not come to an end after {len(content)} bytes")
    return bytes(content)


def _joined(address: str, answer: str) -> str:
    try:
        return urljoin(address, answer)
    except ValueError as error:
        raise RefusedError(f"{address} leads to {answer}, which is no address") from error
