"""From a file to its products, one after the other, in bounded memory; gzip is unpacked on the way.

A record is told by its reference and a digest of its bytes, and parsed only when it is asked for: what has not changed
since it was taken in need not be. A message that cannot be cut into its products' bytes is parsed whole.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, NoReturn, cast

from lxml import etree

from shop.catalogue.onix.pieces import BEGINNING, CHUNK, CannotCutError, Cut, Frame, Piece, frame_of
from shop.catalogue.onix.reading import Defaults, defaults, read
from shop.catalogue.onix.tags import NAMES, RELEASES, tags_of
from shop.catalogue.onix.values import OnixError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shop.catalogue.onix.values import Told

GZIP = b"\x1f\x8b"
PRODUCT = tags_of("Product")
READER = b"6"
"""Changes when more is read of a product than before: a record that was taken in by an older reader is read anew."""

_SENT = re.compile(rb"<(SentDateTime|x307|MessageNumber|m180)(?:\s[^<>]*)?>[\w:.+-]*</\1>")
"""What of a header tells one sending from another."""
_TIMES_SENT = 2


class Record(NamedTuple):
    """A product that need not be read: its reference, where it is plain to see, the digest of its content.

    Attributes:
        read: Reads it. Raises OnixError where it is not well formed.
    """

    reference: str | None
    digest: str
    read: Callable[[], Told]


def digest_of(path: Path) -> str:
    """Return a digest of what a file says, whatever the day and the number under which it is sent.

    Raises:
        OnixError: the packed file is damaged.
    """
    digest = hashlib.sha256(READER)
    with _opened(path) as file:
        digest.update(_SENT.sub(b"", file.read(BEGINNING), count=_TIMES_SENT))
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def products(path: Path) -> Iterator[Told]:
    """Read a file product by product.

    Raises:
        OnixError: the file is not XML, not ONIX 3.0 or 3.1, not whole, or carries a document type.
    """
    return (record.read() for record in records(path))


def records(path: Path) -> Iterator[Record]:
    """Tell the records of a file one after the other; raises as `products` does."""
    usual = _look_at_message(path)
    with _opened(path) as file:
        frame = frame_of(file.read(BEGINNING))
    told = 0
    if frame is not None:
        try:
            for record in _cut(path, frame, usual):
                yield record
                told += 1
        except CannotCutError:
            pass
        else:
            return
    yield from islice(_parsed(path, usual), told, None)


def _cut(path: Path, frame: Frame, usual: Defaults) -> Iterator[Record]:
    key = hashlib.sha256(_reader(usual) + frame.key)
    reference = re.compile(rb"<%b(?:\s[^>]*)?>([^<&]*)<" % frame.reference)
    with _opened(path) as file:
        try:
            for piece in Cut(file, frame).pieces():
                found = reference.search(piece.content)
                content = key.copy()
                content.update(piece.content)
                digest = content.hexdigest()
                named = found[1].decode("ascii", "replace").strip() if found else None
                yield Record(named, digest, partial(_read_piece, path, frame, usual, piece, digest))
        except etree.XMLSyntaxError as error:
            _complain(path, error)


def _reader(usual: Defaults) -> bytes:
    """What reads a record: this version of us, and the header's defaults, if there are any."""
    return READER + (repr(tuple(usual)).encode() if any(usual) else b"")


def _read_piece(path: Path, frame: Frame, usual: Defaults, piece: Piece, digest: str) -> Told:
    try:
        element = etree.fromstring(frame.around(piece.content), _PARSER)[0]
    except etree.XMLSyntaxError as error:
        _complain(path, error)
    return read(element, digest, piece.line, usual)


_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _complain(path: Path, error: etree.XMLSyntaxError) -> NoReturn:
    """Parse the file whole, since only that tells the line of a fault."""
    for _record in _parsed(path, Defaults()):
        pass
    raise OnixError(f"{path.name}: {error.msg}") from error


def _parsed(path: Path, usual: Defaults) -> Iterator[Record]:
    with _opened(path) as file, _parsing(path, file, ("end",), PRODUCT) as stream:
        for _event, element in stream:
            parent = element.getparent()
            if parent is None or NAMES.get(parent.tag) != "ONIXMessage":
                continue  # one within another is part of it, whatever it is meant to be
            content = etree.tostring(element, encoding="utf-8", with_tail=False)
            digest = hashlib.sha256(_reader(usual) + content).hexdigest()
            found = read(element, digest, _line_of(element), usual)
            yield Record(found.reference, digest, partial(_as_it_is, found))
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


def _as_it_is(found: Told) -> Told:
    return found


def _line_of(element: etree._Element) -> int:
    line: object = element.sourceline
    return line if isinstance(line, int) else 0


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
def _parsing(path: Path, file: BinaryIO, events: tuple[str, ...], tag: tuple[str, ...] | None = None) -> Iterator[Any]:
    stream = etree.iterparse(
        file, events, tag=tag, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        yield stream
    except etree.XMLSyntaxError as error:
        # After an undefined entity the parser's last word is only that nothing was found; the fault stands in its log.
        faults = [fault for fault in stream.error_log if fault.level >= etree.ErrorLevels.ERROR]
        line, words = (faults[0].line, faults[0].message) if faults else (error.lineno, error.msg)
        raise OnixError(f"{path.name}, line {line}: {words}") from error


def _look_at_message(path: Path) -> Defaults:
    """Refuse, before anything is read, what is no ONIX 3 message or carries a document type; return its defaults."""
    with _opened(path) as file, _parsing(path, file, ("start", "end")) as stream:
        _look_at_root(path, next(stream)[1])
        for event, element in stream:
            name = NAMES.get(element.tag)
            if name == "Header" and event == "end":
                return defaults(element)
            if name == "Product":
                break
    return Defaults()


def _look_at_root(path: Path, root: etree._Element) -> None:
    if root.getroottree().docinfo.internalDTD is not None:
        raise OnixError(f"{path.name}: a document type declaration is not read; send the file without it.")
    release = root.get("release") or ""
    is_dated = root.tag.startswith("{") or release.startswith(RELEASES)
    if NAMES.get(root.tag) != "ONIXMessage" or not is_dated:
        told = f", release {release}" if release else ""
        raise OnixError(
            f"This is {root.tag}{told}, not a message of ONIX 3.0 or 3.1, in reference names or short tags."
        )
