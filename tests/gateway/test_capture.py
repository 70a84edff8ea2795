"""Events over HTTP: an answer per event, and nothing claimed that the log has not acknowledged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packtrace.errors import UnavailableError
from tests.gateway.asgi import Gateway, event


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with Gateway(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/events", "/capture"])
@pytest.mark.parametrize("content_type", ["application/json", "application/vnd.packtrace+json", "application/json; charset=utf-8"])
def test_one_event_is_accepted_and_is_in_the_log(gateway: Gateway, path: str, content_type: str) -> None:
    answer = gateway.post(path, event(), content_type)
    assert answer.status == 202
    assert answer.json["events"] == [{"index": 0, "status": "accepted", "id": "line-1/7/1"}]
    assert (answer.json["accepted"], answer.json["rejected"]) == (1, 0)
    assert answer.headers["location"] == f"/capture/{answer.json['capture']}"
    (record,) = gateway.log.topic("events")
    assert record.key == b"line-1"
    (stored,) = gateway.events()
    assert stored["id"] == "line-1/7/1"
    assert stored["event_time"] == 1_795_341_540_125_000
    assert stored["epcs"] == ["https://id.gs1.org/01/09506000134352/21/S1"]


@pytest.mark.parametrize("shape", ["array", "lines"])
def test_one_bad_event_never_costs_the_others(gateway: Gateway, shape: str) -> None:
    events = [event(number) for number in range(1000)]
    events[417] = event(417, epcs=["https://id.gs1.org/01/09506000134353/21/S417"])
    body = json.dumps(events) if shape == "array" else "\n".join(map(json.dumps, events))
    answer = gateway.post("/capture", body.encode())
    assert answer.status == 202
    assert (answer.json["accepted"], answer.json["rejected"]) == (999, 1)
    refusal = answer.json["events"][417]
    assert (refusal["index"], refusal["status"], refusal["id"]) == (417, "rejected", "line-1/7/417")
    assert (refusal["code"], refusal["where"]) == ("wrong-check-digit", "epcs[0]")
    assert "check digit 2" in refusal["expected"]
    assert {stored["id"] for stored in gateway.events()} == {f"line-1/7/{n}" for n in range(1000) if n != 417}
    (kept,) = gateway.rejected()
    assert (kept["topic"], kept["reason"], kept["place"], kept["source"]) == ("http", "wrong-check-digit", "epcs[0]", "line-1")
    assert json.loads(kept["value"]) == events[417]


def test_a_line_that_is_no_json_costs_only_itself(gateway: Gateway) -> None:
    body = b"\n".join([json.dumps(event(1)).encode(), b'{"id": "x", "type"}', json.dumps(event(2)).encode()])
    answer = gateway.post("/events", body)
    assert answer.status == 202
    assert [one["status"] for one in answer.json["events"]] == ["accepted", "rejected", "accepted"]
    assert answer.json["events"][1]["code"] == "malformed-json"
    assert answer.json["events"][1]["where"].startswith("line 2, column ")
    assert gateway.rejected()[0]["value"] == b'{"id": "x", "type"}'


# fmt: off
ALL_BAD = [
    #  body                                                     status  code
    (b"hello",                                                  400,    "malformed-json"),
    (b'[{"type": "object"},',                                   400,    "malformed-json"),
    ([1],                                                       400,    "wrong-type"),
    (event(colour="blue"),                                      400,    "unknown-field"),
    (event(event_time=None),                                    400,    "missing-field"),
    (event(epcs="x"),                                           400,    "wrong-type"),
    (b'{"type": "object", "type": "object"}',                   400,    "malformed-json"),
    (event(action="REMOVE"),                                    422,    "unknown-action"),
    (event(event_time="2090-01-01T00:00:00Z"),                  422,    "future-time"),
    (event(epcs=["https://id.gs1.org/01/09506000134353/21/X"]), 422,    "wrong-check-digit"),
    ([event(epcs=["x" * 300]), event(epcs=[])],                 422,    "identifier-too-long"),
]
# fmt: on


@pytest.mark.parametrize(("body", "status", "code"), ALL_BAD)
def test_where_nothing_is_accepted_it_is_a_problem_document(gateway: Gateway, body: Any, status: int, code: str) -> None:
    answer = gateway.post("/events", body)
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json
    assert (problem["type"], problem["status"]) == ("urn:packtrace:problem:all-rejected", status)
    assert problem["events"][0]["code"] == code
    assert problem["accepted"] == 0
    assert gateway.events() == []
    assert gateway.rejected()[0]["reason"] == code


@pytest.mark.parametrize("body", [b"", b"[]", b" \n"])
def test_no_event_at_all_is_said(gateway: Gateway, body: bytes) -> None:
    answer = gateway.post("/events", body)
    assert (answer.status, answer.json["type"]) == (400, "urn:packtrace:problem:no-events")


def test_an_event_without_id_is_answered_with_the_hash_of_its_content(gateway: Gateway) -> None:
    answer = gateway.post("/events", [event(1, id=None), event(2, id=None), event(1, id=None)])
    ids = [one["id"] for one in answer.json["events"]]
    assert all(one.startswith("ni:///sha-256;") for one in ids)
    assert ids[0] == ids[2] != ids[1]
    assert {stored["id"] for stored in gateway.events()} == {""}


# fmt: off
SOURCES = [
    #  stated                                                                               key
    ({"line": "line-9", "device": "cam-1"},                                                 b"line-9"),
    ({"line": None, "device": "cam-1", "party": "9506000100005"},                           b"cam-1"),
    ({"line": None, "party": "9506000100012"},                                              b"9506000100012"),
    ({"line": None},                                                                        b"9506000100005"),
]
# fmt: on


@pytest.mark.parametrize(("stated", "key"), SOURCES)
def test_the_key_is_the_source(gateway: Gateway, stated: dict[str, Any], key: bytes) -> None:
    assert gateway.post("/events", event(1, **stated)).status == 202
    assert [record.key for record in gateway.log.topic("events")] == [key]


# fmt: off
ODD_TEXTS = [
    ("id",       "\ud800"),
    ("lot",      "\udfff"),
    ("id",       "\x00"),
    ("line",     "a\nb"),
    ("id",       "x" * 5_000),
    ("line",     "\ud800"),
]
# fmt: on


@pytest.mark.parametrize(("field", "text"), ODD_TEXTS)
def test_text_that_cannot_be_stored_is_a_rejection_and_no_failure(gateway: Gateway, field: str, text: str) -> None:
    answer = gateway.post("/events", [event(1, **{field: text}), event(2)])
    assert answer.status == 202
    assert [one["status"] for one in answer.json["events"]] == ["rejected", "accepted"]
    assert len(gateway.rejected()) == 1


def test_the_same_document_twice_has_one_id_and_one_effect(gateway: Gateway) -> None:
    body = json.dumps([event(1), event(2, lot="x" * 30), event(3)]).encode()
    first = gateway.post("/capture", body)
    again = gateway.post("/capture", body)
    assert again.json["capture"] == first.json["capture"]
    assert again.json["events"] == first.json["events"]
    assert len(gateway.events()) == 2
    assert len(gateway.rejected()) == 1
    assert gateway.post("/capture", body + b" ").json["capture"] != first.json["capture"]


def test_what_was_rejected_is_judged_again_when_it_comes_again(gateway: Gateway) -> None:
    """An event ahead of its time is no longer so a day later."""
    body = json.dumps([event(1), event(2, event_time="2026-11-23T12:00:00Z")]).encode()
    assert gateway.post("/capture", body).json["rejected"] == 1
    gateway.now += 6 * 3_600 * 1_000_000
    again = gateway.post("/capture", body)
    assert (again.json["accepted"], again.json["rejected"]) == (2, 0)
    assert sorted(stored["id"] for stored in gateway.events()) == ["line-1/7/1", "line-1/7/2"]


def test_a_capture_is_remembered(gateway: Gateway) -> None:
    posted = gateway.post("/capture", [event(1), event(2, action="REMOVE")]).json
    found = gateway.request("GET", f"/capture/{posted['capture']}")
    assert (found.status, found.json) == (200, posted)


@pytest.mark.parametrize("capture", ["0" * 32, "x", "..", "%00", "A" * 32])
def test_an_unknown_capture_is_said_to_be_unknown(gateway: Gateway, capture: str) -> None:
    answer = gateway.request("GET", f"/capture/{capture}")
    assert (answer.status, answer.json["type"]) == (404, "urn:packtrace:problem:unknown-capture")


def test_while_the_broker_is_away_nothing_is_claimed(gateway: Gateway) -> None:
    gateway.log.away = True
    answer = gateway.post("/events", event(1))
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert answer.json["type"] == "urn:packtrace:problem:broker-away"
    assert gateway.events() == []
    assert gateway.request("GET", "/readyz").status == 503
    gateway.log.away = False
    assert gateway.post("/events", event(1)).status == 202
    assert len(gateway.events()) == 1
    assert gateway.request("GET", "/readyz").status == 200


def test_a_record_that_was_not_stored_is_not_claimed(gateway: Gateway) -> None:
    gateway.log.fail_writes = 1
    assert gateway.post("/events", [event(1), event(2)]).status == 503
    capture = gateway.post("/events", [event(1), event(2)])
    assert (capture.status, capture.json["accepted"]) == (202, 2)


def test_while_the_schemas_are_not_known_nothing_is_claimed(gateway: Gateway, tmp_path: Path) -> None:
    from packtrace.gateway.intake import Codec, Intake

    def unknown() -> Codec:
        raise UnavailableError("the registry does not answer")

    intake = Intake(gateway.publisher, gateway.receipts, unknown, lambda: gateway.now, 10)
    from packtrace.codec.epcis.limits import Limits
    from packtrace.gateway.app import create_app
    from packtrace.gateway.body import BodyLimits, BodyReader
    from packtrace.gateway.captures import Captures
    from packtrace.gateway.epcis_intake import EpcisIntake

    captures = Captures(EpcisIntake(gateway.publisher, gateway.known, Limits()), intake, gateway.receipts, lambda: gateway.now)
    gateway.app = create_app(intake, captures, gateway.receipts, BodyReader(BodyLimits()), [])
    for body, media_type in ((event(1), "application/json"), (b'{"type": "ObjectEvent"}', "application/ld+json")):
        answer = gateway.post("/events", body, media_type)
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert "the registry does not answer" in answer.json["detail"]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    outages=st.lists(st.sampled_from(["", "away", "fail"]), min_size=1, max_size=6),
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4),
)
def test_what_was_claimed_is_in_the_log_whatever_fails(
    tmp_path_factory: pytest.TempPathFactory, outages: list[str], sizes: list[int]
) -> None:
    """Bodies are sent until each is claimed; every claim is true, and nothing but repeats comes twice."""
    with Gateway(tmp_path_factory.mktemp("gateway")) as gateway:
        number = 0
        for turn, size in enumerate(sizes):
            body = [event(number + n) for n in range(size)]
            number += size
            for attempt in range(len(outages) + 1):
                outage = outages[(turn + attempt) % len(outages)] if attempt < len(outages) else ""
                gateway.log.away = outage == "away"
                gateway.log.fail_writes = 1 if outage == "fail" else 0
                answer = gateway.post("/events", body)
                in_log = {stored["id"] for stored in gateway.events()}
                if answer.status == 202:
                    assert {one["id"] for one in answer.json["events"]} <= in_log
                    break
                assert answer.status == 503
            else:
                pytest.fail("never claimed, though the broker was back")


def test_more_waiting_than_allowed_is_overload_not_loss(tmp_path: Path) -> None:
    with Gateway(tmp_path, pending_bytes_max=1) as gateway:
        assert gateway.post("/events", event(1)).status == 202
        gateway.publisher._pending_bytes = 1
        answer = gateway.post("/events", event(2))
        assert (answer.status, answer.json["type"]) == (503, "urn:packtrace:problem:overloaded")
        gateway.publisher._pending_bytes = 0


def test_unknown_paths_and_methods_are_problems_too(gateway: Gateway) -> None:
    for method, path, status in (("GET", "/nothing", 404), ("GET", "/events", 405), ("DELETE", "/capture", 405)):
        answer = gateway.request(method, path)
        assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")


def test_health_and_metrics(gateway: Gateway) -> None:
    gateway.post("/events", event(1))
    assert gateway.request("GET", "/healthz").status == 200
    metrics = gateway.request("GET", "/metrics").body
    assert b'packtrace_gateway_events_total{answer="accepted"}' in metrics
    assert b'packtrace_gateway_seconds_count{route="/events"}' in metrics
