"""Each guarantee of ``test_properties`` is shown to fail: a fault is planted in the domain, and Hypothesis must find it.

A property that no fault breaks proves nothing. Every property has at least one row here, and a test holds the two files together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from packtrace.codec import packed_state, state
from packtrace.domain import fold, judge, receive, repeats, settle
from packtrace.domain.changes import alert_changes
from packtrace.domain.content import Content
from packtrace.domain.dates import DAY, HOUR
from packtrace.domain.item import Item
from packtrace.domain.judge import Judged
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.reference import Reference
from packtrace.domain.state import State
from packtrace.domain.told import FactKey, Telling, facts_changed
from packtrace.domain.vocabulary import Kind, Outcome
from tests.domain import test_properties
from tests.domain.test_properties import crowds, worlds

EXAMPLES_MAX: Final = 400
"""Worlds drawn at most; the same ones each time."""

Plant = Callable[[pytest.MonkeyPatch], None]


def every_event_is_the_next(patch: pytest.MonkeyPatch) -> None:
    """The fast path takes every event, also one that sorts before another."""
    patch.setattr(judge, "_sorts_last_alone", lambda *_: True)


def events_stay_as_they_came(patch: pytest.MonkeyPatch) -> None:
    """A late event is put last."""
    patch.setattr(judge, "insort", lambda window, event, key: window.append(event))


def equal_times_have_the_order_of_arrival(patch: pytest.MonkeyPatch) -> None:
    """Of two events of one time the one that was logged first counts first."""
    patch.setattr(judge, "window_key", lambda event: (event.time, event.log_time))


def a_repeat_is_not_known(patch: pytest.MonkeyPatch) -> None:
    """The same event is kept once more each time it comes."""
    patch.setattr(judge, "_exact_repeat", lambda *_: None)


def the_last_delivery_counts(patch: pytest.MonkeyPatch) -> None:
    """A repeat counts from when it came last, so that what settles depends on it."""
    apply = judge.apply_event

    def applied(item: Item, event: OwnEvent, reference: Reference, clock: int) -> Judged:
        for n, other in enumerate(item.window):
            if other.id == event.id and other.mark == event.mark and other.log_time < event.log_time:
                item.window[n] = event
                item.row_bytes = []
        return apply(item, event, reference, clock)

    patch.setattr(judge, "apply_event", applied)


def holds_are_not_packed(patch: pytest.MonkeyPatch) -> None:
    """A field is left out of the packing."""
    pack_rare = packed_state._pack_rare

    def without_holds(now: State) -> tuple[int, bytes]:
        other = now.copy()
        other.holds = ()
        return pack_rare(other)

    patch.setattr(packed_state, "_pack_rare", without_holds)


def what_others_told_is_not_packed(patch: pytest.MonkeyPatch) -> None:
    """Answers of other items are forgotten between two steps."""
    patch.setattr(state, "_pack_told", lambda told: (0).to_bytes(2, "big"))


def the_memory_of_alerts_is_not_packed(patch: pytest.MonkeyPatch) -> None:
    """What has been raised is forgotten between two steps."""
    patch.setattr(state, "pack_memory", lambda alerts: None)


def every_fact_is_the_next(patch: pytest.MonkeyPatch) -> None:
    """The fast path takes every fact, also one of an event before the last."""
    patch.setattr(receive, "changes_nothing_else", lambda *_: True)


def incorrect_data_takes_nothing_out(patch: pytest.MonkeyPatch) -> None:
    """One of the two reasons of a correction is not known."""
    patch.setattr(repeats, "TAKE_OUT", frozenset({"did_not_occur"}))


def a_correction_is_forgotten_if_it_comes_first(patch: pytest.MonkeyPatch) -> None:
    """A correction takes out only what is known already."""
    apply = judge.apply_event

    def applied(item: Item, event: OwnEvent, reference: Reference, clock: int) -> Judged:
        names = event.context.corrects
        if event.context.kind is Kind.CORRECT and not any(other.id in names for other in item.window):
            return Judged(Outcome.APPLIED, [], [], {})
        return apply(item, event, reference, clock)

    patch.setattr(judge, "apply_event", applied)


def of_facts_that_came_together_the_last_counts(patch: pytest.MonkeyPatch) -> None:
    """One fold answers for one fact of those that one record brings."""
    folded = judge._folded
    patch.setattr(judge, "_folded", lambda item, runs, *rest: folded(item, [runs[-1][-1:]], *rest))


def of_children_that_joined_together_one_is_lost(patch: pytest.MonkeyPatch) -> None:
    """A row that children share is written for all but one of them."""
    put_all = Content.put_all
    patch.setattr(Content, "put_all", lambda content, key, children, row: put_all(content, key, children[1:] or children, row))


def what_settles_is_not_concluded(patch: pytest.MonkeyPatch) -> None:
    """A base keeps no alerts of the events that settle into it."""
    patch.setattr(settle, "conclude", lambda breaches, settled, subject: settled)


def what_settles_leaves_its_container(patch: pytest.MonkeyPatch) -> None:
    """A base forgets one of its axes."""
    walk = fold.walk

    def forgetful(*all: Any, **named: Any) -> State:
        after = walk(*all, **named)
        after.parent = ""
        return after

    patch.setattr(settle, "walk", forgetful)


def facts_are_told_at_every_tick(patch: pytest.MonkeyPatch) -> None:
    """The clock tells others again what they know."""

    def all_anew(source: str, before: dict[FactKey, Telling], after: dict[FactKey, Telling]) -> Any:
        return facts_changed(source, {} if before is after else before, after)

    patch.setattr(judge, "facts_changed", all_anew)


def alerts_are_confirmed_at_every_tick(patch: pytest.MonkeyPatch) -> None:
    """The clock confirms what has been confirmed."""

    def all_anew(item: Item, *rest: Any) -> Any:
        if rest[0] is rest[1]:
            item.alerts.clear()
        return alert_changes(item, *rest)

    patch.setattr(judge, "alert_changes", all_anew)


def plain_order_forgets_what_changed_the_item(patch: pytest.MonkeyPatch) -> None:
    """What settled in plain order changed nothing."""
    settle_all = settle._settle_all

    def settled(item: Item, *rest: Any) -> None:
        settle_all(item, *rest)
        assert item.base is not None
        item.base.last_change = 0

    patch.setattr(settle, "_settle_all", settled)


class Guarantee(NamedTuple):
    """A property, what it draws, and the faults that must break it."""

    property: Any
    draws: tuple[SearchStrategy[Any], ...]
    faults: tuple[Plant, ...]


_shuffle = st.randoms(use_true_random=False)
_seed = st.integers(0, 3)
_p = test_properties
# fmt: off
GUARANTEES: Final = (
    Guarantee(_p.test_the_order_of_arrival_changes_nothing, (worlds(), _shuffle, _seed),
              (every_event_is_the_next, events_stay_as_they_came, equal_times_have_the_order_of_arrival)),
    Guarantee(_p.test_repeats_change_nothing, (worlds(), _shuffle),
              (a_repeat_is_not_known, the_last_delivery_counts)),
    Guarantee(_p.test_packing_between_any_two_steps_changes_nothing, (worlds(), _seed),
              (what_others_told_is_not_packed, the_memory_of_alerts_is_not_packed)),
    Guarantee(_p.test_packed_equals_plain, (worlds(), _seed),
              (holds_are_not_packed,)),
    Guarantee(_p.test_the_fast_path_is_the_fold, (worlds(), _seed),
              (every_event_is_the_next, every_fact_is_the_next)),
    Guarantee(_p.test_facts_taken_together_are_facts_taken_one_by_one, (worlds(), _seed),
              (of_facts_that_came_together_the_last_counts,)),
    Guarantee(_p.test_children_taken_together_are_children_taken_one_by_one, (crowds(), _shuffle, _seed),
              (of_children_that_joined_together_one_is_lost,)),
    Guarantee(_p.test_a_correction_equals_never_having_happened, (worlds(corrections=False), st.data()),
              (incorrect_data_takes_nothing_out, a_correction_is_forgotten_if_it_comes_first)),
    Guarantee(_p.test_settling_changes_no_conclusion, (worlds(corrections=False), _seed),
              (what_settles_is_not_concluded, what_settles_leaves_its_container)),
    Guarantee(_p.test_what_settles_in_plain_order_is_what_a_fold_settles, (worlds(), _seed, st.just(3 * DAY + HOUR)),
              (plain_order_forgets_what_changed_the_item,)),
    Guarantee(_p.test_the_clock_applied_twice_is_applied_once, (worlds(), _seed),
              (facts_are_told_at_every_tick, alerts_are_confirmed_at_every_tick)),
)
# fmt: on
PLANTED: Final[Mapping[str, tuple[Guarantee, Plant]]] = {
    f"{fault.__name__} breaks {one.property.__name__.removeprefix('test_')}": (one, fault) for one in GUARANTEES for fault in one.faults
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    guarantee, plant = PLANTED[name]
    drawn = given(*guarantee.draws)(guarantee.property.hypothesis.inner_test)
    broken = settings(
        max_examples=EXAMPLES_MAX, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        report_multiple_bugs=False, print_blob=False, suppress_health_check=list(HealthCheck),
    )(drawn)  # fmt: skip
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        broken()


def test_every_property_has_a_fault_that_breaks_it() -> None:
    properties = {name for name, value in vars(test_properties).items() if name.startswith("test_") and hasattr(value, "hypothesis")}
    assert properties == {one.property.__name__ for one in GUARANTEES}
