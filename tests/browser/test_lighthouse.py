"""By night, Lighthouse's four hundreds for the pages that most visitors see."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from itertools import islice
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
    folder = tmp_path_factory.mktemp("lighthouse")
    program = npm.bring(folder, LIGHTHOUSE) / ".bin" / "lighthouse"
    tried = (_report(program, demo.shop + path, folder / "report.json") for _ in range(TRIES))
    reports = list(islice((report for report in tried if report is not None), RUNS))
    scores = {name: median(one[name] for one in reports) for name in reports[0]}
    (artefacts / f"lighthouse{path.replace('/', '-')}.json").write_text(json.dumps(reports))

    assert len(reports) == RUNS
    assert scores == dict.fromkeys(("performance", "accessibility", "best-practices", "seo"), 1)


def _report(program: Path, address: str, file: Path) -> dict[str, Any] | None:
    """The four scores; None when the browser did not start its page, as happens to Lighthouse now and then.

    It writes into a file, since it leaves a pipe before that has taken a report of a failure.
    """
    file.unlink(missing_ok=True)
    command = [str(program), address, "--output=json", f"--output-path={file}", "--quiet", f"--chrome-flags={FLAGS}"]
    environment = {**os.environ, "CHROME_PATH": shutil.which(os.environ.get("CHROMIUM") or "chromium") or ""}
    subprocess.run(command, capture_output=True, check=False, timeout=180, env=environment)
    report: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {"runtimeError": "it wrote nothing"}
    return None if report.get("runtimeError") else {name: one["score"] for name, one in report["categories"].items()}
