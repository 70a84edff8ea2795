"""Alerts with one cause become one incident; one whose alerts are all withdrawn closes; a repeat changes nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from packtrace.watch.incidents import SINGLE, AlertSeen, Group, Incident, Member, group_of, grown, incident_id, seen

LOT = {"gtin": "09506000134352", "lot": "L9"}


def alert(n: int, version: int = 1, status: str = "provisional", rule: str = "unknown-serial", **more: str) -> AlertSeen:
    return AlertSeen(f"{n:032x}", version, rule, status, "high", 0, 1000 * n + version, **(LOT | more))


class Watch:
    """The two tables as plain dicts, and the newest record of each incident."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.groups: dict[str, Group] = {}
        self.incidents: dict[str, Incident] = {}

    def see(self, change: AlertSeen) -> list[Incident]:
        cause, subject, _ = group_of(change)
        key = f"{cause}/{subject}"
        member, group, changed = seen(change, self.members.get(change.id), self.groups.get(key))
        self.members[change.id], self.groups[key] = member, group
        for record in changed:
            assert record.version > (self.incidents[record.id].version if record.id in self.incidents else 0)
            self.incidents[record.id] = record
        return changed

    def open(self) -> list[Incident]:
        return [record for record in self.incidents.values() if record.status == "open"]


def test_five_unknown_serials_of_a_lot_are_one_incident() -> None:
    watch = Watch()
    for n in range(4):
        watch.see(alert(n))
    assert [record.cause for record in watch.open()] == [SINGLE] * 4
    watch.see(alert(4))
    assert [(record.cause, record.alerts) for record in watch.open()] == [("lot-not-uploaded", 5)]


def test_a_late_upload_closes_it() -> None:
    watch = Watch()
    for n in range(300):
        watch.see(alert(n))
    assert len(watch.open()) == 1
    for n in range(300):
        watch.see(alert(n, 2, "withdrawn"))
    assert watch.open() == []
    assert watch.incidents[incident_id("lot-not-uploaded", "09506000134352/L9")].alerts_ever == 300


def test_other_rules_stay_alone() -> None:
    watch = Watch()
    for n in range(20):
        watch.see(alert(n, rule="duplicate-commissioning"))
    assert len(watch.open()) == 20


def test_growth_is_told_by_the_group() -> None:
    watch = Watch()
    for n in range(7):
        watch.see(alert(n))
    assert [record.alerts for record in grown(list(watch.groups.values()))] == [7]


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(1, 4)), max_size=40))
def test_a_repeat_of_any_change_changes_nothing(changes: list[tuple[int, int]]) -> None:
    statuses = ("provisional", "confirmed", "withdrawn", "provisional")
    once, twice = Watch(), Watch()
    for n, version in changes:
        change = alert(n, version, statuses[version - 1])
        once.see(change)
        twice.see(change)
        assert twice.see(change) == []
    assert once.incidents == twice.incidents
    standing = {m for m, member in once.members.items() if member.standing}
    assert sum(record.alerts for record in grown(list(once.groups.values()))) in (len(standing), 0)
