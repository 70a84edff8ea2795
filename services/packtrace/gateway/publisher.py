"""Records -> the broker. One thread owns the writer; requests that wait at the same time share one acknowledgement.

A request is told yes only when every one of its records was acknowledged. When the writer fails it is thrown away: what was
acknowledged before stays claimed, the rest is told so, and the next batch gets a new writer.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from packtrace.errors import UnavailableError
from packtrace.ports import LogWriter
from packtrace.telemetry import log

BATCH_REQUESTS_MAX = 256
PROBE_SECONDS = 2.0
"""How often an idle publisher looks whether the broker is there, so that /readyz is true before the first request."""


class Outgoing(NamedTuple):
    """One record to write."""

    topic: str
    key: bytes | None
    value: bytes
    partition: int | None = None


class OverloadedError(Exception):
    """More bytes wait for the broker than allowed."""


class _Job:
    """The records of one request and how many of them are acknowledged."""

    __slots__ = ("done", "left", "records", "size")

    def __init__(self, records: Sequence[Outgoing]) -> None:
        self.records = records
        self.left = len(records)
        self.size = sum(len(record.value) for record in records)
        self.done: Future[None] = Future()

    def acknowledged(self, partition: int, offset: int) -> None:
        self.left -= 1


class Sent:
    """Records that were handed over; ``wait`` returns when the broker has acknowledged every one of them."""

    def __init__(self, job: _Job | None) -> None:
        self._job = job

    def wait(self) -> None:
        """Raises UnavailableError: it did not, or not in time."""
        if self._job is not None:
            self._job.done.result()


class Publisher:
    """See the module.

    Args:
        open_writer: makes a writer; may raise UnavailableError.
        probe: raises UnavailableError while the broker is away.
        on_failure: called when the thread cannot go on; the process should end and be started again.
        acknowledge_timeout_seconds: how long one batch may take.
        pending_bytes_max: of records taken and not yet acknowledged.
    """

    def __init__(
        self,
        open_writer: Callable[[], LogWriter],
        probe: Callable[[], None],
        on_failure: Callable[[], None],
        acknowledge_timeout_seconds: float = 10.0,
        pending_bytes_max: int = 64 * 1024 * 1024,
    ) -> None:
        self._open_writer = open_writer
        self._probe = probe
        self._on_failure = on_failure
        self._acknowledge_timeout_seconds = acknowledge_timeout_seconds
        self._pending_bytes_max = pending_bytes_max
        self._pending_bytes = 0
        self._room = threading.Condition()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer: LogWriter | None = None
        self._trouble: str | None = "the broker has not answered yet"
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Return when the broker has acknowledged every record.

        Raises:
            UnavailableError: it did not, or not in time; some may be in the log all the same.
            OverloadedError: too much is waiting already; nothing was taken.
        """
        if records:
            await asyncio.wrap_future(self._put(records, 0).done)

    def send(self, records: Sequence[Outgoing], patient: bool = False) -> Sent:
        """Hand ``records`` over, from a thread that may block.

        Args:
            patient: wait for room, as somebody in the middle of a document does, up to the time a batch may take.

        Raises:
            OverloadedError: too much is waiting already; nothing was taken.
        """
        return Sent(self._put(records, self._acknowledge_timeout_seconds if patient else 0) if records else None)

    def _put(self, records: Sequence[Outgoing], patience_seconds: float) -> _Job:
        job = _Job(records)
        with self._room:
            if not self._room.wait_for(lambda: self._fits(job), patience_seconds):
                raise OverloadedError
            self._pending_bytes += job.size
        self._jobs.put(job)
        return job

    def _fits(self, job: _Job) -> bool:
        return not self._pending_bytes or self._pending_bytes + job.size <= self._pending_bytes_max

    def trouble(self) -> str | None:
        """Why nothing can be published now; None when it can."""
        return self._trouble

    def close(self) -> None:
        """Publish what was taken, then stop."""
        self._jobs.put(None)
        self._thread.join(self._acknowledge_timeout_seconds + 1)

    def _run(self) -> None:
        jobs: list[_Job] | None = []
        try:
            self._look()
            while (jobs := self._next_jobs()) is not None:
                if jobs:
                    self._publish(jobs)
                else:
                    self._look()
        except Exception as error:
            self._trouble = f"the publisher stopped: {error}"
            log.error("gateway.publisher_failed", error=str(error))
            for job in jobs or ():
                job.done.set_exception(UnavailableError(self._trouble))
            self._on_failure()
            raise
        finally:
            self._drop_writer()

    def _next_jobs(self) -> list[_Job] | None:
        """Everything that waits, empty after a while without any; None at the end."""
        try:
            first = self._jobs.get(timeout=PROBE_SECONDS)
        except queue.Empty:
            return []
        if first is None:
            return None
        jobs = [first]
        while len(jobs) < BATCH_REQUESTS_MAX:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._jobs.put(None)
                break
            jobs.append(job)
        return jobs

    def _publish(self, jobs: Sequence[_Job]) -> None:
        try:
            if self._writer is None:
                self._writer = self._open_writer()
            for job in jobs:
                acknowledged = job.acknowledged
                for topic, key, value, partition in job.records:
                    self._writer.write(topic, value, key=key, partition=partition, on_acknowledged=acknowledged)
            self._writer.flush(self._acknowledge_timeout_seconds)
            self._trouble = None
        except UnavailableError as error:
            self._trouble = str(error)
            self._drop_writer()
        with self._room:
            self._pending_bytes -= sum(job.size for job in jobs)
            self._room.notify_all()
        for job in jobs:
            if job.left == 0:
                job.done.set_result(None)
            else:
                job.done.set_exception(UnavailableError(self._trouble or "the broker did not acknowledge"))

    def _look(self) -> None:
        try:
            self._probe()
            self._trouble = None
        except UnavailableError as error:
            self._trouble = str(error)

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
