"""Aggregation: what is in what. These rules are the child's; those of the container look at what is inside."""

from __future__ import annotations

from packtrace.domain.alert import Evidence
from packtrace.domain.custody import arrived
from packtrace.domain.dates import DAY, HOUR, time_text
from packtrace.domain.fact_payload import Answer
from packtrace.domain.place import Side, another_party, parties_of
from packtrace.domain.rules.rule import ANY, CHILD, ITEM, PARENT, Cause, Rule, kinds
from packtrace.domain.rules.shipping import custody_of_root
from packtrace.domain.state import NEVER, State
from packtrace.domain.step import Step
from packtrace.domain.vocabulary import Custody, Kind, Level, Severity

HOUR_S = 3_600
LEFT_WITHIN = DAY
"""How long an unpack may come after the child left by another event, microseconds."""

NAMED_WITHIN = 72 * HOUR
"""How long the last naming of a root says where it is, microseconds."""
IN_TRANSIT_FOR = DAY
"""How long after its ship a root counts as on its way, microseconds."""


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
    if state.parent == parent or any(one == parent and step.event.time - time <= LEFT_WITHIN for time, one in state.left):
        return None
    return Evidence(
        expected=f"in {parent}",
        found=f"in {state.parent}" if state.parent else "in no container",
        events=(state.packed_id,) if state.parent else (),
        detail=(("parent", parent),),
    )


def packed_unborn(state: State, step: Step) -> Evidence | None:
    """An own unit or case is packed and no commission lies at or before that."""
    if not step.subject.own or state.commissioned != NEVER or step.subject.level is Level.BUNDLE:
        return None
    return Evidence(expected="a commission at or before the pack", found="none", detail=(("parent", step.event.other),))


def overfull(state: State, step: Step) -> Evidence | None:
    """More children than its product contains."""
    product, inside = step.subject.product, step.inside
    if product is None or not product.contains_count or inside is None or len(inside) <= product.contains_count:
        return None
    return Evidence(expected=f"at most {product.contains_count} children", found=f"{len(inside)}")


def partial(state: State, step: Step) -> Evidence | None:
    """A case is shipped with fewer children than its product contains, and nothing said that it is a short one."""
    product = step.subject.product
    if step.subject.level is not Level.CASE or product is None or not product.contains_count or state.partial or step.context.partial:
        return None
    count = 0 if step.inside is None else len(step.inside)
    if count >= product.contains_count:
        return None
    return Evidence(expected=f"{product.contains_count} children, or partial", found=f"{count}")


def mixed(state: State, step: Step) -> Evidence | None:
    """A bundle or case has direct children of more than one known (GTIN, lot)."""
    if step.subject.level not in (Level.BUNDLE, Level.CASE) or step.inside is None:
        return None
    lots = sorted(step.inside.lots())
    if len(lots) < 2:
        return None
    return Evidence(expected="children of one lot", found=", ".join(f"{gtin} lot {lot}" for gtin, lot in lots[:5]))


def closed(state: State, step: Step) -> Evidence | None:
    """Packed into or unpacked while its root is in transit, and not where it was going."""
    root = custody_of_root(state, step)
    if root is None or root[0] is not Custody.IN_TRANSIT or arrived(root[1], root[2], step):
        return None
    return Evidence(expected="received before", found=f"in transit since {time_text(root[3])}")


def away(state: State, step: Step) -> Evidence | None:
    """A packed item is seen where its container cannot be."""
    root = _elsewhere(state, step)
    if root is None or not _is_away(root, step):
        return None
    return _seen_without(state, step, root)


def left_in_silence(state: State, step: Step) -> Evidence | None:
    """A packed item is seen where its container is not said to be."""
    root = _elsewhere(state, step)
    if root is None or _is_away(root, step):
        return None
    return _seen_without(state, step, root)


def _elsewhere(state: State, step: Step) -> Answer | None:
    """The root's answer, where it is known and the event is at another place; None where nothing can be said."""
    answer = step.answer
    if not state.parent or answer is None or not step.side.place or answer.names_an_ancestor:
        return None
    custody, place = answer.custody[:2]
    if custody == Custody.UNKNOWN or (custody == Custody.AT and place[:13] == step.side.premises):
        return None
    return answer


def _is_away(root: Answer, step: Step) -> bool:
    custody, place, party, to_place, to_party, since = root.custody
    here, reference = step.side, step.reference
    if another_party(Side(place, party), here, reference) is not True:
        return False
    if custody == Custody.AT:
        naming = root.naming
        return root.shipped is None or (naming is not None and naming[1][:13] == place[:13] and step.event.time - naming[0] <= NAMED_WITHIN)
    to = parties_of(Side(to_place, to_party), reference)
    if not to or step.event.time - since > IN_TRANSIT_FOR or here.premises == to_place[:13]:
        return False
    return parties_of(here, reference).isdisjoint(to)


def _seen_without(state: State, step: Step, root: Answer) -> Evidence:
    custody, place, _, to_place, to_party, since = root.custody
    where = f"at {place}" if custody == Custody.AT else f"in transit to {to_place or to_party}"
    return Evidence(
        expected=f"with {state.parent}, {where} since {time_text(since)}",
        found=f"{step.kind.word} at {step.side.place}",
        events=(state.packed_id,),
        detail=(("parent", state.parent),),
    )


_PACK = kinds(Kind.PACK)
_PACKING = kinds(Kind.PACK, Kind.UNPACK)
_SEEN = kinds(Kind.OBSERVE, Kind.VERIFY, Kind.DISPENSE)

# fmt: off
AGGREGATION: tuple[Rule, ...] = (
    #    code                     kinds                roles  severity         cause        grace_s      decide            explained by                              source
    Rule("level-inversion",       _PACK,               CHILD, Severity.HIGH,   Cause.EVENT, 0,           not_below,        "another level of one of the two products", "GS1 US DSCSA R1.3, 5.2"),
    Rule("hierarchy-loop",        _PACK,               CHILD, Severity.HIGH,   Cause.EVENT, 0,           own_ancestor,     "an unpack before this event",            "EPCIS 2.0, 7.4.3"),
    Rule("two-parents",           _PACK,               CHILD, Severity.HIGH,   Cause.EVENT, 600,         packed_elsewhere, "an unpack from the other container before this event", "GS1 US DSCSA R1.3, 5.2"),
    Rule("child-not-commissioned", _PACK,              CHILD, Severity.HIGH,   Cause.ITEM,  4 * HOUR_S,  packed_unborn,    "a commission at or before the pack",     "GS1 US DSCSA R1.3, 5.1"),
    Rule("overfull-container",    _PACK,               PARENT, Severity.MEDIUM, Cause.ITEM, 600,        overfull,         "an unpack before this event",            "R23", after=True),
    Rule("partial-container",     kinds(Kind.SHIP),    ITEM,   Severity.LOW,    Cause.ITEM, 600,        partial,          "packs into it, or an event that says partial", "R23"),
    Rule("mixed-content",         _PACK,               PARENT, Severity.HIGH,   Cause.ITEM, 600,        mixed,            "an unpack before this event",            "R24", after=True),
    Rule("closed-container",      _PACKING,            PARENT, Severity.HIGH,   Cause.EVENT, 600,       closed,           "a receipt or a voided ship before this event", "R26"),
    Rule("away-from-parent",      _SEEN,               ANY,    Severity.CRITICAL, Cause.EVENT, 600,     away,             "an unpack before this event",            "R28"),
    Rule("missing-unpack",        _SEEN,               ANY,    Severity.LOW,    Cause.EVENT, 600,       left_in_silence,  "an unpack before this event",            "R28"),
    Rule("wrong-unpack",          kinds(Kind.UNPACK),  CHILD, Severity.MEDIUM, Cause.EVENT, 600,         not_in_it,        "a pack into that container before this event", "CBV 2.0, unpacking"),
)
# fmt: on
