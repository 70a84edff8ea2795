"""What a fold concludes besides the state: breaches of rules, and facts for other items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from packtrace.domain import fact_payload
from packtrace.domain.alert import Evidence
from packtrace.domain.fact import Fact
from packtrace.domain.fact_payload import Passed
from packtrace.domain.order import KINDS, Key
from packtrace.domain.rules.rule import Rule
from packtrace.domain.state import State
from packtrace.domain.step import Step
from packtrace.domain.vocabulary import FactType

if TYPE_CHECKING:
    from packtrace.domain.advance import Element


class Breach(NamedTuple):
    """A rule, the event that breaks it, and the proof."""

    rule: Rule
    evidence: Evidence
    kind: int
    place: str
    lot: str
    event_id: str
    event_time: int
    log_time: int
    device: str


class Telling(NamedTuple):
    """The part of a fact that may change while its key (type, event, target) stays."""

    payload: bytes
    log_time: int
    hops: int


FactKey = tuple[FactType, Key, str]


class Out:
    """Where one fold writes what it concludes."""

    __slots__ = ("breaches", "facts", "refused")

    notes_silenced: ClassVar[bool] = False
    """Whether it wants to hear of every rule that would be broken, were it not silenced."""

    def __init__(self) -> None:
        self.breaches: list[Breach] = []
        self.facts: dict[FactKey, Telling] = {}
        self.refused: set[str] = set()
        """Ids of the events that were not applied."""

    def breach(self, rule: Rule, step: Step, evidence: Evidence) -> None:
        self.breaches.append(breach_of(rule, step, evidence))

    def silence(self, rule: Rule, step: Step) -> None:
        """A rule would be broken, and another silences it."""

    def watched(self, ordered: Sequence[Element], state: State, after: Key | None) -> Iterable[Element]:
        """``ordered``, for a walk that moves ``state`` and comes ``after`` that key."""
        return ordered

    def tell(self, type: FactType, key: Key, target: str, payload: bytes, log_time: int, hops: int = 1) -> None:
        self.facts[type, key, target] = Telling(payload, log_time, hops)

    def ask(self, key: Key, source: str, target: str, paths: Iterable[tuple[str, ...]], log_time: int) -> None:
        """A sighting to the parent: one fact for all that ask of one event, ``source`` itself among them."""
        asked = set(paths)
        known = self.facts.get((FactType.SIGHTING, key, target))
        if known is not None:
            asked.update(fact_payload.paths_asked(known.payload, source))
            log_time = min(log_time, known.log_time)
        payload = b"" if asked == {(source,)} else fact_payload.pack(Passed(tuple(sorted(asked))))
        self.tell(FactType.SIGHTING, key, target, payload, log_time, max(map(len, asked)))


def breach_of(rule: Rule, step: Step, evidence: Evidence) -> Breach:
    """A rule broken by the event of ``step``."""
    event = step.event
    return Breach(rule, evidence, event.kind, step.side.place, step.lot, event.id, event.time, event.log_time, step.context.device)


def fact_of(source: str, key: FactKey, telling: Telling, version: int = 1, retracted: bool = False) -> Fact:
    """The record of a fact. A reader keeps the last of a key in log order; ``version`` says whether one came before."""
    type, (time, rank, id), target = key
    payload, log_time, hops = telling
    return Fact(type, target, source, id, time, KINDS[rank], log_time, version, hops, retracted, b"" if retracted else payload)


def facts_changed(source: str, before: dict[FactKey, Telling], after: dict[FactKey, Telling]) -> list[Fact]:
    """What others must be told when a fold's facts were ``before`` and are ``after``: taken back first, in event order."""
    gone = [fact_of(source, key, before[key], 2, True) for key in sorted(before.keys() - after.keys())]
    new = [fact_of(source, key, telling, 2 if key in before else 1) for key, telling in sorted(after.items()) if before.get(key) != telling]
    return gone + new
