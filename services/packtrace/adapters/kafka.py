"""The log on Kafka, by confluent-kafka (librdkafka), to read; ``kafka_writer`` is the other half.

Chosen settings and why:

- the reader never resets its position by itself: an offset that is gone stops it with the exact gap.
- ``fetch.queue.backoff.ms`` is small: at its default of 1 s a full local queue costs a third of the rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import confluent_kafka as ck
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from packtrace.adapters.bounded import within
from packtrace.errors import PacktraceError, RefusedError, UnavailableError
from packtrace.ports import Committed, LogRecord, TopicPartition

SESSION_TIMEOUT_MILLISECONDS = 10_000
"""How long a killed member keeps its partitions from the others."""

REQUEST_TIMEOUT_SECONDS = 5.0
"""Of a question to the broker (positions, offsets); a SIGTERM must find us answering within 10 s."""

COMMIT_SECONDS_MAX = 10.0
"""Two requests: one may be lost on a connection that is not there any more."""

CLOSE_SECONDS_MAX = 5.0

_REFUSED = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.INCONSISTENT_GROUP_PROTOCOL,
        KafkaError._AUTHENTICATION,
        KafkaError._INVALID_ARG,
    }
)
"""Set-up errors: waiting does not help."""

_PASSING = frozenset(
    {
        KafkaError._PARTITION_EOF,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError._TIMED_OUT,
        KafkaError._MAX_POLL_EXCEEDED,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
    }
)
"""What the client reports in passing and gets over by itself."""


_new = tuple.__new__
"""A third of the cost of making a NamedTuple by its name."""


def translated(error: KafkaError, doing: str) -> UnavailableError | RefusedError:
    """Our error for a driver's."""
    text = f"kafka, {doing}: {error.str()} ({error.name()})"
    return RefusedError(text) if error.code() in _REFUSED else UnavailableError(text)


def _told(error: KafkaError, doing: str) -> UnavailableError | RefusedError:
    """As ``translated``, of a reader. After a fatal error the driver answers nothing any more, and says so once; mostly the broker
    gave this process's name to a new member, which may be this very process after a silence longer than the session timeout."""
    if error.fatal() or error.code() == KafkaError._FATAL:
        return RefusedError(f"kafka, {doing}: {error.str()}; a process that is started again joins anew")
    return translated(error, doing)


class KafkaReader:
    """A member of a consumer group (port ``LogReader``). Not for use from two threads.

    Args:
        linger_seconds: ``poll`` waits this long after the first record for more, so that batches grow under load.
        queued_kilobytes_max: bound of the local queue of fetched records.
        instance: a name that a process keeps over its restarts, unique in the group: after a crash it gets its partitions
            back at once, and an older process of that name is fenced: RefusedError. Empty: a new member each time, and what a killed one
            held comes back after the session timeout.
        fetch_bytes_min: the broker waits for so much, 0.1 s at most, before it answers; 1 where an answer is to come at once.
        partition_bytes_max: of one partition in one answer, or one batch; the less, the more evenly partitions come.
    """

    def __init__(
        self,
        bootstrap: str,
        group: str,
        *,
        client: str = "packtrace",
        linger_seconds: float = 0.0,
        queued_kilobytes_max: int = 65_536,
        session_timeout_milliseconds: int = SESSION_TIMEOUT_MILLISECONDS,
        instance: str = "",
        fetch_bytes_min: int = 1,
        partition_bytes_max: int = 1_048_576,
    ) -> None:
        self._linger_seconds = linger_seconds
        self._closing = False
        self._revoking = False
        self._thrown_out = False
        self._assigned: set[TopicPartition] = set()
        self._admin_settings: dict[str, str | int | float | bool] = {"bootstrap.servers": bootstrap, "client.id": client, "log_level": 2}
        self._admin = AdminClient(self._admin_settings)
        self._consumer = ck.Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": group,
                "client.id": client,
                **({"group.instance.id": instance} if instance else {}),
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "allow.auto.create.topics": False,
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": session_timeout_milliseconds,
                "heartbeat.interval.ms": min(1_000, session_timeout_milliseconds // 3),
                "max.poll.interval.ms": 300_000,
                "socket.timeout.ms": int(REQUEST_TIMEOUT_SECONDS * 1000),
                "topic.metadata.refresh.interval.ms": 30_000,
                "fetch.wait.max.ms": 100,
                "fetch.min.bytes": fetch_bytes_min,
                "max.partition.fetch.bytes": partition_bytes_max,
                "fetch.queue.backoff.ms": 2,
                "queued.min.messages": 100_000,
                "queued.max.messages.kbytes": queued_kilobytes_max,
                "check.crcs": True,
                "reconnect.backoff.ms": 100,
                "reconnect.backoff.max.ms": 1_000,
                "socket.keepalive.enable": True,
                "log_level": 2,
            }
        )

    def subscribe(
        self,
        topics: Sequence[str],
        on_assigned: Callable[[list[TopicPartition]], Mapping[TopicPartition, int] | None],
        on_revoked: Callable[[list[TopicPartition]], None],
    ) -> None:
        def assign(consumer: Any, parts: list[ck.TopicPartition]) -> None:
            if self._closing:
                consumer.incremental_assign(parts)
                return
            partitions = [TopicPartition(part.topic, part.partition) for part in parts]
            starts = dict(on_assigned(partitions) or {})
            self._assigned.update(partitions)
            stored = self.committed(partition for partition in partitions if partition not in starts)
            for partition, position in stored.items():
                starts[partition] = position.offset if position.offset >= 0 else ck.OFFSET_BEGINNING
            consumer.incremental_assign([ck.TopicPartition(*partition, starts[partition]) for partition in partitions])
            self.resume(partitions)  # the driver remembers a pause from before the partition was taken away

        def revoke(consumer: Any, parts: list[ck.TopicPartition]) -> None:
            gone = [partition for part in parts if (partition := TopicPartition(part.topic, part.partition)) in self._assigned]
            if gone:
                self._revoking = True
                try:
                    on_revoked(gone)
                finally:
                    self._revoking = False
                self._assigned.difference_update(gone)
            consumer.incremental_unassign(parts)

        def lose(consumer: Any, parts: list[ck.TopicPartition]) -> None:
            self._thrown_out = True
            try:
                revoke(consumer, parts)
            finally:
                self._thrown_out = False

        self._on_revoked = on_revoked
        self._consumer.subscribe(list(topics), on_assign=assign, on_revoke=revoke, on_lost=lose)

    def poll(self, records_max: int, timeout_seconds: float) -> list[LogRecord]:
        consume = self._call
        messages = consume(1, timeout_seconds)
        if not messages:
            return []
        if records_max > 1:
            messages += consume(records_max - 1, self._linger_seconds)
        records = []
        assigned = self._assigned
        for message in messages:
            error = message.error()
            if error is not None:
                self._judge(message, error)
                continue
            topic, partition = message.topic(), message.partition()
            if (topic, partition) not in assigned:
                continue  # taken away while this very call collected
            headers = message.headers()
            columns = (
                topic, partition, message.offset(), message.key(), message.value(), message.timestamp()[1] * 1000,
                tuple(headers) if headers else (),
            )  # fmt: skip
            records.append(_new(LogRecord, columns))
        return records

    def _call(self, records_max: int, timeout_seconds: float) -> list[Any]:
        try:
            messages: list[Any] = self._consumer.consume(records_max, timeout_seconds)
        except KafkaException as e:
            raise _told(e.args[0], "reading") from e
        return messages

    def _judge(self, message: Any, error: KafkaError) -> None:
        if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            partition = TopicPartition(message.topic(), message.partition())
            oldest, end = self.watermarks(partition)
            raise RefusedError(
                f"{partition.topic}/{partition.partition}: the position to read from is not in the log any more or not yet, "
                f"it holds offsets {oldest} to {end - 1} ({error.str()}). Nothing is skipped by itself"
            )
        if error.code() not in _PASSING:
            raise _told(error, f"reading {message.topic() or ''}".rstrip())

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from ``offset``: the partition is handed in anew, since a bare seek fails until its first fetch."""
        part = ck.TopicPartition(*partition, offset)
        try:
            self._consumer.incremental_unassign([part])
            self._consumer.incremental_assign([part])
        except KafkaException as e:
            raise _told(e.args[0], "seeking") from e

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        self._consumer.pause([ck.TopicPartition(*partition) for partition in partitions])

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        self._consumer.resume([ck.TopicPartition(*partition) for partition in partitions])

    def commit(self, positions: Mapping[TopicPartition, Committed]) -> None:
        """Store positions. While others join or leave it may answer UnavailableError: the partitions stay ours until
        ``on_revoked``, so poll and commit again later, at the latest inside ``on_revoked``."""
        if not positions:
            return
        if self._thrown_out:
            raise UnavailableError("kafka, storing positions: the broker gave the partitions away before")
        parts = [ck.TopicPartition(*partition, position.offset, position.metadata) for partition, position in positions.items()]
        self.committed(positions)  # the driver's commit waits for as long as the broker is away; this question does not
        try:
            # it may also never return, where the member was thrown out meanwhile (confluent-kafka-python issue 1801); while it waits
            # for us to hand partitions back it hears us in this thread alone, and knows that we are a member
            seconds = None if self._revoking else COMMIT_SECONDS_MAX
            answers = within(seconds, lambda: self._consumer.commit(offsets=parts, asynchronous=False))
        except KafkaException as e:
            raise _told(e.args[0], "storing positions") from e
        except TimeoutError as e:
            raise UnavailableError(f"kafka, storing positions: no answer within {COMMIT_SECONDS_MAX:g} s") from e
        for answer in answers or ():
            if answer.error is not None:
                raise _told(answer.error, f"storing the position of {answer.topic}/{answer.partition}")

    def committed(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Committed]:
        parts = [ck.TopicPartition(*partition) for partition in partitions]
        if not parts:
            return {}
        try:
            answers = self._consumer.committed(parts, timeout=REQUEST_TIMEOUT_SECONDS)
        except KafkaException as e:
            raise _told(e.args[0], "asking for positions") from e
        found = {}
        for answer in answers:
            if answer.error is not None:
                raise _told(answer.error, f"asking for the position of {answer.topic}/{answer.partition}")
            offset = answer.offset if answer.offset >= 0 else -1
            found[TopicPartition(answer.topic, answer.partition)] = Committed(offset, answer.metadata or "")
        return found

    def watermarks(self, partition: TopicPartition) -> tuple[int, int]:
        # By the administrator's call: the consumer's own waits for as long as the broker is away, timeout or not.
        part = ck.TopicPartition(*partition)
        doing = f"asking for the ends of {partition.topic}/{partition.partition}"
        specs = (OffsetSpec.earliest(), OffsetSpec.latest())  # type: ignore[no-untyped-call]
        asked = [self._admin.list_offsets({part: spec}, request_timeout=REQUEST_TIMEOUT_SECONDS)[part] for spec in specs]
        try:
            oldest, end = (int(answer.result(REQUEST_TIMEOUT_SECONDS).offset) for answer in asked)
        except KafkaException as e:
            self._forget_leaders()
            raise _told(e.args[0], doing) from e
        except TimeoutError as e:
            self._forget_leaders()
            raise UnavailableError(f"kafka, {doing}: no answer within {REQUEST_TIMEOUT_SECONDS:g} s") from e
        return oldest, end

    def known_end(self, partition: TopicPartition) -> int:
        ends = self._consumer.get_watermark_offsets(ck.TopicPartition(*partition), cached=True)
        return -1 if ends is None else int(ends[1])

    def _forget_leaders(self) -> None:
        """A restarted broker has a new leader epoch, and this client asks with the one it knows until its metadata is minutes old."""
        self._admin = AdminClient(self._admin_settings)

    def close(self) -> None:
        """Leave the group, after ``on_revoked`` for what is still held; positions it cannot store are read again by others."""
        held, self._assigned = sorted(self._assigned), set()
        try:
            if held:
                self._on_revoked(held)
        except PacktraceError:
            pass
        finally:
            self._closing = True
            with suppress(TimeoutError):
                within(CLOSE_SECONDS_MAX, self._consumer.close)
