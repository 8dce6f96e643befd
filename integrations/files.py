"""Files in a folder: written beside and renamed, so that a name holds a whole file or none."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO


class Folder:
    """Keeps files below one folder, under names of the shop's own making."""

    def __init__(self, root: Path) -> None:
        """Use this folder; it is made when first written to."""
        self._root = root.resolve()

    def put(self, name: str, content: bytes) -> None:
        """Write the content durably, then give it its name."""
        self.take(name, io.BytesIO(content))

    def take(self, name: str, stream: BinaryIO) -> None:
        """Write what the stream holds durably, then give it its name."""
        target = self._place(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
            shutil.copyfileobj(stream, file)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(target)

    def get(self, name: str) -> bytes:
        """Read the whole file."""
        return self.path(name).read_bytes()

    def has(self, name: str) -> bool:
        """Whether it is there."""
        return self._place(name).is_file()

    def drop(self, name: str) -> None:
        """Delete the file, if it is there."""
        self._place(name).unlink(missing_ok=True)

    def path(self, name: str) -> Path:
        """Where it is; raises FileNotFoundError."""
        place = self._place(name)
        if not place.is_file():
            raise FileNotFoundError(name)
        return place

    def _place(self, name: str) -> Path:
        place = (self._root / name).resolve()
        if not place.is_relative_to(self._root) or place == self._root:
            raise ValueError(f"{name!r} is not a name of ours")
        return place
