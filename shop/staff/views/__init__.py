"""The staff pages: one blueprint, and one check in front of every page of it."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, g, redirect, render_template, request

from shop.staff import access, audit
from shop.throttle import network_of
from shop.web import db, local_path, private, see_other, the_shop

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from werkzeug.wrappers import Response as AnyResponse

    from shop.staff.access import Role, StaffMember

bp = private(Blueprint("staff", __name__, url_prefix="/staff"))

STAFF_COOKIE = "staff"
OPEN_TO_ALL = {"staff.sign_in_page", "staff.sign_in"}


@bp.before_request
def let_in() -> AnyResponse | None:
    """Nobody sees a staff page without a session; no identity is no permission."""
    if request.endpoint in OPEN_TO_ALL:
        return None
    token, shop = request.cookies.get(STAFF_COOKIE, ""), the_shop()
    access.keep_awake(shop, token)
    member = access.current(db(), token, shop.now)
    if member is None:
        return redirect(f"/staff/sign-in?next={request.path}")
    g.member = member
    return None


def needs(role: Role) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A page or action for this role and those above it."""

    def guard(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not me().may(role):
                abort(403, f"This needs the role of {role}; yours is {me().role}.")
            return view(*args, **kwargs)

        return guarded

    return guard


def me() -> StaffMember:
    """Who is signed in."""
    member: StaffMember = g.member
    return member


def note(action: str, subject: str, detail: str = "") -> datetime:
    """Write into the audit log what is being done; the moment of it."""
    at = the_shop().now
    audit.note(db(), me().email, action, subject, at, detail)
    return at


def uploaded(field: str) -> tuple[str, str]:
    """The name and the text of the file that a form brought; answers 400 for none, or for what is no text."""
    file = request.files.get(field)
    if file is None or not file.filename:
        abort(400, f"Choose the {field} file first.")
    try:
        return file.filename, file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        abort(400, f"The {field} is not text in UTF-8; export it again as CSV.")


@bp.get("/sign-in")
def sign_in_page() -> str:
    """Where staff come in."""
    back = local_path(request.args.get("next"), "/staff/")
    return render_template("staff/sign_in.html", error=None, email="", back=back)


@bp.post("/sign-in")
def sign_in() -> AnyResponse | tuple[str, int]:
    """Let in whoever has the password and the code."""
    form, shop = request.form, the_shop()
    back = local_path(form.get("next"), "/staff/")
    try:
        token = access.sign_in(
            shop,
            form.get("email", ""),
            form.get("password", ""),
            form.get("code", ""),
            network_of(request.remote_addr),
        )
    except access.NotLetInError:
        error = "The address, the password or the code is not right. A code is good once; wait for the next one."
        return render_template("staff/sign_in.html", error=error, email=form.get("email", ""), back=back), 422
    except access.TooManyTriesError:
        error = "Too many tries. Wait five minutes."
        return render_template("staff/sign_in.html", error=error, email=form.get("email", ""), back=back), 429
    response = see_other(back)
    response.set_cookie(
        STAFF_COOKIE,
        token,
        max_age=int(access.SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="Strict",
        secure=shop.settings.is_secure,
        path="/staff",
    )
    return response


@bp.post("/sign-out")
def sign_out() -> AnyResponse:
    """End the session, here and in the database."""
    access.sign_out(db(), request.cookies.get(STAFF_COOKIE, ""))
    response = see_other("/staff/sign-in")
    response.delete_cookie(STAFF_COOKIE, path="/staff")
    return response


from shop.staff.views import catalogue, counter, money, orders, why  # noqa: E402, F401 - the pages join the blueprint
