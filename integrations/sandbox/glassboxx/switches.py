"""Every guess about the real service, as a named switch: an account with the vendor settles each soon."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from integrations.sandbox.glassboxx.store import Store

MAGENTO_LOCKOUT_FAILURES = 6
MAGENTO_LOCKOUT_SECONDS = 1800
MAGENTO_TOKEN_SECONDS = 3600


@dataclass(frozen=True)
class Choice:
    """A switch with named positions, the first of which is the default."""

    positions: tuple[str, ...]
    question: str

    @property
    def default(self) -> str:
        """The position of a switch nobody touched."""
        return self.positions[0]

    def accept(self, value: object) -> str:
        """Return the position asked for.

        Raises:
            UnknownPositionError: it has no such position.
        """
        if value not in self.positions:
            raise UnknownPositionError(f"{value!r} is not one of {', '.join(self.positions)}")
        return str(value)


@dataclass(frozen=True)
class Number:
    """A switch that holds a whole number, zero or more."""

    default: int
    question: str

    def accept(self, value: object) -> int:
        """Return the number asked for.

        Raises:
            UnknownPositionError: it is not a whole number of zero or more.
        """
        text = str(value)
        if not (text.isascii() and text.isdigit()):
            raise UnknownPositionError(f"{value!r} is not a whole number of zero or more")
        return int(text)


class UnknownPositionError(ValueError):
    """A switch that is not there, or a position it does not have."""


SWITCHES: dict[str, Choice | Number] = {
    "duplicate_order": Choice(("ignore", "accept", "error"), "What does a repeated order line do?"),
    "duplicate_key": Choice(("order_sku_email", "order_sku"), "What makes an order line a repeat?"),
    "duplicate_check": Choice(("before_sku", "after_sku"), "Is a repeat noticed before the SKU's state is looked at?"),
    "order_before_account": Choice(("error", "implicit"), "What becomes of an order without an account?"),
    "answer_shape": Choice(("object", "list", "pair"), "How are Status and Message wrapped?"),
    "key_case": Choice(("title", "lower"), "Status and Message, or status and message?"),
    "unauthorised_text": Choice(("E4", "E5"), "Which text does a call without a good token get?"),
    "sign_in_text": Choice(("E3", "E4"), "Which text does a wrong password get?"),
    "required_text": Choice(("E1", "M1"), "Which text names a missing parameter?"),
    "apostrophe": Choice(("typographic", "ascii"), "Which apostrophe does an unknown SKU's text have?"),
    "partial_success": Choice(("all_or_nothing", "per_line"), "May one line of a call succeed alone?"),
    "field_check": Choice(("strict", "lenient"), "Are numbers, dates and amounts looked at closely?"),
    "price_incl_tax": Choice(("required", "optional"), "Must a line carry its price?"),
    "token_life_seconds": Number(MAGENTO_TOKEN_SECONDS, "How long does a token live?"),
    "lockout_failures": Number(MAGENTO_LOCKOUT_FAILURES, "How many wrong passwords lock the account?"),
    "lockout_seconds": Number(MAGENTO_LOCKOUT_SECONDS, "For how long?"),
}


class Switchboard:
    """The positions of the switches, kept with everything else."""

    def __init__(self, store: "Store") -> None:
        self._store = store

    def __getitem__(self, name: str) -> str:
        """Return the position of a choice."""
        return str(self.positions()[name])

    def number(self, name: str) -> int:
        """Return the number a numeric switch holds."""
        return int(self.positions()[name])

    def positions(self) -> dict[str, str | int]:
        """Return every switch with its position."""
        defaults = {name: switch.default for name, switch in SWITCHES.items()}
        stored = self._store.rows("select name, value from switch")
        return defaults | {row["name"]: SWITCHES[row["name"]].accept(row["value"]) for row in stored}

    def set(self, wishes: Mapping[str, object]) -> None:
        """Move the named switches, all or none.

        Raises:
            UnknownPositionError: a name or a position is not known.
        """
        accepted = {name: accept_position(name, wish) for name, wish in wishes.items()}
        with self._store.transaction():
            for name, position in accepted.items():
                self._store.run("insert or replace into switch values (?, ?)", name, str(position))


def accept_position(name: str, wish: object) -> str | int:
    """Return the position the wish means.

    Raises:
        UnknownPositionError: the name or the position is not known.
    """
    if name not in SWITCHES:
        raise UnknownPositionError(f"there is no switch {name!r}")
    return SWITCHES[name].accept(wish)
