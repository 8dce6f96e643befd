"""By night, Lighthouse's four hundreds for the pages that most visitors see."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from tests import npm
from tests.browser.test_pages import BOOK

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.demo import Demo

LIGHTHOUSE = "lighthouse@12.8.2"
TRIES, RUNS = 6, 3
FLAGS = "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage"


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
