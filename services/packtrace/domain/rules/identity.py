"""Identity: is this serial one we made, once, and do its lot and expiry agree with what is known of it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from packtrace.domain.alert import Evidence
from packtrace.domain.dates import DAY, date_text, dates_agree, time_text
from packtrace.domain.identifiers import serial_of
from packtrace.domain.rules.rule import ANY, EVERY, Cause, Rule, kinds
from packtrace.domain.state import NEVER, State
from packtrace.domain.step import Step, Subject
from packtrace.domain.trail import use_ended
from packtrace.domain.vocabulary import Kind, Role, Severity

HOUR_S = 3_600
REUSE_AFTER = 365 * DAY
"""How long the number of a logistic unit rests, microseconds."""
_YZ = str.maketrans("yzYZ", "zyZY")


def commissioned_twice(state: State, step: Step) -> Evidence | None:
    """A second commission that is no repeat of the first; an SSCC whose use has ended may begin anew."""
    if state.commissioned == NEVER or (not step.subject.gtin and use_ended(state, step.event.time) is not None):
        return None
    return Evidence(
        expected="one commission",
        found=f"another at {time_text(step.event.time)}, the first was at {time_text(state.commissioned)}",
        events=(state.commissioned_id,),
    )


def used_again(state: State, step: Step) -> Evidence | None:
    """An SSCC begins anew within a year after its use ended."""
    if step.subject.gtin:
        return None
    ended = use_ended(state, step.event.time)
    if ended is None or step.event.time - ended > REUSE_AFTER:
        return None
    return Evidence(expected="a year after its use ended", found=f"its use ended {time_text(ended)}")


def not_commissioned(state: State, step: Step) -> Evidence | None:
    """An own item is named and no commission lies at or before that event; a pack asks child-not-commissioned instead."""
    if not step.subject.own or state.commissioned != NEVER or step.kind is Kind.COMMISSION:
        return None
    if step.kind is Kind.PACK and step.role is not Role.ITEM:
        return None
    return Evidence(expected="a commission at or before this event", found="none")


def scanner_spoilt(state: State, step: Step) -> Evidence | None:
    """The event breaks lot-mismatch or unknown-serial, and its text is what a scanner makes of a known lot."""
    if other_lot(state, step) is None and not_commissioned(state, step) is None:
        return None
    known = step.reference.lots(step.subject.gtin)
    if not known:
        return None
    if step.lot and step.lot not in known:
        for what, meant in _readings(step.lot):
            if meant in known:
                return Evidence(expected=f"lot {meant}", found=f"lot {step.lot}", detail=(("fault", what), ("meant", meant)))
    serial = serial_of(step.subject.key)
    place = serial.find("10", 1)
    while place >= 0:
        if serial[place + 2 :] in known:
            meant = serial[place + 2 :]
            return Evidence(
                expected=f"serial {serial[:place]} and lot {meant}", found=f"serial {serial}", detail=(("fault", "lost separator"),)
            )
        place = serial.find("10", place + 1)
    return None


def _readings(lot: str) -> Iterator[tuple[str, str]]:
    """What a lot may have been before a scanner read it: (fault, lot)."""
    yield "caps lock", lot.swapcase()
    yield "keyboard layout", other_keyboard(lot)
    place = lot.find("21", 1)
    while place >= 0:
        yield "lost separator", lot[:place]
        place = lot.find("21", place + 1)


def other_keyboard(text: str) -> str:
    """A text as a scanner types it that is set to a keyboard where Y and Z have changed places; its own inverse."""
    return text.translate(_YZ)


def product_not_known(state: State, step: Step) -> Evidence | None:
    """The GTIN is not in reference data."""
    if step.subject.product is not None or not step.subject.gtin:
        return None
    return Evidence(expected="a product of the reference data", found=f"GTIN {step.subject.gtin}")


def lot_not_known(state: State, step: Step) -> Evidence | None:
    """A commission of an own item names a lot that is not in reference data."""
    if not step.subject.own or not step.lot or step.reference.lot(step.subject.gtin, step.lot) is not None:
        return None
    return Evidence(expected="a lot of the reference data", found=f"lot {step.lot}", detail=(("lot", step.lot),))


def other_expiry(state: State, step: Step) -> Evidence | None:
    """The expiry stated is not the reference's for its lot, else for the item's lot; a day 00 on either side: compare months."""
    if not step.expiry:
        return None
    lots = step.reference.lots(step.subject.gtin)
    known = lots.get(step.lot) or lots.get(state.lot)
    if known is None or dates_agree(known.expiry, step.expiry):
        return None
    return Evidence(
        expected=f"expiry {date_text(known.expiry)} of lot {known.lot}",
        found=f"expiry {date_text(step.expiry)}",
        detail=(("lot", known.lot), ("expiry", str(step.expiry))),
    )


def other_lot(state: State, step: Step) -> Evidence | None:
    """The event carries another lot than the item's."""
    if not step.lot or not state.lot or step.lot == state.lot:
        return None
    return Evidence(expected=f"lot {state.lot}", found=f"lot {step.lot}", events=(state.commissioned_id,))


def _still_other_expiry(subject: Subject, detail: Mapping[str, str]) -> bool:
    known = subject.reference.lot(subject.gtin, detail.get("lot", ""))
    return known is not None and not dates_agree(known.expiry, int(detail.get("expiry", "0")))


STILL: dict[str, Callable[[Subject, Mapping[str, str]], bool]] = {
    "unknown-product": lambda subject, detail: subject.product is None,
    "unknown-serial": lambda subject, detail: subject.own,
    "unknown-lot": lambda subject, detail: subject.own and subject.reference.lot(subject.gtin, detail.get("lot", "")) is None,
    "expiry-mismatch": _still_other_expiry,
}
"""Whether an alert of settled events still follows from reference data (rules.md 6), from the details it kept."""

_COMMISSION = kinds(Kind.COMMISSION)
_BEGIN = kinds(Kind.COMMISSION, Kind.PACK)
_WHOLE = frozenset({Role.ITEM, Role.OUTPUT, Role.PARENT})

# fmt: off
IDENTITY: tuple[Rule, ...] = (
    #    code                       kinds        roles  severity           cause        grace_s      decide              explained by                                          source
    Rule("unknown-product",         EVERY,       ANY,   Severity.MEDIUM,   Cause.ITEM,  4 * HOUR_S,  product_not_known,  "the product in reference data",                      "EMVS A1"),
    Rule("duplicate-commissioning", _COMMISSION, ANY,   Severity.CRITICAL, Cause.ITEM,  0,           commissioned_twice, "a correction of one of the two",                     "FMD 2016/161 Art. 4; EPCIS 2.0 7.4.2"),
    Rule("sscc-reused",             _BEGIN,      _WHOLE, Severity.HIGH,    Cause.ITEM,  600,         used_again,         "an event that says when its use ended",              "R03; GS1 General Specifications 4.3.3"),
    Rule("unknown-lot",             _COMMISSION, ANY,   Severity.HIGH,     Cause.ITEM,  4 * HOUR_S,  lot_not_known,      "the lot in reference data",                          "EMVS A2"),
    Rule("expiry-mismatch",         EVERY,       ANY,   Severity.HIGH,     Cause.ITEM,  600,         other_expiry,       "another expiry of the lot in reference data",        "EMVS A52"),
    Rule("scanner-fault",           EVERY,       ANY,   Severity.LOW,      Cause.EVENT, 0,           scanner_spoilt,     "a scanner set to another keyboard, or without GS",   "EMVS A68, innocent causes"),
    Rule("lot-mismatch",            EVERY,       ANY,   Severity.HIGH,     Cause.ITEM,  0,           other_lot,          "a correction of the event that states the other lot", "EMVS A68"),
    Rule("unknown-serial",          EVERY,       ANY,   Severity.HIGH,     Cause.ITEM,  4 * HOUR_S,  not_commissioned,   "a commission at or before this event",               "EMVS A3"),
)
# fmt: on
