"""What is new since a subscriber was last told: the events of a query after its offsets, partition by partition.

Offsets and not times: two partitions of the log become visible out of step, and a time once passed would leave out what comes
later. Only what the history holds in full is told (``reached``), for a query on items is answered from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from packtrace.query.epcis import EpcisArchive
from packtrace.query.epcis_document import Stored
from packtrace.query.search import Hit, Search


class News(NamedTuple):
    """``offsets``: where the subscriber is once it has these ``events``."""

    events: list[Stored]
    offsets: dict[int, int]
    places: list[tuple[int, int]]


class Follow:
    """See the module.

    Args:
        reached: log time, microseconds, up to which the history holds everything; None while not known.
    """

    def __init__(self, archive: EpcisArchive, partitions: int, reached: Callable[[], int | None]) -> None:
        self._archive = archive
        self._partitions = partitions
        self._reached = reached

    def news(self, search: Search, since: int, offsets: Mapping[int, int], most: int) -> News:
        """At most ``most`` events that are new, the oldest of each partition first."""
        reached = self._reached()
        after = dict(offsets)
        if reached is None:
            return News([], after, [])
        bounded = search.copy()
        bounded.time("log_time", least=since, below=reached + 1)
        hits: list[Hit] = []
        for partition in range(self._partitions):
            if len(hits) < most:
                hits += self._archive.new_in(bounded, partition, offsets.get(partition, -1), most - len(hits))
        events: list[Stored] = []
        places: list[tuple[int, int]] = []
        size = 0
        for hit, stored in zip(hits, self._archive.stored(hits), strict=True):
            size += len(stored.text)
            if events and size > BYTES_MAX:
                break
            events.append(stored)
            places.append((hit.partition, hit.offset))
            after[hit.partition] = hit.offset
        return News(events, after, places)


BYTES_MAX = 8 * 1024 * 1024
"""Of the stored events that are told at once."""
