"""How far the shop reaches: its pages over a hundred thousand products on both engines, an import beside a bare walk.

Everything runs in this process, without a server, so that a question to the database is most of what is measured. The
great catalogue is imported like any other; how fast that goes is measured with a file of the demonstration's products.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lxml import etree
from sqlalchemy import text

from shop import migrations
from shop import settings as configuration
from shop.app import create_app
from shop.catalogue.intake import importer
from shop.catalogue.onix.tags import tags_of
from shop.outside import connect
from tests.bench import catalogue
from tests.bench.house import environment
from tests.bench.report import Figure
from tests.crash.test_import import a_long_file
from tests.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask

    from shop.services import Shop

GREAT, SMALL = 100_000, 100
"""Products; a work has three of them, taken together."""
EDITIONS = 3
IMPORTED = 6000
QUESTIONS = 300
ROUNDS = 3
MILLISECONDS = 1000
A_MOMENT = 0.01


@dataclass(frozen=True, slots=True)
class Reach:
    """One engine's pages over the great catalogue: 95th percentiles in milliseconds of wall time."""

    engine: str
    listed: float
    sought: float
    page_beside_small: float

    def figures(self) -> list[Figure]:
        """What must be reached."""
        over = f"{self.engine}, {GREAT:,} products"
        return [
            Figure(f"{over}: list of 24, p95 ms", round(self.listed, 1), 50),
            Figure(f"{over}: search, p95 ms", round(self.sought, 1), 50),
            Figure(f"{over}: product page beside one of {SMALL}", round(self.page_beside_small, 2), 1.2),
        ]


def figures() -> list[Figure]:
    """Everything that is measured here."""
    return [*imported(), *(figure for engine in ("SQLite", "PostgreSQL") for figure in reached(engine).figures())]


def reached(engine: str) -> Reach:
    """The pages of one engine."""
    with ExitStack() as stack:
        small = stack.enter_context(_shop(engine, SMALL // EDITIONS))
        great = stack.enter_context(_shop(engine, GREAT // EDITIONS))
        few, many = create_app(small), create_app(great)
        listed = _times(many, _lists())
        sought = _times(many, _searches(GREAT // EDITIONS))
        beside = [_page_cost(many, GREAT // EDITIONS) / _page_cost(few, SMALL // EDITIONS) for _ in range(ROUNDS)]
        return Reach(engine, _percentile_95(listed), _percentile_95(sought), median(beside))


def imported() -> list[Figure]:
    """A file taken in, and taken in again, beside a bare walk over it."""
    with TemporaryDirectory(prefix="frontlist-import-") as folder, _shop("SQLite", 0) as shop:
        file = Path(folder) / "long.xml"
        a_long_file(file, IMPORTED)
        walk = median(_seconds(lambda: _walk(file)) for _ in range(ROUNDS))
        first = _seconds(lambda: importer.import_file(shop, file))
        again = median(_seconds(lambda: importer.import_file(shop, file)) for _ in range(ROUNDS))
        resent = [_resent(file, number) for number in range(ROUNDS)]
        looked = median(_seconds(partial(importer.import_file, shop, one)) for one in resent)
        walks = "in speeds of a bare walk"
        return [
            Figure(f"ONIX import, whole, {walks}", round(walk / first, 3), 0.3, at_least=True),
            Figure(f"ONIX import, an unchanged file, {walks}", round(walk / again, 2), 4, at_least=True),
            Figure(
                f"ONIX import, unchanged records of a new file, {walks}", round(walk / looked, 2), 1.5, at_least=True
            ),
            Figure("ONIX import, anonymous memory of its process, MB", round(_memory(file), 1), 64),
        ]


def _resent(file: Path, number: int) -> Path:
    """The same products in a message of somebody else's, which must be looked through."""
    other = file.with_name(f"{number}.xml")
    other.write_bytes(file.read_bytes().replace(b"<SenderName>", b"<SenderName>%d " % number, 1))
    return other


def _memory(file: Path) -> float:
    """The most that a process held at once of what is its own while it took in a file; libraries' code is shared."""
    with TemporaryDirectory(prefix="frontlist-memory-") as folder:
        named = environment(Path(folder), 1, 2)
        program = [sys.executable, "-m", "shop.cli"]
        subprocess.run([*program, "migrate"], env=named, check=True, stdout=subprocess.DEVNULL)
        importing = subprocess.Popen([*program, "import-onix", str(file)], env=named, stdout=subprocess.DEVNULL)
        most = 0
        while importing.poll() is None:
            most = max(most, _anonymous(importing.pid))
            time.sleep(A_MOMENT)
        return most / 1024


def _anonymous(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("RssAnon:")), 0)


def _walk(file: Path) -> None:
    for _event, element in etree.iterparse(file, tag=tags_of("Product")):
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def _seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


@contextmanager
def _shop(engine: str, works: int) -> Iterator[Shop]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="frontlist-reach-")))
        named = environment(folder, 1, 2)
        if engine == "PostgreSQL":
            named["FRONTLIST_DATABASE_URL"] = stack.enter_context(Postgres()).create_database("reach")
        shop = connect(configuration.load(named))
        stack.callback(shop.db.close)
        if works:
            catalogue.build(shop, works)
        else:
            migrations.upgrade(shop.db)
        if engine == "PostgreSQL":
            with shop.db.write_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))
        yield shop


def _lists() -> list[str]:
    return [f"/?page={1 + number % 40}" for number in range(QUESTIONS)]


def _searches(works: int) -> list[str]:
    """Rare words and common ones, two words, half words, ISBNs, slips of the hand, filters."""
    nouns, surnames = catalogue.NOUNS, catalogue.SURNAMES
    asked = [
        lambda n: f"q={nouns[n % len(nouns)]}",
        lambda n: f"q={surnames[n % len(surnames)]}",
        lambda n: f"q={nouns[n % len(nouns)][:4]}",
        lambda n: f"q={surnames[n % 10]}+{nouns[n % 24]}",
        lambda n: f"q={catalogue.isbn(n * 37 % works, 0)}",
        lambda n: f"q={nouns[n % len(nouns)][:-1]}x",
        lambda n: f"q=zeppelin{n}",
        lambda n: f"q={nouns[n % len(nouns)]}&form=ebook&year={2026 - n % 9}",
        lambda n: f"q=&subject=n&language=eng&page={1 + n % 5}",
    ]
    return [f"/search?{asked[number % len(asked)](number)}" for number in range(QUESTIONS)]


def _times(app: Flask, paths: list[str]) -> list[float]:
    client = app.test_client()
    client.set_cookie("country", catalogue.COUNTRY, domain="127.0.0.1")
    taken = []
    for path in [*paths[:20], *paths]:
        begun = time.perf_counter()
        status = client.get(path, base_url="http://127.0.0.1:1").status_code
        taken.append((time.perf_counter() - begun) * MILLISECONDS)
        if status != 200:
            raise SystemExit(f"{path} answered {status}")
    return taken[20:]


def _page_cost(app: Flask, works: int) -> float:
    pages = app.extensions["book_pages"]
    slugs = [catalogue.slug(number * 7 % works) for number in range(QUESTIONS)]

    def draw() -> None:
        for slug in slugs:
            app.extensions.pop("page_memory", None)
            pages.find(slug, catalogue.COUNTRY)

    draw()
    return median(_seconds(draw) for _ in range(ROUNDS))


def _percentile_95(taken: list[float]) -> float:
    return quantiles(taken, n=20)[-1]
