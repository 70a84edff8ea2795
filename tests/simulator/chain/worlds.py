"""Small worlds for tests."""

from __future__ import annotations

from typing import Any

from packtrace.simulator.chain.faults import FAULTS, NEED_LOG_TIME
from packtrace.simulator.chain.recipe import Recipe
from packtrace.simulator.chain.world import World
from packtrace.simulator.score import Score, score

END = 1_795_305_600_000_000
"""2026-11-22T00:00:00Z."""

ALL = {rule: len(stories) for rule, stories in FAULTS.items() if rule not in NEED_LOG_TIME}


def world(seed: int, **changes: Any) -> World:
    """A world of few units."""
    given: dict[str, Any] = {"seed": seed, "end": END, "units": 300, "lines": 4} | changes
    return World(Recipe(**given), grace_seconds=60)


def scored(made: World, told: list[dict[str, Any]]) -> Score:
    """The labels of a world against all alerts of a domain that was told nothing else."""
    return score([made.truth], told, whole_system=True)
