"""How a fact is taken in: into the content (children), or beside the item's own events (answers, emptied, loops)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile

from packtrace.domain import fact_payload
from packtrace.domain.content import CLASS, JOINS, Content, Row, Rows, Told
from packtrace.domain.fact import Fact
from packtrace.domain.item import Item
from packtrace.domain.order import RANK, Key, is_named, key_of, moved_id, tolerance_of, unordered
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.reference import Reference
from packtrace.domain.state import NEVER
from packtrace.domain.step import Subject
from packtrace.domain.vocabulary import FactType, Kind, Level, Role

_DIRECT = {FactType.JOINED: Told.JOINED, FactType.LEFT: Told.LEFT, FactType.CHANGED: Told.CHANGED}
_TOLD = {True: Told.JOINED, False: Told.PROBE}
_CLASSES = sorted(set(CLASS.values()))
_READS_CONTENT = frozenset({Kind.SHIP, Kind.RECEIVE})


def key_of_fact(fact: Fact) -> Key:
    """Where the event a fact follows from sorts."""
    return fact.event_time, RANK[fact.event_kind], fact.event_id


def take(item: Item, fact: Fact) -> None:
    """Write the fact where it belongs; the last of one source, event and type counts."""
    key = key_of_fact(fact)
    if fact.type in _DIRECT:
        _take_direct(_content(item), key, fact)
    elif fact.type is FactType.SIGHTING:
        paths = () if fact.retracted else fact_payload.paths_asked(fact.payload, fact.source)
        _take_passed(_content(item), key, fact, Told.PASSED_SIGHTING, paths)
    elif fact.type is FactType.CONTENT:
        paths = () if fact.retracted else fact_payload.paths(fact.payload)
        _take_passed(_content(item), key, fact, Told.PASSED_JOINED, [path for path in paths if path[0] != item.key])
        if not is_settled(item, fact):
            _tell(item, key, fact, gone=all(path[0] != item.key for path in paths), payload=b"")
    elif not is_settled(item, fact):
        _tell(item, key, fact, gone=fact.retracted, payload=fact.payload)
    if item.content is not None and not item.content.open and not item.content.settled and not item.content.changed:
        item.content = None


def take_run(item: Item, run: Sequence[Fact]) -> None:
    """``take`` for each of ``run``, which are ``alike``."""
    first = run[0]
    if len(run) == 1 or first.type is not FactType.JOINED or first.retracted or len({fact.source for fact in run}) < len(run):
        for fact in run:
            take(item, fact)
        return
    key = key_of_fact(first)
    content = _content(item)
    of_payload: dict[bytes, list[str]] = {}
    for fact in run:
        of_payload.setdefault(fact.payload, []).append(fact.source)
    for payload, children in of_payload.items():
        joined = fact_payload.joined(payload)
        if joined.custody is None and content.put_all(key, children, Row(_TOLD[joined.applied], joined.summary, first.log_time)):
            continue
        for fact in run:
            if fact.payload == payload:
                _take_direct(content, key, fact)


def joins_together(item: Item, run: Sequence[Fact]) -> bool:
    """Whether all of ``run``, which are ``alike``, can be taken without a fold where the first can: children that join by one event,
    each for the first time."""
    first = run[0]
    if first.type is not FactType.JOINED or first.retracted:
        return False
    children = {fact.source for fact in run}
    if len(children) < len(run) or any(fact_payload.joined(payload).custody is not None for payload in {fact.payload for fact in run}):
        return False
    rows = rows_at(item, key_of_fact(first))
    return not rows or not any((child, child, JOINS) in rows for child in children)


def _take_direct(content: Content, key: Key, fact: Fact) -> None:
    """What a child tells of itself."""
    child, told = fact.source, _DIRECT[fact.type]
    if told is Told.JOINED:
        content.take_back(key, child, child, Told.BROUGHT)
    if fact.retracted:
        content.take_back(key, child, child, told)
    elif told is Told.JOINED and fact.payload:
        joined = fact_payload.joined(fact.payload)
        content.put(key, child, child, Row(Told.JOINED if joined.applied else Told.PROBE, joined.summary, fact.log_time))
        if joined.custody is not None:
            content.put(key, child, child, Row(Told.BROUGHT, fact_payload.pack_custody(joined.custody), fact.log_time))
    else:
        content.put(key, child, child, Row(told, fact.payload, fact.log_time))


def undo_direct(content: Content, key: Key, fact: Fact) -> None:
    """Forget what has just been taken, where a fold must see how things were before."""
    told = _DIRECT[fact.type]
    if told is Told.JOINED and not fact_payload.joined(fact.payload).applied:
        told = Told.PROBE
    content.take_back(key, fact.source, fact.source, told)


def _take_passed(content: Content, key: Key, fact: Fact, told: Told, paths: Iterable[tuple[str, ...]]) -> None:
    """Facts that go on upwards: the rows of that source are those of the newest fact."""
    kind = CLASS[told]
    for (asks, told_by, of_class), row in list(content.open.get(key, {}).items()):
        if told_by == fact.source and of_class == kind and row.told not in _OF_ITSELF:
            content.take_back(key, asks, told_by, row.told)
    for path in paths:
        if path == (fact.source,):
            content.put(key, fact.source, fact.source, Row(Told.SIGHTING, b"", fact.log_time))
        else:
            content.put(key, path[0], fact.source, Row(told, fact_payload.pack_path(path), fact.log_time))


_OF_ITSELF = frozenset({Told.JOINED, Told.PROBE})
"""Rows of the class of what is passed on that the source told of itself with another fact."""


def _tell(item: Item, key: Key, fact: Fact, gone: bool, payload: bytes) -> None:
    """Keep or forget what was told beside the item's own events."""
    name = (fact.type, fact.source)
    if gone:
        facts = item.told.get(key)
        if facts is not None and facts.pop(name, None) is not None and not facts:
            del item.told[key]
    else:
        item.told.setdefault(key, {})[name] = (payload, fact.log_time)


def _content(item: Item) -> Content:
    if item.content is None:
        item.content = Content()
    return item.content


def rows_at(item: Item, key: Key) -> Rows:
    """All that was told of one event."""
    return {} if item.content is None else item.content.open.get(key, {})


def rows_of(item: Item, key: Key, child: str) -> Rows:
    """What one child told of itself of one event."""
    rows = rows_at(item, key)
    return {name: rows[name] for kind in _CLASSES if (name := (child, child, kind)) in rows}


def has_asked(item: Item, key: Key, child: str) -> bool:
    """Whether a child has asked for the root of this event."""
    rows = rows_at(item, key)
    return any((child, child, CLASS[told]) in rows for told in (Told.LEFT, Told.SIGHTING))


def is_settled(item: Item, fact: Fact) -> bool:
    """Whether the fact is older than what has settled: it changes the content and judges nothing.

    Of neighbours that changed places one may still be open when the other, which sorts after it, has settled.
    """
    key = key_of_fact(fact)
    return item.base is not None and key <= item.base.last and all(key_of(event) != key for event in item.window)


def is_after_own(item: Item, key: Key, reference: Reference) -> bool:
    """Whether the present is the state just before ``key``: it sorts after all that moves the item."""
    if item.told and key <= max(item.told):
        return False
    window = item.window
    if not window:
        return True
    last = window[-1]
    if key != key_of(last):
        return key > key_of(last)
    # rows of a container's own event come after it, if it was judged last and no other content under its id may stand
    return last.role is Role.PARENT and not any(
        key_of(event) == key or unordered(event, last, tolerance_of(event, last, reference))
        for event in takewhile(lambda event: last.time - event.time <= reference.order_tolerance_max, window[-2::-1])
    )


def changes_nothing_else(item: Item, fact: Fact, subject: Subject) -> bool:
    """Whether a fact can be taken without a fold: the state does not move, and no other fact of the item changes."""
    told = _DIRECT.get(fact.type)
    if told is None or fact.retracted or item.correcting:
        return False
    if told is Told.JOINED and fact.payload and fact_payload.joined(fact.payload).custody is not None:
        return False
    key = key_of_fact(fact)
    if (fact.source, fact.source, CLASS[told]) in rows_at(item, key) or (moved_id(key) and is_named(key, item.window)):
        return False
    if is_settled(item, fact):
        return not any(_reads_content(event, subject) for event in item.window)
    content = item.content
    if content is not None and item.now.parent and key in content.open and fact.log_time < content.log_time(key):
        return False  # what the container says of this event was logged sooner, too
    is_last = is_after_own(item, key, subject.reference)
    if is_last and (content is None or content.last is None or content.last <= key):
        return True
    if item.now.use is not None and content is not None and content.leaves_after(key):
        return False
    if is_last:
        return _is_told_apart(item, told, subject)
    if told is not Told.JOINED or item.told or item.now.emptied is not None or item.alerts:
        return False
    if item.now.use is not None and item.now.use[1] != NEVER:
        return False
    if item.base is not None and item.base.state.parent:
        return False
    return not any(
        (event.role is Role.CHILD and event.kind is Kind.PACK and key_of(event) < key)
        or (_reads_content(event, subject) and key_of(event) >= key)
        for event in item.window
    )


def _is_told_apart(item: Item, told: Told, subject: Subject) -> bool:
    """Whether a row that later rows follow says nothing that they may have changed: summaries, counts, when it was empty."""
    use = item.now.use
    return not item.now.parent and subject.level is Level.LOGISTIC and (use is None or (use[1] == NEVER and told is not Told.LEFT))


def _reads_content(event: OwnEvent, subject: Subject) -> bool:
    """Whether a rule or a fact of this event looks at what is inside."""
    kind = event.kind
    if kind in _READS_CONTENT:
        return True
    if kind is Kind.PACK:
        return event.role is Role.CHILD or subject.level is not Level.LOGISTIC
    return kind is Kind.UNPACK and event.role is Role.PARENT and not event.children_count
