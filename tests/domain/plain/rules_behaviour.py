"""Rules of behaviour (rules.md 5)."""

from __future__ import annotations

from packtrace.domain.dates import DAY, HOUR, MINUTE
from packtrace.domain.vocabulary import Kind
from tests.domain.plain.land import Side, kilometres
from tests.domain.plain.scene import Scene
from tests.domain.plain.step import SIGHTINGS


def impossible_travel(scene: Scene) -> bool:
    last, here = scene.state.sighting, scene.land.coordinates(scene.side)
    if scene.judged_kind not in SIGHTINGS or last is None or here is None:
        return False
    hours = abs(scene.time - last.time) / HOUR
    return kilometres(last.coordinates, here) > 900 * (hours + 0.5)


def both_synced(scene: Scene) -> bool:
    last = scene.state.sighting
    return last is not None and scene.land.synced(last.device) and scene.land.synced(scene.event.device)


def seen_in_many_places(scene: Scene) -> bool:
    if scene.kind not in (Kind.DISPENSE, Kind.VERIFY) or not scene.side.place:
        return False
    parties: list[Side] = []
    for side in [*(side for when, side in scene.state.visits if scene.time - when <= 30 * DAY), scene.side]:
        if all(scene.land.another(side, other) for other in parties):
            parties.append(side)
    return len(parties) >= 3


def verified_too_often(scene: Scene) -> bool:
    if scene.kind is not Kind.VERIFY:
        return False
    return 1 + sum(scene.time - when <= 24 * HOUR for when in scene.state.verifies) > 10


def future_event(scene: Scene) -> bool:
    return scene.time - scene.own.log_time > 5 * MINUTE
