"""A fact between items: a conclusion of one item's fold that another item's rules need (rules.md 7).

Keyed by (source event, source item, target item); a newer version replaces it, a retracted one takes it back.
"""

from __future__ import annotations

import msgspec

from packtrace.domain.vocabulary import FactType, Kind


class Fact(msgspec.Struct, frozen=True, array_like=True):
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
