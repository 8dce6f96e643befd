"""Programs that others publish on npm, brought in for the tests that drive them."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def bring(folder: Path, *packages: str) -> Path:
    """Install packages without running their scripts; return their `node_modules`, or skip the test."""
    if not shutil.which("npm"):
        pytest.skip(f"npm is not here, so {', '.join(packages)} was not tried")
    npm = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder), *packages]
    environment = {**os.environ, "PUPPETEER_SKIP_DOWNLOAD": "1"}
    installed = subprocess.run(npm, capture_output=True, text=True, check=False, timeout=300, env=environment)
    if installed.returncode:
        pytest.skip(f"npm could not bring {', '.join(packages)}: {installed.stderr.strip()[-300:]}")
    return folder / "node_modules"
