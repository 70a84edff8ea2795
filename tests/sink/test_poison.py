"""A record of ``events`` that ends the sink three times alone is set aside; its neighbours are stored, and an outage is none of its
business."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.adapters.history_memory import MemoryHistory
from packtrace.adapters.log_memory import MemoryLog, MemoryReader
from packtrace.codec import native
from packtrace.errors import UnavailableError
from packtrace.ports import LogRecord, Position, TopicPartition
from packtrace.sink import intent, poison
from packtrace.sink.blocks import Piece
from packtrace.sink.lane import Limits
from packtrace.sink.poison import Note, Watch
from packtrace.sink.shell import Sink

PLACE = TopicPartition("events", 0)
COLUMNS = (("partition", "UInt16"), ("offset", "Int64"), ("id", "String"))
KILLS = 3
STARTS_MAX = 80


class Died(Exception):
    """The process ends, as on a fault in native code."""


class Lines:
    """A table that some records end the process of."""

    name, columns, layout, latency_seconds, spacing_seconds = "events", COLUMNS, 1, 0.25, 0.5

    def __init__(self, fatal: Collection[bytes]) -> None:
        self._fatal = fatal

    def owns(self, partition: int, source: str) -> bool:
        return source == f"events/{partition}"

    def read(self, record: LogRecord) -> Piece | None:
        if record.value in self._fatal:
            raise Died
        at = Position(record.offset, 0)
        values = (record.partition, record.offset, (record.value or b"").decode())
        bodies = [native.body(type_, [value]) for (_, type_), value in zip(COLUMNS, values, strict=True)]
        return Piece(f"events/{record.partition}", at, at, 1, bodies, lambda: (at,))


class Site:
    """Log and table; ``aside`` is what was set aside."""

    def __init__(self, words: str, topic: str = "events") -> None:
        self.log = MemoryLog({topic: 1})
        self.topic = topic
        self.history = MemoryHistory()
        self.now = 0.0
        self.aside: list[tuple[int, bytes | None, int]] = []
        self.away = 0
        for word in words:
            self.log.append(TopicPartition(topic, 0), None, word.encode())

    def sink(self, fatal: Collection[bytes], poll_records_max: int = 100) -> tuple[Sink, MemoryReader]:
        reader = MemoryReader(self.log, "packtrace-sink")
        sink = Sink(
            reader, self.history, {self.topic: Lines(fatal)}, clock=lambda: self.now, fresh_generation=lambda: 7,
            limits=Limits(block_rows_max=3, poison_kills=KILLS), set_aside=self.set_aside, poll_records_max=poll_records_max,
        )  # fmt: skip
        sink.start()
        return sink, reader

    def set_aside(self, record: LogRecord, kills: int) -> None:
        if self.away:
            self.away -= 1
            raise UnavailableError("kafka: away")
        self.aside.append((record.offset, record.value, kills))

    def run(self, fatal: Collection[bytes], poll_records_max: int = 100) -> bool:
        """Until all is stored; whether the process died before."""
        sink, reader = self.sink(fatal, poll_records_max)
        try:
            for _ in range(300):
                sink.step()
                self.now += 0.3
        except Died:
            reader.kill()
            return True
        assert sink.idle, sink.trouble
        reader.close()
        return False

    def starts(self, fatal: Collection[bytes], poll_records_max: int = 100) -> int:
        for died in range(STARTS_MAX):
            if not self.run(fatal, poll_records_max):
                return died
        raise AssertionError(f"still dying after {STARTS_MAX} starts")

    def stored(self) -> str:
        return "".join(str(word) for (word,) in self.history.query("SELECT id FROM events ORDER BY offset"))


def test_one_that_kills_is_set_aside_when_it_has_done_so_three_times_alone() -> None:
    site = Site("ABCDEFGH")
    assert site.starts({b"E"}) == poison.BATCHES_MAX + KILLS
    assert site.aside == [(4, b"E", 5)]
    assert site.stored() == "ABCDFGH"


@settings(max_examples=60)
@given(st.sets(st.sampled_from("ABCDEFGHIJKL"), max_size=3), st.integers(1, 20))
def test_several_are_set_aside_and_every_other_is_stored_once(fatal: set[str], poll_records_max: int) -> None:
    site = Site("ABCDEFGHIJKL")
    site.starts({word.encode() for word in fatal}, poll_records_max)
    assert site.stored() == "".join(word for word in "ABCDEFGHIJKL" if word not in fatal)
    assert {value.decode() for _, value, _ in site.aside if value} == fatal


def test_when_it_cannot_be_kept_it_is_waited_with() -> None:
    site = Site("ABC")
    site.away = 3
    site.starts({b"B"})
    assert site.aside == [(1, b"B", 5)]
    assert site.stored() == "AC"


@pytest.mark.parametrize("kills", range(1, poison.BATCHES_MAX + KILLS))
def test_less_often_from_outside_sets_nothing_aside(kills: int) -> None:
    site = Site("ABC")
    for _ in range(kills):
        assert site.run({b"A"})
    assert not site.run(())
    assert site.aside == []
    assert site.stored() == "ABC"


def test_no_note_stays() -> None:
    site = Site("ABC")
    assert not site.run(())
    stored = intent.decode(site.log.group("packtrace-sink").positions[PLACE].metadata)
    assert stored is not None
    assert stored.note == Note()


def test_what_only_we_write_is_never_set_aside() -> None:
    site = Site("ABC", "history")
    for _ in range(12):
        assert site.run({b"B"})
    assert site.aside == []


def test_only_the_record_noted_alone_is_the_one_that_kills() -> None:
    watch = Watch(Note(2, 3, 7, "abc"), 3)
    assert watch.kills(7)
    assert not watch.kills(8)
    assert watch.begins_alone(8, "def") == Note(2, 1, 8, "def")
    assert not Watch(Note(2, 2, 7, "abc"), 3).kills(7)
    assert not Watch(Note(1, 3, 7, "abc"), 3).kills(7)
