"""Answers other than 200."""

from typing import Any


class StripeError(Exception):
    """An answer other than 200, in Stripe's envelope."""

    def __init__(self, status: int, message: str, *, kind: str = "invalid_request_error", **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, **extra}}


def missing(kind: str, object_id: str, param: str = "id") -> StripeError:
    """Return the answer for an id that is not there."""
    noun = {"checkout.session": "checkout.session", "event": "notification"}.get(kind, kind)
    return StripeError(404, f"No such {noun}: '{object_id}'", code="resource_missing", param=param)


def refused(message: str, param: str | None = None, code: str | None = None) -> StripeError:
    """Return the answer for a request that cannot be done as asked."""
    extra = {key: value for key, value in (("param", param), ("code", code)) if value}
    return StripeError(400, message, **extra)
