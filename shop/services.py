"""The outside world, typed, in one place: what the shop may ask of it, and the three ways it can fail.

The ports themselves stand in the rooms whose words they use; they are named here for the type checker
alone, so that no import points to the right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shop.catalogue.covers.fetching import Pictures
    from shop.checkout.gateway import Gateway
    from shop.db import Database
    from shop.library.fulfilment import Fulfiller
    from shop.library.links import Links
    from shop.mail import Mailer
    from shop.settings import Settings
    from shop.storage import Files

Clock = Callable[[], datetime]


class OutsideError(Exception):
    """Something asked of the outside world did not come out well."""


class RefusedError(OutsideError):
    """A definite no: asking again the same way will not help. The text says why, in the vendor's words."""


class RepeatRefusedError(RefusedError):
    """No, in words that do not rule out that the same was granted before, when the answer was lost."""


class UnavailableError(OutsideError):
    """It certainly did not happen, and may later: refused connection, maintenance, too many requests."""


class UnknownOutcomeError(OutsideError):
    """It may have happened: the answer was lost. Look before repeating, or record and repeat by the same key."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything outside, one promise each."""

    gateway: Gateway
    fulfillers: Mapping[str, Fulfiller]
    files: Files
    pictures: Pictures
    mailer: Mailer
    links: Links


@dataclass(frozen=True, slots=True)
class Premises:
    """The shop behind closed doors: its settings, its facts, its clock. Enough for what asks nothing of the outside."""

    settings: Settings
    db: Database
    clock: Clock

    @property
    def now(self) -> datetime:
        """This instant, aware, UTC."""
        return self.clock()


@dataclass(frozen=True, slots=True)
class Shop(Premises):
    """The running shop, and its outside."""

    services: Services


def utc_now() -> datetime:
    """The clock of every shop that is not a test's."""
    return datetime.now(UTC)
