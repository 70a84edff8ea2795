"""EPCIS documents over HTTP: kept whole, answered event by event, once."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packtrace.codec import event_avro
from packtrace.codec.epcis.original import document_of, unpacked
from packtrace.codec.event_check import check
from packtrace.codec.raw_event import RawEvent
from packtrace.gateway.body import BodyLimits
from packtrace.gateway.form import ACCEPTED, is_epcis
from packtrace.ports import TopicPartition
from tests.codec.epcis.documents import DSCSA, GS1, TWICE, WAYS, events_of
from tests.codec.epcis.test_reading import ATTACKS, EVENT, XML_EVENT, json_document, xml_document
from tests.codec.epcis.test_validity import SEEDS, cuts
from tests.gateway.asgi import Gateway, Response

BAD = EVENT | {"epcList": [*EVENT["epcList"], "https://id.gs1.org/01/09506000134353/21/A3"]}
LD, XML = "application/ld+json", "application/xml"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with Gateway(tmp_path) as opened:
        yield opened


def stored(gateway: Gateway) -> list[RawEvent]:
    return [event_avro.decode((record.value or b"")[5:]) for record in gateway.log.topic("events")]


def post(gateway: Gateway, body: Any, media_type: str = LD, path: str = "/capture", **headers: str) -> Response:
    return gateway.post(path, body, media_type, **headers)


def numbered(number: int, **changes: object) -> dict[str, Any]:
    return EVENT | {"epcList": [f"urn:epc:id:sgtin:9506000.013435.A{number}"]} | changes


def test_every_published_document_is_captured_and_comes_back(gateway: Gateway) -> None:
    for path in [*GS1, DSCSA]:
        if path.name == TWICE:
            continue
        _, events = events_of(path.read_bytes())
        answer = post(gateway, path.read_bytes(), XML if path.suffix == ".xml" else LD)
        assert answer.status == 202, answer.body
        assert (answer.json["accepted"], answer.json["rejected"]) == (len(events), 0)
        back = [unpacked(raw.epcis or "", check(raw)) for raw in stored(gateway)]
        for event, verdict in zip(events, answer.json["events"], strict=True):
            assert msgspec.structs.replace(event, event_id=verdict["id"]) in back


def test_the_dscsa_header_is_kept_and_its_master_data_becomes_known(gateway: Gateway) -> None:
    answer = post(gateway, DSCSA.read_bytes(), XML)
    assert answer.json["master_data"] == 6
    for raw in stored(gateway):
        kept = document_of(raw.epcis or "")
        assert kept.statement("affirmTransactionStatement") == "true"
        assert kept.instance == "1100220001"
    keys = [record.key for record in gateway.log.topic("reference")]
    assert sorted(key.partition(b"/")[0] for key in keys if key) == [b"location"] * 4 + [b"product"] * 2
    again = post(gateway, DSCSA.read_bytes().replace(b"1100220001", b"1100220002"), XML)
    assert (again.json["master_data"], len(gateway.log.topic("reference"))) == (0, 6)


def test_a_partner_never_changes_what_is_known(gateway: Gateway) -> None:
    gateway.log.append(TopicPartition("reference", 0), b"product/00300010123451", b"ours")
    post(gateway, DSCSA.read_bytes(), XML)
    (mine,) = [record for record in gateway.log.topic("reference") if record.key == b"product/00300010123451"]
    assert mine.value == b"ours"


@pytest.mark.parametrize("way", WAYS)
def test_one_bad_event_costs_itself(gateway: Gateway, way: str) -> None:
    events = [numbered(number) for number in range(50)]
    events[17] = numbered(17, epcList=["urn:epc:id:sgtin:9506000.013435.A1", "urn:epc:id:sgtin:9506000.13435.A2"])
    document, neutral = events_of(json_document(*events))
    answer = post(gateway, WAYS[way](document, neutral), LD if way == "json" else XML)
    assert (answer.status, answer.json["accepted"], answer.json["rejected"]) == (202, 49, 1)
    refusal = answer.json["events"][17]
    assert (refusal["status"], refusal["code"]) == ("rejected", "bad-identifier")
    assert refusal["where"] == ("/epcisBody/eventList/17/epcList/1" if way == "json" else "line 2, epcList[1]")
    assert refusal["found"] == "urn:epc:id:sgtin:9506000.13435.A2"
    assert len(stored(gateway)) == 49
    (kept,) = gateway.rejected()
    assert b"9506000.13435.A2" in kept["value"]
    job = gateway.request("GET", answer.headers["location"]).json
    assert (job["captureID"], job["running"], job["success"], len(job["errors"])) == (answer.json["capture"], False, False, 1)
    assert job["errors"][0]["type"] == "epcisException:ValidationException"


def test_rollback_takes_none_where_one_is_bad(gateway: Gateway) -> None:
    body = json_document(numbered(1), BAD, numbered(2))
    answer = post(gateway, body, gs1_capture_error_behaviour="rollback")
    assert answer.status == 422
    assert [one["status"] for one in answer.json["events"]] == ["withheld", "rejected", "withheld"]
    assert (answer.headers["gs1-capture-error-behaviour"], answer.json["captureErrorBehaviour"]) == ("rollback", "rollback")
    assert stored(gateway) == []
    assert len(gateway.rejected()) == 1
    later = post(gateway, body)
    assert (later.status, later.json["accepted"], later.json["capture"]) == (202, 2, answer.json["capture"])
    assert len(gateway.rejected()) == 1
    good = post(gateway, json_document(numbered(3)), gs1_capture_error_behaviour="rollback")
    assert (good.status, good.json["success"]) == (202, True)


def test_the_same_document_twice_has_one_id_and_one_effect(gateway: Gateway) -> None:
    for body, media_type in ((json_document(numbered(1), BAD), LD), (xml_document(XML_EVENT), XML)):
        first, again = post(gateway, body, media_type), post(gateway, body, media_type)
        assert first.json["capture"] == again.json["capture"]
        assert [one["status"] for one in first.json["events"]] == [one["status"] for one in again.json["events"]]
    assert len(stored(gateway)) == 2
    assert len(gateway.rejected()) == 1
    listed = gateway.request("GET", "/capture?perPage=1")
    assert len(listed.json) == 1
    assert 'rel="next"' in listed.headers["link"]
    rest = gateway.request("GET", listed.headers["link"].partition(">")[0][1:])
    assert [one["captureID"] for one in rest.json] != [one["captureID"] for one in listed.json]
    assert "link" not in rest.headers


def test_one_event_is_created(gateway: Gateway) -> None:
    for body, media_type in ((EVENT, LD), (EVENT | {"bizStep": "receiving"}, "application/json"), (XML_EVENT.encode(), XML)):
        answer = post(gateway, body, media_type, "/events")
        assert answer.status == 201
        assert answer.headers["location"].startswith("/events/ni%3A%2F%2F%2Fsha-256%3B")
        assert answer.headers["gs1-epcis-version"] == "2.0"
    assert post(gateway, [EVENT | {"bizStep": "packing"}, EVENT | {"bizStep": "loading"}], LD, "/events").status == 202
    assert post(gateway, BAD, LD, "/events").status == 422


def test_what_was_read_with_a_remark_says_so(gateway: Gateway) -> None:
    dirty = numbered(1, eventTime="2026-11-22 09:00:00Z", readPoint={"id": "https://example.com/door"})
    answer = post(gateway, json_document(dirty))
    assert [(one["index"], one["where"]) for one in answer.json["warnings"]] == [(0, "eventTime"), (0, "readPoint.id")]


def test_discovery_says_what_is_spoken(gateway: Gateway) -> None:
    answer = gateway.request("OPTIONS", "/capture")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["allow"] == "OPTIONS, GET, POST"
    assert answer.headers["gs1-epcis-version"] == "1.2, 2.0"
    assert answer.headers["gs1-epcis-capture-limit"] == "10000"
    assert answer.headers["gs1-epcis-capture-file-size-limit"] == str(10 * 1024 * 1024)
    assert answer.headers["gs1-capture-error-behaviour"] == "proceed"
    for name, value, status in (
        ("gs1_epcis_version", "3.0", 406),
        ("gs1_epcis_version", "2.0.0", 202),
        ("gs1_cbv_version", "x", 406),
        ("gs1_capture_error_behaviour", "perhaps", 400),
    ):
        assert post(gateway, json_document(numbered(1)), LD, "/capture", **{name: value}).status == status


# fmt: off
UNREADABLE = [
    (b"",                                                          LD,   400, "malformed-document"),
    (b"hello",                                                     XML,  400, "malformed-document"),
    (json_document(EVENT)[:-1],                                    LD,   400, "malformed-json"),
    (xml_document(XML_EVENT)[:-9],                                 XML,  400, "malformed-xml"),
    (xml_document(XML_EVENT, before="<!DOCTYPE a>"),               XML,  400, "forbidden-xml"),
    (json_document(EVENT).replace(b"ObjectEvent", b"Obj\xff"),     LD,   400, "malformed-json"),
]
# fmt: on


@pytest.mark.parametrize(("body", "media_type", "status", "code"), UNREADABLE)
def test_a_document_that_cannot_be_read_is_a_problem_and_kept(
    gateway: Gateway, body: bytes, media_type: str, status: int, code: str
) -> None:
    answer = post(gateway, body, media_type)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json["events"][0]["code"] == code
    assert stored(gateway) == []
    assert gateway.rejected()[0]["reason"] == code


def test_events_at_their_limit_and_one_more(tmp_path: Path) -> None:
    with Gateway(tmp_path, events_max=5) as gateway:
        for make, one, media_type in ((json_document, EVENT, LD), (xml_document, XML_EVENT, XML)):
            assert post(gateway, make(*[one] * 5), media_type).status == 202
            answer = post(gateway, make(*[one] * 6), media_type)
            assert (answer.status, answer.json["type"]) == (413, "urn:packtrace:problem:too-many-events")


def test_a_gzip_body_is_the_body_it_holds(gateway: Gateway) -> None:
    plain = DSCSA.read_bytes()
    first = post(gateway, gzip.compress(plain), XML, content_encoding="gzip")
    assert (first.status, first.json["accepted"]) == (202, 8)
    again = post(gateway, plain, XML)
    assert again.json["capture"] == first.json["capture"]
    assert len(gateway.events()) == 8


@pytest.mark.parametrize(
    ("packed", "status"),
    [
        (gzip.compress(b" " * 50_000_000), 413), (gzip.compress(gzip.compress(b" " * 50_000_000)), 400), (gzip.compress(b"<a/>")[:-1], 400),
        (gzip.compress(b"<a/>") + b"more", 400), (gzip.compress(b"<a/>") * 2, 400), (b"<a/>", 400), (b"", 400),
        (gzip.compress(b"<a/>")[:-8] + b"\0" * 8, 400),
    ],
    ids=["bomb", "bomb in gzip", "cut off", "more", "two", "plain", "nothing", "wrong sum"],
)  # fmt: skip
def test_a_bad_gzip_body_is_refused_in_little_memory(gateway: Gateway, packed: bytes, status: int) -> None:
    tracemalloc.start()
    started = time.perf_counter()
    answer = post(gateway, packed, XML, content_encoding="gzip")
    seconds, peak = time.perf_counter() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status == status, answer.body
    assert peak < 4 * 1024 * 1024 and seconds < 5
    assert gateway.events() == []


def test_other_codings_are_not_read(gateway: Gateway) -> None:
    for encoding in ("deflate", "br", "zstd", "gzip, gzip"):
        answer = post(gateway, b"x", XML, content_encoding=encoding)
        assert (answer.status, answer.json["type"]) == (415, "urn:packtrace:problem:unsupported-media-type")


def test_while_the_log_is_away_nothing_is_claimed(gateway: Gateway) -> None:
    gateway.log.away = True
    answer = post(gateway, json_document(EVENT))
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    gateway.log.away = False
    assert post(gateway, json_document(EVENT)).status == 202
    assert len(stored(gateway)) == 1


@pytest.mark.parametrize("behaviour", ["proceed", "rollback"])
@pytest.mark.parametrize("kind", ["json", "xml"])
def test_a_long_document_is_held_in_a_file_and_read_as_a_stream(tmp_path: Path, kind: str, behaviour: str) -> None:
    limits = BodyLimits(bytes_max=50_000_000, memory_bytes_max=20_000)
    with Gateway(tmp_path, limits=limits) as gateway:
        document, events = events_of(json_document(*(numbered(number) for number in range(300))))
        body = WAYS["json" if kind == "json" else "xml-2.0"](document, events)
        assert len(body) > 50_000
        chunks = [body[at : at + 7_000] for at in range(0, len(body), 7_000)]
        media_type = LD if kind == "json" else XML
        answer = gateway.request("POST", "/capture", chunks, content_type=media_type, gs1_capture_error_behaviour=behaviour)
        assert (answer.status, answer.json["accepted"]) == (202, 300)
        assert len(stored(gateway)) == 300
        cut = gateway.request("POST", "/capture", chunks[:-1], content_type=media_type)
        assert cut.status == 400
        bad = [body.replace(b"9506000.013435.A299", b"9506000.13435.A299")]
        answer = gateway.request("POST", "/capture", bad, content_type=media_type, gs1_capture_error_behaviour=behaviour)
        assert (answer.status, answer.json["rejected"]) == ((202, 1) if behaviour == "proceed" else (422, 1))
        assert len(stored(gateway)) == (599 if behaviour == "proceed" else 300)
        assert list((tmp_path / "bodies").iterdir()) == []


def test_the_verdicts_of_a_very_long_document_are_the_rejected_alone(tmp_path: Path) -> None:
    with Gateway(tmp_path, events_max=20_000) as gateway:
        events = [numbered(number) for number in range(10_500)]
        events[10_400] = BAD
        answer = post(gateway, json_document(*events))
        assert (answer.json["count"], answer.json["accepted"], answer.json["rejected"]) == (10_500, 10_499, 1)
        assert [one["index"] for one in answer.json["events"]] == [10_400]
        again = post(gateway, json_document(*events))
        assert again.json["capture"] == answer.json["capture"]
        assert len(stored(gateway)) == 10_499


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_a_4xx_and_costs_no_event(gateway: Gateway, name: str) -> None:
    chunks = [b"".join(ATTACKS[name]())[:12_000_000]]
    started = time.process_time()
    media_type = XML if chunks[0].lstrip().startswith(b"<") else LD
    answer = gateway.request("POST", "/capture", chunks, content_type=media_type)
    assert answer.status in (400, 413), answer.body
    assert time.process_time() - started < 5
    assert json.loads(answer.body)["detail"]
    assert stored(gateway) == []
    assert post(gateway, json_document(EVENT)).status == 202


@settings(max_examples=60)
@given(seed=st.sampled_from(SEEDS), edits=st.lists(cuts, max_size=3), media_type=st.sampled_from(sorted(ACCEPTED)), rollback=st.booleans())
def test_any_body_of_any_kind_is_answered_without_a_failure(
    tmp_path_factory: pytest.TempPathFactory, seed: bytes, edits: list[tuple[int, int, bytes]], media_type: str, rollback: bool
) -> None:
    for at, size, new in edits:
        at %= len(seed) + 1
        seed = seed[:at] + new + seed[at + size :]
    with Gateway(tmp_path_factory.mktemp("gateway")) as gateway:
        headers = {"gs1_capture_error_behaviour": "rollback"} if rollback else {}
        answer = post(gateway, seed, media_type, **headers)
        assert answer.status in (201, 202, 400, 413, 415, 422), answer.body
        if "capture" in answer.json:
            job = gateway.request("GET", f"/capture/{answer.json['capture']}")
            assert (job.status, job.json["accepted"]) == (200, answer.json["accepted"])
            assert len(stored(gateway)) == answer.json["accepted"]
            if rollback and answer.json["rejected"] and is_epcis(media_type, seed):
                assert answer.json["accepted"] == 0
