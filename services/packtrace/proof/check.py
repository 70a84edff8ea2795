"""The invariants behind "nothing lost, nothing twice", compared at one moment of a system at work.

The moment is where Redis stands when it is asked, one offset for each ops partition; history and alerts are looked at below it. What
is compared is said in ``INVARIANTS``; each answers the smallest thing that differs, with the events it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from packtrace.errors import RefusedError
from packtrace.ports import HistoryStore, LogScan, PartitionMeta, StateStore, TopicPartition
from packtrace.proof.archive import AlertLine, ProofArchive
from packtrace.proof.fold import Folded, Told, fold
from packtrace.tracker.cache import entry_share, item_share

_MASK = (1 << 64) - 1
SCANS_MAX = 5
"""A partition that moves while it is read is read again, so often."""
SHOWN_MAX = 3
"""Differences told of one invariant; the first is the smallest."""

# fmt: off
INVARIANTS: dict[str, str] = {
    "kept":    "every record of events is accepted or rejected, and none is both",
    "applied": "every accepted event is in the history once for each item it names",
    "once":    "no lineage is twice in a table, counted without FINAL",
    "redis":   "the digest in Redis is that of what Redis holds",
    "history": "the digest in Redis is the one computed from ClickHouse at the same offset",
    "fold":    "Redis holds what a plain fold over ops makes",
    "rows":    "the history rows are those of the plain fold",
    "alerts":  "the alerts are those of the plain fold, each version once",
    "facts":   "every fact the plain fold makes was told, and no other",
}
# fmt: on


class Site(NamedTuple):
    """What is compared."""

    store: StateStore
    history: HistoryStore
    log: LogScan
    partitions: int
    """Of ops."""
    event_partitions: int


class Difference(NamedTuple):
    """One thing that is not as it must be. ``events``: what the item took in, as the history has it."""

    where: str
    expected: str
    found: str
    item: str = ""
    events: Sequence[Mapping[str, object]] = ()


class Verdict(NamedTuple):
    """Of one invariant. ``skipped`` says why it could not be compared, where it could not."""

    invariant: str
    compared: int
    differences: list[Difference]
    skipped: str = ""


Tell = Callable[[str], None]
Held = dict[str, tuple[bytes, dict[bytes, bytes]]]


def check(site: Site, settle: Callable[[], None], tell: Tell = lambda text: None, *, with_fold: bool = True) -> Iterator[Verdict]:
    """Compare everything.

    Args:
        settle: returns when everything captured before the call is in Redis and ClickHouse.
        tell: called with how far it is.
        with_fold: also read all of ops again, the long part.

    Raises:
        UnavailableError: a server is away.
    """
    archive = ProofArchive(site.history)
    events = [site.log.ends(TopicPartition("events", number)) for number in range(site.event_partitions)]
    tell("waiting until everything captured is stored")
    settle()
    metas = {number: meta for number in range(site.partitions) if (meta := site.store.meta(number)) is not None}
    below = [metas[number].offset if number in metas else 0 for number in range(site.partitions)]
    settle()
    tell("events")
    yield _kept(archive, events)
    yield _applied(archive, events)
    tell("rows that are twice")
    yield _once(archive)
    yield _redis(site, metas, tell)
    tell("the digest of the history")
    yield _history(site, archive, metas, below)
    if with_fold:
        yield from _fold(site, archive, metas, below, tell)


def _kept(archive: ProofArchive, events: Sequence[tuple[int, int]]) -> Verdict:
    differences = []
    for number, (start, end) in enumerate(events):
        found = archive.kept(number, start, end)
        if found != end - start:
            missing = archive.first_missing(number, start, end)
            where = f"events/{number}/{missing}"
            differences.append(
                Difference(where, "accepted or rejected", f"neither; so are {end - start - found:,} of {end - start:,} records")
            )
        for offset in archive.accepted_and_rejected(number, end):
            differences.append(Difference(f"events/{number}/{offset}", "accepted or rejected", "both"))
    return Verdict("kept", sum(end - start for start, end in events), differences)


def _applied(archive: ProofArchive, events: Sequence[tuple[int, int]]) -> Verdict:
    unequal = archive.unequal_events([end for _, end in events])
    differences = [
        Difference(f"events/{one.partition}/{one.offset}", f"{one.items} ops of event {one.id}", f"{one.ops}") for one in unequal
    ]
    return Verdict("applied", sum(end - start for start, end in events), differences[:SHOWN_MAX])


def _once(archive: ProofArchive) -> Verdict:
    differences = []
    rows = 0
    for table, (count, found) in archive.twice().items():
        rows += count
        for one in found[:SHOWN_MAX]:
            events = archive.rows_of(one.item) if one.item else ()
            where = f"{table}, lineage {one.partition}/{one.offset}/{one.position}"
            differences.append(Difference(where, "one row", f"{one.rows}", one.item, events))
    return Verdict("once", rows, differences)


def _redis(site: Site, metas: Mapping[int, PartitionMeta], tell: Tell) -> Verdict:
    differences = []
    items = 0
    moving = 0
    for number in metas:
        tell(f"Redis, partition {number} of {site.partitions}")
        for _ in range(SCANS_MAX):
            before = site.store.meta(number)
            held, digest = 0, 0
            for key, packed, content in site.store.scan(number):
                held += 1
                digest += _share(key, packed, content)
            after = site.store.meta(number)
            if before is not None and after is not None and before.digest == after.digest:
                items += held
                if after.digest != digest & _MASK:
                    differences.append(_digests(f"Redis, partition {number}", digest & _MASK, after.digest))
                break
        else:
            moving += 1
    return Verdict("redis", items, differences, f"{moving} partitions moved while they were read" if moving else "")


def _history(site: Site, archive: ProofArchive, metas: Mapping[int, PartitionMeta], below: Sequence[int]) -> Verdict:
    digests = archive.digests(below)
    differences: list[Difference] = []
    for number, meta in metas.items():
        digest, _ = digests[number]
        if digest != meta.digest:
            held = {key: (packed, content) for key, packed, content in site.store.scan(number)}
            stored = {
                key: (packed, page.content.get(key, {}))
                for page in archive.pages(below, [0] * len(below))
                for key, packed, _ in zip(*page.items.get(number, ((), (), ())), strict=True)
            }
            where = f"ops/{number} at offset {meta.offset}"
            differences.append(_smallest(archive, where, "ClickHouse", stored, held) or _digests(where, digest, meta.digest))
    return Verdict("history", sum(items for _, items in digests.values()), _smallest_first(differences))


def _fold(site: Site, archive: ProofArchive, metas: Mapping[int, PartitionMeta], below: Sequence[int], tell: Tell) -> Iterator[Verdict]:
    ends = [site.log.ends(TopicPartition("ops", number)) for number in range(site.partitions)]
    short = [f"ops/{number} begins at offset {oldest:,}" for number, (oldest, _) in enumerate(ends) if oldest]
    if short:
        why = f"{short[0]}{f' and {len(short) - 1} more partitions' if len(short) > 1 else ''}: retention has passed, there is no first record"
        for name in ("fold", "rows", "alerts", "facts"):
            yield Verdict(name, 0, [], why)
        return
    stored = archive.history(below)
    alerts: dict[int, list[AlertLine]] = {}
    for line in archive.alerts(below):
        alerts.setdefault(line.partition, []).append(line)
    found: dict[str, list[Difference]] = {"fold": [], "rows": [], "alerts": [], "facts": []}
    counts = dict.fromkeys(found, 0)
    told = Told()
    made: dict[tuple[int, int], tuple[int, int]] = {}
    for number, (_, end) in enumerate(ends):
        if number not in metas:
            continue
        folded = _folded(site, number, below, end, told, tell)
        made |= {(number, target): (one.count, one.share) for target, one in folded.facts.items()}
        found["fold"] += _state(site, archive, number, metas[number], folded)
        counts["fold"] += sum(1 for _ in folded.store.scan(number))
        rows, share = stored.get(number, (0, 0))
        if (rows, share & _MASK) != (folded.history.count, folded.history.share):
            found["rows"].append(_row(site, archive, number, below, end))
        counts["rows"] += folded.history.count
        found["alerts"] += _alerts(archive, number, folded, alerts.get(number, []))
        counts["alerts"] += len(folded.alerts)
    for pair in sorted(made.keys() | told.sums.keys()):
        was = made.get(pair, (0, 0))
        is_told = told.sums[pair].count, told.sums[pair].share
        counts["facts"] += was[0]
        if was != is_told:
            found["facts"].append(Difference(f"ops/{pair[0]} to ops/{pair[1]}", f"{was[0]:,} facts", f"{is_told[0]:,}, or others"))
    for name, differences in found.items():
        yield Verdict(name, counts[name], _smallest_first(differences))


def _folded(site: Site, number: int, below: Sequence[int], end: int, told: Told, tell: Tell, *, with_lineage: bool = False) -> Folded:
    records = site.log.records(TopicPartition("ops", number), 0, end)
    return fold(
        number, below, records, told, with_lineage=with_lineage,
        tell=lambda done: tell(f"ops/{number} of {site.partitions}: {done:,} of {end:,} records folded"),
    )  # fmt: skip


def _state(site: Site, archive: ProofArchive, number: int, meta: PartitionMeta, folded: Folded) -> list[Difference]:
    wanted = folded.store.meta(number)
    if wanted is None:
        raise RefusedError(f"ops/{number}: nothing was folded")
    where = f"ops/{number} at offset {meta.offset}"
    found = []
    if wanted.digest != meta.digest:
        held = {key: (packed, content) for key, packed, content in site.store.scan(number)}
        folds = {key: (packed, content) for key, packed, content in folded.store.scan(number)}
        found.append(_smallest(archive, where, "the fold", folds, held) or _digests(where, wanted.digest, meta.digest))
    for name in ("offset", "watermarks", "clocks"):
        one, other = getattr(wanted, name), getattr(meta, name)
        if one != other:
            found.append(Difference(f"{where}, {name}", str(one), str(other)))
    return found


def _row(site: Site, archive: ProofArchive, number: int, below: Sequence[int], end: int) -> Difference:
    """The first history row that is not the fold's."""
    folded = _folded(site, number, below, end, Told(), lambda text: None, with_lineage=True)
    stored = archive.history_rows(number, below)
    for at in sorted(folded.lineage.keys() | stored.keys()):
        wanted, item = folded.lineage.get(at, (None, ""))
        if wanted != stored.get(at):
            expected = "a row" if wanted is not None else "no row"
            found = "none" if at not in stored else "another" if wanted is not None else "one"
            where = f"history, lineage {number}/{at[0]}/{at[1]}"
            return Difference(where, expected, found, item, archive.rows_of(item) if item else ())
    return Difference(f"history, ops/{number}", f"{folded.history.count:,} rows", "some of them twice")


def _alerts(archive: ProofArchive, number: int, folded: Folded, lines: Sequence[AlertLine]) -> list[Difference]:
    wanted = {(one.offset, one.nth): (one.change.id, one.change.version, one.change.status.value) for one in folded.alerts}
    items = {(one.offset, one.nth): one.change.item for one in folded.alerts}
    found: dict[tuple[int, int], tuple[str, int, str]] = {}
    versions: dict[tuple[str, int], tuple[int, int]] = {}
    differences = []
    for line in lines:
        at = line.offset, line.position
        found[at] = line.id, line.version, line.status
        items.setdefault(at, line.item)
        if versions.setdefault((line.id, line.version), at) != at:
            events = archive.rows_of(line.item)
            differences.append(Difference(f"alert {line.id}", f"version {line.version} once", "twice", line.item, events))
    for at in sorted(wanted.keys() | found.keys()):
        if wanted.get(at) != found.get(at):
            expected, other = (" ".join(map(str, one)) if one else "none" for one in (wanted.get(at), found.get(at)))
            where = f"alerts, lineage {number}/{at[0]}/{at[1]}"
            differences.append(Difference(where, expected, other, items[at], archive.rows_of(items[at])))
            break
    return differences[:SHOWN_MAX]


def _smallest(archive: ProofArchive, where: str, source: str, wanted: Held, held: Held) -> Difference | None:
    """The item that differs and has the least bytes; None where only what does not count for the digest differs."""
    differing = [
        (max(len(wanted.get(key, (b"",))[0]), len(held.get(key, (b"",))[0])), key)
        for key in wanted.keys() | held.keys()
        if _counted(key, wanted) != _counted(key, held)
    ]
    if not differing:
        return None
    _, key = min(differing)
    expected, found = (_words(key, one) for one in (wanted, held))
    return Difference(f"{where}, {len(differing):,} items", f"{source}: {expected}", f"Redis: {found}", key, archive.rows_of(key))


def _counted(key: str, held: Held) -> int | None:
    return _share(key, *held[key]) if key in held else None


def _words(key: str, held: Held) -> str:
    if key not in held:
        return "no such item"
    packed, content = held[key]
    return f"{packed.hex()}{f' and {len(content)} content entries' if content else ''}"


def _share(key: str, packed: bytes, content: Mapping[bytes, bytes]) -> int:
    return (item_share(key, packed) + sum(entry_share(key, name, entry) for name, entry in content.items())) & _MASK


def _digests(where: str, wanted: int, found: int) -> Difference:
    return Difference(where, f"digest {wanted:016x}", f"{found:016x}")


def _smallest_first(differences: list[Difference]) -> list[Difference]:
    return sorted(differences, key=lambda one: (not one.item, len(one.found)))[:SHOWN_MAX]
