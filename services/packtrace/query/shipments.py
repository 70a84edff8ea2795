"""A shipment out of the history: the event that shipped it, what was in it then, and every event of that up to then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from packtrace.codec.epcis.spelling import Prefixes, identifiers, prefixes_in
from packtrace.codec.event_json import decode_event
from packtrace.domain.dates import time_text
from packtrace.domain.event import Event
from packtrace.domain.item import Item
from packtrace.domain.reference import Reference
from packtrace.query.ask import chunks
from packtrace.query.dscsa import Shipment, shipment
from packtrace.query.epcis import EpcisArchive
from packtrace.query.epcis_document import Kept, Stored, kept
from packtrace.query.past import Past
from packtrace.query.problem import ProblemError
from packtrace.query.search_parameters import read_search
from packtrace.query.spellings import key_of_item

ITEMS_MAX: Final = 20_000
EVENTS_MAX: Final = 20_000
KEYS: Final = 100
_STEPS: Final = ("commissioning", "packing", "unpacking", "repackaging", "encoding")
"""What DSCSA data between partners tells of the items before they ship."""


class Found(NamedTuple):
    """``events``: those of the items in the order they happened, the shipping last; ``prefixes``: the company prefixes they show."""

    shipment: Shipment
    events: list[Kept]
    prefixes: set[str]


class Shipments:
    """See the module. Safe to use from several threads."""

    def __init__(self, archive: EpcisArchive, past: Past, reference: Callable[[str], Reference]) -> None:
        self._archive = archive
        self._past = past
        self._reference = reference

    def find(self, text: str, affirm: bool = False) -> Found:
        """The shipment of an event id, or the last one that named an item.

        Raises:
            ProblemError: unknown-event, query-too-large.
        """
        stored = self._shipping(text)
        event = decode_event(stored.text)
        reference = self._reference(event.epcs[0])
        items = self._inside(event, reference)
        events = [kept(one) for one in (*self._before([item.key for item in items], event), stored)]
        prefixes = {prefix for one in events for prefix in prefixes_in(identifiers(one.event))}
        return Found(shipment(events[-1], items, reference, Prefixes(prefixes), affirm), events, prefixes)

    def _shipping(self, text: str) -> Stored:
        asked = {"EQ_bizStep": ["shipping"], "orderBy": ["eventTime"], "perPage": ["1"]}
        named = {"MATCH_epc": [text]} if key_of_item(text) else {"EQ_eventID": [text]}
        found = self._archive.page(asked | named, {}).events
        if not found or not decode_event(found[0].text).epcs:
            raise ProblemError("unknown-event", f"no shipment is known of {text[:200]}")
        return found[0]

    def _inside(self, event: Event, reference: Reference) -> list[Item]:
        at = event.event_time
        found = self._past.items(event.epcs, reference, at)
        out = [found[key] for key in event.epcs if key in found]
        level: Sequence[Item] = out
        while level:
            below = self._past.children(level, ITEMS_MAX, reference, at)
            level = [child for children in below.values() for child in children]
            out = [*out, *level]
            if len(out) > ITEMS_MAX:
                raise ProblemError("query-too-large", f"the shipment holds more than {ITEMS_MAX} items; ask for one pallet at a time")
        return out

    def _before(self, keys: Sequence[str], event: Event) -> list[Stored]:
        """Each event once, in the order they happened."""
        hits = {}
        for some in chunks(keys, KEYS):
            stated = {"MATCH_anyEPC": some, "EQ_bizStep": list(_STEPS), "LT_eventTime": [time_text(event.event_time)]}
            for hit in self._archive.hits(read_search(stated | {"orderBy": ["eventTime"]}), None, EVENTS_MAX):
                hits[(hit.partition, hit.offset)] = hit
                if len(hits) > EVENTS_MAX:
                    raise ProblemError("query-too-large", f"more than {EVENTS_MAX} events made the shipment; ask for one pallet at a time")
        return list(self._archive.stored(sorted(hits.values())))
