"""The events of the history for the EPCIS query interface: searched, paged, one by one, and what there is to search for."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
import xxhash

from packtrace.codec.epcis.items import is_followed
from packtrace.codec.gs1_uri import canonical_uri
from packtrace.codec.identifiers import digital_link, gln_link
from packtrace.errors import RejectedError
from packtrace.query.ask import Query
from packtrace.query.epcis_document import Stored
from packtrace.query.problem import ProblemError
from packtrace.query.search import Hit, Order, Place, Search
from packtrace.query.search_parameters import Asked, read_search, whole
from packtrace.query.spellings import key_of_place, own_name

PAGE: Final = 30
PAGE_MAX: Final = 1_000
PAGE_BYTES_MAX: Final = 32 * 1024 * 1024
"""Of the stored events of one page; a page may hold fewer events than were asked for (EPCIS 2.0, perPage)."""
FETCH: Final = 256
"""Events read at once, where they are small: one of 100,000 items is some 6 MB."""
PLACES_MAX: Final = 10_000
"""Read points or business locations that are listed."""

EVENT_TYPES: Final = ("AggregationEvent", "AssociationEvent", "ObjectEvent", "TransactionEvent", "TransformationEvent")

_RAW = """
SELECT partition, offset, toUnixTimestamp64Micro(log_time), event FROM events
WHERE (partition, offset) IN {places:Array(Tuple(UInt16, Int64))}
LIMIT 1 BY partition, offset
"""
_SIZES = """
SELECT partition, offset, length(event) FROM events
WHERE (partition, offset) IN {places:Array(Tuple(UInt16, Int64))}
LIMIT 1 BY partition, offset
"""
_WORDS: Final = {
    "biz_step": """
SELECT DISTINCT toString(biz_step) AS word FROM events WHERE biz_step != '' AND biz_step > {after:String}
ORDER BY word LIMIT {limit:UInt32}
""",
    "disposition": """
SELECT DISTINCT toString(disposition) AS word FROM events WHERE disposition != '' AND disposition > {after:String}
ORDER BY word LIMIT {limit:UInt32}
""",
}
_PLACES: Final = {
    "read_point": """
SELECT DISTINCT value FROM (SELECT DISTINCT toString(read_point) AS value FROM events WHERE read_point != '' UNION ALL
SELECT DISTINCT value FROM event_terms WHERE name = 'read_point') LIMIT {limit:UInt32}
""",
    "place": """
SELECT DISTINCT value FROM (SELECT DISTINCT toString(place) AS value FROM events WHERE place != '' UNION ALL
SELECT DISTINCT value FROM event_terms WHERE name = 'location') LIMIT {limit:UInt32}
""",
}
_ITEMS = """
SELECT DISTINCT item FROM history WHERE item > {after:String} AND row_type = 'op' ORDER BY item LIMIT {limit:UInt32}
"""
_OTHERS = """
SELECT DISTINCT value FROM event_terms
WHERE name IN ('epc', 'child', 'parent', 'input', 'output') AND value > {after:String} ORDER BY value LIMIT {limit:UInt32}
"""
_NEWEST: Final = Order("log_time", descending=True)
_FOLLOWED_LAST: Final = "~"
"""Above every key: from here on what is not followed."""


class Page(NamedTuple):
    """Events in their order; ``next`` is the token of the page after, or empty."""

    events: list[Stored]
    next: str


class Listed(NamedTuple):
    """Names of one kind; ``next`` as of ``Page``."""

    members: list[str]
    next: str


class EpcisArchive:
    """See the module. Safe to use from several threads."""

    def __init__(self, query: Query) -> None:
        self._query = query

    def page(self, stated: Mapping[str, list[str]], prefixes: Mapping[str, str]) -> Page:
        """The events that parameters ask for, ``perPage`` and ``nextPageToken`` among them.

        Raises:
            ProblemError: a parameter cannot be read, or more events are found than ``maxEventCount`` allows.
        """
        rest = dict(stated)
        size = whole("perPage", rest.pop("perPage", [str(PAGE)]), 1, PAGE_MAX)
        token = rest.pop("nextPageToken", [""])
        asked = read_search(rest, prefixes)
        mark = xxhash.xxh3_64_intdigest(msgspec.json.encode(rest, order="sorted")) >> 11
        left = asked.limit
        after = None
        if token != [""]:
            after, left = _read_token(token[0], mark, left)
        elif asked.refuse_above is not None:
            ((count,),) = self._query(*asked.search.count(asked.refuse_above + 1))
            if int(count) > asked.refuse_above:
                raise ProblemError("query-too-large", f"expected at most {asked.refuse_above} events (maxEventCount), found more")
        most = size if left is None else min(size, left)
        hits = self.hits(asked, after, most + 1)
        stored = self._within(hits[:most])
        more = len(hits) > len(stored) and (left is None or len(stored) < left)
        if not stored or not more:
            return Page(stored, "")
        last = hits[len(stored) - 1]
        return Page(stored, _token(mark, last, None if left is None else left - len(stored)))

    def hits(self, asked: Asked, after: Place | None, limit: int) -> list[Hit]:
        """Where the events are that ``asked`` means, in its order."""
        return [
            Hit(int(at), int(partition), int(offset))
            for at, partition, offset in self._query(*asked.search.page(asked.order, after, limit))
        ]

    def new_in(self, search: Search, partition: int, above: int, limit: int) -> list[Hit]:
        """Events of one partition of the log above an offset, in its order; ``at`` is the log time."""
        one = search.copy()
        one.log_partition(partition, above)
        return [Hit(int(at), int(part), int(offset)) for at, part, offset in self._query(*one.in_log(limit))]

    def _within(self, hits: Sequence[Hit]) -> list[Stored]:
        """The first of ``hits``, at least one, as many as a page may hold."""
        out: list[Stored] = []
        size = 0
        for one in self.stored(hits):
            size += len(one.text)
            if out and size > PAGE_BYTES_MAX:
                break
            out.append(one)
        return out

    def stored(self, hits: Sequence[Hit]) -> Iterator[Stored]:
        """The events themselves, read a few at a time."""
        sizes: dict[tuple[int, int], int] = {}
        for start in range(0, len(hits), PAGE_MAX):
            places = [(hit.partition, hit.offset) for hit in hits[start : start + PAGE_MAX]]
            for partition, offset, size in self._query(_SIZES, {"places": places}):
                sizes[(int(partition), int(offset))] = int(size)
        batch: list[tuple[int, int]] = []
        held = 0
        for hit in hits:
            place = (hit.partition, hit.offset)
            batch.append(place)
            held += sizes.get(place, 0)
            if len(batch) >= FETCH or held > PAGE_BYTES_MAX // 4:
                yield from self._read(batch)
                batch, held = [], 0
        if batch:
            yield from self._read(batch)

    def _read(self, places: list[tuple[int, int]]) -> Iterator[Stored]:
        found = {
            (int(partition), int(offset)): Stored(int(log_time), str(text))
            for partition, offset, log_time, text in self._query(_RAW, {"places": places})
        }
        for place in places:
            if place in found:
                yield found[place]

    def event(self, id: str) -> list[Stored]:
        """Every event of that id, the error declarations of it included (EPCIS 2.0, 12.6): the newest 30."""
        search = Search()
        search.column("id", [id, own_name("event", id)])
        found = self.hits(Asked(search, _NEWEST, None, None), None, PAGE)
        if not found:
            raise ProblemError("unknown-event", f"no event has the id {id[:200]}")
        return self._within(found)

    def words(self, column: str, size: int, token: str) -> Listed:
        """Business steps or dispositions."""
        found = [str(word) for (word,) in self._query(_WORDS[column], {"after": _after(token), "limit": size + 1})]
        return Listed(found[:size], _name_token(found[size - 1]) if len(found) > size else "")

    def places(self, column: str, size: int, token: str) -> Listed:
        """Read points or business locations, each in one spelling."""
        texts = (str(value) for (value,) in self._query(_PLACES[column], {"limit": PLACES_MAX}))
        spelled = sorted({gln_link(key) if (key := key_of_place(text)) else canonical_uri(text) for text in texts})
        after = _after(token)
        found = [one for one in spelled if one > after][: size + 1]
        return Listed(found[:size], _name_token(found[size - 1]) if len(found) > size else "")

    def epcs(self, size: int, token: str) -> Listed:
        """Everything that events have named, as Digital Link where it is an item that is followed."""
        after = _after(token)
        out: list[str] = []
        last = ""
        if not after.startswith(_FOLLOWED_LAST):
            keys = [str(item) for (item,) in self._query(_ITEMS, {"after": after, "limit": size + 1})]
            out, last = [digital_link(key) for key in keys[:size]], keys[size - 1] if len(keys) > size else _FOLLOWED_LAST
            if len(keys) > size:
                return Listed(out, _name_token(last))
            after = _FOLLOWED_LAST
        room = size - len(out)
        others = [str(one) for (one,) in self._query(_OTHERS, {"after": after[1:], "limit": room + 1})]
        out += [one for one in others[:room] if not _item(one)]
        return Listed(out, _name_token(_FOLLOWED_LAST + (others[room - 1] if room else after[1:])) if len(others) > room else "")


def _item(text: str) -> bool:
    try:
        return is_followed(text)
    except RejectedError:
        return False


def _token(mark: int, last: Hit, left: int | None) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([mark, *last, -1 if left is None else left])).decode().rstrip("=")


def _read_token(token: str, mark: int, limit: int | None) -> tuple[Place, int | None]:
    fields = _decoded(token)
    if not (isinstance(fields, list) and len(fields) == 5 and all(type(one) is int and -(2**62) < one < 2**62 for one in fields)):
        raise _bad_token(token)
    stated, at, partition, offset, left = fields
    if stated != mark:
        raise ProblemError("query-parameter", "nextPageToken: it belongs to another query; use the address of the header Link as it is")
    if not (0 <= partition < 2**16 and left >= -1 and (left == -1) == (limit is None)):
        raise _bad_token(token)
    return Place(at, partition, offset), None if left == -1 else min(left, limit or left)


def _decoded(token: str) -> object:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError) as error:
        raise _bad_token(token) from error


def _bad_token(token: str) -> ProblemError:
    return ProblemError("query-parameter", f"nextPageToken: expected that of the header Link, found {token[:60]!r}")


def _name_token(name: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(name)).decode().rstrip("=")


def _after(token: str) -> str:
    name = _decoded(token) if token else ""
    if not isinstance(name, str):
        raise _bad_token(token)
    return name
