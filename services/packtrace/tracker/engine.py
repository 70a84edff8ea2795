"""One partition's step, pure: records of ops in; history, alerts, facts and the commit out.

Order within a record: reference data, ops, facts, then the clock. The clock of a record covers the record's own ops, so a
deadline it passes fires after what may explain it. Every row, alert and fact is numbered within its record, so a step
repeated after a crash, cut at other borders, gives each the same lineage.

After them come the rows that a rebuild needs: the content entries that the record changed, as it left them, and every
``CHECKPOINT_MICROSECONDS`` of the partition's clock where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import xxhash

from packtrace.codec import checkpoint, state
from packtrace.codec.alert_record import AlertRecord
from packtrace.codec.concern import Concern, concern_of
from packtrace.codec.history import ROW_CLOCK, ROW_FACT, ROW_OP, ROW_REFERENCE, HistoryBuilder
from packtrace.codec.ops import OpsBatch
from packtrace.codec.packed_event import pack_event
from packtrace.domain.explode import own_event
from packtrace.domain.fact import Fact
from packtrace.domain.identifiers import partition_of
from packtrace.domain.judge import Judged, apply_clock, apply_event, apply_facts, apply_reference
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.reference import Reference, ReferenceChange, Value, dated
from packtrace.domain.vocabulary import Entity, Outcome
from packtrace.ports import Commit, PartitionMeta, Position
from packtrace.tracker import rows
from packtrace.tracker.cache import Cache, Cached, entry_share, item_share, moved
from packtrace.tracker.deadlines import Deadlines
from packtrace.tracker.lane import Shape, beginning
from packtrace.tracker.lanes import Lanes, Table

CLOCK_TOPIC = "events/"
"""Sources of this topic drive the clock; others (reference data, facts) have none to wait for."""

CHECKPOINT_MICROSECONDS = 10_000_000
"""Of the clock, between two checkpoints: what a rebuild applies again beside the time that the sink is behind."""

_BEFORE_ALL = Position(-1, -1)
_MASK = (1 << 64) - 1
_encode = msgspec.json.Encoder(order="sorted").encode


class OpsRecord(NamedTuple):
    """One record of the partition, decoded."""

    offset: int
    batch: OpsBatch


class Needs(NamedTuple):
    """What a step wants from the store: the items of ``keys``, and of all others those that a change of reference data
    touches; None where none changes. What is in memory is not asked for: it is newer."""

    keys: list[str]
    concern: Concern | None


class FactOut(NamedTuple):
    """A fact on its way; ``partition`` is the target's, (offset, nth) its lineage in this partition."""

    partition: int
    offset: int
    nth: int
    fact: Fact


class Step(NamedTuple):
    """What a batch of records changes."""

    history: list[bytes]
    alerts: list[AlertRecord]
    facts: list[FactOut]
    commit: Commit
    outcomes: dict[str, int]
    dropped: int


class PartitionEngine:
    """The state of one partition as of the last step. A step not committed leaves the engine ahead: throw it away.

    Args:
        lanes: what has been learnt of items that are alike; None: every event is folded, which is what lanes must equal.
    """

    def __init__(
        self,
        partition: int,
        partitions: int,
        meta: PartitionMeta,
        reference: Mapping[str, str],
        lanes: Lanes | None = None,
    ) -> None:
        self.partition = partition
        self.epoch = meta.epoch
        self.offset = meta.offset
        self.cache = Cache()
        self.uncommitted: Commit | None = None
        """What the last step stores, while the store has not taken it."""
        self._partitions = partitions
        self._digest = meta.digest
        self._watermarks = dict(meta.watermarks)
        self._clocks = dict(meta.clocks)
        self._own_clock = f"ops/{partition}"
        self._clock = self._clocks.get(self._own_clock, 0)
        self.deadlines = Deadlines()
        changes = [ReferenceChange(name.partition("|")[0], name.partition("|")[2], json) for name, json in sorted(reference.items())]
        self._reference = Reference.empty().changed(changes)
        self._lanes = lanes
        self._reference_mark = sum(
            _mark_of(entity, key, value) for entity in Entity for key, value in self._reference.values_of(entity).items()
        )
        """Names the value of the reference data: partitions with one value share their lanes."""
        self._start(self.offset)

    def _start(self, offset: int) -> None:
        self._from = offset
        self._history = HistoryBuilder(self.partition)
        self._alerts: list[AlertRecord] = []
        self._facts: list[FactOut] = []
        self._dirty: dict[str, Cached] = {}
        self._items: dict[str, bytes] = {}
        self._content: dict[str, dict[bytes, bytes | None]] = {}
        self._reference_changes: dict[str, str | None] = {}
        self._outcomes: dict[str, int] = {}
        self._dropped = 0

    @property
    def stored_offset(self) -> int:
        """Where the store stands, if all is well."""
        return self.offset if self.uncommitted is None else self.uncommitted.from_offset

    def evict(self, items_max: int) -> None:
        """Drop the oldest items beyond the bound; those that the store has not taken yet are nowhere else and stay."""
        waiting = self.uncommitted
        self.cache.evict(items_max, () if waiting is None else waiting.items.keys() | waiting.content.keys())

    def clock_after(self, records: Sequence[OpsRecord]) -> int:
        """Where the clock will stand after ``records``."""
        clocks, clock = dict(self._clocks), self._clock
        for record in records:
            clock = max(clock, _advance(clocks, record.batch))
        return clock

    def needs(self, records: Sequence[OpsRecord]) -> Needs:
        """What the store must answer before ``apply`` of these records; deadlines up to their clock are at hand."""
        keys: set[str] = set()
        changes: list[ReferenceChange] = []
        for record in records:
            batch = record.batch
            keys.update(batch.op_items)
            keys.update(row.fact.target for row in batch.facts)
            for change in batch.reference:
                if Position(change.offset, 0) > self._watermarks.get(batch.sources[change.source], _BEFORE_ALL):
                    changes.append(ReferenceChange(change.entity, change.key, change.json))
        keys.update(self.deadlines.passed(self.clock_after(records)))
        return Needs([key for key in keys if key not in self.cache], concern_of(changes, self._reference))

    def apply(self, records: Sequence[OpsRecord], loaded: Mapping[str, tuple[bytes, dict[bytes, bytes]]]) -> Step:
        """Fold ``records``, which start where the last step ended; ``loaded`` holds what ``needs`` asked for and exists."""
        self._start(self.offset)
        self.cache.take_in(loaded)
        for record in records:
            self._record(record)
            self.offset = record.offset + 1
        return Step(self._history.take(), self._alerts, self._facts, self._commit(), self._outcomes, self._dropped)

    def _record(self, record: OpsRecord) -> None:
        self._offset = record.offset
        self._position = self._alert_nth = self._fact_nth = 0
        self._record_content: dict[str, dict[bytes, bytes | None]] = {}
        batch = record.batch
        if batch.reference:
            self._apply_reference(batch)
        if batch.op_items:
            self._apply_ops(batch)
        if batch.facts:
            self._apply_facts(batch)
        before, clock = self._clock, _advance(self._clocks, batch)
        if clock > before:
            self._clock = self._clocks[self._own_clock] = clock
            self._fire()
        if self._record_content:
            self._write_content()
        if clock // CHECKPOINT_MICROSECONDS > before // CHECKPOINT_MICROSECONDS:
            self._write_checkpoint()

    def _apply_ops(self, batch: OpsBatch) -> None:
        sources, contexts = batch.sources, batch.contexts
        numbers = [int(source.rpartition("/")[2]) for source in sources]
        seen: list[tuple[int, int]] = [self._watermarks.get(source, _BEFORE_ALL) for source in sources]
        columns = list(
            zip(
                [contexts[number] for number in batch.event_context], batch.event_ids, batch.event_time, batch.event_log_time,
                batch.event_mark, batch.event_message_mark, batch.event_children_mark, batch.event_children_count,
                batch.event_parents, batch.event_first_children, strict=True,
            )
        )  # fmt: skip
        event_source, event_offset, event_context = batch.event_source, batch.event_offset, batch.event_context
        lanes, tables = self._lanes, dict[tuple[int, int, str], Table | None]()
        last: tuple[int, int] | None = None
        for event, index, role, key in zip(batch.op_event, batch.op_index, batch.op_role, batch.op_items, strict=True):
            source, offset = event_source[event], event_offset[event]
            if (offset, index) <= seen[source]:
                self._dropped += 1
                continue
            seen[source] = (offset, index)
            if last != (event, role):
                last = (event, role)
                own = own_event(role, *columns[event])
                kind = event_context[event], role, beginning(own.other)
                if kind not in tables:
                    tables[kind] = None if lanes is None else lanes.table(self._reference_mark, own.context, role, own.other)
                table = tables[kind]
                place = numbers[source], offset
            if lanes is None or table is None or not self._took_lane(lanes, table, key, own, place):
                cached = self.cache.made(key)
                judged = apply_event(cached.item, own, self._reference, self._clock)
                self._took(cached, judged)
                self._write(cached, rows.of_op(own, *place), judged.outcome)
        self._watermarks.update((source, Position(*place)) for source, place in zip(sources, seen, strict=True) if place != _BEFORE_ALL)

    def _took_lane(self, lanes: Lanes, table: Table, key: str, own: OwnEvent, place: tuple[int, int]) -> bool:
        """Take the step of an item as those before it that are alike; False where it must be folded."""
        cached = self.cache.get(key)
        if cached is not None and cached.is_cold:
            cached.recognise(lanes, self._reference_mark, self._reference, self._clock)
        if cached is None:
            start: Shape | str = beginning(key)
            events: tuple[OwnEvent, ...] = ()
        elif cached.shape is not None:
            start, events = cached.shape, cached.events
        else:
            return False
        for lane in table.lanes.get(start, ()):
            taken = lane.step(key, own, events, self._clock)
            if taken is not None:
                break
        else:
            found = lanes.learn(table, start, key, own, events, self._reference, self._clock)
            taken = None if found is None else found.step(key, own, events, self._clock)
            if found is None or taken is None:
                return False
            lane = found
        lanes.taken += 1
        head, deadline, parent, facts = taken
        if cached is None:
            cached = Cached.alike(key)
            self.cache.put(cached)
            packed = head + pack_event(own)
        else:
            packed = head + cached.packed[cached.shape.head_bytes :] + pack_event(own)  # type: ignore[union-attr]
        cached.packed = packed
        cached.shape = lane.shape
        cached.events = (*events, own)
        self._dirty[key] = cached
        for fact in facts:
            self._facts.append(FactOut(partition_of(fact.target, self._partitions), self._offset, self._fact_nth, fact))
            self._fact_nth += 1
        if lane.moves_deadline and deadline is not None:
            cached.deadline = deadline
            self.deadlines.move(key, deadline)
        self._history.add_like(
            lane.like(parent), key, own.time, own.log_time, own.id, *place, own.other, packed, self._offset, self._position
        )
        self._position += 1
        self._outcomes["applied"] = self._outcomes.get("applied", 0) + 1
        return True

    def _apply_facts(self, batch: OpsBatch) -> None:
        """All facts of the record to one item are one step of it, at the place of the first."""
        seen: list[tuple[int, int]] = [self._watermarks.get(source, _BEFORE_ALL) for source in batch.sources]
        of_target: dict[str, list[Fact]] = {}
        for source, offset, nth, fact in batch.facts:
            if (offset, nth) <= seen[source]:
                self._dropped += 1
                continue
            seen[source] = (offset, nth)
            mine = of_target.get(fact.target)
            if mine is None:
                of_target[fact.target] = [fact]
            else:
                mine.append(fact)
        self._watermarks.update(
            (source, Position(*place)) for source, place in zip(batch.sources, seen, strict=True) if place != _BEFORE_ALL
        )
        for target, facts in of_target.items():
            cached = self.cache.made(target)
            judged = apply_facts(cached.item, facts, self._reference, self._clock)
            self._took(cached, judged)
            rows.write_facts(self._history, cached.item, cached.packed, facts, judged.outcome.value, self._offset, self._position)
            self._position += len(facts)
            self._outcomes[ROW_FACT] = self._outcomes.get(ROW_FACT, 0) + len(facts)

    def _apply_reference(self, batch: OpsBatch) -> None:
        changes: list[ReferenceChange] = []
        log_time = 0
        for change in batch.reference:
            name = batch.sources[change.source]
            place = Position(change.offset, 0)
            if place <= self._watermarks.get(name, _BEFORE_ALL):
                self._dropped += 1
                continue
            self._watermarks[name] = place
            log_time = max(log_time, change.log_time)
            kept = dated(ReferenceChange(change.entity, change.key, change.json), change.log_time)
            changes.append(kept)
            name = f"{kept.entity}|{kept.key}"
            self._reference_changes[name] = kept.value_json
            self._history.add(rows.of_entity(name, kept.value_json, change.log_time, self._offset, self._position))
            self._position += 1
        if not changes:
            return
        before, self._reference = self._reference, self._reference.changed(changes)
        for entity, key in {(Entity(change.entity), change.key) for change in changes}:
            was, now = (one.values_of(entity).get(key) for one in (before, self._reference))
            self._reference_mark += _mark_of(entity, key, now) - _mark_of(entity, key, was)
        concern = concern_of(changes, before)
        if concern is None:
            return
        touched = [key for key, cached in self.cache.items() if concern.touches(key, cached.packed, cached.content)]
        for key in sorted(touched):
            cached = self.cache.made(key)
            judged = apply_reference(cached.item, before, self._reference, self._clock, log_time)
            if self._took(cached, judged):
                self._write(cached, rows.Origin(ROW_REFERENCE, log_time, log_time), judged.outcome)

    def _fire(self) -> None:
        """Wake every item whose deadline the clock has passed, by key: a deadline may be an earlier one than need be (of an item
        read back from the store), so neither its time nor the order of times may show in what is numbered here."""
        while due := self.deadlines.take_passed(self._clock):
            for key, time in sorted(due.items()):
                cached = self.cache.get(key)
                if cached is None:
                    raise AssertionError(f"partition {self.partition}: an item with a deadline was not loaded")
                judged = apply_clock(cached.item, self._reference, self._clock)
                changed = self._took(cached, judged)
                if self.deadlines.of(key) == time:
                    raise AssertionError(f"the deadline {time} of an item did not move when the clock stood at {self._clock}")
                if changed:
                    self._write(cached, rows.Origin(ROW_CLOCK, self._clock, self._clock), judged.outcome)

    def _took(self, cached: Cached, judged: Judged) -> bool:
        """Take over what one step of an item gave; True where the item changed."""
        item = cached.item
        key = item.key
        packed = state.pack(item)
        changed = packed != cached.packed or bool(judged.content)
        cached.packed = packed
        self._dirty[key] = cached
        for change in judged.alerts:
            self._alerts.append(AlertRecord(change, self.partition, self._offset, self._alert_nth))
            self._alert_nth += 1
        for fact in judged.facts:
            self._facts.append(FactOut(partition_of(fact.target, self._partitions), self._offset, self._fact_nth, fact))
            self._fact_nth += 1
        if judged.content:
            self._record_content.setdefault(key, {}).update(judged.content)
            for name, entry in judged.content.items():
                self._digest = moved(self._digest, entry_share(key, name, cached.content.get(name)), entry_share(key, name, entry))
                if entry is None:
                    cached.content.pop(name, None)
                else:
                    cached.content[name] = entry
        deadline = item.deadline
        if deadline != cached.deadline:
            cached.deadline = deadline
            self.deadlines.move(key, deadline)
        return changed

    def _write(self, cached: Cached, origin: rows.Origin, outcome: Outcome) -> None:
        word = outcome.value
        self._history.add(rows.row(cached.item, cached.packed, origin, word, self._offset, self._position))
        self._position += 1
        name = word if origin.row_type == ROW_OP else origin.row_type
        self._outcomes[name] = self._outcomes.get(name, 0) + 1

    def _write_content(self) -> None:
        """What the record left of each content entry that it changed: once a record, for an entry grows with each fact of an event."""
        for key, entries in sorted(self._record_content.items()):
            item = self.cache.made(key).item
            for name, entry in sorted(entries.items(), key=_name):
                for row in rows.of_content(item, name, entry, self._clock, self._offset, self._position):
                    self._history.add(row)
                    self._position += 1
            self._content.setdefault(key, {}).update(entries)

    def _write_checkpoint(self) -> None:
        self._count_items()
        packed = checkpoint.pack(self._offset + 1, self._digest, {**self._watermarks}, self._clocks)
        self._history.add(rows.of_checkpoint(packed, self._clock, self._offset, self._position))
        self._position += 1

    def _count_items(self) -> None:
        """Bring the digest up to the items that changed; their bytes are what the commit stores."""
        digest = self._digest
        for key, cached in self._dirty.items():
            packed = cached.packed
            share = item_share(key, packed)
            if share != cached.share:
                digest += share - cached.share
                cached.share = share
                self._items[key] = packed
        self._digest = digest & _MASK
        self._dirty.clear()

    def _commit(self) -> Commit:
        """The bytes are built now: a later step must not change what this one stores."""
        self._count_items()
        return Commit(
            partition=self.partition,
            epoch=self.epoch,
            from_offset=self._from,
            to_offset=self.offset,
            digest=self._digest,
            watermarks=dict(self._watermarks),
            clocks=dict(self._clocks),
            items=self._items,
            content=self._content,
            deadlines=self.deadlines.take_changes(),
            reference=self._reference_changes,
        )


def _advance(clocks: dict[str, int], batch: OpsBatch) -> int:
    """Note how far the sources are; answers the log time that every one of them has reached, 0 where that is not known."""
    if not batch.clock_sources:
        return 0
    for source, time in zip(batch.sources, batch.clock, strict=True):
        if time > clocks.get(source, 0) and source.startswith(CLOCK_TOPIC):
            clocks[source] = time
    known = [time for source, time in clocks.items() if source.startswith(CLOCK_TOPIC)]
    return min(known) if len(known) >= batch.clock_sources else 0


def _mark_of(entity: Entity, key: str, value: Value | None) -> int:
    """What one entity adds to the mark of the reference data."""
    return 0 if value is None else xxhash.xxh3_128_intdigest(f"{entity}\0{key}\0".encode() + _encode(value))


def _name(entry: tuple[bytes, bytes | None]) -> bytes:
    return entry[0]
