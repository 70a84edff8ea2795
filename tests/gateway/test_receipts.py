"""Answers are remembered by capture id, the newest of them, over a restart."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from packtrace.gateway.receipts import Receipt, Receipts, Verdict


def receipt(number: int, rejected: int = 0) -> Receipt:
    events = [
        Verdict(0, "accepted", f"e{number}"),
        *(Verdict(n + 1, "rejected", code="bad-time", where="event_time") for n in range(rejected)),
    ]
    return Receipt(f"{number:032x}", "2026-11-22T10:00:00.000Z", 1, rejected, events)


def test_what_is_stored_is_found_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "gateway" / "captures.sqlite"
    first = Receipts(path)
    first.store(receipt(1, rejected=2))
    first.close()
    again = Receipts(path)
    assert again.find(f"{1:032x}") == receipt(1, rejected=2)
    assert again.find(f"{2:032x}") is None
    again.close()


def test_only_the_newest_are_kept_also_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "captures.sqlite"
    for batch in range(3):
        receipts = Receipts(path, captures_max=5)
        for number in range(batch * 4, batch * 4 + 4):
            receipts.store(receipt(number))
        receipts.close()
    receipts = Receipts(path, captures_max=5)
    assert [number for number in range(12) if receipts.find(f"{number:032x}")] == [7, 8, 9, 10, 11]
    receipts.close()


def test_the_same_capture_again_replaces_its_answer(tmp_path: Path) -> None:
    receipts = Receipts(tmp_path / "captures.sqlite", captures_max=2)
    receipts.store(receipt(1, rejected=1))
    receipts.store(receipt(1))
    receipts.store(receipt(2))
    assert receipts.find(f"{1:032x}") == receipt(1)
    receipts.close()


@pytest.mark.crash
def test_a_kill_loses_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "captures.sqlite"
    script = (
        "import os, sys; from pathlib import Path; from packtrace.gateway.receipts import Receipt, Receipts\n"
        "receipts = Receipts(Path(sys.argv[1]))\n"
        "receipts.store(Receipt('0' * 32, '', 0, 0, []))\n"
        "os._exit(137)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False, timeout=30).returncode == 137
    receipts = Receipts(path)
    assert receipts.find("0" * 32) is not None
    receipts.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
