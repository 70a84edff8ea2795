"""The neutral event: what an EPCIS event says, whatever it was written in; nothing is lost, nothing is judged.

Times, numbers and identifiers stay the text they were. Vocabulary has one form: the bare word of CBV (``shipping``), the
URI of any other. Equal events of EPCIS 1.2 XML, 2.0 XML and 2.0 JSON-LD are equal values.
"""

from __future__ import annotations

import msgspec

from packtrace.codec.epcis.node import Node


class Pair(msgspec.Struct, frozen=True, array_like=True):
    """A business transaction, source or destination: type and identifier."""

    type: str
    id: str


class Quantity(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """Of a class of objects; ``quantity`` is a decimal number as text, empty where it is not stated."""

    epc_class: str
    quantity: str = ""
    uom: str = ""


class Place(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A read point or business location."""

    id: str
    extensions: tuple[Node, ...] = ()


class ErrorDeclaration(msgspec.Struct, frozen=True, omit_defaults=True):
    """EPCIS 2.0, 7.4.1.3."""

    time: str = ""
    reason: str = ""
    corrective: tuple[str, ...] = ()
    extensions: tuple[Node, ...] = ()


class Sensor(msgspec.Struct, frozen=True, omit_defaults=True):
    """One sensor element: its metadata, its reports, each a list of fields."""

    metadata: tuple[Node, ...] = ()
    reports: tuple[tuple[Node, ...], ...] = ()
    extensions: tuple[Node, ...] = ()


class EpcisEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """See the module; empty where not stated. An empty list is a list not stated."""

    type: str
    """As in ``fields.SHAPES``, e.g. ``ObjectEvent``."""
    event_time: str = ""
    zone: str = ""
    record_time: str = ""
    event_id: str = ""
    error: ErrorDeclaration | None = None
    certifications: tuple[str, ...] = ()
    action: str = ""
    epcs: tuple[str, ...] = ()
    parent: str = ""
    children: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    child_quantities: tuple[Quantity, ...] = ()
    input_quantities: tuple[Quantity, ...] = ()
    output_quantities: tuple[Quantity, ...] = ()
    transformation: str = ""
    biz_step: str = ""
    disposition: str = ""
    read_point: Place | None = None
    location: Place | None = None
    transactions: tuple[Pair, ...] = ()
    sources: tuple[Pair, ...] = ()
    destinations: tuple[Pair, ...] = ()
    sensors: tuple[Sensor, ...] = ()
    persistent_set: tuple[str, ...] = ()
    persistent_unset: tuple[str, ...] = ()
    ilmd: tuple[Node, ...] = ()
    extensions: tuple[Node, ...] = ()


def number_text(text: str) -> str:
    """A decimal number as JSON writes it: XML also takes ``+5``, ``.5``, ``5.`` and leading zeros; other text stays."""
    sign = "-" if text.startswith("-") else ""
    digits, exponent, power = text.lstrip("+-").replace("E", "e").partition("e")
    whole, dot, fraction = digits.partition(".")
    if not (whole + fraction).isascii() or not (whole + fraction).isdigit():
        return text
    return f"{sign}{whole.lstrip('0') or '0'}{dot if fraction else ''}{fraction}{exponent}{power}"
