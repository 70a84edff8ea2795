"""The small worlds are worth judging: every rule finds something in them, and they can be made smaller."""

from __future__ import annotations

from collections import Counter
from typing import Final

from hypothesis import find, settings

from packtrace.domain.rules.codes import CODES
from packtrace.domain.vocabulary import Kind, Life
from tests.domain import plain
from tests.domain.plain.kinds import kind_of
from tests.domain.plain.repeats import roles
from tests.domain.worlds import SmallWorld, smallest, world, worlds
from tests.domain.worlds_land import REFERENCE

SEEDS: Final = 2_000
STANDS_AT_LEAST: Final = 5
"""Worlds of 2,000 in which the rarest rule stands; 4 worlds less would be chance."""

NEVER_WITHIN_THE_WINDOW: Final = {"late-beyond-window"}


def judged(small: SmallWorld) -> plain.World:
    return plain.run(small.entries, small.until, REFERENCE)


def test_every_rule_and_every_kind_comes_up_often_enough() -> None:
    found: Counter[str] = Counter()
    kinds: Counter[Kind] = Counter()
    exchanged = 0
    for seed in range(SEEDS):
        small = world(seed)
        end = judged(small)
        found.update({alert.rule for alert in end.alerts.values()})
        exchanged += bool(end.exchanged)
        kinds.update({kind_of(event, role) for event in small.events for role, _ in roles(event)})
    rare = {code: found[code] for code in CODES if found[code] < STANDS_AT_LEAST and code not in NEVER_WITHIN_THE_WINDOW}
    assert not rare, f"these rules stand in fewer than {STANDS_AT_LEAST} of {SEEDS} worlds: {rare}"
    assert not {kind: kinds[kind] for kind in Kind if kinds[kind] < 20}
    assert exchanged > 20
    assert not NEVER_WITHIN_THE_WINDOW & found.keys()


def test_hypothesis_finds_a_small_world() -> None:
    small = find(
        worlds(), lambda w: any(a.rule == "unknown-product" for a in judged(w).alerts.values()), settings=settings(max_examples=2_000)
    )
    assert len(small.events) == 1, str(small)


def test_a_world_is_made_smaller_while_it_shows_the_same() -> None:
    def shows(small: SmallWorld) -> bool:
        return bool(small.events) and any(item.life is Life.INACTIVE for item in judged(small).items.values())

    found = next(small for seed in range(SEEDS) if len((small := world(seed)).events) > 10 and shows(small))
    assert len(smallest(found, shows).events) == 1
