"""One Chromium for all browser tests, and demos for it to visit. Without Chromium these tests fail, never skip."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.demo import ROOT, open_demo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.browser.demo import Demo

SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 15_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, or the one that CHROMIUM names."""
    wanted = os.environ.get("CHROMIUM") or "chromium"
    found = shutil.which(wanted)
    if found is None:
        pytest.fail(f"There is no {wanted} to drive; install chromium, or name one in CHROMIUM.")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=list(SWITCHES))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for all tests that only look."""
    with open_demo(tmp_path_factory.mktemp("demo")) as opened:
        yield opened


@pytest.fixture
def fresh_demo(tmp_path: Path) -> Iterator[Demo]:
    """A demo in which nothing has happened yet, for a story that changes it."""
    with open_demo(tmp_path / "demo") as opened:
        yield opened


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """Where pictures go: outside of git."""
    folder = Path(os.environ.get("FRONTLIST_ARTEFACTS") or ROOT / "var" / "artefacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
