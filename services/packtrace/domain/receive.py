"""How a fact is taken in: into the content (children), or beside the item's own events (answers, emptied, loops)."""

from __future__ import annotations

from packtrace.domain import fact_payload
from packtrace.domain.content import Content, Row, Rows, Told
from packtrace.domain.fact import Fact
from packtrace.domain.item import Item
from packtrace.domain.order import RANK, Key, key_of
from packtrace.domain.vocabulary import FactType, Kind, Role

_PASSED = {FactType.CONTENT: Told.PASSED_JOINED, FactType.LEFT: Told.PASSED_LEFT}


def key_of_fact(fact: Fact) -> Key:
    """Where the event a fact follows from sorts."""
    return fact.event_time, RANK[fact.event_kind], fact.event_id


def is_direct(fact: Fact) -> bool:
    """Whether a child tells of itself."""
    return fact.type is FactType.JOINED or (fact.type is FactType.LEFT and fact.hops == 1)


def take(item: Item, fact: Fact) -> None:
    """Write the fact where it belongs; the last of one source, event and type counts."""
    key = key_of_fact(fact)
    if is_direct(fact):
        content = _content(item)
        if fact.retracted:
            content.take_back(key, fact.source, fact.source, fact.type is FactType.JOINED)
        else:
            content.put(key, fact.source, fact.source, Row(_told_by(fact), _kept(fact), fact.log_time))
    elif fact.type in _PASSED:
        _take_passed(item, key, fact)
    elif item.base is None or key > item.base.last:
        _tell(item, key, fact)
    if item.content is not None and not item.content.open and not item.content.settled and not item.content.changed:
        item.content = None


def _told_by(fact: Fact) -> Told:
    if fact.type is FactType.LEFT:
        return Told.LEFT
    return Told.JOINED if not fact.payload or fact_payload.joined(fact.payload).applied else Told.PROBE


def _kept(fact: Fact) -> bytes:
    """Of a joined fact only custody is kept, and of a probe nothing."""
    return fact.payload if fact.payload and fact_payload.joined(fact.payload).custody is not None else b""


def _take_passed(item: Item, key: Key, fact: Fact) -> None:
    """Facts a container passed on: the rows of that source are those of the newest fact."""
    told = _PASSED[fact.type]
    content = _content(item)
    for (asks, told_by, joins), row in list(content.open.get(key, {}).items()):
        if told_by == fact.source and row.told is told:
            content.take_back(key, asks, told_by, joins)
    own = False
    if not fact.retracted:
        for path in fact_payload.paths(fact.payload):
            if path[0] == item.key:
                own = True
            else:
                content.put(key, path[0], fact.source, Row(told, fact_payload.pack_path(path), fact.log_time))
    if fact.type is FactType.CONTENT and (item.base is None or key > item.base.last):
        _tell(item, key, fact, gone=not own, payload=b"")


def _tell(item: Item, key: Key, fact: Fact, gone: bool | None = None, payload: bytes | None = None) -> None:
    """Keep or forget what was told beside the item's own events."""
    name = (fact.type, fact.source)
    if fact.retracted if gone is None else gone:
        facts = item.told.get(key)
        if facts is not None and facts.pop(name, None) is not None and not facts:
            del item.told[key]
    else:
        item.told.setdefault(key, {})[name] = (fact.payload if payload is None else payload, fact.log_time)


def _content(item: Item) -> Content:
    if item.content is None:
        item.content = Content()
        item.content.forget_inside()
    return item.content


def rows_at(item: Item, key: Key) -> Rows:
    """All that was told of one event."""
    return {} if item.content is None else item.content.open.get(key, {})


def asks(item: Item, fact: Fact) -> bool:
    """Whether the item has something to say to a fact it may take without a fold: not of settled times, not of a plain join."""
    if item.base is not None and key_of_fact(fact) <= item.base.last:
        return False
    return fact.type is FactType.LEFT or bool(item.now.parent and _after_own(item, key_of_fact(fact)))


def _after_own(item: Item, key: Key) -> bool:
    """Whether the present is the state just before ``key``: it sorts after all that moves the item."""
    if item.told and key <= max(item.told):
        return False
    if not item.window:
        return True
    last = key_of(item.window[-1])
    if key != last:
        return key > last
    # rows of a container's own event come after it; of two contents under one id the other may stand
    return item.window[-1].role is Role.PARENT and (len(item.window) == 1 or key_of(item.window[-2]) != last)


def changes_nothing_else(item: Item, fact: Fact) -> bool:
    """Whether a fact can be taken without a fold: the state does not move, and no other fact of the item changes."""
    if not is_direct(fact) or fact.retracted or fact.payload or item.correcting:
        return False
    key = key_of_fact(fact)
    rows = rows_at(item, key)
    if (fact.source, fact.source, fact.type is FactType.JOINED) in rows:
        return False
    base = item.base
    if base is not None and key <= base.last:
        return True
    if _after_own(item, key):
        # an event that names only its container would empty it of what is told now
        return True
    if fact.type is not FactType.JOINED or item.told or item.now.emptied is not None:
        return False
    if base is not None and base.state.parent:
        return False
    return not any(event.role is Role.CHILD and event.context.kind is Kind.PACK and key_of(event) < key for event in item.window)
