"""An event with its text as it came: the fields of ``schemas/event.avsc`` in their order, nothing read yet but types and time."""

from __future__ import annotations

import msgspec


class RawTransaction(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A business transaction as stated."""

    type: str
    id: str


class RawCorrection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An error declaration as stated."""

    reason: str
    events: tuple[str, ...] = ()
    corrective: tuple[str, ...] = ()


class RawEvent(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Identifiers and vocabulary in any spelling; ``event_time`` in microseconds since 1970 UTC; empty where not stated."""

    id: str = ""
    event_time: int = 0
    sequence: int | None = None
    epcs: tuple[str, ...] = ()
    parent: str = ""
    children: tuple[str, ...] = ()
    type: str = ""
    action: str = ""
    time_zone: str = ""
    biz_step: str = ""
    disposition: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    lots: tuple[str, ...] = ()
    lot: str = ""
    expiry: str = ""
    place: str = ""
    read_point: str = ""
    party: str = ""
    source_party: str = ""
    source_place: str = ""
    destination_party: str = ""
    destination_place: str = ""
    line: str = ""
    boot: int | None = None
    device: str = ""
    operator: str = ""
    reason: str = ""
    partial: bool = False
    transactions: tuple[RawTransaction, ...] = ()
    correction: RawCorrection | None = None
    extensions: str = ""
    """A JSON object as text."""
    epcis: str | None = None
    """The EPCIS event it came as, a JSON object as text."""
