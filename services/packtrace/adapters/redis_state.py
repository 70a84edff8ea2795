"""Live state on Redis or Valkey (port ``StateStore``): one writer per partition, each commit one call of a Redis Function.

All keys of ops partition p share the hash tag ``{p}``, so they lie in one slot of a cluster and one replication stream:

| key                        | type | holds                                                                                        |
|----------------------------|------|----------------------------------------------------------------------------------------------|
| ``{p}:meta``               | hash | ``epoch``, ``offset`` (next to read), ``digest``, ``partitions``, ``layout``,                |
|                            |      | ``wm:<source>`` = ``offset:nth`` last applied, ``clk:<source>`` = log time, microseconds     |
| ``{p}:i:<bucket>``         | hash | canonical key -> packed item; bucket = (xxh3_64(key) >> 32) mod 1024                         |
| ``{p}:c:<container key>``  | hash | entry name -> content entry                                                                  |
| ``{p}:d``                  | zset | canonical key, scored with its earliest deadline (log time in microseconds, below 2^53)      |
| ``{p}:r``                  | hash | ``entity|key`` -> JSON, the reference data applied                                           |

Items lie in buckets because a key of its own costs each of them some 60 bytes more. ``layout`` names this table and the number of
buckets; a store with another layout or partition count is refused, never converted in place.

A commit is checked (epoch, then offset) before its first write and reaches replicas and the append-only file as one
transaction, so what survives a failover is a state at one offset. The driver repeats nothing by itself: a commit whose answer
was lost is looked up instead.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis
import xxhash
from redis.backoff import NoBackoff
from redis.retry import Retry

from packtrace.errors import RefusedError, UnavailableError
from packtrace.ports import Commit, Fenced, Gap, PartitionMeta, Position

BUCKETS = 1024
LAYOUT = f"1/{BUCKETS}"
REBUILDING = "rebuilding"
"""Stands in the place of the layout until a rebuild is finished."""

SOCKET_TIMEOUT_SECONDS = 5.0
LOAD_KEYS_MAX = 5_000
"""Per call: other clients wait while a function runs, 12 ms at 5,000 items spread over all buckets."""

SCAN_BUCKETS = 16
SCAN_ENTRIES = 1_000
DEADLINES_MAX = 10_000
COMMIT_VALUES_MAX = 1_000_000
"""Words of one command; servers of some versions refuse more than 1,048,576."""

Loaded = dict[str, tuple[bytes, dict[bytes, bytes]]]

_LIBRARY = Path(__file__).with_suffix(".lua").read_text(encoding="utf-8")
_VERSION = int(re.findall(r"^local VERSION = ([0-9]+)$", _LIBRARY, re.MULTILINE)[0])

_PASSING = ("BUSY", "LOADING", "READONLY", "OOM", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS", "MISCONF", "UNKILLABLE")
"""First word of the answers that the same call may outlive."""

_PASSING_ERRORS = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.ReadOnlyError,
    redis.OutOfMemoryError,
    redis.exceptions.MasterDownError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.TryAgainError,
)


class AnswerLostError(UnavailableError):
    """The connection broke or timed out: the call may have been carried out."""


def meta_key(partition: int) -> str:
    return f"{{{partition}}}:meta"


def bucket_key(partition: int, bucket: int) -> str:
    return f"{{{partition}}}:i:{bucket}"


def content_key(partition: int, container: str) -> str:
    return f"{{{partition}}}:c:{container}"


def deadlines_key(partition: int) -> str:
    return f"{{{partition}}}:d"


def reference_key(partition: int) -> str:
    return f"{{{partition}}}:r"


def bucket_of(key: str) -> int:
    """From the upper half of the hash whose lower end chose the partition, so that a partition uses all its buckets."""
    return (xxhash.xxh3_64_intdigest(key.encode()) >> 32) % BUCKETS


class Server:
    """A connection pool and the function library on its server; safe to use from several threads.

    Every failure leaves as AnswerLostError, UnavailableError or RefusedError, naming the server.
    """

    def __init__(self, url: str) -> None:
        try:
            self._client: Any = redis.Redis.from_url(
                url,
                socket_timeout=SOCKET_TIMEOUT_SECONDS,
                socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
                retry=Retry(NoBackoff(), 0),
                client_name="packtrace",
            )
        except ValueError as error:
            raise RefusedError(f"PACKTRACE_REDIS: expected redis://host:port or unix:///path, found {url!r} ({error})") from error
        self._name = url.rpartition("@")[2]
        self._checked = False

    def close(self) -> None:
        self._client.close()

    def run(self, *words: str | bytes | int) -> Any:
        """The answer to one command."""
        try:
            return self._client.execute_command(*words)
        except redis.RedisError as error:
            raise self._translated(error) from error

    def run_all(self, commands: Iterable[tuple[str | bytes | int, ...]]) -> list[Any]:
        """The answers to several, sent at once and not as a transaction."""
        pipeline = self._client.pipeline(transaction=False)
        for words in commands:
            pipeline.execute_command(*words)
        try:
            return list(pipeline.execute())
        except redis.RedisError as error:
            raise self._translated(error) from error

    def call(self, function: str, keys: Sequence[str], args: Sequence[str | bytes | int], writes: bool = True) -> Any:
        """The answer of a function of the library, which is loaded where it is missing or older."""
        if not self._checked:
            self._bring_library()
        words = ("FCALL" if writes else "FCALL_RO", function, len(keys), *keys, *args)
        try:
            return self._client.execute_command(*words)
        except redis.RedisError as error:
            if "function not found" not in str(error).lower():
                raise self._translated(error) from error
        self._bring_library()
        return self.run(*words)

    def _bring_library(self) -> None:
        stored = 0
        try:
            stored = int(self._client.execute_command("FCALL_RO", "pt_version", 0))
        except redis.RedisError as error:
            if "function not found" not in str(error).lower():
                raise self._translated(error) from error
        if stored < _VERSION:
            self.run("FUNCTION LOAD", "REPLACE", _LIBRARY)
        self._checked = True

    def _translated(self, error: redis.RedisError) -> UnavailableError | RefusedError:
        text = f"redis {self._name}: {error}"
        if isinstance(error, (redis.AuthenticationError, redis.exceptions.AuthorizationError)):
            return RefusedError(text)
        if isinstance(error, redis.BusyLoadingError):
            return UnavailableError(text)
        if isinstance(error, (redis.ConnectionError, redis.TimeoutError)):
            return AnswerLostError(text)
        if isinstance(error, _PASSING_ERRORS) or str(error).startswith(_PASSING):
            return UnavailableError(text)
        return RefusedError(text)


def meta_of(stored: Any) -> PartitionMeta | None:
    """The meta hash as HGETALL answers it, a dict or a flat list; None when there is none."""
    if isinstance(stored, list):
        stored = dict(zip(stored[::2], stored[1::2], strict=True))
    if not stored:
        return None
    watermarks: dict[str, Position] = {}
    clocks: dict[str, int] = {}
    for name, value in stored.items():
        if name.startswith(b"wm:"):
            offset, _, nth = value.partition(b":")
            watermarks[name[3:].decode()] = Position(int(offset), int(nth))
        elif name.startswith(b"clk:"):
            clocks[name[4:].decode()] = int(value)
    return PartitionMeta(int(stored[b"epoch"]), int(stored[b"offset"]), int(stored[b"digest"]), watermarks, clocks)


def read_meta(server: Server, partition: int) -> PartitionMeta | None:
    return meta_of(server.run("HGETALL", meta_key(partition)))


def read_reference(server: Server, partition: int) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in server.run("HGETALL", reference_key(partition)).items()}


def read_items(server: Server, partition: int, items: Sequence[str]) -> Loaded:
    """Packed item and content of those that exist, ``LOAD_KEYS_MAX`` in one round trip."""
    found: Loaded = {}
    for start in range(0, len(items), LOAD_KEYS_MAX):
        wanted = items[start : start + LOAD_KEYS_MAX]
        buckets: dict[int, list[str]] = {}
        for key in wanted:
            buckets.setdefault(bucket_of(key), []).append(key)
        keys = [bucket_key(partition, bucket) for bucket in buckets]
        args: list[str | int] = [len(keys)]
        for fields in buckets.values():
            args += [len(fields), *fields]
        keys += [content_key(partition, key) for key in wanted]
        values, content = server.call("pt_load", keys, args, writes=False)
        held = _content(wanted, content)
        packed = (value for chunk in values for value in chunk)
        for key in (key for fields in buckets.values() for key in fields):
            value = next(packed)
            if value is not None:
                found[key] = (value, held.get(key, {}))
    return found


def _content(keys: Sequence[str], answer: list[Any]) -> dict[str, dict[bytes, bytes]]:
    pairs = zip(answer[::2], answer[1::2], strict=True)
    return {keys[number]: dict(zip(entries[::2], entries[1::2], strict=True)) for number, entries in pairs}


class RedisStateStore:
    """See the module and the port. After ``Gap`` of a store that lost the epoch (it was emptied, or failed over) the owner must
    acquire again: no commit of an epoch that is not the stored one is taken.

    Args:
        url: ``redis://host:port``, ``rediss://...`` or ``unix:///path``.
    """

    def __init__(self, url: str) -> None:
        self._server = Server(url)
        self._lock = threading.Lock()
        self._in_doubt: dict[int, tuple[int, int, int, int]] = {}
        """partition -> epoch, from, to and digest of a commit that may have been carried out."""

    def close(self) -> None:
        self._server.close()

    def acquire(self, partition: int, partitions: int) -> PartitionMeta:
        first = self._server.run("HMGET", meta_key(0), "partitions", "layout")
        if first[0] is not None:
            _fits(0, partitions, first[0], first[1])
        verdict, *found = self._server.call("pt_acquire", [meta_key(partition)], [partitions, LAYOUT])
        if verdict != b"OK":
            _fits(partition, partitions, found[0], found[1])
        meta = meta_of(found[0])
        if meta is None:
            raise UnavailableError(f"partition {partition}: acquired, but the store answered no meta")
        with self._lock:
            self._in_doubt.pop(partition, None)
        return meta

    def load(self, partition: int, items: Sequence[str]) -> Loaded:
        return read_items(self._server, partition, items)

    def scan(self, partition: int) -> Iterable[tuple[str, bytes, dict[bytes, bytes]]]:
        for first in range(0, BUCKETS, SCAN_BUCKETS):
            cursors = dict.fromkeys((bucket_key(partition, bucket) for bucket in range(first, first + SCAN_BUCKETS)), 0)
            seen: set[bytes] = set()  # HSCAN may answer an entry twice
            while cursors:
                answers = self._server.run_all(("HSCAN", key, cursor, "COUNT", SCAN_ENTRIES) for key, cursor in cursors.items())
                fresh = {name: packed for _, entries in answers for name, packed in entries.items() if name not in seen}
                seen |= fresh.keys()
                yield from self._with_content(partition, fresh)
                cursors = {key: int(answer[0]) for key, answer in zip(cursors, answers, strict=True) if int(answer[0])}

    def _with_content(self, partition: int, packed: dict[bytes, bytes]) -> Iterable[tuple[str, bytes, dict[bytes, bytes]]]:
        names = [name.decode() for name in packed]
        for start in range(0, len(names), LOAD_KEYS_MAX):
            chunk = names[start : start + LOAD_KEYS_MAX]
            _, content = self._server.call("pt_load", [content_key(partition, name) for name in chunk], [0], writes=False)
            held = _content(chunk, content)
            for name in chunk:
                yield name, packed[name.encode()], held.get(name, {})

    def deadlines(self, partition: int, until: int | None = None) -> dict[str, int]:
        found: dict[str, int] = {}
        last = "+inf" if until is None else until
        while True:
            first = len(found)
            asked = ("ZRANGEBYSCORE", deadlines_key(partition), "-inf", last, "WITHSCORES", "LIMIT", first, DEADLINES_MAX)
            page = self._server.run_all([asked])[0]
            flat = [word for entry in page for word in entry] if page and isinstance(page[0], (list, tuple)) else page
            found.update((name.decode(), int(float(score))) for name, score in zip(flat[::2], flat[1::2], strict=True))
            if len(found) < first + DEADLINES_MAX:
                return found

    def reference(self, partition: int) -> dict[str, str]:
        return read_reference(self._server, partition)

    def meta(self, partition: int) -> PartitionMeta | None:
        return read_meta(self._server, partition)

    def commit(self, commit: Commit) -> None:
        """As the port says.

        Raises:
            UnavailableError: it was not carried out, or that is not known; the same commit may be repeated by this store,
                which answers as if the first had been answered.
        """
        keys, args = commit_words(commit)
        if len(keys) + len(args) > COMMIT_VALUES_MAX:
            raise RefusedError(
                f"commit of partition {commit.partition}: expected {COMMIT_VALUES_MAX} values at most, found {len(keys) + len(args)}"
            )
        mark = (commit.epoch, commit.from_offset, commit.to_offset, commit.digest)
        try:
            verdict, *found = self._server.call("pt_commit", keys, args)
        except AnswerLostError:
            with self._lock:
                self._in_doubt[commit.partition] = mark
            self._look_up(commit)
            return
        with self._lock:
            in_doubt = self._in_doubt.pop(commit.partition, None)
        if verdict == b"FENCED":
            raise Fenced
        if verdict == b"GAP":
            offset = int(found[0])
            if in_doubt == mark and offset == commit.to_offset:
                with suppress(Gap):
                    self._applied(commit)
                    return
            raise Gap(offset)

    def _look_up(self, commit: Commit) -> None:
        """Return if ``commit`` was carried out, though its answer was lost."""
        stored = self.meta(commit.partition)
        if (
            stored is not None
            and (stored.epoch, stored.offset) == (commit.epoch, commit.from_offset)
            and commit.from_offset != commit.to_offset
        ):
            raise UnavailableError(f"commit of partition {commit.partition}: the store still stands at offset {stored.offset}")
        self._applied(commit)
        with self._lock:
            self._in_doubt.pop(commit.partition, None)

    def _applied(self, commit: Commit) -> None:
        """Only the owner of an epoch commits under it: its epoch and its end mean its commit."""
        stored = self.meta(commit.partition)
        if stored is None:
            raise Gap(0)
        if stored.epoch > commit.epoch:
            raise Fenced
        if (stored.epoch, stored.offset) != (commit.epoch, commit.to_offset):
            raise Gap(stored.offset)


def _fits(partition: int, partitions: int, stored_partitions: bytes, stored_layout: bytes | None) -> None:
    found = (stored_partitions.decode(), (stored_layout or b"").decode())
    if found == (str(partitions), REBUILDING):
        raise UnavailableError(f"state of ops partition {partition}: it is being rebuilt (packtrace rebuild)")
    if found != (str(partitions), LAYOUT):
        raise RefusedError(
            f"state of ops partition {partition}: expected {partitions} partitions in layout {LAYOUT}, found {found[0]} in layout {found[1]};"
            " partitions are fixed for the life of the topic, so use another Redis or empty this one and rebuild"
        )


def commit_words(commit: Commit) -> tuple[list[str], list[str | bytes | int]]:
    """Keys and arguments of ``pt_commit``: one key for each write, the new offset in the last."""
    partition = commit.partition
    keys = [meta_key(partition)]
    args: list[str | bytes | int] = [commit.epoch, commit.from_offset]

    def write(command: str, key: str, values: Sequence[str | bytes | int]) -> None:
        if values:
            keys.append(key)
            args.extend((command, len(values), *values))

    buckets: dict[int, list[str | bytes | int]] = {}
    for key, packed in commit.items.items():
        buckets.setdefault(bucket_of(key), []).extend((key, packed))
    for bucket, pairs in buckets.items():
        write("HSET", bucket_key(partition, bucket), pairs)
    for container, entries in commit.content.items():
        key = content_key(partition, container)
        write("HSET", key, [word for name, entry in entries.items() if entry is not None for word in (name, entry)])
        write("HDEL", key, [name for name, entry in entries.items() if entry is None])
    deadlines = commit.deadlines.items()
    write("ZADD", deadlines_key(partition), [word for name, time in deadlines if time is not None for word in (time, name)])
    write("ZREM", deadlines_key(partition), [name for name, time in deadlines if time is None])
    reference = commit.reference.items()
    write("HSET", reference_key(partition), [word for name, value in reference if value is not None for word in (name, value)])
    write("HDEL", reference_key(partition), [name for name, value in reference if value is None])
    meta: list[str | bytes | int] = ["digest", str(commit.digest)]
    for source, position in commit.watermarks.items():
        meta += [f"wm:{source}", f"{position.offset}:{position.nth}"]
    for source, time in commit.clocks.items():
        meta += [f"clk:{source}", time]
    write("HSET", meta_key(partition), [*meta, "offset", commit.to_offset])
    return keys, args
