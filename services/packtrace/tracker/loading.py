"""What a step needs of the store, and whether the store stands where the step begins."""

from __future__ import annotations

from packtrace.ports import Fenced, Gap, StateStore
from packtrace.tracker.engine import OpsRecord, PartitionEngine


def load(store: StateStore, engine: PartitionEngine, batch: list[OpsRecord]) -> dict[str, tuple[bytes, dict[bytes, bytes]]]:
    """Effect 2: what ``engine`` needs of the store to apply ``batch``, as of where it stands. Raises Fenced, Gap."""
    until = engine.deadlines.wants(engine.clock_after(batch))
    if until is not None:
        waiting = {} if engine.uncommitted is None else engine.uncommitted.deadlines
        engine.deadlines.take_in(store.deadlines(engine.partition, until), waiting, until)
    keys, concern = engine.needs(batch)
    loaded = store.load(engine.partition, keys) if keys else {}
    if concern is not None:
        for key, packed, content in store.scan(engine.partition):
            if key not in engine.cache and concern.touches(key, packed, content):
                loaded[key] = (packed, content)
    if keys or concern is not None or until is not None:
        check_place(store, engine)
    return loaded


def check_place(store: StateStore, engine: PartitionEngine) -> None:
    """Look after reading whether what was read is of ``engine``'s own moment. Raises Fenced, Gap."""
    meta = store.meta(engine.partition)
    if meta is not None and meta.epoch > engine.epoch:
        raise Fenced
    if meta is None or (meta.epoch, meta.offset) != (engine.epoch, engine.stored_offset):
        raise Gap(0 if meta is None else meta.offset)
