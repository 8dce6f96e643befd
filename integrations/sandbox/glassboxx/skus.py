"""The SKUs the service knows, each in one of five states, and what it says of them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from integrations.sandbox.glassboxx import messages
from integrations.sandbox.glassboxx.messages import Answer, RefusalError

if TYPE_CHECKING:
    from integrations.sandbox.glassboxx.store import Store
    from integrations.sandbox.glassboxx.switches import Switchboard


class SkuState(StrEnum):
    """Where an upload stands."""

    UNKNOWN = "unknown"
    OTHER_VENDOR = "other_vendor"
    NOT_ENABLED = "not_enabled"
    ENABLED = "enabled"
    PREORDER = "preorder"


ANSWERS = {
    SkuState.UNKNOWN: messages.error(messages.UNKNOWN_SKU),
    SkuState.OTHER_VENDOR: messages.error(messages.OTHER_VENDOR),
    SkuState.NOT_ENABLED: messages.error(messages.NOT_ENABLED),
    SkuState.ENABLED: messages.success(messages.ENABLED),
    SkuState.PREORDER: messages.success(messages.PRE_ORDER),
}


@dataclass(frozen=True)
class SkuSeed:
    """A SKU as it is first told to the sandbox."""

    sku: str
    title: str
    state: SkuState


def parse_seed(text: str) -> SkuSeed:
    """Read `SKU:STATE:TITLE`; the title may hold colons.

    Raises:
        ValueError: a part is missing, or the state is not one of the five.
    """
    sku, state, title = text.split(":", 2)
    return SkuSeed(sku, title, SkuState(state))


class Skus:
    """The shelf of SKUs."""

    def __init__(self, store: "Store", switches: "Switchboard") -> None:
        self._store = store
        self._switches = switches

    def add_if_absent(self, seed: SkuSeed) -> None:
        """Add a SKU unless it is there, whatever its state has become."""
        self._store.run("insert or ignore into sku values (?, ?, ?)", seed.sku, seed.title, seed.state)

    def put(self, sku: str, state: SkuState, title: str | None = None) -> None:
        """Set a SKU's state; without a title it keeps the one it has."""
        self._store.run(
            "insert into sku values (?1, coalesce(?3, ''), ?2) on conflict (sku)"
            " do update set state = ?2, title = coalesce(?3, title)",
            sku,
            state,
            title,
        )

    def all(self) -> list[dict[str, Any]]:
        """Return every SKU with its title and state."""
        return self._store.rows("select sku, title, state from sku order by title, sku")

    def state(self, sku: str) -> SkuState:
        """Return where the SKU stands; one never heard of is unknown."""
        row = self._store.find_row("select state from sku where sku = ?", sku)
        return SkuState(row["state"]) if row else SkuState.UNKNOWN

    def check(self, sku: str) -> Answer:
        """Say whether the SKU may be sold now (C1 to C5)."""
        answer = ANSWERS[self.state(sku)]
        if self._switches["apostrophe"] == "ascii":
            return Answer(answer.status, answer.message.replace("’", "'"))
        return answer

    def refuse_unless_sellable(self, sku: str) -> None:
        """Let a sellable SKU pass.

        Raises:
            RefusalError: with the text checkContent would give now.
        """
        answer = self.check(sku)
        if answer.status == "ERROR":
            raise RefusalError(answer.message)
