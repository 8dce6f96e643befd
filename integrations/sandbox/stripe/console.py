"""The control verbs: JSON under `/_sandbox/…`, and the same as buttons on a page for people."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from integrations.sandbox.stripe import money, payments, reports, sessions, webhooks
from integrations.sandbox.stripe.api.route import get
from integrations.sandbox.stripe.checkout import success_url
from integrations.sandbox.stripe.errors import StripeError, refused
from integrations.sandbox.stripe.form import need
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World, public

MODES = ("normal", "hold", "duplicate", "drop", "reorder")
FAULTS = ("500", "429", "slow", "drop", "lose_reply")
SETTINGS = ("async_capture", "daily_payouts", "delayed_methods")
SHOWN_ROWS = 40
A_DAY = 86400

LOG: deque[Thing] = deque(maxlen=2000)
"""The last API requests, oldest first; they do not survive a restart."""


def blueprint(world: World) -> Blueprint:
    """Return the console and the verbs."""
    verbs = Blueprint("console", __name__)
    verbs.add_url_rule("/", "console", partial(show, world))
    verbs.add_url_rule("/_sandbox/health", "health", lambda: jsonify(ok=True))
    verbs.add_url_rule("/_sandbox/log", "log", lambda: jsonify(data=list(LOG)))
    verbs.add_url_rule("/_sandbox/deliveries", "deliveries", lambda: jsonify(data=_deliveries(world, -1)))
    verbs.add_url_rule("/_sandbox/objects/<kind>", "objects", partial(list_objects, world))
    verbs.add_url_rule("/_sandbox/pay/<session_id>", "pay", partial(_obey, world, pay), methods=["POST"])
    for name, verb in VERBS.items():
        verbs.add_url_rule(f"/_sandbox/{name}", name, partial(_obey, world, verb), methods=["POST"])
    return verbs


def _obey(world: World, verb: Callable[..., Thing], **ids: str) -> ResponseReturnValue:
    asked = request.get_json(silent=True) or request.form.to_dict()
    try:
        with world.store.transaction():
            done = verb(world, asked, **ids)
    except ValueError as error:
        raise refused(f"Not a number: {error}") from error
    return jsonify(done) if request.is_json or not request.form.get("back") else redirect("/", 303)


def list_objects(world: World, kind: str) -> ResponseReturnValue:
    """Return every object of a kind such as `charge` or `checkout.session`, newest first."""
    return jsonify(data=[public(one) for one in world.store.all(kind)])


# --- verbs


def pay(world: World, asked: Thing, session_id: str) -> Thing:
    """Pay a session without the page: `{card, country, name, email, method}`, all optional.

    `newest` stands for the newest session that is open. Answers with `verdict` (paid, challenged or declined),
    `message`, `payment_intent` and `return_url`.
    """
    if session_id == "newest":
        session_id = _newest(world, "checkout.session", status="open")
    session = sessions.current(world, get(world, "checkout.session", session_id))
    payer = {
        "country": "GB",
        "name": "Ann Reader",
        "email": session["customer_email"] or "ann@example.com",
        **asked,
    }
    if asked.get("method") == "debit":
        outcome = sessions.debit(world, session, payer)
    else:
        outcome = sessions.attempt(world, session, asked.get("card") or "4242424242424242", _payer(payer))
    told = {"verdict": outcome.verdict, "message": outcome.message, "payment_intent": outcome.intent}
    return {**told, "return_url": success_url(session)}


def _payer(given: Thing) -> Thing:
    return {key: value for key, value in given.items() if key not in {"card", "method"}}


def authenticate(world: World, asked: Thing) -> Thing:
    """Complete or fail a 3D Secure challenge: `{payment_intent, ok}`, or `{setup_intent, ok}`."""
    kind = "setup_intent" if asked.get("setup_intent") else "payment_intent"
    intent = get(world, kind, _needed(asked, kind))
    outcome = sessions.authenticate(world, intent, passed=_yes(asked, "ok", default=True))
    return {"verdict": outcome.verdict, "message": outcome.message}


def set_mode(world: World, asked: Thing) -> Thing:
    """Choose how webhooks leave: `{mode, n}`, `n` being the copies when duplicating."""
    mode = {"mode": _one_of(MODES, asked, "mode"), "n": int(asked.get("n") or 2)}
    world.store.set("webhook_mode", mode)
    return mode


def release(world: World, asked: Thing) -> Thing:
    """Send what was held: `{reverse}`."""
    return {"released": webhooks.release(world, reverse=_yes(asked, "reverse"))}


def resend(world: World, asked: Thing) -> Thing:
    """Send an event again: `{event}`."""
    return {"sent": webhooks.resend(world, get(world, "event", _needed(asked, "event")))}


def roll_secret(world: World, asked: Thing) -> Thing:
    """Give an endpoint a new secret: `{endpoint}`."""
    return {"secret": webhooks.roll_secret(world, get(world, "webhook_endpoint", _needed(asked, "endpoint")))}


def spoil(name: str, world: World, asked: Thing) -> Thing:
    """Spoil the signature or the timestamp of the next messages: `{count}`."""
    count = int(asked.get("count") or 1)
    world.store.set(name, count)
    return {name: count}


def advance(world: World, asked: Thing) -> Thing:
    """Move the clock forward: `{seconds}` or `{hours}` or `{days}`."""
    units = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
    seconds = sum(int(asked[unit]) * size for unit, size in units.items() if asked.get(unit))
    if seconds < 0:
        raise refused("The clock only moves forward.", "seconds")
    while seconds:
        # One midnight at a time, so that each day's payout is made on its day.
        step = min(seconds, A_DAY - world.store.now() % A_DAY)
        world.store.advance(step)
        ring(world)
        seconds -= step
    return {"now": world.store.now()}


def pay_out(world: World, asked: Thing) -> Thing:
    """Pay everything available out to the bank: `{include_pending}`."""
    made = money.pay_out(world, include_pending=_yes(asked, "include_pending"))
    return {"payouts": [public(one) for one in made]}


def fail_payout(world: World, asked: Thing) -> Thing:
    """Let the bank send a payout back: `{payout}`, the newest unless told otherwise."""
    payout = get(world, "payout", asked.get("payout") or _newest(world, "payout"))
    return public(money.fail_payout(world, payout))


def decide_refund(world: World, asked: Thing) -> Thing:
    """Let a refund succeed or come back: `{refund, status}`, status being `succeeded` or `failed`."""
    made = get(world, "refund", _needed(asked, "refund"))
    works = {"succeeded": money.settle_refund, "failed": money.fail_refund}
    works[_one_of(tuple(works), asked, "status")](world, made)
    return public(made)


def open_dispute(world: World, asked: Thing) -> Thing:
    """Dispute a charge: `{charge, reason, inquiry}`."""
    charge = get(world, "charge", _needed(asked, "charge"))
    if _yes(asked, "inquiry"):
        return public(money.open_inquiry(world, charge))
    return public(money.open_dispute(world, charge, asked.get("reason") or "fraudulent"))


def decide_dispute(world: World, asked: Thing) -> Thing:
    """Decide a dispute: `{dispute, won}`."""
    dispute = get(world, "dispute", _needed(asked, "dispute"))
    return public(money.close_dispute(world, dispute, won=_yes(asked, "won")))


def settle(world: World, asked: Thing) -> Thing:
    """Decide a bank debit: `{payment_intent, ok}`."""
    intent = get(world, "payment_intent", _needed(asked, "payment_intent"))
    return public(payments.settle(world, intent, arrived=_yes(asked, "ok", default=True)))


def expire(world: World, asked: Thing) -> Thing:
    """Expire an open session: `{session}`."""
    return public(sessions.expire(world, get(world, "checkout.session", _needed(asked, "session"))))


def plan_fault(world: World, asked: Thing) -> Thing:
    """Spoil the next API calls: `{kind, count, path, method, seconds}`.

    `path` is a part of the path and `method` a method that the call must have; without them any call counts.
    A count of 0 takes all planned faults away.
    """
    fault = {**asked, "kind": _one_of(FAULTS, asked, "kind"), "count": int(asked.get("count", 1) or 0)}
    planned = [*world.store.setting("faults", []), fault] if fault["count"] else []
    world.store.set("faults", planned)
    return {"faults": planned}


def change_settings(world: World, asked: Thing) -> Thing:
    """Switch `async_capture`, `daily_payouts` or `delayed_methods` on or off."""
    for name in SETTINGS:
        if name in asked:
            world.store.set(name, _yes(asked, name))
    return {name: world.store.setting(name, False) for name in SETTINGS}  # noqa: FBT003


VERBS: dict[str, Callable[..., Thing]] = {
    "authenticate": authenticate,
    "mode": set_mode,
    "release": release,
    "resend": resend,
    "roll_secret": roll_secret,
    "wrong_signature": partial(spoil, "wrong_signatures"),
    "stale_timestamp": partial(spoil, "stale_timestamps"),
    "clock": advance,
    "payout": pay_out,
    "fail_payout": fail_payout,
    "refund_result": decide_refund,
    "dispute": open_dispute,
    "dispute_result": decide_dispute,
    "settle": settle,
    "expire": expire,
    "fault": plan_fault,
    "settings": change_settings,
}


def _needed(asked: Thing, name: str) -> str:
    need(asked, name)
    return str(asked[name])


def _one_of(choices: tuple[str, ...], asked: Thing, name: str) -> str:
    if str(asked.get(name)) not in choices:
        raise refused(f"{name} must be one of {', '.join(choices)}.", name)
    return str(asked[name])


def _yes(asked: Thing, name: str, *, default: bool = False) -> bool:
    return str(asked.get(name, default)).lower() in {"true", "1", "on", "yes"}


def _newest(world: World, kind: str, **equal: str) -> str:
    found = world.store.first(kind, **equal)
    return str(found["id"]) if found else ""


# --- what rings by itself


def ring(world: World) -> None:
    """Do what has become due: expire sessions, book late captures, let disputes and refunds happen."""
    store = world.store
    with store.transaction():
        for session in store.select("checkout.session", [("status = 'open' AND expires_at <= ?", store.now())]):
            sessions.expire(world, session)
        for task, object_id in store.due():
            thing = store.find(object_id)
            if thing:
                with suppress(StripeError):  # somebody has decided it by hand
                    TASKS[task](world, thing)
        _pay_out_daily(world)


def _pay_out_daily(world: World) -> None:
    if not world.store.setting("daily_payouts", False):  # noqa: FBT003
        return
    today = world.store.now() // A_DAY
    last = world.store.setting("paid_out_on", None)
    if last != today:
        world.store.set("paid_out_on", today)
        if last is not None:
            money.pay_out(world)


TASKS: dict[str, Callable[[World, Thing], Any]] = {
    **payments.TROUBLES,
    "capture": payments.book_later,
    "settle_debit": partial(payments.settle, arrived=True),
    "fail_debit": partial(payments.settle, arrived=False),
    "settle_refund": money.settle_refund,
    "fail_refund": money.fail_refund,
    "pay_payout": money.arrive,
    "finish_report": reports.finish,
}


# --- the page


def show(world: World) -> ResponseReturnValue:
    """Show what the sandbox holds, with a button for each verb."""
    kinds = (
        "checkout.session",
        "payment_intent",
        "setup_intent",
        "customer",
        "charge",
        "refund",
        "dispute",
        "payout",
        "event",
        "webhook_endpoint",
    )
    with world.store.transaction():
        return render_template(
            "console.html",
            things={kind: world.store.select(kind, limit=SHOWN_ROWS) for kind in kinds},
            deliveries=_deliveries(world, SHOWN_ROWS),
            requests=list(LOG)[: -SHOWN_ROWS - 1 : -1],
            balance=money.balance(world),
            mode=world.store.setting("webhook_mode", {"mode": "normal"}),
            faults=world.store.setting("faults", []),
            settings=change_settings(world, {}),
            choices={"modes": MODES, "faults": FAULTS},
            now=world.store.now(),
            money=money.amount_text,
        )


def _deliveries(world: World, limit: int) -> list[Thing]:
    sql = (
        "SELECT deliveries.*, event.type AS type, json_extract(endpoint.body, '$.url') AS url FROM deliveries"
        " LEFT JOIN objects event ON event.id = event_id"
        " LEFT JOIN objects endpoint ON endpoint.id = endpoint_id"
        " ORDER BY deliveries.id DESC LIMIT ?"
    )
    return [dict(row) for row in world.store.run(sql, limit)]
