"""A fact between items: a conclusion of one item's fold that another item's rules need (rules.md 7).

Keyed by (source event, source item, target item); a newer version replaces it, a retracted one takes it back.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from packtrace.domain.vocabulary import FactType, Kind


class Fact(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The envelope every fact shares; ``payload`` is what its type adds, canonical msgpack."""

    type: FactType
    target: str
    """Key of the item told; its partition receives the fact."""
    source: str
    """Key of the item whose fold concluded it."""
    event_id: str
    event_time: int
    event_kind: Kind
    log_time: int
    """Log time of the event it follows from, microseconds."""
    version: int = 1
    hops: int = 1
    retracted: bool = False
    payload: bytes = b""


def alike(facts: Sequence[Fact]) -> list[Sequence[Fact]]:
    """``facts`` cut into runs that differ in source and payload alone: what the children of one event tell their container."""
    runs: list[Sequence[Fact]] = []
    begun = 0
    for n, fact in enumerate(facts):
        if not n:
            first = fact
        elif (
            fact.event_id != first.event_id
            or fact.event_time != first.event_time
            or fact.log_time != first.log_time
            or fact.type != first.type
            or fact.event_kind != first.event_kind
            or fact.version != first.version
            or fact.retracted != first.retracted
            or fact.target != first.target
        ):
            runs.append(facts[begun:n])
            begun, first = n, fact
    if facts:
        runs.append(facts[begun:])
    return runs
