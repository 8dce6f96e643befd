"""Product safety: print is posted into Northern Ireland only when somebody answers for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from shop.catalogue.models import Edition, RightsSet
from tests.makers import HARDBACK, READER, Scene

if TYPE_CHECKING:
    from shop.settings import Settings


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Those of a shop that names nobody for all its books."""
    return replace(settings, product_safety_contact="")


@pytest.mark.parametrize(
    ("postcode", "answered", "taken"),
    [("BT1 5GS", False, False), ("bt1 5gs", False, False), ("BT1 5GS", True, True), ("EC1A 1BB", False, True)],
)
def test_print_goes_to_northern_ireland_only_when_somebody_answers_for_its_safety(
    scene: Scene, postcode: str, *, answered: bool, taken: bool
) -> None:
    with scene.shop.db.writing() as session:
        session.execute(update(RightsSet).values(countries="GB US"))
        contacts = [{"name": "Example Press", "email": None, "address": None}] if answered else []
        session.execute(update(Edition).values(safety_contacts=contacts))
    scene.live_in("GB")
    scene.fill_basket(HARDBACK)
    form = {**READER, "postcode": postcode, "checkout_key": "ni"}
    answer = scene.post("/checkout", **form)
    assert answer.status_code == (303 if taken else 422)
    assert ("cannot post Exit Stalin to Northern Ireland" in answer.text) is not taken
