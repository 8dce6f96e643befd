"""Put the master file of an ebook of ours into the store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from integrations.watermark import UnsuitableFileError, preflight
from shop import logs
from shop import settings as configuration
from shop.catalogue.models import Edition
from shop.library import fulfilment
from shop.outside import connect
from shop.storage import master

if TYPE_CHECKING:
    import argparse


def describe(parser: argparse.ArgumentParser) -> None:
    """Name the options."""
    parser.add_argument("isbn")
    parser.add_argument("file", type=Path)


def run(options: argparse.Namespace) -> int:
    """Check the file and store it; its edition can be delivered from then on."""
    logs.configure()
    shop = connect(configuration.load())
    with shop.db.reading() as session:
        edition = session.scalar(select(Edition).where(Edition.isbn == options.isbn.replace("-", "")))
    if edition is None:
        print(f"We hold no edition with ISBN {options.isbn}; import its ONIX record first.", file=sys.stderr)
        return 1
    try:
        content = options.file.read_bytes()
        preflight(content)
    except (OSError, UnsuitableFileError) as error:
        print(f"{options.file}: {error}", file=sys.stderr)
        return 1
    shop.services.files.put(master(edition.isbn), content)
    fulfilment.ask_after(shop, edition.isbn)
    print(f"{options.file}: stored as the master of {edition.isbn}.")
    return 0
