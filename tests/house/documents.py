"""Documents drawn from the tables: ``python -m tests.house.documents`` (``make docs``) writes them, a test compares them."""

from __future__ import annotations

import re
from pathlib import Path

from packtrace import telemetry
from packtrace.contracts import topics
from packtrace.domain.rules import PRECEDENCE, RULES

ROOT = Path(__file__).parents[2]


def rules() -> str:
    rows = ["| rule | severity | one alert per | grace | would be explained by | source |", "|---|---|---|---|---|---|"]
    rows += [
        f"| {rule.code} | {rule.severity} | {rule.cause.value} | {_span(rule.grace_s)} | {rule.explained_by} | {rule.source} |"
        for rule in RULES
    ]
    known = {rule.code for rule in RULES}
    rows += ["", "Where several apply to one event, the first silences the rest of its row:", ""]
    for firsts, rest in PRECEDENCE:
        silenced = [code for code in rest if code in known]
        if silenced and known & set(firsts):
            rows.append(f"- {', '.join(code for code in firsts if code in known)} > {', '.join(silenced)}")
    return "\n".join(rows)


def topic_list() -> str:
    rows = ["| topic | key | partitions | kept | written by | read by |", "|---|---|---|---|---|---|"]
    for name, topic in topics().items():
        kept = "for ever" if topic.retention_hours < 0 else f"{topic.retention_hours // 24} days"
        rows.append(f"| {name} | {topic.key} | {topic.partitions} | {kept} | {', '.join(topic.producers)} | {', '.join(topic.consumers)} |")
    return "\n".join(rows)


def metrics() -> str:
    source = Path(telemetry.__file__).read_text(encoding="utf-8")
    found = re.findall(r"^[A-Z_]+ += (Counter|Gauge|Histogram|Info)\(\s*\"(packtrace_[a-z_]+)\",\s*\"([^\"]+)\"", source, re.MULTILINE)
    rows = ["| metric | kind | meaning |", "|---|---|---|"]
    rows += [f"| {name} | {kind.lower()} | {meaning} |" for kind, name, meaning in found]
    return "\n".join(rows)


DOCUMENTS = {
    "services/packtrace/domain/README.md": ("rules", rules),
    "schemas/README.md": ("topics", topic_list),
    "deploy/README.md": ("metrics", metrics),
}


def drawn(path: str) -> str:
    """The document with its drawn part as the tables say."""
    mark, draw = DOCUMENTS[path]
    text = (ROOT / path).read_text(encoding="utf-8")
    begin, end = f"<!-- {mark}: drawn, `make docs` -->\n", f"\n<!-- /{mark} -->"
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    assert rest and tail, f"{path}: the marks of {mark!r} are missing"
    return f"{head}{begin}{draw()}{end}{tail}"


def _span(seconds: int) -> str:
    return "none" if not seconds else f"{seconds // 3600} h" if seconds % 3600 == 0 else f"{seconds // 60} min"


if __name__ == "__main__":
    for path in DOCUMENTS:
        (ROOT / path).write_text(drawn(path), encoding="utf-8")
