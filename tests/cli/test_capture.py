"""``capture`` sends a file whole where it fits, else in bodies, and finds each rejected event again in the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from packtrace.cli.capture import capture_file
from packtrace.errors import RefusedError, UnavailableError
from tests.cli.wired import ToGateway
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


@pytest.mark.parametrize("text", ["<epcis:EPCISDocument/>", '{"@context": "x", "type": "EPCISDocument"}'])
def test_an_epcis_document_is_told_what_is_read(gateway: Gateway, tmp_path: Path, text: str) -> None:
    (one,) = capture_file(ToGateway(gateway), written(tmp_path, text))
    assert "expected application/json" in one.problem
    assert one.receipt == {}


def test_an_empty_file_is_said_to_be_empty(gateway: Gateway, tmp_path: Path) -> None:
    (one,) = capture_file(ToGateway(gateway), written(tmp_path, "\n"))
    assert "found no event" in one.problem


def test_no_file_and_no_broker_are_told_apart(gateway: Gateway, tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        list(capture_file(ToGateway(gateway), str(tmp_path / "nothing")))
    gateway.log.away = True
    with pytest.raises(UnavailableError):
        list(capture_file(ToGateway(gateway), written(tmp_path, json.dumps(event(1)))))
