"""What the demo found out, as a person reads it, and whether it is what was promised."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from packtrace.simulator.latency import percentile
from packtrace.simulator.score import RuleScore, Score

Row = dict[str, Any]


class Burst(msgspec.Struct, frozen=True):
    """Flat out: how much, how long publishing took, and how long from the first event until it was all stored."""

    units: int
    events: int
    operations: int
    published_seconds: float
    drained_seconds: float


class Findings(msgspec.Struct, frozen=True):
    """Everything the demo measured. ``stats`` is the answer of ``GET /stats``; latencies are microseconds."""

    events: int
    operations: int
    stats: Row
    score: Score
    line_latency: list[int]
    burst_latency: list[int]
    burst: Burst

    def as_json(self) -> Row:
        """For ``--json``."""
        return {
            "events": self.events, "ops": self.operations, "stats": self.stats, "rules": self.score.as_json(),
            "alerts_withdrawn": self.score.withdrawn, "burst": msgspec.structs.asdict(self.burst),
            "alert_latency_milliseconds": {
                name: {f"p{share * 100:.0f}": percentile(taken, share) / 1000 for share in (0.5, 0.99)}
                for name, taken in (("lines", self.line_latency), ("burst", self.burst_latency))
            },
            "complaints": self.complaints,
        }  # fmt: skip

    @property
    def complaints(self) -> list[str]:
        """One sentence for each promise that was not kept; none is a success."""
        stats, score = self.stats, self.score
        promises = (
            (
                stats["ops"] == self.operations,
                f"{self.operations:,} EPC-ops were published, ClickHouse holds {stats['ops']:,} rows of them",
            ),
            (
                stats["ops"] == stats["ops_expected"],
                f"the events in ClickHouse name {stats['ops_expected']:,} items, the history has {stats['ops']:,}",
            ),
            (
                stats["history_rows"] == stats["history_rows_unique"],
                f"{stats['history_rows'] - stats['history_rows_unique']:,} history rows are stored twice",
            ),
            (stats["events"] == self.events, f"{self.events:,} events were published, ClickHouse holds {stats['events']:,}"),
            (stats["rejected"] == 0, f"{stats['rejected']:,} events were rejected"),
            (stats["alert_changes"] == stats["alert_changes_unique"], "an alert's change is stored twice"),
            (not score.missing, f"planted and not found: {', '.join(f'{fault.rule} of {fault.epc}' for fault in score.missing[:5])}"),
            (not score.extra, f"found and not planted: {', '.join(f'{alert.rule} of {alert.epc}' for alert in score.extra[:5])}"),
        )
        return [sentence for kept, sentence in promises if not kept]


def counts_table(findings: Findings) -> RenderableType:
    """How much went in and what is stored."""
    stats, burst = findings.stats, findings.burst
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column(style="dim", overflow="fold")
    same = "equal to the EPC-ops published" if stats["ops"] == findings.operations else f"of {findings.operations:,} published"
    table.add_row("events", f"{findings.events:,}", "published and acknowledged")
    table.add_row("EPC-ops", f"{findings.operations:,}", "an item named by an event")
    table.add_row("items", f"{stats['items']:,}", "units, cases and pallets in the live state")
    table.add_row("rows in ClickHouse", f"{stats['ops']:,}", same)
    table.add_row(
        "burst",
        f"{burst.operations / burst.drained_seconds:,.0f} /s",
        f"EPC-ops a second from the first event to the last row: {burst.operations:,} in {burst.drained_seconds:.1f} s",
    )
    table.add_row("  published at", f"{burst.events / burst.published_seconds:,.0f} /s", "events a second")
    table.add_row(
        "alert latency", _percentiles(findings.line_latency), "event in the log -> alert in the log, p50 and p99, lines in real time"
    )
    table.add_row("  in the burst", _percentiles(findings.burst_latency), "with all that was queued before it")
    return table


def score_table(score: Score) -> RenderableType:
    """Planted, found, missed, false and withdrawn, rule by rule."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("rule")
    for name in ("planted", "found", "missed", "false", "withdrawn", "recall", "precision"):
        table.add_column(name, justify="right")
    for rule in score.every_rule:
        table.add_row(*_score_row(rule), style="" if not rule.missed and not rule.not_planted else "bold red")
    table.add_section()
    table.add_row(*_score_row(score.total), style="bold")
    if not score.withdrawn:
        return table
    remark = f"{score.withdrawn:,} alerts were raised for a while and withdrawn when late data explained them"
    return Group(table, Text(remark, style="dim"))


def _score_row(rule: RuleScore) -> tuple[str, ...]:
    counts = (rule.planted, rule.found, rule.missed, rule.not_planted, rule.withdrawn)
    return rule.rule, *(f"{count:,}" for count in counts), f"{rule.recall:.1%}", f"{rule.precision:.1%}"


def verdict(complaints: list[str]) -> RenderableType:
    """The last word."""
    if not complaints:
        return Text("Everything planted was found, nothing else stands, and the rows match.", style="bold green")
    return Group(*(Text(f"✗ {sentence}", style="bold red") for sentence in complaints))


def _percentiles(latencies: list[int]) -> str:
    if not latencies:
        return "-"
    return " / ".join(f"{percentile(latencies, share) / 1000:,.0f} ms" for share in (0.5, 0.99))
