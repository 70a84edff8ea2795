"""``packtrace demo``: the whole system, two lines in real time, a burst, a planted fault of every rule, and what was found.

1. a home of its own, and the stack under it;
2. reference data;
3. two lines at 300 packs a minute each, then a burst flat out, both with faults of every rule;
4. wait until everything is stored;
5. compare with the truth, show what there is to see, say the verdict;
6. stop everything, also after a failure, Ctrl-C or SIGTERM; remove the home unless it is to be kept.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from packtrace.cli import own_system
from packtrace.cli.options import Json
from packtrace.cli.outcome import NoError
from packtrace.cli.output import emit, screen
from packtrace.errors import RefusedError

if TYPE_CHECKING:
    from packtrace.cli.demo_report import Findings
    from packtrace.cli.demo_screen import Screen
    from packtrace.embedded.state import Stack
    from packtrace.simulator.publish import Progress, Summary
    from packtrace.simulator.recipe import Recipe
    from packtrace.simulator.score import Score
    from packtrace.simulator.truth import Planted

PANEL = "Run"
LINES = 2
PACKS_PER_MINUTE = 300.0
LINE_SECONDS = 30.0
LINE_NOISE = 0.05
LINE_FAULTS_OF_EACH = 1
BURST_UNITS = 20_000
BURST_NOISE = 0.01
BURST_FAULTS_OF_EACH = 3
SETTLE_SECONDS_MAX = 120.0


def demo(
    home: Annotated[
        Path | None, typer.Option("--home", help="Folder to use, and keep (default: a new one, removed at the end).", show_default=False)
    ] = None,
    base_port: Annotated[
        int | None,
        typer.Option(
            "--base-port", min=1024, max=65_000, help="Ports are counted from here (default: the first free range).", show_default=False
        ),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the system running at the end.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of serials, rejects, faults and noise.")] = 1,
    as_json: Json = False,
) -> None:
    """See everything work: two lines, a burst of 20,000 units, faults of every rule; exit 0 only if all were found and nothing else.

    Starts a system of its own, takes a minute or two, leaves nothing running.

    Example: packtrace demo
    """
    from packtrace.cli.demo_screen import Screen
    from packtrace.cli.output import aside

    own_home = home is None
    folder = Path(tempfile.mkdtemp(prefix="packtrace-demo-")) if home is None else home.resolve()
    kept = False
    complaints: list[str] = []
    with own_system.terminated_as_interrupted(), Screen(aside() if as_json else screen()) as view:
        try:
            stack = _up(view, folder, base_port)
            findings, sights = _play(view, folder, seed)
            complaints = findings.complaints
            if as_json:
                emit(findings.as_json())
            else:
                _show(view, folder, findings, sights)
                _show_addresses(view, stack, running=keep)
            kept = keep
        finally:
            if not kept:
                _down(view, folder)
                if own_home:
                    shutil.rmtree(folder, ignore_errors=True)
    if complaints:
        raise NoError("; ".join(complaints) if as_json else "")


def _up(view: Screen, home: Path, base_port: int | None) -> Stack:
    """Step 1."""
    from packtrace.embedded.stack import read_stack

    if read_stack(home) is not None:
        raise RefusedError(f"a system runs under {home} already; the demo needs a home of its own")
    if (home / "stack.json").exists():
        raise RefusedError(f"{home} holds the data of another system; the demo counts every event, so it needs an empty home")
    view.say(f"packtrace demo, home {home}")
    with view.step("start Kafka, registry, Valkey, ClickHouse and the services (the first time they are fetched)") as tell:
        stack = own_system.start(home, base_port, tell)
        tell("")
        return stack


def _play(view: Screen, home: Path, seed: int) -> tuple[Findings, Sights]:
    """Steps 2 to 4 and the comparison."""
    from packtrace.cli.ask import found, query
    from packtrace.cli.demo_report import Burst, Findings
    from packtrace.cli.reference import load_changes
    from packtrace.cli.simulate import alerts
    from packtrace.domain.reference import parse_file
    from packtrace.simulator import world
    from packtrace.simulator.faults import FAULTS
    from packtrace.simulator.recipe import Recipe
    from packtrace.simulator.score import score

    with view.step("load reference data: products, lots, places, parties, lines, devices") as tell:
        loaded = load_changes(parse_file(world.reference_file(world.demo_site(LINES))), home, SETTLE_SECONDS_MAX)
        tell(f"{loaded['new']} entities")
    lines = Recipe(
        seed=seed, lines=LINES, units=int(LINES * LINE_SECONDS * PACKS_PER_MINUTE / 60), packs_per_minute=PACKS_PER_MINUTE,
        dock_seconds=2, transit_seconds=3, noise=LINE_NOISE, faults=dict.fromkeys(FAULTS, LINE_FAULTS_OF_EACH),
    )  # fmt: skip
    with view.step(
        f"{LINES} lines in real time, {PACKS_PER_MINUTE:.0f} packs a minute each, with a fault of each rule, and on to the pharmacy"
    ) as tell:
        real = _publish(home, lines, tell, real_time=True)
    with view.step("wait until the live state, the alerts and ClickHouse have it all") as tell:
        own_system.settle(home, SETTLE_SECONDS_MAX, tell)
    flat_out = Recipe(seed=seed + 1, lines=LINES, units=BURST_UNITS, noise=BURST_NOISE, faults=dict.fromkeys(FAULTS, BURST_FAULTS_OF_EACH))
    began = time.monotonic()
    with view.step(f"a burst of {BURST_UNITS:,} units flat out, with {BURST_FAULTS_OF_EACH} faults of each rule") as tell:
        burst = _publish(home, flat_out, tell, real_time=False)
    with view.step("until the last row of it is stored") as tell:
        own_system.settle(home, SETTLE_SECONDS_MAX, tell)
    drained = time.monotonic() - began
    with view.step("compare what was found with what was planted"):
        told = score([real.truth, burst.truth], alerts(home), whole_system=True)
        line_latency, burst_latency = _latencies(home, [real.truth.planted, burst.truth.planted])
    progress = burst.progress
    findings = Findings(
        events=real.progress.events + progress.events,
        operations=real.progress.operations + progress.operations,
        stats=found(query(home).get("/stats")),
        score=told,
        line_latency=line_latency,
        burst_latency=burst_latency,
        burst=Burst(progress.units, progress.events, progress.operations, progress.seconds, drained),
    )
    return findings, Sights(real.sample_pallet, _suspect(real, told))


class Sights:
    """What the demo shows of the system: a pallet, and a serial with an alert."""

    def __init__(self, pallet: str, suspect: str) -> None:
        self.pallet = pallet
        self.suspect = suspect


def _publish(home: Path, recipe: Recipe, tell: Callable[[str], None], *, real_time: bool) -> Summary:
    from packtrace.cli.simulate import run, words

    def report(progress: Progress) -> None:
        tell(words(progress))

    summary = run(home, recipe, real_time=real_time, on_progress=report)
    if not summary.complete:
        raise KeyboardInterrupt
    return summary


def _latencies(home: Path, planted: list[tuple[Planted, ...]]) -> list[list[int]]:
    """Per run: event in the log -> first record of its alert in the log, microseconds."""
    from packtrace.adapters.kafka import KafkaReader
    from packtrace.cli.system import addresses
    from packtrace.simulator.latency import read_topics

    reader = KafkaReader(addresses(home).kafka, "packtrace-demo", client="packtrace-demo")
    try:
        events, raised = read_topics(reader)
    finally:
        reader.close()
    taken = []
    for faults in planted:
        offenders = {fault.event for fault in faults}
        taken.append([at - events[event] for event, at in raised.values() if event in offenders and event in events])
    return taken


def _suspect(summary: Summary, told: Score) -> str:
    """A planted duplicate that the report shows: a pack dispensed in two pharmacies, else any."""
    missing = {fault.epc for fault in told.missing}
    found = [fault for fault in summary.truth.planted if fault.epc not in missing] or list(summary.truth.planted)
    return next((fault.epc for fault in found if fault.rule == "inactive-elsewhere"), found[0].epc)


def _show(view: Screen, home: Path, findings: Findings, sights: Sights) -> None:
    """Step 5."""
    from packtrace.cli.ask import found, pages, query, segment
    from packtrace.cli.demo_report import counts_table, score_table, verdict
    from packtrace.cli.draw import alert_line, item_tree, timeline

    client = query(home)
    view.heading("Counted")
    view.say(counts_table(findings))
    view.heading("Planted and found")
    view.say(score_table(findings.score))
    view.heading(f'A pallet: packtrace tree "{sights.pallet}"')
    view.say(item_tree(found(client.get(f"/items/{segment(sights.pallet)}/tree", {"limit": 1_000})), 2))
    view.heading(f'A suspect: packtrace history "{sights.suspect}"')
    rows: Iterator[dict[str, Any]] = pages(client, f"/items/{segment(sights.suspect)}/events", "events", {}, None)
    view.say(timeline(sights.suspect, list(rows)))
    for alert in pages(client, "/alerts", "alerts", {"item": sights.suspect}, None):
        view.say(alert_line(alert))
    view.heading("Verdict")
    view.say(verdict(findings.complaints))


def _show_addresses(view: Screen, stack: Stack, *, running: bool) -> None:
    where = {
        "gateway": stack.gateway,
        "query": stack.query,
        "kafka": stack.kafka,
        "registry": stack.registry,
        "redis": stack.redis,
        "clickhouse": stack.clickhouse,
    }
    view.heading("Addresses" if running else "Where it listened (packtrace demo --keep leaves it running)")
    for name, address in where.items():
        view.say(f"  {name:<11}{address}")
    if running:
        view.say(f"stop it with: packtrace down --home {stack.home}")


def _down(view: Screen, home: Path) -> None:
    """Step 6."""
    with view.step("stop everything") as tell:
        own_system.stop(home, tell)


def register(app: typer.Typer) -> None:
    """Add this command to ``app``."""
    app.command(rich_help_panel=PANEL)(demo)
