"""A message cut into its products says what a parser says of it, whatever stands in it, wherever it breaks off."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shop.catalogue import onix
from shop.catalogue.onix import OnixError, Problem, pieces, stream
from tests.test_onix import SOUND, WHOLE, message, second

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    Told = tuple[list[onix.Told], bool]


def told(found: Iterable[onix.Told]) -> Told:
    """What was read, without digests, and whether it ended in a complaint."""
    read: list[onix.Told] = []
    try:
        read.extend(_without_digests(found))
    except OnixError:
        return read, True
    return read, False


def _without_digests(found: Iterable[onix.Told]) -> Iterator[onix.Told]:
    for one in found:
        yield replace(one, line=0) if isinstance(one, Problem) else replace(one, digest="")


def both(path: Path, content: bytes) -> tuple[Told, Told]:
    """What is told of a file by its pieces, and by a parser that reads it whole."""
    path.write_bytes(content)
    return told(onix.products(path)), told(_read_whole(path))


def _read_whole(path: Path) -> Iterator[onix.Told]:
    usual = stream._look_at_message(path)  # noqa: SLF001 - the other of two ways to the same
    yield from (record.read() for record in stream._parsed(path, usual))  # noqa: SLF001 - as above


HIDDEN = {
    "an end in a comment": ("<ProductForm>", "<!-- </Product> <Product> --><ProductForm>"),
    "an end in a CDATA section": ("Fish &amp; chips", "<![CDATA[</Product> <Product>]]>"),
    "an end in an instruction": ("<ProductForm>", "<?press </Product>?><ProductForm>"),
    "an end with a space": ("</Product>", "</Product \n>"),
    "a start whose attribute ends like an empty one": ("<Product>", '<Product sourcename="a/>b">'),
    "a start with an attribute": ("<Product>", '<Product datestamp="20260101" sourcename="a > b">'),
    "exclamations and questions": ("Exit Stalin", "Exit! Stalin?"),
    "a product of nothing": ("<Product>", "<Product/>\n<Product>"),
    "a comment before the product": ("<Product>", "<!-- <Product> is next --><Product>"),
    "a start with half an attribute": ("<Product>", '<Product">'),
    "names that begin alike": ("<ProductForm>", "<ProductX/><ProductForm>"),
    "line breaks of Windows": ("\n", "\r\n"),
    "a reference in entities": ("org.example.1", "org&#46;example.1"),
    "a markup that is none": ("Exit Stalin", "Exit < Stalin"),
    "an end that is none": ("</DescriptiveDetail>", ""),
    "a message within": ("<ProductForm>", "</ONIXMessage><ProductForm>"),
}


@pytest.mark.parametrize(("good", "instead"), HIDDEN.values(), ids=HIDDEN.keys())
def test_what_hides_in_a_product_does_not_deceive(tmp_path: Path, good: str, instead: str) -> None:
    cut, whole = both(tmp_path / "feed.xml", message(SOUND.replace(good, instead), second()).encode())

    assert cut == whole
    assert len(whole[0]) > 0 or whole[1]


@pytest.mark.parametrize("more", ['refname="a>b"', "refname='a\">b'", 'refname = ">" shortname = "<!--"'])
def test_a_root_may_have_an_attribute_that_ends_like_a_tag(tmp_path: Path, more: str) -> None:
    text = message(SOUND).replace("<ONIXMessage ", f"<ONIXMessage {more} ")
    cut, whole = both(tmp_path / "feed.xml", text.encode())

    assert cut == whole
    assert (len(whole[0]) == 1) is ("<!" not in more)


@pytest.mark.parametrize("distance", range(-40, 40, 8))
def test_a_product_may_lie_across_two_readings(tmp_path: Path, distance: int) -> None:
    padding = "<!--" + "x" * (pieces.CHUNK - 200 - len(SOUND) + distance) + "-->"
    cut, whole = both(tmp_path / "feed.xml", message(padding, SOUND, padding, second()).encode())

    assert cut == whole
    assert len(whole[0]) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "windows-1252", "utf-16", "utf-8-sig", "utf-32"])
def test_every_encoding_is_read_alike(tmp_path: Path, encoding: str) -> None:
    name = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    text = message(SOUND.replace("Exit Stalin", "Zoë’s exit"), before=f'<?xml version="1.0" encoding="{name}"?>\n')
    cut, whole = both(tmp_path / "feed.xml", text.encode(encoding, "xmlcharrefreplace"))

    assert cut == whole


SNIPPETS = (
    *("<", ">", "&", "<!--", "-->", "<![CDATA[", "]]>", "<?x", "?>"),
    *("</Product>", "<Product>", "</product>", "<Product/>", '"', "\n"),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(st.tuples(st.integers(0, len(WHOLE)), st.sampled_from(SNIPPETS)), max_size=3),
    cut_off=st.integers(len(WHOLE) // 3, len(WHOLE)) | st.just(len(WHOLE) + 99),
)
def test_however_a_file_is_damaged_both_ways_say_the_same(
    tmp_path: Path, edits: list[tuple[int, str]], cut_off: int
) -> None:
    text = WHOLE
    for at, snippet in edits:
        text = text[:at] + snippet + text[at:]
    cut, whole = both(tmp_path / "feed.xml", text[:cut_off].encode())

    assert cut[1] == whole[1]
    assert cut[0] == whole[0][: len(cut[0])]
    assert cut == whole or cut[1]


class Endless(io.RawIOBase):
    """A file whose only product never ends, and that counts what is read of it."""

    def __init__(self) -> None:
        self.told = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        begun = b"" if self.told else b"<ONIXMessage><Product>"
        self.told += size
        assert size > 0, "all of it was asked for"
        assert self.told < 8 * pieces.LARGEST_PRODUCT, "it is read for ever"
        return begun.ljust(size)


def test_a_product_that_never_ends_is_given_up_while_it_still_fits_into_memory() -> None:
    endless = Endless()
    frame = pieces.frame_of(b"<ONIXMessage><Product>")
    assert frame is not None

    with pytest.raises(pieces.CannotCutError):
        list(pieces.Cut(cast("BinaryIO", endless), frame).pieces())
    assert pieces.LARGEST_PRODUCT < endless.told <= 2 * pieces.LARGEST_PRODUCT + pieces.CHUNK


def test_a_product_too_large_to_be_cut_is_left_to_the_parser_and_nothing_is_told_twice(tmp_path: Path) -> None:
    megabyte = f"<!--{' ' * (1 << 20)}-->"
    large = SOUND.replace("<ProductForm>", megabyte * (2 * pieces.LARGEST_PRODUCT >> 20) + "<ProductForm>")
    cut, whole = both(tmp_path / "feed.xml", message(second(), large, megabyte).encode())

    assert cut == whole
    assert [one.reference for one in cut[0]] == ["org.example.2", "org.example.1"]
