"""What a measurement makes of what it saw: nothing here needs a server or a clock."""

from __future__ import annotations

from array import array

import pytest

from packtrace.adapters.redis_memory import Bucket, Content, Whole
from packtrace.bench.figures import Run, Spread, cpu_per_operation, spread, summaries
from packtrace.bench.latency import histogram, latency, picture, stream, svg
from packtrace.bench.load import Load, paced, prepare, stream_named
from packtrace.bench.memory import weigh
from packtrace.bench.usage import Usage, machine, of_process, restarted
from packtrace.errors import RefusedError
from packtrace.simulator.streams import Stream


def run(**changed: object) -> Run:
    fields: dict[str, object] = {
        "stream": "S1", "number": 1, "trackers": 1, "units": 10, "events": 10, "operations": 20, "wrong": [], "seconds": 2.0,
        "seconds_to_write": 1.0, "operations_per_second": 10.0, "events_per_second": 5.0, "facts_per_operation": 0.5,
        "cpu_microseconds_per_operation": {"tracker": 5.0, "all": 7.0}, "thread_microseconds_per_operation": {},
        "stage_microseconds_per_operation": {}, "resident_mib": {}, "redis_bytes_per_unit": 100.0, "clickhouse_bytes_per_row": {},
        "clickhouse_parts": {},
    }  # fmt: skip
    return Run(**(fields | changed))  # type: ignore[arg-type]


def test_a_run_that_was_not_verified_has_no_part_in_a_figure() -> None:
    (one,) = summaries(
        [run(), run(number=2, operations_per_second=1e9, wrong=["19 rows of 20 ops"]), run(number=3, operations_per_second=14.0)]
    )
    assert (one.runs, one.operations_per_second) == (2, Spread(12.0, 10.0, 14.0))
    assert summaries([run(wrong=["tracker was restarted"])]) == []


def test_streams_and_numbers_of_trackers_are_told_apart() -> None:
    told = summaries([run(), run(stream="S2"), run(trackers=2), run(number=2)])
    assert [(one.stream, one.trackers, one.runs) for one in told] == [("S1", 1, 2), ("S2", 1, 1), ("S1", 2, 1)]


def test_cpu_is_what_a_process_used_meanwhile_for_each_op() -> None:
    before, after = {"a": Usage(1, 1.0, 0), "b": Usage(2, 0.0, 0)}, {"a": Usage(1, 3.0, 0), "b": Usage(2, 0.5, 0)}
    assert cpu_per_operation(before, after, 1_000_000) == {"a": 2.0, "b": 0.5, "all": 2.5}
    assert restarted(before, after | {"b": Usage(9, 0.5, 0)}) == ["b"]
    assert spread([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)


def test_this_process_uses_memory_and_the_machine_has_a_name() -> None:
    import os

    assert of_process(os.getpid()).resident_bytes > 1_000_000
    assert machine()["cores"] == os.cpu_count()


@pytest.mark.parametrize("name", ["S4", "S2/", "S2/0", "S1/x", ""])
def test_a_stream_nobody_knows_is_refused(name: str) -> None:
    if name == "S2/":
        assert stream_named(name, 400).per_event == 50
        return
    with pytest.raises(RefusedError, match="--streams"):
        stream_named(name, 400)


@pytest.mark.parametrize("wanted", [stream_named("S1", 800), stream_named("S2/1000", 8_000), stream_named("S3", 800), stream(800)])
def test_a_load_knows_what_a_system_must_show(wanted: Stream) -> None:
    load = prepare(wanted, 7)
    assert load.events == len(load.records) == len(load.sizes)
    assert load.operations == sum(load.sizes) >= 2 * wanted.units
    assert bool(load.duplicates) == (wanted.faulty_of < 1_000 or len(load.duplicates) > 0)


def test_a_pace_holds_the_mean_rate_though_one_was_late() -> None:
    now = [0.0]
    sent = []

    def sleep(seconds: float) -> None:
        now[0] += min(seconds, 0.25)

    for number in paced((1.0, 2.0, 3.0, 4.0), lambda: now[0], sleep):
        sent.append((number, now[0]))
        if number == 1:
            now[0] += 1.5
    assert sent == [(0, 1.0), (1, 2.0), (2, 3.5), (3, 4.0)]


def test_an_alert_counts_from_the_acknowledgement_and_a_missing_one_is_told() -> None:
    load = Load(stream(400), [(b"k", b"v")] * 10, array("I", [2] * 10), 10, 20, 0, frozenset({"a", "b", "c"}))
    one = latency(0.2, load, 2.0, {"e1": 1.0, "e2": 2.0}, {"e1": 1.05, "e2": 2.5, "other": 3.0}, 3)
    assert (one.alerts, one.missing, one.p50, one.max, one.operations_per_second) == (2, 1, 50.0, 500.0, 10.0)
    assert sum(count for _, count in one.histogram) == 2
    assert "█" in picture(one)
    assert svg([one]).startswith("<svg")


def test_a_histogram_has_every_step_between() -> None:
    assert histogram([7, 1_000, 10_000]) == [(1.0, 2), (1.585, 0), (2.512, 0), (3.981, 0), (6.31, 0), (10.0, 1)]
    assert histogram([]) == []


def test_parts_of_the_memory_add_up_to_what_the_server_uses() -> None:
    from packtrace.codec.state import pack
    from packtrace.domain.item import Item

    packed = pack(Item("010950600013435221A"))
    buckets = [Bucket({b"010950600013435221A": packed, b"00095060001000000012": packed}, 200)]
    found = weigh(
        Whole(10_000, 9, 1.1), {(0, 1): 2, (0, 2): 2}, buckets, [Content("00095060001000000012", 50, 700, 900)],
        {"deadlines": 10, "reference": 20, "meta": 30, "keys": 6},
    )  # fmt: skip
    assert sum(found.parts.values()) == found.used == 10_000
    assert (found.units, found.containers, found.sampled) == (2, 2, 2)
    assert found.parts["content: entries of containers"] == 700
    assert found.settled.sampled == 1
    assert found.open.sampled == 0
