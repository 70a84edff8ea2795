"""The plain implementation itself: of each rule a story in which it stands and one in which it does not."""

from __future__ import annotations

import re
from typing import Final

import pytest

from packtrace.domain.rules.codes import CODES
from packtrace.domain.vocabulary import Custody, Life, Reason, Severity
from tests.domain.plain import World
from tests.domain.plain.told import rules, tell
from tests.domain.worlds_land import PLACES, key

COM: Final = "commission U1 lot=L7;"
CASE: Final = "commission U1 U2 lot=L7; commission C1; pack U1 U2 > C1;"
USED: Final = "pack F1 > P1; ship P1 to=distributor; receive P1 @distributor; unpack F1 > P1 @distributor;"
GONE: Final = COM + "dispense U1 @pharmacy;"
SHIPPED: Final = CASE + "ship C1 to=distributor;"
VERIFIES: Final = "+1h verify U1;" * 10

# fmt: off
PAIRS: Final[dict[str, tuple[str, str]]] = {
    # rule: (it stands, it does not)
    "duplicate-commissioning": (COM + "+1h commission U1 lot=L7",                  COM + "+1s commission U1 lot=L7"),
    "sscc-reused":             (USED + "+25h pack F1 > P1",                        USED + "+23h pack F1 > P1"),
    "unknown-serial":          ("observe U1",                                      "observe U1; +0s " + COM),
    "unknown-lot":             ("commission U1 lot=ZZ",                            COM),
    "expiry-mismatch":         ("commission U1 lot=L7 exp=20290101",               "commission U1 lot=L7 exp=20280500"),
    "lot-mismatch":            (COM + "observe U1 lot=ZZ",                         COM + "observe U1 lot=l7"),
    "scanner-fault":           (COM + "observe U1 lot=L721A1",                     COM + "observe U1 lot=ZZ"),
    "unknown-product":         ("observe X1",                                      "observe F1"),
    "inactive-elsewhere":      (GONE + "+1d dispense U1 @overseas",                GONE + "+1d dispense U1 @pharmacy"),
    "inactive-again":          (GONE + "+25h dispense U1 @pharmacy",               GONE + "+1h dispense U1 @pharmacy"),
    "terminal-item":           (COM + "destroy U1; observe U1",                    COM + "destroy U1; hold U1"),
    "expired-item":            ("commission U1 lot=E1; +70m dispense U1 @plant-2", "commission U1 lot=E1; +70m dispense U1 @plant"),
    "recalled-item":           ("commission U1 lot=R1; +1h dispense U1",           "commission U1 lot=R1; +58m dispense U1"),
    "undo-not-allowed":        (COM + "dispense U1; recall U1; reactivate U1",     COM + "dispense U1; recall U1; release U1 reason=RECALLED; reactivate U1"),
    "undo-elsewhere":          (GONE + "reactivate U1 @plant",                     GONE + "reactivate U1 @pharmacy"),
    "undo-too-late":           (GONE + "+241h reactivate U1 @pharmacy",            GONE + "+240h reactivate U1 @pharmacy"),
    "undo-mismatch":           (GONE + "reactivate U1 @pharmacy reason=EXPORTED",  GONE + "reactivate U1 @pharmacy reason=DISPENSED"),
    "held-used":               (COM + "hold U1; dispense U1",                      COM + "hold U1; release U1; dispense U1"),
    "two-parents":             (CASE + "pack U1 > C2",                             CASE + "unpack U1 > C1; pack U1 > C2"),
    "wrong-unpack":            (CASE + "unpack U1 > C2",                           CASE + "dispense U1; +24h unpack U1 > C1"),
    "child-not-commissioned":  ("pack U1 > P1",                                    "pack F1 > P1"),
    "overfull-container":      (CASE + "pack V1 > C1",                             CASE + "unpack U1 > C1; pack V1 > C1"),
    "partial-container":       (CASE + "unpack U1 > C1; ship C1 to=distributor",   CASE + "unpack U1 > C1; ship C1 to=distributor partial=1"),
    "mixed-content":           (CASE + "commission V1 lot=L7; pack V1 > C1",       "pack F1 X1 > P1"),
    "hierarchy-loop":          ("pack P1 > P2; pack P2 > P3; pack P3 > P1",        "pack P1 > P2; unpack P1 > P2; pack P2 > P1"),
    "level-inversion":         ("commission U1 C1 lot=L7; pack C1 > U1",           "pack P1 > P2"),
    "closed-container":        (SHIPPED + "unpack U1 > C1",                        SHIPPED + "unpack U1 > C1 @distributor"),
    "away-from-parent":        (CASE + "+1h verify U1 @pharmacy",                  CASE + "+1h verify U1 @plant-2"),
    "missing-unpack":          (CASE + "+1h verify U1 @plant-2",                   CASE + "+1h verify U1 @station"),
    "held-shipped":            (CASE + "hold U1; ship C1 to=distributor",          CASE + "hold U1; ship C1 to=returns"),
    "unreleased-lot":          ("commission U1 lot=N1; ship U1 to=distributor",    "commission U1 lot=N1; ship U1 to=plant-2"),
    "not-in-custody":          (CASE + "ship C1 @distributor to=pharmacy",         CASE + "ship C1 @plant-2 to=distributor"),
    "unauthorised-partner":    (COM + "ship U1 to=overseas",                       COM + "ship U1 to=unlisted"),
    "child-shipped-alone":     (CASE + "ship U1 to=distributor",                   CASE + "ship U1 C1 to=distributor"),
    "shipped-twice":           (SHIPPED + "+25h ship C1 to=distributor",           SHIPPED + "+25h ship C1 @distributor to=pharmacy"),
    "product-no-data":         ("receive F1 @distributor",                         COM + "ship U1; receive U1 @distributor"),
    "data-no-product":         (SHIPPED,                                           SHIPPED + "+2d receive C1 @distributor"),
    "wrong-destination":       (SHIPPED + "receive C1 @pharmacy",                  SHIPPED + "receive C1 @depot"),
    "void-unknown":            (CASE + "void_ship C1",                             SHIPPED + "void_ship C1"),
    "impossible-travel":       (COM + "+8h verify U1 @overseas",                   COM + "+20h verify U1 @overseas"),
    "seen-in-many-places":     (COM + "+1d verify U1 @pharmacy; +1d verify U1 @pharmacy-2; +1d dispense U1 @distributor",
                                COM + "+1d verify U1 @pharmacy; +1d verify U1 @pharmacy-2; +30d dispense U1 @distributor"),
    "verified-too-often":      (COM + VERIFIES + "+1h verify U1",                  COM + VERIFIES + "+16h verify U1"),
    "future-event":            (COM + "observe U1 early=6m",                       COM + "observe U1 early=5m"),
}
# fmt: on


def told(story: str) -> World:
    return tell(story, rules={"data-no-product": {"days": 1}})


def test_every_rule_that_can_stand_within_the_window_has_its_pair() -> None:
    assert [*PAIRS] == [code for code in CODES if code != "late-beyond-window"]


@pytest.mark.parametrize("code", PAIRS)
def test_a_rule_stands_where_it_should(code: str) -> None:
    assert code in rules(told(PAIRS[code][0]))


@pytest.mark.parametrize("code", PAIRS)
def test_a_rule_does_not_stand_where_it_should_not(code: str) -> None:
    assert code not in rules(told(PAIRS[code][1]))


@pytest.mark.parametrize("code", PAIRS)
def test_an_error_declaration_takes_out_what_it_names(code: str) -> None:
    story = PAIRS[code][0]
    steps = [step for step in story.split(";") if step.strip()]
    gone = ";".join("+0s " + re.sub(r"(^ *\+\S+)|early=\S+", "", step) + f" id=c{n} fix=e{n}" for n, step in enumerate(steps))
    assert rules(told(f"{story};{gone}")) == set()


@pytest.mark.parametrize("code", PAIRS)
def test_a_switched_off_rule_raises_nothing_and_still_silences(code: str) -> None:
    story = PAIRS[code][0]
    on = rules(told(story))
    off = rules(tell(story, rules={"data-no-product": {"days": 1}} | {code: {"enabled": False}}))
    assert off == on - {code}


def test_pack_unpack_and_leaving() -> None:
    world = told(CASE + "pack C1 > P1; dispense U1; unpack P1")
    assert world.items[key("C1")].parent == "" and world.items[key("C1")].children == {key("U2")}
    assert world.items[key("U1")].parent == "" and world.items[key("U1")].life is Life.INACTIVE


def test_custody_is_the_roots() -> None:
    world = told(SHIPPED)
    inside, case = world.items[key("U1")], world.items[key("C1")]
    assert inside.custody is case.custody is Custody.IN_TRANSIT and inside.destination == PLACES["distributor"]
    away = told(SHIPPED + "receive C1 @distributor; unpack C1 @distributor").items[key("U1")]
    assert (away.custody, away.place) == (Custody.AT, PLACES["distributor"])


def test_a_receipt_nobody_reported() -> None:
    world = told(SHIPPED + "unpack C1 @depot")
    assert rules(world) == set()
    assert {world.items[key(item)].place for item in ("C1", "U1")} == {PLACES["depot"]}


def test_neighbours_without_an_order_are_exchanged_where_that_explains() -> None:
    clocks = "commission F1 lot=L7; pack F1 > P1; {gap} pack F1 > P2 device=d-1; {gap} unpack F1 > P1 device=d-2"
    assert rules(told(clocks.format(gap="+9s"))) == set()
    assert rules(told(clocks.format(gap="+11s"))) == {"two-parents", "wrong-unpack"}
    assert told(clocks.format(gap="+9s")).items[key("F1")].parent == key("P2")


def test_of_two_contents_under_one_id_one_stands() -> None:
    world = told(COM + "observe U1 id=x lot=ZZ; observe U1 id=x lot=L7")
    assert sum(alert.rule == "lot-mismatch" for alert in world.alerts.values()) <= 1


def test_the_first_reason_stays_unless_the_new_one_is_terminal() -> None:
    assert told(COM + "dispense U1; +25h decommission U1 reason=EXPORTED").items[key("U1")].reason is Reason.DISPENSED
    assert told(COM + "dispense U1; +25h decommission U1 reason=STOLEN").items[key("U1")].reason is Reason.STOLEN


def test_travel_between_clocks_that_are_not_synced_is_medium() -> None:
    def severity(one: str, other: str) -> Severity:
        world = told(f"observe F1 device={one}; +1h verify F1 @overseas device={other}")
        return next(alert.severity for alert in world.alerts.values() if alert.rule == "impossible-travel")

    assert severity("d-1", "d-2") is Severity.CRITICAL
    assert severity("d-1", "d-3") is Severity.MEDIUM


def test_nesting_deeper_than_eight_is_a_level_inversion() -> None:
    upwards = [f"pack P{n} > P{n + 1}" for n in range(1, 9)]
    assert rules(told(";".join(upwards))) == set()
    for order in ([*upwards, "pack P9 > P10"], [*reversed([*upwards, "pack P9 > P10"])]):
        found = told(";".join(order))
        assert rules(found) == {"level-inversion"} and len(found.alerts) == 1


def test_flags() -> None:
    assert told("commission U1 lot=E1").items[key("U1")].flags == {"EXPIRED"}
    assert told("commission U1 lot=R1").items[key("U1")].flags == {"LOT_RECALLED"}
    assert told("commission U1 lot=N1").items[key("U1")].flags == {"LOT_UNRELEASED"}
    assert told(SHIPPED).items[key("C1")].flags == {"OVERDUE"}
