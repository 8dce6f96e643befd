"""Signed links: what sits in a mailbox opens a page, never a file; what opens a file lives for minutes. Pure.

A token names ids only and carries its own absolute expiry. Each purpose has its own salt and its own mark in
the payload, so that one kind never passes as another. Keys go from oldest to newest: the last signs, all verify.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

LEEWAY = timedelta(seconds=60)
"""Two hosts' clocks may differ; a link is not dead for that."""

TICKET_LIFE = timedelta(minutes=30)


class ForgedLinkError(Exception):
    """Not a link of ours, or of another kind."""


class ExpiredLinkError(Exception):
    """A link of ours whose time is over; `subject` is the id it was for, good only for offering a new one."""

    def __init__(self, subject: str) -> None:
        """Keep whom it was for."""
        super().__init__("this link's time is over")
        self.subject = subject


@dataclass(frozen=True, slots=True)
class AccessClaim:
    """What an access link says: an order, and the version of its links."""

    order: str
    version: int


class Links:
    """Signs and reads the shop's links."""

    def __init__(self, keys: tuple[str, ...], base_url: str, access_life: timedelta) -> None:
        """Use these keys, oldest first, and this address of the shop."""
        self._base = base_url.rstrip("/")
        self._access_life = access_life
        self._access = self._serializer(keys, "shop.access.v1")
        self._ticket = self._serializer(keys, "shop.file.v1")

    def page(self, path: str) -> str:
        """The absolute address of a path of ours."""
        return self._base + path

    def access_token(self, order: str, version: int, at: datetime) -> str:
        """A token that opens an order's reading page for the link's life."""
        return self._sign(self._access, "acc", at + self._access_life, o=order, v=version)

    def access(self, order: str, version: int, at: datetime) -> str:
        """The absolute link that is mailed."""
        return self.page(f"/a/{self.access_token(order, version, at)}")

    def read_access(self, token: str, at: datetime) -> AccessClaim:
        """What an access token says; raises ForgedLinkError or ExpiredLinkError."""
        claim = self._read(self._access, "acc", token, at, "o")
        return AccessClaim(claim["o"], claim["v"])

    def ticket(self, download: str, at: datetime) -> str:
        """A short token for the bytes of one download session."""
        return self._sign(self._ticket, "file", at + TICKET_LIFE, s=download)

    def read_ticket(self, token: str, at: datetime) -> str:
        """The download session of a ticket; raises ForgedLinkError or ExpiredLinkError."""
        subject: str = self._read(self._ticket, "file", token, at, "s")["s"]
        return subject

    @staticmethod
    def _serializer(keys: tuple[str, ...], salt: str) -> URLSafeSerializer:
        return URLSafeSerializer(
            list(keys), salt=salt, signer_kwargs={"digest_method": sha256, "key_derivation": "hmac"}
        )

    @staticmethod
    def _sign(serializer: URLSafeSerializer, kind: str, expires: datetime, **claim: Any) -> str:
        token = serializer.dumps({"t": kind, "x": int(expires.timestamp()), **claim})
        return token if isinstance(token, str) else token.decode()

    @staticmethod
    def _read(serializer: URLSafeSerializer, kind: str, token: str, at: datetime, subject: str) -> dict[str, Any]:
        try:
            claim = serializer.loads(token)
        except BadData as error:
            raise ForgedLinkError from error
        if not isinstance(claim, dict) or claim.get("t") != kind:
            raise ForgedLinkError
        if datetime.fromtimestamp(claim["x"], UTC) + LEEWAY < at:
            raise ExpiredLinkError(claim[subject])
        return claim
