"""The undocumented calls by which Stripe's own page, and its command line, complete a session.

Only the official CLI needs them: `stripe trigger checkout.session.completed` looks at a page and confirms it.
"""

from integrations.sandbox.stripe import payers, sessions
from integrations.sandbox.stripe.api.route import Route, get
from integrations.sandbox.stripe.errors import DeclinedError, refused
from integrations.sandbox.stripe.form import NUMBER, TEXT, need
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World, public


def retrieve_page(world: World, _asked: Thing, object_id: str) -> Thing:
    """Return what the page of a session shows."""
    return _page(sessions.current(world, get(world, "checkout.session", object_id)))


def _page(session: Thing) -> Thing:
    shown = ("amount_total", "currency", "livemode", "mode", "payment_status", "status")
    about = {name: session[name] for name in shown}
    return {"id": session["id"], "object": "checkout.session", "session_id": session["id"], **about}


def confirm_page(world: World, asked: Thing, object_id: str) -> Thing:
    """Press the page's button."""
    need(asked, "payment_method")
    session = sessions.current(world, get(world, "checkout.session", object_id))
    if session["mode"] == "payment" and asked.get("expected_amount") != session["amount_total"]:
        raise refused("The amount has changed since the page was shown.", "expected_amount", "checkout_amount_mismatch")
    outcome = sessions.attempt_by(world, session, payers.method_for(world, asked["payment_method"]))
    if outcome.verdict == "declined":
        intent = get(world, "payment_intent" if session["payment_intent"] else "setup_intent", outcome.intent)
        raise DeclinedError(
            intent.get("last_payment_error") or intent["last_setup_error"], intent["object"], public(intent)
        )
    return _page(session)


CONFIRMATION: Thing = {"expected_amount": NUMBER, "payment_method": TEXT}

ROUTES = (
    Route("GET", "/payment_pages/<object_id>", {}, retrieve_page),
    Route("POST", "/payment_pages/<object_id>/confirm", CONFIRMATION, confirm_page),
)
