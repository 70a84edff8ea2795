"""Behaviour: what no single event shows, and clocks that cannot be right."""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

from packtrace.domain.alert import Evidence
from packtrace.domain.dates import HOUR, MINUTE, time_text
from packtrace.domain.place import Side, another_party
from packtrace.domain.rules.rule import ANY, EVERY, Cause, Rule, kinds, outside
from packtrace.domain.state import State
from packtrace.domain.step import Step
from packtrace.domain.trail import SIGHTINGS, coordinates, seen_until, verified_until
from packtrace.domain.vocabulary import Kind, Severity

KM_PER_HOUR_MAX = 900
GRACE_HOURS = 0.5
EARTH_RADIUS_KM = 6371
PARTIES_MAX = 3
VERIFIES_MAX = 10
AHEAD_MAX = 5 * MINUTE
"""How far a clock may run ahead of the log, microseconds."""


def ahead(state: State, step: Step) -> Evidence | None:
    """The event says it happened more than five minutes after the log took it."""
    event = step.event
    if event.time - event.log_time <= AHEAD_MAX:
        return None
    return Evidence(expected=f"at most 5 minutes after {time_text(event.log_time)}", found=time_text(event.time))


def too_fast(state: State, step: Step) -> Evidence | None:
    """Nothing travels as fast as from the item's last sighting to this one."""
    if state.sighted is None:
        return None
    time, place, device = state.sighted
    if place == step.side.place and time <= step.event.time:
        return None
    here = coordinates(step.side, step.reference)
    there = coordinates(Side(place), step.reference)
    if here is None or there is None:
        return None
    km = distance_km(there, here)
    hours = (step.event.time - time) / HOUR
    if km <= KM_PER_HOUR_MAX * (hours + GRACE_HOURS):
        return None
    clocks = [step.reference.device(id) for id in (device, step.context.device)]
    synced = all(known is not None and known.clock == "synced" for known in clocks)
    return Evidence(
        expected=f"at most {KM_PER_HOUR_MAX} km/h",
        found=f"{km:.0f} km in {max(hours, 0) * 60:.0f} minutes, from {place} to {step.side.place}",
        events=(state.sighted_id,),
        severity=None if synced else Severity.MEDIUM,
    )


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great circle between two (latitude, longitude) in degrees.

    >>> round(distance_km((47.37, 8.54), (52.52, 13.40)))
    670
    """
    lat_1, lon_1, lat_2, lon_2 = map(radians, (*one, *other))
    half = sin((lat_2 - lat_1) / 2) ** 2 + cos(lat_1) * cos(lat_2) * sin((lon_2 - lon_1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(half)))


def many_places(state: State, step: Step) -> Evidence | None:
    """Dispensed or verified at places of three parties within thirty days."""
    if not step.side.place:
        return None
    sides = [Side(*moment[1:]) for moment in seen_until(state, step.event.time)] + [step.side]
    apart: list[Side] = []
    for side in sides:
        if all(another_party(side, other, step.reference) for other in apart):
            apart.append(side)
    if len(apart) < PARTIES_MAX:
        return None
    return Evidence(expected=f"fewer than {PARTIES_MAX} parties in 30 days", found=", ".join(side.place for side in apart))


def verified_often(state: State, step: Step) -> Evidence | None:
    """More than ten verifies in a day."""
    count = len(verified_until(state, step.event.time)) + 1
    return Evidence(expected=f"at most {VERIFIES_MAX} in 24 hours", found=f"{count}") if count > VERIFIES_MAX else None


_SEEN = kinds(Kind.DISPENSE, Kind.VERIFY)
_VERIFY = kinds(Kind.VERIFY)

# fmt: off
BEHAVIOUR: tuple[Rule, ...] = (
    #    code                 kinds  roles  severity      cause        grace_s  decide   explained by                         source
    Rule("impossible-travel",    SIGHTINGS, ANY, Severity.CRITICAL, Cause.EVENT, 600, too_fast, "the clock or the place of a device", "R50"),
    Rule("seen-in-many-places",  _SEEN,  ANY,  Severity.CRITICAL, Cause.ITEM, 600,  many_places, "a ship or receive between",       "R51"),
    Rule("verified-too-often",   _VERIFY, ANY, Severity.MEDIUM, Cause.ITEM,  0,     verified_often, "a system that asks again and again", "R52"),
    Rule("future-event",       EVERY, ANY,   Severity.LOW, Cause.EVENT, 0,       ahead,   "the clock of the device",           "R58"),
    Rule("late-beyond-window", EVERY, ANY,   Severity.LOW, Cause.EVENT, 0,       outside, "an upload after the window closed", "rules.md 4.7"),
)
# fmt: on
