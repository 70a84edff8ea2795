"""Services with something planted in them: a record that ends the process, a clock that jumps, work that takes too long; and schemas
that are not ours.

The numbers are those of the failure matrix that design and issues speak of.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fastavro
import pytest

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.registry import Registry, subject_of
from packtrace.codec import event_avro, wire
from packtrace.codec.event_json import raw_from_json
from packtrace.contracts import schema_text
from packtrace.errors import RefusedError
from tests.crash.wire import Link, Refuse
from tests.crash.works import DOCKS, READY_SECONDS, SERVICES, Works

pytestmark = [pytest.mark.crash, pytest.mark.sweep, pytest.mark.timeout(300)]

STARTS_MAX = 12
POISON = '"event": "poison"'
POLL_SECONDS = 8.0
JUMPS_SECONDS = (3_600, -3_600, 300, -300, 0)


@pytest.fixture
def apart(works: Works) -> Iterator[Works]:
    """Afterwards every service is started anew, without what was planted."""
    yield works
    works.end()


def scan(id: str, serial: str, when: datetime | None = None, **more: Any) -> dict[str, Any]:
    """An event that commissions one pack."""
    moment = when or datetime.now(UTC) - timedelta(minutes=30)
    return {
        "id": id, "type": "object", "action": "ADD", "event_time": moment.isoformat().replace("+00:00", "Z"), "biz_step": "commissioning",
        "epcs": [f"https://id.gs1.org/01/09506000134352/21/{serial}"], "lot": "L7", "expiry": "2028-05-31",
        "place": DOCKS[0], "read_point": DOCKS[0],
    } | more  # fmt: skip


def rows(works: Works, sql: str, **parameters: object) -> list[tuple[Any, ...]]:
    history = ClickHouseStore(works.clickhouse)
    try:
        return list(history.query(sql, parameters))
    finally:
        history.close()


def start_until_it_lives(works: Works, name: str, words: str) -> int:
    """As a supervisor would, until it has said what it sets aside; how often it died."""
    said = works.log(name, 100_000).count(POISON)
    for died in range(STARTS_MAX):
        works.start(name, planted={"fatal": words})
        end = time.monotonic() + READY_SECONDS
        while works.lives(name) and time.monotonic() < end:
            if works.log(name, 100_000).count(POISON) > said:
                return died
            time.sleep(0.2)
        assert not works.lives(name), f"{name} neither died nor set anything aside: {works.log(name)}"
        works.ended(name)
    raise AssertionError(f"{name} still dies after {STARTS_MAX} starts: {works.log(name)}")


@pytest.mark.parametrize("name", ["router", "sink"])
def test_a_record_that_kills_goes_to_rejected_and_replayed_twice_it_is_there_once(apart: Works, name: str) -> None:
    """Rows 26 and 27: three processes end at it alone; its bytes and place are kept, and when the fault is mended it comes in late."""
    run = f"{name}{int(time.time())}"
    words = f"kills/{run}"
    apart.stop(name)
    apart.publish(apart.story())
    apart.publish([scan(words, f"K{run}")])
    apart.publish(apart.story())
    assert 3 <= start_until_it_lives(apart, name, words) <= 6
    apart.assert_nothing_lost_or_twice()
    ((topic, partition, offset, value),) = rows(
        apart, "SELECT topic, partition, offset, base64Encode(value) FROM rejected FINAL WHERE reason = 'poison' AND value LIKE {words:String}",
        words=f"%{words}%",
    )  # fmt: skip
    assert topic == "events"
    assert value
    assert f"events/{partition}/{offset}" in apart.log(name, 400)
    apart.stop(name)
    apart.start(name, "query")
    origin = f"events/{partition}/{offset}"
    assert origin in [
        f"{one['topic']}/{one['partition']}/{one['offset']}" for one in apart.command("rejected", "list", "--reason", "poison")
    ]
    (dry,) = apart.command("rejected", "replay", origin, "--dry-run")
    assert dry["status"] == "would be sent"
    for _ in range(2):
        (sent,) = apart.command("rejected", "replay", origin)
        assert sent["status"] == "sent"
        apart.settle()
    apart.assert_nothing_lost_or_twice()
    told = rows(apart, "SELECT outcome, item FROM history WHERE event_id = {id:String} AND row_type = 'op'", id=words)
    assert len({item for _, item in told}) == 1
    assert sorted(outcome for outcome, _ in told) == (["applied", "repeat"] if name == "router" else ["applied", "repeat", "repeat"])
    assert rows(apart, "SELECT uniqExact(id), uniqExact(event) FROM events WHERE id = {id:String}", id=words) == [(1, 1)]
    apart.stop("query")


def test_the_hosts_clock_jumps(apart: Works, tmp_path: Path) -> None:
    """Row 31: an hour and five minutes ahead and back; and events of strange times: only the order of the log and their own times count."""
    wrong = tmp_path / "clock"
    wrong.write_text("0", encoding="ascii")
    apart.stop(*SERVICES)
    apart.start(*SERVICES, planted={"clock": str(wrong)})
    run = f"T{int(time.time())}"

    def jump() -> None:
        for seconds in JUMPS_SECONDS:
            wrong.write_text(str(seconds), encoding="ascii")
            time.sleep(3)

    apart.during(jump)
    strange = {
        "1970": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), "leap": datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC),
        "summer": datetime(2025, 3, 30, 1, 30, tzinfo=UTC), "2090": datetime(2090, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    apart.publish([scan(f"{run}/{name}", f"{run}{name}", when) for name, when in strange.items()])
    apart.assert_nothing_lost_or_twice()
    kept = {id for (id,) in rows(apart, "SELECT id FROM events WHERE startsWith(id, {run:String})", run=run)}
    assert kept == {f"{run}/{name}" for name in strange if name != "2090"}
    (why,) = rows(apart, "SELECT reason FROM rejected FINAL WHERE event_id = {id:String}", id=f"{run}/2090")
    assert "future" in why[0] or "time" in why[0], why


@pytest.mark.parametrize("name", SERVICES)
def test_slow_work_keeps_nobody_from_the_group(apart: Works, name: str) -> None:
    """Row 17: longer between two polls than the group waits for a member; another takes over, and the slow one comes back."""

    def slow() -> None:
        apart.start(name, instance="-slow", planted={"slow": 2 * POLL_SECONDS, "poll_seconds": POLL_SECONDS})
        time.sleep(3 * POLL_SECONDS)
        assert apart.lives(f"{name}-slow"), apart.log(f"{name}-slow")

    apart.during(slow)
    apart.stop(f"{name}-slow")
    apart.assert_nothing_lost_or_twice()


def test_while_clickhouse_is_away_the_sink_stays_in_its_group(apart: Works, links: dict[str, Link]) -> None:
    """Row 17: the group hears of who waits."""
    apart.stop("sink")
    apart.start("sink", planted={"poll_seconds": POLL_SECONDS}, clickhouse=f"http://{links['clickhouse'].address}")
    apart.publish(apart.story())
    apart.settle()
    taken = apart.log("sink", 10_000).count("took_over")

    def away() -> None:
        with links["clickhouse"].broken(Refuse()):
            time.sleep(3 * POLL_SECONDS)
            assert "dependency_away" in apart.log("sink", 10_000)

    apart.during(away)
    assert apart.log("sink", 10_000).count("took_over") == taken
    apart.assert_nothing_lost_or_twice()


def test_other_versions_of_the_schema_flow(works: Works) -> None:
    """Row 32: one more optional field, one left out; what could not be read by others is refused by the registry."""
    run = f"V{int(time.time())}"
    ours = json.loads(schema_text("event.avsc"))
    more = {"name": "temperature", "type": ["null", "double"], "default": None}
    registry = Registry(works.registry)
    written: list[dict[str, Any] | bytes] = []
    ids = []
    changed = {"more": [*ours["fields"], more], "less": [field for field in ours["fields"] if field["name"] != "operator"]}
    for name, fields in changed.items():
        schema = ours | {"fields": fields}
        ids.append(registry.register(subject_of("events"), json.dumps(schema)))
        id, story = f"{run}/{name}", works.story()
        written += [
            framed(ids[-1], schema, event | {"id": f"{id}{number}"}) for number, event in enumerate(story) if isinstance(event, dict)
        ]
    assert len({works.ids["events-value"], *ids}) == 3
    with pytest.raises(RefusedError, match="409"):
        registry.register(subject_of("events"), json.dumps(ours | {"fields": [*ours["fields"], {"name": "must", "type": "string"}]}))
    registry.close()
    works.publish(written)
    works.publish(works.story())
    works.assert_nothing_lost_or_twice()
    ((kept,),) = rows(works, "SELECT count() FROM events WHERE startsWith(id, {run:String})", run=run)
    assert kept == len(written)


def framed(id: int, schema: dict[str, Any], event: dict[str, Any]) -> bytes:
    """A record written with another version of the schema."""
    value = event_avro.BODY.read(event_avro.encode(raw_from_json(json.dumps(event)))) | {"temperature": 4.5}
    body = io.BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema), value)
    return wire.frame(id, body.getvalue())
