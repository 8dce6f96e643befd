"""What the crash tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where started processes keep what they compiled; without it each would take seconds to come back."""
    return tmp_path_factory.mktemp("bytecode")
