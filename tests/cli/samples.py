"""Answers of the query service as its contract (schemas/openapi.yaml) says they look."""

from __future__ import annotations

from typing import Any

LINK = "https://id.gs1.org"
SITE = f"{LINK}/414/9506000100005"
UNIT = f"{LINK}/01/09506000134352/21/A1%2FB2"
CASE = f"{LINK}/01/19506000134359/21/C1"
PALLET = f"{LINK}/00/295060001000000019"
AS_OF = "2026-11-22T10:00:00.125000Z"


def item(**changes: Any) -> dict[str, Any]:
    sample: dict[str, Any] = {
        "epc": UNIT,
        "kind": "unit",
        "life": "ACTIVE",
        "life_reason": None,
        "parent": CASE,
        "parents": [CASE, PALLET],
        "children_count": 0,
        "location": SITE,
        "custody": "at",
        "holds": [],
        "flags": [],
        "lot": "L7",
        "expiry": "2028-05-31",
        "alerts": [],
        "as_of": AS_OF,
    }
    return sample | changes


def node(number: int, **changes: Any) -> dict[str, Any]:
    return item(epc=f"{LINK}/01/09506000134352/21/A{number}", children=[]) | changes


def tree(units: int, **changes: Any) -> dict[str, Any]:
    case = item(epc=CASE, kind="container", children_count=units, children=[node(n) for n in range(units)])
    root = item(epc=PALLET, kind="container", children_count=1, children=[case], parents=[], parent=None)
    return root | {"nodes": units + 2, "truncated": False} | changes


def event(time: str, kind: str, **changes: Any) -> dict[str, Any]:
    sample: dict[str, Any] = {
        "event_id": "line-1/7/1",
        "event_time": time,
        "log_time": time,
        "kind": kind,
        "role": "item",
        "outcome": "applied",
        "parent": None,
        "life": "ACTIVE",
        "life_reason": None,
        "custody": "at",
        "location": SITE,
        "event": {"lot": "L7", "place": SITE, "line": "line-1"},
    }
    return sample | changes


def alert(**changes: Any) -> dict[str, Any]:
    sample: dict[str, Any] = {
        "id": "5f0c2a1b" * 4,
        "rule": "two-parents",
        "rule_version": 1,
        "status": "provisional",
        "severity": "high",
        "epc": UNIT,
        "cause": {"kind": "pack", "event_time": "2026-11-22T10:05:00Z", "place": SITE},
        "event_time": "2026-11-22T10:05:00Z",
        "raised_at": "2026-11-22T10:05:01Z",
        "changed_at": "2026-11-22T10:05:01.500000Z",
        "events": ["line-2/7/10", "line-1/7/3"],
        "detail": {"expected": f"no parent or {PALLET}", "found": CASE, "gtin": "09506000134352", "lot": "L7"},
        "explained_by": "an unpack from C1 before it",
    }
    return sample | changes


def whole_alert() -> dict[str, Any]:
    """Raised, then confirmed, with the two events that conflict; one of three is still on its way to the history."""
    stated = {"lot": "L7", "place": SITE}
    evidence = [
        event("2026-11-22T10:05:00Z", "pack", role="child", event_id="line-2/7/10", event=stated | {"line": "line-2", "parent": PALLET}),
        event("2026-11-22T10:01:00Z", "pack", role="child", event_id="line-1/7/3", event=stated | {"line": "line-1", "parent": CASE})
        | {"log_time": "2026-11-22T12:00:00Z"},
    ]
    versions = [alert(version=1, status="provisional"), alert(version=2, status="confirmed", changed_at="2026-11-22T10:15:01Z")]
    events = ["line-2/7/10", "line-1/7/3", "line-1/7/4"]
    return alert(status="confirmed", versions=versions, evidence=evidence, source="GS1 US DSCSA R1.3, 5.2", events=events, as_of=AS_OF)


def recall() -> dict[str, Any]:
    return {
        "gtin": "09506000134352",
        "lot": "L7",
        "units_count": 1203,
        "summary": {
            "life": [{"life": "ACTIVE", "life_reason": None, "units": 1200}, {"life": "INACTIVE", "life_reason": "DISPENSED", "units": 3}],
            "custody": [{"custody": "at", "units": 1000}, {"custody": "in_transit", "units": 203}],
            "location": [
                {"location": SITE, "custody": "at", "destination": None, "units": 1000},
                {"location": SITE, "custody": "in_transit", "destination": f"{LINK}/414/9506000200002", "units": 203},
            ],
            "parent": [{"root": PALLET, "units": 500}, {"root": None, "units": 703}],
        },
        "units": [],
        "next": None,
        "as_of": AS_OF,
    }


def verification(**changes: Any) -> dict[str, Any]:
    decoded = {
        "gtin": "09506000134352",
        "serial": "A1/B2",
        "lot": "L8",
        "expiry": "2028-05-31",
        "warnings": ["the group separator is missing"],
    }
    sample = {"code": "x", "epc": UNIT, "decoded": decoded, "verdict": "mismatch", "reason": "the lot on the pack is L8, known is L7"}
    return sample | {"item": item(), "as_of": AS_OF} | changes
