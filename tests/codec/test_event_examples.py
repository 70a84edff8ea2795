"""Every example event of ``schemas/examples``: the valid ones are read, the invalid ones rejected for the reason in their name."""

from __future__ import annotations

from pathlib import Path

import pytest

from packtrace.codec.event_check import check
from packtrace.codec.event_json import decode_event, raw_from_json, raw_of, raw_to_json, to_json
from packtrace.contracts import folder
from packtrace.domain.dates import read_time
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

EXAMPLES = folder() / "examples"
VALID = sorted((EXAMPLES / "event/valid").glob("*.json"))
INVALID = sorted((EXAMPLES / "event/invalid").glob("*.json"))
LOGGED = read_time("2026-11-23T00:00:00Z")

NOT_JSON = {
    # about records and reference data, not about the JSON event; the rooms that raise them show them
    *(Reject.NO_RECORD, Reject.TOMBSTONE, Reject.UNKNOWN_SCHEMA, Reject.MALFORMED_AVRO, Reject.RECORD_TOO_LARGE),
    *(Reject.BAD_REFERENCE, Reject.POISON),
    Reject.TOO_MANY_EPCS,  # 4.5 MB; tested in test_event_check
}


def places() -> dict[str, str]:
    lines = (EXAMPLES / "event/invalid/places.txt").read_text().splitlines()
    return {name: "" if place == "-" else place for name, place in (line.split() for line in lines if not line.startswith("#"))}


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_example_is_read_and_survives_the_way_out_and_back(path: Path) -> None:
    event = decode_event(path.read_bytes(), log_time=LOGGED)
    assert decode_event(to_json(event)) == event
    assert check(raw_of(event)) == event
    raw = raw_from_json(path.read_bytes())
    assert raw_from_json(raw_to_json(raw)) == raw


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_example_is_rejected_with_code_place_and_words(path: Path) -> None:
    with pytest.raises(RejectedError) as caught:
        decode_event(path.read_bytes(), log_time=LOGGED)
    assert caught.value.code == path.stem.partition("--")[0]
    assert caught.value.where == places()[path.name]
    assert caught.value.expected


def test_there_is_an_example_of_every_reason() -> None:
    shown = {path.stem.partition("--")[0] for path in INVALID}
    assert shown == set(Reject) - NOT_JSON


def test_the_list_of_places_names_every_invalid_example() -> None:
    assert set(places()) == {path.name for path in INVALID}


def test_the_story_is_ready_to_publish() -> None:
    events = [decode_event(line, log_time=LOGGED) for line in (EXAMPLES / "story.jsonl").read_bytes().splitlines()]
    assert len({event.id for event in events}) == len(events)
    twice = [event for event in events if event.biz_step == "commissioning" and event.epcs == ("010950600013435221A2",)]
    assert [event.line for event in twice] == ["line-1", "line-2"]
    assert events[-1].biz_step == "receiving"
