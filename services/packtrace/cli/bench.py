"""``packtrace bench``: streams flat out through a system of their own, measured end to end, and worth nothing unless verified.

Each run, on a fresh home folder:

1. start the stack, load the reference data, wait until it is applied;
2. draw and encode the stream (not measured); warm up with another, so that compilers and caches have done what they do once;
3. note what every process has used; the clock starts; write everything; wait until Redis and ClickHouse hold it; the clock stops;
4. verify: a row for every op, exactly the planted duplicates alerted, every invariant of ``packtrace check``, no process restarted;
5. stop everything and remove the folder.

A run that fails step 4 has no figure, and the command exits with 1.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from packtrace.cli import own_system
from packtrace.cli.options import Json
from packtrace.cli.outcome import NoError
from packtrace.cli.output import aside, emit, screen
from packtrace.errors import RefusedError

if TYPE_CHECKING:
    from packtrace.bench.figures import Run
    from packtrace.bench.load import Load
    from packtrace.bench.stores import Rows
    from packtrace.cli.demo_screen import Screen, Tell
    from packtrace.embedded.state import PartState
    from packtrace.simulator.streams import Stream

PANEL = "Run"
LATENCY = "Latency"
QUERY = "Answers"
STREAMS = "S1,S2,S2/1000,S3"
UNITS = 100_000
WARM_UP_UNITS = 60_000
"""The compiler of Kafka's virtual machine took 27 us of each EPC-op of a run after 20,000 units, 6 of one after 70,000."""
UPLOAD_LINGER_MILLISECONDS = 50
"""Of the one that writes flat out: whoever uploads a backlog sends it in large requests."""
WARM_UP_SEED = 2
"""Its serials are others than those of what is measured."""
SETTLE_SECONDS_MAX = 3_600.0
REFERENCE_SECONDS_MAX = 120.0
TRACKERS_VARIABLE = "PACKTRACE_TRACKERS"


def bench(
    streams: Annotated[
        str, typer.Option("--streams", help="S1 lines, S2 events of 50 EPCs, S2/1000 of 1,000, S3 late and faulty.")
    ] = STREAMS,
    units: Annotated[int, typer.Option("--units", min=400, max=50_000_000, help="Units of each stream; twice as many EPC-ops.")] = UNITS,
    runs: Annotated[int, typer.Option("--runs", min=1, max=100, help="Runs of each stream, in turns.")] = 1,
    warm_up: Annotated[
        int, typer.Option("--warm-up", min=0, max=10_000_000, help="Units of S1 that each system takes before it is measured.")
    ] = WARM_UP_UNITS,
    trackers: Annotated[str, typer.Option("--trackers", help="Tracker processes; 1,2,4 measures each.")] = "1",
    latency: Annotated[
        bool, typer.Option("--latency", help="Instead: event acknowledged to alert readable, at steady loads.", rich_help_panel=LATENCY)
    ] = False,
    loads: Annotated[str, typer.Option("--loads", help="Shares of the capacity, in percent.", rich_help_panel=LATENCY)] = "20,60",
    seconds: Annotated[float, typer.Option("--seconds", min=5, max=3_600, help="At each load.", rich_help_panel=LATENCY)] = 60.0,
    capacity: Annotated[
        float, typer.Option("--capacity", min=0, help="EPC-ops a second of S1, if known; else measured first.", rich_help_panel=LATENCY)
    ] = 0.0,
    picture: Annotated[Path | None, typer.Option("--picture", help="Draw to this SVG file.", rich_help_panel=LATENCY)] = None,
    query: Annotated[
        bool, typer.Option("--query", help="Instead: answers over HTTP from a history of many rows.", rich_help_panel=QUERY)
    ] = False,
    rows: Annotated[int, typer.Option("--rows", min=1, max=1_000_000_000, help="Of the history.", rich_help_panel=QUERY)] = 10_000_000,
    home: Annotated[
        Path | None,
        typer.Option(
            "--home", help="Folder that the systems are made in, each anew (default: that of temporary files).", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write everything measured to this file, as JSON.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure end to end: EPC-ops a second, CPU by process, memory and disk. Every run is verified, or it has no figure.

    Starts a fresh system of its own for each run and leaves nothing behind; other work on the machine makes the figures worse.

    Example: packtrace bench --streams S1,S2 --units 100000 --runs 5 --output bench.json
    """
    from packtrace.bench.figures import summaries
    from packtrace.bench.load import stream_named
    from packtrace.bench.usage import machine
    from packtrace.cli.bench_report import streams_report
    from packtrace.cli.demo_screen import Screen

    if query:
        from packtrace.cli.bench_query import measure as measure_answers

        return measure_answers(rows, home, output, as_json)
    if latency:
        from packtrace.cli.bench_latency import measure

        return measure(loads, seconds, capacity, units, home, picture, output, as_json)
    names = [stream_named(name, units).name for name in streams.split(",")]
    numbers = _numbers(trackers)
    found: list[Run] = []
    with own_system.terminated_as_interrupted(), Screen(aside()) as view:
        for number in range(1, runs + 1):
            for count in numbers:
                for name in names:
                    run = _run(view, stream_named(name, units), number, count, warm_up, home)
                    found.append(run)
                    if as_json:
                        emit(as_object(run))
    told = summaries(found)
    if as_json:
        for summary in told:
            emit({"summary": as_object(summary)})
    else:
        for renderable in streams_report(told):
            screen().print(renderable)
    if output is not None:
        write_json(output, {"machine": machine(), "summaries": [as_object(one) for one in told], "runs": [as_object(one) for one in found]})
    complain(f"{run.stream}, run {run.number}: {sentence}" for run in found for sentence in run.wrong)


def as_object(value: Any) -> dict[str, Any]:
    """A figure as JSON has it."""
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(value)
    return found


def write_json(path: Path, value: dict[str, Any]) -> None:
    import msgspec

    from packtrace.cli.simulate import write

    write(path, msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")


def complain(sentences: Iterator[str]) -> None:
    """Raises NoError when there is anything to say."""
    said = list(sentences)
    if said:
        raise NoError("no figure, for the work was not done: " + "; ".join(said))


def _numbers(text: str) -> list[int]:
    """``1,2,4``."""
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() and 1 <= int(part) <= 16 for part in parts):
        raise RefusedError(f"--trackers: expected numbers from 1 to 16 such as 1,2,4, found {text!r}")
    return [int(part) for part in parts]


@contextmanager
def system(view: Screen, under: Path | None = None, trackers: int = 1) -> Iterator[Path]:
    """A fresh system with the reference data of the lines, and nothing else, in a folder of ``under``; its home."""
    from packtrace.cli.reference import load_changes
    from packtrace.domain.reference import parse_file
    from packtrace.simulator import world
    from packtrace.simulator.streams import LINES

    if under is not None:
        under.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="packtrace-bench-", dir=under)).resolve()
    home = folder / "home"
    os.environ[TRACKERS_VARIABLE] = str(trackers)
    try:
        with view.step("start a fresh system") as tell:
            own_system.start(home, None, tell)
            load_changes(parse_file(world.reference_file(world.demo_site(LINES))), home, REFERENCE_SECONDS_MAX)
            own_system.settle(home, REFERENCE_SECONDS_MAX, tell)
        yield home
    finally:
        with view.step("stop it") as tell:
            own_system.stop(home, tell)
        del os.environ[TRACKERS_VARIABLE]
        shutil.rmtree(folder, ignore_errors=True)


def prepared(view: Screen, home: Path, stream: Stream) -> Load:
    """Step 2."""
    from packtrace.bench.load import prepare
    from packtrace.cli.system import schema_id

    with view.step(f"{stream.name}: draw and encode {stream.units:,} units") as tell:
        load = prepare(stream, schema_id(home, "events"))
        tell(f"{load.events:,} events, {load.operations:,} EPC-ops")
    return load


def warmed(view: Screen, home: Path, load: Load, units: int) -> Load:
    """Let the system take so many units of S1 first; what it must show when it has taken ``load``, too."""
    from packtrace.bench.load import stream_named
    from packtrace.simulator.streams import LINES

    if not units:
        return load
    warm = prepared(view, home, stream_named("S1", max(units, LINES), WARM_UP_SEED))
    with view.step(f"warm up with {warm.operations:,} EPC-ops") as tell:
        flat_out(home, warm, tell)
    return load.after(warm)


def flat_out(home: Path, load: Load, tell: Tell) -> tuple[float, float]:
    """Write everything and wait until Redis and ClickHouse hold it; seconds until written, seconds in all."""
    from packtrace.adapters.kafka_writer import KafkaWriter
    from packtrace.bench.load import write
    from packtrace.cli.system import addresses

    writer = KafkaWriter(addresses(home).kafka, client="packtrace-bench", linger_milliseconds=UPLOAD_LINGER_MILLISECONDS)
    try:
        begun = time.monotonic()
        write(load, writer, lambda number: tell(f"{number:,} of {load.events:,} events written"))
        written = time.monotonic() - begun
        own_system.settle(home, SETTLE_SECONDS_MAX, tell)
        return written, time.monotonic() - begun
    finally:
        writer.close()


def parts_of(home: Path) -> list[PartState]:
    """The processes of the system that runs under ``home``."""
    from packtrace.embedded.stack import read_stack

    stack = read_stack(home)
    if stack is None:
        raise RefusedError(f"the system under {home} ended; see {home}/logs")
    return stack.parts


def _run(view: Screen, stream: Stream, number: int, trackers: int, warm_up: int, under: Path | None) -> Run:
    from packtrace.adapters.clickhouse import ClickHouseStore
    from packtrace.adapters.redis_reader import RedisReader
    from packtrace.bench import figures, stores, usage
    from packtrace.cli.system import addresses

    with system(view, under, trackers) as home:
        load = prepared(view, home, stream)
        expected = warmed(view, home, load, warm_up)
        name, units = stream.name, stream.units
        where = addresses(home)
        redis = RedisReader(where.redis)
        history = ClickHouseStore(where.clickhouse, where.clickhouse_database, timeout_seconds=600, client="packtrace-bench")
        try:
            bytes_before, parts = redis.memory(), parts_of(home)
            used, staged, threads = usage.of_parts(parts), usage.stages(parts), usage.threads(parts)
            with view.step(f"{name}, run {number}: {load.operations:,} EPC-ops flat out, until Redis and ClickHouse hold them") as tell:
                written, seconds = flat_out(home, load, tell)
                rate = load.operations / seconds
                tell(f"{rate:,.0f} EPC-ops a second")
            parts = parts_of(home)
            after, staged_after, threads_after = usage.of_parts(parts), usage.stages(parts), usage.threads(parts)
            redis_bytes = redis.memory() - bytes_before
            with view.step("verify") as tell:
                rows = stores.rows(history)
                wrong = [f"{part} was restarted" for part in usage.restarted(used, after)] + verify(home, expected, rows, tell)
                tell("; ".join(wrong))
            bytes_per_row, table_parts = figures.sizes(stores.tables(history))
        finally:
            history.close()
            redis.close()
        return figures.Run(
            stream=name, number=number, trackers=trackers, units=units, events=load.events, operations=load.operations, wrong=wrong,
            seconds=round(seconds, 2), seconds_to_write=round(written, 2), operations_per_second=round(rate, 1),
            events_per_second=round(load.events / seconds, 1), facts_per_operation=round(rows.facts / max(rows.ops, 1), 3),
            cpu_microseconds_per_operation=figures.cpu_per_operation(used, after, load.operations),
            stage_microseconds_per_operation=figures.stages_per_operation(staged, staged_after, load.operations),
            thread_microseconds_per_operation=figures.threads_per_operation(threads, threads_after, load.operations),
            resident_mib=figures.resident(after), redis_bytes_per_unit=round(redis_bytes / units, 1),
            clickhouse_bytes_per_row=bytes_per_row, clickhouse_parts=table_parts,
        )  # fmt: skip


def verify(home: Path, load: Load, rows: Rows, tell: Tell) -> list[str]:
    """What the system did not do; empty when it did everything."""
    from packtrace.cli.prove import site_of
    from packtrace.cli.simulate import alerts
    from packtrace.codec.identifiers import parse_item
    from packtrace.proof.check import check

    wrong = []
    if rows.ops != load.operations:
        wrong.append(f"{rows.ops:,} rows of {load.operations:,} ops")
    if rows.repeated_ops != load.repeated_operations:
        wrong.append(f"{rows.repeated_ops:,} ops known as repeated, {load.repeated_operations:,} were sent once more")
    found = {
        parse_item(alert["epc"]) for alert in alerts(home) if alert["rule"] == "duplicate-commissioning" and alert["status"] != "withdrawn"
    }
    if found != load.duplicates:
        wrong.append(
            f"{len(found):,} duplicates found, {len(load.duplicates):,} planted, {len(found & load.duplicates):,} of them the same"
        )
    with site_of(home, SETTLE_SECONDS_MAX) as (site, settle):
        for verdict in check(site, settle, tell):
            if verdict.differences:
                first = verdict.differences[0]
                wrong.append(f"packtrace check, {verdict.invariant}: {first.where}: expected {first.expected}, found {first.found}")
    return wrong


def register(app: typer.Typer) -> None:
    """Add this command to ``app``."""
    app.command(rich_help_panel=PANEL)(bench)
