"""Watermark: an ebook of our own is delivered as the publisher's EPUB, marked as one reader's copy.

A copy carries one opaque mark in several places, so that whichever survives names the copy: in the
package's metadata, on a last page in plain words, in that page's file name, and on the body of every chapter.
The mark says nothing by itself; only the shop can look it up. The text of the book is not touched, and the
same copy of the same master is the same bytes.

A master comes from outside, so it is read warily: within limits, never by the names it brings, its XML
without entities.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import posixpath
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from xml.parsers import expat

from lxml import etree

from shop import storage
from shop.catalogue.models import ProviderState
from shop.catalogue.selling.disclosure import Disclosure
from shop.library.models import Delivery, Place
from shop.services import RefusedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shop.library.fulfilment import Consignment
    from shop.storage import Files

DISCLOSURE = Disclosure(
    powered_by=None,
    protection="no DRM, quietly marked as your copy",
    how_to_read=(
        "An EPUB 3 file to keep, for any phone, tablet, computer or e-reader: Apple Books, Google Play "
        "Books, Kobo and others open it, and a Kindle takes it through Amazon's Send to Kindle. Its last "
        "page bears your name and order number."
    ),
    is_licence=False,
)

NAMESPACE = "urn:frontlist:"
PREFIX = "frontlist"
PROPERTY = f"{PREFIX}:copy"
ATTRIBUTE = f"data-{PREFIX}-copy"

ID_LENGTH, SEAL_LENGTH, CHECK_LENGTH = 16, 4, 4
MARK_LENGTH = ID_LENGTH + SEAL_LENGTH + CHECK_LENGTH
LONG_WORD = re.compile(rb"[A-Za-z0-9]{%d,}" % MARK_LENGTH)
"""What may be a mark, if it is just that long; found fast, for leaked files can be large."""

MIMETYPE = "mimetype"
EPUB_TYPE = b"application/epub+zip"
CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
SIGNATURES = "META-INF/signatures.xml"
PACKAGE_TYPE = "application/oebps-package+xml"
CHAPTER_TYPE = "application/xhtml+xml"

OCF = "{urn:oasis:names:tc:opendocument:xmlns:container}"
OPF = "{http://www.idpf.org/2007/opf}"
XMLENC = "{http://www.w3.org/2001/04/xmlenc#}"
FONT_OBFUSCATION = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}

KEPT_COMPRESSION = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
ENCRYPTED_FLAGS = 0x1 | 0x40
FIXED_DATE = (1980, 1, 1, 0, 0, 0)
UNIX, PLAIN_FILE = 3, (stat.S_IFREG | 0o644) << 16

LONGEST_NAME = 120
JOINERS = "\u200c\u200d"
"""Zero-width characters that names in Persian or Hindi, and many emoji, are misspelt without."""

UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    ValueError,
)
"""What reading a broken archive can raise: `zipfile` promises nothing."""

PAGE_3 = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" lang="en-GB" xml:lang="en-GB">
<head><title>Your copy</title></head>
<body>
<h1>Your copy</h1>
<p>This copy belongs to <bdi>{reader}</bdi>. Order {order}.</p>
<p>Thank you for buying it. There is no lock on this book, because we trust you with it. Please do not \
pass it around: its author lives by its readers.</p>
<p><small>Copy {mark}</small></p>
</body>
</html>
"""
PAGE_2 = (
    PAGE_3.replace("<!DOCTYPE html>\n", "")
    .replace(' lang="en-GB"', "", 1)
    .replace("<bdi>", "<span>")
    .replace("</bdi>", "</span>")
)
"""The same page as XHTML 1.1, which an EPUB 2 wants."""


class UnsuitableFileError(ValueError):
    """The file cannot be a master; the text says why, as a sentence about "it"."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a master may be; all sizes in bytes, uncompressed.

    Attributes:
        markup_bytes: The largest chapter or package document, which is read as XML.
        ratio: How many times its compressed size an entry may unfold to...
        ratio_floor_bytes: ...once it is larger than this; small repetitive files are no bombs.
    """

    entries: int = 10_000
    entry_bytes: int = 256 * 2**20
    total_bytes: int = 2**30
    markup_bytes: int = 32 * 2**20
    ratio: int = 200
    ratio_floor_bytes: int = 2**20


LIMITS = Limits()


class Watermark:
    """Delivers our own EPUBs, each copy marked."""

    disclosure = DISCLOSURE
    repeats_safely = True

    def __init__(self, files: Files, secret: str, *, limits: Limits = LIMITS) -> None:
        """Take masters from these files and put copies there, marked with this secret."""
        self._files = files
        self._secret = secret
        self._limits = limits

    def can_deliver(self, isbn: str, sku: str) -> ProviderState:
        """Whether we have the publisher's file."""
        del sku
        there = self._files.has(storage.master(isbn))
        return ProviderState.ENABLED if there else ProviderState.NOT_ENABLED

    def deliver(self, consignment: Consignment) -> Delivery:
        """Make the reader's copy, unless it has been made already."""
        name = storage.copy(consignment.copy_id)
        if not self._files.has(name):
            self._files.put(name, self._copy(consignment))
        return Delivery(Place.FILE, name)

    def _copy(self, consignment: Consignment) -> bytes:
        master = self._master(consignment.isbn)
        mark = mark_of(consignment.copy_id, self._secret)
        stamp = _Stamp(mark, consignment.reader, consignment.order_number)
        try:
            return _stamped(master, stamp, self._limits)
        except UnsuitableFileError as error:
            raise RefusedError(f"the master file of {consignment.isbn} cannot be marked: {error}") from error

    def _master(self, isbn: str) -> bytes:
        try:
            return self._files.get(storage.master(isbn))
        except FileNotFoundError as error:
            raise UnavailableError(f"the master file of {isbn} is missing; add it with `frontlist add-file`") from error


def preflight(content: bytes, limits: Limits = LIMITS) -> None:
    """Make sure that a file can be a master, by marking a copy of it and throwing that away.

    Raises:
        UnsuitableFileError: it cannot, for the reason given.
    """
    _stamped(content, _Stamp(mark_of("preflight", "preflight"), "a reader", "1"), limits)
    if trace(content):
        raise UnsuitableFileError("it already bears the mark of a reader's copy; add the publisher's own file")


def mark_of(copy_id: str, secret: str) -> str:
    """The mark a copy bears: an opaque id, a seal only we can make, a checksum anyone can check.

    Marks found one day are looked up by making the marks of all copies again, so the secret must be kept as
    long as they matter.
    """
    opaque = _keyed(secret, f"copy {copy_id}", ID_LENGTH)
    return _checked(opaque + _keyed(secret, f"seal {opaque}", SEAL_LENGTH))


def trace(content: bytes, secret: str | None = None) -> frozenset[str]:
    """Every mark still in a leaked file, whatever became of the rest of it; it need not be an EPUB any more.

    Args:
        content: The file.
        secret: With it, only marks that we made count; without it, any mark whose checksum is right.
    """
    words = {word.decode().lower() for text in _leaves(content) for word in LONG_WORD.findall(text)}
    return frozenset(word for word in words if len(word) == MARK_LENGTH and _is_genuine(word, secret))


def _keyed(secret: str, message: str, length: int) -> str:
    # Named, so that a secret shared with other parts of the shop gives nothing away here.
    return _letters(hmac.digest(secret.encode(), f"watermark {message}".encode(), "sha256"), length)


def _letters(digest: bytes, length: int) -> str:
    return base64.b32encode(digest).decode().lower()[:length]


def _checked(body: str) -> str:
    return body + _letters(hashlib.sha256(body.encode()).digest(), CHECK_LENGTH)


def _is_genuine(mark: str, secret: str | None) -> bool:
    opaque, seal = mark[:ID_LENGTH], mark[ID_LENGTH:-CHECK_LENGTH]
    if mark != _checked(opaque + seal):
        return False
    return secret is None or seal == _keyed(secret, f"seal {opaque}", SEAL_LENGTH)


def _leaves(content: bytes) -> Iterator[bytes]:
    """The file itself, and its entries if it is an archive; as far as they can be read within the limits."""
    # Without its noughts, UTF-16 is as legible as UTF-8.
    yield content.replace(b"\0", b"")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except UNREADABLE:
        return
    left = LIMITS.total_bytes
    for entry in archive.infolist()[: LIMITS.entries]:
        if entry.file_size > min(left, LIMITS.entry_bytes):
            continue
        left -= entry.file_size
        try:
            yield archive.read(entry).replace(b"\0", b"")
        except (*UNREADABLE, RuntimeError):
            continue


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What is marked onto a copy."""

    mark: str
    reader: str
    order_number: str


def _stamped(master: bytes, stamp: _Stamp, limits: Limits) -> bytes:
    """A copy of the master that bears the stamp."""
    book = _Book(_opened(master), limits)
    _check_entries(book.archive.infolist(), len(master), limits)
    _check_kind(book)
    _check_encryption(book)
    return _written(book, _changes(book, _Package(book), stamp))


class _Book:
    """An archive and what it may cost to read it."""

    def __init__(self, archive: zipfile.ZipFile, limits: Limits) -> None:
        self.archive = archive
        self.limits = limits
        self.names = set(archive.namelist())

    def read(self, name: str) -> bytes:
        try:
            return self.archive.read(name)
        except (*UNREADABLE, RuntimeError) as error:
            raise UnsuitableFileError(f"its entry {name} is damaged ({error})") from error

    def markup(self, name: str) -> bytes:
        """The bytes of an XML document."""
        if name not in self.names:
            raise UnsuitableFileError(f"it has no {name or 'package document'}")
        if self.archive.getinfo(name).file_size > self.limits.markup_bytes:
            raise UnsuitableFileError(f"its document {name} is too large")
        return self.read(name)

    def xml(self, name: str) -> etree._Element:
        """The root of an XML document, which may not bring entities of its own."""
        content = self.markup(name)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            root = etree.fromstring(content, parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise UnsuitableFileError(f"its {name} is not sound XML ({error})") from error
        doctype: Any = root.getroottree().docinfo.internalDTD
        if doctype is not None and doctype.entities():
            raise UnsuitableFileError(f"its {name} declares entities, which can be a trap")
        return root


def _opened(content: bytes) -> zipfile.ZipFile:
    try:
        # Some tools forget to say that the names are UTF-8, which in an EPUB they are.
        return zipfile.ZipFile(io.BytesIO(content), metadata_encoding="utf-8")
    except UNREADABLE as error:
        raise UnsuitableFileError(f"it is not a ZIP archive, so no EPUB ({error})") from error


def _check_entries(entries: list[zipfile.ZipInfo], size: int, limits: Limits) -> None:
    if len(entries) > limits.entries:
        raise UnsuitableFileError(f"it has {len(entries)} entries; {limits.entries} are allowed")
    if sum(entry.file_size for entry in entries) > limits.total_bytes:
        raise UnsuitableFileError(f"it unpacks to more than {limits.total_bytes} bytes")
    if sum(entry.compress_size for entry in entries) > size:
        raise UnsuitableFileError("its entries overlap, as in a ZIP bomb")
    seen: set[str] = set()
    for entry in entries:
        _check_name(entry.orig_filename, seen)
        _check_size(entry, limits)
        _check_sort(entry)


def _check_name(name: str, seen: set[str]) -> None:
    """No name may lead out of the archive, nor two be one on a disk that does not tell their case."""
    parts = name.removesuffix("/").split("/")
    if {"", ".", ".."} & set(parts) or "\\" in name or re.match("[A-Za-z]:", name):
        raise UnsuitableFileError(f"it has an entry with an unsafe name, {name!r}")
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise UnsuitableFileError(f"it has an entry with control characters in its name, {name!r}")
    same = unicodedata.normalize("NFC", name).casefold()
    if same in seen:
        raise UnsuitableFileError(f"it has two entries of the same name, {name!r}")
    seen.add(same)


def _check_size(entry: zipfile.ZipInfo, limits: Limits) -> None:
    if entry.file_size > limits.entry_bytes:
        raise UnsuitableFileError(f"its entry {entry.filename} unpacks to more than {limits.entry_bytes} bytes")
    is_dense = entry.file_size > limits.ratio * entry.compress_size
    if is_dense and entry.file_size > limits.ratio_floor_bytes:
        raise UnsuitableFileError(f"its entry {entry.filename} unpacks to over {limits.ratio} times its size")


def _check_sort(entry: zipfile.ZipInfo) -> None:
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise UnsuitableFileError(f"its entry {entry.filename} is a symbolic link")
    if entry.flag_bits & ENCRYPTED_FLAGS:
        raise UnsuitableFileError(f"its entry {entry.filename} is locked with a password")
    if entry.compress_type not in KEPT_COMPRESSION:
        raise UnsuitableFileError(f"its entry {entry.filename} is compressed in a way EPUB does not know")


def _check_kind(book: _Book) -> None:
    first = next(iter(book.archive.infolist()), None)
    if first is None or first.filename != MIMETYPE or first.header_offset:
        raise UnsuitableFileError("it is no EPUB: the first entry is not its mimetype")
    if first.file_size != len(EPUB_TYPE) or book.read(MIMETYPE) != EPUB_TYPE:
        raise UnsuitableFileError("it is no EPUB: its mimetype is another")
    if SIGNATURES in book.names:
        raise UnsuitableFileError("it is digitally signed, and marking it would break the signature")


def _check_encryption(book: _Book) -> None:
    """Obfuscated fonts are welcome, for their key is in the package; anything else we cannot read."""
    if ENCRYPTION not in book.names:
        return
    root = book.xml(ENCRYPTION)
    locked = [*root.iter(f"{XMLENC}EncryptedData", f"{XMLENC}EncryptedKey")]
    if any(_method(element) not in FONT_OBFUSCATION for element in locked):
        raise UnsuitableFileError("it is encrypted (DRM); only obfuscated fonts are allowed")


def _method(locked: etree._Element) -> str | None:
    method = locked.find(f"{XMLENC}EncryptionMethod")
    return None if method is None else method.get("Algorithm")


class _Package:
    """The package document: what the book consists of, in which order."""

    def __init__(self, book: _Book) -> None:
        self.name = _package_name(book)
        self.root = book.xml(self.name)
        self.metadata = self._section("metadata")
        self.manifest = self._section("manifest")
        self.spine = self._section("spine")
        if self.spine.find(f"{OPF}itemref") is None:
            raise UnsuitableFileError("its spine lists no chapters")
        if self.version not in {"2", "3"}:
            raise UnsuitableFileError("it is neither EPUB 2 nor EPUB 3")

    @property
    def version(self) -> str:
        return (self.root.get("version") or "").partition(".")[0]

    @property
    def is_epub_3(self) -> bool:
        return self.version == "3"

    @property
    def is_fixed_layout(self) -> bool:
        metas = self.metadata.iterfind(f"{OPF}meta[@property='rendition:layout']")
        return any((meta.text or "").strip() == "pre-paginated" for meta in metas)

    def chapters(self) -> list[str]:
        """The entries of the XHTML documents in the spine, each once."""
        items = {item.get("id"): item for item in self.manifest.iterfind(f"{OPF}item")}
        listed = [items.get(reference.get("idref")) for reference in self.spine.iterfind(f"{OPF}itemref")]
        if None in listed:
            raise UnsuitableFileError("its spine lists a chapter that its manifest does not")
        texts = [item for item in listed if item is not None and item.get("media-type") == CHAPTER_TYPE]
        return list(dict.fromkeys(self.entry(item.get("href") or "") for item in texts))

    def entry(self, href: str) -> str:
        """The name of the entry that a reference in the package means."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(self.name), _path(href)))

    def _section(self, name: str) -> etree._Element:
        section = self.root.find(OPF + name)
        if section is None:
            raise UnsuitableFileError(f"its package document {self.name} has no {name}")
        return section


def _package_name(book: _Book) -> str:
    rootfiles = book.xml(CONTAINER).iter(f"{OCF}rootfile")
    names = [each.get("full-path") for each in rootfiles if each.get("media-type") == PACKAGE_TYPE]
    if len(names) != 1:
        raise UnsuitableFileError(f"its container names {len(names)} package documents instead of one")
    return names[0] or ""


def _path(href: str) -> str:
    try:
        return unquote(urlsplit(href).path)
    except ValueError as error:
        raise UnsuitableFileError(f"its manifest has an address that is none, {href!r}") from error


def _changes(book: _Book, package: _Package, stamp: _Stamp) -> dict[str, bytes]:
    """The entries in which the copy differs from its master, by name; the last is new."""
    chapters = {name: _marked(book.markup(name), name, package, stamp.mark) for name in package.chapters()}
    href = f"copy-{stamp.mark}.xhtml"
    page = _marked(_page(package, stamp), href, package, stamp.mark)
    _enter(package, href, stamp.mark)
    return {**chapters, package.name: _serialised(package.root), package.entry(href): page}


def _marked(xhtml: bytes, name: str, package: _Package, mark: str) -> bytes:
    """The document with a mark on its body, and not a byte of it changed otherwise."""
    start, tag = _body(xhtml, name)
    # EPUB 2 knows no attributes of our own, so there it is a comment before the body.
    addition = f' {ATTRIBUTE}="{mark}"' if package.is_epub_3 else f"<!-- {PROPERTY} {mark} -->"
    encoding = _encoding(xhtml)
    at = start + len(f"<{tag}".encode(encoding)) if package.is_epub_3 else start
    return xhtml[:at] + addition.encode(encoding) + xhtml[at:]


def _body(xhtml: bytes, name: str) -> tuple[int, str]:
    """Where the start tag of the body is, and what it is called; the whole document must be sound."""
    found: list[tuple[int, str]] = []
    parser = expat.ParserCreate()

    def note(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "body" and not found:
            if ATTRIBUTE in attributes:
                raise UnsuitableFileError(f"its chapter {name} is marked already")
            found.append((parser.CurrentByteIndex, tag))

    def refuse(*_declaration: object) -> None:
        raise UnsuitableFileError(f"its chapter {name} declares entities, which can be a trap")

    parser.StartElementHandler, parser.EntityDeclHandler = note, refuse
    try:
        parser.Parse(xhtml, True)  # noqa: FBT003 - it takes no keywords
    except UnsuitableFileError:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise UnsuitableFileError(f"its chapter {name} is not sound XML ({error})") from error
    if not found:
        raise UnsuitableFileError(f"its chapter {name} has no body")
    return found[0]


def _encoding(xml: bytes) -> str:
    """How to write letters into a document: every encoding but UTF-16 has them where ASCII has."""
    if xml.startswith((b"\xff\xfe", b"<\0")):
        return "utf-16-le"
    return "utf-16-be" if xml.startswith((b"\xfe\xff", b"\0<")) else "ascii"


def _page(package: _Package, stamp: _Stamp) -> bytes:
    """The last page: whose copy this is, in words that can be read aloud."""
    template = PAGE_3 if package.is_epub_3 else PAGE_2
    reader = escape(_legible(stamp.reader) or "a reader of ours")
    order = escape(_legible(stamp.order_number))
    return template.format(reader=reader, order=order, mark=stamp.mark).encode()


def _legible(text: str) -> str:
    """One line without invisible or unassigned characters, cut to a decent length."""
    kept = " ".join("".join(filter(_is_legible, unicodedata.normalize("NFC", text))).split())
    return kept if len(kept) <= LONGEST_NAME else kept[: LONGEST_NAME - 1] + "…"


def _is_legible(character: str) -> bool:
    return character in JOINERS or character.isspace() or not unicodedata.category(character).startswith("C")


def _enter(package: _Package, href: str, mark: str) -> None:
    """Write mark and page into the package document."""
    if package.is_epub_3:
        _declare(package.root)
        etree.SubElement(package.metadata, f"{OPF}meta", {"property": PROPERTY}).text = mark
    else:
        etree.SubElement(package.metadata, f"{OPF}meta", {"name": PROPERTY, "content": mark})
    identifier = f"copy-{mark}"
    item = {"id": identifier, "href": href, "media-type": CHAPTER_TYPE}
    etree.SubElement(package.manifest, f"{OPF}item", item)
    reference = etree.SubElement(package.spine, f"{OPF}itemref", {"idref": identifier})
    if package.is_fixed_layout:
        reference.set("properties", "rendition:layout-reflowable")


def _declare(root: etree._Element) -> None:
    """Say what the prefix of our mark means."""
    declared = root.get("prefix") or ""
    if re.search(rf"(^|\s){PREFIX}:", declared):
        raise UnsuitableFileError("its package document is marked already")
    root.set("prefix", f"{declared} {PREFIX}: {NAMESPACE}".strip())


def _serialised(root: etree._Element) -> bytes:
    return etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")


def _written(book: _Book, changes: dict[str, bytes]) -> bytes:
    """The copy: the entries in their order, changed or not, then the new one."""
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w") as archive:
        for entry in book.archive.infolist():
            name = entry.filename
            content = changes[name] if name in changes else book.read(name)
            archive.writestr(_entry(name, entry.compress_type), content)
        for name in changes.keys() - book.names:
            archive.writestr(_entry(name, zipfile.ZIP_DEFLATED), changes[name])
    return copy.getvalue()


def _entry(name: str, compression: int) -> zipfile.ZipInfo:
    """An entry that tells nothing of when and where it was written."""
    entry = zipfile.ZipInfo(name, FIXED_DATE)
    entry.create_system, entry.external_attr = UNIX, PLAIN_FILE
    entry.compress_type = zipfile.ZIP_STORED if name == MIMETYPE else compression
    return entry
