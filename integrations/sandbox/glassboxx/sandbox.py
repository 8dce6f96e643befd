"""The sandbox as one thing: its store and the rooms built upon it."""

from typing import TYPE_CHECKING, cast

from flask import current_app

from integrations.sandbox.glassboxx.accounts import Accounts
from integrations.sandbox.glassboxx.faults import Faults
from integrations.sandbox.glassboxx.orders import Orders
from integrations.sandbox.glassboxx.request_log import RequestLog
from integrations.sandbox.glassboxx.skus import Skus
from integrations.sandbox.glassboxx.switches import Switchboard
from integrations.sandbox.glassboxx.tokens import Tokens

if TYPE_CHECKING:
    from integrations.sandbox.glassboxx.store import Store

EXTENSION = "glassboxx_sandbox"


class Sandbox:
    """Everything the views ask."""

    def __init__(self, store: "Store", username: str, password: str, vendor_id: str) -> None:
        self.store = store
        self.vendor_id = vendor_id
        self.switches = Switchboard(store)
        self.skus = Skus(store, self.switches)
        self.accounts = Accounts(store, vendor_id)
        self.orders = Orders(store, self.switches, self.skus, self.accounts, vendor_id)
        self.tokens = Tokens(store, self.switches, username, password)
        self.faults = Faults(store)
        self.log = RequestLog(store)

    def reset(self) -> None:
        """Forget accounts, orders, faults, lock-outs, the log and every moved switch; the SKUs stay."""
        with self.store.transaction():
            for table in ("account", "order_line", "switch", "fault", "sign_in", "request_log"):
                self.store.run(f"delete from {table}")


def sandbox() -> Sandbox:
    """Return the sandbox the current request belongs to."""
    return cast("Sandbox", current_app.extensions[EXTENSION])
