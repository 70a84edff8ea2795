"""Aggregation: what is in what. These rules are the child's; those of the container need its content."""

from __future__ import annotations

from packtrace.domain.alert import Evidence
from packtrace.domain.dates import DAY, time_text
from packtrace.domain.rules.rule import CHILD, Cause, Rule, kinds
from packtrace.domain.state import NEVER, State
from packtrace.domain.step import Step
from packtrace.domain.vocabulary import Kind, Level, Severity

HOUR_S = 3_600
LEFT_WITHIN = DAY
"""How long an unpack may come after the child left by being dispensed or destroyed, microseconds."""


def not_below(state: State, step: Step) -> Evidence | None:
    """The child's level is not below its parent's. Containers of containers (SSCC in SSCC) are fine; unknown is silent."""
    child, parent = step.subject.level, step.reference.level(step.event.other)
    if child is Level.UNKNOWN or parent is Level.UNKNOWN or child < parent or child is parent is Level.LOGISTIC:
        return None
    return Evidence(
        expected=f"a parent above {child.name.lower()}", found=f"a {parent.name.lower()}", detail=(("parent", step.event.other),)
    )


def own_ancestor(state: State, step: Step) -> Evidence | None:
    """The pack would put the child into something that is inside it."""
    if not step.looped and step.event.other != step.subject.key:
        return None
    return Evidence(expected="a parent outside this item", found="a parent inside it", detail=(("parent", step.event.other),))


def packed_elsewhere(state: State, step: Step) -> Evidence | None:
    """The child is packed while another container has it."""
    if not state.parent or state.parent == step.event.other:
        return None
    return Evidence(
        expected=f"no parent, or {step.event.other}",
        found=f"in {state.parent} since {time_text(state.packed)}",
        events=(state.packed_id,),
        detail=(("parent", step.event.other), ("in", state.parent)),
    )


def not_in_it(state: State, step: Step) -> Evidence | None:
    """An unpack names the child, from a container it is not in and has not just left by another event."""
    parent = step.event.other
    if state.parent == parent or (state.left_from == parent and state.left != NEVER and step.event.time - state.left <= LEFT_WITHIN):
        return None
    return Evidence(
        expected=f"in {parent}",
        found=f"in {state.parent}" if state.parent else "in no container",
        events=(state.packed_id,) if state.parent else (),
        detail=(("parent", parent),),
    )


def packed_unborn(state: State, step: Step) -> Evidence | None:
    """An own item is packed and no commission lies at or before that."""
    if not step.subject.own or state.commissioned != NEVER:
        return None
    return Evidence(expected="a commission at or before the pack", found="none", detail=(("parent", step.event.other),))


_PACK = kinds(Kind.PACK)

# fmt: off
AGGREGATION: tuple[Rule, ...] = (
    #    code                     kinds                roles  severity         cause        grace_s      decide            explained by                              source
    Rule("level-inversion",       _PACK,               CHILD, Severity.HIGH,   Cause.EVENT, 0,           not_below,        "another level of one of the two products", "GS1 US DSCSA R1.3, 5.2"),
    Rule("hierarchy-loop",        _PACK,               CHILD, Severity.HIGH,   Cause.EVENT, 0,           own_ancestor,     "an unpack before this event",            "EPCIS 2.0, 7.4.3"),
    Rule("two-parents",           _PACK,               CHILD, Severity.HIGH,   Cause.EVENT, 600,         packed_elsewhere, "an unpack from the other container before this event", "GS1 US DSCSA R1.3, 5.2"),
    Rule("child-not-commissioned", _PACK,              CHILD, Severity.HIGH,   Cause.ITEM,  4 * HOUR_S,  packed_unborn,    "a commission at or before the pack",     "GS1 US DSCSA R1.3, 5.1"),
    Rule("wrong-unpack",          kinds(Kind.UNPACK),  CHILD, Severity.MEDIUM, Cause.EVENT, 600,         not_in_it,        "a pack into that container before this event", "CBV 2.0, unpacking"),
)
# fmt: on
