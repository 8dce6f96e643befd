"""Who may call: passwords, the lock-out after too many wrong ones, and the tokens the right one earns."""

import base64
import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integrations.sandbox.glassboxx.store import Store
    from integrations.sandbox.glassboxx.switches import Switchboard

ADMIN_USER = 2
"""Magento's user type for an administrator, in every token's `utypid`."""

USER_ID = 232
HEADER = {"kid": "1", "alg": "HS256"}


class SignInError(Exception):
    """The name or password is wrong, or the account is locked: the caller is not told which."""


class Tokens:
    """Hands out tokens and knows its own again, also after a restart."""

    def __init__(self, store: "Store", switches: "Switchboard", username: str, password: str) -> None:
        self._store = store
        self._switches = switches
        self._credentials = f"{username}\n{password}".encode()
        self._key = signing_key(store)

    def sign_in(self, username: str, password: str, *, now: float) -> str:
        """Exchange a name and password for a token.

        Raises:
            SignInError: they are wrong, or were wrong too often a short while ago.
        """
        with self._store.transaction():
            right = not self._is_locked(username, now=now) and self._matches(username, password)
            self._remember(username, right=right, now=now)
        if not right:
            raise SignInError
        return self._issue(int(now))

    def is_good(self, token: str, *, now: float) -> bool:
        """Tell whether a token is ours, whole and still alive."""
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._sign(signed).encode(), signature.encode()):
            return False
        return bool(now < claims(signed)["exp"])

    def unlock(self) -> None:
        """Forget every wrong password."""
        self._store.run("delete from sign_in")

    def _matches(self, username: str, password: str) -> bool:
        return hmac.compare_digest(self._credentials, f"{username}\n{password}".encode())

    def _is_locked(self, username: str, *, now: float) -> bool:
        row = self._store.find_row("select locked_until from sign_in where username = ?", username)
        return row is not None and bool(now < row["locked_until"])

    def _remember(self, username: str, *, right: bool, now: float) -> None:
        if right:
            self._store.run("delete from sign_in where username = ?", username)
        elif not self._is_locked(username, now=now):
            self._count_failure(username, now=now)

    def _count_failure(self, username: str, *, now: float) -> None:
        row = self._store.find_row("select failures from sign_in where username = ?", username)
        failures = 1 + (row["failures"] if row else 0)
        locks = failures >= self._switches.number("lockout_failures")
        until = now + self._switches.number("lockout_seconds") if locks else 0
        # A lock starts the count afresh: when it ends, six more failures are needed for the next.
        kept = 0 if locks else failures
        self._store.run("insert or replace into sign_in values (?, ?, ?)", username, kept, until)

    def _issue(self, now: int) -> str:
        expires = now + self._switches.number("token_life_seconds")
        payload = {"uid": USER_ID, "utypid": ADMIN_USER, "iat": now, "exp": expires}
        signed = f"{encode_part(HEADER)}.{encode_part(payload)}"
        return f"{signed}.{self._sign(signed)}"

    def _sign(self, signed: str) -> str:
        return encode(hmac.new(self._key, signed.encode(), hashlib.sha256).digest())


def signing_key(store: "Store") -> bytes:
    """Return the key that signs tokens, made on first use and kept in the store."""
    store.run("insert or ignore into secret values ('token', ?)", secrets.token_hex(32))
    return str(store.rows("select value from secret where name = 'token'")[0]["value"]).encode()


def claims(signed: str) -> dict[str, Any]:
    """Return the payload of a token whose signature was found good."""
    payload = signed.partition(".")[2]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def encode_part(part: dict[str, Any]) -> str:
    """Return a JWT's header or payload as it stands in the token."""
    return encode(json.dumps(part, separators=(",", ":")).encode())


def encode(octets: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
