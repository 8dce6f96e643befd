"""A thousand copies of one notice, all at once: one payment, one grant, one mail of each kind."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import pytest
import requests
from sqlalchemy import func, select

from shop.checkout.inbox import Notice
from shop.library.models import Entitlement, Submission
from shop.orders.payments import Payment
from tests.crash.looking_back import listed, look_back, wait_until_quiet
from tests.crash.readers import EBOOK, Reader
from tests.crash.yard import Yard, say
from tests.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.crash

COPIES = 1000
AT_ONCE = 48


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shop.db'}"
        return
    with Postgres(durable=True) as postgres:
        yield postgres.create_database("notices")


def test_a_thousand_copies_of_one_notice_come_to_one_payment_one_grant_and_one_mail_of_each_kind(
    tmp_path: Path, bytecode: Path, database_url: str
) -> None:
    with Yard(tmp_path, bytecode, database_url, webs=2, workers=2, is_told=False) as yard:
        dice = random.Random(1)  # noqa: S311 - any reader will do
        Reader(yard, 1, dice).buy(EBOOK, comes_back=False)
        answers, seconds = send(yard, notice_of_payment(yard))
        wait_until_quiet(yard, 1, 60)
        account = look_back(yard)
        subjects = [letter["subject"] for letter in listed(yard, "mailbox", "messages")]
        with yard.shop.db.reading() as session:
            rows = {
                kind: session.scalar(select(func.count()).select_from(kind))
                for kind in (Notice, Payment, Entitlement, Submission)
            }
    say(f"{COPIES} notices on {yard.shop.db.read_engine.name}: p50 {seconds[499]:.3f} s, p99 {seconds[989]:.3f} s")

    assert answers == {200: COPIES}
    assert rows == {Notice: 1, Payment: 1, Entitlement: 1, Submission: 1}
    assert account.billed.total() == 1
    assert len(subjects) == 2
    assert [subject for subject in subjects if subject.startswith("Ready to read: Exit Stalin")]
    assert [subject for subject in subjects if subject.startswith("Your order ")]
    assert account.broken(1, worker_kills=0) == []


@dataclass(frozen=True, slots=True)
class SignedNotice:
    """A notice as it goes over the wire."""

    body: bytes
    headers: dict[str, str]


def notice_of_payment(yard: Yard) -> SignedNotice:
    """What Stripe would send of the one payment it knows, signed as it signs."""
    (event,) = [one for one in listed(yard, "stripe", "objects/event") if one["type"] == "checkout.session.completed"]
    body, at = json.dumps(event).encode(), int(time.time())
    (secret,) = yard.shop.settings.stripe_webhook_secrets
    mark = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return SignedNotice(
        body, {"Stripe-Signature": f"t={at},v1={mark}", "Content-Type": "application/json; charset=utf-8"}
    )


def send(yard: Yard, notice: SignedNotice) -> tuple[Counter[int], list[float]]:
    """Send every copy, many at once, to both web processes; the answers by status, and how long each took, sorted."""
    with ThreadPoolExecutor(AT_ONCE) as couriers, Couriers() as wires:
        sent = list(couriers.map(lambda number: wires.carry(yard, notice, number), range(COPIES)))
    return Counter(status for status, _ in sent), sorted(seconds for _, seconds in sent)


class Couriers:
    """One connection a thread, all closed at the end."""

    def __init__(self) -> None:
        self._mine = threading.local()
        self._all: list[requests.Session] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for wire in self._all:
            wire.close()

    def carry(self, yard: Yard, notice: SignedNotice, number: int) -> tuple[int, float]:
        """Carry one copy, and return the answer's status and its seconds."""
        address = yard.address(yard.web_names[number % yard.webs]) + "/webhooks/stripe"
        began = time.monotonic()
        answer = self._wire().post(address, data=notice.body, headers=notice.headers, timeout=60)
        return answer.status_code, time.monotonic() - began

    def _wire(self) -> requests.Session:
        if not hasattr(self._mine, "wire"):
            self._mine.wire = requests.Session()
            self._mine.wire.trust_env = False
            self._all.append(self._mine.wire)
        wire: requests.Session = self._mine.wire
        return wire
