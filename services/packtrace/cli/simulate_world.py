"""``packtrace simulate`` when it makes a labelled world: a supply chain's month, published flat out in one of three orders."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from packtrace.errors import RefusedError

if TYPE_CHECKING:
    from packtrace.simulator.chain.world import World
    from packtrace.simulator.publish import Summary

LINES = 6
UNITS = 2_000
LATE_REFERENCE_WAIT_SECONDS = 60.0
PUBLISHED_WITHIN_SECONDS = 600
"""How long publishing takes at most: events of the future must still lie ahead then."""

_WITHIN = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,2})?)h")


class Asked(NamedTuple):
    """The options of the command that a world knows; see ``simulate.simulate``."""

    world: bool
    lines: int | None
    units: int | None
    seed: int | None
    noise: str
    faults: str
    order: str
    within: str
    end: str | None
    graces: int | None
    write_events: Path | None
    truth: Path | None
    load_reference: bool
    write_reference: Path | None


def wanted(asked: Asked, rate: float | None) -> bool:
    """Whether the options ask for a world.

    Raises:
        RefusedError: they do, and also for a rate.
    """
    from packtrace.simulator.faults import FAULTS as OF_LINES

    rules = {part.partition("=")[0].strip() for part in asked.faults.split(",")}
    words = (
        asked.world or asked.noise in ("low", "high") or asked.order != "arrival" or asked.end is not None or asked.graces is not None
        or asked.write_events is not None or any(rule[:1].isalpha() and rule != "none" and rule not in OF_LINES for rule in rules)
    )  # fmt: skip
    if words and rate:
        raise RefusedError(
            "a labelled world is a month of event time, published flat out: leave out --rate; live lines know --noise SHARE and --faults N"
        )
    return words


def simulate(asked: Asked, home: Path, as_json: bool) -> None:
    """Make it and publish it, or write it down."""
    from packtrace.cli.output import emit, screen
    from packtrace.cli.simulate import print_summary, write
    from packtrace.simulator.chain.reference import merged
    from packtrace.simulator.truth import encode

    world = make(asked, time.time_ns() // 1000)
    if asked.write_reference is not None:
        write(asked.write_reference, merged(world.reference, world.late_reference))
        return screen().print(f"{asked.write_reference}: all reference data of the world")
    if asked.write_events is not None:
        _write_events(world, asked.write_events)
        if asked.truth is not None:
            write(asked.truth, encode(world.truth))
        return screen().print(f"{asked.write_events}: {len(world.messages):,} events; publish them with `packtrace publish`")
    if asked.truth is not None:
        write(asked.truth, b"")
    summary = _publish(world, home, load_reference=asked.load_reference, quiet=as_json)
    if asked.truth is not None:
        write(asked.truth, encode(summary.truth))
    if as_json:
        return emit(summary.as_json() | {"noise": world.noise})
    print_summary(summary, asked.truth)
    for name, number in world.noise.items():
        screen().print(f"  noise   {number:>6,}  {name}")


def make(asked: Asked, now: int) -> World:
    """The world asked for, at ``now`` (microseconds).

    Raises:
        RefusedError: an option out of range, or an end at which it could not be published now.
    """
    from packtrace.simulator.chain.faults import read_faults
    from packtrace.simulator.chain.recipe import END_BEFORE_NOW_MIN, Recipe, last_end
    from packtrace.simulator.chain.stage import FUTURE
    from packtrace.simulator.chain.world import World

    units = asked.units or UNITS
    within = _WITHIN.fullmatch(asked.within)
    if within is None:
        raise RefusedError(f"--within: expected hours such as 6h, found {asked.within!r}")
    noise = {"0": "none"}.get(asked.noise, asked.noise)
    recipe = Recipe(
        seed=now if asked.seed is None else asked.seed, end=_end(asked.end, now) if asked.end else last_end(now), units=units,
        lines=asked.lines or LINES, noise=noise, faults=read_faults(asked.faults, units), order=asked.order, within_hours=float(within[1]),
    )  # fmt: skip
    if asked.write_events is None and asked.write_reference is None:
        if recipe.end > now - END_BEFORE_NOW_MIN:
            raise RefusedError("--end: expected a time at least an hour ago, so that nothing innocent lies in the future")
        if recipe.faults.get("future-event") and recipe.end + FUTURE < now + PUBLISHED_WITHIN_SECONDS * 1_000_000:
            raise RefusedError("--end: expected less than 15 h ago, for the events of the future that --faults wants must lie ahead of now")
    return World(recipe, asked.graces)


def _end(text: str, now: int) -> int:
    from packtrace.cli.moment import read_moment
    from packtrace.simulator.truth import microseconds

    return microseconds(read_moment(text, datetime.fromtimestamp(now / 1_000_000, UTC))) // 1_000_000 * 1_000_000


def _publish(world: World, home: Path, *, load_reference: bool, quiet: bool) -> Summary:
    """Reference data, events, the late reference data among them."""
    from packtrace.adapters.kafka_writer import KafkaWriter
    from packtrace.cli.reference import load_changes
    from packtrace.cli.simulate import REFERENCE_WAIT_SECONDS, WRITER_FULL_SECONDS, progress_line
    from packtrace.cli.system import addresses, schema_id
    from packtrace.domain.reference import parse_file
    from packtrace.simulator.encode import Encoder
    from packtrace.simulator.publish import TOPIC, Interlude, Publisher

    def load_late() -> None:
        load_changes(parse_file(world.late_reference), home, LATE_REFERENCE_WAIT_SECONDS)

    if load_reference:
        load_changes(parse_file(world.reference), home, REFERENCE_WAIT_SECONDS)
    encoder = Encoder(schema_id(home, TOPIC))
    writer = KafkaWriter(addresses(home).kafka, client="packtrace-simulator", full_seconds=WRITER_FULL_SECONDS)
    interlude = Interlude(world.late_after, load_late) if load_reference else None
    try:
        with progress_line(quiet=quiet) as tell:
            return Publisher(world, writer, encoder, real_time=False, interlude=interlude, on_progress=tell).run()
    finally:
        writer.close()


def _write_events(world: World, path: Path) -> None:
    from packtrace.codec.event_json import raw_to_json
    from packtrace.simulator.messages import raw_event

    try:
        with path.open("wb") as out:
            for made in world:
                out.write(raw_to_json(raw_event(made)) + b"\n")
    except OSError as error:
        raise RefusedError(f"{path}: {error.strerror or error}") from None
