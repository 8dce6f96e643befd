"""Add a member of staff; prints the password and the secret of the second factor."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from shop.commands.opening import premises
from shop.staff import access, audit

if TYPE_CHECKING:
    import argparse


def describe(parser: argparse.ArgumentParser) -> None:
    """Name the options."""
    parser.add_argument("email")
    parser.add_argument("--name", default="")
    parser.add_argument("--role", choices=list(access.Role), default=access.Role.ADMIN)


def run(options: argparse.Namespace) -> int:
    """Add somebody, with a password of our making."""
    shop, password = premises(), secrets.token_urlsafe(15)
    with shop.db.writing() as session:
        name = options.name or options.email.partition("@")[0]
        member = access.hire(session, options.email, name, access.Role(options.role), password)
        audit.note(session, "the command line", "add staff", member.email, shop.now, member.role)
        print(f"Password: {password}\nSecret of the second factor (TOTP): {member.totp_secret}")
    return 0
