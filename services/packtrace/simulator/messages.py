"""What a source publishes: what its events share (a template), and one event with the moment it goes out.

A line repeats all but a few fields from event to event, so the template is made once and encoded once.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from packtrace.codec.raw_event import RawCorrection, RawEvent, RawTransaction

SGTIN = "https://id.gs1.org/01/"
SSCC = "https://id.gs1.org/00/"


class Source:
    """Who publishes: a line or a partner; its Kafka key, and a running number for its events.

    Args:
        name: the Kafka key and the first part of its event ids.
        boot: the second part; a line states it with each event as its boot.
        counts: whether it states (line, boot, sequence).
    """

    __slots__ = ("boot", "counts", "key", "name", "number", "prefix")

    def __init__(self, name: str, boot: int, *, counts: bool) -> None:
        self.name = name
        self.key = name.encode()
        self.boot = boot
        self.counts = counts
        self.prefix = f"{name}/{boot}/"
        self.number = 0


class Template(msgspec.Struct, eq=False):
    """The fields of an event that its source repeats, named as in the event (``schemas/event.avsc``)."""

    source: Source
    type: str
    action: str
    biz_step: str
    disposition: str = ""
    time_zone: str = ""
    lot: str = ""
    expiry: str = ""
    place: str = ""
    party: str = ""
    source_party: str = ""
    source_place: str = ""
    destination_party: str = ""
    destination_place: str = ""
    line: str = ""
    device: str = ""
    operator: str = ""
    reason: str = ""
    partial: bool = False
    transactions: tuple[tuple[str, str], ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    lots: tuple[str, ...] = ()
    correction: RawCorrection | None = None
    encoded: bytes = b""
    """Its Avro bytes, kept by ``encode``."""


class Message(NamedTuple):
    """One event as published. Times are microseconds since 1970 UTC.

    ``at`` is when it goes out and ``time`` when it happened; a resend goes out later than it happened.
    """

    at: int
    time: int
    template: Template
    id: str
    sequence: int | None
    epcs: tuple[str, ...]
    parent: str
    children: tuple[str, ...]

    @property
    def operations(self) -> int:
        """The EPC-ops it is for packtrace: one per item named."""
        named = len(self.epcs) + len(self.children) + (1 if self.parent else 0)
        return named + len(self.template.inputs) + len(self.template.outputs)


def message(
    at: int, template: Template, epcs: tuple[str, ...] = (), parent: str = "", children: tuple[str, ...] = (), time: int | None = None
) -> Message:
    """The next event of the template's source."""
    source = template.source
    source.number = number = source.number + 1
    return Message(
        at, at if time is None else time, template, f"{source.prefix}{number}", number if source.counts else None, epcs, parent, children
    )


def unit_epc(gtin: str, serial: str) -> str:
    """Digital Link of a unit or of a case with its own GTIN. Our serials need no percent-encoding."""
    return f"{SGTIN}{gtin}/21/{serial}"


def sscc_epc(sscc: str) -> str:
    """Digital Link of a logistic unit."""
    return SSCC + sscc


def item_key(epc: str) -> str:
    """Canonical key of a Digital Link this module made."""
    if epc.startswith(SSCC):
        return "00" + epc[len(SSCC) :]
    return "01" + epc[len(SGTIN) :].replace("/21/", "21", 1)


def raw_event(message: Message) -> RawEvent:
    """The message as the event that a reader of ``events`` gets."""
    template = message.template
    source = template.source
    fields = {name: getattr(template, name) for name in Template.__struct_fields__ if name not in ("source", "encoded", "transactions")}
    return RawEvent(
        id=message.id, event_time=message.time, sequence=message.sequence, epcs=message.epcs, parent=message.parent,
        children=message.children, boot=source.boot if source.counts else None,
        transactions=tuple(RawTransaction(type_, id_) for type_, id_ in template.transactions), **fields,
    )  # fmt: skip
