"""The worker's fold over its tables, as Faust drives it: batches, and batches seen twice after a crash."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from packtrace.watch.incidents import AlertSeen, Incident
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


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(1, 4)), min_size=1, max_size=40), st.data())
def test_killed_before_it_has_stored_what_it_told_the_newest_version_is_what_a_life_without_a_crash_tells(
    changes: list[tuple[int, int]], data: st.DataObject
) -> None:
    statuses = ("provisional", "confirmed", "withdrawn", "provisional")
    alerts = [alert(n, version, statuses[version - 1]) for n, version in changes]
    told: dict[str, dict[int, Incident]] = {}

    def live(tables: Tables, size: int, upto: int) -> None:
        for start in range(0, upto, size):
            for one in tables.fold(alerts[start : min(start + size, upto)]):
                told.setdefault(one.id, {})[one.version] = one

    live(Tables({}, {}), data.draw(st.integers(1, 5)), data.draw(st.integers(0, len(alerts))))
    live(Tables({}, {}), data.draw(st.integers(1, 50)), len(alerts))
    newest = {id: versions[max(versions)] for id, versions in told.items()}
    told = {}
    live(Tables({}, {}), 1, len(alerts))
    plain = {id: versions[max(versions)] for id, versions in told.items()}
    assert {id: one for id, one in newest.items() if one.status == "open"} == {id: one for id, one in plain.items() if one.status == "open"}


def test_an_incident_is_a_record_of_its_schema() -> None:
    (one,) = Tables({}, {}).fold([AlertSeen("a" * 32, 1, "two-parents", "provisional", "high", 0, 5)])
    assert one.cause == "single"
    assert len(incident_body(one)) > 60
