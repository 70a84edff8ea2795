"""The real router, tracker and sink on the in-memory ports, under one scheduler that owns time, turns and faults.

Nothing here knows what is right: ``truth`` says what the log and the stores must hold at the end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from packtrace.adapters import crash_point
from packtrace.adapters.history_memory import MemoryHistory
from packtrace.adapters.log_memory import MemoryLog, MemoryReader, MemoryWriter
from packtrace.adapters.registry_memory import MemoryRegistry
from packtrace.adapters.state_memory import MemoryStateStore
from packtrace.codec import wire
from packtrace.ports import LogReader, LogRecord, LogWriter, StateStore, TopicPartition
from packtrace.router.shell import Limits as RouterLimits
from packtrace.router.shell import Router
from packtrace.sink.__main__ import tables
from packtrace.sink.lane import Limits as SinkLimits
from packtrace.sink.shell import Sink
from packtrace.sink.tables import History
from packtrace.tracker.shell import Tracker, Wire
from tests.router.seen import LOG_TIME
from tests.simulation.plan import KINDS, SLOTS, Action, Captured, Fault, Turn

KILLS_NEVER = 1_000
"""A process that dies of something else leaves a note as well; no history has as many."""
PARTITIONS = {"events": 2, "reference": 1, "ops": 3, "history": 2, "alerts": 1, "rejected": 1, "incidents": 1}
ROUND_SECONDS = 0.3
CALM_ROUND_SECONDS = 1.0
"""When nothing fails any more: each round of the router tells the time."""
ROUNDS_MAX = 600
RECORDS_MAX = 3
"""Of one round of router and tracker: a short history takes several."""
CALM_BITE_BYTES = 1 << 20
CALM_RECORDS_MAX = 12
"""When nothing fails any more: more than a round of ticks, or the end is never reached."""
HOUR = 3_600_000_000
GRACES_OVER = 100 * HOUR
"""After it no grace and no window of the default policy is open."""


class Died(Exception):
    """The process ends here, as ``kill -9`` would end it."""


class Process:
    """One process: what it holds of the outside, and one round of its work."""

    def __init__(self, plant: Plant, kind: str) -> None:
        self.kind = kind
        self.readers: list[MemoryReader] = []
        self.writers: list[MemoryWriter] = []
        self._plant = plant
        self._leave: tuple[Callable[[], None], ...] = ()
        make: dict[str, Callable[[], Callable[[], object]]] = {"router": self._router, "tracker": self._tracker, "sink": self._sink}
        self.round = make[kind]()

    def kill(self, stored: int) -> None:
        """Gone without a word. Of what its writers had queued the broker stored, per partition, some first part: at most
        ``stored`` records."""
        for reader in self.readers:
            reader.kill()
        for writer in self.writers:
            writer.die(stored)

    def _reader(self) -> LogReader:
        self.readers.append(MemoryReader(self._plant.log, f"packtrace-{self.kind}"))
        return self.readers[-1]

    def _writer(self) -> LogWriter:
        self.writers.append(MemoryWriter(self._plant.log, slow=len(self.writers) % 2 == 1))
        return self.writers[-1]

    def _store(self) -> StateStore:
        return self._plant.redis

    def _router(self) -> Callable[[], object]:
        plant = self._plant
        router = Router(
            self._reader, self._writer, plant.registry, RouterLimits(plant.records_max, 1 << 20, 1.0, 1.0), ops_partitions=PARTITIONS["ops"],
            event_partitions=PARTITIONS["events"], now=lambda: plant.log.now, clock=plant.seconds,
        )  # fmt: skip
        self._leave = (router.finish, router.leave)
        return router.round

    def _tracker(self) -> Callable[[], object]:
        plant = self._plant
        reader = self._reader()
        ids = {topic: plant.registry_ids[topic] for topic in ("ops", "history", "alerts")}
        tracker = Tracker(
            reader, self._writer, self._store(), Wire(lambda topic, body: wire.frame(ids[topic], body), lambda value: wire.unframe(value)[1]),
            partitions=PARTITIONS["ops"], history_partitions=PARTITIONS["history"], records_max=plant.records_max, items_max=6, bite_bytes=plant.bite_bytes,
            learn_after=1,
            clock=plant.seconds, sleep=plant.pass_time,
        )  # fmt: skip
        tracker.start()
        self._leave = (reader.close,)
        return tracker.round

    def _sink(self) -> Callable[[], object]:
        plant = self._plant
        reader = self._reader()
        told = tables(plant.registry, 0.25) | {"history": History(lambda value: wire.unframe(value)[1], PARTITIONS["history"], 0.25)}
        sink = Sink(
            reader, plant.clickhouse, told, clock=plant.seconds, fresh_generation=plant.fresh_generation,
            limits=SinkLimits(block_rows_max=5, poison_kills=KILLS_NEVER), pass_point=crash_point.crash_point, poll_records_max=5,
        )  # fmt: skip
        sink.start()
        self._leave = (sink.drain, reader.close)
        return sink.step

    def stop(self) -> None:
        """SIGTERM."""
        for effect in self._leave:
            effect()


class Plant:
    """Log, stores and processes. ``run`` a plan, then ``settle``.

    Args:
        kinds: the processes that settle it.
        records_max: of one round of router and tracker.
    """

    def __init__(self, kinds: tuple[str, ...] = KINDS, records_max: int = RECORDS_MAX) -> None:
        self.kinds, self.records_max, self.bite_bytes = kinds, records_max, 1
        self.log = MemoryLog(PARTITIONS, LOG_TIME)
        self.redis = MemoryStateStore()
        self.clickhouse = MemoryHistory()
        self.registry = MemoryRegistry()
        self.registry_ids = {topic: self.registry.schema_id(topic) for topic in PARTITIONS}
        self.processes: dict[tuple[str, int], Process] = {}
        self._remembered = self.redis.snapshot()
        self._generation = 0
        self._seconds = self.log.now / 1_000_000
        self._awake: set[tuple[str, int]] = set()
        self._plan: deque[Action] = deque()

    # --- time

    def seconds(self) -> float:
        """Of a clock that never goes back; that of the host is ``log.now``."""
        return self._seconds

    def pass_time(self, seconds: float) -> None:
        self.log.now += round(seconds * 1_000_000)
        self._seconds += seconds

    def fresh_generation(self) -> int:
        self._generation += 1
        return self._generation

    # --- the scheduler

    def run(self, plan: Sequence[Action]) -> None:
        """Every action of ``plan`` in its order."""
        self._plan = deque(plan)
        while self._plan:
            self._act(self._plan.popleft())

    def _act(self, action: Action) -> None:
        self.pass_time(ROUND_SECONDS)
        if isinstance(action, Captured):
            self.log.append(TopicPartition(action.topic, action.partition), action.key(), action.value())
        elif isinstance(action, Turn):
            self.turn(action)
        else:
            self.fault(action)

    def turn(self, turn: Turn) -> None:
        """A process of that kind and slot does a round; a dead one is started first."""
        place = turn.kind, turn.slot
        if place in self._awake:
            return  # it sleeps in the middle of a round
        process = self.processes.get(place)
        if process is None:
            process = self.processes[place] = Process(self, turn.kind)
        self._awake.add(place)
        before = crash_point._armed, crash_point._passages_left, crash_point._die
        crash_point.arm(f"{turn.point}:{turn.passage}" if turn.point else "", lambda status: self._reached(process, turn))
        try:
            process.round()
        except Died:
            del self.processes[place]
        finally:
            crash_point._armed, crash_point._passages_left, crash_point._die = before
            self._awake.discard(place)

    def _reached(self, process: Process, turn: Turn) -> None:
        if not turn.sleeps:
            process.kill(stored=turn.passage - 1)
            raise Died
        crash_point.arm("")
        for reader in process.readers:
            reader.throw_out()
        for _ in range(turn.sleeps):
            if self._plan:
                self._act(self._plan.popleft())

    def fault(self, fault: Fault) -> None:
        """What goes wrong beside the processes."""
        place = KINDS[fault.number % len(KINDS)], fault.number % SLOTS
        switches: dict[str, Callable[[], None]] = {
            "kill": lambda: self._end(place, lambda process: process.kill(stored=fault.number)),
            "stop": lambda: self._end(place, lambda process: process.stop()),
            "tick": lambda: None,
            "later": lambda: self.pass_time(600.0),
            "clock back": lambda: self._set_clock(-HOUR),
            "clock ahead": lambda: self._set_clock(HOUR // 12),
            "throw out": lambda: self._throw_out(place),
            "log away": lambda: setattr(self.log, "away", True),
            "log back": lambda: setattr(self.log, "away", False),
            "fail a write": lambda: setattr(self.log, "fail_writes", 1),
            "lose an acknowledgement": lambda: setattr(self.log, "lose_acks", 1),
            "redis away": lambda: setattr(self.redis, "away", True),
            "redis back": lambda: setattr(self.redis, "away", False),
            "lose a commit's answer": lambda: setattr(self.redis, "lose_answers", 1),
            "remember redis": self._remember,
            "restore redis": lambda: self.redis.restore(self._remembered),
            "empty redis": self.redis.clear,
            "clickhouse away": lambda: setattr(self.clickhouse, "away", True),
            "clickhouse back": lambda: setattr(self.clickhouse, "away", False),
            "lose an insert's answer": lambda: setattr(self.clickhouse, "lose_answers", 1),
            "forget tokens": self._forget_tokens,
            "registry away": lambda: setattr(self.registry, "away", True),
            "registry back": lambda: setattr(self.registry, "away", False),
        }
        switches[fault.name]()

    def _end(self, place: tuple[str, int], end: Callable[[Process], None]) -> None:
        if place in self.processes and place not in self._awake:
            end(self.processes.pop(place))

    def _throw_out(self, place: tuple[str, int]) -> None:
        if place in self.processes:
            for reader in self.processes[place].readers:
                reader.throw_out()

    def _set_clock(self, by: int) -> None:
        """The host's clock jumps; no time passes."""
        self.log.now += by

    def _remember(self) -> None:
        self._remembered = self.redis.snapshot()

    def _forget_tokens(self) -> None:
        """The window of remembered tokens passes; no insert is on its way meanwhile."""
        if all(kind != "sink" for kind, _ in self._awake):
            self.clickhouse.forget_tokens()

    # --- the end

    def settle(self) -> None:
        """``calm``, and time passes until nothing is open."""
        self.calm()
        self.log.now += GRACES_OVER
        self._until_quiet()

    def calm(self) -> None:
        """All faults end, one process of each kind is left, until nothing moves."""
        self.log.away = self.redis.away = self.clickhouse.away = self.registry.away = False
        self.log.fail_writes = self.log.lose_acks = self.redis.lose_answers = self.clickhouse.lose_answers = 0
        for place in sorted(self.processes):
            self._end(place, lambda process: process.kill(stored=1))
        self.records_max, self.bite_bytes = max(self.records_max, CALM_RECORDS_MAX), CALM_BITE_BYTES
        self._until_quiet()

    def _until_quiet(self) -> None:
        for number in range(ROUNDS_MAX):
            for kind in self.kinds:
                self.turn(Turn(kind, 0))
            self.pass_time(CALM_ROUND_SECONDS)
            if number > 1 and self.quiet():
                return
        raise AssertionError(f"not quiet after {ROUNDS_MAX} rounds")

    def quiet(self) -> bool:
        """Everything captured is routed, told, tracked and stored; only the clock goes on."""
        routed = self.log.group("packtrace-router").positions
        stored = self.log.group("packtrace-sink").positions
        told = ("events", "history", "alerts", "rejected") if "sink" in self.kinds else ()
        for partition, records in self.log.records.items():
            if partition.topic in ("events", "reference") and _behind(routed.get(partition), records):
                return False
            if partition.topic in told and _behind(stored.get(partition), records):
                return False
        reached = int(self.log.now - 10 * 1_000_000)
        for number in range(PARTITIONS["ops"]):
            meta = self.redis.meta(number)
            if meta is None or meta.offset != len(self.log.records[TopicPartition("ops", number)]):
                return False
            if meta.clocks.get(f"ops/{number}", 0) < reached:
                return False
        return True


def _behind(committed: object, records: Sequence[LogRecord]) -> bool:
    return bool(records) and (committed is None or getattr(committed, "offset", -1) != len(records))
