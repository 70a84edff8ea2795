"""The worker's fold over its tables, as Faust drives it: batches, and batches seen twice after a crash."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.watch.incidents import AlertSeen, Incident
from packtrace.watch.worker import Tables, incident_body


def alert(n: int, version: int = 1, status: str = "provisional", lot: str = "L9") -> AlertSeen:
    return AlertSeen(f"{n:032x}", version, "unknown-serial", status, "high", 0, 1000 + n, "09506000134352", lot)


class Died(Exception):
    """The process ends here."""


class Life:
    """Tables and what was told over several lives; dies before the ``left``-th effect from now."""

    def __init__(self) -> None:
        self.members: dict[str, str] = {}
        self.groups: dict[str, str] = {}
        self.told: dict[str, dict[int, Incident]] = {}
        self.left = 0

    def effect(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Died

    def batch(self, alerts: list[AlertSeen]) -> list[Incident]:
        tables = Tables(Table(self, self.members), Table(self, self.groups))
        folded = tables.fold(alerts)
        for one in folded.incidents:
            self.effect()
            self.told.setdefault(one.id, {})[one.version] = one
        tables.keep_groups(folded)
        tables.keep_members(folded)
        return folded.incidents

    def newest(self) -> dict[str, Incident]:
        latest = {id: versions[max(versions)] for id, versions in self.told.items()}
        return {id: one for id, one in latest.items() if one.status == "open"}


class Table:
    def __init__(self, life: Life, rows: dict[str, str]) -> None:
        self._life, self._rows = life, rows

    def get(self, key: str) -> str | None:
        return self._rows.get(key)

    def __setitem__(self, key: str, value: str) -> None:
        self._life.effect()
        self._rows[key] = value


def test_a_batch_tells_each_incident_once_in_its_newest_version() -> None:
    incidents = Life().batch([alert(n) for n in range(300)])
    assert [(one.cause, one.alerts) for one in incidents if one.status == "open"] == [("lot-not-uploaded", 300)]


def test_a_batch_folded_again_changes_nothing() -> None:
    life = Life()
    batch = [alert(n) for n in range(7)]
    life.batch(batch)
    before = (dict(life.members), dict(life.groups))
    assert life.batch(batch) == []
    assert (life.members, life.groups) == before


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(1, 4)), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 40), st.integers(0, 2)), max_size=5),
)
def test_killed_anywhere_what_stands_in_the_end_is_what_a_life_without_a_crash_tells(
    changes: list[tuple[int, int]], lives: list[tuple[int, int, int]]
) -> None:
    """A life: the size of its batches, the effects until it dies, the batches that it ended and did not commit."""
    statuses = ("provisional", "confirmed", "withdrawn", "provisional")
    alerts = [alert(n, version, statuses[version - 1], "L9" if n % 2 or version > 1 else "") for n, version in changes]
    life, plain = Life(), Life()
    position = 0
    for size, effects, uncommitted in lives:
        life.left = effects
        ends = [position]
        try:
            for start in range(position, len(alerts), size):
                life.batch(alerts[start : start + size])
                ends.append(min(start + size, len(alerts)))
        except Died:
            pass
        position = ends[max(len(ends) - 1 - uncommitted, 0)]
    life.left = 0
    life.batch(alerts[position:])
    for one in alerts:
        plain.batch([one])
    assert life.newest() == plain.newest()


def test_an_alert_that_says_another_lot_later_closes_what_it_opened() -> None:
    life = Life()
    life.batch([alert(1, lot="")])
    assert [one.status for one in life.newest().values()] == ["open"]
    life.batch([alert(1, 2, "withdrawn")])
    assert life.newest() == {}


def test_an_incident_is_a_record_of_its_schema() -> None:
    (one,) = Tables({}, {}).fold([AlertSeen("a" * 32, 1, "two-parents", "provisional", "high", 0, 5)]).incidents
    assert one.cause == "single"
    assert len(incident_body(one)) > 60
