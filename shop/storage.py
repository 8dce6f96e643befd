"""Files: the port behind which master files and readers' copies are kept, by names of our own making."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class Files(Protocol):
    """Keeps bytes under a name; a name is ours (`masters/9780….epub`), never a reader's text."""

    def put(self, name: str, content: bytes) -> None:
        """Keep the content, whole or not at all; an equal name is replaced."""

    def take(self, name: str, stream: BinaryIO) -> None:
        """Keep all that a stream still holds, piece by piece; otherwise as `put`."""

    def get(self, name: str) -> bytes:
        """The content; raises FileNotFoundError."""

    def has(self, name: str) -> bool:
        """Whether the name is kept."""

    def drop(self, name: str) -> None:
        """Let go of a name and its content; one that is not kept is none to let go of."""

    def path(self, name: str) -> Path:
        """A path from which the file can be sent in pieces; raises FileNotFoundError."""


def master(isbn: str) -> str:
    """The name of the publisher's own file of an edition."""
    return f"masters/{isbn}.epub"


def copy(copy_id: str) -> str:
    """The name of one reader's copy."""
    return f"copies/{copy_id}.epub"
