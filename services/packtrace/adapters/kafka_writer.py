"""The log on Kafka, by confluent-kafka (librdkafka), to write.

The writer is idempotent, waits for all replicas, never gives up a record (``message.timeout.ms`` 0) and has the gapless guarantee on:
what a partition holds is always a prefix of what was written to it. Lineage watermarks rest on that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import confluent_kafka as ck
from confluent_kafka import KafkaError, KafkaException

from packtrace.adapters.kafka import translated
from packtrace.adapters.log_limits import check_size, producer_bytes_max
from packtrace.errors import UnavailableError

SLICE_SECONDS = 0.25
"""Waits are cut to this, so that a signal is served in between."""


def _said(error: KafkaException) -> str:
    told: KafkaError = error.args[0]
    return f"{told.str()} ({told.name()})"


class KafkaWriter:
    """Ordered, gapless, acknowledged writes (port ``LogWriter``). The first failure ends it.

    Args:
        linger_milliseconds: how long a record waits for others to travel with.
        queued_kilobytes_max: bound of the local queue; ``write`` waits while it is full.
        full_seconds: how long ``write`` waits for room before it calls the broker away.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        client: str = "packtrace",
        linger_milliseconds: float = 5,
        queued_kilobytes_max: int = 65_536,
        full_seconds: float = 5.0,
    ) -> None:
        self._full_seconds = full_seconds
        self._failure = ""
        self._asked: Callable[[int, int], None] | None = None
        self._answering = self._delivered
        self._producer = ck.Producer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": client,
                "enable.idempotence": True,
                "enable.gapless.guarantee": True,
                "acks": "all",
                "message.timeout.ms": 0,
                "message.max.bytes": producer_bytes_max(),
                "compression.type": "lz4",
                "linger.ms": linger_milliseconds,
                "batch.size": 1_000_000,
                "queue.buffering.max.kbytes": queued_kilobytes_max,
                "queue.buffering.max.messages": 1_000_000,
                "partitioner": "murmur2_random",
                "allow.auto.create.topics": False,
                "reconnect.backoff.ms": 100,
                "reconnect.backoff.max.ms": 1_000,
                "socket.keepalive.enable": True,
                "log_level": 2,
            }
        )

    def write(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
        on_acknowledged: Callable[[int, int], None] | None = None,
    ) -> None:
        check_size(topic, key, value, headers)
        named: dict[str, Any] = {"on_delivery": self._delivered if on_acknowledged is None else self._answer(on_acknowledged)}
        if partition is not None:
            named["partition"] = partition
        if headers:
            named["headers"] = list(headers)
        deadline = 0.0
        while True:
            self._raise_failure()
            try:
                self._producer.produce(topic, value, key, **named)
                return
            except BufferError as e:
                now = time.monotonic()
                deadline = deadline or now + self._full_seconds
                if now >= deadline:
                    raise UnavailableError(f"kafka: no room in the queue to {topic} for {self._full_seconds:g} s") from e
                self._serve(self._producer.poll, SLICE_SECONDS)
            except KafkaException as e:
                raise translated(e.args[0], f"writing to {topic}") from e

    def poll(self) -> None:
        self._serve(self._producer.poll, 0)
        self._raise_failure()

    def flush(self, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        left = 1
        while left:
            left = self._serve(self._producer.flush, min(SLICE_SECONDS, max(deadline - time.monotonic(), 0)))
            self._raise_failure()
            if left and time.monotonic() >= deadline:
                self._failure = f"kafka: {left} records not acknowledged within {timeout_seconds:g} s"
        self._raise_failure()

    def close(self) -> None:
        """Drop what is not acknowledged: whoever wants it kept calls ``flush`` before."""
        self._failure = self._failure or "kafka: this writer is closed"
        self._producer.purge()
        with suppress(UnavailableError):
            self._serve(self._producer.flush, SLICE_SECONDS)

    def _serve(self, call: Callable[[float], int], seconds: float) -> int:
        """Run callbacks. The driver raises a fatal error here, and a SystemError where a callback of ours ran after it: caused by
        the error, or by nothing where the driver has lost it."""
        try:
            return call(seconds)
        except KafkaException as e:
            said = _said(e)
        except SystemError as e:
            if e.__cause__ is not None and not isinstance(e.__cause__, KafkaException):
                raise
            said = str(e) if e.__cause__ is None else _said(e.__cause__)
        self._failure = self._failure or f"kafka: the writer cannot go on: {said}"
        raise UnavailableError(self._failure)

    def _delivered(self, error: KafkaError | None, message: Any) -> None:
        if error is not None and not self._failure:
            self._failure = f"kafka: a record to {message.topic()} was not stored: {error.str()} ({error.name()})"

    def _answer(self, on_acknowledged: Callable[[int, int], None]) -> Callable[[KafkaError | None, Any], None]:
        if on_acknowledged is self._asked:
            return self._answering

        def answer(error: KafkaError | None, message: Any) -> None:
            if error is None:
                on_acknowledged(message.partition(), message.offset())
            else:
                self._delivered(error, message)

        self._asked, self._answering = on_acknowledged, answer
        return answer

    def _raise_failure(self) -> None:
        if self._failure:
            raise UnavailableError(self._failure)
