"""The catalogue behind the counter: ONIX files brought and taken in, and where how much of it may be sold."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import TYPE_CHECKING

from flask import Response, abort, render_template, request
from sqlalchemy import select
from werkzeug.exceptions import RequestEntityTooLarge

from shop import countries
from shop.catalogue import forms
from shop.catalogue.intake import jobs, twins
from shop.catalogue.intake.jobs import OnixImport
from shop.catalogue.selling import sellable
from shop.staff.access import Role
from shop.staff.views import bp, me, needs, note
from shop.web import commit_now, db, see_other, the_shop

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from shop.catalogue.selling.sellable import Loss, Share

MOST_LISTED = 50
MOST_SHOWN = 200
MEGABYTE = 1024 * 1024


@bp.get("/catalogue")
def imports() -> str:
    """The files that were brought, newest first, and where the next one is brought."""
    return _imports_page()


@bp.post("/catalogue/imports")
@needs(Role.SUPPORT)
def bring_file() -> Response | tuple[str, int]:
    """Keep a file for the worker to take in."""
    shop = the_shop()
    commit_now()  # Whoever sends slowly would keep every other writer waiting.
    request.max_content_length = shop.settings.onix_upload_megabytes * MEGABYTE
    try:
        file = request.files.get("onix")
    except RequestEntityTooLarge:
        return _imports_page(_too_large(shop.settings.onix_upload_megabytes)), 413
    if file is None or not file.filename:
        return _imports_page("Choose an ONIX file first."), 422
    if not file.stream.read(1):
        return _imports_page(f"{file.filename} is empty."), 422
    file.stream.seek(0)
    with file.stream:
        kept = jobs.keep(shop, file.stream)  # type: ignore[arg-type]
    at = note("bring ONIX", file.filename)
    found = jobs.bring(db(), kept, file.filename, me().email, at)
    return see_other(f"/staff/catalogue/imports/{found.id}")  # type: ignore[return-value]


@bp.get("/catalogue/imports/<int:import_id>")
def one_import(import_id: int) -> str:
    """How far a file has come, and what was left out of it."""
    found = _import(import_id)
    row, problems = jobs.row_of(db(), found), found.problems[:MOST_SHOWN]
    return render_template("staff/import.html", found=found, row=row, problems=problems)


@bp.get("/catalogue/imports/<int:import_id>/problems.csv")
def import_problems(import_id: int) -> Response:
    """Every problem, for a spreadsheet; while the import runs, the first ones so far."""
    problems = jobs.problems_of(the_shop(), _import(import_id))
    rows = ((one["line"], one["reference"] or "", one["reason"]) for one in problems)
    return _table(f"problems-{import_id}.csv", ("line", "record", "reason"), rows)


@bp.get("/catalogue/twins")
def alike() -> str:
    """Works that may be one book, two by two."""
    return render_template("staff/twins.html", pairs=twins.pairs(db()), forms=forms.NAMES)


@bp.post("/catalogue/twins")
@needs(Role.SUPPORT)
def decide_on_twins() -> Response:
    """Put two works together, or tell them apart."""
    kept, other = (request.form.get(name, type=int) for name in ("kept", "other"))
    if kept is None or other is None or kept == other:
        abort(400, "Say which two works are meant.")
    try:
        if request.form.get("verdict") == "one":
            work = twins.put_together(db(), kept, other)
            note("put together", f"work {kept}", f"{work.title}: work {other} is part of it now")
        else:
            twins.tell_apart(db(), kept, other)
            note("tell apart", f"work {kept}", f"work {other} is another book")
    except twins.NotTwinsError:
        abort(409, "These two have changed meanwhile; look at them again.")
    return see_other("/staff/catalogue/twins")  # type: ignore[return-value]


@bp.get("/rights/countries")
def sellable_by_country() -> str:
    """How much of the catalogue may be sold in each country, and where it is less than it was."""
    share, since, lost = _share()
    names = countries.names()
    return render_template("staff/countries.html", share=share, since=since, lost=lost, seen=_seen(lost), names=names)


@bp.post("/rights/countries/accept")
@needs(Role.SUPPORT)
def accept_losses() -> Response:
    """Take what was lost for what should be, provided that it is what was shown."""
    share, since, lost = _share()
    if request.form.get("seen") != _seen(lost):
        abort(409, "This is not what was shown; look at it again.")
    told = f"{len(lost)} countries, since {since}" if lost else "nothing"
    at = note("accept fewer on sale", "countries", told)
    sellable.accept(db(), share, at.date(), me().email)
    return see_other("/staff/rights/countries")  # type: ignore[return-value]


def _seen(lost: list[Loss]) -> str:
    """A mark of these losses and no others."""
    return hashlib.sha256(repr(lost).encode()).hexdigest()


@bp.get("/rights/countries.csv")
def sellable_table() -> Response:
    """The same for a spreadsheet."""
    share, _since, _lost = _share()
    rows = (
        (code, name, share.by_rights[code], share.by_price[code], share.sellable[code], share.total)
        for code, name in countries.names().items()
    )
    head = ("country", "name", "editions with rights", "editions with a price", "editions sellable", "editions in all")
    return _table("countries.csv", head, rows)


def _imports_page(error: str | None = None) -> str:
    found = db().scalars(select(OnixImport).order_by(OnixImport.id.desc()).limit(MOST_LISTED)).all()
    megabytes, stopped = the_shop().settings.onix_upload_megabytes, jobs.stopped(db(), found)
    return render_template("staff/catalogue.html", imports=found, stopped=stopped, error=error, megabytes=megabytes)


def _too_large(megabytes: int) -> str:
    return (
        f"The file is larger than {megabytes} MB. Pack it with gzip, or have it taken in on the server "
        "with frontlist import-onix."
    )


def _import(import_id: int) -> OnixImport:
    found = db().get(OnixImport, import_id)
    if found is None:
        abort(404, "There is no import of this number.")
    return found


def _share() -> tuple[Share, date | None, list[Loss]]:
    shop = the_shop()
    today = shop.now.date()
    share = sellable.count(db(), shop.settings.currency, today)
    return share, *sellable.losses(db(), share, today)


def _table(name: str, head: Iterable[str], rows: Iterable[Iterable[object]]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    response = Response(text.getvalue(), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _harmless(cell: object) -> object:
    """No spreadsheet shall take a publisher's words for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell
