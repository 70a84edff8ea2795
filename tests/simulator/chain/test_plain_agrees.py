"""The labels of a world are exactly the alerts of the plain implementation, which knows nothing of them."""

from __future__ import annotations

from typing import Any

from packtrace.codec.event_check import check
from packtrace.codec.identifiers import digital_link
from packtrace.domain.reference import parse_file
from packtrace.simulator.chain.recipe import DAY, HOUR
from packtrace.simulator.chain.world import World
from packtrace.simulator.messages import raw_event
from packtrace.simulator.score import score
from packtrace.simulator.truth import iso
from tests.domain.plain.log import Changed, Logged
from tests.domain.plain.world import PlainAlert, run
from tests.simulator.chain.worlds import ALL, END, world


def plainly(made: World, days: int = 1) -> list[dict[str, Any]]:
    """What the plain implementation says when the world is logged within a minute and ``days`` have passed since."""
    log: list[Logged | Changed] = [Changed(END, parse_file(made.reference))]
    for number, one in enumerate(made):
        log_time = END + HOUR + number * 1_000
        if number == made.late_after:
            log.append(Changed(log_time, parse_file(made.late_reference)))
        log.append(Logged(log_time, check(raw_event(one), log_time=log_time)))
    return [_told(alert) for alert in run(log, END + HOUR + days * DAY).alerts.values()]


def _told(alert: PlainAlert) -> dict[str, Any]:
    time = iso(alert.event_time)
    cause = "item" if alert.cause == "item" else {"kind": alert.cause.split("@")[0], "event_time": time}
    return {
        "id": alert.id, "rule": alert.rule, "status": "confirmed", "epc": digital_link(alert.item), "cause": cause, "event_time": time,
        "events": alert.events,
    }  # fmt: skip


def test_labels_and_alerts_are_the_same() -> None:
    made = world(1, units=60, noise="high", order="shuffled", faults=ALL)
    found = score([made.truth], plainly(made), whole_system=True)
    assert (found.missing, found.extra) == ((), ())
    assert {label.rule for label in made.truth.planted} == set(ALL)


def test_a_shipment_that_never_arrives_is_told_after_a_week() -> None:
    made = world(3, units=20, noise="high", faults={"data-no-product": 2})
    expected = {(label.rule, label.epc) for label in made.truth.planted}
    assert {(alert["rule"], alert["epc"]) for alert in plainly(made, days=8)} == expected
    assert {(alert["rule"], alert["epc"]) for alert in plainly(made, days=6)} == {one for one in expected if one[0] != "data-no-product"}
