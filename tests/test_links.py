"""Signed links: a link opens its own order or file, for its own time, by its own kind; or it opens nothing."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer

from shop.library.links import LEEWAY, TICKET_LIFE, AccessClaim, ExpiredLinkError, ForgedLinkError, Links

if TYPE_CHECKING:
    from collections.abc import Callable

OLDEST, OLD, NEW = ("oldest" * 8, "old" * 16, "new" * 16)
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
YEAR = timedelta(days=365)
MUTATIONS = 2000
ALPHABET = ascii_letters + digits + "-_.=~é/ "


def links(*keys: str, base: str = "https://books.example.org", life: timedelta = YEAR) -> Links:
    return Links(keys, base, life)


SHOP = links(OLD, NEW)


class Kind(NamedTuple):
    """A kind of token: how it is made, how it is read, what it then says, how long it lives."""

    name: str
    make: Callable[[Links], str]
    read: Callable[[Links, str, datetime], object]
    says: object
    life: timedelta


KINDS = (
    Kind(
        "access",
        lambda shop: shop.access_token("order-7", 3, NOW),
        lambda shop, token, at: shop.read_access(token, at),
        AccessClaim("order-7", 3),
        YEAR,
    ),
    Kind(
        "file",
        lambda shop: shop.ticket("download-9", NOW),
        lambda shop, token, at: shop.read_ticket(token, at),
        "download-9",
        TICKET_LIFE,
    ),
)
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def test_the_mailed_link_is_an_address_of_the_shop_and_opens_its_order() -> None:
    for base in ("https://books.example.org", "https://books.example.org/"):
        link = links(NEW, base=base).access("order-7", 3, NOW)
        start, token = link.rsplit("/", maxsplit=1)
        assert start == "https://books.example.org/a"
        assert SHOP.read_access(token, NOW) == AccessClaim("order-7", 3)
    assert SHOP.page("/library") == "https://books.example.org/library"


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.text(max_size=40), st.integers(0, 10**6))
def test_what_was_signed_is_what_is_read(name: str, version: int) -> None:
    assert SHOP.read_access(SHOP.access_token(name, version, NOW), NOW) == AccessClaim(name, version)
    assert SHOP.read_ticket(SHOP.ticket(name, NOW), NOW) == name


@pytest.mark.parametrize("made_as", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("read_as", KINDS, ids=lambda kind: kind.name)
def test_a_token_opens_by_its_own_kind_only(made_as: Kind, read_as: Kind) -> None:
    token = made_as.make(SHOP)
    if made_as is read_as:
        assert read_as.read(SHOP, token, NOW) == read_as.says
    else:
        with pytest.raises(ForgedLinkError):
            read_as.read(SHOP, token, NOW)


def signed(salt: str, claim: object) -> str:
    """A token signed with our newest key: what another purpose, or another version of us, might sign."""
    serializer = URLSafeSerializer(NEW, salt=salt, signer_kwargs={"digest_method": sha256, "key_derivation": "hmac"})
    token = serializer.dumps(claim)
    return token if isinstance(token, str) else token.decode()


EXPIRY = int((NOW + timedelta(days=1)).timestamp())
ACCESS: dict[str, Any] = {"t": "acc", "x": EXPIRY, "o": "order-7", "v": 3}
TICKET: dict[str, Any] = {"t": "file", "x": EXPIRY, "s": "download-9"}


def test_a_link_mailed_by_the_first_version_still_opens() -> None:
    assert SHOP.read_access(signed("shop.access.v1", ACCESS), NOW) == AccessClaim("order-7", 3)
    assert SHOP.read_ticket(signed("shop.file.v1", TICKET), NOW) == "download-9"


@pytest.mark.parametrize(
    ("salt", "claim"),
    [
        ("shop.file.v1", ACCESS),
        ("shop.access.v1", {**ACCESS, "t": "file"}),
        ("shop.access.v1", {key: value for key, value in ACCESS.items() if key != "t"}),
        ("shop.access.v1", ["acc", EXPIRY, "order-7", 3]),
        ("shop.access.v1", "order-7"),
        ("shop.access.v1", None),
        ("itsdangerous", ACCESS),
        ("", ACCESS),
    ],
)
def test_neither_the_right_mark_with_another_salt_nor_the_right_salt_with_another_mark(
    salt: str, claim: object
) -> None:
    with pytest.raises(ForgedLinkError):
        SHOP.read_access(signed(salt, claim), NOW)


@pytest.mark.parametrize(("salt", "claim"), [("shop.access.v1", TICKET), ("shop.file.v1", {**TICKET, "t": "acc"})])
def test_a_ticket_needs_both_its_salt_and_its_mark(salt: str, claim: object) -> None:
    with pytest.raises(ForgedLinkError):
        SHOP.read_ticket(signed(salt, claim), NOW)


def mutated(token: str, others: list[str], chance: random.Random) -> str:
    """The token with something done to it: a letter changed, lost, added, moved, or half of another token."""
    at = chance.randrange(len(token))
    letter = chance.choice(ALPHABET)
    other = chance.choice(others)
    cut = token.rindex(".")
    return chance.choice(
        [
            token[:at] + letter + token[at + 1 :],
            token[:at] + token[at + 1 :],
            token[:at] + letter + token[at:],
            token[:at] + token[at:][::-1],
            token[:at],
            token + letter,
            token[:-1] + letter,
            "." + token,
            token[:at] + other[at:],
            token[:cut] + other[other.rindex(".") :],
            other[: other.rindex(".")] + token[cut:],
            token.swapcase(),
        ]
    )


@each_kind
def test_no_mutation_of_a_token_says_anything_else(kind: Kind) -> None:
    chance = random.Random(26)  # noqa: S311 - the same mutations every time
    token = kind.make(SHOP)
    others = [SHOP.access_token("order-8", 3, NOW), SHOP.access_token("order-7", 4, NOW), SHOP.ticket("other", NOW)]
    refused = 0
    for _ in range(MUTATIONS):
        if (text := mutated(token, others, chance)) in others:
            continue
        try:
            said = kind.read(SHOP, text, NOW)
        except ForgedLinkError:
            refused += 1
        else:
            assert said == kind.says, text
    assert refused > MUTATIONS * 0.9


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(max_size=80) | st.text("." + ascii_letters + digits, max_size=80))
@example("")
@example(".")
@example("..")
@example("é.é.é")
def test_a_text_that_was_never_signed_is_forged_whatever_it_looks_like(text: str) -> None:
    for kind in KINDS:
        with pytest.raises(ForgedLinkError):
            kind.read(SHOP, text, NOW)


@each_kind
@pytest.mark.parametrize(
    ("seconds", "opens"),
    [(-120, True), (-60, True), (-1, True), (0, True), (1, True), (60, True), (61, False), (120, False)],
)
def test_a_link_dies_a_minute_after_its_time(kind: Kind, seconds: int, opens: bool) -> None:
    token, at = kind.make(SHOP), NOW + kind.life + timedelta(seconds=seconds)
    assert timedelta(seconds=60) == LEEWAY
    if opens:
        assert kind.read(SHOP, token, at) == kind.says
    else:
        with pytest.raises(ExpiredLinkError) as caught:
            kind.read(SHOP, token, at)
        assert caught.value.subject in {"order-7", "download-9"}
        assert caught.value.subject == getattr(kind.says, "order", kind.says)


@each_kind
def test_a_link_from_a_host_whose_clock_is_ahead_opens_at_once(kind: Kind) -> None:
    assert kind.read(SHOP, kind.make(SHOP), NOW - timedelta(seconds=120)) == kind.says


@each_kind
def test_a_forged_link_is_forged_even_when_its_time_is_over(kind: Kind) -> None:
    with pytest.raises(ForgedLinkError):
        kind.read(links("another key" * 4), kind.make(SHOP), NOW + kind.life + YEAR)


def test_the_life_of_an_access_link_is_the_houses_to_choose_and_a_ticket_lives_for_minutes() -> None:
    short = links(NEW, life=timedelta(days=1))
    with pytest.raises(ExpiredLinkError):
        short.read_access(short.access_token("order-7", 1, NOW), NOW + timedelta(days=2))
    assert timedelta(minutes=5) <= TICKET_LIFE <= timedelta(hours=6)


@each_kind
def test_the_newest_key_signs_and_the_oldest_still_verifies_until_it_is_removed(kind: Kind) -> None:
    from_the_old_days = kind.make(links(OLDEST))
    rotated = links(OLDEST, OLD, NEW)
    assert kind.read(rotated, from_the_old_days, NOW) == kind.says
    assert kind.read(links(NEW), kind.make(rotated), NOW) == kind.says
    for without in (links(OLD, NEW), links(NEW)):
        with pytest.raises(ForgedLinkError):
            kind.read(without, from_the_old_days, NOW)
    with pytest.raises(ForgedLinkError):
        kind.read(links(OLDEST, OLD), kind.make(rotated), NOW)
