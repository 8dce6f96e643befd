"""Misfortune to order: what goes wrong with the next calls."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integrations.sandbox.glassboxx.store import Store


class FaultKind(StrEnum):
    """What can go wrong, and whether the work is done all the same."""

    SLOW = "slow"  # done, late
    HTTP_500 = "http_500"  # not done
    HTTP_503_HTML = "http_503_html"  # not done
    HTTP_503_JSON = "http_503_json"  # not done
    RESET_BEFORE = "reset_before"  # not done
    RESET_AFTER_COMMIT = "reset_after_commit"  # done
    HTTP_500_AFTER_COMMIT = "http_500_after_commit"  # done
    NOT_JSON_200 = "not_json_200"  # done


DEFAULT_SLOWNESS = 5.0


@dataclass(frozen=True)
class Fault:
    """One misfortune, met by one call."""

    kind: FaultKind
    seconds: float


class Faults:
    """The misfortunes still to come, first ordered first met."""

    def __init__(self, store: "Store") -> None:
        self._store = store

    def order(self, kind: FaultKind, calls: int, path: str = "", seconds: float = DEFAULT_SLOWNESS) -> None:
        """Let the next calls whose path contains `path` meet the fault."""
        self._store.run(
            "insert into fault (fault, path, seconds, remaining) values (?, ?, ?, ?)",
            kind,
            path,
            seconds,
            calls,
        )

    def find_next(self, path: str) -> Fault | None:
        """Use up the first fault that waits for this path."""
        with self._store.transaction():
            row = self._store.find_row(
                "select * from fault where remaining > 0 and instr(?, path) > 0 order by id", path
            )
            if row is None:
                return None
            self._store.run("update fault set remaining = remaining - 1 where id = ?", row["id"])
            return Fault(FaultKind(row["fault"]), row["seconds"])

    def waiting(self) -> list[dict[str, Any]]:
        """Return the faults not yet used up."""
        return self._store.rows(
            "select fault, path, seconds, remaining as calls from fault where remaining > 0 order by id"
        )

    def forget(self) -> None:
        """Call off every fault."""
        self._store.run("delete from fault")
