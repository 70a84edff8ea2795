"""Records of the topic ``ops``: a batch for one partition, as columns (schemas/ops.avsc).

``OpsBatch`` is the value, ``encode``/``decode`` its Avro body (without the Confluent frame, see ``wire``), ``OpsBuilder``
(``ops_builder``) fills bounded batches. Decoding costs per batch; what is per op is splitting text and widening numbers.
"""

from __future__ import annotations

import io
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import fastavro
import msgspec

from packtrace.contracts import schema_text
from packtrace.domain.fact import Fact
from packtrace.domain.own_event import Context
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RefusedError, RejectedError

VERSION = 1
"""Of the layout; a reader refuses a newer one instead of misreading it."""


class FactRow(NamedTuple):
    """``source`` is an index into ``OpsBatch.sources``; ``nth`` counts the facts of that source's offset."""

    source: int
    offset: int
    nth: int
    fact: Fact


class ReferenceRow(NamedTuple):
    """``json`` None removes the entity."""

    source: int
    offset: int
    log_time: int
    entity: str
    key: str
    json: str | None


@dataclass(slots=True)
class OpsBatch:
    """A batch for one partition. Every list of one prefix has one length; ``op_event`` indexes the event columns.

    The lineage of an op is (sources[event_source], event_offset, op_index) of its event, of a fact (source, offset, nth),
    of a reference change (source, offset, 0). ``clock`` has one entry per source: every record of it logged before that
    log time has been routed, in this record or earlier; 0 says nothing.
    """

    sources: list[str] = field(default_factory=list)
    clock: list[int] = field(default_factory=list)
    clock_sources: int = 0
    contexts: list[Context] = field(default_factory=list)
    event_source: Sequence[int] = field(default_factory=list)
    event_offset: Sequence[int] = field(default_factory=list)
    event_log_time: Sequence[int] = field(default_factory=list)
    event_time: Sequence[int] = field(default_factory=list)
    event_context: Sequence[int] = field(default_factory=list)
    event_mark: Sequence[int] = field(default_factory=list)
    event_message_mark: Sequence[int] = field(default_factory=list)
    event_children_mark: Sequence[int] = field(default_factory=list)
    event_children_count: Sequence[int] = field(default_factory=list)
    event_ids: Sequence[str] = field(default_factory=list)
    event_parents: Sequence[str] = field(default_factory=list)
    event_first_children: Sequence[str] = field(default_factory=list)
    op_event: Sequence[int] = field(default_factory=list)
    op_index: Sequence[int] = field(default_factory=list)
    op_role: Sequence[int] = field(default_factory=list)
    op_items: Sequence[str] = field(default_factory=list)
    facts: list[FactRow] = field(default_factory=list)
    reference: list[ReferenceRow] = field(default_factory=list)


# fmt: off
NUMBERS: tuple[tuple[str, str, str], ...] = (
    # column                  type  rows of
    ("event_source",          "H",  "event"),
    ("event_offset",          "q",  "event"),
    ("event_log_time",        "q",  "event"),
    ("event_time",            "q",  "event"),
    ("event_context",         "I",  "event"),
    ("event_mark",            "Q",  "event"),
    ("event_message_mark",    "Q",  "event"),
    ("event_children_mark",   "Q",  "event"),
    ("event_children_count",  "I",  "event"),
    ("op_event",              "I",  "op"),
    ("op_index",              "I",  "op"),
    ("op_role",               "B",  "op"),
)
TEXTS: tuple[tuple[str, str], ...] = (
    ("event_ids",             "event"),
    ("event_parents",         "event"),
    ("event_first_children",  "event"),
    ("op_items",              "op"),
)
# fmt: on

_contexts = msgspec.msgpack.Decoder(list[Context])
_facts = msgspec.msgpack.Decoder(list[FactRow])
_reference = msgspec.msgpack.Decoder(list[ReferenceRow])
_encoder = msgspec.msgpack.Encoder()


@cache
def _schema() -> Any:
    return fastavro.parse_schema(msgspec.json.decode(schema_text("ops.avsc")))


def encode(batch: OpsBatch) -> bytes:
    """The Avro body of ``batch``.

    Raises:
        RejectedError: a text of a column holds a newline, or columns differ in length (a fault of the caller, kept from the log).
    """
    return encode_packed(
        batch,
        contexts=_encoder.encode(batch.contexts) if batch.contexts else b"",
        facts=_encoder.encode(batch.facts) if batch.facts else b"",
    )


def encode_packed(batch: OpsBatch, contexts: bytes, facts: bytes) -> bytes:
    """As ``encode``, with these two sections already msgpack."""
    record: dict[str, Any] = {
        "version": VERSION,
        "sources": batch.sources,
        "clock": batch.clock,
        "clock_sources": batch.clock_sources,
        "contexts": contexts,
        "facts": facts,
        "reference": _encoder.encode(batch.reference) if batch.reference else b"",
    }
    lengths = {"event": len(batch.event_source), "op": len(batch.op_event)}
    for name, code, rows in NUMBERS:
        record[name] = _pack(code, _of_length(batch, name, lengths[rows]))
    for name, rows in TEXTS:
        text = "\n".join(_of_length(batch, name, lengths[rows]))
        if text.count("\n") != max(lengths[rows] - 1, 0):
            raise RejectedError(Reject.BAD_TEXT, name, "no newline inside a text column")
        record[name] = text
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, _schema(), record)
    return buffer.getvalue()


def decode(body: bytes) -> OpsBatch:
    """The batch of an Avro body.

    Raises:
        RejectedError: not an ops record of this layout.
        RefusedError: of a newer layout.
    """
    stream = io.BytesIO(body)
    try:
        record: dict[str, Any] = fastavro.schemaless_reader(stream, _schema(), None)  # type: ignore[assignment]
        if record["version"] > VERSION:
            raise RefusedError(f"ops record of layout {record['version']}: this version of packtrace reads up to {VERSION}; upgrade it")
        if stream.tell() != len(body):
            raise ValueError(f"{len(body) - stream.tell()} bytes after the record")
        return _batch(record)
    except (ValueError, TypeError, EOFError, IndexError, KeyError, OverflowError, MemoryError, msgspec.MsgspecError) as e:
        raise RejectedError(Reject.MALFORMED_AVRO, "ops", "an ops record", f"{type(e).__name__}: {e}") from e


def _batch(record: dict[str, Any]) -> OpsBatch:
    columns: dict[str, Any] = {name: _unpack(code, record[name]) for name, code, _ in NUMBERS}
    lengths = {"event": len(columns["event_source"]), "op": len(columns["op_event"])}
    for name, rows in TEXTS:
        text: str = record[name]
        columns[name] = text.split("\n") if text or lengths[rows] else []
        if len(columns[name]) != lengths[rows]:
            raise ValueError(f"{name}: expected {lengths[rows]} texts, found {len(columns[name])}")
    for name, _, rows in NUMBERS:
        if len(columns[name]) != lengths[rows]:
            raise ValueError(f"{name}: expected {lengths[rows]} numbers, found {len(columns[name])}")
    batch = OpsBatch(
        sources=record["sources"],
        clock=record["clock"],
        clock_sources=record["clock_sources"],
        contexts=_contexts.decode(record["contexts"]) if record["contexts"] else [],
        facts=_facts.decode(record["facts"]) if record["facts"] else [],
        reference=_reference.decode(record["reference"]) if record["reference"] else [],
        **columns,
    )
    _check_indices(batch)
    return batch


def _check_indices(batch: OpsBatch) -> None:
    """Indices point into what they index, so that a reader need not look."""
    sources = [*batch.event_source, *(row.source for row in batch.facts), *(row.source for row in batch.reference)]
    for name, indices, length in (
        ("sources", sources, len(batch.sources)),
        ("contexts", batch.event_context, len(batch.contexts)),
        ("events", batch.op_event, len(batch.event_source)),
    ):
        if indices and max(indices) >= length:
            raise ValueError(f"index {max(indices)} into {length} {name}")
    if len(batch.clock) != len(batch.sources):
        raise ValueError(f"{len(batch.clock)} clock entries for {len(batch.sources)} sources")


def _of_length(batch: OpsBatch, name: str, length: int) -> Any:
    column = getattr(batch, name)
    if len(column) != length:
        raise RejectedError(Reject.MALFORMED_AVRO, name, f"{length} rows", str(len(column)))
    return column


def _pack(code: str, numbers: Iterable[int]) -> bytes:
    column = array(code, numbers)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def _unpack(code: str, packed: bytes) -> list[int]:
    column = array(code)
    column.frombytes(packed)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tolist()
