"""``packtrace simulate``: virtual lines and partners, or a labelled world; ``packtrace score``: what must stand against what does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from packtrace.cli.options import HOME, Home, Json
from packtrace.cli.outcome import NoError
from packtrace.cli.output import aside, count, emit, emit_all, screen
from packtrace.errors import RefusedError

if TYPE_CHECKING:
    from packtrace.simulator.publish import Progress, Summary
    from packtrace.simulator.recipe import Recipe
    from packtrace.simulator.score import Score

PANEL = "Feed"
WORLD = "Labelled world"
REFERENCE_WAIT_SECONDS = 60.0
PROGRESS_SECONDS = 5.0
WRITER_FULL_SECONDS = 120.0
"""How long a line waits for a broker that is away before it gives up."""

NOMINAL_PACKS_PER_MINUTE = 300.0
"""Of a line that runs flat out, in event time."""

SHOWN_MAX = 10
"""Misses and false alarms that ``score`` shows."""

UNITS_PER_SECOND_MAX = 100_000
"""More than a process publishes flat out: bounds the units of a run that only --seconds ends."""


def simulate(
    lines: Annotated[
        int | None, typer.Option("--lines", min=1, max=64, help="Packaging lines (default: 2, in a labelled world 6).", show_default=False)
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", min=0, help="Packs a minute of each line, in real time; 0 = flat out (default: 300).", show_default=False),
    ] = None,
    units: Annotated[
        int | None,
        typer.Option("--units", min=1, help="Units of all lines together (default: 1000, or what --seconds allow).", show_default=False),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=0, help="Stop the lines after so long; 0 = when the units are made.")] = 0,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", min=0, help="The same seed gives the same run, apart from its times (default: of the clock).", show_default=False
        ),
    ] = None,
    faults: Annotated[
        str, typer.Option("--faults", metavar="none|all|N|RULE[=N],...", help="Break every rule, each N times, or those named.")
    ] = "none",
    noise: Annotated[
        str, typer.Option("--noise", metavar="none|low|high|SHARE", help="What innocently goes wrong; a share of the events of live lines.")
    ] = "none",
    truth: Annotated[Path | None, typer.Option("--truth", metavar="FILE", help="Write what must stand, for `packtrace score`.")] = None,
    load_reference: Annotated[
        bool, typer.Option("--load-reference/--no-load-reference", help="First load the reference data of what is simulated.")
    ] = True,
    write_reference: Annotated[
        Path | None, typer.Option("--write-reference", metavar="FILE", help="Only write that reference data to a file.")
    ] = None,
    events_of: Annotated[int, typer.Option("--events-of", min=1, max=100_000, help="Units that one commissioning event names.")] = 1,
    units_per_case: Annotated[int, typer.Option("--units-per-case", min=1, max=10_000)] = 10,
    cases_per_pallet: Annotated[int, typer.Option("--cases-per-pallet", min=1, max=10_000)] = 5,
    units_per_batch: Annotated[int, typer.Option("--units-per-batch", min=1, help="Of each line; then the lot changes.")] = 5_000,
    world: Annotated[bool, typer.Option("--world", help="A labelled world, also without noise and faults.", rich_help_panel=WORLD)] = False,
    order: Annotated[
        str, typer.Option("--order", metavar="arrival|event|shuffled", help="In which events are published.", rich_help_panel=WORLD)
    ] = "arrival",
    within: Annotated[str, typer.Option("--within", help="How far --order shuffled moves an event.", rich_help_panel=WORLD)] = "6h",
    end: Annotated[
        str | None,
        typer.Option("--end", metavar="TIME", help="Of its month (default: the last noon or midnight UTC).", rich_help_panel=WORLD),
    ] = None,
    graces: Annotated[
        int | None,
        typer.Option(
            "--graces",
            min=0,
            max=86_400,
            metavar="SECONDS",
            help="Policy of every rule (default: the policy stays).",
            rich_help_panel=WORLD,
        ),
    ] = None,
    write_events: Annotated[
        Path | None,
        typer.Option("--write-events", metavar="FILE", help="Write its events as JSON lines; publish nothing.", rich_help_panel=WORLD),
    ] = None,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """Virtual packaging lines, a distributor and pharmacies publish what real ones would; or a whole supply chain does.

    --noise low|high, --faults all, --order or --world make a labelled world: two manufacturers, distributors, a repacker,
    pharmacies and partners through a month, published flat out. Everything else is lines in real time, or flat out.
    Planted faults break exactly the rule they are named after; everything else is in order.

    Example: packtrace simulate --units 20000 --seed 1 --noise high --faults all --truth truth.jsonl
    """
    from packtrace.cli import simulate_world

    asked = simulate_world.Asked(
        world, lines, units, seed, noise, faults, order, within, end, graces, write_events, truth, load_reference, write_reference
    )
    if simulate_world.wanted(asked, rate):
        return simulate_world.simulate(asked, home, as_json)
    from packtrace.simulator import world as site
    from packtrace.simulator.recipe import Recipe
    from packtrace.simulator.stream import read_faults

    lines = lines or 2
    rate = NOMINAL_PACKS_PER_MINUTE if rate is None else rate
    reference = site.reference_file(site.demo_site(lines, units_per_case))
    if write_reference is not None:
        write(write_reference, reference)
        return screen().print(f"{write_reference}: reference data of the demo site with {count(lines, 'line')}")
    real_time = rate > 0
    planned = read_faults(faults)
    if planned and seconds and not real_time and not units:
        raise RefusedError(
            "--faults flat out for a number of seconds: expected --units as well, so that the faults can be spread over the run"
        )
    most_per_second = rate / 60 * lines if real_time else UNITS_PER_SECOND_MAX
    wanted = units or (int(seconds * most_per_second) + lines if seconds else 1_000)
    recipe = Recipe(
        seed=time.time_ns() // 1000 if seed is None else seed, lines=lines, units=wanted, seconds=seconds if real_time else 0,
        packs_per_minute=rate or NOMINAL_PACKS_PER_MINUTE, units_per_case=units_per_case, cases_per_pallet=cases_per_pallet,
        units_per_batch=units_per_batch, epcs_per_event=events_of, noise=_share(noise), faults=planned,
        dock_seconds=2 if real_time else 30, transit_seconds=3 if real_time else 60,
    ).check()  # fmt: skip
    if truth is not None:
        write(truth, b"")
    if load_reference:
        from packtrace.cli.reference import load_changes
        from packtrace.domain.reference import parse_file

        load_changes(parse_file(reference), home, REFERENCE_WAIT_SECONDS)
    with progress_line(quiet=as_json) as tell:
        summary = run(home, recipe, real_time=real_time, on_progress=tell, wall_seconds_max=0 if real_time else seconds)
    if truth is not None:
        from packtrace.simulator.truth import encode

        write(truth, encode(summary.truth))
    if as_json:
        return emit(summary.as_json())
    print_summary(summary, truth)


def _share(text: str) -> float:
    """``--noise`` of live lines."""
    if text == "none":
        return 0.0
    try:
        return float(text)
    except ValueError:
        raise RefusedError(f"--noise: expected none, low, high or a share from 0 to 1, found {text!r}") from None


def run(home: Path, recipe: Recipe, *, real_time: bool, on_progress: Callable[[Progress], None], wall_seconds_max: float = 0) -> Summary:
    """Publish one run to the system of ``home``; flat out, its events lie in the past and end now.

    Raises:
        UnavailableError: broker or registry is away.
    """
    from packtrace.adapters.kafka_writer import KafkaWriter
    from packtrace.cli.system import addresses, schema_id
    from packtrace.simulator.encode import Encoder
    from packtrace.simulator.publish import TOPIC, Publisher
    from packtrace.simulator.recipe import SECOND
    from packtrace.simulator.stream import Stream

    encoder = Encoder(schema_id(home, TOPIC))
    now = time.time_ns() // 1000
    start = now if real_time else now - int(recipe.span_seconds * SECOND)
    writer = KafkaWriter(addresses(home).kafka, client="packtrace-simulator", full_seconds=WRITER_FULL_SECONDS)
    try:
        return Publisher(Stream(recipe, start), writer, encoder, real_time=real_time, on_progress=on_progress).run(wall_seconds_max)
    finally:
        writer.close()


def score(
    truths: Annotated[
        list[Path], typer.Argument(metavar="TRUTH...", help="Files that `packtrace simulate --truth` wrote.", show_default=False)
    ],
    everything: Annotated[bool, typer.Option("--all", help="Any other alert counts as not planted, also of other runs.")] = False,
    home: Home = HOME,
    as_json: Json = False,
) -> None:
    """What must stand against what does, rule by rule; exit 1 unless exactly that stands.

    Recall is the share found of what was planted, precision the share planted of what stands; withdrawn alerts were raised for a
    while and explained by late data. With --json the last object is of all rules and shows misses and false alarms.
    Run `packtrace wait` first. Alerts of other runs are left out of account unless --all is given.

    Example: packtrace score truth.jsonl
    """
    from packtrace.simulator.score import score as compare
    from packtrace.simulator.truth import decode

    read = [decode(_read(path), str(path)) for path in truths]
    told = compare(read, alerts(home), whole_system=everything)
    if as_json:
        emit_all([*(rule.as_json() for rule in told.every_rule), told.total.as_json() | _examples(told)])
    else:
        from packtrace.cli.demo_report import score_table

        screen().print(score_table(told))
        for what, found in _examples(told).items():
            for one in found:
                screen().print(f"{what.replace('_', ' ')}: {' '.join(one.values())}", markup=False, style="red", soft_wrap=True)
    if not told.perfect:
        raise NoError


def _examples(told: Score) -> dict[str, list[dict[str, str]]]:
    """The first misses and false alarms, so that a person can look."""
    return {
        "misses": [{"rule": one.rule, "epc": one.epc, "event": one.event, "story": one.story} for one in told.missing[:SHOWN_MAX]],
        "false_alarms": [{"rule": one.rule, "epc": one.epc, "event": one.event, "alert": one.id} for one in told.extra[:SHOWN_MAX]],
    }


def alerts(home: Path) -> Iterator[dict[str, Any]]:
    """Every alert of the system, as the query service tells it."""
    from packtrace.cli.ask import pages, query

    return pages(query(home), "/alerts", "alerts", {}, None)


def words(progress: Progress) -> str:
    """A run so far, on one line."""
    rate = f"{progress.events_per_second:,.0f}/s"
    return (
        f"{progress.events:,} events ({rate}) · {progress.operations:,} EPC-ops · {progress.units:,} of {progress.units_wanted:,} units · "
        f"{progress.cases:,} cases · {progress.pallets:,} pallets · {progress.planted:,} faults"
    )


@contextmanager
def progress_line(quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """A live line on a terminal, else a line every few seconds, on stderr."""
    if quiet:
        yield lambda progress: None
    elif aside().is_terminal:
        with aside().status("starting") as line:
            yield lambda progress: line.update(words(progress))
    else:
        told = 0.0

        def tell(progress: Progress) -> None:
            nonlocal told
            if progress.seconds - told >= PROGRESS_SECONDS:
                told = progress.seconds
                aside().print(f"{progress.seconds:6.1f} s  {words(progress)}", soft_wrap=True)

        yield tell


def print_summary(summary: Summary, truth: Path | None) -> None:
    progress = summary.progress
    screen().print(f"{'published' if summary.complete else 'interrupted after'} {words(progress)}", soft_wrap=True)
    operations = progress.operations / progress.seconds if progress.seconds else 0
    screen().print(f"{progress.seconds:.1f} s, {operations:,.0f} EPC-ops a second; seed {summary.truth.run.seed}")
    for rule, number in summary.planted.items():
        screen().print(f"  planted {number:>4,}  {rule}")
    if truth is not None:
        screen().print(f"truth: {truth}; next: packtrace wait, then packtrace score {truth}", style="dim", soft_wrap=True)


def write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise RefusedError(f"{path}: {error.strerror or error}") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RefusedError(f"{path}: {error.strerror or error}") from None


def register(app: typer.Typer) -> None:
    """Add these commands to ``app``."""
    for command in (simulate, score):
        app.command(rich_help_panel=PANEL)(command)
