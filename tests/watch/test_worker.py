"""The worker's fold over its tables, as Faust drives it: batches, and batches seen twice after a crash."""

from __future__ import annotations

from typing import Any

from packtrace.watch.incidents import AlertSeen
from packtrace.watch.worker import Tables, incident_body


def alert(n: int, version: int = 1, status: str = "provisional") -> AlertSeen:
    return AlertSeen(f"{n:032x}", version, "unknown-serial", status, "high", 0, 1000 + n, "09506000134352", "L9")


def test_a_batch_tells_each_incident_once_in_its_newest_version() -> None:
    tables = Tables({}, {})
    incidents = tables.fold([alert(n) for n in range(300)])
    assert [(one.cause, one.alerts) for one in incidents if one.status == "open"] == [("lot-not-uploaded", 300)]


def test_a_batch_folded_again_changes_nothing() -> None:
    members: dict[str, Any] = {}
    groups: dict[str, Any] = {}
    tables = Tables(members, groups)
    batch = [alert(n) for n in range(7)]
    tables.fold(batch)
    before = (dict(members), dict(groups))
    assert tables.fold(batch) == []
    assert (members, groups) == before


def test_an_incident_is_a_record_of_its_schema() -> None:
    (one,) = Tables({}, {}).fold([AlertSeen("a" * 32, 1, "two-parents", "provisional", "high", 0, 5)])
    assert one.cause == "single"
    assert len(incident_body(one)) > 60
