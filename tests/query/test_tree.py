"""The tree shows what each child itself says it is in, and says when it is cut."""

from __future__ import annotations

from typing import Any

from packtrace.domain.item import Item
from packtrace.domain.vocabulary import Custody
from packtrace.query.tree import tree_answer
from tests.query.world import NOW, PLACE, REFERENCE, State, item, pallet, unit


def shipment(cases: int = 3, units: int = 4) -> list[Item]:
    top = item(pallet(999), children=[pallet(n) for n in range(cases)], custody=Custody.AT, place=PLACE)
    items = [top]
    for number in range(cases):
        serials = [unit(f"S{number}x{n}") for n in range(units)]
        items.append(item(pallet(number), parent=top.key, children=serials))
        items += [item(serial, parent=pallet(number)) for serial in serials]
    return items


def answer(items: list[Item], nodes_max: int = 5000, of: int = 0) -> dict[str, Any]:
    live = State(items).live()
    top = items[of]
    return tree_answer(top, live.ancestors(top), live.children, REFERENCE, NOW, nodes_max)


def test_every_level_and_its_inherited_custody() -> None:
    tree = answer(shipment())
    assert (tree["nodes"], tree["truncated"], tree["children_count"]) == (16, False, 3)
    assert [len(case["children"]) for case in tree["children"]] == [4, 4, 4]
    leaf = tree["children"][1]["children"][2]
    assert leaf["epc"].endswith("/21/S1x2")
    assert (leaf["custody"], leaf["location"]) == ("at", f"https://id.gs1.org/414/{PLACE}")


def test_a_child_that_points_elsewhere_is_left_out() -> None:
    items = shipment(1, 3)
    items[2].now.parent = pallet(555)
    tree = answer(items)
    assert [node["epc"][-4:] for node in tree["children"][0]["children"]] == ["S0x1", "S0x2"]
    assert not tree["truncated"]


def test_a_case_asked_for_says_what_it_is_in() -> None:
    tree = answer(shipment(), of=1)
    assert tree["parents"] == [f"https://id.gs1.org/00/{pallet(999)[2:]}"]
    assert tree["custody"] == "at"


def test_beyond_the_limit_it_says_so() -> None:
    tree = answer(shipment(), nodes_max=6)
    assert (tree["nodes"], tree["truncated"]) == (6, True)
    assert answer(shipment(), nodes_max=16)["truncated"] is False
    assert answer(shipment(), nodes_max=15)["truncated"] is True


def test_a_level_is_read_at_once() -> None:
    items = shipment(20, 50)
    state = State(items)
    tree_answer(items[0], [], state.live().children, REFERENCE, NOW)
    assert state.loads <= 2 * 4
