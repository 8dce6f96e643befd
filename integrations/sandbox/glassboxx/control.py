"""The control API: what tests and the demo may ask of the sandbox, and no client of the vendor may."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from integrations.sandbox.glassboxx.faults import DEFAULT_SLOWNESS, FaultKind
from integrations.sandbox.glassboxx.sandbox import sandbox
from integrations.sandbox.glassboxx.skus import SkuState

blueprint = Blueprint("control", __name__, url_prefix="/_sandbox")


@blueprint.get("/health")
def health() -> Response:
    """Say that the sandbox is up."""
    return jsonify(status="ok")


@blueprint.get("/skus")
def list_skus() -> Response:
    """Return every SKU with its title and state."""
    return jsonify(sandbox().skus.all())


@blueprint.post("/skus")
def put_skus() -> Response:
    """Set one SKU, or a list of them."""
    wanted = request.get_json(force=True)
    with sandbox().store.transaction():
        for one in wanted if isinstance(wanted, list) else [wanted]:
            sandbox().skus.put(str(one["sku"]), SkuState(one["state"]), one.get("title"))
    return list_skus()


@blueprint.put("/skus/<path:sku>")
def put_sku(sku: str) -> Response:
    """Move one SKU to another state."""
    sandbox().skus.put(sku, SkuState(request.get_json(force=True)["state"]))
    return jsonify(sku=sku, state=sandbox().skus.state(sku))


@blueprint.get("/switches")
def list_switches() -> Response:
    """Return every switch with its position."""
    return jsonify(sandbox().switches.positions())


@blueprint.post("/switches")
def set_switches() -> Response:
    """Move the switches named in the body."""
    sandbox().switches.set(request.get_json(force=True))
    return list_switches()


@blueprint.get("/faults")
def list_faults() -> Response:
    """Return the faults still waiting for a call."""
    return jsonify(sandbox().faults.waiting())


@blueprint.post("/faults")
def order_fault() -> Response:
    """Let the next calls go wrong."""
    wish: dict[str, Any] = request.get_json(force=True)
    sandbox().faults.order(
        FaultKind(wish["fault"]),
        int(wish.get("calls", 1)),
        str(wish.get("path") or ""),
        float(wish.get("seconds", DEFAULT_SLOWNESS)),
    )
    return list_faults()


@blueprint.delete("/faults")
def forget_faults() -> Response:
    """Call off every fault."""
    sandbox().faults.forget()
    return list_faults()


@blueprint.get("/accounts")
def list_accounts() -> Response:
    """Return every account."""
    return jsonify(sandbox().accounts.all())


@blueprint.get("/orders")
def list_orders() -> Response:
    """Return every accepted order line."""
    return jsonify(sandbox().orders.all())


@blueprint.get("/books")
def list_books() -> Response:
    """Return what one reader's app shows under MY BOOKS."""
    return jsonify(sandbox().orders.books_of(request.args["email"]))


@blueprint.get("/log")
def list_log() -> Response:
    """Return the calls to the vendor's paths, oldest first."""
    return jsonify(sandbox().log.all())


@blueprint.delete("/log")
def forget_log() -> Response:
    """Empty the log."""
    sandbox().log.forget()
    return list_log()


@blueprint.get("/statement.csv")
def statement() -> Response:
    """Return what the provider would bill."""
    sheet = Response(sandbox().orders.statement(), content_type="text/csv; charset=utf-8")
    sheet.headers["Content-Disposition"] = 'attachment; filename="glassboxx-statement.csv"'
    return sheet


@blueprint.delete("/lockout")
def unlock() -> Response:
    """Forget wrong passwords."""
    sandbox().tokens.unlock()
    return jsonify(status="unlocked")


@blueprint.post("/reset")
def reset() -> Response:
    """Forget everything but the SKUs."""
    sandbox().reset()
    return jsonify(status="reset")


@blueprint.errorhandler(ValueError)
@blueprint.errorhandler(KeyError)
def refuse_wish(mistake: Exception) -> tuple[Response, int]:
    """Say what is wrong with a wish."""
    return jsonify(error=f"{type(mistake).__name__}: {mistake}"), 400
