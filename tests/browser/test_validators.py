"""What the validators of others say of our pages: valid HTML, and Lighthouse's four hundreds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from tests import npm
from tests.browser.test_pages import BOOK, KINDS, Town

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.browser.demo import Demo

VNU, LIGHTHOUSE = "vnu-jar@26.9.27", "lighthouse@12.8.2"
TRIES, RUNS = 6, 3
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage"


@pytest.fixture(scope="module")
def town(demo: Demo, browser: Browser) -> Town:
    return Town(demo, browser)


def test_every_page_is_valid_html(town: Town, tmp_path_factory: pytest.TempPathFactory) -> None:
    if not shutil.which("java"):
        pytest.skip("java is not here, so the W3C's validator was not tried")
    jar = npm.bring(tmp_path_factory.mktemp("vnu"), VNU) / "vnu-jar" / "build" / "dist" / "vnu.jar"
    folder = tmp_path_factory.mktemp("pages")
    for name, kind in KINDS.items():
        if not kind.press:
            answer = town.show(kind).context.request.get(town.demo.shop + kind.path.format(**town.paths))
            (folder / f"{name.replace(' ', '-').replace(',', '')}.html").write_bytes(answer.body())
    command = ["java", "-jar", str(jar), "--errors-only", "--format", "gnu", str(folder)]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)

    assert said.stderr == ""
    assert said.returncode == 0


@pytest.mark.nightly
@pytest.mark.parametrize("path", ["/", BOOK])
def test_lighthouse_gives_four_hundreds(
    demo: Demo, tmp_path_factory: pytest.TempPathFactory, artefacts: Path, path: str
) -> None:
    program = npm.bring(tmp_path_factory.mktemp("lighthouse"), LIGHTHOUSE) / ".bin" / "lighthouse"
    reports = [report for _ in range(TRIES) if (report := _report(program, demo.shop + path)) is not None][:RUNS]
    scores = {name: median(one[name] for one in reports) for name in reports[0]}
    (artefacts / f"lighthouse{path.replace('/', '-')}.json").write_text(json.dumps(reports))

    assert len(reports) == RUNS
    assert scores == dict.fromkeys(("performance", "accessibility", "best-practices", "seo"), 1)


def _report(program: Path, address: str) -> dict[str, Any] | None:
    """The four scores; None when the browser did not start its page, as happens to Lighthouse now and then."""
    command = [str(program), address, "--output=json", "--quiet", f"--chrome-flags={FLAGS}"]
    environment = {**os.environ, "CHROME_PATH": shutil.which(os.environ.get("CHROMIUM") or "chromium") or ""}
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180, env=environment)
    report: dict[str, Any] = json.loads(said.stdout) if said.stdout.startswith("{") else {"runtimeError": said.stderr}
    return None if report.get("runtimeError") else {name: one["score"] for name, one in report["categories"].items()}
