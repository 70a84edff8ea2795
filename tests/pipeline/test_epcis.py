"""A partner's EPCIS file through the whole system: its tree, its lot, its original in the history."""

from __future__ import annotations

import json

import pytest

from packtrace.codec.epcis.original import document_of, unpacked
from packtrace.codec.event_json import decode_event
from tests.codec.epcis.documents import DSCSA, GS1, TWICE, events_of
from tests.pipeline.system import System

pytestmark = pytest.mark.pipeline

PALLET = "urn:epc:id:sscc:030001.41234567890"
UNIT = "urn:epc:id:sgtin:030001.0012345.11"


def test_the_dscsa_file_gives_its_tree_and_comes_back(system: System) -> None:
    (receipt,) = system.json("capture", str(DSCSA))
    assert (receipt["accepted"], receipt["rejected"], receipt["master_data"]) == (8, 0, 6)
    assert system.json("capture", str(DSCSA))[0]["capture"] == receipt["capture"]
    system.wait()
    (tree,) = system.json("tree", PALLET)
    assert tree["nodes"] == 1 + 3 + 12
    assert [len(case["children"]) for case in tree["children"]] == [4, 4, 4]
    (unit,) = system.json("show", UNIT)
    assert (unit["life"], unit["custody"], len(unit["parents"])) == ("ACTIVE", "in_transit", 2)
    assert (unit["lot"], unit["expiry"]) == ("A123", "2025-03-27")
    _, events = events_of(DSCSA.read_bytes())
    for row in system.json("history", UNIT):
        stored = decode_event(json.dumps(row["event"]))
        back = unpacked(stored.epcis, stored)
        assert any((one.event_time, one.epcs, one.children) == (back.event_time, back.epcs, back.children) for one in events)
        assert document_of(stored.epcis).statement("affirmTransactionStatement") == "true"


def test_every_published_document_is_taken_and_stored(system: System) -> None:
    accepted = 0
    (before,) = system.json("stats")
    for path in GS1:
        if path.name != TWICE:
            (receipt,) = system.json("capture", str(path))
            assert receipt["rejected"] == 0
            accepted += receipt["accepted"]
    system.wait()
    (stats,) = system.json("stats")
    assert stats["events"] >= accepted
    assert stats["rejected"] == before["rejected"]
    assert stats["ops"] == stats["ops_expected"]
