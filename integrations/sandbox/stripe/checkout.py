"""The hosted checkout page, in plain HTML without a script."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, partial
from urllib.parse import urlencode

from babel import Locale
from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from integrations.sandbox.stripe import sessions
from integrations.sandbox.stripe.cards import SHOWN, digits, passes_luhn
from integrations.sandbox.stripe.errors import StripeError
from integrations.sandbox.stripe.money import amount_text
from integrations.sandbox.stripe.payments import Outcome
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World

NOT_COUNTRIES = frozenset("AC CP CQ DG EA EU EZ IC QO TA UN XA XB ZZ".split())  # noqa: SIM905
CENTURY = 2000
FIELDS = ("email", "name", "country", "line1", "city", "postal_code")
"""What the page shows again after a refusal; never a card."""


def blueprint(world: World) -> Blueprint:
    """Return the pages a payer sees."""
    pages = Blueprint("checkout", __name__)
    for rule, methods, view in (
        ("/c/pay/<session_id>", ["GET"], show),
        ("/c/pay/<session_id>", ["POST"], pay),
        ("/c/3ds/<intent_id>", ["GET"], show_challenge),
        ("/c/3ds/<intent_id>", ["POST"], meet_challenge),
        ("/receipts/<charge_id>", ["GET"], show_receipt),
    ):
        pages.add_url_rule(rule, view.__name__, partial(view, world), methods=methods)
    return pages


@cache
def countries() -> list[tuple[str, str]]:
    """Return every ISO country as (code, English name), by name."""
    names = Locale("en", "GB").territories
    listed = [(code, name) for code, name in names.items() if len(code) == 2 and code.isalpha()]  # noqa: PLR2004
    return sorted((one for one in listed if one[0] not in NOT_COUNTRIES), key=lambda one: one[1])


# --- the page


def show(world: World, session_id: str) -> ResponseReturnValue:
    """Show what is to be paid, or that there is nothing to pay any more."""
    with world.store.transaction():
        session = _session(world, session_id)
        typed = {"email": session["customer_email"] or ""}
        return _page(world, session, typed, _last_refusal(world, session))


def _session(world: World, session_id: str) -> Thing:
    session = world.store.find(session_id, "checkout.session")
    if session is None:
        raise NotFound
    return sessions.current(world, session)


def _last_refusal(world: World, session: Thing) -> str:
    intent = world.store.find(session["payment_intent"] or session["setup_intent"] or "") or {}
    return str((intent.get("last_payment_error") or intent.get("last_setup_error") or {}).get("message", ""))


def _page(
    world: World, session: Thing, typed: Thing, alarm: str = "", wrong: dict[str, str] | None = None
) -> ResponseReturnValue:
    name = {"open": "pay.html", "complete": "complete.html", "expired": "expired.html"}[session["status"]]
    page = render_template(
        name,
        session=session,
        typed={name: typed.get(name) or "" for name in FIELDS},
        alarm=alarm,
        wrong=wrong or {},
        countries=countries(),
        cards=SHOWN,
        money=partial(amount_text, currency=session["currency"]),
        return_url=success_url(session),
        wish=_wish(session),
        offers_debit=session["mode"] == "payment" and world.store.setting("delayed_methods", False),  # noqa: FBT003
    )
    return page, _status(session, alarm)


def _wish(session: Thing) -> str:
    """Return what the button does."""
    if session["mode"] == "setup":
        return "Save card"
    return f"Pay {amount_text(session['amount_total'], session['currency'])}"


def _status(session: Thing, alarm: str) -> int:
    if session["status"] == "expired":
        return 410
    return 402 if alarm and request.method == "POST" else 200


def success_url(session: Thing) -> str:
    """Return the shop's address to go back to, with the session's id put in."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def pay(world: World, session_id: str) -> ResponseReturnValue:
    """Take the form, pay once and go back to the shop; a paid session is never charged again."""
    with world.store.transaction():
        session = _session(world, session_id)
        if session["status"] == "complete":
            return redirect(success_url(session), 303)
        if session["status"] == "expired":
            return _page(world, session, {})
        return _attempt(world, session, {key: value.strip() for key, value in request.form.items()})


def _attempt(world: World, session: Thing, typed: dict[str, str]) -> ResponseReturnValue:
    is_debit = typed.get("method") == "debit"
    wrong = mistakes(typed, datetime.fromtimestamp(world.store.now(), UTC), is_debit=is_debit)
    if wrong:
        return _page(world, session, typed, "Please correct the fields below.", wrong)
    outcome = _outcome(world, session, typed, is_debit=is_debit)
    if outcome.verdict == "challenged":
        return redirect(f"{world.url}/c/3ds/{outcome.intent}", 303)
    if outcome.verdict == "declined":
        return _page(world, session, typed, outcome.message)
    return redirect(success_url(session), 303)


def _outcome(world: World, session: Thing, typed: dict[str, str], *, is_debit: bool) -> Outcome:
    payer: Thing = {name: typed.get(name) for name in FIELDS}
    if is_debit:
        return sessions.debit(world, session, payer)
    month, year = expiry(typed["expiry"]) or (12, 2034)
    return sessions.attempt(world, session, typed["number"], {**payer, "exp_month": month, "exp_year": year})


# --- what was typed


def mistakes(typed: dict[str, str], now: datetime, *, is_debit: bool = False) -> dict[str, str]:
    """Return what is wrong with the form, as field name to sentence."""
    wrong = {}
    if "@" not in typed.get("email", ""):
        wrong["email"] = "Enter an e-mail address."
    if not typed.get("name"):
        wrong["name"] = "Enter the name on the card."
    if typed.get("country") not in dict(countries()):
        wrong["country"] = "Choose a country."
    return wrong if is_debit else {**wrong, **_card_mistakes(typed, now)}


def _card_mistakes(typed: dict[str, str], now: datetime) -> dict[str, str]:
    wrong = {}
    if not passes_luhn(digits(typed.get("number", ""))):
        wrong["number"] = "Your card number is incorrect."
    date = expiry(typed.get("expiry", ""))
    if date is None:
        wrong["expiry"] = "Enter the expiry date as MM/YY."
    elif (date[1], date[0]) < (now.year, now.month):
        wrong["expiry"] = "Your card's expiration date is in the past."
    if len(digits(typed.get("cvc", ""))) not in {3, 4}:
        wrong["cvc"] = "Your card's security code is incomplete."
    return wrong


def expiry(typed: str) -> tuple[int, int] | None:
    """Return (month, year) of an expiry date such as `12/34` or `12 / 2034`, or None if it is none."""
    found = re.fullmatch(r"\s*(\d{1,2})\s*[/-]?\s*(\d{4}|\d{2})\s*", typed)
    if not found or not 1 <= int(found[1]) <= 12:  # noqa: PLR2004
        return None
    return int(found[1]), int(found[2]) % CENTURY + CENTURY


# --- 3D Secure


def show_challenge(world: World, intent_id: str) -> ResponseReturnValue:
    """Show the page on which a bank would ask its customer to confirm."""
    intent = _intent(world, intent_id)
    if intent["status"] != "requires_action":
        return redirect(_way_back(world, intent), 303)
    asks = f"confirm {amount_text(intent['amount'], intent['currency'])}" if "amount" in intent else "save this card"
    return render_template("challenge.html", asks=asks)


def meet_challenge(world: World, intent_id: str) -> ResponseReturnValue:
    """Complete or fail the challenge and go where that leads; a second press leads there as well."""
    passed = request.form.get("answer") == "complete"
    with world.store.transaction():
        intent = _intent(world, intent_id)
        with suppress(StripeError):
            sessions.authenticate(world, intent, passed=passed)
        return redirect(_way_back(world, intent), 303)


def _way_back(world: World, intent: Thing) -> str:
    session = world.store.find(intent["_session"] or "")
    if session:
        return success_url(session) if session["status"] == "complete" else f"{world.url}/c/pay/{session['id']}"
    told = {intent["object"]: intent["id"], f"{intent['object']}_client_secret": intent["client_secret"]}
    separator = "&" if "?" in (intent["_return_url"] or "") else "?"
    return f"{intent['_return_url'] or world.url}{separator}{urlencode(told)}"


def _intent(world: World, intent_id: str) -> Thing:
    intent = world.store.find(intent_id, "payment_intent") or world.store.find(intent_id, "setup_intent")
    if intent is None:
        raise NotFound
    return intent


def show_receipt(world: World, charge_id: str) -> ResponseReturnValue:
    """Show the receipt that a charge's `receipt_url` names."""
    charge = world.store.find(charge_id, "charge")
    if charge is None:
        raise NotFound
    return render_template("receipt.html", charge=charge, money=partial(amount_text, currency=charge["currency"]))
