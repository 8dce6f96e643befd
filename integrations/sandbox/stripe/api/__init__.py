"""The API: which paths exist, which parameters each takes, and what it does."""

from functools import partial

from flask import Blueprint, Response

from integrations.sandbox.stripe.api import events, intents, ledger, pages, payers, products, reports, sessions
from integrations.sandbox.stripe.api.route import Route
from integrations.sandbox.stripe.wire import answer
from integrations.sandbox.stripe.world import World

ROOMS = (sessions, intents, payers, ledger, events, reports, products, pages)
ROUTES = tuple(route for room in ROOMS for route in room.ROUTES)


def blueprint(world: World) -> Blueprint:
    """Return the API as a Flask blueprint."""
    api = Blueprint("api", __name__, url_prefix="/v1")
    for number, route in enumerate(ROUTES):
        view = partial(_view, world, route)
        api.add_url_rule(route.path, f"{number}", view, methods=[route.method])
    api.add_url_rule("/files/<object_id>/contents", "contents", partial(reports.contents, world))
    return api


def _view(world: World, route: Route, **ids: str) -> Response:
    return answer(world, route.work, route.spec, ids)
