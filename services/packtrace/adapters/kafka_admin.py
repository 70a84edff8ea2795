"""Topics and positions as the broker knows them: created from ``schemas/topics.yaml``, compared with it, asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

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


_LOADING = frozenset(
    {
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    }
)
"""Of a broker, or a topic, that is there for a moment only."""


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
        self._settings: dict[str, Any] = {"bootstrap.servers": bootstrap, "client.id": "packtrace-admin", "log_level": 3}
        self._admin = AdminClient(dict(self._settings))
        self._consumers: dict[str, ck.Consumer] = {}

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
                _patiently(lambda future=future: _created(future), f"creating {name}")  # type: ignore[misc]
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

        def ask() -> dict[str, Any]:
            futures = self._admin.describe_configs(list(resources.values()), request_timeout=TIMEOUT_SECONDS)
            return {name: _result(futures[resources[name]]) for name in names}

        configs = _patiently(ask, "reading the settings of topics")
        states = []
        for name in names:
            entries = configs[name]
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

        def ask() -> dict[TopicPartition, int]:
            latest = {part: OffsetSpec.latest() for part in parts}  # type: ignore[no-untyped-call]
            futures = self._admin.list_offsets(latest, request_timeout=TIMEOUT_SECONDS)
            return {TopicPartition(part.topic, part.partition): int(_result(future).offset) for part, future in futures.items()}

        return _patiently(ask, "asking for the ends of topics")

    def committed(self, group: str, names: Iterable[str] | None = None) -> dict[TopicPartition, int]:
        """Every stored position of a group in these topics (all of ours), whoever is in it; empty for a group nobody has seen.

        By a consumer that never joins: the administrator's call crashed the process while a broker was starting
        (confluent-kafka 2.16, list_consumer_group_offsets answered COORDINATOR_LOAD_IN_PROGRESS).
        """
        metadata = self._metadata()
        parts = [
            ck.TopicPartition(name, number)
            for name in (topics() if names is None else names)
            if name in metadata
            for number in metadata[name].partitions
        ]
        if not parts:
            return {}
        if group not in self._consumers:
            self._consumers[group] = ck.Consumer({**self._settings, "group.id": group, "enable.auto.commit": False})
        consumer = self._consumers[group]
        answers = _patiently(lambda: consumer.committed(parts, timeout=TIMEOUT_SECONDS), f"asking where {group} stands")
        for part in answers:
            if part.error is not None:
                raise translated(part.error, f"asking where {group} stands in {part.topic}/{part.partition}")
        return {TopicPartition(part.topic, part.partition): part.offset for part in answers if part.offset >= 0}

    def close(self) -> None:
        for consumer in self._consumers.values():
            consumer.close()
        self._consumers.clear()

    def _metadata(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._admin.list_topics(timeout=TIMEOUT_SECONDS).topics
        except KafkaException as e:
            raise translated(e.args[0], "listing topics") from e
        return found

    def _names(self) -> set[str]:
        return set(self._metadata())


def create_topics(bootstrap: str) -> list[TopicState]:
    """``KafkaAdmin.create_topics`` for all of topics.yaml."""
    return KafkaAdmin(bootstrap).create_topics()


def require_partitions(bootstrap: str, names: Iterable[str]) -> None:
    """The partition counts of these topics are part of what is stored: another count would part items from their state.

    Raises:
        RefusedError: a topic has another count than topics.yaml says.
        UnavailableError: it is not there (yet).
    """
    admin = KafkaAdmin(bootstrap)
    for name in names:
        found, expected = admin.partitions(name), topics()[name].partitions
        if found != expected:
            raise RefusedError(f"topic {name}: expected {expected} partitions, found {found}")


T = TypeVar("T")


def _patiently(ask: Callable[[], T], doing: str) -> T:
    """``ask()``, again while the broker is only just ready."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            return ask()
        except KafkaException as e:
            if e.args[0].code() not in _LOADING or time.monotonic() >= deadline:
                raise translated(e.args[0], doing) from e
            time.sleep(0.1)
        except TimeoutError as e:
            raise UnavailableError(f"kafka, {doing}: no answer within {TIMEOUT_SECONDS:g} s") from e


def _created(future: Any) -> None:
    try:
        _result(future)
    except KafkaException as e:
        if e.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def _result(future: Any) -> Any:
    return future.result(TIMEOUT_SECONDS)
