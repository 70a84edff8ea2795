"""Topics and positions as the broker knows them: created from ``schemas/topics.yaml``, compared with it, asked for."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import confluent_kafka as ck
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ConfigResource,
    NewTopic,
    OffsetSpec,
)

from packtrace.adapters.kafka import translated
from packtrace.contracts import Topic, topics
from packtrace.errors import RefusedError, UnavailableError
from packtrace.ports import TopicPartition

TIMEOUT_SECONDS = 10.0

REPLICAS = -1
"""The broker's own default, so that a cluster's policy holds."""


_LOADING = frozenset({KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.NOT_COORDINATOR})
"""A broker that started a moment ago."""


class TopicState(NamedTuple):
    """One topic as found. ``differs`` has a sentence per setting that is not as declared; such a topic is refused."""

    name: str
    created: bool
    partitions: int
    settings: dict[str, str]
    differs: tuple[str, ...]


def settings_of(topic: Topic) -> dict[str, str]:
    """The broker's settings of a row of topics.yaml."""
    kept = -1 if topic.retention_hours < 0 else topic.retention_hours * 3_600_000
    return {
        "cleanup.policy": topic.cleanup,
        "message.timestamp.type": topic.timestamp,
        "max.message.bytes": str(topic.record_bytes_max),
        "retention.ms": str(kept),
        "compression.type": "producer",
    }


class KafkaAdmin:
    """Questions and orders that no reader or writer needs."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "client.id": "packtrace-admin", "log_level": 3})

    def create_topics(self, declared: dict[str, Topic] | None = None) -> list[TopicState]:
        """Create what is missing and describe what is there.

        Raises:
            RefusedError: a topic that exists differs from its row; names expected and found.
        """
        rows = topics() if declared is None else declared
        missing = sorted(set(rows) - self._names())
        wanted = [
            NewTopic(name, num_partitions=rows[name].partitions, replication_factor=REPLICAS, config=settings_of(rows[name]))
            for name in missing
        ]
        if wanted:
            for name, future in self._admin.create_topics(wanted, request_timeout=TIMEOUT_SECONDS).items():
                try:
                    _answer(future, f"creating {name}")
                except KafkaException as e:
                    if e.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                        raise translated(e.args[0], f"creating {name}") from e
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while len(found := self.describe(rows)) < len(rows):  # a broker hears of a new topic a little later than the controller
            if time.monotonic() >= deadline:
                absent = sorted(set(rows) - {state.name for state in found})
                raise UnavailableError(f"kafka: created, but not there after {TIMEOUT_SECONDS:g} s: {', '.join(absent)}")
            time.sleep(0.1)
        states = [state._replace(created=state.name in missing) for state in found]
        differing = [f"topic {state.name}: {text}" for state in states for text in state.differs]
        if differing:
            raise RefusedError("; ".join(differing))
        return states

    def describe(self, declared: dict[str, Topic] | None = None) -> list[TopicState]:
        """Every declared topic that exists, in the order of topics.yaml."""
        rows = topics() if declared is None else declared
        metadata = self._metadata()
        names = [name for name in rows if name in metadata]
        if not names:
            return []
        resources = {name: ConfigResource(ConfigResource.Type.TOPIC, name) for name in names}
        futures = self._admin.describe_configs(list(resources.values()), request_timeout=TIMEOUT_SECONDS)
        states = []
        for name in names:
            try:
                entries = _answer(futures[resources[name]], f"reading the settings of {name}")
            except KafkaException as e:
                raise translated(e.args[0], f"reading the settings of {name}") from e
            expected = settings_of(rows[name])
            found = {key: str(entries[key].value) for key in expected if key in entries}
            partitions = len(metadata[name].partitions)
            differs = [
                f"expected {key} {value}, found {found.get(key, 'none')}" for key, value in expected.items() if found.get(key) != value
            ]
            if partitions != rows[name].partitions:
                differs.insert(0, f"expected {rows[name].partitions} partitions, found {partitions}")
            states.append(TopicState(name, False, partitions, found, tuple(differs)))
        return states

    def partitions(self, topic: str) -> int:
        """How many there are.

        Raises:
            UnavailableError: the topic is not there (yet).
        """
        metadata = self._metadata()
        if topic not in metadata:
            raise UnavailableError(f"kafka: no topic {topic}; packtrace topics creates it")
        return len(metadata[topic].partitions)

    def end_offsets(self, names: Iterable[str]) -> dict[TopicPartition, int]:
        """The next offset of every partition of these topics."""
        metadata = self._metadata()
        parts = [ck.TopicPartition(name, number) for name in names if name in metadata for number in metadata[name].partitions]
        if not parts:
            return {}
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        futures = self._admin.list_offsets(dict.fromkeys(parts, latest), request_timeout=TIMEOUT_SECONDS)
        ends = {}
        for part, future in futures.items():
            try:
                ends[TopicPartition(part.topic, part.partition)] = int(_answer(future, f"asking for the end of {part.topic}").offset)
            except KafkaException as e:
                raise translated(e.args[0], f"asking for the end of {part.topic}/{part.partition}") from e
        return ends

    def committed(self, group: str) -> dict[TopicPartition, int]:
        """Every stored position of a group, whoever is in it; empty for a group nobody has seen."""
        doing = f"asking where {group} stands"
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            futures = self._admin.list_consumer_group_offsets([ck.ConsumerGroupTopicPartitions(group)], request_timeout=TIMEOUT_SECONDS)
            try:
                answer = _answer(futures[group], doing)
                break
            except KafkaException as e:
                code = e.args[0].code()
                if code == KafkaError.GROUP_ID_NOT_FOUND:
                    return {}
                if code not in _LOADING or time.monotonic() >= deadline:
                    raise translated(e.args[0], doing) from e
                time.sleep(0.1)
        return {TopicPartition(part.topic, part.partition): part.offset for part in answer.topic_partitions if part.offset >= 0}

    def _metadata(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._admin.list_topics(timeout=TIMEOUT_SECONDS).topics
        except KafkaException as e:
            raise translated(e.args[0], "listing topics") from e
        return found

    def _names(self) -> set[str]:
        return set(self._metadata())


def _answer(future: Any, doing: str) -> Any:
    try:
        return future.result(TIMEOUT_SECONDS)
    except TimeoutError as e:
        raise UnavailableError(f"kafka, {doing}: no answer within {TIMEOUT_SECONDS:g} s") from e
