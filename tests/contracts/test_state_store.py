"""The state store: one suite for the fake and for a real Valkey, and both fed the same random commits."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Iterator, Mapping

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packtrace.adapters import redis_state
from packtrace.adapters.redis_reader import RedisReader
from packtrace.adapters.redis_state import LOAD_KEYS_MAX, RedisStateStore, bucket_of
from packtrace.adapters.state_memory import MemoryStateStore
from packtrace.domain.identifiers import partition_of
from packtrace.errors import RefusedError, UnavailableError
from packtrace.ports import Commit, Fenced, Gap, PartitionMeta, Position

pytestmark = pytest.mark.contract

PARTITIONS = 16
TIME = 1_790_000_000_000_000
Store = RedisStateStore | MemoryStateStore


def command(url: str, *words: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.execute_command(*words)


@pytest.fixture(params=["memory", "valkey"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStateStore()
        return
    url = request.getfixturevalue("valkey_server")
    command(url, "FLUSHALL")
    real = RedisStateStore(url)
    yield real
    real.close()


def step(
    start: int = 0,
    to: int = 1,
    *,
    epoch: int = 1,
    partition: int = 3,
    digest: int = 7,
    items: Mapping[str, bytes] | None = None,
    content: Mapping[str, Mapping[bytes, bytes | None]] | None = None,
    deadlines: Mapping[str, int | None] | None = None,
    reference: Mapping[str, str | None] | None = None,
    watermarks: Mapping[str, Position] | None = None,
    clocks: Mapping[str, int] | None = None,
) -> Commit:
    return Commit(
        partition, epoch, start, to, digest, watermarks or {}, clocks or {}, items or {}, content or {}, deadlines or {}, reference or {}
    )


Everything = tuple[PartitionMeta | None, dict[str, tuple[bytes, dict[bytes, bytes]]], dict[str, int], dict[str, str]]


def everything(store: Store, partition: int = 3) -> Everything:
    scanned = list(store.scan(partition))
    items = {key: (packed, content) for key, packed, content in scanned}
    assert len(items) == len(scanned), "an item was scanned twice"
    return store.meta(partition), items, store.deadlines(partition), store.reference(partition)


def full(start: int, to: int, mark: bytes, epoch: int = 1) -> Commit:
    """A commit that writes in every place."""
    return step(
        start,
        to,
        epoch=epoch,
        digest=to,
        items={"K": mark, "C": mark},
        content={"C": {mark: mark}},
        deadlines={"K": TIME + to},
        reference={f"product|{to}": "{}"},
        watermarks={"events/0": Position(to, 2)},
        clocks={"events/0": TIME + to},
    )


def test_nothing_is_known_of_a_partition_never_owned(store: Store) -> None:
    assert everything(store) == (None, {}, {}, {})
    assert store.load(3, ["K"]) == {}


def test_each_owner_gets_a_new_epoch_and_where_the_last_one_stood(store: Store) -> None:
    assert store.acquire(3, PARTITIONS) == PartitionMeta(1, 0, 0, {}, {})
    store.commit(full(0, 5, b"x"))
    expected = PartitionMeta(2, 5, 5, {"events/0": Position(5, 2)}, {"events/0": TIME + 5})
    assert store.acquire(3, PARTITIONS) == expected
    assert store.meta(3) == expected
    assert store.acquire(4, PARTITIONS).epoch == 1


def test_what_is_committed_is_read_back(store: Store) -> None:
    store.acquire(3, PARTITIONS)
    store.commit(full(0, 5, b"\x00\xff\r\n"))
    item: tuple[bytes, dict[bytes, bytes]] = (b"\x00\xff\r\n", {})
    container = (b"\x00\xff\r\n", {b"\x00\xff\r\n": b"\x00\xff\r\n"})
    meta = PartitionMeta(1, 5, 5, {"events/0": Position(5, 2)}, {"events/0": TIME + 5})
    assert everything(store) == (meta, {"K": item, "C": container}, {"K": TIME + 5}, {"product|5": "{}"})
    assert store.load(3, ["C", "absent", "K"]) == {"K": item, "C": container}
    assert store.load(4, ["C", "K"]) == {}


def test_a_former_owner_is_fenced_and_writes_nothing(store: Store) -> None:
    store.acquire(3, PARTITIONS)
    store.commit(full(0, 5, b"x"))
    store.acquire(3, PARTITIONS)
    before = everything(store)
    for start in (5, 0, 9):
        with pytest.raises(Fenced):
            store.commit(full(start, 10, b"late"))
    assert everything(store) == before


@pytest.mark.parametrize(("start", "epoch"), [(0, 1), (4, 1), (6, 1), (50, 1), (5, 2)])
def test_a_commit_from_elsewhere_answers_where_the_store_stands_and_writes_nothing(store: Store, start: int, epoch: int) -> None:
    store.acquire(3, PARTITIONS)
    store.commit(full(0, 5, b"x"))
    before = everything(store)
    with pytest.raises(Gap) as gap:
        store.commit(full(start, 60, b"gap", epoch))
    assert gap.value.offset == 5
    assert everything(store) == before


def test_a_commit_answered_once_is_not_taken_again(store: Store) -> None:
    store.acquire(3, PARTITIONS)
    store.commit(full(0, 5, b"x"))
    with pytest.raises(Gap) as gap:
        store.commit(full(0, 5, b"x"))
    assert gap.value.offset == 5


def test_an_owner_that_never_acquired_gets_a_gap_at_0(store: Store) -> None:
    with pytest.raises(Gap) as gap:
        store.commit(full(0, 5, b"x"))
    assert gap.value.offset == 0
    assert everything(store) == (None, {}, {}, {})


def test_one_commit_may_change_20_000_items(store: Store) -> None:
    store.acquire(3, PARTITIONS)
    items = {f"0109506000134352 21{number}": b"%d" % number * 20 for number in range(20_000)}
    entries: dict[bytes, bytes | None] = {b"%d" % number: b"e%d" % number for number in range(9_001)}
    deadlines = {key: TIME + number for number, key in enumerate(items)}
    reference = {f"lot|{number}": "{}" for number in range(9_001)}
    store.commit(step(items={**items, "C": b"c"}, content={"C": entries}, deadlines=deadlines, reference=reference))
    assert len(items) > 3 * LOAD_KEYS_MAX
    loaded = store.load(3, [*items, "C"])
    assert {key: packed for key, (packed, _) in loaded.items()} == {**items, "C": b"c"}
    assert loaded["C"][1] == entries
    assert everything(store)[1:] == (loaded, deadlines, reference)
    nothing = dict.fromkeys(entries)
    store.commit(step(1, 2, content={"C": nothing}, deadlines=dict.fromkeys(deadlines), reference=dict.fromkeys(reference)))
    assert store.load(3, ["C"]) == {"C": (b"c", {})}
    assert (store.deadlines(3), store.reference(3)) == ({}, {})


def test_more_items_than_a_compact_hash_holds_are_scanned_once_each(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_state, "SCAN_ENTRIES", 50)
    store.acquire(3, PARTITIONS)
    wanted = [key for key in (f"S{number}" for number in range(600_000)) if bucket_of(key) == 5]
    assert len(wanted) > 512
    items = dict.fromkeys(wanted, b"x" * 85)
    store.commit(step(items=items))
    assert everything(store)[1] == {key: (packed, {}) for key, packed in items.items()}
    assert len(store.load(3, wanted)) == len(wanted)


def test_entries_deadlines_and_reference_data_are_set_replaced_and_removed(store: Store) -> None:
    store.acquire(3, PARTITIONS)
    store.commit(
        step(
            items={"C": b"c"},
            content={"C": {b"a": b"1", b"b": b"2"}, "D": {b"x": None}},
            deadlines={"K": TIME, "L": 2**53 - 1, "M": None},
            reference={"product|1": "{}", "lot|2": '{"expiry":"2027-00"}', "lot|3": None},
        )
    )
    store.commit(
        step(
            1,
            2,
            content={"C": {b"a": None, b"b": b"3", b"d": b""}},
            deadlines={"K": None, "L": TIME + 1},
            reference={"product|1": None, "lot|2": '{"name":"é"}'},
        )
    )
    assert store.load(3, ["C"]) == {"C": (b"c", {b"b": b"3", b"d": b""})}
    assert store.deadlines(3) == {"L": TIME + 1}
    assert (store.deadlines(3, TIME), store.deadlines(3, TIME + 1)) == ({}, {"L": TIME + 1})
    assert store.reference(3) == {"lot|2": '{"name":"é"}'}


def test_content_written_before_its_container_waits_for_it(store: Store) -> None:
    store.acquire(3, PARTITIONS)
    store.commit(step(content={"C": {b"a": b"1"}}))
    assert store.load(3, ["C"]) == {}
    store.commit(step(1, 2, items={"C": b"c"}))
    assert store.load(3, ["C"]) == {"C": (b"c", {b"a": b"1"})}


def test_64_bit_numbers_stay_exact(store: Store) -> None:
    store.acquire(3, PARTITIONS)
    source = Position(2**63 - 1, 2**31 - 1)
    offset = 2**63 - 2
    store.commit(step(to=offset, digest=2**64 - 1, watermarks={"events/0": source}, clocks={"events/0": 2**62 + 1}))
    expected = PartitionMeta(1, offset, 2**64 - 1, {"events/0": source}, {"events/0": 2**62 + 1})
    assert store.meta(3) == expected
    with pytest.raises(Gap) as gap:
        store.commit(step(offset - 1, offset + 1))
    assert gap.value.offset == offset
    store.commit(step(offset, offset + 1))


ODD = ["{", "}", "{4}", "a:b", "*", "%", "%7B3%7D", "a*b{c}:d%", "0109506000134352" + "21!\"%&'()*+,-./:;<=>?_", " ", "\\", "\r\n"]


def test_any_character_may_stand_in_a_key(store: Store) -> None:
    store.acquire(3, PARTITIONS)
    items = {key: key.encode() for key in ODD}
    content: dict[str, dict[bytes, bytes | None]] = {key: {key.encode(): b"e" + key.encode()} for key in ODD}
    deadlines = {key: TIME + number for number, key in enumerate(ODD)}
    reference = {f"lot|{key}": key for key in ODD}
    store.commit(step(items=items, content=content, deadlines=deadlines, reference=reference))
    assert everything(store)[1:] == ({key: (items[key], content[key]) for key in ODD}, deadlines, reference)


def test_another_partition_count_is_refused_and_changes_nothing(store: Store) -> None:
    store.acquire(3, PARTITIONS)
    before = everything(store)
    with pytest.raises(RefusedError, match=r"expected 32 partitions.*found 16"):
        store.acquire(3, 32)
    assert everything(store) == before
    store.acquire(0, PARTITIONS)
    with pytest.raises(RefusedError, match=r"expected 32 partitions.*found 16"):
        store.acquire(20, 32)
    assert store.meta(20) is None


def test_a_store_that_was_emptied_answers_gap_0_until_it_is_acquired_again(store: Store, request: pytest.FixtureRequest) -> None:
    store.acquire(3, PARTITIONS)
    store.commit(full(0, 5, b"x"))
    if isinstance(store, MemoryStateStore):
        store.clear()
    else:
        url = request.getfixturevalue("valkey_server")
        command(url, "FLUSHALL")
        command(url, "FUNCTION", "FLUSH")
    with pytest.raises(Gap) as gap:
        store.commit(full(5, 6, b"y"))
    assert gap.value.offset == 0
    assert store.acquire(3, PARTITIONS) == PartitionMeta(1, 0, 0, {}, {})
    store.commit(full(0, 5, b"x"))
    assert len(everything(store)[1]) == 2


# --- the same commits on both ---------------------------------------------------------------------------------------------------

KEYS = st.sampled_from(["K", "L", "C", "D{3}", "a:*%"])
BYTES = st.sampled_from([b"", b"\x00", b"x", b"y" * 3000])
TIMES = st.none() | st.sampled_from([TIME, TIME + 1, 2**53 - 1])
NUMBERS = st.sampled_from([0, 1, 2**53 + 1, 2**64 - 1])


@st.composite
def commits(draw: st.DrawFn) -> tuple[bool, Commit]:
    """(acquire first, a commit that mostly fits what stands)."""
    start = draw(st.integers(0, 4))
    return draw(st.booleans()), step(
        start,
        start + draw(st.integers(1, 2)),
        epoch=draw(st.integers(1, 4)),
        digest=draw(NUMBERS),
        items=draw(st.dictionaries(KEYS, BYTES, max_size=4)),
        content=draw(st.dictionaries(KEYS, st.dictionaries(BYTES, st.none() | BYTES, max_size=3), max_size=3)),
        deadlines=draw(st.dictionaries(KEYS, TIMES, max_size=3)),
        reference=draw(st.dictionaries(KEYS, st.none() | st.sampled_from(["{}", "[]"]), max_size=3)),
        watermarks=draw(st.dictionaries(st.sampled_from(["events/0", "ops/11"]), st.builds(Position, NUMBERS, NUMBERS))),
        clocks=draw(st.dictionaries(st.sampled_from(["events/0", "events/1"]), NUMBERS)),
    )


def outcome(store: Store, commit: Commit) -> str:
    try:
        store.commit(commit)
    except Fenced:
        return "fenced"
    except Gap as gap:
        return f"gap {gap.offset}"
    return "done"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=st.lists(commits(), min_size=1, max_size=8), aligned=st.booleans())
def test_both_stores_answer_and_hold_the_same_after_any_commits(
    valkey_server: str, sequence: list[tuple[bool, Commit]], aligned: bool
) -> None:
    command(valkey_server, "FLUSHALL")
    real, memory = RedisStateStore(valkey_server), MemoryStateStore()
    try:
        for acquire, drawn in sequence:
            commit = drawn
            if acquire:
                assert real.acquire(3, PARTITIONS) == memory.acquire(3, PARTITIONS)
            meta = memory.meta(3)
            if aligned and meta is not None:
                commit = drawn._replace(epoch=meta.epoch, from_offset=meta.offset, to_offset=meta.offset + 1)
            assert outcome(real, commit) == outcome(memory, commit)
            keys = ["K", "L", "C", "D{3}", "a:*%"]
            assert real.load(3, keys) == memory.load(3, keys)
            assert everything(real) == everything(memory)
    finally:
        real.close()


# --- an answer that does not come -----------------------------------------------------------------------------------------------


class Wire:
    """A connection to the server that can break after a commit was carried out and before its answer is through, or before the
    server sees it; and stay broken for the next ``refused`` connections."""

    def __init__(self, port: int) -> None:
        self.cut_answers = 0
        self.cut_requests = 0
        self.refused = 0
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refused:
                self.refused -= 1
                client.close()
                continue
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._port)) as server:
            committing = False
            while True:
                ready, _, _ = select.select([client, server], [], [], 30)
                for end in ready:
                    try:
                        words = end.recv(1 << 20)
                    except ConnectionError:
                        return
                    if not words:
                        return
                    committing = b"pt_commit" in words if end is client else committing
                    if end is client and committing and self.cut_requests:
                        self.cut_requests -= 1
                        return
                    if end is server and committing and self.cut_answers:
                        self.cut_answers -= 1
                        return
                    (server if end is client else client).sendall(words)


@pytest.fixture
def wire(valkey_server: str) -> Iterator[Wire]:
    command(valkey_server, "FLUSHALL")
    wire = Wire(int(valkey_server.rpartition(":")[2]))
    yield wire
    wire.close()


@pytest.fixture
def wired(wire: Wire) -> Iterator[RedisStateStore]:
    store = RedisStateStore(wire.url)
    store.acquire(3, PARTITIONS)
    store.commit(full(0, 5, b"x"))
    yield store
    store.close()


def test_a_commit_whose_answer_was_lost_is_found_to_be_done(wire: Wire, wired: RedisStateStore) -> None:
    wire.cut_answers = 1
    wired.commit(full(5, 6, b"y"))
    assert wire.cut_answers == 0
    wired.commit(full(6, 7, b"z"))


def test_a_commit_that_never_arrived_is_to_be_repeated(wire: Wire, wired: RedisStateStore) -> None:
    wire.cut_requests = 1
    with pytest.raises(UnavailableError, match="still stands at offset 5"):
        wired.commit(full(5, 6, b"y"))
    wired.commit(full(5, 6, b"y"))
    assert wired.load(3, ["K"]) == {"K": (b"y", {})}


def lose_memory() -> tuple[Store, Callable[[], None]]:
    memory = MemoryStateStore()

    def lose() -> None:
        memory.lose_answers = 1

    return memory, lose


@pytest.mark.parametrize("kind", ["memory", "valkey"])
def test_a_commit_in_doubt_may_be_repeated_and_counts_once(kind: str, request: pytest.FixtureRequest) -> None:
    store: Store
    if kind == "memory":
        store, lose = lose_memory()
    else:
        wire: Wire = request.getfixturevalue("wire")
        store = RedisStateStore(wire.url)

        def lose() -> None:
            wire.cut_answers = wire.refused = 1

    store.acquire(3, PARTITIONS)
    store.commit(full(0, 5, b"x"))
    lose()
    with pytest.raises(UnavailableError):
        store.commit(full(5, 6, b"y"))
    store.commit(full(5, 6, b"y"))
    with pytest.raises(Gap):
        store.commit(full(5, 6, b"y"))
    lose()
    with pytest.raises(UnavailableError):
        store.commit(full(6, 7, b"z"))
    with pytest.raises(Gap):
        store.commit(full(6, 7, b"another")._replace(digest=1))
    lose()
    with pytest.raises(UnavailableError):
        store.commit(full(7, 8, b"z"))
    store.acquire(3, PARTITIONS)
    with pytest.raises(Fenced):
        store.commit(full(7, 8, b"z"))
    store.close()


def test_a_commit_in_doubt_that_another_owner_overtook_is_fenced(valkey_server: str, wire: Wire, wired: RedisStateStore) -> None:
    wire.cut_answers = wire.refused = 1
    with pytest.raises(UnavailableError):
        wired.commit(full(5, 6, b"y"))
    other = RedisStateStore(valkey_server)
    assert other.acquire(3, PARTITIONS).offset == 6
    with pytest.raises(Fenced):
        wired.commit(full(5, 6, b"y"))
    other.close()


def test_a_server_that_is_away_or_wrong_says_so(valkey_server: str) -> None:
    away = RedisStateStore("redis://127.0.0.1:1")
    calls: list[Callable[[], object]] = [
        lambda: away.acquire(3, PARTITIONS),
        lambda: away.load(3, ["K"]),
        lambda: list(away.scan(3)),
        lambda: away.deadlines(3),
        lambda: away.reference(3),
        lambda: away.meta(3),
        lambda: away.commit(full(0, 1, b"x")),
    ]
    for call in calls:
        with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1"):
            call()
    with pytest.raises(RefusedError, match=r"found 'http://127\.0\.0\.1'"):
        RedisStateStore("http://127.0.0.1")
    with pytest.raises(RefusedError, match="username-password"):
        RedisStateStore(valkey_server.replace("//", "//somebody:secret@")).meta(3)
    command(valkey_server, "FLUSHALL")
    command(valkey_server, "SET", "{3}:meta", "foreign")
    with pytest.raises(RefusedError, match="WRONGTYPE"):
        RedisStateStore(valkey_server).meta(3)


def test_a_server_that_is_full_or_read_only_is_waited_for(valkey_server: str) -> None:
    command(valkey_server, "FLUSHALL")
    store = RedisStateStore(valkey_server)
    store.acquire(3, PARTITIONS)
    for put, take_back in [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
        (("CONFIG", "SET", "min-replicas-to-write", "1"), ("CONFIG", "SET", "min-replicas-to-write", "0")),
        (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    ]:
        command(valkey_server, *put)
        try:
            with pytest.raises(UnavailableError):
                store.commit(full(0, 1, b"x"))
        finally:
            command(valkey_server, *take_back)
    assert store.load(3, ["K"]) == {}
    store.commit(full(0, 1, b"x"))
    store.close()


def test_an_older_library_is_replaced(valkey_server: str) -> None:
    command(valkey_server, "FLUSHALL")
    old = "redis.register_function{function_name='pt_version', callback=function() return 0 end, flags={'no-writes'}}"
    command(valkey_server, "FUNCTION LOAD", "REPLACE", f"#!lua name=packtrace\n{old}")
    store = RedisStateStore(valkey_server)
    store.acquire(3, PARTITIONS)
    store.commit(full(0, 5, b"x"))
    store.close()


# --- the fake's own ways, and readers -------------------------------------------------------------------------------------------


def test_the_fake_goes_back_to_an_older_moment() -> None:
    memory = MemoryStateStore()
    memory.acquire(3, PARTITIONS)
    memory.commit(full(0, 5, b"x"))
    moment, before = memory.snapshot(), everything(memory)
    memory.commit(full(5, 6, b"y"))
    for _ in range(2):
        memory.restore(moment)
        assert everything(memory) == before
        with pytest.raises(Gap) as gap:
            memory.commit(full(6, 7, b"z"))
        assert gap.value.offset == 5
        memory.commit(full(5, 6, b"y"))
    memory.away = True
    with pytest.raises(UnavailableError):
        memory.meta(3)


def test_a_reader_sees_what_owners_wrote(valkey_server: str) -> None:
    command(valkey_server, "FLUSHALL")
    command(valkey_server, "FUNCTION", "FLUSH")
    reader, store = RedisReader(valkey_server), RedisStateStore(valkey_server)
    assert (reader.partitions(), reader.meta(3), reader.metas(PARTITIONS), reader.reference(3)) == (None, None, {}, {})
    assert reader.item("K1", PARTITIONS) is None
    keys = [f"K{number}" for number in range(100)]
    for partition in range(PARTITIONS):
        store.acquire(partition, PARTITIONS)
        items = {key: key.encode() for key in keys if partition_of(key, PARTITIONS) == partition}
        entries: dict[str, dict[bytes, bytes | None]] = {key: {b"n": key.encode()} for key in items}
        store.commit(step(to=partition + 1, partition=partition, items=items, content=entries, reference={"product|1": "{}"}))
    assert reader.partitions() == PARTITIONS
    assert {partition: meta.offset for partition, meta in reader.metas(PARTITIONS).items()} == {n: n + 1 for n in range(PARTITIONS)}
    assert reader.meta(3) == store.meta(3)
    assert reader.items([*keys, "absent"], PARTITIONS) == {key: (key.encode(), {b"n": key.encode()}) for key in keys}
    assert reader.item("K1", PARTITIONS) == (b"K1", {b"n": b"K1"})
    assert reader.load(partition_of("K1", PARTITIONS), ["K1"]).keys() == {"K1"}
    assert reader.reference(5) == {"product|1": "{}"}
    assert reader.memory() > 100_000
    reader.close()
    store.close()
