"""What the house forbids in its source, each rule with a line it must refuse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "services").rglob("*.py"))

# fmt: off
FORBIDDEN = {
    #  rule                          pattern                                                             a line it must refuse
    "any Unicode digit":            (r"""re\.\w+\(\s*[rbf]*["'].*\\d""",                                  r"""X = re.compile(r"\d+")"""),
    "SQL put together as text":     (r"""(?i)f["'][^"']*\b(select|insert into|alter|drop)\b[^"']*\{""",   """q = f"SELECT * FROM {table}" """),
    "unfinished":                   (r"\b(TODO|FIXME|XXX)\b|NotImplementedError",                          "# TODO later"),
    "a machine's path":             (r"""["'](/work|/root|/home)/""",                                      'p = "/root/x"'),
    "an open bind":                 (r"""["']0\.0\.0\.0["']""",                                            'host = "0.0.0.0"'),
}
# fmt: on


@pytest.mark.parametrize("rule", FORBIDDEN)
def test_the_source_has_none(rule: str) -> None:
    pattern, _ = FORBIDDEN[rule]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line) and "# house: allowed" not in line
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("rule", FORBIDDEN)
def test_the_rule_can_refuse(rule: str) -> None:
    pattern, bad = FORBIDDEN[rule]
    assert re.search(pattern, bad)


@pytest.mark.parametrize("room", ["domain", "codec"])
def test_pure_rooms_read_neither_clock_nor_environment(room: str) -> None:
    impure = re.compile(r"time\.time\(|datetime\.now\(|utcnow\(|os\.environ|open\(|getenv")
    found = [path.name for path in (ROOT / "services/packtrace" / room).rglob("*.py") if impure.search(path.read_text(encoding="utf-8"))]
    assert not found
