"""What was planted: a file of JSON lines, first the run, then one line per fault."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from packtrace.errors import RefusedError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which run it was: every id of its events is ``<source>/<boot>/<number>``.

    ``flags`` say what was asked for, ``counts`` what was made; a run of lines leaves them out.
    """

    seed: int
    boot: int
    flags: dict[str, str] = {}
    counts: dict[str, int] = {}


class Planted(msgspec.Struct, frozen=True):
    """One alert that must stand. ``cause`` is ``item``, or the kind of the offending event where each event has its own alert.

    ``story`` names what was played; one that begins with ``noise:`` is innocent, but rules.md wants it told.
    """

    rule: str
    epc: str
    item: str
    event: str
    event_time: int
    place: str
    cause: str
    story: str = ""


class Truth(msgspec.Struct, frozen=True):
    run: Run
    planted: tuple[Planted, ...]


def iso(time: int) -> str:
    """Microseconds since 1970 as ISO 8601 with ``Z``."""
    moment = _EPOCH + timedelta(microseconds=time)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def microseconds(text: str) -> int:
    """The reverse of ``iso``; any ISO 8601 text with a zone."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def encode(truth: Truth) -> bytes:
    """As a truth file."""
    lines = [msgspec.json.encode({"run": truth.run})]
    lines += [msgspec.json.encode(msgspec.structs.asdict(fault) | {"event_time": iso(fault.event_time)}) for fault in truth.planted]
    return b"\n".join(lines) + b"\n"


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    rule: str
    epc: str
    item: str
    event: str
    event_time: str
    place: str
    cause: str
    story: str = ""


class _First(msgspec.Struct, forbid_unknown_fields=True):
    run: Run


def decode(text: bytes, name: str) -> Truth:
    """Read a truth file.

    Raises:
        RefusedError: it is none; says the line. ``name`` is for the message only.
    """
    lines = text.splitlines()
    try:
        first = msgspec.json.decode(lines[0] if lines else b"", type=_First)
    except msgspec.MsgspecError as error:
        raise RefusedError(f'{name} line 1: expected {{"run": {{"seed": ..., "boot": ...}}}}, {error}') from error
    return Truth(first.run, tuple(_planted(lines[1:], name)))


def _planted(lines: Iterable[bytes], name: str) -> Iterable[Planted]:
    for number, line in enumerate(lines, 2):
        try:
            fields = msgspec.json.decode(line, type=_Line)
            yield Planted(**msgspec.structs.asdict(fields) | {"event_time": microseconds(fields.event_time)})
        except (msgspec.MsgspecError, ValueError) as error:
            raise RefusedError(f"{name} line {number}: expected a planted fault, {error}") from error
