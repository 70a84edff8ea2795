"""A record that ends the process three times alone is rejected; its neighbours are routed, and an outage is none of its business."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pytest

from packtrace.adapters.log_memory import MemoryLog
from packtrace.domain.vocabulary import Reject
from packtrace.errors import UnavailableError
from packtrace.ports import Committed, LogRecord, TopicPartition
from packtrace.router import poison
from packtrace.router.core import Core, Routed, Writers
from packtrace.router.poison import Note, Watch
from packtrace.router.shell import Router
from tests.router.seen import record, scan
from tests.router.test_shell import GROUP, PARTITIONS, Plant, clean, filled

STARTS_MAX = 40
KILLS = 3


class Died(Exception):
    """The process ends, as on a fault in native code."""


class Fatal(Core):
    """A core that some records end the process of."""

    def __init__(self, fatal: Collection[bytes | None]) -> None:
        super().__init__(PARTITIONS["ops"], PARTITIONS["events"])
        self._fatal = fatal
        self.away = 0

    def route(self, records: Sequence[LogRecord], writers: Writers, clocks: Mapping[str, int]) -> Routed:
        if any(one.value in self._fatal for one in records):
            raise Died
        if self.away:
            self.away -= 1
            raise UnavailableError("away")
        return super().route(records, writers, clocks)


def fatal(plant: Plant, values: Collection[bytes | None], away: int = 0) -> Router:
    plant.limits = plant.limits._replace(poison_kills=KILLS)
    router = plant.router()
    core = Fatal(values)
    core.away = away
    router._core = core
    return router


def starts(plant: Plant, values: Collection[bytes | None]) -> int:
    """Start the router again and again until everything is routed; how often it died."""
    for died in range(STARTS_MAX):
        router = fatal(plant, values)
        try:
            plant.run(router)
        except Died:
            for reader in plant.readers:
                reader.kill()
            continue
        return died
    raise AssertionError(f"still dying after {STARTS_MAX} starts")


def bytes_of(serial: str) -> bytes:
    value = record(scan(serial)).value
    assert value is not None
    return value


def test_one_that_kills_is_rejected_when_it_has_done_so_three_times_alone() -> None:
    plant = filled([(scan(serial), 0) for serial in "ABCDEFGH"])
    assert starts(plant, {bytes_of("E")}) == 1 + poison.BATCHES_MAX + KILLS, "once behind what it had stored already"
    (one,) = plant.rejected()
    assert (one.topic, one.partition, one.offset, one.reason) == ("events", 0, 4, Reject.POISON)
    assert one.value == bytes_of("E")
    assert "5 processes ended" in one.text
    routed = {op.offset for sources in plant.ops().values() for ops in sources.values() for op in ops}
    assert routed == {0, 1, 2, 3, 5, 6, 7}


def test_several_are_rejected_one_after_the_other() -> None:
    plant = filled([(scan(serial), n % 2) for n, serial in enumerate("ABCDEFGH")])
    starts(plant, {bytes_of("A"), bytes_of("D"), bytes_of("E")})
    assert sorted((one.partition, one.offset) for one in plant.rejected()) == [(0, 0), (0, 2), (1, 1)]


def test_without_one_nothing_is_noted_that_stays() -> None:
    plant = clean()
    assert {position.metadata for position in plant.log.group(GROUP).positions.values()} == {""}
    assert not [one for one in plant.rejected() if one.reason == Reject.POISON]


def test_an_outage_is_no_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packtrace.router.shell.BACKOFF_SECONDS", (0.0, 0.0))
    plant = filled([(scan(serial), 0) for serial in "ABC"])
    router = fatal(plant, (), away=6)
    plant.run(router)
    assert plant.rejected() == []


@pytest.mark.parametrize("kills", range(1, poison.BATCHES_MAX + KILLS))
def test_less_often_from_outside_rejects_nothing(kills: int) -> None:
    plant = filled([(scan(serial), 0) for serial in "ABC"])
    for _ in range(kills):
        with pytest.raises(Died):
            plant.run(fatal(plant, {bytes_of("A")}))
        for reader in plant.readers:
            reader.kill()
    assert starts(plant, ()) == 0
    assert plant.rejected() == []


def test_a_note_is_read_as_it_was_written_and_ones_own_is_none() -> None:
    note = Note(2, 1, "abc")
    assert poison.decode(poison.encode(note), "def") == note
    assert poison.decode(poison.encode(note), "abc") == Note()
    for text in ("", "begun", "begun 2", "begun x 1 abc", "begun 2 1 abc more"):
        assert poison.decode(text, "def") == Note()


def test_only_the_record_noted_alone_is_the_one_that_kills() -> None:
    watch = Watch(7, Note(2, 3, "abc"), 3)
    assert watch.kills(7)
    assert not watch.kills(8)
    assert watch.begins_alone(8, "def") == Note(2, 1, "def")
    assert not Watch(7, Note(2, 2, "abc"), 3).kills(7)
    assert Watch(7, Note(2, 2, "abc"), 3).begins_alone(7, "def") == Note(2, 3, "def")
    assert not Watch(7, Note(1, 3, "abc"), 3).kills(7)


def test_the_log_keeps_notes_beside_positions() -> None:
    log = MemoryLog(PARTITIONS)
    place = TopicPartition("events", 0)
    log.group(GROUP).positions[place] = Committed(3, poison.encode(Note(1, 0, "abc")))
    assert poison.decode(log.group(GROUP).positions[place].metadata, "") == Note(1, 0, "abc")
