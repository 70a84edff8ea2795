"""A scanned code: decoded, its state, and one verdict with one reason. Pure.

The verdicts in order of precedence; the first that applies is the answer:

============  ==========================================================================================
unknown       no event has named it, or no commission of an own item is known
mismatch      the code says another lot or expiry date than is known of the item
inactive      it left the market: dispensed, destroyed, stolen, ...
recalled      its lot is recalled, or it holds RECALLED
expired       its last day is over where it is
suspect       an alert of severity critical or high stands, or it is on hold
ok            none of these
============  ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from packtrace.codec.scan import Scan
from packtrace.domain.dates import date_text
from packtrace.domain.identifiers import gtin_of, serial_of
from packtrace.domain.item import Item
from packtrace.domain.reference import Reference
from packtrace.domain.vocabulary import Life, Severity, Status
from packtrace.query import render
from packtrace.query.items import Json, expired, expiry_that_counts, item_answer, recalled

SERIOUS = frozenset({Severity.CRITICAL, Severity.HIGH})


class Verdict(NamedTuple):
    verdict: str
    reason: str


def verdict(scan: Scan, item: Item | None, root: Item | None, reference: Reference, at: int) -> Verdict:
    """What to tell the person who scanned it.

    Args:
        at: microseconds: what "today" is measured at.
    """
    if item is None:
        return Verdict("unknown", "No event has named this item.")
    if item.life is Life.NONE:
        return Verdict("unknown", "Events have named this item, but its commissioning is not known.")
    other = mismatch(scan, item, reference)
    if other:
        return Verdict("mismatch", other)
    if item.life is Life.INACTIVE:
        return Verdict("inactive", f"This item left the market: {item.reason.name}.")
    if "RECALLED" in item.holds or recalled(item, reference, at):
        return Verdict("recalled", f"Lot {item.lot} is recalled." if item.lot else "This item is recalled.")
    if expired(item, item if root is None else root, reference, at):
        return Verdict("expired", f"This item expired on {date_text(expiry_that_counts(item, reference))}.")
    serious = sorted(alert.rule for alert in item.alerts.values() if alert.status is not Status.WITHDRAWN and alert.severity in SERIOUS)
    if serious:
        return Verdict("suspect", f"An alert stands on this item: {', '.join(dict.fromkeys(serious))}.")
    if item.holds:
        return Verdict("suspect", f"This item is on hold: {', '.join(item.holds)}.")
    return Verdict("ok", "This item is known, active and without an alert.")


def mismatch(scan: Scan, item: Item, reference: Reference) -> str:
    """What the code says otherwise than the item, as one sentence; empty where nothing."""
    if scan.lot and item.lot and scan.lot != item.lot:
        return f"The code says lot {scan.lot}, known is lot {item.lot}."
    expiry = expiry_that_counts(item, reference)
    if scan.expiry and expiry and not same_date(scan.expiry, expiry):
        return f"The code says expiry {date_text(scan.expiry)}, known is {date_text(expiry)}."
    return ""


def same_date(one: int, other: int) -> bool:
    """Whether two expiry dates agree: a day 00 on either side compares months (rules.md 5, expiry-mismatch)."""
    if one % 100 and other % 100:
        return one == other
    return one // 100 == other // 100


def verify_answer(code: str, scan: Scan, item: Item | None, ancestors: Sequence[Item], reference: Reference, as_of: int) -> Json:
    """``GET /verify``."""
    found = verdict(scan, item, ancestors[-1] if ancestors else item, reference, as_of)
    return {
        "code": code,
        "epc": render.epc(scan.key),
        "decoded": {
            "gtin": render.text(gtin_of(scan.key)),
            "serial": serial_of(scan.key),
            "lot": render.text(scan.lot),
            "expiry": render.date(scan.expiry),
            "warnings": [str(warning) for warning in scan.warnings],
        },
        "verdict": found.verdict,
        "reason": found.reason,
        "item": None if item is None else item_answer(item, ancestors, reference, as_of),
        "as_of": render.time(as_of),
    }
