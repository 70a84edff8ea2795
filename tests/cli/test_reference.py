"""What a reference file would change is told entity by entity, compared as JSON and not as text."""

from __future__ import annotations

import json

from packtrace.cli.draw_reference import versions
from packtrace.cli.reference import differences, fields_changed, key_words
from packtrace.contracts import folder
from packtrace.domain.reference import ReferenceChange, parse_file
from tests.cli.test_draw import text

LOT = {"gtin": "09506000134352", "lot": "L7", "expiry": "2028-05-31", "released": True}


def change(**fields: object) -> ReferenceChange:
    return ReferenceChange("lot", "09506000134352/L7", json.dumps(LOT | fields))


def test_new_changed_and_same() -> None:
    applied = {"lot|09506000134352/L7": json.dumps(dict(reversed(LOT.items())), indent=2)}
    assert [row.how for row in differences([change()], {})] == ["new"]
    assert [row.how for row in differences([change()], applied)] == ["same"]
    (row,) = differences([change(expiry="2028-06-30")], applied)
    assert row.how == "changed"
    assert fields_changed(row) == [("expiry", "2028-05-31", "2028-06-30")]
    assert row.as_json()["before"]["expiry"] == "2028-05-31"


def test_the_example_loaded_twice_changes_nothing() -> None:
    changes = parse_file((folder() / "examples" / "reference.json").read_bytes())
    applied = {f"{one.entity}|{one.key}": one.value_json or "" for one in changes}
    assert {row.how for row in differences(changes, applied)} == {"same"}


def test_a_policy_says_since_when_it_counts() -> None:
    assert key_words("policy@1795341600000000") == "since 2026-11-22 10:00:00"
    assert key_words("09506000134352/L7") == "09506000134352/L7"


def test_versions_say_what_each_made_different() -> None:
    loaded = {"version": 1, "logged_at": "2026-11-22T10:00:00Z", "value": LOT}
    later = [
        {"version": 2, "logged_at": "2026-11-22T11:00:00Z", "value": LOT | {"released": False}},
        {"version": 3, "logged_at": "2026-11-22T12:00:00Z", "value": None},
    ]
    answer = {"entity": "lot", "key": "09506000134352/L7", "versions": [loaded, *later], "as_of": "2026-11-22T13:00:00Z"}
    for columns in (80, 100):
        drawn = text(versions(answer, ("gtin", "lot")), columns)
        assert max(map(len, drawn.splitlines())) <= columns
        lines = [" ".join(line.split()) for line in drawn.splitlines()]
        assert lines[0] == "lot 09506000134352/L7 3 versions"
        assert lines[2:5] == [
            "1 2026-11-22 10:00:00 expiry 2028-05-31, released true",
            "2 2026-11-22 11:00:00 released: true -> false",
            "3 2026-11-22 12:00:00 removed",
        ]
