"""A second, plain implementation of the domain, written from ``rules.md`` alone: the whole world at once, in its final state.

No partitions, no facts that travel, no window, no packed state, no fast path. Each item is folded over its own events while it
looks up what the other items were at that moment; all items are folded again until nothing changes. In the order of reading:
``log`` (what came), ``kinds``, ``land`` (places, parties, products, recalls), ``repeats``, ``state``, ``view`` (what others were),
``step`` (one event applied), ``rules_*`` (one event judged), ``fold`` (order and exchange), ``world``.

It shares with the product only what the product is told (events, reference data, vocabulary) and how an alert's id is written.
"""

from __future__ import annotations

from tests.domain.plain.log import Changed, Logged
from tests.domain.plain.world import PlainAlert, PlainItem, World, run

__all__ = ["Changed", "Logged", "PlainAlert", "PlainItem", "World", "run"]
