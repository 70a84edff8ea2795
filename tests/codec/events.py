"""Random events, checked and canonical, of every type."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from packtrace.codec.plain_text import canonical_extensions
from packtrace.codec.vocabulary_words import BIZ_STEP, DISPOSITION, TRANSACTION_TYPE
from packtrace.domain.dates import TIME_MAX
from packtrace.domain.event import Correction, Event, Transaction
from packtrace.domain.vocabulary import Action, EventType, Reason
from tests.codec.identities import glns, items, lot_keys, serials

texts = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=30)
ids = texts.filter(bool)
words = st.sampled_from(["", "urn:packtrace:bizstep:verifying", "https://example.com/vocab/x"])
reasons = st.one_of(st.sampled_from([reason.name for reason in Reason if reason]), st.just(""), st.just("temperature excursion"))
extensions = st.dictionaries(
    st.text("abcé{}: ", max_size=5),
    st.recursive(st.one_of(st.integers(-(2**63), 2**63 - 1), st.booleans(), st.none(), texts, st.floats(allow_nan=False, allow_infinity=False)),
                 lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)), max_leaves=5),
    max_size=4,
).map(lambda value: canonical_extensions(json.dumps(value)))  # fmt: skip


def _maybe(strategy: st.SearchStrategy[Any], absent: Any) -> st.SearchStrategy[Any]:
    return st.one_of(st.just(absent), strategy)


def _items(minimum: int, maximum: int = 4) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(items, min_size=minimum, max_size=maximum, unique=True).map(tuple)


@st.composite
def events(draw: st.DrawFn) -> Event:
    kind = draw(st.sampled_from(list(EventType)))
    action = None if kind is EventType.TRANSFORMATION else draw(st.sampled_from(list(Action)))
    named: dict[str, Any] = {}
    if kind in (EventType.OBJECT, EventType.TRANSACTION):
        named["epcs"] = draw(_items(1))
        named["lots"] = draw(st.lists(lot_keys, max_size=2, unique=True).map(tuple))
    elif kind is EventType.TRANSFORMATION:
        mixed = draw(_items(1, 6))
        cut = draw(st.integers(0, len(mixed)))
        named["inputs"], named["outputs"] = mixed[:cut], mixed[cut:]
    else:
        mixed = draw(_items(2, 6))
        named["parent"], named["children"] = mixed[0], mixed[1:]
        if action is Action.DELETE and draw(st.booleans()):
            named["children"] = ()
    identity = draw(ids)
    correction = draw(_maybe(st.builds(
        Correction, st.sampled_from(["did_not_occur", "incorrect_data", "urn:x:other"]),
        st.lists(ids, max_size=2).map(lambda found: tuple(found) or (identity,)), st.lists(ids, max_size=2).map(tuple)), None))  # fmt: skip
    return Event(
        id=identity,
        type=kind,
        event_time=draw(st.integers(0, TIME_MAX)),
        action=action,
        zone_minutes=draw(_maybe(st.integers(-840, 840), None)),
        biz_step=draw(st.one_of(words, st.sampled_from(sorted(BIZ_STEP.words)))),
        disposition=draw(st.one_of(words, st.sampled_from(sorted(DISPOSITION.words)))),
        lot=draw(_maybe(serials, "")),
        expiry=draw(st.sampled_from([0, 20280531, 20280500, 20280229])),
        place=draw(_maybe(glns, "")),
        read_point=draw(_maybe(glns, "")),
        party=draw(_maybe(glns, "")),
        source_party=draw(_maybe(glns, "")),
        source_place=draw(_maybe(glns, "")),
        destination_party=draw(_maybe(glns, "")),
        destination_place=draw(_maybe(glns, "")),
        line=draw(texts),
        boot=draw(_maybe(st.integers(0, 2**63 - 1), None)),
        sequence=draw(_maybe(st.integers(0, 2**63 - 1), None)),
        device=draw(texts),
        operator=draw(texts),
        reason=draw(reasons),
        partial=draw(st.booleans()),
        transactions=tuple(draw(st.lists(st.builds(Transaction, st.sampled_from(["", *sorted(TRANSACTION_TYPE.words)]), ids), max_size=2))),
        correction=correction,
        extensions=draw(extensions),
        **named,
    )
