"""Subscribers are told of everything new, once they said yes, signed; whatever fails in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.clickhouse_migrate import apply
from packtrace.adapters.http_status import status_routes
from packtrace.query.app import Epcis, create_app
from packtrace.query.deliver import Deliverer, signature
from packtrace.query.epcis import EpcisArchive
from packtrace.query.follow import Follow
from packtrace.query.interface import Call, Interface
from packtrace.query.named import Named
from packtrace.query.stream import Streams
from tests.contracts.plant import Plant, shipments
from tests.query.asked import Asked

pytestmark = pytest.mark.contract
SECOND = 1_000_000


def event(number: int, step: str = "shipping") -> dict[str, Any]:
    return {
        "id": f"urn:uuid:{number}", "type": "object", "action": "OBSERVE", "event_time": "2026-11-23T10:00:00Z", "biz_step": step,
        "epcs": [f"https://id.gs1.org/01/09506000134352/21/S{number}"], "place": "9506000100005",
    }  # fmt: skip


class Subscriber:
    """Someone who is told; answers with ``status``."""

    def __init__(self) -> None:
        self.status = 200
        self.told: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.told.append(request)
        return httpx.Response(self.status, headers={"Location": "http://elsewhere.example/"})

    def ids(self) -> list[str]:
        return [one["eventID"] for request in self.told for one in events(request)]


def events(request: httpx.Request) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(request.content)["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    return found


class System:
    """A plant, the query interface over it and a clock that moves by hand."""

    def __init__(self, plant: Plant, named: Named) -> None:
        self.plant = plant
        self.named = named
        self.now = plant.log.now + SECOND
        archive = EpcisArchive(plant.history.query)
        self.follow = Follow(archive, 8, lambda: self.now)
        self.client = Asked(
            create_app(
                plant.answers,
                status_routes(lambda: None),
                Epcis(Interface(archive, named, lambda: self.now, shipments(plant, archive)), self.follow),
            )
        )
        self.subscriber = Subscriber()
        self.deliverer = self.restarted()

    def restarted(self) -> Deliverer:
        return Deliverer(self.named, self.follow, lambda: self.now, httpx.Client(transport=httpx.MockTransport(self.subscriber)))

    def publish(self, *found: dict[str, Any]) -> None:
        self.plant.log.now = max(self.plant.log.now, self.now)
        self.plant.publish(found)
        self.plant.settle()
        self.now = self.plant.log.now + SECOND

    def subscribe(self, **more: object) -> str:
        stated = {"dest": "http://partner.example/told", "signatureToken": "secret", "stream": True} | more
        answer = self.client.send("POST", "/queries/shipped/subscriptions", {name: one for name, one in stated.items() if one is not None})
        assert answer.status_code == 201, answer.text
        assert "secret" not in answer.text
        return str(answer.json()["subscriptionID"])


@pytest.fixture(scope="module")
def plant(clickhouse_server: str) -> Iterator[Plant]:
    store = ClickHouseStore(clickhouse_server, "epcis_subscriptions")
    store.create_database()
    apply(store)
    yield Plant(store)
    store.command("DROP DATABASE epcis_subscriptions")
    store.close()


@pytest.fixture
def system(plant: Plant, tmp_path: Any) -> Iterator[System]:
    named = Named(tmp_path / "queries.sqlite")
    made = System(plant, named)
    body = {"name": "shipped", "query": {"EQ_bizStep": ["shipping"], "MATCH_epc": ["urn:epc:idpat:sgtin:9506000.013435.*"]}}
    assert made.client.send("POST", "/queries", body).status_code == 201
    yield made
    made.deliverer.stop()
    named.close()


def test_a_subscriber_is_told_once_and_signed(system: System) -> None:
    system.publish(event(1))
    system.subscribe()
    system.publish(event(2), event(3, "packing"), event(4))
    system.deliverer.round(wait=True)
    system.deliverer.round(wait=True)
    assert system.subscriber.ids() == ["urn:uuid:2", "urn:uuid:4"]
    (request,) = system.subscriber.told
    assert request.headers["GS1-Signature"] == signature("secret", request.content)
    assert json.loads(request.content)["epcisBody"]["queryResults"]["queryName"] == "shipped"


def test_only_a_yes_moves_a_subscriber_on_and_refusals_are_tried_ever_more_rarely(system: System) -> None:
    id = system.subscribe()
    system.publish(event(11))
    for status in (500, 302, 404):
        system.subscriber.status = status
        before = len(system.subscriber.told)
        system.deliverer.round(wait=True)
        system.deliverer.round(wait=True)  # too early: nothing is sent
        assert len(system.subscriber.told) == before + 1
        system.now += 20 * SECOND
    shown = system.client.get(f"/queries/shipped/subscriptions/{id}").json()
    assert (shown["failures"], shown["delivered"], shown["lastFailure"]) == (3, 0, "it answered 404")
    system.subscriber.status = 204
    system.deliverer.stop()
    system.deliverer = system.restarted()
    system.publish(event(12))
    system.deliverer.round(wait=True)
    assert [one["eventID"] for one in events(system.subscriber.told[-1])] == ["urn:uuid:11", "urn:uuid:12"]
    assert {str(request.url) for request in system.subscriber.told} == {"http://partner.example/told"}
    assert system.client.get(f"/queries/shipped/subscriptions/{id}").json()["failures"] == 0


def test_what_the_history_does_not_hold_in_full_waits(system: System) -> None:
    system.subscribe()
    system.publish(event(21))
    system.now = system.plant.log.now - 1
    system.deliverer.round(wait=True)
    assert system.subscriber.told == []
    system.now = system.plant.log.now
    system.deliverer.round(wait=True)
    assert system.subscriber.ids() == ["urn:uuid:21"]


def test_partitions_that_become_visible_out_of_step_lose_nothing(system: System) -> None:
    system.subscribe()
    system.publish(event(31))
    system.deliverer.round(wait=True)
    written = system.plant.log.records
    system.plant.publish([event(32)])
    (partition,) = [one for one in written if one.topic == "events" and one.partition == 0]
    record = written[partition][-1]
    system.plant.publish_bytes(record.value, partition=3)
    system.plant.settle()
    system.now = system.plant.log.now + SECOND
    system.deliverer.round(wait=True)
    assert system.subscriber.ids() == ["urn:uuid:31", "urn:uuid:32", "urn:uuid:32"]


def test_a_schedule_tells_when_it_is_due_even_that_there_is_nothing(system: System) -> None:
    system.now += 60 * SECOND - system.now % (60 * SECOND)
    system.subscribe(stream=None, schedule={"minute": "[0-59]", "second": "30"}, reportIfEmpty=True)
    system.deliverer.round(wait=True)
    assert system.subscriber.told == []
    system.now += 31 * SECOND
    system.deliverer.round(wait=True)
    system.now += 5 * SECOND
    system.deliverer.round(wait=True)
    assert [events(request) for request in system.subscriber.told] == [[]]


def test_an_older_start_and_the_end_of_a_subscription(system: System) -> None:
    system.publish(event(41))
    id = system.subscribe(initialRecordTime="2026-11-23T00:00:00Z")
    system.deliverer.round(wait=True)
    assert "urn:uuid:41" in system.subscriber.ids()
    assert system.client.request("DELETE", f"/queries/shipped/subscriptions/{id}").status_code == 204
    told = len(system.subscriber.told)
    system.publish(event(42))
    system.deliverer.round(wait=True)
    assert len(system.subscriber.told) == told


@pytest.mark.parametrize(
    "stated",
    [
        {"dest": "file:///etc/passwd", "stream": True}, {"dest": "http://x.example"}, {"stream": True}, {"dest": "http://x.example:port", "stream": True},
        {"dest": "http://x.example", "stream": True, "schedule": {"hour": "1"}}, {"dest": "http://x.example", "schedule": {"hour": "25"}},
        {"dest": "http://x.example", "stream": True, "colour": 1}, {"dest": "http://x.example", "stream": True, "initialRecordTime": "now"},
    ],
    ids=str,
)  # fmt: skip
def test_a_subscription_that_cannot_be_kept_is_refused(system: System, stated: dict[str, object]) -> None:
    assert system.client.send("POST", "/queries/shipped/subscriptions", stated).status_code == 400


def test_a_stream_tells_each_event_and_goes_on_after_a_break(system: System) -> None:
    query = system.named.find("shipped")
    assert query is not None
    system.publish(event(51), event(52))

    async def read(last: str, pieces: int) -> str:
        headers = {"accept": "text/event-stream"} | ({"last-event-id": last} if last else {})
        stated = [] if last else [("initialRecordTime", "2026-11-23T00:00:00Z")]
        answer: Any = Streams(system.follow).open(query, Call("GET", "/", ["shipped"], stated, headers))
        out = ""
        async for piece in answer.body_iterator:
            out += piece.decode()
            pieces -= 1
            if not pieces:
                await answer.body_iterator.aclose()
        return out

    first = asyncio.run(read("", 2))
    assert "urn:uuid:51" in first and "urn:uuid:52" in first
    after_51 = next(
        line[4:] for line in first.split("\n\n") if "urn:uuid:51" in line for line in line.split("\n") if line.startswith("id: ")
    )
    second = asyncio.run(read(after_51, 2))
    assert "urn:uuid:52" in second and "urn:uuid:51" not in second
