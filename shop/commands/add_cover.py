"""Put covers in place of drawn ones; each file is named by its ISBN."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from shop import settings as configuration
from shop.catalogue.covers import fetching
from shop.catalogue.covers.thumbnails import UnsuitablePictureError
from shop.catalogue.models import Edition
from shop.outside import connect

if TYPE_CHECKING:
    import argparse

    from shop.services import Shop


def describe(parser: argparse.ArgumentParser) -> None:
    """Name the options."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")


def run(options: argparse.Namespace) -> int:
    """Keep covers in every size that pages show; what is wrong is told and left out."""
    shop, status = connect(configuration.load()), 0
    for path in options.files:
        try:
            print(f"{path}: the cover of {_add(shop, path)}.")
        except (OSError, UnsuitablePictureError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            status = 1
    return status


def _add(shop: Shop, path: Path) -> str:
    isbn = path.stem.replace("-", "")
    with shop.db.reading() as session:
        if session.scalar(select(Edition.id).where(Edition.isbn == isbn)) is None:
            raise UnsuitablePictureError(f"we hold no edition with ISBN {isbn}; a cover is named by its ISBN")
    put_on = fetching.keep(shop, isbn, path.read_bytes())
    with shop.db.writing() as session:
        put_on(session)
    return isbn
