"""The reference file holds everything the stream names, and nothing is within reach of a rule that it does not mean to break."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

import msgspec
import pytest

from packtrace.simulator import world
from packtrace.simulator.messages import raw_event
from packtrace.simulator.recipe import Recipe
from packtrace.simulator.stream import Stream


def test_the_stream_names_nothing_that_the_reference_file_lacks() -> None:
    known = msgspec.json.decode(world.reference_file(world.demo_site(lines=5)))
    products = {product["gtin"] for product in known["products"]}
    lots = {(lot["gtin"], lot["lot"]): lot["expiry"] for lot in known["lots"]}
    places = {location["gln"]: location["party"] for location in known["locations"]}
    devices = {device["id"]: device["location"] for device in known["devices"]}
    lines = {line["id"] for line in known["lines"]}
    operators = {operator["id"] for operator in known["operators"]}
    for event in map(raw_event, Stream(Recipe(seed=1, lines=5, units=400, units_per_batch=20), 1_795_000_000_000_000)):
        assert places[event.place] == event.party
        assert not event.line or event.line in lines
        assert not event.operator or event.operator in operators
        assert not event.device or devices[event.device] == event.place
        assert not event.destination_place or places[event.destination_place] == event.destination_party
        for epc in event.epcs:
            if "/01/" in epc:
                gtin = epc.split("/01/")[1][:14]
                assert gtin in products
                if event.lot:
                    assert lots[gtin, event.lot][:7] == event.expiry[:7]
                    assert lots[gtin, event.lot] in (event.expiry, event.expiry[:8] + "00")


def test_some_lots_are_registered_by_month_only() -> None:
    assert any(lot.expiry.endswith("-00") for lot in world.demo_site().lots)


def test_no_two_places_are_too_far_for_a_minute() -> None:
    places = world.demo_site().locations
    for one in places:
        for other in places:
            a, b = (radians(one.latitude), radians(one.longitude)), (radians(other.latitude), radians(other.longitude))
            h = sin((b[0] - a[0]) / 2) ** 2 + cos(a[0]) * cos(b[0]) * sin((b[1] - a[1]) / 2) ** 2
            assert 2 * 6371 * asin(sqrt(h)) < 450


def test_full_cases_hold_what_the_product_says() -> None:
    counts = {product.contains.count for product in world.demo_site(units_per_case=48).products if product.contains}
    assert counts == {48}


@pytest.mark.parametrize("lines", [0, 65])
def test_too_many_lines_are_refused(lines: int) -> None:
    with pytest.raises(ValueError, match="lines"):
        world.demo_site(lines)
