"""From a file to its products, one after the other, in bounded memory; gzip is unpacked on the way."""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from lxml import etree

from shop.catalogue.onix.reading import read
from shop.catalogue.onix.tags import NAMES, RELEASES, tags_of
from shop.catalogue.onix.values import OnixError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shop.catalogue.onix.values import OnixProduct, Problem

GZIP = b"\x1f\x8b"
PRODUCT = tags_of("Product")


def products(path: Path) -> Iterator[OnixProduct | Problem]:
    """Read a file product by product.

    Raises:
        OnixError: the file is not XML, not ONIX 3.0 or 3.1, not whole, or carries a document type.
    """
    with _opened(path) as file, _parsing(path, file, "start") as stream:
        _look_at_root(path, next(stream)[1])
    with _opened(path) as file, _parsing(path, file, "end", PRODUCT) as stream:
        for _event, element in stream:
            yield read(element)
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        is_packed = file.read(2) == GZIP
        file.seek(0)
        if not is_packed:
            yield file
            return
        try:
            with gzip.open(file) as unpacked:
                yield cast("BinaryIO", unpacked)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise OnixError(f"{path.name}: the packed file is damaged or cut off: {error}") from error


@contextmanager
def _parsing(path: Path, file: BinaryIO, event: str, tag: tuple[str, ...] | None = None) -> Iterator[Any]:
    stream = etree.iterparse(
        file, (event,), tag=tag, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        yield stream
    except etree.XMLSyntaxError as error:
        # After an undefined entity the parser's last word is only that nothing was found; the fault stands in its log.
        faults = [fault for fault in stream.error_log if fault.level >= etree.ErrorLevels.ERROR]
        line, words = (faults[0].line, faults[0].message) if faults else (error.lineno, error.msg)
        raise OnixError(f"{path.name}, line {line}: {words}") from error


def _look_at_root(path: Path, root: etree._Element) -> None:
    """Refuse, before anything is read, what is no ONIX 3 message or carries a document type."""
    if root.getroottree().docinfo.internalDTD is not None:
        raise OnixError(f"{path.name}: a document type declaration is not read; send the file without it.")
    release = root.get("release") or ""
    is_dated = root.tag.startswith("{") or release.startswith(RELEASES)
    if NAMES.get(root.tag) != "ONIXMessage" or not is_dated:
        told = f", release {release}" if release else ""
        raise OnixError(
            f"This is {root.tag}{told}, not a message of ONIX 3.0 or 3.1, in reference names or short tags."
        )
