"""What every room of the sandbox shares: the books, its own address, and the telling of events."""

import threading
import time
from dataclasses import dataclass, field

from flask import g, has_request_context

from integrations.sandbox.stripe import objects
from integrations.sandbox.stripe.store import Store, Thing

ALSO_TELL_WHAT_CHANGED = frozenset({"charge.refunded"})
"""Events beside the many `*.updated` that carry `previous_attributes`."""


@dataclass(frozen=True)
class World:
    """The sandbox as its rooms see it; `url` is its public address without a closing slash."""

    store: Store
    url: str
    news: threading.Event = field(default_factory=threading.Event)

    def emit(self, kind: str, thing: Thing) -> Thing:
        """Write an event about the object and a delivery for every endpoint that listens."""
        event = objects.event(kind, public(thing), _request(), now=self.store.now())
        if kind.endswith(".updated") or kind in ALSO_TELL_WHAT_CHANGED:
            event["data"]["previous_attributes"] = self.store.changes(thing["id"])
        self.store.add(event)
        for endpoint in self.store.all("webhook_endpoint", status="enabled"):
            if listens(endpoint, kind):
                self.enqueue(event["id"], endpoint["id"])
        return event

    def enqueue(self, event_id: str, endpoint_id: str) -> None:
        """Write down the deliveries of an event to an endpoint that the present webhook mode asks for."""
        mode = self.store.setting("webhook_mode", {"mode": "normal"})
        for status, due in deliveries(mode, self.store):
            sql = "INSERT INTO deliveries (event_id, endpoint_id, status, due, first_at) VALUES (?, ?, ?, ?, ?)"
            self.store.run(sql, event_id, endpoint_id, status, due, due)
        self.news.set()


def deliveries(mode: Thing, store: Store) -> list[tuple[str, float]]:
    """Return (status, due in real seconds) for each copy of an event to send under a webhook mode."""
    now = time.time()
    match mode["mode"]:
        case "hold":
            return [("held", now)]
        case "drop":
            return [("dropped", now)]
        case "duplicate":
            return [("waiting", now)] * int(mode.get("n", 2))
        case "reorder":
            # Each event overtakes the ones before it that wait longer.
            turn = int(store.setting("reorder_turn", 0))
            store.set("reorder_turn", turn + 1)
            return [("waiting", now + (0.9, 0.6, 0.3, 0.0)[turn % 4])]
        case _:
            return [("waiting", now)]


def listens(endpoint: Thing, kind: str) -> bool:
    """Tell whether an endpoint wants events of that type."""
    return bool({"*", kind} & set(endpoint["enabled_events"]))


def public(thing: Thing) -> Thing:
    """Return the object as the world may see it, without the sandbox's own notes."""
    return {key: value for key, value in thing.items() if not key.startswith("_")}


def _request() -> Thing | None:
    if not has_request_context() or "request_id" not in g:
        return None
    return {"id": g.request_id, "idempotency_key": g.get("idempotency_key")}
