"""Small worlds for tests, and what may be said of them by a domain that has only some of the rules."""

from __future__ import annotations

from typing import Any

from packtrace.codec.identifiers import digital_link, parse_item
from packtrace.domain.rules import BY_CODE
from packtrace.simulator.chain.faults import FAULTS, NEED_LOG_TIME
from packtrace.simulator.chain.recipe import Recipe
from packtrace.simulator.chain.world import World
from packtrace.simulator.score import Score, score
from packtrace.simulator.truth import Truth

END = 1_795_305_600_000_000
"""2026-11-22T00:00:00Z."""

ALL = {rule: len(stories) for rule, stories in FAULTS.items() if rule not in NEED_LOG_TIME}


def world(seed: int, **changes: Any) -> World:
    """A world of few units."""
    given: dict[str, Any] = {"seed": seed, "end": END, "units": 300, "lines": 4} | changes
    return World(Recipe(**given), grace_seconds=60)


def scored(made: World, told: list[dict[str, Any]]) -> Score:
    """The labels of rules that the domain has, against its alerts."""
    known = tuple(label for label in made.truth.planted if label.rule in BY_CODE)
    return score([Truth(made.truth.run, known)], [alert for alert in told if _can_be_said(made, alert)], whole_system=True)


def _can_be_said(made: World, alert: dict[str, Any]) -> bool:
    """Not before the domain knows how an item becomes active again, and when the use of an SSCC ends."""
    if alert["rule"] == "inactive-again" and "undo-elsewhere" not in BY_CODE:
        reactivated = (epc for one in made.messages if "reactivating" in one.template.biz_step for epc in one.epcs)
        return alert["epc"] not in map(digital_link, map(parse_item, reactivated))
    return alert["rule"] != "duplicate-commissioning" or "/00/" not in alert["epc"] or "sscc-reused" in BY_CODE
