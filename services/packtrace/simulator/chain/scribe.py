"""Writes down what happens: one note per event, with what may innocently befall it on its way to the log."""

from __future__ import annotations

from enum import IntFlag
from typing import NamedTuple

import msgspec

from packtrace.codec.raw_event import RawCorrection
from packtrace.simulator.chain.places import Place
from packtrace.simulator.chain.recipe import SECOND
from packtrace.simulator.messages import Message, Source, Template, message, sscc_epc, unit_epc
from packtrace.simulator.serials import SerialPool, SsccPool

VERIFYING = "urn:packtrace:bizstep:verifying"
REACTIVATING = "urn:packtrace:bizstep:reactivating"

RETURNED = "returned"
"""Disposition of a shipment that goes back."""

TWICE_WITHIN = 40 * SECOND
"""How long after an act a person may scan it again, where the note says no more."""


class May(IntFlag):
    """What may innocently happen to an event."""

    LATE = 1
    RESEND = 2
    RENAME = 4
    """Sent again under another id."""
    TWICE = 8
    """Scanned again by a person."""
    SPELL = 16
    """Its identifiers in another spelling."""


ON_ITS_WAY = May.LATE | May.RESEND
SENT = ON_ITS_WAY | May.RENAME | May.SPELL
SCANNED = SENT | May.TWICE


class Act(NamedTuple):
    """What an event says of its kind."""

    type: str
    action: str
    biz_step: str
    disposition: str
    may: May = SENT


# fmt: off
COMMISSION   = Act("object",         "ADD",     "commissioning",   "active")
PACK         = Act("aggregation",    "ADD",     "packing",         "in_progress")
UNPACK       = Act("aggregation",    "DELETE",  "unpacking",       "in_progress")
SHIP         = Act("object",         "OBSERVE", "shipping",        "in_transit",          SCANNED)
VOID         = Act("object",         "OBSERVE", "void_shipping",   "in_progress")
RECEIVE      = Act("object",         "OBSERVE", "receiving",       "in_progress",         SCANNED)
ARRIVE       = Act("object",         "OBSERVE", "arriving",        "in_progress",         SCANNED)
ACCEPT       = Act("object",         "OBSERVE", "accepting",       "in_progress",         SCANNED)
DISPENSE     = Act("object",         "DELETE",  "dispensing",      "dispensed",           SCANNED)
DECOMMISSION = Act("object",         "DELETE",  "decommissioning", "inactive",            SCANNED)
DESTROY      = Act("object",         "DELETE",  "destroying",      "destroyed",           SCANNED)
VERIFY       = Act("object",         "OBSERVE", VERIFYING,         "",                    SCANNED)
OBSERVE      = Act("object",         "OBSERVE", "cycle_counting",  "in_progress",         SCANNED)
HOLD         = Act("object",         "OBSERVE", "holding",         "non_sellable_other")
RELEASE      = Act("object",         "OBSERVE", "inspecting",      "sellable_accessible")
REACTIVATE   = Act("object",         "ADD",     REACTIVATING,      "active")
RECALL       = Act("object",         "OBSERVE", "inspecting",      "recalled")
TRANSFORM    = Act("transformation", "",        "repackaging",     "active",              ON_ITS_WAY)
# fmt: on


class Note(NamedTuple):
    """One event that happened.

    Args:
        may: what may befall it.
        batch: notes of one number other than 0 are uploaded as one file.
        after: event time of a later event of another system that is often reported first; 0 where there is none.
        twice: a person may scan it again until so long after it.
    """

    message: Message
    may: May
    batch: int = 0
    after: int = 0
    twice: int = TWICE_WITHIN


class Scribe:
    """Collects the notes of a world, and hands out identifiers that never repeat."""

    def __init__(self, seed: int, boot: int) -> None:
        self.notes: list[Note] = []
        self._seed = seed
        self._boot = boot
        self._sources: dict[str, Source] = {}
        self._templates: dict[tuple[object, ...], Template] = {}
        self._serials = SerialPool(seed, 1023)
        self._ssccs = SsccPool(seed + (1 << 64), 0, 1)

    def write(
        self,
        act: Act,
        at: int,
        where: Place,
        epcs: tuple[str, ...] = (),
        *,
        device: str = "",
        parent: str = "",
        children: tuple[str, ...] = (),
        inputs: tuple[str, ...] = (),
        outputs: tuple[str, ...] = (),
        lots: tuple[str, ...] = (),
        to: Place | None = None,
        lot: str = "",
        expiry: str = "",
        reason: str = "",
        disposition: str = "",
        partial: bool = False,
        line: str = "",
        transaction: tuple[str, str] | None = None,
        may: May | None = None,
        batch: int = 0,
        after: int = 0,
        twice: int = TWICE_WITHIN,
        time: int | None = None,
    ) -> Message:
        """The event of ``act`` at ``where``; events of a line are told by the line, others by the place's own system.

        Args:
            at: when it happened, and when it is told unless ``time`` says when it happened.
        """
        key = (
            act, where.code, device, inputs, outputs, lots, "" if to is None else to.code, lot, expiry, reason, disposition, partial, line,
            transaction,
        )  # fmt: skip
        template = self._templates.get(key)
        if template is None:
            template = Template(
                source=self._source(line or where.code, counts=bool(line)), type=act.type, action=act.action, biz_step=act.biz_step,
                disposition=disposition or act.disposition, time_zone=where.offset, lot=lot, expiry=expiry, place=where.gln,
                party=where.party, source_party=where.party if to else "", source_place=where.gln if to else "",
                destination_party=to.party if to else "", destination_place=to.gln if to else "", line=line, device=device,
                reason=reason, partial=partial, transactions=(transaction,) if transaction else (), inputs=inputs, outputs=outputs,
                lots=lots,
            )  # fmt: skip
            if not (inputs or outputs or transaction):
                self._templates[key] = template
        made = message(at, template, epcs, parent, children, time)
        self.notes.append(Note(made, act.may if may is None else may, batch, after, twice))
        return made

    def correct(self, wrong: Message, at: int, reason: str, corrective: str = "") -> Message:
        """The error declaration of an event, made at ``at``; it repeats that event, time and all (EPCIS 2.0, 7.4.1.3)."""
        correction = RawCorrection(reason, (wrong.id,), (corrective,) if corrective else ())
        template = msgspec.structs.replace(wrong.template, correction=correction, encoded=b"")
        made = message(at, template, wrong.epcs, wrong.parent, wrong.children, time=wrong.time)
        self.notes.append(Note(made, ON_ITS_WAY))
        return made

    def unit(self, gtin: str) -> str:
        """A new serial of a product of any level."""
        return unit_epc(gtin, self._serials.take())

    def sscc(self) -> str:
        """A logistic unit's number that was never used."""
        return sscc_epc(self._ssccs.take())

    def _source(self, name: str, *, counts: bool) -> Source:
        known = self._sources.get(name)
        if known is None:
            known = self._sources[name] = Source(name, self._boot, counts=counts)
        return known
