"""Thousands of short histories: whatever dies, sleeps, repeats, goes away or comes back older, the end is what the log says.

``make simulation`` plays more of them than ``make test`` does (the variable HISTORIES).
"""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings

from tests.simulation.plan import Action, plans
from tests.simulation.plant import Plant
from tests.simulation.truth import assert_holds, clean, standing, state

HISTORIES = int(os.environ.get("HISTORIES", "100"))


@pytest.mark.timeout(3600)
@settings(max_examples=HISTORIES)
@given(plans())
def test_whatever_fails_the_end_is_what_the_log_says(plan: list[Action]) -> None:
    plant = Plant()
    plant.run(plan)
    plant.settle()
    reading = assert_holds(plant)
    expected = clean(plant)
    assert state(reading) == state(expected)
    assert standing(reading) == standing(expected)
