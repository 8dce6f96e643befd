"""Covers that publishers give: fetched after an import, made into the sizes that pages show, and drawn until then."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from sqlalchemy import select

from shop import work
from shop.catalogue.covers import jackets, sizes, thumbnails
from shop.catalogue.covers.jackets import Jacket, is_from, of_work
from shop.catalogue.covers.thumbnails import UnsuitablePictureError
from shop.catalogue.models import Edition
from shop.catalogue.waiting import notify
from shop.work import WorkRow, WorkState
from shop.worker import HANDLERS, UNHURRIED
from tests.conftest import SECRETS
from tests.fakes import FakePictures
from tests.makers import EPUB, HARDBACK, Scene
from tests.test_intake import FIRST, product, take_in

if TYPE_CHECKING:
    from pathlib import Path

    from shop.services import Shop
    from shop.settings import Settings

HOST = "img.example.org"
LINK = f"https://{HOST}/hedge.jpg"
RED, WHITE = (200, 30, 40), (255, 255, 255)
ISBN = "9780306406157"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, cover_hosts=(HOST,))


def picture(kind: str = "JPEG", size: tuple[int, int] = (900, 1350), mode: str = "RGB", **how: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, RED).convert(mode).save(out, kind, **how)
    return out.getvalue()


def see_through() -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (400, 600), (0, 0, 0, 0)).save(out, "PNG")
    return out.getvalue()


def lying(kind: str = "JPEG") -> bytes:
    """A cover that a scanner turned, and which says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture(kind, (900, 600), exif=exif)


def deep() -> bytes:
    """Sixteen bits a point, in middle grey."""
    out = io.BytesIO()
    Image.new("I;16", (400, 600), 0x8000).save(out, "PNG")
    return out.getvalue()


def mumbling() -> bytes:
    """One that lies on its side, and whose camera wrote its width in letters."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "900"
    return picture(size=(900, 600), exif=exif.tobytes().replace(b"\x01\x0f\x00\x02", b"\x01\x00\x00\x02"))


GIVEN = {
    "a photograph": (picture(), RED, 1.5),
    "for a press, in four inks": (picture(mode="CMYK"), RED, 1.5),
    "in greys": (picture(mode="L"), (82, 82, 82), 1.5),
    "a PNG with a palette": (picture("PNG", mode="P"), RED, 1.5),
    "a square one": (picture("WEBP", (800, 800)), RED, 1),
    "one on no ground": (see_through(), WHITE, 1.5),
    "one that lies on its side": (lying(), RED, 1.5),
    "a TIFF that lies on its side": (lying("TIFF"), RED, 1.5),
    "one that lies and mumbles": (mumbling(), RED, 1.5),
    "one of a torn profile": (picture(icc_profile=b"torn" * 40), RED, 1.5),
    "one of sixteen bits": (deep(), (128, 128, 128), 1.5),
}


@pytest.mark.parametrize(("content", "colour", "shape"), GIVEN.values(), ids=GIVEN.keys())
def test_a_given_cover_is_made_into_every_size_and_format(
    content: bytes, colour: tuple[int, int, int], shape: float
) -> None:
    made = {name: Image.open(io.BytesIO(content)) for name, content in thumbnails.made_of(content).items()}

    assert set(made) == sizes.NAMES
    assert made.pop("card.jpg").size == (1200, 630)
    for name, one in made.items():
        width, kind = name.split(".")
        assert one.width <= int(width)
        assert one.format == {"jpg": "JPEG"}.get(kind, kind.upper())
        assert one.height == pytest.approx(one.width * shape, abs=1)
        middle = one.convert("RGB").getpixel((one.width // 2, one.height // 2))
        assert middle == pytest.approx(colour, abs=14)


def test_a_small_cover_is_not_blown_up() -> None:
    made = thumbnails.made_of(picture(size=(200, 300)))

    assert Image.open(io.BytesIO(made["640.avif"])).size == (200, 300)


MODEST = """
import resource, sys
from shop.catalogue.covers import thumbnails
small, large = (open(name, "rb").read() for name in sys.argv[1:])
thumbnails.made_of(small)
taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 500 * 2**20,) * 2)
thumbnails.made_of(large)
"""
"""Makes one picture, and then another with no more than 500 MB besides."""


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("GIF", "P"), ("JPEG", "CMYK")])
def test_the_largest_picture_that_is_taken_does_not_take_all_memory(tmp_path: Path, kind: str, mode: str) -> None:
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(picture(kind, mode=mode))
    large.write_bytes(picture(kind, (5770, 8660), mode))
    told = subprocess.run([sys.executable, "-c", MODEST, small, large], capture_output=True, text=True, check=False)

    assert (told.returncode, told.stderr) == (0, "")


UNSUITABLE = {
    "words": (b"This is no picture.", "cannot be read"),
    "nothing": (b"", "cannot be read"),
    "half of one": (picture("PNG", (3000, 4500))[:3000], "cannot be read"),
    "a drawing, which may hold a script": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "cannot be read"),
    "a stamp": (picture(size=(40, 60)), "40 by 60"),
    "a ribbon, longer than WebP can be": (picture("PNG", (100, 17000)), "100 by 17000"),
    "a line": (picture("PNG", (9000, 9)), "9000 by 9"),
    "a bomb": (picture("PNG", (9000, 9000), "1"), "9000 by 9000"),
}


@pytest.mark.parametrize(("content", "why"), UNSUITABLE.values(), ids=UNSUITABLE.keys())
def test_what_is_no_cover_is_refused_by_name(content: bytes, why: str) -> None:
    with pytest.raises(UnsuitablePictureError, match=why):
        thumbnails.made_of(content)


@pytest.mark.parametrize(
    ("link", "is_ours"),
    [
        (LINK, True),
        (f"http://{HOST}/a?b=c", True),
        (f"https://{HOST.upper()}/a", True),
        (f"https://{HOST}:8443/a", False),
        (f"https://{HOST}.example.com/a", False),
        (f"https://not{HOST}/a", False),
        (f"https://{HOST}@169.254.169.254/a", False),
        (f"https://elsewhere.org/{HOST}", False),
        (f"ftp://{HOST}/a", False),
        (f"file:///{HOST}/a", False),
        ("https://[/a", False),
    ],
)
def test_only_named_hosts_are_asked(link: str, *, is_ours: bool) -> None:
    assert is_from(link, (HOST,)) is is_ours


def test_a_work_shows_the_first_cover_that_was_given() -> None:
    assert of_work([("1", None), ("2", "a"), ("3", "b")]) == Jacket("2", "a")
    assert of_work([("1", None), ("2", None)]) == Jacket("1")
    assert of_work([]) is None


def with_cover(link: str) -> str:
    resource = (
        "<SupportingResource><ResourceContentType>01</ResourceContentType><ContentAudience>00</ContentAudience>"
        "<ResourceMode>03</ResourceMode><ResourceVersion><ResourceForm>02</ResourceForm>"
        f"<ResourceLink>{link}</ResourceLink></ResourceVersion></SupportingResource>"
    )
    return product(ISBN).replace(
        "<PublishingDetail>", f"<CollateralDetail>{resource}</CollateralDetail><PublishingDetail>"
    )


def page_of(scene: Scene, address: str = FIRST) -> str:
    return scene.get(address).text


def hang_up(scene: Scene, link: str, content: bytes) -> None:
    assert isinstance(scene.shop.services.pictures, FakePictures)
    scene.shop.services.pictures.hung[link] = content


def frontlist(scene: Scene, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command beside the shop."""
    named = {"database_url": scene.shop.settings.database_url, "files_dir": scene.shop.settings.files_dir} | settings
    environment = {f"FRONTLIST_{name.upper()}": value for name, value in named.items()}
    return subprocess.run(
        [sys.executable, "-m", "shop.cli", *words],
        env={**os.environ, **SECRETS, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def cover_rows(scene: Scene) -> list[WorkRow]:
    with scene.shop.db.reading() as session:
        return list(session.scalars(select(WorkRow).where(WorkRow.kind == "fetch-cover")))


def test_an_import_asks_for_a_cover_and_the_page_shows_it_once_it_is_here(scene: Scene, tmp_path: Path) -> None:
    hang_up(scene, LINK, picture())
    assert take_in(scene, tmp_path, with_cover(LINK)).problems == []
    drawn = page_of(scene)
    scene.work()
    shown = page_of(scene)
    (avif,) = set(re.findall(r"/covers/\w+/320\.avif", shown))
    answer = scene.get(avif)

    assert f"/covers/{ISBN}.svg" in drawn
    assert "<picture>" in shown
    assert f"/covers/{ISBN}.svg" not in shown
    assert answer.content_type == "image/avif"
    assert "immutable" in answer.headers["Cache-Control"]
    assert Image.open(io.BytesIO(answer.data)).width == 320
    assert scene.get(re.findall(r'og:image" content="http://[^/]*(/[^"]*)"', shown)[0]).content_type == "image/jpeg"
    assert scene.get(avif.replace("320.avif", "321.avif")).status_code == 404
    assert scene.get("/covers/none/320.avif").status_code == 404


def test_no_reader_waits_behind_the_covers_of_an_import(scene: Scene, tmp_path: Path) -> None:
    take_in(scene, tmp_path, with_cover(LINK))
    scene.clock.forward(seconds=1)
    with scene.shop.db.writing() as session:
        work.enqueue(session, notify.ROUND, "now", at=scene.clock.now)
    done: list[str] = []

    def note(job: work.Job, _shop: Shop) -> work.Ending:
        done.append(job.kind)
        return work.nothing_more

    class AfterTwo(work.Stop):
        """Asks twice for work."""

        turns = iter((False, False, True))

        @property
        def is_set(self) -> bool:
            return next(self.turns)

    work.run(scene.shop, dict.fromkeys(HANDLERS, note), {}, AfterTwo(), UNHURRIED)

    assert done == [notify.ROUND, jackets.FETCH]


def test_a_cover_that_is_named_again_is_not_fetched_again_and_another_one_is(scene: Scene, tmp_path: Path) -> None:
    hang_up(scene, LINK, picture())
    take_in(scene, tmp_path, with_cover(LINK))
    scene.work()
    before = page_of(scene)
    take_in(
        scene,
        tmp_path,
        with_cover(LINK).replace("<PublishingDetail>", "<PublishingDetail><CityOfPublication>York</CityOfPublication>"),
    )
    assert [row.state for row in cover_rows(scene)] == [WorkState.DONE]

    hang_up(scene, LINK + "?2", picture(size=(600, 800)))
    take_in(scene, tmp_path, with_cover(LINK + "?2"))
    scene.work()
    covers = [set(re.findall(r"/covers/\w+/320\.avif", page)) for page in (before, page_of(scene))]

    assert [len(one) for one in covers] == [1, 1]
    assert covers[0] != covers[1]


def test_a_cover_from_a_host_that_nobody_named_is_not_asked_for(scene: Scene, tmp_path: Path) -> None:
    take_in(scene, tmp_path, with_cover("https://metadata.internal/latest"))

    assert cover_rows(scene) == []
    assert f"/covers/{ISBN}.svg" in page_of(scene)


@pytest.mark.parametrize("content", [None, b"This is no picture."])
def test_a_cover_that_cannot_be_had_stays_drawn_and_is_told_to_staff(
    scene: Scene, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        hang_up(scene, LINK, content)
    take_in(scene, tmp_path, with_cover(LINK))
    scene.work()
    (row,) = cover_rows(scene)

    assert row.state == WorkState.DEAD
    assert LINK in (row.last_error or "")
    assert f"/covers/{ISBN}.svg" in page_of(scene)


def test_covers_are_brought_by_their_isbn_from_the_command_line(scene: Scene, tmp_path: Path) -> None:
    files = [tmp_path / name for name in (f"{HARDBACK[:3]}-{HARDBACK[3:]}.png", f"{EPUB}.jpg", "9999999999999.jpg")]
    files[0].write_bytes(picture("PNG"))
    files[1].write_bytes(b"no picture")
    files[2].write_bytes(picture())
    told = frontlist(scene, "add-cover", *map(str, files))

    assert told.returncode == 1
    assert told.stdout.count("the cover of") == 1
    assert "cannot be read" in told.stderr
    assert "no edition with ISBN 9999999999999" in told.stderr
    assert [one.isbn for one in scene.all(Edition) if one.cover] == [HARDBACK]
    assert "<picture>" in page_of(scene, "/books/exit-stalin")


def test_covers_of_hosts_that_are_named_later_are_fetched_when_asked_for(scene: Scene, tmp_path: Path) -> None:
    take_in(scene, tmp_path, with_cover("https://new.example.org/a.jpg"))
    before = frontlist(scene, "fetch-covers")
    after = frontlist(scene, "fetch-covers", cover_hosts="new.example.org")

    assert (before.returncode, after.returncode) == (0, 0)
    assert "new.example.org" in before.stderr
    assert "1 covers will be fetched" in after.stdout
    assert [(row.key, row.payload["link"]) for row in cover_rows(scene)] == [(ISBN, "https://new.example.org/a.jpg")]


def test_a_cover_that_has_moved_to_a_host_named_later_is_fetched_when_asked_for(scene: Scene, tmp_path: Path) -> None:
    moved = "https://new.example.org/a.jpg"
    hang_up(scene, LINK, picture())
    take_in(scene, tmp_path, with_cover(LINK))
    scene.work()
    take_in(scene, tmp_path, with_cover(moved))
    scene.work()
    elsewhere = frontlist(scene, "fetch-covers")
    told = frontlist(scene, "fetch-covers", cover_hosts="new.example.org")

    assert "new.example.org" in elsewhere.stderr
    assert "1 covers will be fetched" in told.stdout
    assert [(row.state, row.payload["link"]) for row in cover_rows(scene)] == [(WorkState.READY, moved)]


def test_everything_that_shows_books_shows_the_cover_that_was_given(scene: Scene, tmp_path: Path) -> None:
    hang_up(scene, LINK, picture())
    take_in(scene, tmp_path, with_cover(LINK))
    scene.work()
    given = next(one.cover for one in scene.all(Edition) if one.isbn == ISBN)

    assert f"/covers/{given}/160.avif 160w" in scene.get("/").text
    assert f"/covers/{given}/640.jpg" in page_of(scene)
    assert take_in(scene, tmp_path, with_cover(LINK)).unchanged == 1
