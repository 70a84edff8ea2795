"""The peers do the work they are measured at: a row for each op, and every planted duplicate found; in memory, without their servers."""

from __future__ import annotations

import pytest

from packtrace.bench.load import prepare, stream_named
from packtrace.codec.identifiers import parse_item
from tests.bench.peers.work import ALERT, Item, judge, ops, read


@pytest.mark.parametrize("name", ["S1", "S2", "S3"])
def test_a_peer_finds_what_was_planted(name: str) -> None:
    load = prepare(stream_named(name, 8_000), 7)
    items: dict[str, Item] = {}
    rows = []
    for _, value in load.records:
        event = read(value)
        for key, parent in ops(event):
            items[key], row = judge(items.get(key, Item()), event, key, parent)
            rows.append(row)
    assert len(rows) == load.operations
    assert {row.item for row in rows if row.outcome == ALERT} == load.duplicates
    packed = [key for key, item in items.items() if item.parent]
    assert len(packed) > 0.9 * 8_000
    assert parse_item("https://id.gs1.org/01/09506000134352/21/A1") not in items
