"""Reports and their files over the API."""

import json

from flask import Response
from werkzeug.exceptions import NotFound

from integrations.sandbox.stripe import objects, reports
from integrations.sandbox.stripe.api.route import Route, listing, retrieving
from integrations.sandbox.stripe.errors import StripeError, missing, refused
from integrations.sandbox.stripe.form import NUMBER, TEXT, UNSIMULATED, need
from integrations.sandbox.stripe.lists import PAGING, envelope
from integrations.sandbox.stripe.store import Thing
from integrations.sandbox.stripe.wire import admit
from integrations.sandbox.stripe.world import World

FINISHED_AFTER = 1.0
RUN: Thing = {
    "parameters": {
        "columns": [TEXT],
        "connected_account": UNSIMULATED,
        "currency": TEXT,
        "interval_end": NUMBER,
        "interval_start": NUMBER,
        "payout": TEXT,
        "reporting_category": TEXT,
        "timezone": ("Etc/UTC",),
    },
    "report_type": TEXT,
}


def list_types(world: World, _asked: Thing) -> Thing:
    """List the reports there are."""
    types = [_type(world, type_id) for type_id in reports.TYPES]
    return envelope(types, has_more=False, url="/v1/reporting/report_types")


def retrieve_type(world: World, _asked: Thing, object_id: str) -> Thing:
    """Return one of the reports there are."""
    if object_id not in reports.TYPES:
        raise missing("reporting.report_type", object_id)
    return _type(world, object_id)


def _type(world: World, type_id: str) -> Thing:
    name, columns = reports.TYPES[type_id]
    return objects.report_type(type_id, name, columns, now=world.store.now())


def create_run(world: World, asked: Thing) -> Thing:
    """Ask for a report; it is finished about a second later."""
    need(asked, "report_type")
    retrieve_type(world, {}, asked["report_type"])
    parameters = asked.get("parameters") or {}
    need(parameters, "interval_start", "interval_end", above="parameters")
    if parameters["interval_start"] >= parameters["interval_end"]:
        raise refused("The interval must end after it starts.", "parameters[interval_end]")
    for column in parameters.get("columns") or []:
        if not reports.knows(asked["report_type"], column):
            raise refused(f"This report has no column {column}.", "parameters[columns]")
    run = world.store.add(objects.report_run(asked, now=world.store.now()))
    world.store.later("finish_report", run["id"], FINISHED_AFTER)
    return run


def contents(world: World, object_id: str) -> Response:
    """Return what is in a file: the one reply that is no JSON."""
    try:
        admit()
    except StripeError as error:
        return Response(json.dumps(error.body), error.status, mimetype="application/json")
    file = world.store.find(object_id, "file")
    if file is None:
        raise NotFound
    return Response(file["_text"], mimetype="text/csv")


ROUTES = (
    Route("GET", "/reporting/report_types", {}, list_types),
    Route("GET", "/reporting/report_types/<object_id>", {}, retrieve_type),
    Route("POST", "/reporting/report_runs", RUN, create_run),
    Route("GET", "/reporting/report_runs", PAGING, listing("reporting.report_run")),
    Route("GET", "/reporting/report_runs/<object_id>", {}, retrieving("reporting.report_run")),
    Route("GET", "/files", {**PAGING, "purpose": TEXT}, listing("file", "purpose")),
    Route("GET", "/files/<object_id>", {}, retrieving("file")),
)
