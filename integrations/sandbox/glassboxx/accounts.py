"""Readers' accounts, one per e-mail address."""

import re
from typing import TYPE_CHECKING, Any

from integrations.sandbox.glassboxx import messages
from integrations.sandbox.glassboxx.messages import RefusalError
from integrations.sandbox.glassboxx.store import now_text

if TYPE_CHECKING:
    from integrations.sandbox.glassboxx.store import Store

Customer = dict[str, str]
"""email, first_name, last_name, vendor_id."""

EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


def identity(email: str) -> str:
    """Return what makes two spellings of an address one reader: spaces around it and case do not count."""
    return email.strip().casefold()


class Accounts:
    """Everybody who was ever created."""

    def __init__(self, store: "Store", vendor_id: str) -> None:
        self._store = store
        self._vendor_id = vendor_id

    def create(self, customer: Customer) -> None:
        """Create the customer's account; a repeat changes nothing.

        Raises:
            RefusalError: the vendor, the address or a name is missing or wrong (A2 to A4).
        """
        self._refuse_incomplete(customer)
        self._store.run(
            "insert into account (identity, email, first_name, last_name, vendor_id, created_at)"
            " values (?, ?, ?, ?, ?, ?) on conflict (identity) do update set calls = calls + 1",
            identity(customer["email"]),
            customer["email"].strip(),
            customer["first_name"],
            customer["last_name"],
            customer["vendor_id"],
            now_text(),
        )

    def exists(self, email: str) -> bool:
        """Tell whether the address has an account."""
        return self._store.find_row("select 1 from account where identity = ?", identity(email)) is not None

    def all(self) -> list[dict[str, Any]]:
        """Return every account, oldest first; `calls` counts how often its creation was asked for."""
        return self._store.rows(
            "select email, first_name, last_name, vendor_id, created_at, calls from account"
            " order by created_at, identity"
        )

    def _refuse_incomplete(self, customer: Customer) -> None:
        # A foreign vendor_id is not in the catalogue; A2 is the only text there is about vendors.
        if customer.get("vendor_id", "") != self._vendor_id:
            raise RefusalError(messages.ELEMENT_FIELD_REQUIRED.format(field="vendor_id"))
        if not EMAIL.fullmatch(customer.get("email", "").strip()):
            raise RefusalError(messages.EMAIL_INVALID)
        if not customer.get("first_name", "").strip():
            raise RefusalError(messages.FIRST_NAME_REQUIRED)
        if not customer.get("last_name", "").strip():
            raise RefusalError(messages.LAST_NAME_REQUIRED)
