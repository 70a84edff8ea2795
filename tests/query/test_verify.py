"""One verdict, the first that applies, with one sentence."""

from __future__ import annotations

import pytest

from packtrace.codec.scan import Scan
from packtrace.domain.item import Item
from packtrace.domain.reference import ReferenceChange
from packtrace.domain.vocabulary import Life, Reason, Severity, Status
from packtrace.query.verify import verdict, verify_answer
from tests.query.world import GTIN, NOW, REFERENCE, alert, item, unit

KEY = unit("A1")
RECALLED = REFERENCE.changed(
    [
        ReferenceChange(
            "lot",
            f"{GTIN}/L7",
            f'{{"gtin": "{GTIN}", "lot": "L7", "expiry": "2028-05-31", "released": true, "recalled_from": "2026-11-01"}}',
        )
    ]
)
PLAIN = Scan(KEY, GTIN, "A1")
FULL = Scan(KEY, GTIN, "A1", "L7", 20280531)

# fmt: off
CASES = [
    # what                              scan                                item                                                            verdict
    ("never named",                     FULL,                               None,                                                           "unknown"),
    ("named, never commissioned",       FULL,                               item(KEY, life=Life.NONE),                                      "unknown"),
    ("another lot",                     Scan(KEY, GTIN, "A1", "L8"),        item(KEY, lot="L7"),                                            "mismatch"),
    ("another expiry",                  Scan(KEY, GTIN, "A1", "", 20280430),item(KEY, lot="L7"),                                            "mismatch"),
    ("day 00 of the same month",        Scan(KEY, GTIN, "A1", "", 20280500),item(KEY, lot="L7"),                                            "ok"),
    ("dispensed",                       FULL,                               item(KEY, lot="L7", life=Life.INACTIVE, reason=Reason.DISPENSED), "inactive"),
    ("held as recalled",                FULL,                               item(KEY, lot="L7", holds=("RECALLED",)),                       "recalled"),
    ("expired",                         PLAIN,                              item(KEY, lot="OLD"),                                           "expired"),
    ("an alert stands",                 FULL,                               item(KEY, lot="L7", alerts=[alert("a")]),                       "suspect"),
    ("a withdrawn alert",               FULL,                               item(KEY, lot="L7", alerts=[alert("a", status=Status.WITHDRAWN)]), "ok"),
    ("a low alert",                     FULL,                               item(KEY, lot="L7", alerts=[alert("a", severity=Severity.LOW)]),"ok"),
    ("on hold",                         FULL,                               item(KEY, lot="L7", holds=("QUALITY",)),                        "suspect"),
    ("known and well",                  FULL,                               item(KEY, lot="L7"),                                            "ok"),
]
# fmt: on


@pytest.mark.parametrize(("scan", "found", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_verdict(scan: Scan, found: Item | None, expected: str) -> None:
    told = verdict(scan, found, found, REFERENCE, NOW)
    assert told.verdict == expected
    assert told.reason.endswith(".")


def test_a_recalled_lot() -> None:
    assert verdict(FULL, item(KEY, lot="L7"), None, RECALLED, NOW).verdict == "recalled"
    assert verdict(FULL, item(KEY, lot="L7"), None, RECALLED, NOW - 40 * 86_400_000_000).verdict == "ok"


def test_the_answer_names_what_was_decoded() -> None:
    answer = verify_answer("(01)...", FULL, item(KEY, lot="L7"), [], REFERENCE, NOW)
    assert answer["decoded"] == {"gtin": GTIN, "serial": "A1", "lot": "L7", "expiry": "2028-05-31", "warnings": []}
    assert (answer["verdict"], answer["as_of"]) == ("ok", "2026-11-22T10:00:00Z")
    assert verify_answer("x", FULL, None, [], REFERENCE, NOW)["item"] is None
