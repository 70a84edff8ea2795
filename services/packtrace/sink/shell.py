"""The sink's effects, and their order, which is the guarantee.

``step`` runs them for every partition it holds:

1. read records (the broker may give and take partitions inside this call);
2. form the block [a, b) of each partition where one is due;
3. store the intent: commit (a, {generation, b, watermarks}), synchronously. The broker refuses it from a member that was
   thrown out, and then nothing is inserted;
4. insert each block into its table, under a token made of generation, topic, partition, a and b;
5. the next commit, of the next intent or of none, confirms b.

A crash before 3 leaves nothing. After 3 or 4 the next owner reads the intent, forms the same block again from the same
records, asks the table how far it holds them, and inserts what is missing: all of it or nothing, for a block is one part.
An insert whose answer did not come is looked up in the same way before it is repeated.
A sleeper that wakes up between 3 and 4 inserts a block whose token the table knows, or which the next owner will find there.

While the table is away the block stays, reading is paused, and the group is kept alive by polling.
A record of ``events`` that ends the process is found and set aside (``poison``).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from packtrace.errors import UnavailableError
from packtrace.ports import Committed, HistoryStore, LogReader, LogRecord, Position, TopicPartition
from packtrace.sink.blocks import Block, Table
from packtrace.sink.intent import decode
from packtrace.sink.lane import Lane, Limits, recover
from packtrace.sink.poison import Note, Watch

EVENTS: Final = "events"
POLL_RECORDS_MAX = 10_000
POLL_SECONDS_MAX = 0.1
"""A signal is served between polls."""

BUFFERED_BYTES_MAX = 64 * 1024 * 1024
"""Of records read and not stored, over all partitions; reading pauses above it."""

INSERT_SECONDS_MAX = 60.0
"""Of one step: then the group hears from us again. It gives a silent member's partitions away after 300 s, and one insert more may
take as long as the driver waits."""

BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Noticed:
    """What a sink tells; the default tells nobody."""

    def stored(self, table: str, rows: int, repeats: int, seconds: float) -> None: ...

    def recovered(self, lane: Lane, behind: tuple[str, ...]) -> None: ...

    def trouble(self, text: str) -> None: ...


class Sink:
    """See the module.

    Args:
        tables: topic -> what its records become.
        clock: seconds, never going back.
        fresh_generation: a number no sink has used before, for tokens.
        pass_point: called with the name of each place between two effects; a test may raise there.
        set_aside: keeps a record that has ended so many processes; raises UnavailableError where it cannot now.
    """

    def __init__(
        self,
        reader: LogReader,
        store: HistoryStore,
        tables: Mapping[str, Table],
        *,
        clock: Callable[[], float],
        fresh_generation: Callable[[], int],
        limits: Limits = Limits(),
        noticed: Noticed | None = None,
        pass_point: Callable[[str], None] = lambda name: None,
        poll_records_max: int = POLL_RECORDS_MAX,
        set_aside: Callable[[LogRecord, int], None] = lambda record, kills: None,
    ) -> None:
        self._reader = reader
        self._store = store
        self._tables = tables
        self._clock = clock
        self._fresh_generation = fresh_generation
        self._limits = limits
        self._noticed = noticed or Noticed()
        self._pass_point = pass_point
        self._poll_records_max = poll_records_max
        self._lanes: dict[TopicPartition, Lane] = {}
        self._paused: frozenset[TopicPartition] = frozenset()
        self._failures = 0
        self._try_at = 0.0
        self._trouble: str | None = None
        self._set_aside = set_aside
        self._name = secrets.token_hex(8)
        """Of this process, in its notes."""

    def start(self) -> None:
        """Join the group."""
        self._reader.subscribe(list(self._tables), self._assigned, self._revoked)

    @property
    def trouble(self) -> str | None:
        """Why nothing is stored now; None while all is well."""
        return self._trouble

    @property
    def buffered_bytes(self) -> int:
        return sum(lane.bytes for lane in self._lanes.values())

    @property
    def idle(self) -> bool:
        """Everything that was read is stored and confirmed."""
        return all(lane.recovered and not lane.bytes and lane.pending is None and not lane.unconfirmed for lane in self._lanes.values())

    def step(self) -> None:
        """Once through the effects of the module; returns after ``POLL_SECONDS_MAX`` at the latest when there is nothing to do."""
        self._read()
        now = self._clock()
        if now < self._try_at:
            return
        try:
            self._recover()
            self._decode()
            self._store_due(self._clock())
        except UnavailableError as e:
            self._failures += 1
            self._try_at = self._clock() + BACKOFF_SECONDS[min(self._failures, len(BACKOFF_SECONDS)) - 1]
            self._trouble = str(e)
            self._noticed.trouble(str(e))
        else:
            self._failures = 0
            self._trouble = None

    def drain(self) -> None:
        """Store and confirm what was read, as far as that succeeds at once; call ``close`` of the reader afterwards.

        What is not stored is read again by the next owner, so giving up here loses nothing.
        """
        if self._trouble is not None:
            return
        try:
            self._store_due(float("inf"))
            self._confirm()
        except UnavailableError as e:
            self._noticed.trouble(str(e))

    def _assigned(self, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            self._lanes[partition] = Lane(partition, self._tables[partition.topic], self._limits)

    def _revoked(self, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            self._lanes.pop(partition, None)
        self._paused -= frozenset(partitions)

    def _read(self) -> None:
        """Effect 1."""
        left_over = any(lane.pending is not None for lane in self._lanes.values())
        halted = self._trouble is not None or left_over or self.buffered_bytes > BUFFERED_BYTES_MAX
        wanted = frozenset(self._lanes) if halted else frozenset()
        self._reader.pause(wanted - self._paused)
        self._reader.resume(self._paused - wanted)
        self._paused = wanted
        records = self._reader.poll(self._poll_records_max, self._wait_seconds())
        now = self._clock()
        for record in records:
            lane = self._lanes.get(TopicPartition(record.topic, record.partition))
            if lane is not None:
                lane.add(record, now)
        self._pass_point("sink.after_read")

    def _wait_seconds(self) -> float:
        now = self._clock()
        if self._trouble is not None:
            return max(min(self._try_at - now, POLL_SECONDS_MAX), 0.0)
        if any(not lane.recovered or lane.unconfirmed or lane.pending is not None for lane in self._lanes.values()):
            return 0.0
        due = min((at for lane in self._lanes.values() if (at := lane.due_at()) is not None), default=now + POLL_SECONDS_MAX)
        return max(min(due - now, POLL_SECONDS_MAX), 0.0)

    def _recover(self) -> None:
        """Find out where each newly assigned partition stands."""
        lanes = [lane for lane in self._lanes.values() if not lane.recovered]
        if not lanes:
            return
        committed = self._reader.committed([lane.partition for lane in lanes])
        for lane in lanes:
            stored = committed.get(lane.partition, Committed(-1))
            oldest, end = self._reader.watermarks(lane.partition)
            intent = decode(stored.metadata) if stored.offset >= 0 else None
            confirmed = intent.watermarks if intent is not None else None
            found = recover(stored, self._held(lane, confirmed), oldest, end, self._fresh_generation())
            if found.behind:
                found = found._replace(watermarks=self._held(lane, None))
            if found.seek is not None:
                lane.forget()
                self._reader.seek(lane.partition, found.seek)
            if found.reform_end is not None:
                self._store.complete(lane.table.name, confirmed or {})
            lane.position, lane.generation, lane.watermarks = found.position, found.generation, found.watermarks
            lane.reform_end = found.reform_end
            lane.unconfirmed = found.seek is not None
            lane.found = intent
            if self._limits.poison_kills and lane.partition.topic == EVENTS:
                note = intent.note if intent is not None and intent.note.by != self._name else Note()
                lane.watch = Watch(note, self._limits.poison_kills)
            lane.recovered = True
            self._noticed.recovered(lane, found.behind)
        self._pass_point("sink.after_recover")

    def _decode(self) -> None:
        """What was read becomes pieces; while a record that kills may be among it, as ``poison`` says."""
        watched = [lane for lane in self._lanes.values() if lane.watch is not None and lane.next is not None and lane.may_read_alone]
        together = {lane.partition: lane.noted(lane.watch.begins(self._name)) for lane in watched if lane.watch and not lane.watch.left}
        self._note(together)
        for lane in self._lanes.values():
            if lane.watch is None or lane.partition in together:
                lane.watch = None
                lane.read()
        for lane in watched:
            if lane.watch is not None:
                self._decode_alone(lane, lane.watch)

    def _decode_alone(self, lane: Lane, watch: Watch) -> None:
        while watch.left and (record := lane.next) is not None:
            kills = watch.kills(record.offset)
            if kills:
                self._set_aside(record, watch.note.kills)
            else:
                self._note({lane.partition: lane.noted(watch.begins_alone(record.offset, self._name))})
            lane.read_one(unread=kills)
            watch.left -= 1
            if kills and lane.reform_end is None:
                lane.aside = record.offset
                return
        if not watch.left:
            lane.watch = None

    def _note(self, notes: Mapping[TopicPartition, Committed]) -> None:
        """A note that cannot be stored counts as none."""
        if notes:
            with suppress(UnavailableError):
                self._reader.commit(notes)

    def _held(self, lane: Lane, at_least: Mapping[str, Position] | None) -> dict[str, Position]:
        held = self._store.positions(lane.table.name, at_least)
        return {source: last for source, last in held.items() if lane.table.owns(lane.partition.partition, source)}

    def _store_due(self, now: float) -> None:
        """Effects 2 to 4 for every partition where a block is due, and 5 for those where none is."""
        positions: dict[TopicPartition, Committed] = {}
        formed: list[tuple[Lane, Block]] = []
        for lane in self._lanes.values():
            due = lane.due_at()
            if due is not None and due <= now:
                block = lane.form()
                if not block.rows:
                    lane.stored(block, now)
                elif lane.reform_end is not None:
                    lane.pending = block
                else:
                    positions[lane.partition] = lane.intend(block)
                    formed.append((lane, block))
            if lane.unconfirmed and lane.partition not in positions:
                positions[lane.partition] = lane.confirmation()
        if positions:
            self._pass_point("sink.before_intent")
            self._reader.commit(positions)
            for partition in positions:
                self._lanes[partition].unconfirmed = False
            for lane, block in formed:
                lane.pending = block
            self._pass_point("sink.after_intent" if formed else "sink.after_confirm")
        begun = self._clock()
        for lane in self._lanes.values():
            if lane.pending is not None and self._clock() - begun < INSERT_SECONDS_MAX:
                self._insert(lane, lane.pending)

    def _insert(self, lane: Lane, block: Block) -> None:
        """Effect 4. After an insert without an answer the table is asked: its memory of tokens has a window, and servers lose it."""
        started = self._clock()
        table = lane.table
        again, lane.in_doubt = lane.in_doubt, True
        if again and not self._lost(lane, block):
            self._store.complete(table.name, lane.watermarks)
        else:
            self._store.insert(table.name, table.columns, block.rows, block.native, lane.token(block), derive=block.derive)
            self._pass_point("sink.after_insert")
            if (again or lane.reform_end is not None) and self._lost(lane, block):
                # the table remembers the token and not the rows: it lost its last writes with the power
                lane.generation = self._fresh_generation()
                self._store.insert(table.name, table.columns, block.rows, block.native, lane.token(block), derive=block.derive)
        lane.stored(block, self._clock())
        self._noticed.stored(table.name, block.rows, block.repeats, self._clock() - started)

    def _lost(self, lane: Lane, block: Block) -> bool:
        held = self._store.positions(lane.table.name, block.watermarks)
        return any(held.get(source, last._replace(offset=-1)) < last for source, last in block.watermarks.items())

    def _confirm(self) -> None:
        """Effect 5 by itself."""
        positions = {lane.partition: lane.confirmation() for lane in self._lanes.values() if lane.unconfirmed}
        if positions:
            self._reader.commit(positions)
            for partition in positions:
                self._lanes[partition].unconfirmed = False
