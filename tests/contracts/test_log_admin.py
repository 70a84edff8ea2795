"""Topics are what topics.yaml says, or nothing starts."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest

from packtrace.adapters.kafka import KafkaReader
from packtrace.adapters.kafka_admin import KafkaAdmin
from packtrace.adapters.kafka_writer import KafkaWriter
from packtrace.contracts import Topic, topics
from packtrace.errors import RefusedError, UnavailableError
from packtrace.ports import Committed, TopicPartition

pytestmark = pytest.mark.contract


@dataclass
class Declared:
    """Two topics of this test, shaped as events and reference."""

    admin: KafkaAdmin
    rows: dict[str, Topic]


@pytest.fixture
def declared(kafka_server: str) -> Iterator[Declared]:
    mark = uuid.uuid4().hex[:8]
    rows = {f"{name}-{mark}": topics()[name] for name in ("events", "reference")}
    admin = KafkaAdmin(kafka_server)
    yield Declared(admin, rows)
    admin.close()


def test_missing_topics_are_created_with_all_their_settings(declared: Declared) -> None:
    first = declared.admin.create_topics(declared.rows)
    assert [(state.name, state.created, state.partitions) for state in first] == [
        (name, True, row.partitions) for name, row in declared.rows.items()
    ]
    events, reference = first
    assert events.settings["message.timestamp.type"] == "LogAppendTime"
    assert events.settings["max.message.bytes"] == "10485760"
    assert events.settings["retention.ms"] == str(30 * 24 * 3_600_000)
    assert (reference.settings["cleanup.policy"], reference.settings["retention.ms"]) == ("compact", "-1")
    assert [state.created for state in declared.admin.create_topics(declared.rows)] == [False, False]


def test_a_topic_that_differs_is_refused_and_both_values_are_named(declared: Declared) -> None:
    declared.admin.create_topics(declared.rows)
    name = next(iter(declared.rows))
    rows = {name: msgspec.structs.replace(declared.rows[name], partitions=9, retention_hours=1)}
    with pytest.raises(RefusedError) as refused:
        declared.admin.create_topics(rows)
    assert f"topic {name}: expected 9 partitions, found 8" in str(refused.value)
    assert f"topic {name}: expected retention.ms 3600000, found 2592000000" in str(refused.value)


def test_a_topic_that_is_missing_is_described_as_nothing(declared: Declared) -> None:
    assert declared.admin.describe(declared.rows) == []
    with pytest.raises(UnavailableError, match="packtrace topics creates it"):
        declared.admin.partitions(next(iter(declared.rows)))


def test_ends_and_positions_are_those_of_the_broker(declared: Declared, kafka_server: str) -> None:
    declared.admin.create_topics(declared.rows)
    events, reference = declared.rows
    writer = KafkaWriter(kafka_server)
    for _ in range(3):
        writer.write(events, b"1", partition=5)
    writer.flush(30)
    writer.close()
    ends = declared.admin.end_offsets([events, reference])
    assert ends == {TopicPartition(events, n): 3 if n == 5 else 0 for n in range(8)} | {TopicPartition(reference, 0): 0}
    group = f"group-{events}"
    assert declared.admin.committed(group, declared.rows) == {}
    reader = KafkaReader(kafka_server, group)
    reader.subscribe([events], lambda _: None, lambda _: None)
    assert any(reader.poll(10, 0.2) for _ in range(100))
    reader.commit({TopicPartition(events, 5): Committed(2)})
    assert declared.admin.committed(group, declared.rows) == {TopicPartition(events, 5): 2}
    reader.close()


def test_a_broker_that_is_away_is_an_outage() -> None:
    admin = KafkaAdmin("127.0.0.1:1")
    with pytest.raises(UnavailableError):
        admin.partitions("events")
