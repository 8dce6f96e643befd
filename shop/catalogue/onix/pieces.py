"""A message cut into the bytes of its products, so that what has not changed is known without being parsed.

In XML a `<` that is no markup stands only in comments, CDATA sections and processing instructions, so a start tag found
outside these is one. That holds for every encoding in which ASCII is ASCII; others are left to the parser. What stands
around the products goes through a parser that keeps nothing, so that a message is refused for the same faults as if it
had been parsed whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK = 1 << 17
BEGINNING = 1 << 14
"""Bytes in which the root of a message that can be cut begins."""
LARGEST_PRODUCT = 32 << 20
"""Bytes; a product that does not end sooner is left to the parser, which bounds what it takes."""

_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_ASCII_IS_ASCII = {b"utf-8", b"us-ascii", b"ascii", b"iso-8859-1", b"iso-8859-15", b"latin-1", b"windows-1252"}
_ATTRIBUTES = rb"""(?:[^<>"']|"[^"]*"|'[^']*')*>"""
_BEFORE_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(<\?xml[^>]*\?>)?\s*(<(?:ONIXMessage|ONIXmessage)(?=[\s>])%b)" % _ATTRIBUTES
)
_HIDES_MARKUP = re.compile(rb"<!--|<!\[CDATA\[|<\?")
_TAG = rb"""<(/?)%b(?=[\s/>])(?:[^>"']|"[^"]*"|'[^']*')*>"""
_WHOLE_MARKUP = re.compile(
    rb"""(?>[^<]+|<!--(?s:.*?)-->|<\?(?s:.*?)\?>|<!\[CDATA\[(?s:.*?)\]\]>|<[^<>"'!?](?>[^<>"']+|"[^"<]*"|'[^'<]*')*>)*"""
)
"""Text and markup that a parser has done with when it has seen the last byte: no tag waits for its end."""
_ENDS = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}


class CannotCutError(Exception):
    """The message is written in a way that only a parser understands."""


class Piece(NamedTuple):
    """The bytes of one product, and the line on which they begin, from 1."""

    line: int
    content: bytes


class Frame(NamedTuple):
    """What stands before the first product: enough to parse a product by itself."""

    declaration: bytes
    root: bytes

    @property
    def is_short(self) -> bool:
        """Whether the message is written in short tags."""
        return self.root.startswith(b"<ONIXmessage")

    @property
    def product(self) -> bytes:
        """The name of a product's element."""
        return b"product" if self.is_short else b"Product"

    @property
    def reference(self) -> bytes:
        """The name of the element by which a record is known."""
        return b"a001" if self.is_short else b"RecordReference"

    @property
    def key(self) -> bytes:
        """What makes the same bytes mean something else: the encoding and the root."""
        encoding = _ENCODING.match(self.declaration)
        return b"%b %b" % (encoding[1].lower() if encoding else b"utf-8", self.root)

    def around(self, content: bytes) -> bytes:
        """A message of this product alone."""
        name = b"ONIXmessage" if self.is_short else b"ONIXMessage"
        return b"%b%b%b</%b>" % (self.declaration, self.root, content, name)


def frame_of(beginning: bytes) -> Frame | None:
    """Return the frame of a message by its first bytes, or None where it cannot be cut."""
    encoding = _ENCODING.match(beginning.removeprefix(b"\xef\xbb\xbf"))
    if encoding and encoding[1].lower() not in _ASCII_IS_ASCII:
        return None
    found = _BEFORE_ROOT.match(beginning)
    return Frame(found[1] or b"", found[2]) if found else None


class _Nothing:
    """A parser's target that keeps nothing."""

    def close(self) -> None:
        """Nothing was kept."""


class Cut:
    """An open file, cut in bounded memory."""

    def __init__(self, file: BinaryIO, frame: Frame) -> None:
        self._file = file
        self._buffer = b""
        self._line = 1
        self._start = re.compile(rb"<%b(?=[\s/>])|%b" % (frame.product, _HIDES_MARKUP.pattern))
        self._end = b"</%b>" % frame.product
        self._reference = b"<%b" % frame.reference
        tag = _TAG % frame.product
        self._either_end = re.compile(rb"%b|%b" % (tag, _HIDES_MARKUP.pattern))
        self._around = etree.XMLParser(
            target=cast("Any", _Nothing()), resolve_entities=False, no_network=True, load_dtd=False
        )
        self._gaps: list[bytes] = []

    def pieces(self) -> Iterator[Piece]:
        """Yield every product.

        Raises:
            lxml.etree.XMLSyntaxError: what stands around the products is not well formed, or a product does not end;
                its lines are those of a message without products.
            CannotCutError: a product is too large to be cut, or what stands between two is broken.
        """
        at = 0
        while True:
            start = self._next_start(at)
            end = None if start is None else self._end_after(start)
            if start is not None and end is not None:
                self._pass_over(self._buffer[at:start])
                line = self._line + self._buffer.count(b"\n", at, start)
                self._line = line + self._buffer.count(b"\n", start, end)
                yield Piece(line, self._buffer[start:end])
                at = end
            elif not self._read_on(at):
                break
            else:
                at = 0
        self._around.feed(b"".join([*self._gaps, self._buffer]))
        self._around.close()

    def _pass_over(self, gap: bytes) -> None:
        """Let the parser see what stands before a product, and a stand-in for the product, before it is told.

        Raises:
            CannotCutError: the parser would wait for more before it says what is wrong.
        """
        self._gaps += (gap, b"<product/>")
        if gap and not gap.isspace():
            if not _WHOLE_MARKUP.fullmatch(gap):
                raise CannotCutError
            self._feed_gaps()

    def _feed_gaps(self) -> None:
        if self._gaps:
            self._around.feed(b"".join(self._gaps))
            self._gaps.clear()

    def _read_on(self, at: int) -> bool:
        """Let go of what has been looked through, and read more; false at the end of the file."""
        self._buffer = self._buffer[at:]
        if len(self._buffer) > LARGEST_PRODUCT:
            raise CannotCutError
        self._feed_gaps()
        more = self._file.read(max(CHUNK, len(self._buffer)))
        self._buffer += more
        return bool(more)

    def _next_start(self, at: int) -> int | None:
        """Where the next product begins; None where that is not in sight yet."""
        while found := self._start.search(self._buffer, at):
            closing = _ENDS.get(found[0])
            if closing is None:
                return found.start()
            end = self._buffer.find(closing, found.end())
            if end < 0:
                return None
            at = end + len(closing)
        return None

    def _end_after(self, start: int) -> int | None:
        """Where the product that begins here ends; None where that is not in sight yet."""
        end = self._buffer.find(self._end, start)
        if end < 0:
            return self._end_by_marks(start)
        first = self._buffer.find(self._reference, start, end)
        # Two references: the end tag of the first product has a space in it, which is allowed, and was passed over.
        has_two = self._buffer.find(self._reference, first + 1, end) >= 0
        is_empty = self._buffer[self._buffer.find(b">", start) - 1] == ord("/")
        is_plain = not (has_two or is_empty or self._hides_markup(start, end))
        return end + len(self._end) if is_plain else self._end_by_marks(start)

    def _hides_markup(self, start: int, end: int) -> bool:
        """Whether there may be a comment, a CDATA section or an instruction; a sign alone is found much faster."""
        find = self._buffer.find
        may_comment = find(b"!", start, end) >= 0 and find(b"<!", start, end) >= 0
        return may_comment or (find(b"?", start, end) >= 0 and find(b"<?", start, end) >= 0)

    def _end_by_marks(self, start: int) -> int | None:
        at, depth = start, 0
        while found := self._either_end.search(self._buffer, at):
            at = found.end()
            closing = _ENDS.get(found[0])
            if closing is not None:
                end = self._buffer.find(closing, at)
                if end < 0:
                    return None
                at = end + len(closing)
            elif not found[0].endswith(b"/>"):
                depth += -1 if found[1] else 1
            if closing is None and depth == 0:
                return at
        return None
