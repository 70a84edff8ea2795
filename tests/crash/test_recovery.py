"""Servers that die, stop, come back older or empty; members that come, go and sleep. What works meanwhile loses and doubles nothing.

Every fault happens while lines publish. The numbers are those of the failure matrix that design and issues speak of.
"""

from __future__ import annotations

import os
import signal
import time

import pytest
import redis

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.adapters.kafka_scan import KafkaScan
from packtrace.adapters.redis_load import RedisLoader
from packtrace.proof.rebuild import plan, rebuild
from tests.crash.works import SERVICES, THROWN_OUT, Works

pytestmark = [pytest.mark.crash, pytest.mark.sweep, pytest.mark.timeout(300)]

EVERYTHING = (
    "local found = {} for _, key in ipairs(redis.call('KEYS', '*')) do found[#found + 1] = {key, redis.call('DUMP', key)} end return found"
)
"""All keys at one moment: what comes back older is a state that once was."""

SESSION_SECONDS = 10.0
"""After as long a silence the group gives a member's partitions to others."""


@pytest.mark.parametrize("server", ["valkey", "kafka", "clickhouse"])
def test_a_server_killed_and_started_again(works: Works, server: str) -> None:
    """Rows 5, 10 and 18."""

    def kill() -> None:
        killed = works.server_pid(server)
        os.kill(killed, signal.SIGKILL)
        end = time.monotonic() + 60
        while works.server_pid(server) in (0, killed):
            assert time.monotonic() < end
            time.sleep(0.1)

    works.during(kill)
    works.assert_nothing_lost_or_twice()


@pytest.mark.parametrize(("server", "seconds"), [("valkey", 8), ("kafka", 8), ("clickhouse", 40)])
def test_a_server_that_does_not_answer_for_a_while(works: Works, server: str, seconds: int) -> None:
    """Rows 13, 18 and 23: connections stay open and say nothing; longer than any call waits."""

    def sleep() -> None:
        pid = works.server_pid(server)
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)

    works.during(sleep)
    works.assert_nothing_lost_or_twice()


def test_redis_emptied_is_filled_again_from_the_log(works: Works) -> None:
    """Row 7."""
    with redis.Redis.from_url(works.redis) as client:
        works.during(lambda: client.flushall() and None)
    works.assert_nothing_lost_or_twice()


def test_redis_emptied_is_rebuilt_from_clickhouse(works: Works) -> None:
    """Row 7, with the command's own function."""
    works.publish(works.story())
    works.settle()
    time.sleep(11)  # a checkpoint each 10 s of the clock

    def empty_and_rebuild() -> None:
        history, scan, loader = ClickHouseStore(works.clickhouse), KafkaScan(works.kafka), RedisLoader(works.redis)
        with redis.Redis.from_url(works.redis) as client:
            client.flushall()
        found = plan(history, scan, 16)
        assert found.missing == []
        assert all(start.checkpoint.offset for start in found.starts)
        assert sum(one.items for one in rebuild(found, history, loader)) > 0
        for one in (history, scan, loader):
            one.close()

    works.during(empty_and_rebuild)
    works.assert_nothing_lost_or_twice()


def test_redis_comes_back_older(works: Works) -> None:
    """Row 6: a GAP, and the work is done again."""

    def lose_the_last_seconds() -> None:
        with redis.Redis.from_url(works.redis) as client:
            older = client.eval(EVERYTHING, 0)
            time.sleep(2)
            pipe = client.pipeline(transaction=True)
            pipe.flushall()
            for key, value in older:
                pipe.restore(key, 0, value)
            pipe.execute()

    works.during(lose_the_last_seconds)
    works.assert_nothing_lost_or_twice()


def test_clickhouse_without_its_rows_is_filled_again_from_the_topics(works: Works) -> None:
    """Row 40 in small: restored from nothing."""
    works.settle()
    works.stop("sink")
    history = ClickHouseStore(works.clickhouse)
    for table in ("history", "alerts", "events", "rejected", "items"):
        history.command(f"TRUNCATE TABLE {table}")
    history.close()
    works.publish(works.story())
    works.start("sink")
    works.assert_nothing_lost_or_twice()


def test_members_come_and_go_every_two_seconds(works: Works) -> None:
    """Row 15."""

    def storm() -> None:
        for number in range(6):
            works.start(*SERVICES, instance=f"-guest-{number}")
            time.sleep(2)
            works.stop(*(f"{name}-guest-{number}" for name in SERVICES))

    works.during(storm)
    works.assert_nothing_lost_or_twice()


@pytest.mark.parametrize("name", SERVICES)
def test_a_sleeper_wakes_up_after_others_took_its_partitions(works: Works, name: str) -> None:
    """Row 16."""

    def sleep() -> None:
        works.signal(name, signal.SIGSTOP)
        works.start(name, instance="-other")
        time.sleep(SESSION_SECONDS + 4)
        works.signal(name, signal.SIGCONT)
        time.sleep(3)

    works.during(sleep)
    works.stop(f"{name}-other")
    works.assert_nothing_lost_or_twice()


@pytest.mark.parametrize("name", SERVICES)
def test_a_process_whose_name_the_broker_gave_to_another_ends(works: Works, name: str) -> None:
    """Rows 13 and 16: the driver says so once and then reads nothing. Without an end nobody would start it again."""
    first = works.running[name]
    works.during(lambda: works.start(name))
    assert first.wait(60) == 1
    assert THROWN_OUT in works.home.joinpath(f"{name}.log").read_text()
    works.assert_nothing_lost_or_twice()


def test_another_partition_count_is_refused_with_a_sentence(works: Works) -> None:
    """Row 34."""
    works.stop("tracker")
    with redis.Redis.from_url(works.redis) as client:
        client.hset("{0}:meta", "partitions", 32)
        works.start("tracker", crash_at="tracker.after_commit:1000000")
        assert works.ended("tracker") == 1
        client.hset("{0}:meta", "partitions", 16)
    assert "expected 16 partitions" in works.log("tracker")
    assert "found 32" in works.log("tracker")
    works.start("tracker")
    works.assert_nothing_lost_or_twice()
