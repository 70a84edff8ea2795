"""Planted against found: every fault must stand as an alert of its rule on its item, and nothing else may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from packtrace.simulator.truth import Planted, Truth, microseconds

STANDING = frozenset({"provisional", "confirmed"})


class Finding(msgspec.Struct, frozen=True):
    """One alert as the query service tells it, cut to what is compared."""

    id: str
    rule: str
    epc: str
    status: str
    event: str
    event_time: int
    cause: str

    @classmethod
    def read(cls, alert: Mapping[str, Any]) -> Finding:
        """From an alert as JSON (design.md 9)."""
        cause = alert["cause"]
        events = alert["events"]
        return cls(
            id=alert["id"], rule=alert["rule"], epc=alert["epc"], status=alert["status"], event=events[0] if events else "",
            event_time=microseconds(alert["event_time"]), cause=cause if isinstance(cause, str) else cause["kind"],
        )  # fmt: skip


class RuleScore(msgspec.Struct, frozen=True):
    """One rule. ``not_planted`` are false alarms that stand, ``withdrawn`` stood for a while and were explained."""

    rule: str
    planted: int
    found: int
    not_planted: int
    withdrawn: int = 0

    @property
    def missed(self) -> int:
        return self.planted - self.found

    @property
    def recall(self) -> float:
        """Share of the planted that was found; 1 where none was planted."""
        return self.found / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        """Share of the standing that was planted; 1 where none stands."""
        standing = self.found + self.not_planted
        return self.found / standing if standing else 1.0

    def as_json(self) -> dict[str, object]:
        """For ``--json``."""
        rates = {"missed": self.missed, "recall": round(self.recall, 6), "precision": round(self.precision, 6)}
        return msgspec.structs.asdict(self) | rates


class Score(msgspec.Struct, frozen=True):
    """``missing`` was planted and does not stand; ``extra`` stands and was not planted; ``withdrawn`` stood for a while.

    ``rules`` have those with something planted or standing; ``withdrawn_of`` says of every rule how many were withdrawn.
    """

    rules: tuple[RuleScore, ...]
    missing: tuple[Planted, ...]
    extra: tuple[Finding, ...]
    withdrawn: int
    withdrawn_of: dict[str, int] = {}

    @property
    def perfect(self) -> bool:
        return not self.missing and not self.extra

    @property
    def total(self) -> RuleScore:
        """All rules as one."""
        planted, found, not_planted = (sum(getattr(rule, name) for rule in self.rules) for name in ("planted", "found", "not_planted"))
        return RuleScore("all", planted, found, not_planted, self.withdrawn)

    @property
    def every_rule(self) -> list[RuleScore]:
        """``rules``, then those of which alerts were only raised and withdrawn."""
        known = {rule.rule for rule in self.rules}
        return [*self.rules, *(RuleScore(rule, 0, 0, 0, count) for rule, count in sorted(self.withdrawn_of.items()) if rule not in known)]

    def as_json(self) -> list[dict[str, object]]:
        """One object per rule, for ``--json``."""
        return [rule.as_json() for rule in self.rules]


def score(truths: Sequence[Truth], alerts: Iterable[Mapping[str, Any]], *, whole_system: bool) -> Score:
    """Compare.

    Args:
        alerts: as ``GET /alerts`` answers them, of every status.
        whole_system: an alert of any event counts as extra; else only one whose offending event is of these runs.
    """
    runs = {str(truth.run.boot) for truth in truths}
    wanted: dict[tuple[object, ...], Planted] = {_mark(fault): fault for truth in truths for fault in truth.planted}
    found: set[tuple[object, ...]] = set()
    extra: list[Finding] = []
    withdrawn_of: Counter[str] = Counter()
    for alert in alerts:
        finding = Finding.read(alert)
        if finding.status not in STANDING:
            if whole_system or _boot(finding.event) in runs:
                withdrawn_of[finding.rule] += 1
            continue
        mark = _mark(finding)
        if mark in wanted and mark not in found:
            found.add(mark)
        elif whole_system or _boot(finding.event) in runs:
            extra.append(finding)
    missing = tuple(fault for mark, fault in wanted.items() if mark not in found)
    planted_of = Counter(fault.rule for fault in wanted.values())
    found_of = Counter(wanted[mark].rule for mark in found)
    extra_of = Counter(finding.rule for finding in extra)
    rules = tuple(
        RuleScore(rule, planted_of[rule], found_of[rule], extra_of[rule], withdrawn_of[rule])
        for rule in dict.fromkeys([*sorted(planted_of), *sorted(extra_of)])
    )
    return Score(rules, missing, tuple(extra), withdrawn_of.total(), dict(withdrawn_of))


def _mark(alert: Planted | Finding) -> tuple[object, ...]:
    """What makes two alerts the same: rule and item; where each event has its own alert also when it happened."""
    if alert.cause == "item":
        return alert.rule, alert.epc, "item"
    return alert.rule, alert.epc, alert.cause, alert.event_time


def _boot(event: str) -> str:
    parts = event.split("/")
    return parts[1] if len(parts) == 3 else ""
