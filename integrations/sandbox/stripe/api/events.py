"""Events and webhook endpoints over the API."""

import json
from typing import Any

from integrations.sandbox.stripe import webhooks
from integrations.sandbox.stripe.api.route import META, Route, get, listing, retrieving
from integrations.sandbox.stripe.form import MAP, SWITCH, TEXT, need
from integrations.sandbox.stripe.lists import PAGING, page
from integrations.sandbox.stripe.objects import API_VERSION
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World


def retrieve_event(world: World, _asked: Thing, object_id: str) -> Thing:
    """Return an event with the number of deliveries still owed."""
    return webhooks.counted(world, get(world, "event", object_id))


def list_events(world: World, asked: Thing) -> Thing:
    """List events; `delivery_success=false` finds those that some endpoint has not accepted."""
    conditions: list[tuple[str, Any]] = []
    kinds = asked.get("types") or ([asked["type"]] if "type" in asked else [])
    if kinds:
        conditions.append(_any_of(kinds))
    if "delivery_success" in asked:
        owed = "id IN (SELECT event_id FROM deliveries WHERE status != 'delivered')"
        conditions.append((f"({owed}) = NOT ?", asked["delivery_success"]))
    found = page(world, "event", asked, conditions)
    return {**found, "data": [webhooks.counted(world, one) for one in found["data"]]}


def _any_of(kinds: list[str]) -> tuple[str, str]:
    wish = json.dumps(kinds)
    if "*" in wish:
        return "EXISTS (SELECT 1 FROM json_each(?) WHERE objects.type GLOB value)", wish
    return "type IN (SELECT value FROM json_each(?))", wish


ENDPOINT: Thing = {
    "api_version": (API_VERSION,),
    "connect": SWITCH,
    "description": TEXT,
    "enabled_events": [TEXT],
    "metadata": MAP,
    "url": TEXT,
}


def create_endpoint(world: World, asked: Thing) -> Thing:
    """Register a webhook endpoint; its secret is shown only now."""
    need(asked, "enabled_events", "url")
    endpoint = webhooks.register(world, asked)
    return {**endpoint, "secret": endpoint["_secret"]}


def update_endpoint(world: World, asked: Thing, object_id: str) -> Thing:
    """Change an endpoint."""
    endpoint = get(world, "webhook_endpoint", object_id)
    changes: Thing = {key: asked[key] for key in ("description", "enabled_events", "metadata", "url") if key in asked}
    if "disabled" in asked:
        changes["status"] = "disabled" if asked["disabled"] else "enabled"
    return world.store.save(endpoint, **changes)


def delete_endpoint(world: World, _asked: Thing, object_id: str) -> Thing:
    """Forget an endpoint."""
    get(world, "webhook_endpoint", object_id)
    webhooks.forget(world, object_id)
    return {"id": object_id, "object": "webhook_endpoint", "deleted": True}


ROUTES = (
    Route("GET", "/events", {**PAGING, "delivery_success": SWITCH, "type": TEXT, "types": [TEXT]}, list_events),
    Route("GET", "/events/<object_id>", {}, retrieve_event),
    Route("POST", "/webhook_endpoints", ENDPOINT, create_endpoint),
    Route("GET", "/webhook_endpoints", PAGING, listing("webhook_endpoint")),
    Route("GET", "/webhook_endpoints/<object_id>", {}, retrieving("webhook_endpoint")),
    Route(
        "POST",
        "/webhook_endpoints/<object_id>",
        {"description": TEXT, "disabled": SWITCH, "enabled_events": [TEXT], "url": TEXT, **META},
        update_endpoint,
    ),
    Route("DELETE", "/webhook_endpoints/<object_id>", {}, delete_endpoint),
)
