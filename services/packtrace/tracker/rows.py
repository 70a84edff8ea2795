"""The history row of one step of an item: where it came from, what became of it, the item after it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import msgspec

from packtrace.codec.history import (
    ENTRY_PIECE_BYTES,
    ROW_CHECKPOINT,
    ROW_CONTENT,
    ROW_ENTITY,
    ROW_FACT,
    ROW_OP,
    HistoryBuilder,
    Like,
    Row,
    like,
)
from packtrace.domain.fact import Fact, alike
from packtrace.domain.item import Item
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.vocabulary import Custody, FactType, Kind, Life, Outcome, Reason, Role

_encode = msgspec.msgpack.Encoder().encode


def _names(enum: type[IntEnum]) -> tuple[str, ...]:
    """Value -> name: an index is found in a third of the time of an attribute of an enumeration."""
    return tuple(next((one.name for one in enum if one == value), "") for value in range(max(enum) + 1))


def _words(enum: type[IntEnum]) -> tuple[str, ...]:
    return tuple(name.lower() for name in _names(enum))


_LIFE = _names(Life)
_REASON = ("", *_names(Reason)[1:])
_CUSTODY = _words(Custody)
_KIND = _words(Kind)
_ROLE = _words(Role)
_FACT_TYPE = _words(FactType)
_new = tuple.__new__
"""A third of the cost of ``Row._make``."""
_NO_FACT = ("", 0, 0, b"")


class Origin(NamedTuple):
    """What a step of an item followed from: the first columns of its row, and those of a fact."""

    row_type: str
    event_time: int
    log_time: int
    event_id: str = ""
    event_partition: int = -1
    event_offset: int = -1
    kind: str = ""
    role: str = ""
    other: str = ""
    fact: tuple[str, int, int, bytes] = _NO_FACT


def of_op(own: OwnEvent, partition: int, offset: int) -> Origin:
    """``partition`` and ``offset`` are the raw event's."""
    columns = (ROW_OP, own.time, own.log_time, own.id, partition, offset, _KIND[own.kind], _ROLE[own.role], own.other, _NO_FACT)
    return _new(Origin, columns)


def write_facts(
    history: HistoryBuilder, item: Item, packed: bytes, facts: Sequence[Fact], outcome: str, offset: int, position: int
) -> None:
    """A row of ``item`` as it is now for each of ``facts``, numbered from ``position``."""
    for told in alike(facts):
        first = told[0]
        shared = like(
            row_type=ROW_FACT, kind=_KIND[first.event_kind], outcome=outcome,
            life=_LIFE[item.life], reason=_REASON[item.reason], parent=item.parent, custody=_CUSTODY[item.custody],
            place=item.place, destination=item.destination, lot=item.lot, expiry=item.expiry,
            fact_type=_FACT_TYPE[first.type], fact_version=first.version, fact_retracted=int(first.retracted),
        )  # fmt: skip
        sources = [fact.source for fact in told]
        history.add_many(
            shared, item.key, first.event_time, first.log_time, first.event_id, -1, -1, sources, packed, offset, position,
            list(map(_encode, told)),
        )  # fmt: skip
        position += len(told)


def row(item: Item, packed: bytes, origin: Origin, outcome: str, offset: int, position: int) -> Row:
    """The row of ``item`` as it is now; (offset, position) is its lineage."""
    row_type, event_time, log_time, event_id, event_partition, event_offset, kind, role, other, fact = origin
    return _new(
        Row,
        (
            item.key, row_type, event_time, log_time, event_id, event_partition, event_offset, kind, role, outcome,
            _LIFE[item.life], _REASON[item.reason], item.parent, _CUSTODY[item.custody], item.place, item.destination,
            item.lot, item.expiry, other, *fact, packed, offset, position,
        )
    )  # fmt: skip


def like_of(item: Item, own: OwnEvent) -> Like:
    """What ``of_op`` and ``row`` say of all items to which one event did what it did to ``item``, but for the parent."""
    return like(
        row_type=ROW_OP,
        kind=_KIND[own.kind],
        role=_ROLE[own.role],
        outcome=Outcome.APPLIED.value,
        life=_LIFE[item.life],
        reason=_REASON[item.reason],
        custody=_CUSTODY[item.custody],
        place=item.place,
        destination=item.destination,
        lot=item.lot,
        expiry=item.expiry,
    )


def of_content(item: Item, name: bytes, entry: bytes | None, log_time: int, offset: int, position: int) -> list[Row]:
    """The rows of one entry of the item's content as a record left it, numbered from ``position``; of one that is gone an empty row."""
    entry = entry or b""
    pieces = [entry[start : start + ENTRY_PIECE_BYTES] for start in range(0, max(len(entry), 1), ENTRY_PIECE_BYTES)]
    origin = Origin(ROW_CONTENT, log_time, log_time, fact=("", 0, int(not entry), name))
    return [row(item, piece, origin, "applied", offset, position + number) for number, piece in enumerate(pieces)]


def of_entity(name: str, json: str | None, log_time: int, offset: int, position: int) -> Row:
    """The row of a change of reference data."""
    return _nobodys(ROW_ENTITY, (json or "").encode(), log_time, offset, position)._replace(other=name, fact_retracted=int(json is None))


def of_checkpoint(packed: bytes, log_time: int, offset: int, position: int) -> Row:
    """The row of a checkpoint."""
    return _nobodys(ROW_CHECKPOINT, packed, log_time, offset, position)


def _nobodys(row_type: str, packed: bytes, log_time: int, offset: int, position: int) -> Row:
    """A row that belongs to no item."""
    return Row(
        "", row_type, log_time, log_time, "", -1, -1, "", "", "", "", "", "", "", "", "", "", 0, "", *_NO_FACT, packed, offset, position
    )  # fmt: skip
