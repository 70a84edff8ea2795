"""Each limit at its value and one beyond it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from packtrace.gateway.body import BodyLimits
from tests.gateway.asgi import Gateway, Response, event

BODY = json.dumps(event(1)).encode()


def padded(size: int) -> bytes:
    return BODY + b" " * (size - len(BODY))


@pytest.mark.parametrize("declared", [True, False])
def test_the_body_at_its_limit_and_one_more(tmp_path: Path, declared: bool) -> None:
    limit = 2_000
    with Gateway(tmp_path, limits=BodyLimits(bytes_max=limit)) as gateway:

        def post(size: int) -> Response:
            headers = {"content_length": str(size)} if declared else {}
            return gateway.request("POST", "/events", [padded(size)[:700], padded(size)[700:]], content_type="application/json", **headers)

        assert post(limit).status == 202
        answer = post(limit + 1)
        assert (answer.status, answer.json["type"]) == (413, "urn:packtrace:problem:body-too-large")
        assert "expected at most 2000 bytes" in answer.json["detail"]
        assert answer.headers["connection"] == "close"
        assert len(gateway.events()) == 1
        assert gateway.rejected() == []


def test_the_default_limit_is_ten_mebibytes(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        assert gateway.post("/events", padded(10 * 1024 * 1024)).status == 202
        assert gateway.post("/events", padded(10 * 1024 * 1024 + 1)).status == 413


def test_a_body_that_never_ends_is_not_read_whole(tmp_path: Path) -> None:
    with Gateway(tmp_path, limits=BodyLimits(bytes_max=10_000)) as gateway:
        asked = 0

        async def endless() -> dict[str, object]:
            nonlocal asked
            asked += 1
            await asyncio.sleep(0.05 if asked > 20 else 0)
            return {"type": "http.request", "body": b" " * 1_000, "more_body": True}

        answer = asyncio.run(gateway.run("POST", "/events", endless, {"content_type": "application/json"}))
        assert answer.status == 413
        assert asked < 100


def test_events_at_their_limit_and_one_more(tmp_path: Path) -> None:
    with Gateway(tmp_path, events_max=20) as gateway:
        assert gateway.post("/events", [event(n) for n in range(20)]).status == 202
        answer = gateway.post("/events", [event(n) for n in range(21)])
        assert (answer.status, answer.json["type"]) == (413, "urn:packtrace:problem:too-many-events")
        assert len(gateway.events()) == 20


def test_the_default_limit_is_ten_thousand_events(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        lines = [b'{"type": 1}'] * 10_000
        assert gateway.post("/events", b"\n".join(lines)).status == 400
        assert gateway.post("/events", b"\n".join([*lines, lines[0]])).status == 413


@pytest.mark.parametrize(("depth", "status"), [(32, 202), (33, 400)])
def test_depth_at_its_limit_and_one_more(tmp_path: Path, depth: int, status: int) -> None:
    nested: object = 1
    for _ in range(depth - 1):
        nested = {"n": nested}
    with Gateway(tmp_path) as gateway:
        answer = gateway.post("/events", event(1, extensions=nested))
        assert answer.status == status, answer.body


def test_duplicate_keys_are_refused(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        body = BODY[:-1] + b', "lot": "L8"}'
        answer = gateway.post("/events", body)
        assert answer.status == 400
        assert answer.json["events"][0]["code"] == "malformed-json"
        assert "lot" in answer.json["detail"]


@pytest.mark.parametrize(("epcs", "status"), [(100_000, 202), (100_001, 422)])
def test_epcs_of_an_event_at_their_limit_and_one_more(tmp_path: Path, epcs: int, status: int) -> None:
    with Gateway(tmp_path) as gateway:
        items = [f"https://id.gs1.org/01/09506000134352/21/{n}" for n in range(epcs)]
        assert gateway.post("/events", event(1, epcs=items)).status == status


def test_a_body_that_dawdles_is_given_up(tmp_path: Path) -> None:
    with Gateway(tmp_path, limits=BodyLimits(timeout_seconds=0.3, pause_seconds_max=10)) as gateway:
        answer = asyncio.run(gateway.ask("POST", "/events", [BODY[:10], *[b" "] * 50, BODY[10:]], 0.03, content_type="application/json"))
        assert (answer.status, answer.json["type"]) == (408, "urn:packtrace:problem:body-too-slow")


def test_a_long_pause_ends_it_sooner(tmp_path: Path) -> None:
    with Gateway(tmp_path, limits=BodyLimits(timeout_seconds=60, pause_seconds_max=0.1)) as gateway:
        assert asyncio.run(gateway.ask("POST", "/events", [BODY[:10], BODY[10:]], 0.05, content_type="application/json")).status == 202
        answer = asyncio.run(gateway.ask("POST", "/events", [BODY[:10], BODY[10:]], 0.3, content_type="application/json"))
        assert answer.status == 408


def test_a_client_that_goes_away_is_no_error_of_ours(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        pieces: list[dict[str, object]] = [{"type": "http.request", "body": BODY[:10], "more_body": True}, {"type": "http.disconnect"}]

        async def receive() -> dict[str, object]:
            return pieces.pop(0) if pieces else {"type": "http.disconnect"}

        answer = asyncio.run(gateway.run("POST", "/events", receive, {"content_type": "application/json"}))
        assert answer.status == 400
        assert gateway.events() == []


def test_bodies_coming_in_share_a_bound(tmp_path: Path) -> None:
    with Gateway(tmp_path, limits=BodyLimits(held_bytes_max=len(BODY) * 2)) as gateway:

        async def three() -> list[int]:
            asked = [gateway.ask("POST", "/events", [BODY, b" "], 0.05, content_type="application/json") for _ in range(3)]
            return sorted(answer.status for answer in await asyncio.gather(*asked))

        statuses = asyncio.run(three())
        assert 503 in statuses
        assert gateway.post("/events", event(2)).status == 202


# fmt: off
MEDIA = [
    #  content type                              more headers
    ("text/html; charset=utf-8",                 {}),
    ("text/plain",                               {}),
    ("",                                         {}),
    ("application/json; charset=iso-8859-1",     {}),
    ("application/json",                         {"content_encoding": "br"}),
]
# fmt: on


@pytest.mark.parametrize(("content_type", "more"), MEDIA)
def test_another_kind_of_body_is_told_what_is_read(tmp_path: Path, content_type: str, more: dict[str, str]) -> None:
    with Gateway(tmp_path) as gateway:
        answer = gateway.post("/capture", BODY, content_type, **more)
        assert answer.status == 415
        assert answer.json["detail"].startswith("expected ")
        assert "application/json" in answer.headers["accept-post"]


def test_an_epcis_document_sent_as_events_of_packtrace_is_told_so(tmp_path: Path) -> None:
    with Gateway(tmp_path) as gateway:
        document = {"@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld", "type": "EPCISDocument"}
        answer = gateway.post("/capture", document, "application/vnd.packtrace+json")
        assert (answer.status, answer.json["type"]) == (415, "urn:packtrace:problem:unsupported-media-type")
        assert "application/ld+json" in answer.json["detail"]
