"""Small worlds by chance: a few items, a few sources, everything that rules.md speaks of, close enough together to collide.

A world is a list of entries in the order of the log. It is put together from *fragments* of ordinary life (make, pack, ship,
return, reuse), each of whose steps may go wrong, and then has things done to it that happen to data: sent again, scanned twice,
corrected, logged late. ``worlds()`` draws for Hypothesis, ``world(seed)`` is the same by seed, and ``smallest`` makes a world
that shows something smaller.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol, TypeVar

import msgspec
from hypothesis import strategies as st

from packtrace.domain.dates import DAY, HOUR, MINUTE, SECOND, time_text
from packtrace.domain.event import Event
from tests.domain import worlds_land as land
from tests.domain.plain import Changed, Logged
from tests.domain.worlds_events import Cast, Step, event_of, steps
from tests.domain.worlds_noise import disturbed

_T = TypeVar("_T")
Entry = Logged | Changed

UNTIL_AFTER: Final = 30 * HOUR
"""All graces have passed, ``data-no-product`` of one day too, and nothing has settled."""


class Chance(Protocol):
    """Where choices come from. The first option is the plainest: shrinking goes there."""

    def pick(self, options: Sequence[_T]) -> _T: ...
    def happens(self, percent: int) -> bool: ...


class Seeded:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def pick(self, options: Sequence[_T]) -> _T:
        return self._random.choice(options)

    def happens(self, percent: int) -> bool:
        return self._random.random() * 100 < percent


class Drawn:
    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def pick(self, options: Sequence[_T]) -> _T:
        return self._draw(st.sampled_from(options))

    def happens(self, percent: int) -> bool:
        return self._draw(st.integers(0, 99)) >= 100 - percent


class SmallWorld(NamedTuple):
    entries: list[Entry]
    until: int

    def __str__(self) -> str:
        return "\n".join(told(entry) for entry in self.entries)

    @property
    def events(self) -> list[Event]:
        return [entry.event for entry in self.entries if isinstance(entry, Logged)]


@st.composite
def worlds(draw: st.DrawFn) -> SmallWorld:
    return made(Drawn(draw))


def world(seed: int) -> SmallWorld:
    return made(Seeded(seed))


def made(chance: Chance) -> SmallWorld:
    cast = Cast(chance)
    events: list[Event] = []
    now = land.START
    for number, step in enumerate(steps(chance, cast)):
        now += step.gap
        events.append(event_of(chance, step, f"e{number}", now))
    events = disturbed(chance, events)
    return _logged(chance, events)


def _logged(chance: Chance, events: Sequence[Event]) -> SmallWorld:
    """The events in an order of arrival, reference data between them; no event is more than 20 minutes ahead of its log time."""
    last = max(event.event_time for event in events)
    log_time = last + chance.pick([MINUTE, MINUTE, 2 * SECOND, -10 * MINUTE])
    arriving = list(events)
    for n in range(len(arriving)):
        if chance.happens(12):
            m = chance.pick(range(len(arriving)))
            arriving[n], arriving[m] = arriving[m], arriving[n]
    entries: list[Entry] = []
    if changes := land.policy_before(chance):
        entries.append(Changed(log_time, changes))
    for event in arriving:
        log_time += chance.pick([SECOND, 0, 5 * MINUTE, 20 * MINUTE])
        if chance.happens(4):
            entries.append(Changed(log_time, land.change(chance)))
        entries.append(Logged(log_time, event))
    if chance.happens(6):
        entries.append(Changed(log_time, land.change(chance)))
    return SmallWorld(entries, log_time + UNTIL_AFTER)


def smallest(found: SmallWorld, shows: Callable[[SmallWorld], bool]) -> SmallWorld:
    """A world with less in it that still shows it; ``found`` shows it."""
    for _ in range(20):
        for smaller in _smaller(found):
            if shows(smaller):
                found = smaller
                break
        else:
            return found
    return found


def _smaller(found: SmallWorld) -> Iterator[SmallWorld]:
    """Worlds with one thing less, or one thing plainer. Several cuts are tried first, for they save the most."""
    entries = found.entries
    for size in (8, 4, 2, 1):
        for n in range(0, len(entries), size):
            yield found._replace(entries=entries[:n] + entries[n + size :])
    for n, entry in enumerate(entries):
        if isinstance(entry, Changed):
            continue
        for plainer in _plainer(entry.event):
            yield found._replace(entries=[*entries[:n], Logged(entry.log_time, plainer), *entries[n + 1 :]])


_PLAIN = Event("", type=land.OBJECT, event_time=0)
_OPTIONAL = ("lot", "expiry", "device", "line", "boot", "sequence", "party", "destination_party", "destination_place", "reason",
             "partial", "transactions", "zone_minutes", "read_point", "place")  # fmt: skip


def _plainer(event: Event) -> Iterator[Event]:
    for name in ("epcs", "children", "inputs", "outputs"):
        named = getattr(event, name)
        if len(named) > 1 or (named and name in ("inputs", "outputs")):
            for n in range(len(named)):
                yield msgspec.structs.replace(event, **{name: named[:n] + named[n + 1 :]})
    for name in _OPTIONAL:
        if getattr(event, name) != getattr(_PLAIN, name):
            yield msgspec.structs.replace(event, **{name: getattr(_PLAIN, name)})


def told(entry: Entry) -> str:
    """One line: log time, then what."""
    at = time_text(entry.log_time)[2:]
    if isinstance(entry, Changed):
        return f"{at}  load {'; '.join(f'{c.entity} {c.key} {c.value_json}' for c in entry.changes)}"
    event = entry.event
    words = [f"{name}={land.spoken(getattr(event, name))}" for name in _OPTIONAL if getattr(event, name) != getattr(_PLAIN, name)]
    if event.correction is not None:
        words.insert(0, f"CORRECTS {event.correction.events} {event.correction.reason}")
    items = " ".join(map(land.name, event.epcs))
    if event.parent:
        items = f"{' '.join(map(land.name, event.children))} {'<-' if event.action == 'DELETE' else '->'} {land.name(event.parent)}"
    if event.lots:
        items = f"{items} lots {' '.join(event.lots)}"
    if event.inputs or event.outputs:
        items = f"{' '.join(map(land.name, event.inputs))} => {' '.join(map(land.name, event.outputs))}"
    when = time_text(event.event_time)[2:]
    return f"{at}  {event.id} {when} {event.action or ''} {event.biz_step.split(':')[-1]} {event.disposition} {items} {' '.join(words)}"


__all__ = ["DAY", "Chance", "Entry", "SmallWorld", "Step", "made", "smallest", "told", "world", "worlds"]
