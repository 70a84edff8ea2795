"""Event acknowledged -> alert readable, under a steady load: both moments by the clock of this process.

The load is S1 with a duplicate after one of ``FAULTY_OF`` units and packing close behind, so that a minute gives alerts enough for a tail; each alert's event
is known by its id. The moment of the acknowledgement is when the driver's callback runs, that of the alert when a reader of the
topic has it in hand.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from itertools import accumulate
from math import ceil, log10

import msgspec

from packtrace.bench.load import FLUSH_SECONDS, TOPIC, Load, paced
from packtrace.ports import LogReader, LogWriter, TopicPartition
from packtrace.simulator.latency import event_id, offender, percentile
from packtrace.simulator.streams import Stream

FAULTY_OF = 20
CASES_LATER = 4
"""Of a line: units are packed within seconds, so that a minute holds every kind of event."""
POLL_SECONDS = 0.05
POLL_RECORDS_MAX = 1_000
MICRO = 1_000_000
STEPS_PER_DECADE = 5
BAR_CHARACTERS = 48


def stream(units: int) -> Stream:
    """The load."""
    return Stream("S1, faulty", units, faulty_of=FAULTY_OF, cases_later=CASES_LATER)


class Latency(msgspec.Struct, kw_only=True, frozen=True):
    """At one load. Times in milliseconds."""

    share: float
    """Of the capacity measured before."""
    events_per_second: float
    operations_per_second: float
    alerts: int
    missing: int
    """Duplicates without an alert: the run has no figure then."""
    p50: float
    p99: float
    p999: float
    max: float
    histogram: list[tuple[float, int]]
    """(upper bound in milliseconds, alerts)."""


class Watcher:
    """Reads ``alerts`` in a thread of its own: event id -> when its first alert was in hand."""

    def __init__(self, reader: LogReader) -> None:
        self.seen: dict[str, float] = {}
        self._reader = reader
        self._ready = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self, seconds_max: float) -> bool:
        """Whether it reads from the end of the topic now."""
        self._thread.start()
        return self._ready.wait(seconds_max)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._reader.close()

    def _run(self) -> None:
        def assigned(partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
            self._ready.set()
            return {partition: self._reader.watermarks(partition)[1] for partition in partitions}

        self._reader.subscribe(["alerts"], assigned, lambda partitions: None)
        while not self._stop.is_set():
            records = self._reader.poll(POLL_RECORDS_MAX, POLL_SECONDS)
            now = time.monotonic()
            for record in records:
                if record.value is not None:
                    self.seen.setdefault(offender(record.value)[1], now)


def send(load: Load, writer: LogWriter, operations_per_second: float, tell: Callable[[int], None]) -> dict[str, float]:
    """Write ``load`` at a steady rate of EPC-ops; event id -> when the broker had acknowledged it."""
    acknowledged: dict[str, float] = {}

    def told(name: str) -> Callable[[int, int], None]:
        def on_acknowledged(partition: int, offset: int) -> None:
            acknowledged.setdefault(name, time.monotonic())

        return on_acknowledged

    def sleep(seconds: float) -> None:
        writer.poll()
        time.sleep(min(seconds, 0.001))

    moments = (done / operations_per_second for done in accumulate(load.sizes))
    for number in paced(moments, time.monotonic, sleep):
        key, value = load.records[number]
        writer.write(TOPIC, value, key=key, on_acknowledged=told(event_id(value)))
        writer.poll()
        if number % 1_000 == 0:
            tell(number)
    writer.flush(FLUSH_SECONDS)
    return acknowledged


def latency(share: float, load: Load, seconds: float, acknowledged: dict[str, float], seen: dict[str, float], duplicates: int) -> Latency:
    """Of the alerts whose event was ours."""
    taken = sorted(max(round((at - acknowledged[name]) * MICRO), 0) for name, at in seen.items() if name in acknowledged)
    return Latency(
        share=share, events_per_second=round(load.events / seconds, 1), operations_per_second=round(load.operations / seconds, 1),
        alerts=len(taken), missing=max(duplicates - len(taken), 0), p50=_ms(taken, 0.5), p99=_ms(taken, 0.99), p999=_ms(taken, 0.999),
        max=_ms(taken, 1.0), histogram=histogram(taken),
    )  # fmt: skip


def _ms(taken: list[int], share: float) -> float:
    return round(percentile(taken, share) / 1_000, 2)


def histogram(microseconds: Sequence[int]) -> list[tuple[float, int]]:
    """Steps that grow by 10^(1/5), from the first to the last that holds something; all below a millisecond are one."""
    counts: dict[int, int] = {}
    for value in microseconds:
        step = ceil(log10(max(value, 1_000)) * STEPS_PER_DECADE)
        counts[step] = counts.get(step, 0) + 1
    if not counts:
        return []
    return [(round(10 ** (step / STEPS_PER_DECADE) / 1_000, 3), counts.get(step, 0)) for step in range(min(counts), max(counts) + 1)]


def picture(found: Latency) -> str:
    """The histogram as text, a bar a line."""
    most = max((count for _, count in found.histogram), default=1)
    return "\n".join(
        f"  up to {bound:>9,.1f} ms  {'█' * round(count / most * BAR_CHARACTERS) or ('▏' if count else ''):<{BAR_CHARACTERS}}  {count:,}"
        for bound, count in found.histogram
    )


def svg(found: Sequence[Latency]) -> str:
    """The histograms as one drawing, a panel for each load, times on a scale of powers."""
    width, height, left, top = 640, 200, 50, 40
    bounds = sorted({bound for one in found for bound, _ in one.histogram})
    panels = []
    for number, one in enumerate(found):
        of, most = dict(one.histogram), max((count for _, count in one.histogram), default=1)
        bar = (width - left - 20) / max(len(bounds), 1)
        y = top + number * (height + 70)
        title = f"{one.share:.0%} load, {one.operations_per_second:,.0f} EPC-ops/s: p50 {one.p50:g} ms, p99 {one.p99:g} ms, p99.9 {one.p999:g} ms"
        panels.append(f'<text x="{left}" y="{y - 10}" font-weight="bold">{title}</text>')
        for place, bound in enumerate(bounds):
            tall = of.get(bound, 0) / most * height
            x = left + place * bar
            panels.append(f'<rect x="{x:.1f}" y="{y + height - tall:.1f}" width="{bar - 1:.1f}" height="{tall:.1f}" fill="#2a6f97"/>')
            if place % STEPS_PER_DECADE == 0:
                panels.append(f'<text x="{x:.1f}" y="{y + height + 16}">{bound:g} ms</text>')
        panels.append(f'<line x1="{left}" y1="{y + height}" x2="{width - 20}" y2="{y + height}" stroke="#333"/>')
    tall = top + len(found) * (height + 70)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{tall}" font-family="sans-serif" font-size="11">'
    return head + '<rect width="100%" height="100%" fill="white"/>' + "".join(panels) + "</svg>\n"
