"""Life: what is done to an item that is no longer ACTIVE (EU 2016/161, Art. 11-13)."""

from __future__ import annotations

from packtrace.domain.alert import Evidence
from packtrace.domain.dates import expired, time_text
from packtrace.domain.place import another_party, parties_of
from packtrace.domain.rules import undo
from packtrace.domain.rules.rule import ANY, EVERY, Cause, Rule, kinds
from packtrace.domain.rules.state_of import (
    goes_back,
    is_expired,
    is_expired_entry,
    itself,
    itself_and_inside,
    other_holds,
    recall_of,
    recall_of_entry,
)
from packtrace.domain.state import State
from packtrace.domain.step import Step
from packtrace.domain.vocabulary import TERMINAL, Kind, Life, Reason, Role, Severity

_AFTER_TERMINAL = kinds(Kind.RECALL, Kind.HOLD, Kind.RELEASE)
_MOVING_ON = kinds(Kind.SHIP, Kind.RECEIVE, Kind.OBSERVE, Kind.VERIFY, Kind.DESTROY)
_LOOKING = kinds(Kind.VERIFY, Kind.OBSERVE)
_ACTING = kinds(Kind.PACK, Kind.SHIP, Kind.RECEIVE, Kind.DISPENSE, Kind.DECOMMISSION, Kind.DESTROY, Kind.VERIFY, Kind.OBSERVE)
_HANDED = kinds(Kind.SHIP, Kind.RECEIVE, Kind.DISPENSE)
_SOLD = kinds(Kind.COMMISSION, Kind.SHIP, Kind.DISPENSE)
_UNDO = kinds(Kind.REACTIVATE)
_USED = kinds(Kind.DISPENSE)
_NAMED = frozenset({Role.ITEM, Role.OUTPUT})
_LEAVES_THE_MARKET = frozenset({Reason.EXPORTED, Reason.SAMPLE, Reason.FREE_SAMPLE, Reason.LOCKED, Reason.REPACKED, Reason.OTHER})


def terminal(state: State, step: Step) -> Evidence | None:
    """Anything after DESTROYED or STOLEN but taking it out of its container, recall, hold and release."""
    if state.life is not Life.INACTIVE or state.reason not in TERMINAL:
        return None
    if step.kind in _AFTER_TERMINAL or (step.kind is Kind.UNPACK and step.role is Role.CHILD):
        return None
    return Evidence(expected="no event", found=f"{step.kind.word} after {_became(state)}", events=(state.inactive_id,))


def inactive_elsewhere(state: State, step: Step) -> Evidence | None:
    """An inactive item at a place of another party than the one that made it inactive."""
    return _inactive(state, step, elsewhere=True)


def inactive_again(state: State, step: Step) -> Evidence | None:
    """The same at a place of the same party, or where a party is unknown."""
    return _inactive(state, step, elsewhere=False)


def expired_item(state: State, step: Step) -> Evidence | None:
    """Commissioned, shipped or dispensed after its expiry date; a ship also with anything expired inside."""
    if step.kind is not Kind.SHIP:
        if not is_expired(state, step):
            return None
        return Evidence(expected=f"{step.kind.word} before its expiry", found="expired", events=(state.commissioned_id,))
    if goes_back(state, step):
        return None
    for what, entry in itself_and_inside(state, step):
        if is_expired_entry(entry, step):
            return Evidence(expected="ship before its expiry", found=f"{what}expired")
    return None


def recalled_item(state: State, step: Step) -> Evidence | None:
    """Shipped, received or dispensed at or after its recall; a ship or receive also with anything recalled inside."""
    if step.kind is Kind.DISPENSE:
        recalled = recall_of(state, step)
        return None if recalled is None else Evidence(expected="an item that is not recalled", found=recalled)
    if goes_back(state, step):
        return None
    for what, entry in itself_and_inside(state, step):
        if recalled := recall_of_entry(entry, step):
            return Evidence(expected="nothing recalled", found=f"{what}{recalled}")
    return None


def held(state: State, step: Step) -> Evidence | None:
    """Dispensed while it has a hold of its own, other than RECALLED."""
    holds = other_holds(itself(state, step))
    return Evidence(expected="no hold", found=f"hold {', '.join(holds)}") if holds else None


def _inactive(state: State, step: Step, elsewhere: bool) -> Evidence | None:
    if state.life is not Life.INACTIVE or state.reason in TERMINAL:
        return None
    another = another_party(state.inactive_side, step.side, step.reference)
    if (another is True) is not elsewhere or _allowed(state, step, another):
        return None
    return Evidence(
        expected="an active item",
        found=f"{step.kind.word} after {_became(state)}",
        events=(state.inactive_id,),
        detail=(("reason", state.reason.name),),
    )


def _allowed(state: State, step: Step, another: bool | None) -> bool:
    """What law and practice allow after decommissioning (rules.md 5, below Precedence)."""
    kind = step.kind
    if another is False and kind in _LOOKING:
        return True
    if state.reason in _LEAVES_THE_MARKET and (kind in _MOVING_ON or step.is_pack_of_child):
        return True
    if state.reason is Reason.DISPENSED:
        if kind is Kind.SHIP and another is False:
            return True
        if kind in (Kind.RECEIVE, Kind.OBSERVE, Kind.VERIFY) and _is_at(state, step):
            return True
    return _was_expired_or_recalled(state, step)


def _is_at(state: State, step: Step) -> bool:
    """Whether the event is at a place of the party the item was shipped to after it was dispensed."""
    to = state.sold_to
    if not (to.place or to.party) or not step.side.place:
        return False
    return not parties_of(to, step.reference).isdisjoint(parties_of(step.side, step.reference)) or (to.place[:13] == step.side.place[:13])


def _was_expired_or_recalled(state: State, step: Step) -> bool:
    """Whether the item became inactive at or after its expiry or its recall."""
    if state.inactive_recalled or expired(step.subject.expiry_of(state), state.inactive, state.inactive_zone):
        return True
    since = step.reference.recalled_from(step.subject.gtin, state.lot) if state.lot else None
    return since is not None and state.inactive >= since


def _became(state: State) -> str:
    where = f" at {state.inactive_side.place}" if state.inactive_side.place else ""
    return f"{state.reason.name} since {time_text(state.inactive)}{where}"


# fmt: off
LIFE: tuple[Rule, ...] = (
    #    code                  kinds    roles  severity           cause        grace_s  decide              explained by                              source
    Rule("terminal-item",      EVERY,   ANY,   Severity.CRITICAL, Cause.EVENT, 600,     terminal,           "a correction of the destruction",        "DSCSA 582(a)(5); EU 2016/161 Art. 13"),
    Rule("recalled-item",      _HANDED, _NAMED, Severity.HIGH,    Cause.EVENT, 0,       recalled_item,      "a later date of the recall",             "R13; EMVS A24"),
    Rule("expired-item",       _SOLD,   _NAMED, Severity.MEDIUM,  Cause.EVENT, 0,       expired_item,       "a later expiry of the lot in reference data", "R12; EU 2016/161 Art. 24"),
    Rule("undo-not-allowed",   _UNDO,   ANY,   Severity.HIGH,     Cause.EVENT, 0,       undo.not_allowed,   "a correction of what made it so",        "R17; EU 2016/161 Art. 13"),
    Rule("undo-elsewhere",     _UNDO,   ANY,   Severity.HIGH,     Cause.EVENT, 0,       undo.elsewhere,     "a correction of the place",              "R16; EU 2016/161 Art. 13"),
    Rule("undo-too-late",      _UNDO,   ANY,   Severity.MEDIUM,   Cause.EVENT, 0,       undo.too_late,      "a correction of the time",               "R15; EU 2016/161 Art. 13"),
    Rule("undo-mismatch",      _UNDO,   ANY,   Severity.MEDIUM,   Cause.EVENT, 0,       undo.mismatch,      "a correction of the reason",             "R18"),
    Rule("held-used",          _USED,   ANY,   Severity.HIGH,     Cause.EVENT, 0,       held,               "a release before this event",            "GDP 2013/C 343/01 ch. 5"),
    Rule("inactive-elsewhere", _ACTING, ANY,   Severity.CRITICAL, Cause.EVENT, 600,     inactive_elsewhere, "a reactivation before this event",       "EMVS A7, A24"),
    Rule("inactive-again",     _ACTING, ANY,   Severity.MEDIUM,   Cause.EVENT, 0,       inactive_again,     "a reactivation before this event",       "EMVS A24, same premises"),
)
# fmt: on
