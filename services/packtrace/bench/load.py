"""A stream of events to measure with, encoded before the clock starts, written flat out or at a rate."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from packtrace.errors import RefusedError
from packtrace.ports import LogWriter
from packtrace.simulator.encode import Encoder
from packtrace.simulator.messages import item_key
from packtrace.simulator.streams import Planted, Stream, messages

TOPIC = "events"
FLUSH_SECONDS = 300.0
TOLD_EVERY = 20_000
STREAMS = ("S1", "S2", "S2/1000", "S3")
_PER_EVENT = {"S1": 1, "S2": 50, "S3": 1}


class Load(NamedTuple):
    """What to write, and what a system that took it must show."""

    stream: Stream
    records: list[tuple[bytes, bytes]]
    """(key, value)."""
    sizes: array[int]
    """EPC-ops of each record."""
    events: int
    operations: int
    repeated_operations: int
    duplicates: frozenset[str]
    """Keys of the items commissioned twice."""

    def after(self, other: Load) -> Load:
        """What a system must show that took ``other`` before; the records are ours."""
        return self._replace(
            events=self.events + other.events,
            operations=self.operations + other.operations,
            repeated_operations=self.repeated_operations + other.repeated_operations,
            duplicates=self.duplicates | other.duplicates,
        )


def stream_named(name: str, units: int, seed: int = 1) -> Stream:
    """``S1``, ``S2``, ``S3``, or ``S2/1000``: that many EPCs in an event.

    Raises:
        RefusedError: another name.
    """
    kind, _, stated = name.partition("/")
    if kind not in _PER_EVENT or (stated and not (stated.isascii() and stated.isdigit() and 1 <= int(stated) <= 10_000)):
        raise RefusedError(f"--streams: expected some of {', '.join(STREAMS)}, found {name!r}")
    return Stream(name, units, int(stated or _PER_EVENT[kind]), kind == "S3", seed)


def prepare(stream: Stream, schema_id: int) -> Load:
    """Draw and encode all of a stream: about 250 bytes of memory for an event of one EPC."""
    planted = Planted()
    encode = Encoder(schema_id).encode
    records, sizes = [], array("I")
    for message in messages(stream, planted):
        records.append((message.template.source.key, encode(message)))
        sizes.append(message.operations)
    duplicates = frozenset(item_key(epc) for epc in planted.duplicates)
    return Load(stream, records, sizes, planted.messages, planted.operations, planted.repeated_operations, duplicates)


def write(load: Load, writer: LogWriter, tell: Callable[[int], None]) -> None:
    """Everything, as fast as the broker takes it; returns when it has acknowledged all of it.

    Raises:
        UnavailableError: the broker did not take it.
    """
    for number, (key, value) in enumerate(load.records):
        writer.write(TOPIC, value, key=key)
        if number % TOLD_EVERY == 0:
            tell(number)
    writer.flush(FLUSH_SECONDS)


def paced(moments: Iterable[float], clock: Callable[[], float], sleep: Callable[[float], None]) -> Iterator[int]:
    """0, 1, ... each when its moment has come, seconds from now; late ones come at once, so the mean rate holds."""
    begun = clock()
    for number, moment in enumerate(moments):
        while (ahead := begun + moment - clock()) > 0:
            sleep(ahead)
        yield number
