"""The command `frontlist`: what operators and staff do from a shell."""

from __future__ import annotations

import argparse
import json
import secrets
import signal
import sys
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from shop import demo, doctor, migrations
from shop import settings as configuration
from shop.app import connect, work_for_ever, write_logs
from shop.catalogue.covers import jackets
from shop.catalogue.covers.thumbnails import UnsuitablePictureError
from shop.catalogue.intake import importer
from shop.catalogue.models import Edition, RightsSet
from shop.catalogue.onix import OnixError
from shop.catalogue.selling import sellable
from shop.catalogue.territory import prose
from shop.countries import COUNTRIES
from shop.library import fulfilment
from shop.reconciliation import cases, ledgers
from shop.settings import UnsafeSettingsError
from shop.staff import access, audit
from shop.storage import master
from shop.work import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shop.reconciliation.findings import Outcome
    from shop.services import Shop


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 when all is well, 1 when something needs a person, 2 on wrong use."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except UnsafeSettingsError as error:
        print(error, file=sys.stderr)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="frontlist", description="A publisher's own bookshop.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], help_: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help_, description=help_)
        command.set_defaults(run=run)
        return command

    demo.describe(add("demo", demo.run, "Start a whole shop with sandboxes on this machine."))
    serve_command = add("serve", serve, "Serve the shop's pages.")
    serve_command.add_argument("--port", type=int, help="instead of listen_port")
    serve_command.add_argument("--processes", type=int, help="instead of server_processes")
    add("work", work, "Do the work that follows from orders, until stopped. Run as many as you like.")
    add("migrate", migrate, "Bring the database to the newest schema.")
    importing = add("import-onix", import_onix, "Take ONIX 3.0 or 3.1 files into the catalogue, packed or not.")
    importing.add_argument("files", nargs="+", type=Path, metavar="FILE")
    adding = add("add-file", add_file, "Put the master file of an ebook of ours into the store.")
    adding.add_argument("isbn")
    adding.add_argument("file", type=Path)
    adding = add("add-cover", add_covers, "Put covers in place of drawn ones; each file is named by its ISBN.")
    adding.add_argument("files", nargs="+", type=Path, metavar="FILE")
    add("fetch-covers", fetch_covers, "Fetch the covers that ONIX names and that are missing.")
    rights_command = commands.add_parser("rights", help="Explain sales rights.", description="Explain sales rights.")
    about_rights = rights_command.add_subparsers(required=True, metavar="COMMAND")
    help_ = "Say in which countries a publisher's sentence allows a sale, and why."
    explaining = about_rights.add_parser("explain", help=help_, description=help_)
    explaining.set_defaults(run=explain_rights)
    explaining.add_argument("statement", help="the sentence, in quotation marks")
    explaining.add_argument("--json", action="store_true", help="print an object instead of words")
    explaining.add_argument("--on", type=date.fromisoformat, metavar="DATE", help="read it by the lists of that day")
    signing = add("sign-rights", sign_rights, "Sign every set of rights that waits for it, in somebody's name.")
    signing.add_argument("--by", required=True, metavar="EMAIL")
    reconciling = add("reconcile", reconcile, "Hold orders, Stripe, the ebook provider and the warehouse together.")
    reconciling.add_argument("--json", action="store_true", help="print one JSON object")
    reconciling.add_argument("--fetch", action="store_true", help="fetch Stripe's ledger first")
    reconciling.add_argument("--statement", type=Path, metavar="CSV", help="import a provider's statement first")
    hiring = add("add-staff", add_staff, "Add a member of staff; prints the secret of the second factor.")
    hiring.add_argument("email")
    hiring.add_argument("--name", default="")
    hiring.add_argument("--role", choices=list(access.Role), default=access.Role.ADMIN)
    coding = add("staff-code", staff_code, "Print the present code of a member of staff, who has lost the phone.")
    coding.add_argument("email")
    add("secret", secret, "Print a new secret key.")
    add("doctor", lambda _options: doctor.run(), "Say what is missing on this machine.")
    return parser


def serve(options: argparse.Namespace) -> int:
    """Serve until told to stop."""
    from granian.constants import Interfaces, Loops  # noqa: PLC0415 - only this command needs a server
    from granian.log import LogLevels  # noqa: PLC0415
    from granian.server import Server  # noqa: PLC0415

    settings = configuration.load()
    _refuse_old_schema(connect(settings))
    Server(
        "shop.app:create_app",
        factory=True,
        address=settings.listen_host,
        port=options.port or settings.listen_port,
        interface=Interfaces.WSGI,
        workers=options.processes or settings.server_processes,
        blocking_threads=settings.server_threads,
        respawn_failed_workers=True,
        log_level=LogLevels.warning,
        loop=Loops.auto,
    ).serve()
    return 0


def work(_options: argparse.Namespace) -> int:
    """Work until told to stop."""
    write_logs()
    shop, stop = connect(configuration.load()), Stop()
    _refuse_old_schema(shop)
    signal.signal(signal.SIGTERM, stop.set)
    signal.signal(signal.SIGINT, stop.set)
    work_for_ever(shop, stop)
    return 0


def migrate(_options: argparse.Namespace) -> int:
    """Bring the schema up to date."""
    shop = _shop()
    migrations.upgrade(shop.db)
    print("The database has the newest schema.")
    return 0


def import_onix(options: argparse.Namespace) -> int:
    """Take files in, one after the other, and report."""
    shop, status = _shop(), 0
    sellable.begin_day(shop)
    for path in options.files:
        try:
            report = importer.import_file(shop, path)
        except (OnixError, OSError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            status = 1
            continue
        print(
            f"{path}: {report.read} products read, {report.added} added, {report.changed} changed, "
            f"{report.unchanged} unchanged, {report.withdrawn} withdrawn, {len(report.problems)} left out."
        )
        for problem in report.problems:
            print(f"  line {problem.line}, record {problem.reference or 'without a reference'}: {problem.reason}")
        if report.unsigned_rights:
            print(f"  {report.unsigned_rights} sets of rights wait for a signature: /staff/rights, or sign-rights.")
        status = status or (1 if report.problems else 0)
    with shop.db.reading() as session:
        since, lost = sellable.alarm(shop, session)
    if lost:
        print(f"Countries with fewer editions on sale than on {since}: {len(lost)}; see /staff/rights/countries.")
    return status


def add_file(options: argparse.Namespace) -> int:
    """Check a master file and store it; its edition can be delivered from then on."""
    from integrations.watermark import UnsuitableFileError, preflight  # noqa: PLC0415 - the one adapter with a file check

    shop = _shop()
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


def add_covers(options: argparse.Namespace) -> int:
    """Keep covers that are named by their ISBN, in every size that pages show; what is wrong is told and left out."""
    shop, status = _shop(), 0
    for path in options.files:
        try:
            print(f"{path}: the cover of {_add_cover(shop, path)}.")
        except (OSError, UnsuitablePictureError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            status = 1
    return status


def _add_cover(shop: Shop, path: Path) -> str:
    isbn = path.stem.replace("-", "")
    with shop.db.reading() as session:
        if session.scalar(select(Edition.id).where(Edition.isbn == isbn)) is None:
            raise UnsuitablePictureError(f"we hold no edition with ISBN {isbn}; a cover is named by its ISBN")
    put_on = jackets.keep(shop, isbn, path.read_bytes())
    with shop.db.writing() as session:
        put_on(session)
    return isbn


def fetch_covers(_options: argparse.Namespace) -> int:
    """Note for the workers that covers which ONIX names must be fetched, as far as they are missing."""
    shop = _shop()
    with shop.db.writing() as session:
        wanted, elsewhere = jackets.note_all(session, shop)
    print(f"{wanted} covers will be fetched.")
    if elsewhere:
        print(f"Not from hosts that cover_hosts does not name: {', '.join(elsewhere)}.", file=sys.stderr)
    return 0


def explain_rights(options: argparse.Namespace) -> int:
    """Say what a sentence comes to."""
    reading = prose.read(options.statement, options.on or datetime.now(UTC).date())
    print(json.dumps(prose.told(reading), ensure_ascii=False, indent=2) if options.json else _in_words(reading))
    return 0


def _in_words(reading: prose.Reading) -> str:
    lines = [f"Open in {len(reading.included)} of {len(COUNTRIES)} countries, confidence {reading.confidence:.0%}."]
    for reason, codes in prose.by_reason(reading).items():
        lines.append(f"  {reason}: {len(codes)}\n    {' '.join(codes)}")
    lines += [f"Please check: {problem}" for problem in reading.resolution.problems]
    lines += [f"Read by: {term}" for term in reading.terms]
    lines.append("A proposal: nothing is sold by it before somebody has signed this exact set.")
    return "\n".join(lines)


def sign_rights(options: argparse.Namespace) -> int:
    """Sign what waits."""
    shop = _shop()
    with shop.db.writing() as session:
        for waiting in session.scalars(select(RightsSet).where(RightsSet.signed_at.is_(None))):
            waiting.sign(options.by, shop.now)
            audit.note(session, options.by, "sign rights", f"rights set {waiting.id}", shop.now, waiting.digest)
            print(f"Signed: {len(waiting.countries.split())} of {len(COUNTRIES)} countries, {waiting.digest[:12]}")
            for problem in waiting.problems:
                print(f"  {problem}")
    return 0


def reconcile(options: argparse.Namespace) -> int:
    """Print what agrees and what does not; 1 when there is a finding."""
    shop = _shop()
    if options.statement:
        with shop.db.writing() as session:
            report = ledgers.import_statement(
                session,
                "glassboxx",
                options.statement.name,
                options.statement.read_text("utf-8-sig"),
                shop.now,
            )
        for problem in report.problems:
            print(problem, file=sys.stderr)
    if options.fetch:
        ledgers.fetch_now(shop)
    outcome = cases.reconcile(shop)
    print(json.dumps(asdict(outcome), default=str, indent=2) if options.json else _written(outcome))
    return 1 if outcome.findings else 0


def add_staff(options: argparse.Namespace) -> int:
    """Add somebody, with a password of our making."""
    shop, password = _shop(), secrets.token_urlsafe(15)
    with shop.db.writing() as session:
        name = options.name or options.email.partition("@")[0]
        member = access.hire(session, options.email, name, access.Role(options.role), password)
        audit.note(session, "the command line", "add staff", member.email, shop.now, member.role)
        print(f"Password: {password}\nSecret of the second factor (TOTP): {member.totp_secret}")
    return 0


def staff_code(options: argparse.Namespace) -> int:
    """Print the code that is good now."""
    shop = _shop()
    with shop.db.writing() as session:
        member = session.scalar(select(access.StaffMember).where(access.StaffMember.email == options.email.lower()))
        if member is None:
            print(f"Nobody with the address {options.email} works here.", file=sys.stderr)
            return 1
        audit.note(session, "the command line", "staff code", member.email, shop.now)
        print(access.code_now(member, shop.now))
    return 0


def secret(_options: argparse.Namespace) -> int:
    """Print a secret that nobody will guess."""
    print(secrets.token_urlsafe(48))
    return 0


def _shop() -> Shop:
    write_logs()
    return connect(configuration.load())


def _refuse_old_schema(shop: Shop) -> None:
    if not migrations.is_current(shop.db):
        raise UnsafeSettingsError(["database_url names a database without the newest schema: run `frontlist migrate`."])
    shop.db.close()


def _written(outcome: Outcome) -> str:
    lines = [f"Reconciled at {outcome.at:%Y-%m-%d %H:%M} UTC", "", "Agreed"]
    lines += [f"  {count:6d}  {name}" for name, count in outcome.agreed.items()]
    if outcome.waiting:
        lines += [
            "",
            "Not due yet",
            *(f"  {count:6d}  {name}" for name, count in sorted(outcome.waiting.items())),
        ]
    for payout in outcome.payouts:
        lines += ["", f"Payout {payout.reference}  {payout.amount} {payout.currency}  {payout.status}"]
        lines += [f"  {amount:10d}  {category}" for category, amount in payout.by_category.items()]
        lines += [f"  {-payout.fees:10d}  fees", f"  {payout.remainder:10d}  remainder, in none of its lines"]
    lines += ["", f"Findings: {len(outcome.findings)}"]
    lines += [f"  {one.code}  {one.order or '-'}  {one.subject}\n      {one.detail}" for one in outcome.findings]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
