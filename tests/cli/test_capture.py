"""``capture`` sends a file whole where it fits, else in bodies, and finds each rejected event again in the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from packtrace.cli.capture import capture_file
from packtrace.errors import RefusedError, UnavailableError
from tests.cli.wired import ToGateway
from tests.codec.epcis.test_reading import EVENT, XML_EVENT, json_document, xml_document
from tests.gateway.asgi import Gateway, event


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with Gateway(tmp_path) as opened:
        yield opened


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "events.json"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_file_that_fits_is_one_capture(gateway: Gateway, tmp_path: Path) -> None:
    name = written(tmp_path, "\n".join(json.dumps(event(number)) for number in range(5)))
    (one,) = capture_file(ToGateway(gateway), name)
    assert (one.receipt["accepted"], one.receipt["rejected"], one.refusals, one.problem) == (5, 0, [], "")
    assert gateway.request("GET", f"/capture/{one.receipt['capture']}").json["accepted"] == 5


@pytest.mark.parametrize("shape", ["lines", "array"])
def test_a_rejected_event_is_found_by_its_place(gateway: Gateway, tmp_path: Path, shape: str) -> None:
    events = [event(1), event(2, action="REMOVE"), event(3)]
    name = written(tmp_path, json.dumps(events) if shape == "array" else "\n\n".join(map(json.dumps, events)))
    (one,) = capture_file(ToGateway(gateway), name)
    assert [(refusal.place, refusal.verdict["code"]) for refusal in one.refusals] == [
        (f"{name}[1]" if shape == "array" else f"{name}:3", "unknown-action")
    ]


@pytest.mark.parametrize(("bytes_max", "events_max"), [(10_000_000, 4), (1_200, 10_000)])
def test_a_large_file_goes_in_several_bodies(gateway: Gateway, tmp_path: Path, bytes_max: int, events_max: int) -> None:
    events = [event(number, lot="x" * 30 if number == 7 else "L7") for number in range(10)]
    name = written(tmp_path, json.dumps(events, indent=2))
    bodies = list(capture_file(ToGateway(gateway), name, bytes_max, events_max))
    assert len(bodies) > 1
    assert sum(one.receipt["accepted"] for one in bodies) == 9
    assert [refusal.place for one in bodies for refusal in one.refusals] == [f"{name}[7]"]
    assert {stored["id"] for stored in gateway.events()} == {f"line-1/7/{n}" for n in range(10) if n != 7}


def test_a_file_that_is_no_json_is_rejected_by_the_gateway_and_kept(gateway: Gateway, tmp_path: Path) -> None:
    (one,) = capture_file(ToGateway(gateway), written(tmp_path, "[{},,]"))
    assert one.refusals[0].verdict["code"] == "malformed-json"
    assert gateway.rejected()[0]["value"] == b"[{},,]"


BAD = EVENT | {"epcList": ["urn:epc:id:sgtin:9506000.013435.A1", "urn:epc:id:sgtin:9506000.13435.A2"]}


@pytest.mark.parametrize("kind", ["json", "xml"])
def test_an_epcis_document_is_captured_and_its_bad_event_found(gateway: Gateway, tmp_path: Path, kind: str) -> None:
    bad = XML_EVENT.replace("013435.A2", "13435.A2")
    text = json_document(EVENT, BAD) if kind == "json" else xml_document(XML_EVENT, bad)
    (one,) = capture_file(ToGateway(gateway), written(tmp_path, text.decode()))
    assert (one.receipt["accepted"], one.receipt["rejected"]) == (1, 1)
    (refusal,) = one.refusals
    assert refusal.verdict["where"] == ("/epcisBody/eventList/1/epcList/1" if kind == "json" else "line 3, epcList[1]")
    (none,) = capture_file(ToGateway(gateway), written(tmp_path, text.decode()), behaviour="rollback")
    assert none.receipt["rejected"] == 1


def test_a_document_beyond_the_limits_goes_in_parts_and_keeps_its_places(tmp_path: Path) -> None:
    with Gateway(tmp_path, events_max=4) as gateway:
        events = [EVENT | {"epcList": [f"urn:epc:id:sgtin:9506000.013435.A{number}"]} for number in range(9)]
        events[6] = BAD
        text = json_document(*events, epcisHeader={}).decode().replace('"+01:00"', '"+01:00", "a": tru', 1)
        bodies = list(capture_file(ToGateway(gateway), written(tmp_path, text), body_events_max=4))
        assert sum(one.receipt["accepted"] for one in bodies) == 7
        refusals = [refusal.verdict for one in bodies for refusal in one.refusals]
        assert [(one["index"], one["where"]) for one in refusals] == [
            (0, "/epcisBody/eventList/0"),
            (6, "/epcisBody/eventList/6/epcList/1"),
        ]
        assert len(gateway.events()) == 7


def test_an_empty_file_is_said_to_be_empty(gateway: Gateway, tmp_path: Path) -> None:
    (one,) = capture_file(ToGateway(gateway), written(tmp_path, "\n"))
    assert "found no event" in one.problem


def test_no_file_and_no_broker_are_told_apart(gateway: Gateway, tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        list(capture_file(ToGateway(gateway), str(tmp_path / "nothing")))
    gateway.log.away = True
    with pytest.raises(UnavailableError):
        list(capture_file(ToGateway(gateway), written(tmp_path, json.dumps(event(1)))))
