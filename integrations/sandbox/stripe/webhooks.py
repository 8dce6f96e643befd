"""Webhooks out: signed as Stripe signs them, in order of creation, again and again until accepted."""

import hashlib
import hmac
import json
import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import urllib3

from integrations.sandbox.stripe import objects
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World, public

LONGEST_WAIT = 30.0
GIVE_UP_AFTER = 3 * 86400.0
COURIERS = 8
STALE_BY = 3600
TIMEOUT = 10.0

log = logging.getLogger(__name__)


# --- endpoints


def register(world: World, asked: Thing, secret: str | None = None) -> Thing:
    """Return a new endpoint for the request's `url` and `enabled_events`, with a secret of its own."""
    secret = secret or f"whsec_{secrets.token_hex(16)}"
    return world.store.add(objects.webhook_endpoint(asked, secret, now=world.store.now()))


def install(world: World, url: str, secret: str) -> None:
    """Make sure that one endpoint of that address listens to everything with that secret."""
    with world.store.transaction():
        known = [one for one in world.store.all("webhook_endpoint") if one["url"] == url]
        if known:
            world.store.save(known[0], status="enabled", enabled_events=["*"], _secret=secret)
        else:
            register(world, {"url": url, "enabled_events": ["*"]}, secret)


def forget(world: World, endpoint_id: str) -> None:
    """Remove an endpoint and what was still to be sent to it."""
    world.store.remove(endpoint_id)
    world.store.run("DELETE FROM deliveries WHERE endpoint_id = ?", endpoint_id)


def roll_secret(world: World, endpoint: Thing) -> str:
    """Give an endpoint a new secret and return it; messages carry a signature by the old one as well."""
    secret = f"whsec_{secrets.token_hex(16)}"
    world.store.save(endpoint, _old_secret=endpoint["_secret"], _secret=secret)
    return secret


def counted(world: World, event: Thing) -> Thing:
    """Return the event with the number of deliveries that nobody has accepted yet."""
    sql = "SELECT count(*) AS owed FROM deliveries WHERE event_id = ? AND status != 'delivered'"
    return {**event, "pending_webhooks": world.store.run(sql, event["id"])[0]["owed"]}


# --- control


def release(world: World, *, reverse: bool = False) -> int:
    """Send what was held, perhaps last first, and return how many there were."""
    with world.store.transaction():
        order = "DESC" if reverse else "ASC"
        rows = world.store.run(f"SELECT * FROM deliveries WHERE status = 'held' ORDER BY id {order}")
        for row in rows:
            # Written anew, because deliveries leave in the order of their ids.
            world.store.run("DELETE FROM deliveries WHERE id = ?", row["id"])
            _enqueue(world, row["event_id"], row["endpoint_id"])
    world.news.set()
    return len(rows)


def resend(world: World, event: Thing) -> int:
    """Send an event once more to every enabled endpoint and return how many there are."""
    endpoints = world.store.all("webhook_endpoint", status="enabled")
    with world.store.transaction():
        sql = "DELETE FROM deliveries WHERE event_id = ? AND status = 'dropped'"
        world.store.run(sql, event["id"])
        for endpoint in endpoints:
            _enqueue(world, event["id"], endpoint["id"])
    world.news.set()
    return len(endpoints)


def _enqueue(world: World, event_id: str, endpoint_id: str) -> None:
    now = time.time()
    sql = "INSERT INTO deliveries (event_id, endpoint_id, status, due, first_at) VALUES (?, ?, 'waiting', ?, ?)"
    world.store.run(sql, event_id, endpoint_id, now, now)


# --- signing


def signature(body: bytes, keys: list[str], at: int) -> str:
    """Return the `Stripe-Signature` header for a body, one `v1` for each secret."""
    signed = f"{at}.".encode() + body
    marks = [f"v1={hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()}" for key in keys]
    return ",".join([f"t={at}", *marks, f"v0={secrets.token_hex(32)}"])


def _headers(world: World, endpoint: Thing, body: bytes) -> dict[str, str]:
    keys = [endpoint["_secret"], *filter(None, [endpoint.get("_old_secret")])]
    at = int(time.time())
    if _spend(world, "wrong_signatures"):
        keys = ["whsec_not_the_secret"]
    if _spend(world, "stale_timestamps"):
        at -= STALE_BY
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": signature(body, keys, at),
    }


def _spend(world: World, name: str) -> bool:
    if not world.store.setting(name, 0):
        return False
    with world.store.transaction():
        left = int(world.store.setting(name, 0))
        world.store.set(name, max(0, left - 1))
    return left > 0


# --- delivery


class PostOffice:
    """The threads that deliver webhooks and ring timers, from `open` until the process ends."""

    def __init__(self, world: World, ring: Callable[[World], None]) -> None:
        self.world = world
        self._ring = ring
        self._post = urllib3.PoolManager(maxsize=COURIERS, timeout=TIMEOUT, retries=False)
        self._bag: queue.Queue[int] = queue.Queue(maxsize=4 * COURIERS)

    def open(self) -> None:
        """Start; what was on its way when the sandbox stopped is sent again."""
        self.world.store.run("UPDATE deliveries SET status = 'waiting' WHERE status = 'sending'")
        for work in [self._sort, self._keep_time] + [self._deliver] * COURIERS:
            threading.Thread(target=work, daemon=True).start()

    def _keep_time(self) -> None:
        while True:
            time.sleep(0.2)
            _guarded(lambda: self._ring(self.world))

    def _sort(self) -> None:
        while True:
            self.world.news.wait(0.1)
            self.world.news.clear()
            _guarded(self._sort_once)

    def _sort_once(self) -> None:
        while taken := self._taken():
            for delivery in taken:
                self._bag.put(delivery)

    def _taken(self) -> list[int]:
        with self.world.store.transaction():
            sql = "SELECT id FROM deliveries WHERE status = 'waiting' AND due <= ? ORDER BY id LIMIT 16"
            taken = [row["id"] for row in self.world.store.run(sql, time.time())]
            for delivery in taken:
                self.world.store.run("UPDATE deliveries SET status = 'sending' WHERE id = ?", delivery)
        return taken

    def _deliver(self) -> None:
        while True:
            delivery = self._bag.get()
            _guarded(partial(self._deliver_one, delivery))

    def _deliver_one(self, delivery: int) -> None:
        rows = self.world.store.run("SELECT * FROM deliveries WHERE id = ?", delivery)
        if not rows:
            return
        event = self.world.store.find(rows[0]["event_id"])
        endpoint = self.world.store.find(rows[0]["endpoint_id"])
        if event and endpoint:
            self._note(rows[0], send(self.world, self._post, event, endpoint))

    def _note(self, row: Any, reply: str) -> None:
        attempts = row["attempts"] + 1
        status = "delivered" if reply.startswith("2") else "waiting"
        if status == "waiting" and time.time() - row["first_at"] > GIVE_UP_AFTER:
            status = "failed"
        due = time.time() + min(LONGEST_WAIT, 2.0 ** (attempts - 1))
        sql = "UPDATE deliveries SET status = ?, attempts = ?, answer = ?, due = ? WHERE id = ?"
        self.world.store.run(sql, status, attempts, reply, due, row["id"])


def send(world: World, post: urllib3.PoolManager, event: Thing, endpoint: Thing) -> str:
    """Send an event once and return the answer: a status such as `200`, or what went wrong."""
    body = json.dumps(public(counted(world, event))).encode()
    headers = _headers(world, endpoint, body)
    try:
        reply = post.request("POST", endpoint["url"], body=body, headers=headers, redirect=False)
    except urllib3.exceptions.HTTPError as error:
        return f"no answer ({type(error).__name__})"
    return str(reply.status)


def _guarded(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:  # the thread must outlive whatever happens to one delivery
        log.exception("A delivery went wrong")
