"""A raw event becomes an event, or is rejected whole with code, place, expected and found (rules.md 2, design.md 11).

A line repeats most of an event from scan to scan. That part is read once and remembered (``shared``), so that a scan costs
little more than its own identifiers (``check_varying``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec

from packtrace.codec import event_shape
from packtrace.codec.epcis.hashing import hash_of_event
from packtrace.codec.epcis.original import checked_original
from packtrace.codec.gln import parse_gln
from packtrace.codec.identifiers import Scan, parse_lot_class, plain_item, read_item
from packtrace.codec.plain_text import canonical_extensions, checked_text
from packtrace.codec.raw_event import RawCorrection, RawEvent, RawTransaction
from packtrace.codec.vocabulary_words import BIZ_STEP, DISPOSITION, ERROR_REASON, TRANSACTION_TYPE
from packtrace.domain.dates import DAY, TIME_MAX, local_date, read_date, read_yymmdd, read_zone, time_text
from packtrace.domain.event import Correction, Event, Transaction
from packtrace.domain.identifiers import lot_key, serial_text
from packtrace.domain.vocabulary import EventType, Reason, Reject
from packtrace.errors import RejectedError

AHEAD_MAX: Final = DAY
"""How far an event may lie ahead of the log, microseconds."""

EVENTS_CORRECTED_MAX: Final = 1_000
TRANSACTIONS_MAX: Final = 1_000

_T = TypeVar("_T")

_SHARED_MAX = 8_192
_shared: dict[tuple[object, ...], Event] = {}
"""What a line repeats, as it came -> as it was read."""

_REASONS = frozenset(reason.name for reason in Reason if reason is not Reason.NONE) | {word.upper() for word in DISPOSITION.words}
"""A hold set by a disposition bears its name, and a release lifts it by that name."""


def check(raw: RawEvent, *, log_time: int | None = None) -> Event:
    """Read every identifier, word and date of ``raw`` and check its structure.

    Args:
        log_time: microseconds; an event more than 24 h ahead of it is rejected. None: not compared.

    Raises:
        RejectedError: with a code of ``vocabulary.Reject`` and the place in the event, e.g. ``children[3]``.
    """
    return check_varying(shared(raw), raw.id, raw.event_time, raw.sequence, raw.epcs, raw.parent, raw.children, log_time=log_time)


def shared(raw: RawEvent) -> Event:
    """``raw`` without the fields at the head of its schema (id, event_time, sequence, epcs, parent, children), checked.

    The answer depends on the rest alone, so a reader may keep it beside the bytes of that rest. One exception: a date in
    the form YYMMDD is read against the year of the event; ``expiry_needs_time`` says so.
    """
    if raw.inputs or raw.outputs or raw.lots or raw.correction is not None or expiry_needs_time(raw):
        return _read_shared(raw)
    key = (
        raw.type, raw.action, raw.time_zone, raw.biz_step, raw.disposition, raw.lot, raw.expiry, raw.place, raw.read_point,
        raw.party, raw.source_party, raw.source_place, raw.destination_party, raw.destination_place, raw.line, raw.boot,
        raw.device, raw.operator, raw.reason, raw.partial, tuple(raw.transactions), raw.extensions,
    )  # fmt: skip
    known = _shared.get(key)
    if known is None:
        known = _read_shared(raw if raw.epcis is None else msgspec.structs.replace(raw, epcis=None))
        if len(_shared) >= _SHARED_MAX:
            _shared.clear()
        _shared[key] = known
    # the original of an EPCIS event is long and never the same: what stands beside it is what repeats
    return msgspec.structs.replace(known, epcis=_at("epcis", checked_original, raw.epcis)) if raw.epcis else known


def expiry_needs_time(raw: RawEvent) -> bool:
    """Whether the century of the expiry date follows from the event time."""
    return len(raw.expiry) == 6


def _read_shared(raw: RawEvent) -> Event:
    kind = event_shape.event_type(raw.type)
    action = event_shape.event_action(raw.action, kind)
    for field, named in (("inputs", raw.inputs), ("outputs", raw.outputs), ("lots", raw.lots)):
        if named:
            event_shape.refuse_foreign_field(kind, field)
    event_shape.refuse_count(inputs=len(raw.inputs), outputs=len(raw.outputs), lots=len(raw.lots))
    stated: list[Scan] = []
    inputs = _items(raw.inputs, "inputs", [], raw.event_time)
    outputs = _items(raw.outputs, "outputs", stated, raw.event_time)
    lot, expiry = _of_codes(stated)
    return Event(
        id="",
        type=kind,
        event_time=0,
        action=action,
        zone_minutes=_at("time_zone", read_zone, raw.time_zone) if raw.time_zone else None,
        biz_step=_at("biz_step", BIZ_STEP.stored, raw.biz_step),
        disposition=_at("disposition", DISPOSITION.stored, raw.disposition),
        inputs=inputs,
        outputs=outputs,
        lots=_lots(raw.lots),
        lot=_at("lot", _lot, raw.lot) if raw.lot else lot,
        expiry=_expiry(raw) if raw.expiry else expiry,
        place=_gln(raw.place, "place"),
        read_point=_gln(raw.read_point, "read_point"),
        party=_gln(raw.party, "party"),
        source_party=_gln(raw.source_party, "source_party"),
        source_place=_gln(raw.source_place, "source_place"),
        destination_party=_gln(raw.destination_party, "destination_party"),
        destination_place=_gln(raw.destination_place, "destination_place"),
        line=checked_text(raw.line, "line"),
        boot=_count(raw.boot, "boot"),
        device=checked_text(raw.device, "device"),
        operator=checked_text(raw.operator, "operator"),
        reason=_reason(raw.reason),
        partial=raw.partial,
        transactions=_transactions(raw.transactions),
        correction=None if raw.correction is None else _correction(raw.correction),
        extensions=_at("extensions", canonical_extensions, raw.extensions),
        epcis=_at("epcis", checked_original, raw.epcis or ""),
    )


def check_varying(
    shared: Event,
    id: str,
    event_time: int,
    sequence: int | None,
    epcs: Sequence[str],
    parent: str,
    children: Sequence[str],
    *,
    log_time: int | None = None,
) -> Event:
    """The event that ``shared`` and its own fields, still raw, make."""
    if not 0 <= event_time <= TIME_MAX:
        raise RejectedError(Reject.BAD_TIME, "event_time", "microseconds between 1970 and 2299", str(event_time))
    if log_time is not None and event_time > log_time + AHEAD_MAX:
        limit = time_text(min(log_time + AHEAD_MAX, TIME_MAX))
        raise RejectedError(Reject.FUTURE_TIME, "event_time", f"at most 24 h ahead of the log, {limit}", time_text(event_time))
    s = shared
    stated: list[Scan] = []
    lot, expiry = s.lot, s.expiry
    if len(epcs) == 1 and s.type is EventType.OBJECT and not parent and not children:
        named = _Named(epcs=_items(epcs, "epcs", stated, event_time))
    else:
        named = _named(s, epcs, parent, children, stated, event_time)
    if stated:
        of_codes = _of_codes(stated)
        lot, expiry = lot or of_codes[0], expiry or of_codes[1]
    event = Event(
        checked_text(id, "id"), s.type, event_time, s.action, s.zone_minutes, s.biz_step, s.disposition,
        named.epcs, named.parent, named.children, s.inputs, s.outputs, s.lots, lot, expiry,
        s.place, s.read_point, s.party, s.source_party, s.source_place, s.destination_party, s.destination_place, s.line, s.boot,
        None if sequence is None else _count(sequence, "sequence"), s.device, s.operator, s.reason, s.partial, s.transactions,
        s.correction, s.extensions, s.epcis,
    )  # fmt: skip
    return event if id and s.correction is None else _identified(event)


class _Named(NamedTuple):
    """Keys of the items an event names outside ``shared``."""

    epcs: tuple[str, ...] = ()
    parent: str = ""
    children: tuple[str, ...] = ()


def _named(shared: Event, epcs: Sequence[str], parent: str, children: Sequence[str], stated: list[Scan], event_time: int) -> _Named:
    kind = shared.type
    for field, there in (("epcs", bool(epcs)), ("parent", bool(parent)), ("children", bool(children))):
        if there:
            event_shape.refuse_foreign_field(kind, field)
    elsewhere = len(shared.inputs) + len(shared.outputs) + len(shared.lots)
    event_shape.refuse_count(epcs=len(epcs), parent=bool(parent), children=len(children), lots=elsewhere)
    keys = _items(epcs, "epcs", stated, event_time)
    parent_key = _at("parent", lambda text: _item(text, stated, event_time), parent) if parent else ""
    child_keys = _items(children, "children", stated, event_time)
    if shared.epcis and not (keys or parent_key or child_keys or elsewhere):
        pass  # it names nothing that packtrace follows: kept, and moves no item
    elif kind in _CONTAINMENT:
        event_shape.refuse_containment(kind, shared.action, parent_key, child_keys, parent)
    elif not (keys or parent_key or elsewhere):
        raise RejectedError(Reject.NO_ITEMS, expected="at least one item")
    if kind is EventType.TRANSACTION and parent_key:
        # the parent of a transaction is one more item the business document covers (EPCIS 2.0, 7.4.5)
        return _Named(epcs=keys if parent_key in keys else (parent_key, *keys))
    return _Named(keys, parent_key, child_keys)


_CONTAINMENT = frozenset({EventType.AGGREGATION, EventType.ASSOCIATION})


def _item(text: str, stated: list[Scan], event_time: int) -> str:
    """Key of one item; a spelling that may carry lot and expiry leaves its scan in ``stated``."""
    key = plain_item(text)
    if key:
        return key
    scan = read_item(text, _year(event_time))
    if scan.lot or scan.expiry:
        stated.append(scan)
    return scan.key


def _items(texts: Sequence[str], field: str, stated: list[Scan], event_time: int) -> tuple[str, ...]:
    """Keys of ``texts``, each once."""
    try:
        keys = tuple([plain_item(text) or _item(text, stated, event_time) for text in texts])
    except RejectedError:
        for number, text in enumerate(texts):
            _at(f"{field}[{number}]", lambda text: _item(text, stated, event_time), text)
        raise
    if len(keys) > 1:
        event_shape.refuse_duplicates(keys, field)
    return keys


def _of_codes(stated: Sequence[Scan]) -> tuple[str, int]:
    """Lot and expiry that scanned codes state for the event; where they differ the event has none, for it has but one."""
    lots = {scan.lot for scan in stated if scan.lot}
    expiries = {scan.expiry for scan in stated if scan.expiry}
    return (lots.pop() if len(lots) == 1 else ""), (expiries.pop() if len(expiries) == 1 else 0)


def _at(where: str, read: Callable[[str], _T], text: str) -> _T:
    """``read(text)``, with ``where`` in its rejection."""
    try:
        return read(text)
    except RejectedError as error:
        raise error.inside(where) from error


def _lots(texts: Sequence[str]) -> tuple[str, ...]:
    keys = tuple(lot_key(*_at(f"lots[{number}]", parse_lot_class, text)) for number, text in enumerate(texts))
    event_shape.refuse_duplicates(keys, "lots")
    return keys


def _lot(text: str) -> str:
    return serial_text(text, "lot")


def _expiry(raw: RawEvent) -> int:
    if expiry_needs_time(raw):
        year = _year(raw.event_time)
        return _at("expiry", lambda text: read_yymmdd(text, year), raw.expiry)
    return _at("expiry", read_date, raw.expiry)


def _year(event_time: int) -> int:
    """The year two-digit years of this event are read against; a time out of range is refused later, not here."""
    return local_date(min(max(event_time, 0), TIME_MAX), 0) // 10_000


def _gln(text: str, field: str) -> str:
    return _at(field, parse_gln, text) if text else ""


def _count(number: int | None, field: str) -> int | None:
    if number is not None and number < 0:
        raise RejectedError(Reject.WRONG_TYPE, field, "a count of 0 or more", str(number))
    return number


def _reason(text: str) -> str:
    """A reason of rules.md or the name of a disposition is stored in capitals however it came; any other text as it is."""
    word = text.upper()
    return word if word in _REASONS else checked_text(text, "reason")


def _transactions(stated: Sequence[RawTransaction]) -> tuple[Transaction, ...]:
    if len(stated) > TRANSACTIONS_MAX:
        raise RejectedError(Reject.BAD_TEXT, "transactions", f"at most {TRANSACTIONS_MAX} transactions", str(len(stated)))
    out = []
    for number, one in enumerate(stated):
        where = f"transactions[{number}]"
        if not one.id:
            raise RejectedError(Reject.MISSING_FIELD, f"{where}.id", "the identifier of the transaction")
        out.append(Transaction(_at(f"{where}.type", TRANSACTION_TYPE.stored, one.type), checked_text(one.id, f"{where}.id")))
    return tuple(out)


def _correction(stated: RawCorrection) -> Correction:
    if not stated.reason:
        raise RejectedError(Reject.MISSING_FIELD, "correction.reason", "did_not_occur, incorrect_data or a URI")
    for field, ids in (("events", stated.events), ("corrective", stated.corrective)):
        if len(ids) > EVENTS_CORRECTED_MAX:
            raise RejectedError(Reject.BAD_TEXT, f"correction.{field}", f"at most {EVENTS_CORRECTED_MAX} event ids", str(len(ids)))
        for number, one in enumerate(ids):
            if not checked_text(one, f"correction.{field}[{number}]"):
                raise RejectedError(Reject.MISSING_FIELD, f"correction.{field}[{number}]", "an event id")
    reason = _at("correction.reason", ERROR_REASON.stored, stated.reason)
    return Correction(reason, tuple(stated.events), tuple(stated.corrective))


def _identified(event: Event) -> Event:
    """With the CBV event hash where it has no id; a correction that names no event names its own id."""
    if not event.id:
        event = msgspec.structs.replace(event, id=hash_of_event(event))
    if event.correction is not None and not event.correction.events:
        event = msgspec.structs.replace(event, correction=msgspec.structs.replace(event.correction, events=(event.id,)))
    return event
