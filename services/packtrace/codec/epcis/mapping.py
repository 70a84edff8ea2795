"""Neutral event -> the event of packtrace, judged by what EPCIS and CBV require and GS1's schemas let through.

What has no field there (sensors, quantities, vendors' extensions, things that are no serialised item) stays beside it
(``original``). An event that names nothing packtrace follows is kept in the history and moves no item.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from packtrace.codec import event_shape
from packtrace.codec.epcis import fields
from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.event import EpcisEvent, Pair, Quantity
from packtrace.codec.epcis.hashing import hash_of
from packtrace.codec.epcis.items import URI, followed, is_followed
from packtrace.codec.epcis.original import packed
from packtrace.codec.epcis.reading import Remark
from packtrace.codec.epcis.times import clean_date, clean_time, clean_zone, zone_of
from packtrace.codec.event_check import check
from packtrace.codec.gln import parse_gln
from packtrace.codec.identifiers import parse_lot_class
from packtrace.codec.raw_event import RawCorrection, RawEvent, RawTransaction
from packtrace.codec.vocabulary_words import BIZ_STEP, DISPOSITION, ERROR_REASON, SOURCE_DESTINATION_TYPE, TRANSACTION_TYPE, Words
from packtrace.domain.dates import read_time
from packtrace.domain.event import Event
from packtrace.domain.identifiers import EPC_CHARACTERS_MAX, lot_key
from packtrace.domain.vocabulary import Action, EventType, Reject
from packtrace.errors import RejectedError

TYPES: Final = {f"{one.capitalize()}Event": one for one in EventType}

_UOM = re.compile(r"[A-Z0-9]{2,3}")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_LOT_CLASS = re.compile(r"urn:epc:class:lgtin:|[Hh][Tt][Tt][Pp][Ss]?://[^?#]*/01/[0-9]{14}/(?:22/[^/]+/)?10/")
_CBV_MDA = frozenset(
    {"urn:epcglobal:cbv:mda:", "urn:epcglobal:cbv:mda", "urn:epcglobal:cbv:mda#", fields.GS1_VOC, "https://ref.gs1.org/cbv/mda/"}
)
_OWN = frozenset({fields.PACKTRACE, fields.PACKTRACE[:-1], "urn:packtrace#"})
_OWN_TEXTS: Final = ("reason", "device", "line", "operator", "lot", "expiry", "party")
_SENSOR_TIMES: Final = frozenset({"time", "startTime", "endTime"})
_OWN_COUNTS: Final = ("boot", "sequence")


_read_gln = lru_cache(4_096)(parse_gln)
"""A site names the same few places again and again."""


class Mapped(NamedTuple):
    """An event that may be published.

    Args:
        epcis: the neutral event with its times and dates in order and its id.
        raw: the record of it; ``raw.epcis`` is the original.
        event: what the router will make of ``raw``.
    """

    epcis: EpcisEvent
    raw: RawEvent
    event: Event
    remarks: tuple[Remark, ...]


def mapped(epcis: EpcisEvent, document: Document | None = None, *, log_time: int | None = None) -> Mapped:
    """Judge ``epcis`` and map it.

    Args:
        document: what is kept of the document it came in (``original.kept_document``).
        log_time: microseconds; an event more than 24 h ahead of it is rejected. None: not compared.

    Raises:
        RejectedError: ``where`` is the place in the EPCIS event, e.g. ``childEPCs[3]``.
    """
    mapper = _Mapper(epcis, document)
    try:
        raw = mapper.raw()
        event = check(raw, log_time=log_time)
    except RejectedError as error:
        expected = _PLACE_TOO.sub(lambda hit: f"it is {mapper.epcis_place(hit[1])} too", error.expected)
        raise RejectedError(error.code, mapper.epcis_place(error.where), expected, error.found) from error
    return Mapped(mapper.epcis, raw, event, tuple(mapper.remarks))


# fmt: off
_PLACES: Final = {
    # field of the event of packtrace -> where EPCIS has it
    "epcs": "epcList", "children": "childEPCs", "parent": "parentID", "inputs": "inputEPCList", "outputs": "outputEPCList",
    "lots": "quantityList", "event_time": "eventTime", "time_zone": "eventTimeZoneOffset", "id": "eventID", "type": "type",
    "biz_step": "bizStep", "place": "bizLocation.id", "read_point": "readPoint.id", "lot": "ilmd.lotNumber",
    "expiry": "ilmd.itemExpirationDate", "source_party": "sourceList", "source_place": "sourceList",
    "destination_party": "destinationList", "destination_place": "destinationList", "transactions": "bizTransactionList",
    "correction": "errorDeclaration",
}
# fmt: on
_FOREIGN: Final = {
    kind: tuple((name, field) for name, field in fields.FIELD_OF.items() if name not in shape.fields and name not in fields.COMMON)
    for kind, shape in fields.SHAPES.items()
}
_PLACE_TOO = re.compile(r"it is ([a-z]+\[[0-9]+\]) too")
_FIRST = re.compile(r"([a-z_]+)(?:\[([0-9]+)\])?(\..*)?")


class _Mapper:
    """One event on its way."""

    def __init__(self, epcis: EpcisEvent, document: Document | None) -> None:
        self.epcis = epcis
        self._document = document
        self.remarks: list[Remark] = []
        self._places: dict[str, list[int]] = {}

    def epcis_place(self, where: str) -> str:
        """Where in the EPCIS event a place in the event of packtrace is."""
        match = _FIRST.fullmatch(where)
        if match is None or match[1] not in _PLACES:
            return where
        number = ""
        if match[2] is not None:
            places = self._places.get(match[1])
            number = f"[{places[int(match[2])] if places else match[2]}]"
        return _PLACES[match[1]] + number + (match[3] or "")

    def _remark(self, where: str, text: str) -> None:
        if text:
            self.remarks.append(Remark(where, text))

    def raw(self) -> RawEvent:
        epcis = self.epcis
        kind = TYPES.get(epcis.type)
        if kind is None:
            raise RejectedError(Reject.UNKNOWN_TYPE, "type", f"one of {', '.join(TYPES)}", epcis.type)
        action = event_shape.event_action(epcis.action, kind)
        self._refuse_foreign_fields()
        self._refuse_incomplete(kind, action)
        self._times()
        self._words()
        self._quantities()
        self._sensors()
        values: dict[str, Any] = self._items(kind)
        values |= {"lots": self._lots(kind), "type": str(kind), "action": epcis.action}
        values |= self._parties() | self._own_fields() | self._instance_data(kind)
        values |= {
            "place": self._gln("bizLocation.id", epcis.location.id if epcis.location else ""),
            "read_point": self._gln("readPoint.id", epcis.read_point.id if epcis.read_point else ""),
            "transactions": tuple(RawTransaction(one.type, one.id) for one in epcis.transactions),
            "correction": self._correction(),
        }
        epcis = self._identified()
        raw = RawEvent(
            id=epcis.event_id,
            event_time=read_time(epcis.event_time),
            time_zone=epcis.zone,
            biz_step=epcis.biz_step,
            disposition=epcis.disposition,
            **{name: value for name, value in values.items() if value or value == 0},
        )
        return msgspec.structs.replace(raw, epcis=packed(epcis, raw, self._document))

    def _identified(self) -> EpcisEvent:
        """With the CBV event hash where the event has no id: all who compute it get the same."""
        if not self.epcis.event_id:
            self.epcis = msgspec.structs.replace(self.epcis, event_id=hash_of(self.epcis))
        return self.epcis

    def _refuse_foreign_fields(self) -> None:
        epcis = self.epcis
        for name, field in _FOREIGN[epcis.type]:
            if getattr(epcis, field):
                raise RejectedError(Reject.UNKNOWN_FIELD, name, f"no {name} in a {epcis.type}", name)

    def _refuse_incomplete(self, kind: EventType, action: Action | None) -> None:
        """What EPCIS requires of each type (EPCIS 2.0, 7.4.2 to 7.4.7)."""
        epcis = self.epcis
        if kind is EventType.OBJECT and not (epcis.epcs or epcis.quantities or epcis.sensors):
            raise RejectedError(Reject.NO_ITEMS, "epcList", "an epcList or a quantityList that names something")
        if kind is EventType.TRANSACTION:
            if not epcis.transactions:
                raise RejectedError(Reject.MISSING_FIELD, "bizTransactionList", "at least one business transaction")
            if action is Action.ADD and not (epcis.epcs or epcis.parent or epcis.quantities):
                raise RejectedError(Reject.NO_ITEMS, "epcList", "an epcList, a parentID or a quantityList that names something")
        if kind in (EventType.AGGREGATION, EventType.ASSOCIATION):
            named = bool(epcis.children or epcis.child_quantities)
            event_shape.refuse_containment(kind, action, epcis.parent, epcis.children or (("quantity",) if named else ()), epcis.parent)
            if action is Action.OBSERVE and not named:
                raise RejectedError(Reject.NO_CHILDREN, "childEPCs", f"at least one child in {epcis.type} OBSERVE", "none")
        if kind is EventType.TRANSFORMATION:
            inputs, outputs = epcis.inputs or epcis.input_quantities, epcis.outputs or epcis.output_quantities
            if not (inputs or outputs) or (not epcis.transformation and not (inputs and outputs)):
                expected = "inputs and outputs, or one of them and a transformationID"
                raise RejectedError(Reject.NO_ITEMS, "outputEPCList" if inputs else "inputEPCList", expected)

    def _times(self) -> None:
        epcis = self.epcis
        changed: dict[str, str] = {}
        for name, field in (("eventTime", "event_time"), ("recordTime", "record_time"), ("eventTimeZoneOffset", "zone")):
            text = getattr(epcis, field)
            if not text:
                if name == "eventTime":
                    raise RejectedError(Reject.MISSING_FIELD, name, "the time of the event")
                continue
            changed[field] = self._clean(name, clean_zone if field == "zone" else clean_time, text)
        if not epcis.zone:
            changed["zone"] = zone_of(changed["event_time"])
            self._remark("eventTimeZoneOffset", f"missing; {changed['zone']} was taken from eventTime")
        epcis = msgspec.structs.replace(epcis, **changed)
        if epcis.error is not None:
            time = self._clean("errorDeclaration.declarationTime", clean_time, epcis.error.time) if epcis.error.time else ""
            self._remark("errorDeclaration.declarationTime", "" if time else "missing")
            epcis = msgspec.structs.replace(epcis, error=msgspec.structs.replace(epcis.error, time=time))
        self.epcis = epcis

    def _clean(self, where: str, clean: Any, text: str) -> str:
        try:
            cleaned, remark = clean(text)
        except RejectedError as error:
            raise error.inside(where) from error
        self._remark(where, remark)
        return str(cleaned)

    def _words(self) -> None:
        epcis = self.epcis
        stated: list[tuple[str, Words, str]] = [("bizStep", BIZ_STEP, epcis.biz_step), ("disposition", DISPOSITION, epcis.disposition)]
        stated += [("persistentDisposition.set", DISPOSITION, one) for one in epcis.persistent_set]
        stated += [("persistentDisposition.unset", DISPOSITION, one) for one in epcis.persistent_unset]
        for name, words, pairs in (
            ("bizTransactionList", TRANSACTION_TYPE, epcis.transactions),
            ("sourceList", SOURCE_DESTINATION_TYPE, epcis.sources),
            ("destinationList", SOURCE_DESTINATION_TYPE, epcis.destinations),
        ):
            stated += [(f"{name}[{number}].type", words, one.type) for number, one in enumerate(pairs)]
            _refuse_bad_pairs(name, pairs)
        if epcis.error is not None:
            stated.append(("errorDeclaration.reason", ERROR_REASON, epcis.error.reason))
        for where, words, text in stated:
            try:
                words.stored(text)
            except RejectedError as error:
                raise error.inside(where) from error

    def _quantities(self) -> None:
        for name, field in fields.QUANTITY_LISTS.items():
            for number, one in enumerate(getattr(self.epcis, field)):
                _refuse_bad_quantity(f"{name}[{number}]", one)

    def _sensors(self) -> None:
        """A report says what it reports; its times can be read. The rest of it is kept and not judged."""
        for number, sensor in enumerate(self.epcis.sensors):
            where = f"sensorElementList[{number}]"
            if not sensor.reports:
                raise RejectedError(Reject.MISSING_FIELD, f"{where}.sensorReport", "at least one report")
            for place, nodes in ((f"{where}.sensorMetadata", sensor.metadata), *((f"{where}.sensorReport", one) for one in sensor.reports)):
                for node in nodes:
                    if node.name in _SENSOR_TIMES:
                        self._clean(f"{place}.{node.name}", clean_time, node.value)
            for count, report in enumerate(sensor.reports):
                if not any(node.name == "type" and node.value for node in report):
                    raise RejectedError(Reject.MISSING_FIELD, f"{where}.sensorReport[{count}].type", "what is reported, e.g. Temperature")

    def _items(self, kind: EventType) -> dict[str, Any]:
        epcis = self.epcis
        named: dict[str, Any] = {}
        for name, field in fields.EPC_LISTS.items():
            texts = getattr(epcis, field)
            if texts:
                named[field], places = followed(texts, name)
                if places is not None:
                    self._places[field] = places
                    self._remark(name, f"{len(texts) - len(places)} of {len(texts)} are no SGTIN or SSCC: kept, not followed")
        contains = kind in (EventType.AGGREGATION, EventType.ASSOCIATION)
        if epcis.parent:
            try:
                if is_followed(epcis.parent):
                    named["parent"] = epcis.parent
            except RejectedError as error:
                raise error.inside("parentID") from error
            if "parent" not in named:
                self._remark("parentID", f"{epcis.parent} is no SGTIN or SSCC: kept, not followed")
        if not contains:
            return named
        stated = epcis.children or epcis.child_quantities
        if not named.get("parent") and epcis.action != Action.OBSERVE:
            return {}
        if stated and not named.get("children") and epcis.action != Action.OBSERVE:
            # without its children an unpack would empty the container
            self._remark("childEPCs", "none of them is an SGTIN or SSCC: the event is kept, and moves nothing")
            return {}
        return named

    def _lots(self, kind: EventType) -> tuple[str, ...]:
        """Lot classes of an object or transaction event, each once."""
        out: dict[str, str] = {}
        for number, one in enumerate(self.epcis.quantities):
            if _LOT_CLASS.match(one.epc_class):
                try:
                    out.setdefault(lot_key(*parse_lot_class(one.epc_class)), one.epc_class)
                except RejectedError as error:
                    raise error.inside(f"quantityList[{number}].epcClass") from error
        return tuple(out.values()) if kind in (EventType.OBJECT, EventType.TRANSACTION) else ()

    def _gln(self, where: str, text: str) -> str:
        """A GLN in any spelling; another URI is kept and not followed."""
        if not text:
            return ""
        try:
            _read_gln(text)
            return text
        except RejectedError as error:
            if text.startswith(("urn:epc:id:sgln:", "urn:epc:id:pgln:")) or re.match(r"https?://[^?#]*/41[47]/[0-9]", text):
                raise error.inside(where) from error
            if len(text) > EPC_CHARACTERS_MAX or not URI.fullmatch(text):
                raise RejectedError(Reject.BAD_IDENTIFIER, where, "a GLN as SGLN URN or Digital Link, or another URI", text) from error
        self._remark(where, f"{text} is no GLN: kept, not followed")
        return ""

    def _parties(self) -> dict[str, str]:
        out = {}
        for side, name, pairs in (
            ("source", "sourceList", self.epcis.sources),
            ("destination", "destinationList", self.epcis.destinations),
        ):
            stated = {one.type: (number, one.id) for number, one in reversed(list(enumerate(pairs)))}
            for field, kinds in ((f"{side}_party", ("owning_party", "possessing_party")), (f"{side}_place", ("location",))):
                number, text = next((stated[kind] for kind in kinds if kind in stated), (0, ""))
                out[field] = self._gln(f"{name}[{number}].{side}", text)
        return out

    def _instance_data(self, kind: EventType) -> dict[str, str]:
        """Lot and expiry, from ILMD or an extension of ``urn:packtrace:``."""
        out: dict[str, str] = {}
        for node in self.epcis.ilmd:
            if node.namespace in _CBV_MDA or node.namespace in _OWN:
                for name, field in (("lotNumber", "lot"), ("itemExpirationDate", "expiry"), ("lot", "lot"), ("expiry", "expiry")):
                    if node.local == name and node.value.strip():
                        out.setdefault(field, node.value.strip())
        for node in self.epcis.extensions:
            if node.namespace in _OWN and node.local in ("lot", "expiry") and node.value.strip():
                out.setdefault(node.local, node.value.strip())
        if "expiry" in out:
            out["expiry"] = self._clean("ilmd.itemExpirationDate", clean_date, out["expiry"])
        if self.epcis.ilmd and kind is EventType.OBJECT and self.epcis.action != Action.ADD:
            self._remark("ilmd", "EPCIS has it only in an event that commissions (action ADD)")
        return out

    def _own_fields(self) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for node in self.epcis.extensions:
            if node.namespace not in _OWN:
                continue
            name, text = node.local, node.value.strip()
            if name in _OWN_COUNTS:
                if not (text.isascii() and text.isdigit() and len(text) < 19):
                    raise RejectedError(Reject.WRONG_TYPE, f"packtrace:{name}", "a whole number", text)
                out[name] = int(text)
            elif name == "partial":
                if text not in ("true", "false", "1", "0"):
                    raise RejectedError(Reject.WRONG_TYPE, f"packtrace:{name}", "true or false", text)
                out[name] = text in ("true", "1")
            elif name in _OWN_TEXTS and name not in ("lot", "expiry"):
                out[name] = text
        return out

    def _correction(self) -> RawCorrection | None:
        error = self.epcis.error
        if error is None:
            return None
        reason = error.reason or ("incorrect_data" if error.corrective else "did_not_occur")
        return RawCorrection(reason, (), error.corrective)


def _refuse_bad_pairs(name: str, pairs: Sequence[Pair]) -> None:
    for number, one in enumerate(pairs):
        if not one.id or (not one.type and name != "bizTransactionList"):
            missing = "type" if one.id else fields.PAIRS[name][1]
            raise RejectedError(Reject.MISSING_FIELD, f"{name}[{number}].{missing}", f"its {missing}")


def _refuse_bad_quantity(where: str, one: Quantity) -> None:
    if len(one.epc_class) > EPC_CHARACTERS_MAX or not URI.fullmatch(one.epc_class):
        raise RejectedError(Reject.BAD_IDENTIFIER, f"{where}.epcClass", "a class as EPC URN or Digital Link", one.epc_class)
    if one.quantity and not _DECIMAL.fullmatch(one.quantity):
        raise RejectedError(Reject.WRONG_TYPE, f"{where}.quantity", "a decimal number", one.quantity)
    if one.uom and not _UOM.fullmatch(one.uom):
        raise RejectedError(Reject.BAD_TEXT, f"{where}.uom", "a unit of 2 or 3 characters such as KGM", one.uom)
    if one.uom and not one.quantity:
        raise RejectedError(Reject.MISSING_FIELD, f"{where}.quantity", "a quantity of that unit")
