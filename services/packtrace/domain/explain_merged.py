"""Why an event stands for nothing of its own: which of the ways of rules.md 4.3 and 4.4 it went, in words."""

from __future__ import annotations

from packtrace.domain.dates import time_text
from packtrace.domain.item import Item
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.repeats import LOOKING, TAKE_OUT
from packtrace.domain.vocabulary import Kind, Outcome


def why_merged(first: OwnEvent, event: OwnEvent, outcome: Outcome) -> str:
    """Why ``event`` was merged into the standing ``first``."""
    if outcome is Outcome.REPEAT:
        return f"the same event again: {_same(first, event)}"
    if outcome is Outcome.CONFLICT:
        return "another content under a known id; the content with the smallest hash stands"
    apart = _apart(first, event)
    if outcome is Outcome.RESENT:
        return f"the same report under another id, {apart}"
    if first.kind in LOOKING and first.context.device and first.context.device == event.context.device:
        return f"the same device looked again, {apart}"
    if first.kind in LOOKING:
        return f"looked at again at the same premises, {apart}"
    return f"done once: the same at the same premises, {apart}, and nothing changed the item between"


def why_apart(event: OwnEvent, outcome: Outcome, item: Item) -> str:
    """Why ``event`` neither stands nor was merged into one that does."""
    if event.context.kind is Kind.CORRECT:
        return "the same declaration again" if outcome is Outcome.REPEAT else _of_correction(event, item)
    if outcome is Outcome.CORRECTED:
        by = [other.id for other in item.window if other.context.correction_reason in TAKE_OUT and event.id in other.context.corrects]
        return f"taken out by {', '.join(by)}" if by else "it is one event with what a correction takes out"
    if outcome is Outcome.REPEAT and _leads(event, item):
        return "one event with another that does not stand"
    known = None if item.base is None else item.base.kinds.get(event.kind)
    if outcome is Outcome.CONFLICT or known is None:
        return "its other report does not stand either"
    return f"the {event.kind.word} of {time_text(known[0])}, which has settled, again ({str(outcome).replace('_', ' ')})"


def _of_correction(event: OwnEvent, item: Item) -> str:
    context = event.context
    if context.correction_reason not in TAKE_OUT:
        return f"an error declaration ({context.correction_reason or 'no reason'}); it takes nothing out"
    known = {other.id for other in item.window if other.context.kind is not Kind.CORRECT}
    named = [f"{id}{'' if id in known else ' (not known here)'}" for id in context.corrects]
    return f"it takes out {', '.join(named)} ({context.correction_reason})"


def _leads(event: OwnEvent, item: Item) -> bool:
    """Whether another open event is the same by (a)."""
    return any(other is not event and _same(event, other) != _THROUGH_ANOTHER for other in item.window)


_THROUGH_ANOTHER = "through another of its reports"


def _same(first: OwnEvent, event: OwnEvent) -> str:
    if first.id == event.id:
        return "the same id"
    if first.message_mark and first.message_mark == event.message_mark:
        return "the same line, boot and sequence"
    if first.mark == event.mark:
        return "the same content"
    return _THROUGH_ANOTHER


def _apart(first: OwnEvent, event: OwnEvent) -> str:
    seconds = (event.time - first.time) / 1_000_000
    return f"{seconds:g} s later" if seconds < 120 else f"{seconds / 60:.0f} min later"
