"""What happens to data on its way: sent again, scanned twice, two contents under one id, corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from packtrace.domain.dates import HOUR, SECOND
from packtrace.domain.event import Correction, Event
from tests.domain.worlds_land import PLACES

if TYPE_CHECKING:
    from tests.domain.worlds import Chance

LATER = (0, SECOND, 2 * SECOND, 3 * SECOND, 10 * SECOND, 29 * SECOND, 31 * SECOND, HOUR, 23 * HOUR, 25 * HOUR)


def disturbed(chance: Chance, events: list[Event]) -> list[Event]:
    """``events`` with noise among them, in no order."""
    out = list(events)
    if chance.happens(25):
        out.append(chance.pick(events))
    if chance.happens(30):
        out.append(_again(chance, chance.pick(events)))
    if chance.happens(12):
        out.append(_conflicting(chance, chance.pick(events)))
    if chance.happens(25):
        for _ in range(chance.pick([1, 2])):
            out.append(_corrected(chance, out))
    return out


def _again(chance: Chance, event: Event) -> Event:
    """The same in other words: a new id, perhaps another moment, line or device."""
    again = msgspec.structs.replace(event, id=f"{event.id}-again", event_time=event.event_time + chance.pick(LATER), sequence=None)
    if chance.happens(30):
        again = msgspec.structs.replace(again, device=chance.pick(["", "d-1", "d-2", "d-3"]))
    if chance.happens(15):
        again = msgspec.structs.replace(again, line=chance.pick(["", "line-1", "line-2"]))
    return again


def _conflicting(chance: Chance, event: Event) -> Event:
    """Another content under the same id, or the same number of the same line."""
    changed: list[dict[str, object]] = [
        {"place": PLACES[chance.pick(["plant-2", "distributor", "pharmacy"])]},
        {"event_time": event.event_time + chance.pick(LATER)},
        {"lot": "M0"},
    ]
    other = msgspec.structs.replace(event, **chance.pick(changed))
    if event.sequence is not None and chance.happens(50):
        other = msgspec.structs.replace(other, id=f"{event.id}-other")
    return other


def _corrected(chance: Chance, events: list[Event]) -> Event:
    """An error declaration repeats the event it corrects."""
    wrong = chance.pick(events)
    named = (wrong.id, chance.pick(events).id) if chance.happens(20) else (wrong.id,)
    reason = chance.pick(["did_not_occur", "incorrect_data"])
    own_id = wrong.id if chance.happens(15) else f"{wrong.id}-wrong"
    return msgspec.structs.replace(wrong, id=own_id, correction=Correction(reason, named if own_id != wrong.id else ()))
