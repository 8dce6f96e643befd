"""Expansion of fields, and lists by the page."""

from typing import Any

from flask import request

from integrations.sandbox.stripe.errors import refused
from integrations.sandbox.stripe.form import NUMBER, RANGE, TEXT
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.world import World, public

DEEPEST_EXPANSION = 4
LARGEST_PAGE = 100

_INCLUDED = {("checkout.session", "line_items"), ("charge", "refunds")}
"""Fields that exist only when expanded, as (object, field)."""


def expand(world: World, shown: Thing, path: str) -> None:
    """Replace the ids along a dotted path such as `payment_intent.latest_charge` by the objects they name."""
    words = path.split(".")
    if len(words) > DEEPEST_EXPANSION:
        raise refused(f"You cannot expand more than {DEEPEST_EXPANSION} levels of a property.", "expand")
    _expand(world, shown, words, path)


def _expand(world: World, place: Any, words: list[str], path: str) -> None:
    if isinstance(place, list):
        for one in place:
            _expand(world, one, words, path)
    elif words and isinstance(place, dict):
        word, *rest = words
        place[word] = _opened(world, place, word, path)
        _expand(world, place[word], rest, path)


def _opened(world: World, place: Thing, word: str, path: str) -> Any:
    if (place.get("object"), word) in _INCLUDED:
        return _included(world, place, word)
    if word not in place:
        raise refused(f"This property cannot be expanded ({path}).", "expand")
    value = place[word]
    if isinstance(value, list):
        return [_object(world, one) for one in value]
    return _object(world, value)


def _object(world: World, value: Any) -> Any:
    found = world.store.find(value) if isinstance(value, str) else None
    return public(found) if found else value


def _included(world: World, place: Thing, word: str) -> Thing:
    if word == "refunds":
        found = world.store.all("refund", charge=place["id"])
        return envelope(found, has_more=False, url=f"/v1/charges/{place['id']}/refunds")
    whole = world.store.find(place["id"]) or {"_lines": []}
    url = f"/v1/checkout/sessions/{place['id']}/line_items"
    return envelope([public(line) for line in whole["_lines"]], has_more=False, url=url)


# --- lists


def envelope(things: list[Thing], *, has_more: bool, url: str) -> Thing:
    """Return Stripe's list object."""
    return {"object": "list", "data": [public(one) for one in things], "has_more": has_more, "url": url}


PAGING: Thing = {"limit": NUMBER, "starting_after": TEXT, "ending_before": TEXT, "created": RANGE}


def page(world: World, kind: str, asked: Thing, conditions: list[tuple[str, Any]]) -> Thing:
    """Return one page of a list, newest first, of the objects that meet the conditions."""
    limit = asked.get("limit", 10)
    if not 1 <= limit <= LARGEST_PAGE:
        raise refused(f"Invalid limit: must be between 1 and {LARGEST_PAGE}", "limit", "parameter_invalid_integer")
    dates = [(name, bound) for name in ("created", "arrival_date") for bound in asked.get(name) or []]
    conditions = conditions + [(f"{name} {sign} ?", second) for name, (sign, second) in dates]
    backwards = "ending_before" in asked
    conditions += _cursor(world, kind, asked)
    found = world.store.select(kind, conditions, limit=limit + 1, oldest_first=backwards)
    shown = found[:limit][::-1] if backwards else found[:limit]
    return envelope(shown, has_more=len(found) > limit, url=request.path)


def _cursor(world: World, kind: str, asked: Thing) -> list[tuple[str, Any]]:
    cursors = [(name, sign) for name, sign in (("starting_after", "<"), ("ending_before", ">")) if name in asked]
    for name, _ in cursors:
        if world.store.find(asked[name], kind) is None:
            raise refused(f"No such {kind}: '{asked[name]}'", name, "resource_missing")
    return [(f"seq {sign} ?", world.store.position(asked[name])) for name, sign in cursors]
