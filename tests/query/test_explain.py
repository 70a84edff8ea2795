"""The timeline as JSON is what schemas/openapi.yaml promises, for every kind of entry."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from packtrace.adapters.http_status import status_routes
from packtrace.codec.identifiers import digital_link
from packtrace.domain.dates import DAY
from packtrace.domain.explain import EntryType, explain
from packtrace.domain.step import Subject
from packtrace.query.answers import Answers
from packtrace.query.app import create_app
from packtrace.query.archive import Archive
from packtrace.query.explain import explain_answer
from tests.domain.story import DAY0, key, play
from tests.query.asked import Asked
from tests.query.openapi import check_answer
from tests.query.world import NOW, State

# fmt: off
STORIES = {
    "unit": """
        10:00      line-1  commission  U1 lot=L7 id=made
        10:00:01   line-1  commission  U1 lot=L7 id=again
        10:00      line-1  commission  C1 lot=L7
        10:00      line-1  commission  C2 lot=L7
        10:01      line-1  pack        U1 -> C1
        10:05:00   hand-1  pack        U1 -> C2 id=into
        10:05:04   hand-2  unpack      U1 <- C1 id=out
        10:10      -       pack        U1 -> C1
        10:20      -       dispense    U1 id=wrong
        10:21      -       correct     U1 as=dispense of=wrong id=sorry
        11:00      -       ship        C1 to=distributor place=site
        12:00      -       verify      U1 place=pharmacy
        13:00      -       unpack      C1 place=distributor
        """,
    "case": """
        10:00   line-1  commission  U1 U2 lot=L7
        10:00   line-1  commission  C1 lot=L7
        10:05   line-1  pack        U1 U2 -> C1
        11:00   -       dispense    U1 place=pharmacy
        12:00   -       ship        C1 to=distributor place=site
        """,
}
# fmt: on


def answered(story: str, name: str, days: int = 0) -> Any:
    world = play(STORIES[story])
    world.tick(DAY0 + DAY + days * DAY)
    item = world.items[key(name)]
    told = explain(item, Subject(item.key, world.reference, world.clock))
    answer = msgspec.json.decode(msgspec.json.encode(explain_answer(item, told, world.clock)))
    check_answer("/items/{epc}/explain", 200, answer)
    return answer


def test_every_type_of_entry_is_as_described() -> None:
    answers = [answered("unit", "U1"), answered("unit", "U1", 9), answered("case", "C1"), answered("case", "C1", 7)]
    assert {entry["entry"] for answer in answers for entry in answer["entries"]} == set(map(str, EntryType))


def test_a_unit_tells_its_life() -> None:
    answer = answered("unit", "U1")
    entries = {entry["event"]["event_id"]: entry for entry in answer["entries"] if entry["event"]}
    assert [one["outcome"] for one in entries["made"]["merged"]] == ["resent"]
    (moved,) = entries["out"]["exchanged"]
    assert (moved["event_id"], moved["judged_before_it"], moved["apart_seconds"]) == ("into", True, 4)
    assert moved["why"] == (
        "4 s apart on different devices, whose clocks may differ by 10 s: the other way round two-parents and wrong-unpack would break"
    )
    assert (entries["wrong"]["outcome"], entries["wrong"]["state"]) == ("corrected", None)
    (looked,) = [entry for entry in entries.values() if entry["event"]["kind"] == "verify"]
    (fact,) = looked["told"]
    assert (fact["from"], fact["custody"], fact["path"]) == (digital_link(key("C1")), "in_transit", [digital_link(key("C1"))])
    (broken,) = looked["broken"]
    assert broken["rule"] == "away-from-parent"
    assert broken["status"] == "confirmed"
    assert broken["alert"] in {one["alert"] for one in answer["conclusions"]}
    (emptied,) = [entry for entry in answer["entries"] if entry["entry"] == "emptied"]
    assert (emptied["container"], emptied["state"]["parent"]) == (digital_link(key("C1")), None)


def test_what_has_settled_keeps_its_alerts() -> None:
    answer = answered("unit", "U1", 9)
    (settled,) = answer["entries"]
    assert "commission" in settled["settled"]["last"]
    assert (
        [one["rule"] for one in settled["settled"]["alerts"]]
        == [one["rule"] for one in answer["conclusions"]]
        == ["two-parents", "away-from-parent"]
    )


@pytest.mark.parametrize(("name", "status"), [("U1", 200), ("U9", 404), ("nonsense", 400)])
def test_it_is_asked_of_the_live_state_alone(name: str, status: int) -> None:
    def fails(sql: str, parameters: object) -> list[tuple[object, ...]]:
        raise AssertionError("the history is not asked")

    world = play(STORIES["unit"])
    answers = Answers(State(list(world.items.values())).live(), Archive(fails), lambda: NOW)
    epc = name if name == "nonsense" else key(name)
    response = Asked(create_app(answers, status_routes(lambda: None))).get(f"/items/{epc}/explain")
    assert response.status_code == status, response.text
    check_answer("/items/{epc}/explain", status, response.json())
