"""The query service over a real ClickHouse: every answer is what schemas/openapi.yaml and design.md 9 promise."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.clickhouse_migrate import apply
from packtrace.adapters.http_status import status_routes
from packtrace.domain.identifiers import check_digit, sscc_key
from packtrace.query.app import QUESTIONS, create_app
from packtrace.query.interface import PATHS
from tests.contracts.plant import Plant, example
from tests.query.asked import Asked
from tests.query.openapi import check_answer, document

pytestmark = pytest.mark.contract

GTIN = "09506000134352"
PLACE = "9506000100005"
UNITS_OF_BIG_LOT = 20_000
REFERENCE = b"""{
  "products": [{"gtin": "09506000134352", "name": "Pills", "level": "unit", "origin": "own"}],
  "lots": [{"gtin": "09506000134352", "lot": "L7", "expiry": "2028-05-31", "released": true},
           {"gtin": "09506000134352", "lot": "BIG", "expiry": "2028-05-31", "released": true}],
  "parties": [{"gln": "9506000100005", "name": "Plant", "roles": []}],
  "locations": [{"gln": "9506000100005", "name": "Line hall", "party": "9506000100005"}]
}"""


def unit(serial: str) -> str:
    return f"https://id.gs1.org/01/{GTIN}/21/{serial}"


def sscc(number: int) -> str:
    digits = f"09506000{number:09d}"
    return f"https://id.gs1.org/00/{digits}{check_digit(digits)}"


def commission(id: str, serials: list[str], at: str, lot: str = "L7", **more: Any) -> dict[str, Any]:
    return {
        "id": id, "type": "object", "action": "ADD", "event_time": at, "biz_step": "commissioning", "disposition": "active",
        "epcs": [unit(serial) for serial in serials], "lot": lot, "expiry": "2028-05-31", "place": PLACE, "device": "cam-1", **more,
    }  # fmt: skip


def pack(id: str, parent: str, children: list[str], at: str) -> dict[str, Any]:
    return {
        "id": id, "type": "aggregation", "action": "ADD", "event_time": at, "biz_step": "packing", "parent": parent,
        "children": children, "place": PLACE, "device": "cam-1",
    }  # fmt: skip


EVENTS: list[dict[str, Any]] = [
    commission("e/1", ["A1", "A2", "A3"], "2026-11-22T10:00:00Z"),
    pack("e/2", sscc(1), [unit("A1"), unit("A2")], "2026-11-22T10:10:00Z"),
    pack("e/3", sscc(2), [sscc(1)], "2026-11-22T10:20:00Z"),
    pack("e/4", sscc(3), [unit("A1")], "2026-11-22T11:00:00Z"),
    {"id": "e/5", "type": "object", "action": "OBSERVE", "event_time": "2026-11-22T12:00:00Z", "biz_step": "shipping", "epcs": [sscc(2)],
     "place": PLACE, "destination_party": "9506000100029"},
    {"id": "e/6", "type": "object", "action": "DELETE", "event_time": "2026-11-22T12:30:00Z", "biz_step": "dispensing", "epcs": [unit("A3")],
     "place": PLACE},
    commission("e/7", ["A2"], "2026-11-22T09:00:00Z", device="cam-9"),
    commission("e/8", ["BAD"], "2026-11-22T13:00:00Z") | {"epcs": ["https://id.gs1.org/01/09506000134353/21/X1"]},
    *(commission(f"big/{n}", [f"B{n * 500 + m}" for m in range(500)], f"2026-11-22T14:{n % 60:02d}:00Z", "BIG") for n in range(UNITS_OF_BIG_LOT // 500)),
    *(pack(f"box/{n}", sscc(1000 + n), [unit(f"B{n * 50 + m}") for m in range(50)], "2026-11-22T15:00:00Z") for n in range(UNITS_OF_BIG_LOT // 100)),
]  # fmt: skip


@pytest.fixture(scope="module")
def plant(clickhouse_server: str) -> Iterator[Plant]:
    store = ClickHouseStore(clickhouse_server, "query_service")
    store.create_database()
    apply(store)
    made = Plant(store)
    made.reference(REFERENCE)
    made.settle()
    made.publish(EVENTS)
    made.publish_bytes(b"hello")
    made.publish_bytes(None)
    made.settle()
    yield made
    store.command("DROP DATABASE query_service")
    store.close()


@pytest.fixture(scope="module")
def client(plant: Plant) -> Asked:
    return Asked(create_app(plant.answers, status_routes(lambda: None)))


def ask(client: Asked, path: str, code: int = 200, /, **parameters: object) -> Any:
    """The answer, checked against the contract."""
    response = client.get(path, params={name: str(value) for name, value in parameters.items()})
    assert response.status_code == code, response.text
    answer = response.json()
    template = next(name for name in document()["paths"] if _matches(name, path))
    check_answer(template, code, answer)
    return answer


def _matches(template: str, path: str) -> bool:
    parts, said = template.split("/"), path.split("/")
    return len(parts) == len(said) and all(part.startswith("{") or part == one for part, one in zip(parts, said, strict=True))


def segment(text: str) -> str:
    return quote(text, safe="")


def test_every_path_of_the_contract_is_a_question_and_the_other_way_round() -> None:
    ours = {"/" + "/".join(question.path) for question in QUESTIONS}
    described = {
        "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
        for path, methods in document()["paths"].items()
        if "get" in methods and not path.startswith(("/capture", "/healthz", "/readyz", "/metrics"))
    }
    # the standard's own paths: tests/contracts/test_epcis_query.py
    described -= {path.name for path in PATHS}
    assert ours == described
    for question in QUESTIONS:
        path = next(path for path in document()["paths"] if _matches(path, "/".join(["", *question.path])))
        stated = [_parameter(one) for one in document()["paths"][path]["get"].get("parameters", [])]
        assert set(question.parameters) == {one["name"] for one in stated if one["in"] == "query"}, path


def _parameter(one: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document()["components"]["parameters"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
    return found


@pytest.mark.parametrize(
    "spelling",
    [unit("A2"), "urn:epc:id:sgtin:9506000.013435.A2", f"(01){GTIN}(21)A2", f"01{GTIN}21A2", f"http://example.com/01/{GTIN}/21/A2"],
)
def test_an_item_in_any_spelling(client: Asked, spelling: str) -> None:
    answer = ask(client, f"/items/{segment(spelling)}")
    assert answer["epc"] == unit("A2")
    assert (answer["life"], answer["lot"], answer["expiry"], answer["kind"]) == ("ACTIVE", "L7", "2028-05-31", "unit")
    assert answer["parents"] == [sscc(1), sscc(2)]
    assert (answer["custody"], answer["location"]) == ("in_transit", None)


def test_an_item_as_it_was(client: Asked) -> None:
    path = f"/items/{segment(unit('A1'))}"
    assert ask(client, path)["parents"] == [sscc(3)]
    then = ask(client, path, at="2026-11-22T10:30:00Z")
    assert then["parents"] == [sscc(1), sscc(2)]
    assert (then["custody"], then["location"]) == ("at", f"https://id.gs1.org/414/{PLACE}")
    assert then["as_of"] == "2026-11-22T10:30:00Z"
    assert ask(client, path, at="2026-11-22T10:05:00Z")["parents"] == []
    assert ask(client, path, 404, at="2026-11-22T09:00:00Z")["type"] == "urn:packtrace:problem:unknown-item"


def test_as_of_far_ahead_is_the_live_answer_for_every_item(client: Asked, plant: Plant) -> None:
    for key in (unit("A1"), unit("A2"), unit("A3"), sscc(1), sscc(2), sscc(3), unit("B7")):
        now, then = ask(client, f"/items/{segment(key)}"), ask(client, f"/items/{segment(key)}", at="2026-11-30T00:00:00Z")
        assert {**now, "as_of": ""} == {**then, "as_of": ""}
        now, then = ask(client, f"/items/{segment(key)}/tree"), ask(client, f"/items/{segment(key)}/tree", at="2026-11-30T00:00:00Z")
        assert {**now, "as_of": ""} == {**then, "as_of": ""}


def test_the_tree_now_and_then(client: Asked) -> None:
    path = f"/items/{segment(sscc(2))}/tree"
    now = ask(client, path)
    assert [case["epc"] for case in now["children"]] == [sscc(1)]
    assert [one["epc"] for one in now["children"][0]["children"]] == [unit("A2")]
    then = ask(client, path, at="2026-11-22T10:30:00Z")
    assert [one["epc"] for one in then["children"][0]["children"]] == [unit("A1"), unit("A2")]
    assert then["nodes"] == 4
    assert ask(client, path, at="2026-11-22T10:30:00Z", limit=2)["truncated"] is True


def test_the_timeline_of_an_item_as_it_is_judged(client: Asked) -> None:
    answer = ask(client, f"/items/{segment(unit('A2'))}/explain")
    events = [entry["event"]["event_id"] for entry in answer["entries"] if entry["entry"] == "event"]
    assert events == ["e/7", "e/1", "e/2"]
    now = ask(client, f"/items/{segment(unit('A2'))}")
    last = answer["entries"][-1]["state"]
    assert (last["life"], last["parent"], last["lot"]) == (now["life"], now["parent"], now["lot"])
    standing = {one["alert"]: one["status"] for one in answer["conclusions"]}
    assert set(standing) == set(now["alerts"])
    for id, status in standing.items():
        assert ask(client, f"/alerts/{id}")["status"] == status


def test_the_events_of_an_item_page_by_page(client: Asked) -> None:
    path = f"/items/{segment(unit('A2'))}/events"
    whole = ask(client, path)
    assert [one["event_id"] for one in whole["events"]] == ["e/7", "e/1", "e/2"]
    assert whole["next"] is None
    assert whole["events"][0]["event"]["device"] == "cam-9"
    assert [one["kind"] for one in whole["events"]] == ["commission", "commission", "pack"]
    paged: list[Any] = []
    cursor = None
    while True:
        page = ask(client, path, limit=1, **({"cursor": cursor} if cursor else {}))
        paged += page["events"]
        cursor = page["next"]
        if cursor is None:
            break
    assert paged == whole["events"]


def test_alerts_by_what_they_share(client: Asked) -> None:
    everything = ask(client, "/alerts")["alerts"]
    assert {one["rule"] for one in everything} >= {"two-parents", "duplicate-commissioning"}
    two = ask(client, "/alerts", rule="two-parents")["alerts"]
    assert [one["epc"] for one in two] == [unit("A1")]
    assert two[0]["cause"] == {"kind": "pack", "event_time": "2026-11-22T11:00:00Z", "place": f"https://id.gs1.org/414/{PLACE}"}
    assert two[0]["events"][0] == "e/4"
    twice = ask(client, "/alerts", item=f"(01){GTIN}(21)A2")["alerts"]
    assert [(one["rule"], one["cause"]) for one in twice if one["rule"] == "duplicate-commissioning"] == [
        ("duplicate-commissioning", "item")
    ]
    assert ask(client, "/alerts", status="withdrawn", rule="two-parents")["alerts"] == []
    assert ask(client, "/alerts", since="2030-01-01T00:00:00Z")["alerts"] == []
    paged: list[Any] = []
    cursor = None
    while True:
        page = ask(client, "/alerts", limit=1, **({"cursor": cursor} if cursor else {}))
        paged += page["alerts"]
        cursor = page["next"]
        if cursor is None:
            break
    assert paged == everything


def test_one_alert_with_its_versions(client: Asked) -> None:
    found = ask(client, "/alerts", rule="two-parents")["alerts"][0]
    one = ask(client, f"/alerts/{found['id']}")
    assert [version["version"] for version in one["versions"]] == list(range(1, len(one["versions"]) + 1))
    assert {name: one[name] for name in found} == found
    assert [(row["event_id"], row["kind"], row["event"]["parent"]) for row in one["evidence"]] == [
        ("e/4", "pack", sscc(3)),
        ("e/2", "pack", sscc(1)),
    ]
    assert (one["rule_version"], bool(one["source"])) == (1, True)
    assert ask(client, f"/alerts/{'0' * 32}", 404)["type"] == "urn:packtrace:problem:unknown-alert"
    assert ask(client, "/alerts/nonsense", 400)["where"] == "id"


def test_every_version_of_reference_data_is_kept(plant: Plant, client: Asked) -> None:
    for released in (False, True):
        lot = {"gtin": GTIN, "lot": "KEPT", "expiry": "2028-05-31", "released": released}
        policy = {"rules": {"two-parents": {"grace_seconds": 60 + released}}}
        plant.reference(json.dumps({"lots": [lot], "policy": policy}).encode())
        plant.settle()
    answer = ask(client, f"/reference/lot/{segment(f'{GTIN}/KEPT')}")
    assert [(one["version"], one["value"]["released"]) for one in answer["versions"]] == [(1, False), (2, True)]
    policies = ask(client, "/reference/policy/policy")["versions"]
    assert [one["value"]["rules"]["two-parents"]["grace_seconds"] for one in policies] == [60, 61]
    assert policies[0]["logged_at"] <= policies[1]["logged_at"]
    assert ask(client, "/reference/lot/never", 404)["type"] == "urn:packtrace:problem:unknown-reference"
    assert ask(client, "/reference/cat/x", 400)["where"] == "entity"


def test_a_recall_says_where_every_unit_is(client: Asked) -> None:
    answer = ask(client, f"/lots/{GTIN}/L7")
    where = {one["epc"]: (one["life"], one["life_reason"], one["root"], one["custody"]) for one in answer["units"]}
    assert where == {
        unit("A1"): ("ACTIVE", None, sscc(3), "at"),
        unit("A2"): ("ACTIVE", None, sscc(2), "in_transit"),
        unit("A3"): ("INACTIVE", "DISPENSED", None, "at"),
    }
    assert answer["units_count"] == 3
    assert {(row["custody"], row["units"]) for row in answer["summary"]["custody"]} == {("at", 2), ("in_transit", 1)}


def test_a_recall_of_a_big_lot_is_quick_and_complete(client: Asked) -> None:
    started = time.monotonic()
    answer = ask(client, f"/lots/{GTIN}/BIG")
    took = time.monotonic() - started
    assert answer["units_count"] == UNITS_OF_BIG_LOT
    assert took < 2.0, f"{took:.2f} s"
    assert len(answer["units"]) == 1000
    seen = set()
    cursor = None
    while True:
        page = ask(client, f"/lots/{GTIN}/BIG", limit=7000, **({"cursor": cursor} if cursor else {}))
        seen |= {one["epc"] for one in page["units"]}
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == UNITS_OF_BIG_LOT
    assert {row["units"] for row in answer["summary"]["parent"] if row["root"]} == {50}
    assert ask(client, f"/lots/{GTIN}/NONE", 404)["type"] == "urn:packtrace:problem:unknown-lot"
    assert ask(client, "/lots/09506000134353/L7", 400)["where"] == "gtin"


def test_verify_decodes_and_judges(client: Asked) -> None:
    answer = ask(client, "/verify", code=f"]d201{GTIN}17280531" + "10L7\x1d21A2")
    assert answer["decoded"] == {"gtin": GTIN, "serial": "A2", "lot": "L7", "expiry": "2028-05-31", "warnings": []}
    assert answer["verdict"] == "suspect"
    assert ask(client, "/verify", code=f"(01){GTIN}(21)A3")["verdict"] == "inactive"
    assert ask(client, "/verify", code=f"(01){GTIN}(21)B1(10)L7")["verdict"] == "mismatch"
    assert ask(client, "/verify", code=f"(01){GTIN}(21)B1(10)BIG")["verdict"] == "ok"
    assert ask(client, "/verify", code=f"(01){GTIN}(21)NEVER")["verdict"] == "unknown"
    assert ask(client, "/verify", 400, code="(01)09506000134353(21)A2")["reason"] == "wrong-check-digit"
    assert ask(client, "/verify", 400, code="")["where"] == "code"


def test_rejected_inputs_with_their_bytes(client: Asked) -> None:
    rows = ask(client, "/rejected")["rejected"]
    assert sorted(row["reason"] for row in rows) == ["no-record", "tombstone", "wrong-check-digit"]
    bad = next(row for row in rows if row["reason"] == "wrong-check-digit")
    assert bad["place"] == "epcs[0]"
    one = ask(client, f"/rejected/{bad['topic']}/{bad['partition']}/{bad['offset']}")
    assert {name: one[name] for name in bad} == bad
    assert one["value"]
    tombstone = next(row for row in rows if row["reason"] == "tombstone")
    assert ask(client, f"/rejected/events/0/{tombstone['offset']}")["value"] is None
    assert [row["reason"] for row in ask(client, "/rejected", reason="tombstone")["rejected"]] == ["tombstone"]
    first = ask(client, "/rejected", limit=2)
    assert first["rejected"] + ask(client, "/rejected", limit=2, cursor=first["next"])["rejected"] == rows
    assert ask(client, "/rejected/events/0/999999", 404)["status"] == 404
    assert ask(client, "/rejected/events/x/0", 400)["where"] == "partition"


def test_counts_agree_with_each_other(client: Asked) -> None:
    stats = ask(client, "/stats")
    accepted = [event for event in EVENTS if event["id"] != "e/8"]
    named = sum(len(event.get("epcs", ())) + len(event.get("children", ())) + bool(event.get("parent")) for event in accepted)
    assert stats["ops"] == stats["ops_expected"] == named
    assert stats["history_rows"] == stats["history_rows_unique"]
    assert stats["alert_changes"] == stats["alert_changes_unique"]
    assert (stats["events"], stats["rejected"]) == (len(accepted), 3)
    assert stats["items"] == 3 + UNITS_OF_BIG_LOT + 3 + UNITS_OF_BIG_LOT // 100


def test_freshness_per_partition(client: Asked) -> None:
    answer = ask(client, "/freshness")
    assert len(answer["partitions"]) == 16
    assert answer["history"] == "2026-11-23T10:00:00Z"


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/items/nonsense", 400, "bad-identifier"),
        (f"/items/{segment(unit('NEVER'))}", 404, "unknown-item"),
        (f"/items/{segment(unit('NEVER'))}/tree", 404, "unknown-item"),
        (f"/items/{segment(unit('NEVER'))}/events", 404, "unknown-item"),
        (f"/items/{segment(unit('NEVER'))}/explain", 404, "unknown-item"),
        (f"/items/{'9' * 2000}", 400, "bad-identifier"),
        (f"/items/{segment(unit('A1'))}?at=yesterday", 400, "bad-parameter"),
        (f"/items/{segment(unit('A1'))}?at=2026-11-22T10:00:00", 400, "bad-parameter"),
        (f"/items/{segment(unit('A1'))}?att=2026-11-22T10:00:00Z", 400, "bad-parameter"),
        (f"/items/{segment(unit('A1'))}/tree?limit=0", 400, "bad-parameter"),
        ("/alerts?limit=10001", 400, "bad-parameter"),
        ("/alerts?limit=10&limit=11", 400, "bad-parameter"),
        ("/alerts?status=open", 400, "bad-parameter"),
        ("/alerts?cursor=nonsense", 400, "bad-parameter"),
        ("/alerts?cursor=WzEsMl0", 400, "bad-parameter"),
        ("/alerts?item=x", 400, "bad-identifier"),
        ("/items/%ff", 400, "bad-identifier"),
        ("/nowhere", 404, "not-found"),
        ("/", 404, "not-found"),
    ],
)
def test_a_question_that_cannot_be_answered(client: Asked, path: str, status: int, kind: str) -> None:
    response = client.get(path)
    problem = response.json()
    assert (response.status_code, problem["type"]) == (status, f"urn:packtrace:problem:{kind}")
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["detail"]


def test_it_only_reads(client: Asked) -> None:
    assert client.request("POST", "/alerts").status_code == 405
    assert client.request("DELETE", f"/items/{segment(unit('A1'))}").status_code == 405


def test_the_story_that_we_ship(clickhouse_server: str) -> None:
    store = ClickHouseStore(clickhouse_server, "query_story")
    store.create_database()
    apply(store)
    try:
        story = Plant(store)
        story.reference(example("reference.json"))
        story.settle()
        story.publish(example("story.jsonl").decode().splitlines())
        story.settle()
        asked = Asked(create_app(story.answers, status_routes(lambda: None)))
        assert ask(asked, f"/items/{segment(unit('A1'))}")["life"] == "ACTIVE"
        stats = ask(asked, "/stats")
        assert stats["ops"] == stats["ops_expected"] > 0
    finally:
        store.command("DROP DATABASE query_story")
        store.close()


def test_a_store_that_is_away_is_said_and_not_guessed(plant: Plant, client: Asked) -> None:
    plant.state.away = True
    try:
        response = client.get(f"/items/{segment(unit('A1'))}")
        assert (response.status_code, response.json()["type"]) == (503, "urn:packtrace:problem:dependency-away")
        assert response.headers["retry-after"]
    finally:
        plant.state.away = False


def test_the_key_of_an_sscc_is_what_the_test_says() -> None:
    assert sscc(1).rpartition("/")[2] == sscc_key(sscc(1).rpartition("/")[2])[2:]
