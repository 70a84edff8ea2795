"""Streams to measure with: of each event only what its kind costs, the same for one seed.

====  ==========================================================================================================
S1    line-like: units commissioned one by one, packed by 50 long after, cases packed by 20 on pallets; lines interleaved
S2    units commissioned 50 in an event, packed by 50 long after, cases by 20 on pallets; ``per_event`` makes it 1,000
S3    as S1, of what the lines send 5 % late, 1 % once more, and every fault planted known by its item
====  ==========================================================================================================

Planted in all of them: after one of a thousand events of units one of them is commissioned elsewhere too (duplicate-commissioning),
and one of a thousand events is sent once more (a repeat, which changes nothing).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush
from random import Random
from typing import Final, NamedTuple

from packtrace.simulator import world
from packtrace.simulator.messages import Message, Source, Template, message, sscc_epc, unit_epc
from packtrace.simulator.serials import SerialPool, SsccPool

LINES: Final = 8
UNITS_PER_CASE: Final = 50
CASES_PER_PALLET: Final = 20
CASES_LATER: Final = 250
"""Cases of a line that are filled before one of them is packed: its units have left every batch by then."""
UNIT_EVERY: Final = 20_000
"""Microseconds between two units of a line: 3,000 a minute."""
START: Final = 1_764_000_000_000_000
FAULTY_OF: Final = 1_000
LATE_OF: Final = 20
LATE_BY: Final = 600_000_000
REPEATED_OF: Final = 100
ELSEWHERE_AFTER: Final = 5_000_000
"""Microseconds; two alike within two seconds are one event sent twice."""


class Stream(NamedTuple):
    """What to send. ``mixed``: S3. ``faulty_of``: after one of so many events of units a duplicate; ``lines`` make it."""

    name: str
    units: int
    per_event: int = 1
    mixed: bool = False
    seed: int = 1
    faulty_of: int = FAULTY_OF
    lines: int = LINES
    cases_later: int = CASES_LATER


class Planted:
    """What a run must find: filled while the messages are drawn."""

    def __init__(self) -> None:
        self.messages = self.operations = self.repeats = self.repeated_operations = 0
        self.duplicates: set[str] = set()
        """EPCs commissioned twice."""


def messages(stream: Stream, planted: Planted) -> Iterator[Message]:
    """All lines of a stream in turns; ``planted`` is complete when the last has been drawn."""
    lines = [_Line(number, stream, planted) for number in range(stream.lines)]
    random = Random(f"stream/{stream.seed}")
    held: list[tuple[int, int, Message]] = []
    turns = deque(line.messages() for line in lines)
    number = 0
    while turns:
        drawn = next(turns[0], None)
        if drawn is None:
            turns.popleft()
            continue
        turns.rotate(-1)
        number += 1
        while held and held[0][0] <= drawn.at:
            yield _counted(heappop(held)[2], planted)
        if stream.mixed and random.randrange(LATE_OF) == 0:
            late = drawn.at + random.randrange(LATE_BY)
            heappush(held, (late, number, drawn._replace(at=late)))
            continue
        yield _counted(drawn, planted)
        if random.randrange(REPEATED_OF if stream.mixed else FAULTY_OF) == 0:
            planted.repeats += 1
            planted.repeated_operations += drawn.operations
            heappush(held, (drawn.at + LATE_BY, number, drawn._replace(at=drawn.at + LATE_BY)))
    while held:
        yield _counted(heappop(held)[2], planted)


def _counted(one: Message, planted: Planted) -> Message:
    planted.messages += 1
    planted.operations += one.operations
    return one


class _Line:
    """One line: its units, then its cases long after them, then its pallets."""

    def __init__(self, number: int, stream: Stream, planted: Planted) -> None:
        self._stream = stream
        self._planted = planted
        self._units = stream.units // stream.lines
        self._number = number
        medicine = world.medicine_of(number)
        self._gtin = medicine.unit
        self._serials = SerialPool(stream.seed, number)
        self._ssccs = SsccPool(stream.seed, number, LINES)
        self._random = Random(f"line/{stream.seed}/{number}")
        name = world.line_name(number)
        source = Source(name, stream.seed, counts=True)
        lot, expiry = medicine.lots[0]
        self._commissioning = _template(source, name, "object", "commissioning", f"cam-{number + 1}", lot, expiry)
        self._elsewhere = _template(source, name, "object", "commissioning", "gate-1", lot, expiry, world.DISTRIBUTOR)
        self._labelling = _template(source, name, "object", "commissioning", f"packer-{number + 1}")
        self._packing = _template(source, name, "aggregation", "packing", f"packer-{number + 1}")
        self._at = START + number

    def messages(self) -> Iterator[Message]:
        """Cases wait their turn: each is packed ``cases_later`` cases after it was filled."""
        filled: deque[tuple[str, ...]] = deque()
        packed: list[str] = []
        case: list[str] = []
        made = 0
        while made < self._units:
            epcs = tuple(unit_epc(self._gtin, self._serials.take()) for _ in range(min(self._stream.per_event, self._units - made)))
            made += len(epcs)
            yield self._sent(self._commissioning, epcs, moved=len(epcs))
            yield from self._again(epcs[0])
            case += epcs
            while len(case) >= UNITS_PER_CASE:
                filled.append(tuple(case[:UNITS_PER_CASE]))
                del case[:UNITS_PER_CASE]
            while len(filled) > self._stream.cases_later:
                yield from self._packed(filled.popleft(), packed)
        for children in filled:
            yield from self._packed(children, packed)

    def _packed(self, children: tuple[str, ...], packed: list[str]) -> Iterator[Message]:
        case = sscc_epc(self._ssccs.take())
        yield self._sent(self._labelling, (case,))
        yield self._sent(self._packing, (), case, children)
        packed.append(case)
        if len(packed) == CASES_PER_PALLET:
            pallet = sscc_epc(self._ssccs.take())
            yield self._sent(self._labelling, (pallet,))
            yield self._sent(self._packing, (), pallet, tuple(packed))
            packed.clear()

    def _again(self, epc: str) -> Iterator[Message]:
        """After one of a thousand events of units one of them is commissioned at another place too."""
        if self._random.randrange(self._stream.faulty_of) == 0:
            self._planted.duplicates.add(epc)
            yield message(self._at, self._elsewhere, (epc,), time=self._at + ELSEWHERE_AFTER)

    def _sent(self, template: Template, epcs: tuple[str, ...], parent: str = "", children: tuple[str, ...] = (), moved: int = 0) -> Message:
        self._at += UNIT_EVERY * moved + 1_000
        return message(self._at, template, epcs, parent, children)


def _template(source: Source, line: str, type_: str, biz_step: str, device: str, lot: str = "", expiry: str = "",
              place: world.Place = world.SITE) -> Template:  # fmt: skip
    return Template(
        source=source, type=type_, action="ADD", biz_step=biz_step, disposition="active" if type_ == "object" else "in_progress",
        time_zone=place.zone, place=place.gln, party=place.party, line=line, device=device,
        operator="op-11", lot=lot, expiry=expiry,
    )  # fmt: skip
