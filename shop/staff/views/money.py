"""Reconciliation behind the counter: what agrees, what does not, and the files that come in."""

from __future__ import annotations

from flask import abort, render_template

from shop.reconciliation import cases, findings, ledgers
from shop.services import OutsideError
from shop.staff.access import Role
from shop.staff.views import bp, needs, note, uploaded
from shop.web import commit_now, db, the_shop


@bp.get("/reconciliation")
def reconciliation() -> str:
    """Every ledger held against its neighbour, as of now."""
    return _page(None)


@bp.post("/reconciliation/fetch")
@needs(Role.SUPPORT)
def fetch() -> str:
    """Fetch Stripe's ledger and payouts now."""
    note("fetch ledger", "stripe")
    commit_now()
    try:
        ledgers.fetch_now(the_shop())
    except OutsideError as error:
        abort(503, f"Stripe could not be asked: {error}.")
    return _page("Stripe\N{RIGHT SINGLE QUOTATION MARK}s ledger and payouts have been fetched.")


@bp.post("/reconciliation/statement")
@needs(Role.FINANCE)
def statement() -> str:
    """Take in a statement of the ebook provider."""
    name, text = uploaded("statement")
    report = ledgers.import_statement(db(), "glassboxx", name, text, note("import statement", name))
    db().flush()
    done = f"{name}: {report.added} new lines, {report.known} known."
    return _page(done, report.problems)


def _page(done: str | None, problems: list[str] | None = None) -> str:
    shop = the_shop()
    outcome = findings.reconcile(cases.books(db(), shop.now))
    return render_template("staff/reconciliation.html", outcome=outcome, done=done, problems=problems or [])
