"""What tests start from: a real, migrated database on either engine, and a shop with fakes outside."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from integrations.files import Folder
from integrations.watermark import Watermark
from shop import migrations
from shop import settings as configuration
from shop.app import create_app
from shop.db import Database
from shop.library.links import Links
from shop.services import Services, Shop
from shop.storage import master
from tests.fakes import Clock, FakeApp, FakeGateway, FakeMailer, FakePictures
from tests.makers import EPUB, Scene, stock_the_shelves
from tests.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

    from shop.settings import Settings

EXAMPLES = Path(__file__).parent.parent / "config" / "demo"
SECRETS = {
    "FRONTLIST_SECRET_KEYS": "3q8Jx0wYc7Rk2mVn5Tb9Lz4Hd6Gf1Ps8Aa0Ee3Uu",
    "FRONTLIST_WATERMARK_SECRET": "w8Kd2Zr5Xq7Vn1Bt4Mh9Yc3Lg6Fs0PjQe",
    "FRONTLIST_PUBLIC_BASE_URL": "http://localhost",
    "FRONTLIST_STRIPE_SECRET_KEY": "sk_test_sandbox_tests",
    "FRONTLIST_STRIPE_WEBHOOK_SECRETS": "whsec_0123456789abcdef0123",
}


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for each worker of the test run."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    database = Database(f"sqlite:///{path}")
    migrations.upgrade(database)
    database.close()
    return path


@pytest.fixture(scope="session")
def empty_postgresql(postgres: Postgres) -> str:
    """A migrated PostgreSQL database, to be copied."""
    postgres.create_database("empty")
    database = Database(postgres.dsn("empty"))
    migrations.upgrade(database)
    database.close()
    return "empty"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh, migrated database; every test that asks runs on both engines."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("empty_sqlite"), tmp_path / "shop.db")
        yield f"sqlite:///{tmp_path / 'shop.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    server.create_database("shop", template=request.getfixturevalue("empty_postgresql"))
    yield server.dsn("shop")
    server.drop_database("shop")


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Safe settings for a test."""
    loaded = configuration.load(SECRETS | {"FRONTLIST_DATABASE_URL": database_url})
    return replace(loaded, files_dir=str(tmp_path / "files"), thanks_wait_seconds=0.0)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands at noon on 25 November 2026."""
    return Clock()


@pytest.fixture
def shop(settings: Settings, clock: Clock) -> Iterator[Shop]:
    """A shop on a real database, with fakes outside."""
    files = Folder(Path(settings.files_dir))
    files.put(master(EPUB), (EXAMPLES / f"{EPUB}.epub").read_bytes())
    services = Services(
        gateway=FakeGateway(clock),
        fulfillers={"glassboxx": FakeApp(), "watermark": Watermark(files, settings.watermark_secret)},
        files=files,
        pictures=FakePictures(),
        mailer=FakeMailer(),
        links=Links(settings.secret_keys, settings.public_base_url, timedelta(days=settings.access_link_days)),
    )
    shop = Shop(settings, Database(settings.database_url), clock, services)
    yield shop
    shop.db.close()


@pytest.fixture
def client(shop: Shop) -> FlaskClient:
    """A browser without scripts."""
    return create_app(shop).test_client()


@pytest.fixture
def scene(shop: Shop, clock: Clock, client: FlaskClient) -> Scene:
    """A shop with one book in three editions, and a reader in front of it."""
    stock_the_shelves(shop)
    gateway, mailer = shop.services.gateway, shop.services.mailer
    provider = shop.services.fulfillers["glassboxx"]
    assert isinstance(gateway, FakeGateway)
    assert isinstance(mailer, FakeMailer)
    assert isinstance(provider, FakeApp)
    return Scene(shop, clock, gateway, provider, mailer, client)
