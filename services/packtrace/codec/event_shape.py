"""Which fields name the items of each type of event, and what must be there (EPCIS 2.0, 7.4; rules.md 2 "Rejected whole")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from packtrace.domain.vocabulary import Action, EventType, Reject
from packtrace.errors import RejectedError

EPCS_MAX: Final = 100_000
"""Items and classes one event may name."""

ITEM_FIELDS: Final = ("epcs", "parent", "children", "inputs", "outputs", "lots")


class Shape(msgspec.Struct, frozen=True):
    """One type: the fields that may name items, and whether it has an action."""

    fields: frozenset[str]
    action: bool
    parent_always: bool = False


# fmt: off
SHAPES: Final = {
    #                                fields                                     action        parent
    EventType.OBJECT:         Shape(frozenset({"epcs", "lots"}),                action=True),
    EventType.AGGREGATION:    Shape(frozenset({"parent", "children"}),          action=True),
    EventType.TRANSACTION:    Shape(frozenset({"epcs", "lots", "parent"}),      action=True),
    EventType.TRANSFORMATION: Shape(frozenset({"inputs", "outputs"}),           action=False),
    EventType.ASSOCIATION:    Shape(frozenset({"parent", "children"}),          action=True,  parent_always=True),
}
# fmt: on

_TYPES = {str(one): one for one in EventType}
_ACTIONS = {str(one): one for one in Action}


def event_type(text: str) -> EventType:
    """The type of that exact name."""
    found = _TYPES.get(text)
    if found is None:
        code = Reject.UNKNOWN_TYPE if text else Reject.MISSING_FIELD
        raise RejectedError(code, "type", f"one of {', '.join(_TYPES)}", text)
    return found


def event_action(text: str, kind: EventType) -> Action | None:
    """The action of that exact name; none for a transformation, which has none."""
    if not SHAPES[kind].action:
        if text:
            raise RejectedError(Reject.UNKNOWN_ACTION, "action", f"no action in a {kind}", text)
        return None
    found = _ACTIONS.get(text)
    if found is None:
        code = Reject.UNKNOWN_ACTION if text else Reject.MISSING_FIELD
        raise RejectedError(code, "action", f"one of {', '.join(_ACTIONS)}", text)
    return found


def refuse_count(**named: int) -> None:
    """More items than an event may name; the place is the field that names most."""
    listed = sum(named.values())
    if listed > EPCS_MAX:
        raise RejectedError(Reject.TOO_MANY_EPCS, max(named, key=named.__getitem__), f"at most {EPCS_MAX} items in an event", f"{listed}")


def refuse_foreign_field(kind: EventType, field: str) -> None:
    """A field that this type does not have would be lost without a word."""
    if field not in SHAPES[kind].fields:
        fields = " and ".join(one for one in ITEM_FIELDS if one in SHAPES[kind].fields)
        article = "an" if kind[0] in "aeiou" else "a"
        raise RejectedError(Reject.UNKNOWN_FIELD, field, f"only {fields} in {article} {kind} event", field)


def refuse_containment(kind: EventType, action: Action | None, parent: str, children: Sequence[str], found: str) -> None:
    """Of an aggregation or association: a missing parent, no child to pack, a parent among its own children."""
    if not parent:
        if action is not Action.OBSERVE or SHAPES[kind].parent_always:
            raise RejectedError(Reject.NO_PARENT, "parent", f"a parent in {kind} {action}", found)
        if not children:
            raise RejectedError(Reject.NO_ITEMS, expected=f"a parent or children in {kind} OBSERVE")
    elif not children and action is Action.ADD:
        raise RejectedError(Reject.NO_CHILDREN, "children", f"at least one child in {kind} ADD", "none")
    elif parent in children:
        where = f"children[{list(children).index(parent)}]"
        raise RejectedError(Reject.PARENT_IN_CHILDREN, where, "other items than the parent", parent)


def refuse_duplicates(keys: Sequence[str], field: str) -> None:
    """One item named twice in one field."""
    if len(set(keys)) == len(keys):
        return
    seen: dict[str, int] = {}
    for number, key in enumerate(keys):
        first = seen.setdefault(key, number)
        if first != number:
            raise RejectedError(Reject.DUPLICATE_ITEMS, f"{field}[{number}]", f"each item once, it is {field}[{first}] too", key)
