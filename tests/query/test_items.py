"""The JSON of an item says what design.md 9 says, and inherits custody and location from its root."""

from __future__ import annotations

from packtrace.domain.vocabulary import Custody, Life, Reason, Status
from packtrace.query.items import item_answer
from tests.query.world import NOW, PLACE, REFERENCE, State, alert, item, pallet, unit

NAMES = [
    "epc", "kind", "life", "life_reason", "parent", "parents", "children_count", "location", "custody", "holds", "flags",
    "lot", "expiry", "alerts", "as_of",
]  # fmt: skip


def test_a_unit_in_a_case_on_a_pallet_reads_the_pallets_custody() -> None:
    on_pallet = item(pallet(2), custody=Custody.AT, place=PLACE, children=[pallet(1)])
    in_case = item(pallet(1), parent=pallet(2), custody=Custody.IN_TRANSIT, place="x", children=[unit("A1")])
    one = item(unit("A1"), parent=pallet(1), lot="L7", alerts=[alert("b"), alert("a"), alert("c", status=Status.WITHDRAWN)])
    live = State([on_pallet, in_case, one]).live()
    answer = item_answer(one, live.ancestors(one), REFERENCE, NOW)
    assert list(answer) == NAMES
    assert answer == {
        "epc": "https://id.gs1.org/01/09506000134352/21/A1",
        "kind": "unit",
        "life": "ACTIVE",
        "life_reason": None,
        "parent": f"https://id.gs1.org/00/{pallet(1)[2:]}",
        "parents": [f"https://id.gs1.org/00/{pallet(1)[2:]}", f"https://id.gs1.org/00/{pallet(2)[2:]}"],
        "children_count": 0,
        "location": f"https://id.gs1.org/414/{PLACE}",
        "custody": "at",
        "holds": [],
        "flags": [],
        "lot": "L7",
        "expiry": "2028-05-31",
        "alerts": ["a", "b"],
        "as_of": "2026-11-22T10:00:00Z",
    }


def test_location_is_null_unless_custody_is_at() -> None:
    moving = item_answer(item(pallet(1), custody=Custody.IN_TRANSIT, place=PLACE), [], REFERENCE, NOW)
    assert (moving["custody"], moving["location"], moving["kind"]) == ("in_transit", None, "container")
    nowhere = item_answer(item(unit("A1")), [], REFERENCE, NOW)
    assert (nowhere["custody"], nowhere["location"]) == ("unknown", None)


def test_an_inactive_item_says_why() -> None:
    answer = item_answer(item(unit("A1"), life=Life.INACTIVE, reason=Reason.DISPENSED), [], REFERENCE, NOW)
    assert (answer["life"], answer["life_reason"]) == ("INACTIVE", "DISPENSED")


def test_flags_follow_from_reference_data_and_time() -> None:
    old = item(unit("A1"), lot="OLD")
    assert item_answer(old, [], REFERENCE, NOW)["flags"] == ["EXPIRED", "LOT_UNRELEASED"]
    assert item_answer(old, [], REFERENCE, NOW)["expiry"] == "2026-10-00"
    in_october = NOW - 22 * 86_400_000_000  # 2026-10-31, the last day that day 00 means
    assert item_answer(old, [], REFERENCE, in_october)["flags"] == ["LOT_UNRELEASED"]
    overdue = item(pallet(1), alerts=[alert("x", "data-no-product")])
    assert item_answer(overdue, [], REFERENCE, NOW)["flags"] == ["OVERDUE"]


def test_the_reference_expiry_of_the_lot_counts_before_the_items() -> None:
    assert item_answer(item(unit("A1"), lot="L7", expiry=20990101), [], REFERENCE, NOW)["expiry"] == "2028-05-31"
    assert item_answer(item(unit("A1"), lot="unheard", expiry=20990101), [], REFERENCE, NOW)["expiry"] == "2099-01-01"


def test_a_loop_of_parents_ends() -> None:
    one, two = item(pallet(1), parent=pallet(2)), item(pallet(2), parent=pallet(1))
    live = State([one, two]).live()
    assert [found.key for found in live.ancestors(one)] == [pallet(2)]


def test_the_clock_of_an_answer_is_unknown_until_every_source_is() -> None:
    assert State([], clocks={}).live().reached() == 0
    assert State([], clocks={"events/0": 7}).live().reached() == 7
