"""The timeline of an item as JSON: each entry of ``packtrace.domain.explain`` an object of one shape. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from packtrace.domain.alert import AlertState, Conclusion
from packtrace.domain.dates import SECOND
from packtrace.domain.explain import Broken, Entry, Exchanged, Explanation, FactUsed, Merged, Rows
from packtrace.domain.item import Base, Item
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.rules import BY_CODE
from packtrace.domain.state import Moment, State
from packtrace.domain.vocabulary import Custody, FactType, Kind, Life, Role
from packtrace.query import render
from packtrace.query.items import Json

Alerts = Mapping[str, AlertState]


def explain_answer(item: Item, told: Explanation, as_of: int) -> Json:
    """``GET /items/{epc}/explain``."""
    return {
        "epc": render.epc(item.key),
        "entries": [_entry(entry, item.alerts) for entry in told.entries],
        "conclusions": [
            _conclusion(one, item.alerts) for one in sorted(told.conclusions.values(), key=lambda one: (one.event_time, one.rule))
        ],
        "as_of": render.time(as_of),
    }


def _entry(entry: Entry, alerts: Alerts) -> Json:
    return {
        "entry": str(entry.type),
        "time": render.time(entry.time),
        "event": None if entry.event is None else _event(entry.event),
        "outcome": None if entry.outcome is None else str(entry.outcome),
        "why": render.text(entry.why),
        "container": render.epc(entry.source),
        "merged": [_merged(one) for one in entry.merged],
        "exchanged": [_exchanged(one) for one in entry.exchanged],
        "told": [_fact(one) for one in entry.told],
        "content": None if entry.rows is None else _rows(entry.rows),
        "broken": [_broken(one, alerts) for one in entry.broken],
        "silenced": [{"rule": one.rule, "by": list(one.by)} for one in entry.silenced],
        "settled": None if entry.base is None else _settled(entry.base, alerts),
        "state": None if entry.state is None else state_answer(entry.state),
    }


def _event(event: OwnEvent) -> Json:
    stated = event.context
    return {
        "event_id": event.id,
        "event_time": render.time(event.time),
        "log_time": render.time(event.log_time),
        "kind": event.kind.word,
        "role": Role(event.role).name.lower(),
        "parent": render.epc(event.other) if event.role is Role.CHILD else None,
        "children_count": event.children_count if event.role is Role.PARENT else None,
        "place": render.gln(stated.place or stated.read_point),
        "line": render.text(stated.line),
        "device": render.text(stated.device),
        "lot": render.text(stated.lot),
        "reason": render.text(stated.reason),
        "destination": render.gln(stated.destination_place or stated.destination_party),
        "corrects": list(stated.corrects),
    }


def _merged(one: Merged) -> Json:
    return {"event": _event(one.event), "outcome": str(one.outcome), "why": one.why}


def _exchanged(one: Exchanged) -> Json:
    clocks = (
        "at the same instant"
        if not one.apart
        else f"{_seconds(one.apart)} apart on different devices, whose clocks may differ by {_seconds(one.tolerance)}"
    )
    removed = " and ".join(one.removes)
    return {
        "event_id": one.event.id,
        "judged_before_it": one.judged_before_it,
        "apart_seconds": one.apart / SECOND,
        "removes": list(one.removes),
        "why": f"{clocks}: the other way round {removed} would break",
    }


def _seconds(micros: int) -> str:
    return f"{micros / SECOND:g} s"


def _fact(one: FactUsed) -> Json:
    answer = one.answer
    found: Json = {"fact": one.type.name.lower(), "from": render.epc(one.source), "why": _FACTS[one.type]}
    if answer is None:
        return found
    custody, place, _, to_place, to_party, since = answer.custody
    moments = {"shipped": answer.shipped, "received": answer.received, "named": answer.naming}
    return found | {
        "custody": render.CUSTODY[custody],
        "location": render.gln(place),
        "destination": render.gln(to_place or to_party),
        "since": render.time(since) if custody != Custody.UNKNOWN else None,
        "path": [render.epc(step.removeprefix("*")) for step in answer.path],
        "named_in_this_event": [render.epc(step[1:]) for step in answer.path if step.startswith("*")],
        **{name: _moment(moment) for name, moment in moments.items()},
    }


_FACTS = {
    FactType.ANSWER: "the root answered what it was just before this event",
    FactType.EMPTIED: "all that was in the container was taken out of it",
    FactType.CONTENT: "what was packed here came back to its sender: this pack would close a loop",
}


def _moment(moment: Moment | None) -> Json | None:
    return None if moment is None else {"time": render.time(moment[0]), "place": render.gln(moment[1])}


def _rows(rows: Rows) -> Json:
    return {
        "counts": {told.name.lower(): count for told, count in rows.counts.items()},
        "first": [{"told": told.name.lower(), "epc": render.epc(key)} for told, key in rows.first],
        "until": render.time(rows.until),
    }


def _broken(one: Broken, alerts: Alerts) -> Json:
    breach, follows = one.breach, one.conclusion
    rule = breach.rule
    return {
        "rule": rule.code,
        "severity": str(follows.severity if follows is not None else breach.evidence.severity or rule.severity),
        "expected": render.text(breach.evidence.expected),
        "found": render.text(breach.evidence.found),
        "explained_by": render.text(rule.explained_by),
        "events": [id for id in (breach.event_id, *breach.evidence.events) if id],
        "alert": None if follows is None else follows.id,
        "status": "switched_off" if follows is None else _status(follows, alerts),
    }


def _status(one: Conclusion, alerts: Alerts) -> str | None:
    known = alerts.get(one.id)
    return None if known is None else str(known.status)


def _settled(base: Base, alerts: Alerts) -> Json:
    return {
        "until": render.time(base.last[0]),
        "last": {Kind(kind).word: render.time(at) for kind, (at, _) in sorted(base.kinds.items(), key=lambda one: one[1])},
        "alerts": [_conclusion(one, alerts) for one in sorted(base.conclusions.values(), key=lambda one: (one.event_time, one.rule))],
    }


def _conclusion(one: Conclusion, alerts: Alerts) -> Json:
    return {
        "alert": one.id,
        "rule": one.rule,
        "rule_version": BY_CODE[one.rule].version,
        "status": _status(one, alerts),
        "severity": str(one.severity),
        "cause": render.cause(one.cause),
        "event_time": render.time(one.event_time),
        "events": list(one.events),
        "breaches": one.breaches,
        "expected": render.text(one.expected),
        "found": render.text(one.found),
        "explained_by": render.text(one.explained_by),
    }


def state_answer(state: State) -> Json:
    """The axes of the item itself just after an entry; of what is in something the root's custody counts."""
    at, moving = state.custody is Custody.AT, state.custody is Custody.IN_TRANSIT
    return {
        "life": state.life.name,
        "life_reason": state.reason.name if state.life is Life.INACTIVE else None,
        "lot": render.text(state.lot),
        "expiry": render.date(state.expiry),
        "parent": render.epc(state.parent),
        "custody": render.CUSTODY[state.custody],
        "location": render.gln(state.side.place) if at else None,
        "from": render.gln(state.side.place) if moving else None,
        "destination": render.gln(state.to.place or state.to.party) if moving else None,
        "holds": list(state.holds),
    }
