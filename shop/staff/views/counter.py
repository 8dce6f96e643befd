"""The counter's other pages: rights to sign, despatch files both ways, notices and work that need a person."""

from __future__ import annotations

from flask import Response, abort, render_template, request
from sqlalchemy import func, select

from shop import countries, work
from shop.catalogue import rights as rules
from shop.catalogue.models import Edition, RightsSet, Work
from shop.catalogue.selling import sellable
from shop.catalogue.territory import prose
from shop.checkout.inbox import Notice
from shop.despatch import warehouse
from shop.despatch.models import Despatch
from shop.staff.access import Role
from shop.staff.views import bp, me, needs, note, uploaded
from shop.web import db, see_other, the_shop
from shop.work import WorkRow, WorkState


@bp.get("/rights")
def rights() -> str:
    """Each distinct set of countries, who signed it, and how many editions sell by it."""
    used = (
        select(RightsSet, func.count(Edition.id), func.count(Edition.work_id.distinct()), func.min(Work.title))
        .outerjoin(Edition, Edition.rights_set_id == RightsSet.id)
        .outerjoin(Work, Work.id == Edition.work_id)
        .group_by(RightsSet.id)
        .order_by(RightsSet.signed_at.is_not(None), RightsSet.id)
    )
    sets = [
        (found, countries.in_words(rules.read(found.countries)), editions, works, title)
        for found, editions, works, title in db().execute(used)
    ]
    lost = sellable.alarm(the_shop(), db())
    return render_template("staff/rights.html", sets=sets, lost=lost, names=countries.names())


@bp.get("/rights/explain")
def explain_rights() -> str:
    """What a publisher's sentence comes to, country by country; it signs and sells nothing."""
    statement = request.args.get("statement", "").strip()
    reading = prose.read(statement, the_shop().now.date()) if statement else None
    reasons = prose.by_reason(reading) if reading else {}
    names = countries.names()
    return render_template(
        "staff/rights_explain.html", statement=statement, reading=reading, reasons=reasons, names=names
    )


@bp.get("/rights/<int:set_id>")
def rights_set(set_id: int) -> str:
    """One set: every country with its reason, and the editions it binds."""
    found = _rights_set(set_id)
    resolution = rules.resolve(rules.Statement.from_json(found.statements))
    names = countries.names()
    verdicts = [(code, name, resolution.decisions[code]) for code, name in names.items()]
    editions = (
        db()
        .execute(
            select(Edition.isbn, Work.title, Work.territory_statement)
            .join(Work, Work.id == Edition.work_id)
            .where(Edition.rights_set_id == set_id)
        )
        .all()
    )
    words = countries.in_words(rules.read(found.countries))
    return render_template("staff/rights_set.html", found=found, words=words, verdicts=verdicts, editions=editions)


@bp.post("/rights/<int:set_id>/sign")
@needs(Role.SUPPORT)
def sign_rights(set_id: int) -> Response:
    """Sign exactly the set that was shown; a set that changed meanwhile is another set."""
    found = _rights_set(set_id)
    if request.form.get("digest") != found.digest:
        abort(409, "This is not the set that was shown; look at it again.")
    found.sign(me().email, note("sign rights", f"rights set {set_id}", found.digest))
    return see_other("/staff/rights")  # type: ignore[return-value]


@bp.get("/despatch")
def despatch() -> str:
    """The files that went to the warehouse, and where its notices come in."""
    return _despatch_page(None)


@bp.post("/despatch/ask")
@needs(Role.SUPPORT)
def ask_for_despatch() -> str:
    """Write a despatch file with every paid line that can be sent."""
    name = warehouse.ask_for_despatch(db(), note("ask for despatch", "warehouse"))
    return _despatch_page(f"{name} is ready." if name else "Nothing is waiting to be sent.")


@bp.get("/despatch/<name>")
def despatch_file(name: str) -> Response:
    """A despatch file, as often as it is wanted."""
    if db().scalar(select(Despatch.id).where(Despatch.file == name).limit(1)) is None:
        abort(404, "There is no despatch file of this name.")
    response = Response(warehouse.despatch_file(db(), name), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@bp.post("/despatch/notice")
@needs(Role.SUPPORT)
def despatch_notice() -> str:
    """Take in a despatch notice from the warehouse."""
    name, text = uploaded("notice")
    report = warehouse.take_notice(db(), text, note("despatch notice", name))
    return _despatch_page(f"{report.despatched} despatched, {report.known} known already.", report.problems)


@bp.get("/work")
def work_rows() -> str:
    """Work that is dead or has failed, and notices that found no order."""
    failing = (WorkRow.state == WorkState.DEAD) | ((WorkRow.state != WorkState.DONE) & WorkRow.last_error.is_not(None))
    rows = db().scalars(select(WorkRow).where(failing).order_by(WorkRow.created_at.desc()).limit(200)).all()
    unmatched = db().scalars(select(Notice).where(Notice.unmatched_at.is_not(None)).limit(200)).all()
    return render_template("staff/work.html", rows=rows, unmatched=unmatched)


@bp.post("/work-rows/<int:row_id>/again")
@needs(Role.SUPPORT)
def row_again(row_id: int) -> Response:
    """Try a row again at once."""
    at = note("try again", f"work row {row_id}")
    work.try_again(db(), row_id, at)
    return see_other("/staff/work")  # type: ignore[return-value]


def _rights_set(set_id: int) -> RightsSet:
    found = db().get(RightsSet, set_id)
    if found is None:
        abort(404, "There is no such set of rights.")
    return found


def _despatch_page(done: str | None, problems: list[str] | None = None) -> str:
    files = db().execute(
        select(Despatch.file, func.count(), func.count(Despatch.noticed_at), func.min(Despatch.requested_at))
        .group_by(Despatch.file)
        .order_by(Despatch.file.desc())
        .limit(100)
    )
    waiting = len(db().scalars(warehouse.lines_to_send(the_shop().now)).all())
    return render_template(
        "staff/despatch.html", files=files.all(), waiting=waiting, done=done, problems=problems or []
    )
