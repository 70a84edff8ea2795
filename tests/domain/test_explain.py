"""A timeline says what the fold concludes, event by event: it cannot disagree, and it names what was merged, moved and silenced."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.codec.state import content_of, pack, unpack
from packtrace.domain.conclude import conclude
from packtrace.domain.dates import DAY
from packtrace.domain.event import Event
from packtrace.domain.explain import Entry, EntryType, Explanation, explain
from packtrace.domain.fold import fold
from packtrace.domain.item import Item
from packtrace.domain.reference import Reference
from packtrace.domain.step import Subject
from packtrace.domain.vocabulary import Kind, Life, Outcome, Status
from packtrace.domain.witness import Witness
from tests.domain.story import REFERENCE, key, play
from tests.domain.test_properties import START, ops_of, run, slow, worlds
from tests.domain.test_two_implementations import played
from tests.domain.world import World
from tests.domain.worlds import world as small_world


def explained(world: World, name: str) -> Explanation:
    return explain(world.items[key(name)], Subject(key(name), world.reference, world.clock))


def events(told: Explanation) -> list[Entry]:
    return [entry for entry in told.entries if entry.type is EntryType.EVENT]


def assert_is_the_fold(item: Item, reference: Reference, clock: int) -> None:
    """The timeline of ``item`` says what its fold says, each event once, and its present at the end."""
    subject = Subject(item.key, reference, clock)
    told, folded = explain(item, subject), fold(item, subject)
    base = {} if item.base is None else item.base.conclusions
    broken = [broken for entry in told.entries for broken in entry.broken]
    assert conclude([one.breach for one in broken], base, subject) == folded.conclusions == told.conclusions
    assert all(one.conclusion is None or one.conclusion.id in told.conclusions for one in broken)
    assert told.state == folded.state == item.now
    states = [entry.state for entry in told.entries if entry.state is not None]
    if states:
        last, now = states[-1], item.now
        assert (last.life, last.reason, last.parent, last.lot, last.expiry, last.holds) == (
            (now.life, now.reason, now.parent, now.lot, now.expiry, now.holds)
        )  # fmt: skip
        assert last.custody_value() == now.custody_value()
    named = [entry.event for entry in told.entries if entry.event] + [merged.event for entry in told.entries for merged in entry.merged]
    assert sorted(map(id, named)) == sorted(map(id, item.window))
    if item.content is not None:
        open_rows = [row for key, rows in item.content.open.items() if item.base is None or key > item.base.last for row in rows]
        assert sum(sum(entry.rows.counts.values()) for entry in told.entries if entry.rows is not None) == len(open_rows)
    assert [entry.event for entry in events(told)] == [one for one in folded.ordered if one in item.window]


@slow
@given(worlds(), st.integers(0, 3), st.sampled_from([0, 2 * DAY, 4 * DAY]))
def test_a_timeline_is_the_fold(world: list[tuple[Event, int]], seed: int, later: int) -> None:
    found = run(ops_of(world), seed)
    found.tick(START + DAY + later)
    for item in found.items.values():
        assert_is_the_fold(item, REFERENCE, found.clock)
        read = unpack(item.key, pack(item), content_of(item))
        assert explain(read, Subject(item.key, REFERENCE, found.clock)).conclusions.keys() == standing(item)


@pytest.mark.parametrize("seed", range(40))
def test_a_timeline_is_the_fold_in_worlds_of_every_rule(seed: int) -> None:
    small = small_world(seed)
    found = played(small)
    for later in (0, 5 * DAY):
        found.tick(small.until + later)
        for item in found.items.values():
            assert_is_the_fold(item, found.reference, found.clock)
            assert explain(item, Subject(item.key, found.reference, found.clock)).conclusions.keys() == standing(item)


def standing(item: Item) -> set[str]:
    return {alert.id for alert in item.alerts.values() if alert.status is not Status.WITHDRAWN}


@settings(slow, max_examples=50)
@given(worlds(), st.randoms(use_true_random=False))
def test_a_timeline_does_not_depend_on_arrival(world: list[tuple[Event, int]], chance: random.Random) -> None:
    ops = ops_of(world)
    shuffled = chance.sample(ops, len(ops))
    one, other = run(ops, 1), run(shuffled, 2)
    for name, item in one.items.items():
        subject = Subject(name, REFERENCE, START + DAY)
        assert shape(explain(item, subject).entries) == shape(explain(other.items[name], subject).entries)


def shape(entries: Sequence[Entry]) -> list[tuple[object, ...]]:
    """What is told, but for log times, which follow from the arrival."""
    return [
        (one.type, one.event and one.event.id, one.outcome, one.why, [(m.event.id, m.outcome, m.why) for m in one.merged],
         [(x.event.id, x.judged_before_it, x.removes) for x in one.exchanged], [b.breach.rule.code for b in one.broken], one.silenced)
        for one in entries
    ]  # fmt: skip


def test_a_witness_changes_nothing_of_a_fold() -> None:
    world = play(
        """
        10:00:00  hand-1  commission  U1 lot=L7
        10:00:05  hand-2  pack        U1 -> C1
        10:01     line-1  dispense    U1
        10:02     line-1  pack        U1 -> C2
        """
    )
    item = world.items[key("U1")]
    subject = Subject(item.key, REFERENCE, world.clock)
    assert fold(item, subject, Witness())._replace(standing=None) == fold(item, subject)._replace(standing=None)  # type: ignore[arg-type]


def test_what_was_merged_stands_beside_what_it_was_merged_into() -> None:
    told = explained(
        play(
            """
            10:00      line-1  commission  U1 lot=L7 id=made
            10:00      line-1  commission  U1 lot=L7 id=made  at 10:00
            10:00:01   line-1  commission  U1 lot=L7 id=again
            11:00      hand-1  observe     U1 id=seen
            11:00:20   hand-1  observe     U1 id=seen-twice
            12:00      hand-1  dispense    U1 place=pharmacy id=sold
            12:30      hand-1  dispense    U1 place=pharmacy id=sold-twice
            """
        ),
        "U1",
    )
    made, seen, sold = events(told)
    assert [(one.event.id, one.outcome, one.why) for one in made.merged] == [
        ("again", Outcome.RESENT, "the same report under another id, 1 s later")
    ]
    assert [(one.event.id, one.outcome, one.why) for one in seen.merged] == [
        ("seen-twice", Outcome.DOUBLE_SCAN, "the same device looked again, 20 s later")
    ]
    assert [(one.event.id, one.outcome, one.why) for one in sold.merged] == [
        ("sold-twice", Outcome.DOUBLE_SCAN, "done once: the same at the same premises, 30 min later, and nothing changed the item between")
    ]
    assert sold.state is not None and sold.state.life is Life.INACTIVE


def test_one_id_with_two_contents() -> None:
    told = explained(
        play(
            """
            10:00   line-1  commission  U1 lot=L7 id=e
            10:00   line-1  commission  U1 lot=Lz8 id=e
            """
        ),
        "U1",
    )
    (made,) = events(told)
    assert [(one.outcome, one.why) for one in made.merged] == [
        (Outcome.CONFLICT, "another content under a known id; the content with the smallest hash stands")
    ]


def test_a_correction_and_what_it_takes_out_stand_apart() -> None:
    told = explained(
        play(
            """
            10:00   line-1  commission  U1 lot=L7 id=made
            10:05   line-1  dispense    U1 id=wrong
            10:09   line-1  correct     U1 as=dispense of=wrong,gone id=sorry
            """
        ),
        "U1",
    )
    apart = {entry.event.id: (entry.outcome, entry.why) for entry in told.entries if entry.type is EntryType.APART and entry.event}
    assert apart == {
        "wrong": (Outcome.CORRECTED, "taken out by sorry"),
        "sorry": (Outcome.APPLIED, "it takes out wrong, gone (not known here) (did_not_occur)"),
    }
    assert told.state.life is Life.ACTIVE


def test_neighbours_that_change_places_say_what_that_removes() -> None:
    pack_first = explained(
        play(
            """
            10:00      line-1  commission  U1 lot=L7
            10:00      line-1  commission  C1 lot=L7
            10:00      line-1  commission  C2 lot=L7
            10:01      line-1  pack        U1 -> C1
            10:05:00   hand-1  pack        U1 -> C2 id=into
            10:05:04   hand-2  unpack      U1 <- C1 id=out
            """
        ),
        "U1",
    )
    (out, into) = events(pack_first)[-2:]
    assert out.event is not None and into.event is not None
    assert (out.event.id, into.event.id) == ("out", "into")
    (first,), (second,) = out.exchanged, into.exchanged
    assert (first.event.id, first.judged_before_it, first.apart, first.tolerance) == ("into", True, 4_000_000, 10_000_000)
    assert (second.event.id, second.judged_before_it) == ("out", False)
    assert first.removes == second.removes == ("two-parents", "wrong-unpack")
    assert not pack_first.conclusions


def test_facts_of_other_items_are_named() -> None:
    world = play(
        """
        10:00   line-1  commission  U1 lot=L7
        10:00   line-1  commission  C1 lot=L7
        10:05   line-1  pack        U1 -> C1 place=site
        11:00   -       ship        C1 to=distributor place=site
        12:00   -       verify      U1 place=pharmacy
        13:00   -       unpack      C1 place=distributor
        """
    )
    told = explained(world, "U1")
    (seen,) = [entry for entry in events(told) if entry.event and entry.event.kind is Kind.VERIFY]
    (answer,) = seen.told
    assert answer.source == key("C1") and answer.answer is not None and answer.answer.shipped is not None
    assert [one.breach.rule.code for one in seen.broken] == ["away-from-parent"]
    assert [(one.rule, one.by) for one in seen.silenced] in ([], [("missing-unpack", ("away-from-parent",))])
    (emptied,) = [entry for entry in told.entries if entry.type is EntryType.EMPTIED]
    assert (emptied.source, emptied.why) == (key("C1"), "it was in there, and is loose now")
    assert emptied.state is not None and not emptied.state.parent


def test_a_silenced_rule_is_named_with_what_silences_it() -> None:
    told = explained(
        play(
            """
            10:00   -  destroy   U1 place=site
            10:05   -  verify    U1 place=site lot=l7
            """
        ),
        "U1",
    )
    silenced = {one.rule: one.by for entry in events(told) for one in entry.silenced}
    assert silenced == {"unknown-serial": ("scanner-fault",)}


def test_what_has_settled_is_one_line() -> None:
    world = play(
        """
        10:00   line-1  commission  U1 lot=L7
        11:00   -       observe     U1 place=site
        """
    )
    world.tick(START + 5 * DAY)
    told = explained(world, "U1")
    (settled,) = told.entries
    assert settled.type is EntryType.SETTLED and settled.base is not None
    assert set(settled.base.kinds) == {Kind.COMMISSION, Kind.OBSERVE}


def test_rows_of_a_container_are_counted() -> None:
    told = explained(
        play(
            """
            10:00   line-1  commission  U1 U2 lot=L7
            10:00   line-1  commission  C1 lot=L7
            10:05   line-1  pack        U1 U2 -> C1
            11:00   -       dispense    U1 place=pharmacy
            """
        ),
        "C1",
    )
    packed = events(told)[-1]
    assert packed.rows is not None and {told.name: n for told, n in packed.rows.counts.items()} == {"JOINED": 2}
    (content,) = [entry for entry in told.entries if entry.type is EntryType.CONTENT]
    assert content.rows is not None and [(told.name, who) for told, who in content.rows.first] == [("LEFT", key("U1"))]


def test_what_did_not_arrive_follows_from_the_clock() -> None:
    world = play(
        """
        10:00   line-1  commission  C1 lot=L7
        11:00   -       ship        C1 to=distributor place=site
        """
    )
    world.tick(START + 9 * DAY)
    told = explained(world, "C1")
    assert told.entries[-1].type is EntryType.CLOCK
    assert [one.breach.rule.code for one in told.entries[-1].broken] == ["data-no-product"]
