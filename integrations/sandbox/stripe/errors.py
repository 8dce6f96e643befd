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


class DeclinedError(StripeError):
    """A refusal by a bank: unlike other refusals it leaves something behind, and its reply is kept for its key.

    Args:
        error: the intent's `last_payment_error` or `last_setup_error`.
        name: `payment_intent` or `setup_intent`.
        intent: that intent, as the world may see it.
    """

    def __init__(self, error: dict[str, Any], name: str, intent: dict[str, Any]) -> None:
        about = {key: value for key, value in error.items() if key not in {"message", "type"}}
        super().__init__(402, error["message"], kind="card_error", **about, **{name: intent})
