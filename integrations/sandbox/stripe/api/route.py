"""One call of the API, and the works that many calls share."""

from typing import NamedTuple

from integrations.sandbox.stripe.errors import missing
from integrations.sandbox.stripe.form import MAP, TEXT
from integrations.sandbox.stripe.lists import PAGING, page
from integrations.sandbox.stripe.store import Thing, equals
from integrations.sandbox.stripe.wire import Work
from integrations.sandbox.stripe.world import World

META: Thing = {"metadata": MAP}
BY_INTENT: Thing = {**PAGING, "payment_intent": TEXT}
ADDRESS: Thing = {"city": TEXT, "country": TEXT, "line1": TEXT, "line2": TEXT, "postal_code": TEXT, "state": TEXT}
SHIPPING: Thing = {"address": ADDRESS, "carrier": TEXT, "name": TEXT, "phone": TEXT, "tracking_number": TEXT}


class Route(NamedTuple):
    """One call of the API; `spec` names its parameters, see `form.check`."""

    method: str
    path: str
    spec: Thing
    work: Work


def retrieving(kind: str) -> Work:
    """Return the work that retrieves an object of a kind by its id."""

    def retrieve(world: World, _asked: Thing, object_id: str) -> Thing:
        return get(world, kind, object_id)

    return retrieve


def listing(kind: str, *filters: str) -> Work:
    """Return the work that lists a kind, filtered by equal columns."""

    def list_page(world: World, asked: Thing) -> Thing:
        return page(world, kind, asked, [(equals(name), asked[name]) for name in filters if name in asked])

    return list_page


def updating(kind: str, *events: str) -> Work:
    """Return the work that changes an object's metadata and whatever else its route lets through."""

    def update(world: World, asked: Thing, object_id: str) -> Thing:
        thing = get(world, kind, object_id)
        world.store.save(thing, **{name: value for name, value in asked.items() if name not in {"expand", "metadata"}})
        world.store.save(thing, metadata=merged(thing["metadata"], asked.get("metadata", {})))
        for event in events:
            world.emit(event, thing)
        return thing

    return update


def merged(kept: Thing, told: Thing) -> Thing:
    """Return metadata with what was told; an empty word takes its key away."""
    return {key: value for key, value in {**kept, **told}.items() if value}


def get(world: World, kind: str, object_id: str, param: str = "id") -> Thing:
    """Return an object, or raise Stripe's 404."""
    thing = world.store.find(object_id, kind)
    if thing is None:
        raise missing(kind, object_id, param)
    return thing
