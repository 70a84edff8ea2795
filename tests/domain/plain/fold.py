"""One item folded over its own events: their order, what others know of it, what is concluded (rules.md 4.1, 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from packtrace.domain.dates import SECOND
from tests.domain.plain import rules
from tests.domain.plain.land import Land, Side
from tests.domain.plain.repeats import Key, Own
from tests.domain.plain.scene import Scene
from tests.domain.plain.state import State
from tests.domain.plain.step import applied, custody_on_leaving, leave
from tests.domain.plain.view import LAST, Timeline, View, published

EXCHANGES_MAX = 400
"""More than any small world needs."""


class Emptied(NamedTuple):
    """A container was emptied without naming what was in it."""

    key: Key
    container: str
    side: Side


class Breach(NamedTuple):
    rule: str
    scene: Scene


class Folded(NamedTuple):
    timeline: Timeline
    state: State
    breaches: list[Breach]
    broken: set[str]
    """Every rule that held at some event, silenced or not."""
    order: list[Key]
    """The events as they were judged."""


class Walk:
    """A state on its way through events; ``told`` counts the emptyings it has read."""

    def __init__(self, view: View, land: Land, emptied: Sequence[Emptied]) -> None:
        self.view, self.land, self.emptied = view, land, emptied

    def until(self, item: str, state: State, told: int, key: Key) -> tuple[State, int, list[tuple[Key, State]]]:
        """``state`` when all emptyings before ``key`` have been read."""
        moments = []
        while told < len(self.emptied) and self.emptied[told].key < key:
            fact = self.emptied[told]
            told += 1
            if state.parent == fact.container:
                state = state.copy()
                chain = self.view.chain(item, fact.container, fact.key)
                leave(state, custody_on_leaving(self.view, self.land, chain, fact.side, fact.key))
                moments.append((fact.key, state))
        return state, told, moments

    def step(self, own: Own, state: State, told: int) -> tuple[State, int, Scene, set[str], list[tuple[Key, State]]]:
        state, told, moments = self.until(own.item, state, told, own.key)
        scene = Scene(own, state, self.view, self.land)
        broken = rules.broken(scene)
        after = applied(scene, broken)
        return after, told, scene, broken, [*moments, (own.key, after)]


def fold(item: str, owns: Sequence[Own], emptied: Sequence[Emptied], view: View, land: Land) -> Folded:
    walk = Walk(view, land, emptied)
    state, told = State(), 0
    moments: list[tuple[Key, State]] = []
    breaches: list[Breach] = []
    held: set[str] = set()
    for own in owns:
        state, told, scene, broken, steps = walk.step(own, state, told)
        moments += steps
        held |= broken
        breaches += [Breach(code, scene) for code in sorted(rules.unsilenced(broken))]
    state, _, steps = walk.until(item, state, told, LAST)
    return Folded(published(moments + steps), state, breaches, held, [own.key for own in owns])


def _has_no_order(one: Own, other: Own) -> bool:
    apart = abs(other.time - one.time)
    devices = bool(one.event.device and other.event.device) and one.event.device != other.event.device
    later = max(one, other, key=lambda own: own.log_time)
    return apart == 0 or (devices and apart <= later.policy.order_tolerance_seconds * SECOND)


def exchanged(owns: Sequence[Own], emptied: Sequence[Emptied], land: Land) -> list[Own]:
    """``owns``, neighbours exchanged where that removes a breach of one of the two and adds none: by its own events alone."""
    order = list(owns)
    walk = Walk(View(is_blind=True), land, emptied)
    for _ in range(EXCHANGES_MAX):
        if not _exchange_the_earliest(order, walk):
            return order
    raise AssertionError(f"neighbours are exchanged for ever: {[own.key for own in order]}")


def _exchange_the_earliest(order: list[Own], walk: Walk) -> bool:
    if not any(_has_no_order(one, other) for one, other in pairwise(order)):
        return False
    state, told = State(), 0
    for n, (one, other) in enumerate(pairwise(order)):
        if _has_no_order(one, other):
            now = _breaches((one, other), state, told, walk)
            if now and _breaches((other, one), state, told, walk) < now:
                order[n], order[n + 1] = other, one
                return True
        state, told, *_ = walk.step(one, state, told)
    return False


def _breaches(pair: tuple[Own, Own], state: State, told: int, walk: Walk) -> set[tuple[str, str]]:
    found = set()
    for own in pair:
        state, told, scene, broken, _ = walk.step(own, state, told)
        counted = rules.COUNT_IN_EXCHANGE if scene.state.parent else rules.COUNT_IN_EXCHANGE | rules.COUNT_FOR_A_ROOT
        found |= {(code, own.event.id) for code in rules.unsilenced(broken) & counted}
    return found
