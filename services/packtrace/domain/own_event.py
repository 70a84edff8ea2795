"""What one item sees of an event: the unit the fold orders and judges.

A *context* is everything a line repeats from event to event; it travels once per record and is resolved against
reference data once. An *own event* is one event as it concerns one item.
"""

from __future__ import annotations

from typing import Final

import msgspec

from packtrace.domain.vocabulary import Kind, Role


class Context(msgspec.Struct, frozen=True, array_like=True):
    """What events share (rules.md 1, 2): vocabulary words, GLN keys, YYYYMMDD dates; empty where not stated."""

    type: str
    kind: Kind
    action: str = ""
    biz_step: str = ""
    disposition: str = ""
    place: str = ""
    read_point: str = ""
    party: str = ""
    source_party: str = ""
    source_place: str = ""
    destination_party: str = ""
    destination_place: str = ""
    lot: str = ""
    expiry: int = 0
    line: str = ""
    device: str = ""
    operator: str = ""
    reason: str = ""
    partial: bool = False
    zone_minutes: int | None = None
    transactions: tuple[tuple[str, str], ...] = ()
    corrects: tuple[str, ...] = ()
    """Event ids an error declaration takes out (kind CORRECT)."""
    correction_reason: str = ""


class OwnEvent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One event as it concerns one item. Times are microseconds since 1970 UTC.

    Args:
        other: of a child the stated parent; of a parent the first listed child; else empty.
        mark: 64-bit hash of the content that concerns this item (all but id, sequence and other items; a parent's
            includes its children).
        message_mark: 64-bit hash of (line, boot, sequence); 0 where not stated.
        children_count: of a parent, the children listed; 0 for an unpack of all.
        children_mark: of a parent, 64-bit hash of the children listed; 0 where none are.
    """

    id: str
    time: int
    log_time: int
    role: Role
    context: Context
    mark: int
    message_mark: int = 0
    other: str = ""
    children_count: int = 0
    children_mark: int = 0

    @property
    def kind(self) -> Kind:
        """The kind of the context; of an input of a transformation DECOMMISSION, whatever its outputs are."""
        if self.role is Role.INPUT and self.context.kind is Kind.COMMISSION:
            return Kind.DECOMMISSION
        return self.context.kind

    @property
    def content_order(self) -> tuple[int, int]:
        """Of several contents under one id the smallest stands: the same one for the parent and for its children."""
        return parent_mark(self.mark, self.children_mark), self.mark


_MIX: Final = 0x9E3779B97F4A7C15
_MASK: Final = (1 << 64) - 1


def parent_mark(mark: int, children: int) -> int:
    """The mark of an event as its parent sees it: with the children it lists. Done twice it is the event's mark again.

    Args:
        mark: of the event, without the items it names.
        children: ``children_mark``; 0 where it lists none.
    """
    return mark ^ (children * _MIX & _MASK) if children else mark
