"""One event as it came, parsed and checked: frozen, canonical, with nothing left to verify.

Identifiers are canonical keys (``identifiers``), places and parties GLN keys, vocabulary bare CBV words, times
microseconds since 1970 UTC, dates the integer YYYYMMDD with day 00 kept.
"""

from __future__ import annotations

import msgspec

from packtrace.domain.vocabulary import Action, EventType


class Transaction(msgspec.Struct, frozen=True, gc=False):
    """A business transaction (EPCIS 2.0, 7.3.5.3): CBV type word and identifier."""

    type: str
    id: str


class Correction(msgspec.Struct, frozen=True):
    """An error declaration (EPCIS 2.0, 7.4.1.3). ``events`` empty: it names its own event id."""

    reason: str
    events: tuple[str, ...] = ()
    corrective: tuple[str, ...] = ()


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """See the module; the names are those of the JSON event (design.md 6)."""

    id: str
    type: EventType
    event_time: int
    action: Action | None = None
    zone_minutes: int | None = None
    biz_step: str = ""
    disposition: str = ""
    epcs: tuple[str, ...] = ()
    parent: str = ""
    children: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    lots: tuple[str, ...] = ()
    lot: str = ""
    expiry: int = 0
    place: str = ""
    read_point: str = ""
    party: str = ""
    source_party: str = ""
    source_place: str = ""
    destination_party: str = ""
    destination_place: str = ""
    line: str = ""
    boot: int | None = None
    sequence: int | None = None
    device: str = ""
    operator: str = ""
    reason: str = ""
    partial: bool = False
    transactions: tuple[Transaction, ...] = ()
    correction: Correction | None = None
    extensions: str = ""
    """Canonical JSON text of the extensions object; empty where there is none."""
    epcis: str = ""
    """The EPCIS event it came as, where it came as one: what the other fields do not hold (``codec.epcis.original``)."""
