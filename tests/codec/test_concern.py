"""An item that a change of reference data does not touch is as it would be had it been judged again."""

from __future__ import annotations

import pytest

from packtrace.codec.concern import concern_of
from packtrace.codec.state import content_of, pack, unpack
from packtrace.domain.dates import HOUR
from packtrace.domain.judge import apply_reference
from packtrace.domain.reference import Reference, ReferenceChange
from packtrace.domain.vocabulary import Entity
from tests.domain import worlds_land as land
from tests.domain.test_two_implementations import played
from tests.domain.worlds import world

WORLDS = 8
_RECALL = '{"id":"%s","from":%d,"lots":[["%s","L7"],["%s","M0"]]}'

CHANGES = (
    *([ReferenceChange(change.entity, change.key, None)] for change in land.BEFORE),
    *([land.lot(land.UNIT, name, recalled=land.START)] for name in ("L7", "M0", "l7", "LY8", "A")),
    *([land.product(code, "bundle", contains=1)] for code in (land.UNIT, land.CASE, land.PARTNER_UNIT, land.STRANGER)),
    *([land.location(place, land.OVERSEAS_PARTY, (-33.0, 151.0), "+11:00")] for place in (land.PLANT, land.PHARMACY, land.UNLISTED)),
    *([land.party(party, [], until="2026-11-20")] for party in (land.PLANT_PARTY, land.DISTRIBUTOR_PARTY, land.UNKNOWN_PARTY)),
    *([land.entity("device", device, id=device, location=land.OVERSEAS, clock="handheld")] for device in ("d-1", "d-2", "d-9")),
    [land.entity("line", "line-1", id="line-1", location=land.OVERSEAS)],
    [ReferenceChange(Entity.RECALL, "r1/0", _RECALL % ("r1", land.START + HOUR, land.UNIT, land.PARTNER_UNIT))],
)


def changed_by(changes: list[ReferenceChange], seed: int) -> tuple[int, int]:
    """(items left alone, items judged again) of a world; fails where one that is left alone would have changed."""
    real = played(world(seed))
    after = real.reference.changed(changes)
    concern = concern_of(changes, real.reference)
    alone = again = 0
    for key, item in real.items.items():
        packed, content = pack(item), content_of(item)
        if concern is not None and concern.touches(key, packed, content):
            again += 1
            continue
        alone += 1
        copy = unpack(key, packed, content)
        judged = apply_reference(copy, real.reference, after, real.clock)
        assert (judged.alerts, judged.facts, pack(copy), content_of(copy)) == ([], [], packed, content), f"world {seed}: {key}, {changes}"
    return alone, again


@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_what_is_not_touched_does_not_change(number: int) -> None:
    for seed in range(WORLDS * number, WORLDS * (number + 1)):
        changed_by(CHANGES[number], seed)


def test_most_items_are_left_alone_by_a_new_lot() -> None:
    found = [changed_by([land.lot(land.UNIT, "NEW-LOT")], seed) for seed in range(30)]
    assert sum(again for _, again in found) == 0
    assert sum(alone for alone, _ in found) > 100


def test_an_event_that_recalls_lots_touches_what_it_names_and_a_correction_what_was_named() -> None:
    recall = ReferenceChange(Entity.RECALL, "r1/0", _RECALL % ("r1", land.START, land.UNIT, land.UNIT))
    correction = ReferenceChange(Entity.RECALL, "c1/0", '{"id":"c1","corrects":["r1"]}')
    known = Reference.empty().changed([*land.BEFORE, recall])
    for changes, before in (([recall], land.REFERENCE), ([correction], known)):
        concern = concern_of(changes, before)
        assert concern is not None
        assert concern.touches(f"01{land.UNIT}21X", b"\x02L7", {}) and not concern.touches(f"01{land.UNIT}21X", b"\x03Lz8", {})


def test_a_lot_touches_what_a_scanner_made_of_it() -> None:
    concern = concern_of([land.lot(land.UNIT, "LY8")], land.REFERENCE)
    assert concern is not None
    for said in (b"LY8", b"ly8", b"LZ8", b"LY821X"):
        assert concern.touches(f"01{land.UNIT}21X", said, {}), said
    assert concern.touches(f"01{land.UNIT}21X10LY8", b"", {})
