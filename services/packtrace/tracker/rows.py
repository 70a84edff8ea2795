"""The history row of one step of an item: where it came from, what became of it, the item after it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from packtrace.codec.history import Row
from packtrace.domain.fact import Fact
from packtrace.domain.item import Item
from packtrace.domain.vocabulary import Custody, Life, Reason

_encode = msgspec.msgpack.Encoder().encode
_LIFE = {life: life.name for life in Life}
_REASON = {reason: "" if reason is Reason.NONE else reason.name for reason in Reason}
_CUSTODY = {custody: custody.name.lower() for custody in Custody}


class Origin(NamedTuple):
    """What a step of an item followed from."""

    row_type: str
    event_time: int
    log_time: int
    event_id: str = ""
    event_partition: int = -1
    event_offset: int = -1
    kind: str = ""
    role: str = ""
    other: str = ""
    fact: Fact | None = None


def row(item: Item, packed: bytes, origin: Origin, outcome: str, offset: int, position: int) -> Row:
    """The row of ``item`` as it is now."""
    fact = origin.fact
    return Row(
        item=item.key,
        row_type=origin.row_type,
        event_time=origin.event_time,
        log_time=origin.log_time,
        event_id=origin.event_id,
        event_partition=origin.event_partition,
        event_offset=origin.event_offset,
        kind=origin.kind,
        role=origin.role,
        outcome=outcome,
        life=_LIFE[item.life],
        reason=_REASON[item.reason],
        parent=item.parent,
        custody=_CUSTODY[item.custody],
        place=item.place,
        destination=item.destination,
        lot=item.lot,
        expiry=item.expiry,
        other=origin.other,
        fact_type="" if fact is None else fact.type.name.lower(),
        fact_version=0 if fact is None else fact.version,
        fact_retracted=0 if fact is None else int(fact.retracted),
        fact=b"" if fact is None else _encode(fact),
        state=packed,
        offset=offset,
        position=position,
    )
