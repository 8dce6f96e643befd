"""Print a new secret key."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def describe(_parser: argparse.ArgumentParser) -> None:
    """Name no options."""


def run(_options: argparse.Namespace) -> int:
    """Print a secret that nobody will guess."""
    print(secrets.token_urlsafe(48))
    return 0
