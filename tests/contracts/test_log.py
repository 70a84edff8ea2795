"""The log's suite: what router, tracker, sink and gateway rely on, held by the fake and by a real Kafka."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

import confluent_kafka as ck
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from packtrace.adapters.kafka import KafkaReader
from packtrace.adapters.kafka_writer import KafkaWriter
from packtrace.adapters.log_memory import MemoryLog, MemoryReader, MemoryWriter
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RefusedError, RejectedError, UnavailableError
from packtrace.ports import Committed, LogReader, LogRecord, LogWriter, TopicPartition

pytestmark = pytest.mark.contract

WAIT_SECONDS = 30.0


class Log:
    """One broker, one fresh topic of three partitions, and members that are closed at the end."""

    topic: str

    def __init__(self) -> None:
        self.opened: list[LogReader | LogWriter] = []
        self.assigned: list[TopicPartition] = []
        self.revoked: list[TopicPartition] = []

    def _reader(self, group: str) -> LogReader:
        raise NotImplementedError

    def _writer(self) -> LogWriter:
        raise NotImplementedError

    def forget(self, partition: int, oldest: int) -> None:
        raise NotImplementedError

    def writer(self) -> LogWriter:
        writer = self._writer()
        self.opened.append(writer)
        return writer

    def reader(
        self,
        group: str = "group",
        starts: Mapping[TopicPartition, int] | None = None,
        on_assigned: Callable[[list[TopicPartition]], None] | None = None,
        on_revoked: Callable[[list[TopicPartition]], None] | None = None,
    ) -> LogReader:
        reader = self._reader(f"{group}-{self.topic}")
        self.opened.append(reader)

        def assigned(partitions: list[TopicPartition]) -> Mapping[TopicPartition, int] | None:
            self.assigned += partitions
            if on_assigned is not None:
                on_assigned(partitions)
            return None if starts is None else {one: starts[one] for one in partitions if one in starts}

        def revoked(partitions: list[TopicPartition]) -> None:
            self.revoked += partitions
            if on_revoked is not None:
                on_revoked(partitions)

        reader.subscribe([self.topic], assigned, revoked)
        return reader

    def at(self, partition: int) -> TopicPartition:
        return TopicPartition(self.topic, partition)

    def close(self) -> None:
        for one in self.opened:
            one.close()


class MemoryLogs(Log):
    def __init__(self) -> None:
        super().__init__()
        self.topic = "topic"
        self.broker = MemoryLog({self.topic: 3})

    def _reader(self, group: str) -> LogReader:
        return MemoryReader(self.broker, group)

    def _writer(self) -> LogWriter:
        return MemoryWriter(self.broker)

    def forget(self, partition: int, oldest: int) -> None:
        self.broker.forget(self.at(partition), oldest)


class KafkaLogs(Log):
    def __init__(self, bootstrap: str, settings: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.bootstrap = bootstrap
        self.topic = f"topic-{uuid.uuid4().hex[:8]}"
        self.admin = AdminClient({"bootstrap.servers": bootstrap})
        config = {"message.timestamp.type": "LogAppendTime", **(settings or {})}
        for future in self.admin.create_topics([NewTopic(self.topic, num_partitions=3, replication_factor=1, config=config)]).values():
            future.result(WAIT_SECONDS)

    def _reader(self, group: str) -> LogReader:
        return KafkaReader(self.bootstrap, group)

    def _writer(self) -> LogWriter:
        return KafkaWriter(self.bootstrap)

    def forget(self, partition: int, oldest: int) -> None:
        for future in self.admin.delete_records([ck.TopicPartition(self.topic, partition, oldest)]).values():
            future.result(WAIT_SECONDS)


@pytest.fixture(params=["memory", "kafka"])
def log(request: pytest.FixtureRequest) -> Iterator[Log]:
    one: Log = MemoryLogs() if request.param == "memory" else KafkaLogs(request.getfixturevalue("kafka_server"))
    yield one
    one.close()


def read(reader: LogReader, count: int, *others: LogReader) -> list[LogRecord]:
    """``count`` records, polling ``others`` between so that they take part in rebalances."""
    records: list[LogRecord] = []
    deadline = time.monotonic() + WAIT_SECONDS
    while len(records) < count and time.monotonic() < deadline:
        records += reader.poll(1000, 0.1)
        for other in others:
            assert other.poll(1000, 0.05) == []
    assert len(records) == count
    return records


def until(done: Callable[[], bool], *readers: LogReader) -> list[LogRecord]:
    """Poll until ``done``; what came."""
    records: list[LogRecord] = []
    deadline = time.monotonic() + WAIT_SECONDS
    while not done() and time.monotonic() < deadline:
        for reader in readers:
            records += reader.poll(1000, 0.05)
    assert done()
    return records


def fill(log: Log, count: int, partition: int = 0, first: int = 0) -> None:
    writer = log.writer()
    for number in range(first, first + count):
        writer.write(log.topic, str(number).encode(), partition=partition)
    writer.flush(WAIT_SECONDS)


def values(records: list[LogRecord]) -> list[int]:
    return [int(record.value or b"") for record in records]


def test_a_record_is_read_as_it_was_written(log: Log) -> None:
    writer = log.writer()
    writer.write(log.topic, b"\0\xff", key=b"k", partition=2, headers=[("h", b"1")])
    writer.write(log.topic, None, partition=2)
    writer.flush(WAIT_SECONDS)
    first, second = read(log.reader(), 2)
    assert first[:5] == (log.topic, 2, 0, b"k", b"\0\xff")
    assert first.headers == (("h", b"1"),)
    assert second[:5] == (log.topic, 2, 1, None, None)
    assert first.log_time % 1000 == 0 and 0 < first.log_time <= second.log_time


def test_records_of_a_partition_come_in_order_without_a_gap(log: Log) -> None:
    writer = log.writer()
    for number in range(3000):
        writer.write(log.topic, str(number).encode(), partition=number % 3)
    writer.flush(WAIT_SECONDS)
    records = read(log.reader(), 3000)
    for partition in range(3):
        mine = [record for record in records if record.partition == partition]
        assert [record.offset for record in mine] == list(range(1000))
        assert values(mine) == list(range(partition, 3000, 3))


def test_one_key_stays_in_one_partition(log: Log) -> None:
    writer = log.writer()
    for _ in range(20):
        writer.write(log.topic, b"1", key=b"line-1")
    writer.flush(WAIT_SECONDS)
    assert len({record.partition for record in read(log.reader(), 20)}) == 1


def test_an_acknowledgement_names_partition_and_offset(log: Log) -> None:
    writer = log.writer()
    acknowledged: list[tuple[int, int]] = []
    for _ in range(3):
        writer.write(log.topic, b"1", partition=1, on_acknowledged=lambda partition, offset: acknowledged.append((partition, offset)))
    assert acknowledged == []
    writer.flush(WAIT_SECONDS)
    assert acknowledged == [(1, 0), (1, 1), (1, 2)]


def test_poll_of_an_empty_log_waits_only_its_timeout(log: Log) -> None:
    reader = log.reader()
    until(lambda: len(log.assigned) == 3, reader)
    start = time.monotonic()
    assert reader.poll(1000, 0.2) == []
    assert time.monotonic() - start < 2


def test_poll_returns_with_what_there_is(log: Log) -> None:
    fill(log, 5)
    reader = log.reader()
    start = time.monotonic()
    records = until(lambda: len(log.assigned) == 3, reader)
    while not records:
        records = reader.poll(1_000_000, 30)
    assert time.monotonic() - start < 25


def test_poll_keeps_to_the_number_asked_for(log: Log) -> None:
    fill(log, 20)
    reader = log.reader()
    records: list[LogRecord] = []
    deadline = time.monotonic() + WAIT_SECONDS
    while len(records) < 20 and time.monotonic() < deadline:
        some = reader.poll(3, 0.2)
        assert len(some) <= 3
        records += some
    assert values(records) == list(range(20))


def test_a_member_starts_where_the_group_committed(log: Log) -> None:
    fill(log, 10)
    first = log.reader()
    read(first, 10)
    first.commit({log.at(0): Committed(4, "note")})
    first.close()
    second = log.reader()
    assert values(read(second, 6)) == list(range(4, 10))
    assert second.committed([log.at(0), log.at(1)]) == {log.at(0): Committed(4, "note"), log.at(1): Committed(-1, "")}


def test_metadata_of_a_position_holds_4000_characters(log: Log) -> None:
    reader = log.reader()
    until(lambda: len(log.assigned) == 3, reader)
    reader.commit({log.at(1): Committed(0, "x" * 4000)})
    assert reader.committed([log.at(1)])[log.at(1)] == Committed(0, "x" * 4000)


def test_nothing_is_committed_unless_asked(log: Log) -> None:
    fill(log, 3)
    first = log.reader()
    read(first, 3)
    first.close()
    assert values(read(log.reader(), 3)) == [0, 1, 2]


def test_the_caller_may_name_the_start_over_the_committed_one(log: Log) -> None:
    fill(log, 10)
    first = log.reader()
    read(first, 10)
    first.commit({log.at(0): Committed(8)})
    first.close()
    assert values(read(log.reader(starts={log.at(0): 3}), 7)) == list(range(3, 10))


def test_groups_do_not_see_each_other(log: Log) -> None:
    fill(log, 3)
    assert values(read(log.reader("one"), 3)) == values(read(log.reader("two"), 3))


def test_seek_goes_back_and_nothing_older_slips_through(log: Log) -> None:
    fill(log, 2000)
    reader = log.reader()
    until(lambda: len(log.assigned) == 3, reader)
    seen = until_value(reader, 100)
    reader.seek(log.at(0), 50)
    after = read(reader, 1950)
    assert values(after) == list(range(50, 2000))
    assert seen


def until_value(reader: LogReader, number: int) -> list[LogRecord]:
    records: list[LogRecord] = []
    deadline = time.monotonic() + WAIT_SECONDS
    while (not records or int(records[-1].value or b"") < number) and time.monotonic() < deadline:
        records += reader.poll(200, 0.1)
    return records


def test_seek_goes_forward(log: Log) -> None:
    fill(log, 100)
    reader = log.reader()
    until_value(reader, 99)
    reader.seek(log.at(0), 97)
    assert values(read(reader, 3)) == [97, 98, 99]


def test_a_paused_partition_gives_nothing_and_goes_on_where_it_stood(log: Log) -> None:
    fill(log, 10)
    reader = log.reader()
    assert values(read(reader, 10)) == list(range(10))
    reader.pause([log.at(0)])
    fill(log, 10, first=10)
    fill(log, 1, partition=1)
    assert [record.partition for record in read(reader, 1)] == [1]
    assert reader.poll(100, 0.3) == []
    reader.resume([log.at(0)])
    assert values(read(reader, 10)) == list(range(10, 20))


def test_ends_are_those_of_the_broker(log: Log) -> None:
    reader = log.reader()
    until(lambda: len(log.assigned) == 3, reader)
    assert reader.watermarks(log.at(0)) == (0, 0)
    fill(log, 7)
    assert reader.watermarks(log.at(0)) == (0, 7)
    log.forget(0, 3)
    assert reader.watermarks(log.at(0)) == (3, 7)


def test_the_end_is_known_as_of_the_last_answer(log: Log) -> None:
    fill(log, 7)
    reader = log.reader()
    read(reader, 7)
    assert reader.known_end(log.at(0)) == 7


def test_a_new_group_starts_at_the_oldest_that_is_left(log: Log) -> None:
    fill(log, 7)
    log.forget(0, 3)
    assert values(read(log.reader(), 4)) == [3, 4, 5, 6]


@pytest.mark.parametrize("start", [1, 99])
def test_a_position_that_is_not_in_the_log_stops_the_reader_and_names_the_gap(log: Log, start: int) -> None:
    fill(log, 7)
    log.forget(0, 3)
    reader = log.reader(starts={log.at(0): start})
    with pytest.raises(RefusedError, match="it holds offsets 3 to 6"):
        until(lambda: False, reader)


def test_a_second_member_takes_its_share_and_gives_it_back(log: Log) -> None:
    first = log.reader()
    until(lambda: len(log.assigned) == 3, first)
    held: set[TopicPartition] = set()
    second = log.reader(on_assigned=held.update)
    until(lambda: bool(held), first, second)
    assert len(log.revoked) == len(held)
    assert 1 <= len(held) <= 2
    fill(log, 1, partition=next(iter(held)).partition)
    (record,) = read(second, 1, first)
    assert record.partition in {partition.partition for partition in held}
    second.commit({TopicPartition(record.topic, record.partition): Committed(1)})
    second.close()
    again = len(log.assigned)
    until(lambda: len(log.assigned) == again + len(held), first)
    assert first.poll(10, 0.2) == []


def test_what_stays_is_neither_revoked_nor_read_twice(log: Log) -> None:
    for partition in range(3):
        fill(log, 1, partition)
    first = log.reader()
    read(first, 3)
    held: set[TopicPartition] = set()
    second = log.reader(on_assigned=held.update)
    records = until(lambda: bool(held), first, second)
    records += second.poll(10, 0.3) + first.poll(10, 0.3)
    kept = {log.at(0), log.at(1), log.at(2)} - held
    assert kept and not kept & set(log.revoked)
    assert not [record for record in records if log.at(record.partition) in kept]


def test_positions_may_be_stored_while_partitions_are_taken_away(log: Log) -> None:
    for partition in range(3):
        fill(log, 4, partition)
    readers: list[LogReader] = []
    first = log.reader(on_revoked=lambda gone: readers[0].commit({partition: Committed(4) for partition in gone}))
    readers.append(first)
    read(first, 12)
    held: set[TopicPartition] = set()
    second = log.reader(on_assigned=held.update)
    records = until(lambda: bool(held), first, second)
    assert records + second.poll(10, 0.5) == []


class Member:
    """Reads, remembers, and stores its positions when it may: now, at a later poll, or when partitions are taken away."""

    def __init__(self, log: Log, seen: list[int]) -> None:
        self.seen = seen
        self.positions: dict[TopicPartition, Committed] = {}
        self.reader = log.reader(on_revoked=self.revoked)

    def revoked(self, gone: list[TopicPartition]) -> None:
        self.reader.commit({one: position for one in gone if (position := self.positions.pop(one, None)) is not None})

    def step(self) -> None:
        for record in self.reader.poll(100, 0.05):
            self.seen.append(int(record.value or b""))
            self.positions[TopicPartition(record.topic, record.partition)] = Committed(record.offset + 1)
        with suppress(UnavailableError):
            self.reader.commit(self.positions)
            self.positions.clear()


def test_joining_and_leaving_loses_and_repeats_nothing(log: Log) -> None:
    """Members come and go while records flow."""
    writer = log.writer()
    seen: list[int] = []
    written = 0
    first = Member(log, seen)
    for _ in range(3):
        members = [first]
        for turn in range(35):
            if turn == 10:
                members.append(Member(log, seen))
            for _ in range(5):
                writer.write(log.topic, str(written).encode(), partition=written % 3)
                written += 1
            writer.poll()
            for member in members:
                member.step()
        while members[1].positions:
            first.step()
            members[1].step()
        members[1].reader.close()
    writer.flush(WAIT_SECONDS)
    deadline = time.monotonic() + WAIT_SECONDS
    while len(seen) < written and time.monotonic() < deadline:
        first.step()
    assert sorted(seen) == list(range(written))


def test_a_record_over_the_topic_limit_is_rejected_and_costs_nothing_else(log: Log) -> None:
    writer = log.writer()
    writer.write(log.topic, b"1", partition=0)
    with pytest.raises(RejectedError, match="at most 1048576 bytes") as rejected:
        writer.write(log.topic, b"x" * 1_048_576, partition=0)
    assert rejected.value.code == Reject.RECORD_TOO_LARGE
    writer.write(log.topic, b"x" * 1_048_000, partition=0)
    writer.write(log.topic, b"3", partition=0)
    writer.flush(WAIT_SECONDS)
    assert [len(record.value or b"") for record in read(log.reader(), 3)] == [1, 1_048_000, 1]


def test_a_closed_writer_takes_nothing(log: Log) -> None:
    writer = log.writer()
    writer.close()
    with pytest.raises(UnavailableError):
        writer.write(log.topic, b"1")


def test_flush_without_a_broker_says_so_in_time() -> None:
    writer = KafkaWriter("127.0.0.1:1")
    writer.write("topic", b"1", partition=0)
    start = time.monotonic()
    with pytest.raises(UnavailableError, match="1 records not acknowledged within 1 s"):
        writer.flush(1)
    with pytest.raises(UnavailableError):
        writer.write("topic", b"1")
    writer.close()
    assert time.monotonic() - start < 5


def test_a_broker_that_is_away_is_an_outage_to_the_reader() -> None:
    reader = KafkaReader("127.0.0.1:1", "group")
    reader.subscribe(["topic"], lambda _: None, lambda _: None)
    assert reader.poll(10, 0.3) == []
    with pytest.raises(UnavailableError):
        reader.watermarks(TopicPartition("topic", 0))
    reader.close()


def test_a_killed_process_with_a_name_gets_its_partitions_back_at_once(kafka_server: str) -> None:
    """Within the session timeout of the member that never said goodbye."""
    log = KafkaLogs(kafka_server)
    fill(log, 3)
    assigned: list[TopicPartition] = []
    readers = [KafkaReader(kafka_server, f"group-{log.topic}", instance="router-0", session_timeout_milliseconds=30_000) for _ in range(2)]
    for reader in readers:
        assigned.clear()
        start = time.monotonic()
        reader.subscribe([log.topic], assigned.extend, lambda _: None)
        until(lambda: len(assigned) == 3, reader)
        assert time.monotonic() - start < 10
    readers[1].commit({log.at(0): Committed(3)})
    with pytest.raises(RefusedError, match="fenced by other consumer"):
        for _ in range(100):
            readers[0].poll(1, 0.1)
    for reader in readers:
        reader.close()
    log.close()


def test_a_record_the_broker_refuses_ends_the_writer_and_leaves_a_prefix(kafka_server: str) -> None:
    log = KafkaLogs(kafka_server, {"max.message.bytes": "1000"})
    fill(log, 1)
    writer = log.writer()
    writer.write(log.topic, b"1", partition=0)
    writer.flush(WAIT_SECONDS)
    for value in (secrets.token_bytes(3000), b"3"):
        writer.write(log.topic, value, partition=0)
    with pytest.raises(UnavailableError, match=r"cannot go on|was not stored"):
        writer.flush(WAIT_SECONDS)
    with pytest.raises(UnavailableError):
        writer.write(log.topic, b"4", partition=0)
    assert values(read(log.reader(), 2)) == [0, 1]
    log.close()


def test_a_fatal_error_that_the_driver_lost_ends_the_writer_and_an_error_of_our_own_does_not_pass_for_it() -> None:
    """``SystemError: returned NULL without setting an exception`` is seen now and then where a fatal error meets a callback."""

    def lost(_: float) -> int:
        raise SystemError("flush returned NULL without setting an exception")

    def ours(_: float) -> int:
        raise SystemError("flush returned a result with an exception set") from ValueError("in a callback")

    writer = KafkaWriter("127.0.0.1:1")
    with pytest.raises(SystemError):
        writer._serve(ours, 0)
    with pytest.raises(UnavailableError, match="cannot go on: flush returned NULL"):
        writer._serve(lost, 0)
    with pytest.raises(UnavailableError, match="cannot go on"):
        writer.write("topic", b"1", partition=0)
    writer.close()


def test_a_failed_delivery_ends_the_fake_writer_as_it_ends_the_real_one() -> None:
    broker = MemoryLog({"topic": 1})
    writer = MemoryWriter(broker)
    writer.write("topic", b"0", partition=0)
    writer.poll()
    broker.fail_writes = 1
    writer.write("topic", b"1", partition=0)
    writer.write("topic", b"2", partition=0)
    with pytest.raises(UnavailableError, match="was not stored"):
        writer.flush(1)
    with pytest.raises(UnavailableError):
        writer.write("topic", b"3", partition=0)
    assert [record.value for record in broker.topic("topic")] == [b"0"]


def test_a_partition_that_was_paused_and_taken_away_gives_again_when_it_comes_back(log: Log) -> None:
    reader = log.reader()
    until(lambda: len(log.assigned) == 3, reader)
    reader.pause(log.at(number) for number in range(3))
    other = log.reader()
    until(lambda: len(log.assigned) > 3, reader, other)
    moved = list(log.revoked)
    other.close()
    until(lambda: len(log.assigned) > 3 + len(moved), reader)
    fill(log, 1, partition=moved[0].partition)
    assert len(read(reader, 1)) == 1
