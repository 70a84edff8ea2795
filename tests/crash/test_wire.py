"""What a network does: answers that are lost, lines that are slow, silent or cut, servers that refuse. Every service talks through a
proxy (``wire``) to every server.

Each fault happens while lines publish. The numbers are those of the failure matrix that design and issues speak of.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from packtrace.adapters.clickhouse import ClickHouseStore
from packtrace.cli.settled import LateError
from tests.crash.links import through
from tests.crash.wire import Answer, Blackhole, Cut, Delay, DropAnswer, Fault, Kind, Link, Refuse, Throttle, containing, kafka
from tests.crash.works import SERVICES, Works

pytestmark = [pytest.mark.crash, pytest.mark.sweep, pytest.mark.timeout(300)]

TABLES = ("history", "alerts", "events", "rejected", "items")
INSERT = containing(b"insert_deduplication_token")
HIT_SECONDS_MAX = 30.0
LOST_ANSWERS = 4

# fmt: off
BAD_LINES: tuple[tuple[Fault, float], ...] = (
    # what                    for seconds
    (Cut(200),                2),
    (Cut(3_000, reset=True),  2),
    (Refuse(),                3),
    (Delay(0.3, 0.3),         4),
    (Throttle(1_024),         5),
    (Blackhole(),             8),
)
# fmt: on

REQUESTS = {"kafka": kafka(0), "redis": containing(b"pt_commit"), "clickhouse": INSERT}
"""What each server is asked to store."""


@pytest.fixture(scope="module", autouse=True)
def _through(_works: Works, links: dict[str, Link]) -> Iterator[None]:
    """Every service started in this module talks to the servers through the links."""
    _works.through = through(_works, links)
    _works.end()
    yield
    for link in links.values():
        link.set(None)
    _works.through = {}
    _works.end()


def hurt(link: Link, fault: Fault, times: int = 1) -> None:
    """``fault`` until it has hit somebody, so many times."""
    for _ in range(times):
        before, end = link.hits, time.monotonic() + HIT_SECONDS_MAX
        with link.broken(fault):
            while link.hits == before:
                assert time.monotonic() < end, f"nobody was hit by {fault}"
                time.sleep(0.01)
        time.sleep(1)


@pytest.mark.parametrize("server", ["kafka", "redis", "clickhouse"])
def test_a_bad_line(works: Works, links: dict[str, Link], server: str) -> None:
    """Row 23: cut, reset in the middle of an answer, refused, jitter, 1 kB/s, half open."""
    link = links[server]

    def all_of_it() -> None:
        for fault, seconds in BAD_LINES:
            before = link.hits
            with link.broken(fault):
                time.sleep(seconds)
            assert link.hits > before, fault
            time.sleep(1)

    works.during(all_of_it)
    works.assert_nothing_lost_or_twice()


@pytest.mark.parametrize("server", list(REQUESTS))
def test_an_answer_is_lost(works: Works, links: dict[str, Link], server: str) -> None:
    """Row 14: what was asked for is done, and nobody is told."""
    works.during(lambda: hurt(links[server], DropAnswer(REQUESTS[server]), LOST_ANSWERS))
    works.assert_nothing_lost_or_twice()


def test_an_answer_is_lost_and_clickhouse_remembers_no_tokens(works: Works, links: dict[str, Link]) -> None:
    """Row 20: the memory of tokens has a window, and its log may be lost; the rows are looked for before they are sent again."""
    history = ClickHouseStore(works.clickhouse)

    def remembers(tokens: int) -> None:
        for table in TABLES:
            history.command(f"ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = {tokens}")
            # a merge makes one row of two of the same lineage: it would hide what this test is about
            history.command(f"SYSTEM {'START' if tokens else 'STOP'} MERGES {table}")

    try:
        remembers(0)
        works.during(lambda: hurt(links["clickhouse"], DropAnswer(INSERT), LOST_ANSWERS))
        works.stop("sink")
        works.start("sink", crash_at="sink.after_insert:2")
        works.publish_until_killed("sink")
        works.start("sink")
        works.assert_nothing_lost_or_twice()
    finally:
        remembers(10_000)
        history.close()


def refusal(code: int, name: str) -> Answer:
    """As ClickHouse says it over HTTP."""
    text = f"Code: {code}. DB::Exception: the test says so. ({name}) (version 26.9)\n"
    head = (
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain; charset=UTF-8\r\nConnection: close\r\n"
        f"X-ClickHouse-Exception-Code: {code}\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    return Answer(INSERT, (head + text).encode())


def test_clickhouse_refuses_for_a_while(works: Works, links: dict[str, Link]) -> None:
    """Row 19: too many parts, no memory, no space, read only: waited out."""
    refusals = {241: "MEMORY_LIMIT_EXCEEDED", 243: "NOT_ENOUGH_SPACE", 242: "TABLE_IS_READ_ONLY", 252: "TOO_MANY_PARTS"}

    def refuse() -> None:
        for code, name in refusals.items():
            hurt(links["clickhouse"], refusal(code, name), 2)
            assert works.lives("sink"), works.log("sink")

    works.during(refuse)
    works.assert_nothing_lost_or_twice()


def test_clickhouse_refuses_for_good(works: Works, links: dict[str, Link]) -> None:
    """Row 19: what waiting does not heal stops the sink with the reason, and nothing is skipped."""
    works.publish(works.story())
    with links["clickhouse"].broken(refusal(16, "NO_SUCH_COLUMN_IN_TABLE")):
        assert works.ended("sink", 30) == 1
    assert "NO_SUCH_COLUMN_IN_TABLE" in works.log("sink")
    works.start("sink")
    works.assert_nothing_lost_or_twice()


def test_redis_is_full(works: Works) -> None:
    """Row 9: every write is refused; then there is room again."""
    with redis.Redis.from_url(works.redis) as client:

        def fill() -> None:
            client.config_set("maxmemory", "1mb")
            try:
                time.sleep(6)
            finally:
                client.config_set("maxmemory", "0")

        works.during(fill)
    assert "used memory > 'maxmemory'" in works.log("tracker", 200)
    works.assert_nothing_lost_or_twice()


def test_redis_is_slow(works: Works, links: dict[str, Link]) -> None:
    """Row 9: every answer takes most of what a call waits."""

    def slow() -> None:
        with links["redis"].broken(Delay(1.5)):
            time.sleep(10)

    works.during(slow)
    works.assert_nothing_lost_or_twice()


def test_everything_starts_while_the_registry_is_away(works: Works, links: dict[str, Link]) -> None:
    """Row 32: schemas that were read once are on disk; a record that names another one is waited with, not rejected."""
    works.publish(works.story())
    works.settle()
    with links["registry"].broken(Refuse()):
        works.stop(*SERVICES)
        works.start(*SERVICES)
        *known, names_another = works.story()
        works.publish(known)
        works.settle()
        works.publish([names_another])
        with pytest.raises(LateError, match="the router is 1 record behind"):
            works.settle(3)
    works.assert_nothing_lost_or_twice()


def test_the_links_do_what_they_say(works: Works, links: dict[str, Link]) -> None:
    """The proxy itself: a client sees what each fault promises, and all is well after it."""
    link = links["redis"]

    def ask(*words: str) -> object:
        with redis.Redis(port=link.port, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
            return client.execute_command(*words)

    def fails(kind: Fault, expected: type[Exception] | tuple[type[Exception], ...], *words: str) -> None:
        with link.broken(kind), pytest.raises(expected):
            ask(*words)
        assert ask("PING")

    def takes(fault: Fault, at_least: float) -> None:
        begun = time.monotonic()
        with link.broken(fault):
            ask("PING")
        assert time.monotonic() - begun >= at_least

    counts: Kind = containing(b"INCR")
    ask("SET", "wire", "0")
    try:
        fails(Refuse(), redis.ConnectionError, "PING")
        fails(Blackhole(), redis.TimeoutError, "PING")
        fails(Cut(2), redis.ConnectionError, "PING")
        fails(Cut(2, reset=True), redis.ConnectionError, "PING")
        takes(Delay(0.2), 0.4)
        takes(Throttle(2_000), 0.05)
        fails(DropAnswer(counts), redis.ConnectionError, "INCR", "wire")
        assert ask("GET", "wire") == b"1", "done, though nobody was told"
        fails(Answer(counts, b"-BUSY said the link\r\n"), redis.ResponseError, "INCR", "wire")
        assert ask("GET", "wire") == b"1", "it did not arrive"
    finally:
        ask("DEL", "wire")
