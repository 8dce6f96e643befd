"""Events, endpoints, and the account."""

from integrations.sandbox.stripe.objects.common import nulls
from integrations.sandbox.stripe.store import Thing, new_id

API_VERSION = "2026-10-28.endive"


def event(kind: str, snapshot: Thing, request: Thing | None, *, now: int) -> Thing:
    """Return the event that says what just happened to an object; `snapshot` is the object as it is now."""
    return {
        "id": new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": now,
        "data": {"object": snapshot},
        "livemode": False,
        "pending_webhooks": 0,
        "request": request or {"id": None, "idempotency_key": None},
        "type": kind,
    }


def webhook_endpoint(asked: Thing, secret: str, *, now: int) -> Thing:
    """Return a webhook endpoint; its secret is kept as the sandbox's own note."""
    return {
        "id": new_id("we"),
        "object": "webhook_endpoint",
        "api_version": asked.get("api_version"),
        "application": None,
        "created": now,
        "description": asked.get("description"),
        "enabled_events": asked["enabled_events"],
        "livemode": False,
        "metadata": asked.get("metadata") or {},
        "status": "enabled",
        "url": asked["url"],
        "_secret": secret,
    }


def account() -> Thing:
    """Return the one account there is."""
    return {
        "id": "acct_sandbox",
        "object": "account",
        "business_type": "company",
        "charges_enabled": True,
        "country": "GB",
        "default_currency": "gbp",
        "details_submitted": True,
        "email": "sandbox@example.com",
        "payouts_enabled": True,
        "settings": {
            "branding": nulls("icon logo primary_color secondary_color"),
            "card_payments": {
                **nulls(
                    "statement_descriptor_prefix statement_descriptor_prefix_kana statement_descriptor_prefix_kanji"
                ),
                "decline_on": {"avs_failure": False, "cvc_failure": False},
            },
            "payments": nulls("statement_descriptor statement_descriptor_kana statement_descriptor_kanji"),
            "dashboard": {"display_name": "Frontlist sandbox", "timezone": "Europe/London"},
        },
        "type": "standard",
    }
