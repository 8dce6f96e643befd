"""The application: the vendor's API, the control API and the console, behind faults and before a log."""

import time
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from integrations.sandbox.glassboxx import api, console, control, legacy, messages
from integrations.sandbox.glassboxx.answers import as_json, as_magento
from integrations.sandbox.glassboxx.faults import Fault, FaultKind
from integrations.sandbox.glassboxx.messages import MagentoError
from integrations.sandbox.glassboxx.sandbox import EXTENSION, Sandbox, sandbox
from integrations.sandbox.glassboxx.server import CUT
from integrations.sandbox.glassboxx.store import now_text

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

MAINTENANCE_PAGE = (
    "<!doctype html><html lang=en><title>Service Temporarily Unavailable</title>"
    "<h1>Service Temporarily Unavailable</h1><p>The server is down for maintenance. Please try later.</p>"
)
SIGN_IN_PAGE = "<!doctype html><html lang=en><title>Admin</title><h1>Welcome, please sign in</h1></html>"


def create_app(room: Sandbox) -> Flask:
    """Return the application that serves this sandbox."""
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined] # Flask's default provider has it
    app.extensions[EXTENSION] = room
    for blueprint in (api.rest, legacy.rest, control.blueprint, console.blueprint):
        app.register_blueprint(blueprint)
    app.before_request(meet_fault)
    app.after_request(leave_trace)
    app.register_error_handler(MagentoError, as_magento)
    app.register_error_handler(HTTPException, refuse_route)
    return app


def is_vendor_call() -> bool:
    """Tell the vendor's own paths from the sandbox's."""
    return request.path.startswith("/rest/")


def meet_fault() -> "AnyResponse | None":
    """Note when the call came, and let it meet the fault that waits for it, if one does."""
    g.received_at = now_text()
    g.fault = sandbox().faults.find_next(request.path) if is_vendor_call() else None
    return fault_before(g.fault) if g.fault else None


def fault_before(fault: Fault) -> "AnyResponse | None":
    """Return what the fault answers instead of the work; None lets the work be done."""
    if fault.kind == FaultKind.SLOW:
        time.sleep(fault.seconds)
    if fault.kind == FaultKind.HTTP_500:
        return as_magento(messages.internal_error())
    if fault.kind == FaultKind.HTTP_503_JSON:
        return as_json({"message": messages.NOT_SIGNED_IN}, 503)
    if fault.kind == FaultKind.HTTP_503_HTML:
        return Response(MAINTENANCE_PAGE, 503, mimetype="text/html")
    return cut(Response()) if fault.kind == FaultKind.RESET_BEFORE else None


def fault_after(fault: Fault, answer: "AnyResponse") -> "AnyResponse":
    """Return what the fault makes of the answer; the work is done and committed by now."""
    if fault.kind == FaultKind.RESET_AFTER_COMMIT:
        return cut(answer)
    if fault.kind == FaultKind.HTTP_500_AFTER_COMMIT:
        return as_magento(messages.internal_error())
    if fault.kind == FaultKind.NOT_JSON_200:
        return Response(SIGN_IN_PAGE, 200, mimetype="text/html")
    return answer


def cut(answer: "AnyResponse") -> "AnyResponse":
    """Have the connection reset instead of answered."""
    request.environ[CUT].set()
    return answer


def leave_trace(answer: "AnyResponse") -> "AnyResponse":
    """Let the fault spoil the answer, then log the call as the caller will see it."""
    if not is_vendor_call():
        return answer
    given = fault_after(g.fault, answer) if g.fault else answer
    is_cut = request.environ[CUT].is_set()
    sandbox().log.write(
        request,
        g.received_at,
        None if is_cut else given.status_code,
        "" if is_cut else given.get_data(as_text=True),
        g.fault.kind if g.fault else "",
    )
    return given


def refuse_route(refusal: HTTPException) -> "AnyResponse":
    """Answer a path or verb that is not there: as Magento does under /rest/, plainly elsewhere."""
    if not is_vendor_call():
        return refusal.get_response()
    if request.path.startswith("/rest/V1/"):
        return as_magento(MagentoError(404, messages.NO_ROUTE))
    return as_magento(MagentoError(400, messages.REQUEST_UNUSABLE))
