"""Print the present code of a member of staff, who has lost the phone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sqlalchemy import select

from shop.commands.opening import premises
from shop.staff import access, audit

if TYPE_CHECKING:
    import argparse


def describe(parser: argparse.ArgumentParser) -> None:
    """Name the options."""
    parser.add_argument("email")


def run(options: argparse.Namespace) -> int:
    """Print the code that is good now."""
    shop = premises()
    with shop.db.writing() as session:
        member = session.scalar(select(access.StaffMember).where(access.StaffMember.email == options.email.lower()))
        if member is None:
            print(f"Nobody with the address {options.email} works here.", file=sys.stderr)
            return 1
        audit.note(session, "the command line", "staff code", member.email, shop.now)
        print(access.code_now(member, shop.now))
    return 0
