"""The console: the same controls for a person with a browser."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from integrations.sandbox.glassboxx.faults import DEFAULT_SLOWNESS, FaultKind
from integrations.sandbox.glassboxx.sandbox import sandbox
from integrations.sandbox.glassboxx.skus import SkuState
from integrations.sandbox.glassboxx.switches import SWITCHES, UnknownPositionError

blueprint = Blueprint("console", __name__)

CALLS_SHOWN = 20
STATE_WORDS = {
    SkuState.UNKNOWN: "Unknown to Glassboxx",
    SkuState.OTHER_VENDOR: "Another vendor’s",
    SkuState.NOT_ENABLED: "Uploaded, not enabled",
    SkuState.ENABLED: "Enabled",
    SkuState.PREORDER: "Pre-order",
}


@blueprint.get("/")
def page() -> str:
    """Show everything on one page."""
    room, email = sandbox(), request.args.get("email", "").strip()
    return render_template(
        "console.html",
        room=room,
        email=email,
        books=room.orders.books_of(email) if email else [],
        has_account=bool(email) and room.accounts.exists(email),
        calls=room.log.all()[: -CALLS_SHOWN - 1 : -1],
        switches=SWITCHES,
        positions=room.switches.positions(),
        states=STATE_WORDS,
        faults=list(FaultKind),
    )


@blueprint.post("/console/skus")
def set_sku() -> Response:
    """Set the state of one SKU."""
    form = request.form
    sandbox().skus.put(form["sku"].strip(), SkuState(form["state"]), form.get("title") or None)
    return back_to("skus")


@blueprint.post("/console/switches")
def set_switches() -> Response:
    """Move the switches."""
    sandbox().switches.set(request.form.to_dict())
    return back_to("switches")


@blueprint.post("/console/faults")
def order_fault() -> Response:
    """Let the next calls go wrong."""
    form = request.form
    seconds = float(form.get("seconds") or DEFAULT_SLOWNESS)
    sandbox().faults.order(FaultKind(form["fault"]), int(form["calls"]), form.get("path", "").strip(), seconds)
    return back_to("faults")


@blueprint.post("/console/faults/forget")
def forget_faults() -> Response:
    """Call off every fault."""
    sandbox().faults.forget()
    return back_to("faults")


@blueprint.errorhandler(UnknownPositionError)
@blueprint.errorhandler(ValueError)
def refuse_wish(mistake: Exception) -> tuple[str, int]:
    """Say what is wrong with a wish."""
    return render_template("mistake.html", mistake=mistake), 400


def back_to(section: str) -> Response:
    """Return to the section the form stood in."""
    return redirect(url_for("console.page", _anchor=section), 303)
