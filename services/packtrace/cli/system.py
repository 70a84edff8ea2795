"""The system a command talks to: its addresses, and the few doors that commands open to it. Imports nothing before it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from packtrace.errors import UnavailableError

if TYPE_CHECKING:
    from packtrace.codec.raw_event import RawEvent
    from packtrace.codec.reference_record import ReferenceRecord
    from packtrace.ports import LogWriter, StateStore

REFERENCE_SOURCE = "reference/0"
FLUSH_SECONDS = 60.0


class Addresses(NamedTuple):
    """Where everything listens."""

    kafka: str
    registry: str
    redis: str
    clickhouse: str
    gateway: str
    query: str
    clickhouse_database: str = "packtrace"


def addresses(home: Path) -> Addresses:
    """Of the system that runs under ``home``; without one, where the environment says (``deploy/env.example``).

    Never the default ports on mere suspicion: another system may be running there.

    Raises:
        UnavailableError: nothing runs under ``home``, and the environment names no other place.
        RefusedError: a setting is unknown or out of range.
    """
    from packtrace.embedded.state import lives, read

    stack = read(home.resolve())
    if stack is not None and lives(stack):
        return Addresses(stack.kafka, stack.registry, stack.redis, stack.clickhouse, stack.gateway, stack.query)
    from packtrace import settings

    stated = settings.read(settings.ClientSettings)
    if not stated.model_fields_set & set(Addresses._fields):
        was = "is stopped" if stack is not None else "has never run"
        raise UnavailableError(
            f"the system under {home.resolve()} {was}; next: packtrace up --detach (or PACKTRACE_KAFKA, PACKTRACE_GATEWAY, ... name another)"
        )
    return Addresses(
        stated.kafka, stated.registry, stated.redis, stated.clickhouse, stated.gateway, stated.query, stated.clickhouse_database
    )


@contextmanager
def event_writer(home: Path) -> Iterator[tuple[LogWriter, Callable[[RawEvent], bytes]]]:
    """A writer, and how an event becomes a record of ``events``."""
    from packtrace.codec import event_avro, wire

    events_id = schema_id(home, "events")
    with _writer(home) as writer:
        yield writer, lambda raw: wire.frame(events_id, event_avro.encode(raw))


@contextmanager
def reference_writer(home: Path) -> Iterator[tuple[LogWriter, Callable[[ReferenceRecord], bytes]]]:
    """A writer, and how a change becomes a record of ``reference``."""
    from packtrace.codec import reference_record, wire

    reference_id = schema_id(home, "reference")
    with _writer(home) as writer:
        yield writer, lambda record: wire.frame(reference_id, reference_record.encode(record))


def raw_writer(home: Path) -> LogWriter:
    """A writer of bytes as they are; the caller closes it."""
    from packtrace.adapters.kafka_writer import KafkaWriter

    return KafkaWriter(addresses(home).kafka, client="packtrace-cli")


@contextmanager
def _writer(home: Path) -> Iterator[LogWriter]:
    writer = raw_writer(home)
    try:
        yield writer
    finally:
        writer.close()


def state_store(home: Path) -> StateStore:
    """Redis, for reading."""
    from packtrace.adapters.redis_state import RedisStateStore

    return RedisStateStore(addresses(home).redis)


def applied_reference(home: Path) -> dict[str, str]:
    """The reference data that verdicts use: "entity|key" -> JSON; every partition holds the same, the first is asked."""
    store = state_store(home)
    return dict(store.reference(0)) if store.meta(0) is not None else {}


def reference_positions(home: Path) -> dict[int, int]:
    """ops partition -> offset of the last change of reference data it has applied; -1 where none."""
    from packtrace.contracts import topics

    store = state_store(home)
    found = {}
    for partition in range(topics()["ops"].partitions):
        meta = store.meta(partition)
        position = meta.watermarks.get(REFERENCE_SOURCE) if meta else None
        found[partition] = position.offset if position else -1
    return found


def schema_id(home: Path, topic: str) -> int:
    """Of the schema that records of ``topic`` are written with."""
    from packtrace.adapters.registry import Registry

    registry = Registry(addresses(home).registry, home / "schemas")
    try:
        return registry.schema_id(topic)
    finally:
        registry.close()
