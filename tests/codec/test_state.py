"""Packed state of a few plain items: read back equal, a newer layout refused. The property over worlds is in tests/domain."""

from __future__ import annotations

import pytest

from packtrace.codec import state
from packtrace.domain.event import Event
from packtrace.domain.explode import own_events
from packtrace.domain.identifiers import sgtin_key
from packtrace.domain.item import Item
from packtrace.domain.judge import apply_event
from packtrace.domain.reference import Reference
from packtrace.domain.vocabulary import Action, EventType
from packtrace.errors import RefusedError

KEY = sgtin_key("09506000134352", "A1")
T0 = 1_795_341_600_000_000
BYTES_MAX = 160


def commissioned() -> Item:
    event = Event(
        "line-1/7/1",
        EventType.OBJECT,
        T0,
        Action.ADD,
        biz_step="commissioning",
        epcs=(KEY,),
        lot="L7",
        expiry=20280531,
        place="9506000100005",
    )
    item = Item(KEY)
    for _, own in own_events(event, T0 + 1):
        apply_event(item, own, Reference.empty(), 0)
    return item


def test_what_is_packed_is_read_back() -> None:
    item = commissioned()
    packed = state.pack(item)
    again = state.unpack(KEY, packed, state.content_of(item))
    assert state.pack(again) == packed
    assert (again.life, again.lot, again.expiry, again.place) == (item.life, item.lot, item.expiry, item.place)
    assert len(packed) <= BYTES_MAX


def test_a_newer_layout_is_refused_instead_of_misread() -> None:
    packed = state.pack(commissioned())
    with pytest.raises(RefusedError):
        state.unpack(KEY, bytes((packed[0] + 1,)) + packed[1:], {})
