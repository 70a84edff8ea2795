"""The shell: a stream goes to Kafka at its pace, and only what the broker acknowledged is counted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from packtrace.ports import LogWriter
from packtrace.simulator.encode import Encoder
from packtrace.simulator.messages import Message
from packtrace.simulator.recipe import SECOND
from packtrace.simulator.truth import Truth

TOPIC = "events"
PROGRESS_SECONDS = 0.25
POLL_EVERY = 500
FLUSH_TIMEOUT_SECONDS = 120.0


class Wanted(Protocol):
    """What a stream was asked for."""

    @property
    def units(self) -> int: ...


class Publishable(Protocol):
    """Messages in the order in which they go out, counts of what was made so far, and the truth."""

    @property
    def recipe(self) -> Wanted: ...
    @property
    def truth(self) -> Truth: ...
    @property
    def units(self) -> int: ...
    @property
    def cases(self) -> int: ...
    @property
    def pallets(self) -> int: ...
    @property
    def sample_pallet(self) -> str: ...
    def __iter__(self) -> Iterator[Message]: ...
    def stop(self) -> None:
        """Come to an end soon."""


class Interlude(msgspec.Struct, frozen=True):
    """Something to do when ``after`` messages have been stored, before the next one goes out."""

    after: int
    act: Callable[[], None]


class Progress(msgspec.Struct, frozen=True):
    """How far a run is. ``events`` are acknowledged, the rest is of what was written."""

    seconds: float
    events: int
    written: int
    operations: int
    units: int
    units_wanted: int
    cases: int
    pallets: int
    planted: int

    @property
    def events_per_second(self) -> float:
        return self.events / self.seconds if self.seconds > 0 else 0.0


class Summary(msgspec.Struct, frozen=True):
    """A finished run; ``truth`` names only the faults that were published, also when the run was cut short."""

    progress: Progress
    truth: Truth
    complete: bool
    sample_pallet: str
    """One that stayed whole, where there is one."""

    @property
    def planted(self) -> dict[str, int]:
        """Rule -> how often it was broken."""
        return dict(sorted(Counter(fault.rule for fault in self.truth.planted).items()))

    def as_json(self) -> dict[str, object]:
        """For ``--json``."""
        rates = {
            "events_per_second": round(self.progress.events_per_second, 1),
            "operations_per_second": round(self.progress.operations / self.progress.seconds, 1) if self.progress.seconds else 0.0,
        }
        return (
            msgspec.structs.asdict(self.progress)
            | rates
            | {"planted": self.planted, "seed": self.truth.run.seed, "complete": self.complete}
        )


class Publisher:
    """Publishes one stream.

    Args:
        real_time: each message goes out at its ``at``; else flat out.
        interlude: reference data that is loaded among the events.
        now_microseconds, sleep: the clock, so that a test can move it.
    """

    def __init__(
        self,
        stream: Publishable,
        writer: LogWriter,
        encoder: Encoder,
        *,
        real_time: bool,
        interlude: Interlude | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        now_microseconds: Callable[[], int] = lambda: time.time_ns() // 1000,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._stream = stream
        self._writer = writer
        self._encoder = encoder
        self._real_time = real_time
        self._interlude = interlude
        self._on_progress = on_progress
        self._now = now_microseconds
        self._sleep = sleep
        self._acknowledged = 0
        self._written = 0
        self._operations = 0
        self._began = 0
        self._reported = 0
        self._offenders = {fault.event for fault in stream.truth.planted}
        self._published: set[str] = set()

    def run(self, wall_seconds_max: float = 0) -> Summary:
        """Publish to the end, or until ``wall_seconds_max`` is over (then lines end their batch at once) or Ctrl-C.

        1. write each message when it is due, keyed by its source;
        2. flush: everything written is acknowledged;
        3. only then say what was planted.

        A crash before 3 leaves events without a truth file, never a truth about events that are not there.

        Raises:
            UnavailableError: the broker did not take it.
        """
        self._began = self._reported = self._now()
        stop = self._began + int(wall_seconds_max * SECOND) if wall_seconds_max else 0
        complete = True
        try:
            self._write_all(stop)
        except KeyboardInterrupt:
            complete = False
        self._writer.flush(FLUSH_TIMEOUT_SECONDS)
        progress = self._progress()
        self._on_progress(progress)
        truth = self._stream.truth
        planted = tuple(fault for fault in truth.planted if fault.event in self._published)
        return Summary(progress, Truth(truth.run, planted), complete, self._stream.sample_pallet)

    def _write_all(self, stop: int) -> None:
        writer, encode, acknowledged = self._writer, self._encoder.encode, self._count
        offenders = self._offenders
        for message in self._stream:
            if self._interlude is not None and self._written == self._interlude.after:
                self._act(self._interlude)
            if self._real_time:
                self._until(message.at)
            elif self._written % POLL_EVERY == 0:
                self._between(stop)
            writer.write(TOPIC, encode(message), key=message.template.source.key, on_acknowledged=acknowledged)
            self._written += 1
            self._operations += message.operations
            if message.id in offenders:
                self._published.add(message.id)

    def _act(self, interlude: Interlude) -> None:
        self._writer.flush(FLUSH_TIMEOUT_SECONDS)
        interlude.act()

    def _until(self, at: int) -> None:
        """Sleep until ``at``, serving acknowledgements and progress."""
        while (left := at - self._now()) > 0:
            self._between(0)
            self._sleep(min(left / SECOND, 0.05))
        self._between(0)

    def _between(self, stop: int) -> None:
        self._writer.poll()
        now = self._now()
        if now - self._reported >= PROGRESS_SECONDS * SECOND:
            self._reported = now
            self._on_progress(self._progress())
        if stop and now >= stop:
            self._stream.stop()

    def _count(self, partition: int, offset: int) -> None:
        self._acknowledged += 1

    def _progress(self) -> Progress:
        stream = self._stream
        return Progress(
            seconds=(self._now() - self._began) / SECOND, events=self._acknowledged, written=self._written, operations=self._operations,
            units=stream.units, units_wanted=stream.recipe.units, cases=stream.cases, pallets=stream.pallets, planted=len(self._published),
        )  # fmt: skip
