"""An event becomes its context and one op per item it names; the same functions make the own event at the other end.

Marks are 64-bit xxh3. ``mark`` hashes all content but id, sequence and the items named, the stated parent excepted: it
concerns both the parent and its children. The parent's own mark mixes in its children.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
import xxhash

from packtrace.domain.event import Event
from packtrace.domain.kinds import kind_of, reason_of
from packtrace.domain.own_event import Context, OwnEvent, parent_mark
from packtrace.domain.reference import LotRecall, ReferenceChange
from packtrace.domain.vocabulary import Entity, Kind, Role

_encode = msgspec.msgpack.Encoder().encode


class Exploded(NamedTuple):
    """One event, ready to travel: the columns of ``schemas/ops.avsc``."""

    context: Context
    ops: list[tuple[Role, str]]
    """(role, item key): the parent first, then the children in order; their place is the index of the op."""
    mark: int
    message_mark: int
    """Of (line, boot, sequence); 0 where the source does not count."""
    children_mark: int
    """Of the sorted children; 0 where none are listed."""
    children_count: int
    first_child: str
    parent: str


def context_of(event: Event) -> Context:
    """What ``event`` shares with others of its source."""
    kind = kind_of(event)
    correction = event.correction
    return Context(
        type=event.type.value,
        kind=kind,
        action="" if event.action is None else event.action.value,
        biz_step=event.biz_step,
        disposition=event.disposition,
        place=event.place,
        read_point=event.read_point,
        party=event.party,
        source_party=event.source_party,
        source_place=event.source_place,
        destination_party=event.destination_party,
        destination_place=event.destination_place,
        lot=event.lot,
        expiry=event.expiry,
        line=event.line,
        device=event.device,
        operator=event.operator,
        reason=reason_of(event, kind),
        partial=event.partial,
        zone_minutes=event.zone_minutes,
        transactions=tuple((one.type, one.id) for one in event.transactions),
        corrects=() if correction is None else (correction.events or (event.id,)),
        correction_reason="" if correction is None else correction.reason,
    )


def explode(event: Event) -> Exploded:
    """The context of ``event`` and its ops. No op: it names lots only (a recall, which changes reference data)."""
    context = context_of(event)
    children = event.children
    return Exploded(
        context=context,
        ops=ops_of(event),
        mark=event_mark(_encode(context), event.event_time, event.parent, event.extensions),
        message_mark=message_mark(event.line, event.boot, event.sequence),
        children_mark=children_mark(children) if children else 0,
        children_count=len(children),
        first_child=children[0] if children else "",
        parent=event.parent,
    )


def ops_of(event: Event) -> list[tuple[Role, str]]:
    """(role, item key) of every item named."""
    ops = [(Role.ITEM, key) for key in event.epcs]
    if event.parent:
        ops.append((Role.PARENT, event.parent))
    if event.children:
        ops += [(Role.CHILD, key) for key in event.children]
    if event.inputs or event.outputs:
        ops += [(Role.INPUT, key) for key in event.inputs]
        ops += [(Role.OUTPUT, key) for key in event.outputs]
    return ops


def recall_of_lots(event: Event) -> ReferenceChange | None:
    """What an event that recalls lot classes, or corrects one that did, changes in reference data (rules.md 6)."""
    correction = event.correction
    recalls = event.disposition == RECALLED_DISPOSITION or kind_of(event) is Kind.RECALL
    if not event.lots or (correction is None and not recalls):
        return None
    corrects = () if correction is None else (correction.events or (event.id,))
    lots = () if corrects else tuple((key[2:16], key[18:]) for key in event.lots)
    stated = msgspec.json.encode(LotRecall(event.id, event.event_time, lots, corrects))
    return ReferenceChange(Entity.RECALL, f"{event.id}/{xxhash.xxh3_64_hexdigest(stated)}", stated.decode())


RECALLED_DISPOSITION: Final = "recalled"
"""An event that names lots and says this recalls them, whatever its step: a hold of lots does not exist."""


def event_mark(context: bytes, event_time: int, parent: str = "", extensions: str = "") -> int:
    """Hash of the content of an event; ``context`` is its msgpack."""
    return xxhash.xxh3_64_intdigest(b"%b\0%d\0%b\0%b" % (context, event_time, parent.encode(), extensions.encode()))


def message_mark(line: str, boot: int | None, sequence: int | None) -> int:
    """Hash of a source's own count; 0 where it does not count."""
    if sequence is None or not line:
        return 0
    return xxhash.xxh3_64_intdigest(f"{line}\0{'' if boot is None else boot}\0{sequence}".encode()) or 1


def children_mark(children: tuple[str, ...]) -> int:
    """Hash of the children listed, in any order."""
    return xxhash.xxh3_64_intdigest("\n".join(sorted(children)).encode()) or 1


def own_event(
    role: int,
    context: Context,
    id: str,
    time: int,
    log_time: int,
    mark: int,
    message_mark: int = 0,
    children_mark: int = 0,
    children_count: int = 0,
    parent: str = "",
    first_child: str = "",
) -> OwnEvent:
    """The event as the item named in ``role`` sees it; the arguments are the event columns of ``schemas/ops.avsc``."""
    if role == Role.PARENT:
        return OwnEvent(
            id, time, log_time, Role.PARENT, context, parent_mark(mark, children_mark), message_mark,
            first_child, children_count, children_mark,
        )  # fmt: skip
    return OwnEvent(id, time, log_time, _ROLES[role], context, mark, message_mark, parent if role == Role.CHILD else "")


_ROLES: Final = (Role.ITEM, *Role)


def own_events(event: Event, log_time: int) -> list[tuple[str, OwnEvent]]:
    """(item key, own event) of every item ``event`` names: the plain way, for tests and for questions about one event."""
    e = explode(event)
    return [
        (
            key,
            own_event(
                role, e.context, event.id, event.event_time, log_time, e.mark, e.message_mark,
                e.children_mark, e.children_count, e.parent, e.first_child,
            ),
        )
        for role, key in e.ops
    ]  # fmt: skip
