"""The command `frontlist`: what operators and staff do from a shell.

Each command stands in a module of its own, and only the one that is asked for is loaded: printing a key need not wait
for the whole shop, and an import keeps out of its memory what it does not use.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from shop.settings import UnsafeSettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Command(NamedTuple):
    """Where a command stands, and what it does in a sentence."""

    module: str
    help: str


COMMANDS = {
    "demo": Command("shop.demo", "Start a whole shop with sandboxes on this machine."),
    "serve": Command("shop.commands.serve", "Serve the shop's pages."),
    "work": Command(
        "shop.commands.work", "Do the work that follows from orders, until stopped. Run as many as you like."
    ),
    "migrate": Command("shop.commands.migrate", "Bring the database to the newest schema."),
    "import-onix": Command(
        "shop.commands.import_onix", "Take ONIX 3.0 or 3.1 files into the catalogue, packed or not."
    ),
    "add-file": Command("shop.commands.add_file", "Put the master file of an ebook of ours into the store."),
    "add-cover": Command(
        "shop.commands.add_cover", "Put covers in place of drawn ones; each file is named by its ISBN."
    ),
    "fetch-covers": Command("shop.commands.fetch_covers", "Fetch the covers that ONIX names and that are missing."),
    "rights": Command("shop.commands.rights", "Explain sales rights."),
    "sign-rights": Command(
        "shop.commands.sign_rights", "Sign every set of rights that waits for it, in somebody's name."
    ),
    "reconcile": Command(
        "shop.commands.reconcile", "Hold orders, Stripe, the ebook provider and the warehouse together."
    ),
    "add-staff": Command("shop.commands.add_staff", "Add a member of staff; prints the secret of the second factor."),
    "staff-code": Command(
        "shop.commands.staff_code", "Print the present code of a member of staff, who has lost the phone."
    ),
    "secret": Command("shop.commands.secret", "Print a new secret key."),
    "doctor": Command("shop.doctor", "Say what is missing on this machine."),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 when all is well, 1 when something needs a person, 2 on wrong use."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser(words[:1]).parse_args(words)
    try:
        status: int = options.run(options)
    except UnsafeSettingsError as error:
        print(error, file=sys.stderr)
        return 2
    return status


def _parser(chosen: Sequence[str]) -> argparse.ArgumentParser:
    """A parser that knows every command by name, and the options of the chosen one."""
    parser = argparse.ArgumentParser(prog="frontlist", description="A publisher's own bookshop.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (module, help_) in COMMANDS.items():
        command = commands.add_parser(name, help=help_, description=help_)
        if name in chosen:
            loaded = import_module(module)
            loaded.describe(command)
            command.set_defaults(run=loaded.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
