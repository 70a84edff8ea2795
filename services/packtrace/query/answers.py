"""Every question in one place: reads what it needs of the live state and the history, and lets the pure parts answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from packtrace.codec.identifiers import parse_scan
from packtrace.domain.explain import explain
from packtrace.domain.item import Item
from packtrace.domain.step import Subject
from packtrace.domain.vocabulary import Entity
from packtrace.errors import RejectedError, UnavailableError
from packtrace.query import render
from packtrace.query.alerts import STATUSES, alert_answer, rejected_answer, statuses, versions_answer
from packtrace.query.archive import BEFORE_ALL, BEFORE_ALL_REJECTED, Archive
from packtrace.query.archive_items import FIRST_EVENT
from packtrace.query.events import events_answer
from packtrace.query.explain import explain_answer
from packtrace.query.items import Json, item_answer
from packtrace.query.live import Live
from packtrace.query.parameters import Parameters, cursor_text, item_of, lot_of
from packtrace.query.past import Past
from packtrace.query.problem import ProblemError, of_rejected
from packtrace.query.recall import recall_answer
from packtrace.query.reference import reference_answer
from packtrace.query.tree import NODES_DEFAULT, NODES_MAX, tree_answer
from packtrace.query.verify import verify_answer

PAGE_DEFAULT = 100
UNITS_DEFAULT = 1_000
UNITS_MAX = 100_000
EVIDENCE_ROWS_MAX = 1_000
"""Reports of the few events an alert names: a machine that sends one without end hides none of the others."""
CODE_CHARACTERS_MAX = 1_024

ENTITIES = tuple(str(entity) for entity in Entity if entity is not Entity.RECALL)
"""What reference data is made of; a recall of lots is an event."""

_ALERT_ID = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"-?[0-9]{1,19}")


class Answers:
    """See the module. Methods take (path segments, parameters); safe to use from several threads.

    Args:
        history_reached: log time up to which the history holds everything; None while not known.
        page_max: most events, alerts or rejected inputs of one page.
    """

    def __init__(self, live: Live, archive: Archive, history_reached: Callable[[], int | None], page_max: int = 10_000) -> None:
        self._live = live
        self._archive = archive
        self._past = Past(archive)
        self._history_reached = history_reached
        self._page_max = page_max

    def item(self, segments: Sequence[str], parameters: Parameters) -> Json:
        item, ancestors, as_of = self._found(item_of(segments[0]), parameters.time("at"))
        return item_answer(item, ancestors, self._live.reference(item.key), as_of)

    def tree(self, segments: Sequence[str], parameters: Parameters) -> Json:
        at = parameters.time("at")
        limit = parameters.number("limit", NODES_DEFAULT, 1, NODES_MAX)
        item, ancestors, as_of = self._found(item_of(segments[0]), at)
        reference = self._live.reference(item.key)
        if at is None:
            return tree_answer(item, ancestors, self._live.children, reference, as_of, limit)

        def children(parents: Sequence[Item], most: int) -> dict[str, list[Item]]:
            return self._past.children(parents, most, reference, at)

        return tree_answer(item, ancestors, children, reference, as_of, limit)

    def item_events(self, segments: Sequence[str], parameters: Parameters) -> Json:
        key = item_of(segments[0])
        limit = parameters.number("limit", PAGE_DEFAULT, 1, self._page_max)
        cursor = parameters.cursor({"event_time": int, "rank": int, "event_id": str, "offset": int, "position": int})
        after = FIRST_EVENT
        if cursor is not None:
            time, rank, id, offset, position = cursor.values()
            after = (int(str(time)), int(str(rank)), str(id), int(str(offset)), int(str(position)))
        rows = self._archive.item_events(key, after, limit + 1)
        if not rows and cursor is None and self._live.item(key) is None:
            raise _unknown(key)
        page = rows[:limit]
        raw = self._archive.raw_events((row.event_partition, row.event_offset) for row in page)
        return events_answer(key, page, raw, len(rows) > limit, self._as_of_history())

    def explain(self, segments: Sequence[str], parameters: Parameters) -> Json:
        key = item_of(segments[0])
        item = self._live.item(key)
        if item is None:
            raise _unknown(key)
        as_of = self._live.reached([key])
        return explain_answer(item, explain(item, Subject(key, self._live.reference(key), as_of)), as_of)

    def alerts(self, segments: Sequence[str], parameters: Parameters) -> Json:
        limit = parameters.number("limit", PAGE_DEFAULT, 1, self._page_max)
        before = parameters.cursor({"changed_at": int, "id": str})
        item = parameters.text("item")
        rows = self._archive.alerts(
            statuses=statuses(parameters.text("status", STATUSES)),
            rule=parameters.text("rule"),
            item=item_of(item) if item else "",
            since=parameters.time("since") or 0,
            before=BEFORE_ALL if before is None else (int(str(before["changed_at"])), str(before["id"])),
            limit=limit + 1,
        )
        more = len(rows) > limit
        return {
            "alerts": [alert_answer(row) for row in rows[:limit]],
            "next": cursor_text(rows[limit - 1].changed_at, rows[limit - 1].id) if more else None,
            "as_of": render.time(self._as_of_history()),
        }

    def alert(self, segments: Sequence[str], parameters: Parameters) -> Json:
        if not _ALERT_ID.fullmatch(segments[0]):
            raise ProblemError("bad-parameter", f"id: expected 32 hexadecimal digits, found {segments[0][:64]!r}", {"where": "id"})
        rows = self._archive.alert(segments[0])
        if not rows:
            raise ProblemError("unknown-alert", f"no alert {segments[0]} is known")
        named = list(rows[-1].events)
        events = self._archive.item_events(rows[-1].item, limit=EVIDENCE_ROWS_MAX, ids=named) if named else []
        raw = self._archive.raw_events((row.event_partition, row.event_offset) for row in events)
        return versions_answer(rows, events, raw, self._as_of_history())

    def recall(self, segments: Sequence[str], parameters: Parameters) -> Json:
        gtin, lot = lot_of(segments[0], segments[1])
        limit = parameters.number("limit", UNITS_DEFAULT, 0, UNITS_MAX)
        after = parameters.cursor({"item": str})
        answer = recall_answer(self._archive, gtin, lot, "" if after is None else str(after["item"]), limit, self._as_of_history())
        if answer is None:
            raise ProblemError("unknown-lot", f"no unit of GTIN {gtin}, lot {lot} is known")
        return answer

    def verify(self, segments: Sequence[str], parameters: Parameters) -> Json:
        code = parameters.text("code")
        if not code or len(code) > CODE_CHARACTERS_MAX:
            detail = f"code: expected a scanned code of 1 to {CODE_CHARACTERS_MAX} characters, found {len(code)}"
            raise ProblemError("bad-parameter", detail, {"where": "code"})
        try:
            scan = parse_scan(code)
            if not scan.key:
                raise RejectedError("bad-identifier", "code", "a code that names an item: (01) with (21), or (00)", code)
        except RejectedError as error:
            raise of_rejected(error) from error
        item = self._live.item(scan.key)
        ancestors = [] if item is None else self._live.ancestors(item)
        as_of = self._live.reached([scan.key, *(one.key for one in ancestors)])
        return verify_answer(code, scan, item, ancestors, self._live.reference(scan.key), as_of)

    def rejected(self, segments: Sequence[str], parameters: Parameters) -> Json:
        limit = parameters.number("limit", PAGE_DEFAULT, 1, self._page_max)
        cursor = parameters.cursor({"log_time": int, "topic": str, "partition": int, "offset": int})
        before = BEFORE_ALL_REJECTED
        if cursor is not None:
            before = (int(str(cursor["log_time"])), str(cursor["topic"]), int(str(cursor["partition"])), int(str(cursor["offset"])))
        rows = self._archive.rejected(
            reason=parameters.text("reason"),
            since=parameters.time("since") or 0,
            before=before,
            limit=limit + 1,
        )
        last = rows[limit - 1] if len(rows) > limit else None
        return {
            "rejected": [rejected_answer(row) for row in rows[:limit]],
            "next": None if last is None else cursor_text(last.log_time, last.topic, last.partition, last.offset),
            "as_of": render.time(self._as_of_history()),
        }

    def rejected_one(self, segments: Sequence[str], parameters: Parameters) -> Json:
        topic, partition, offset = segments
        for name, text in (("partition", partition), ("offset", offset)):
            if not _NUMBER.fullmatch(text):
                raise ProblemError("bad-parameter", f"{name}: expected a number, found {text[:40]!r}", {"where": name})
        found = self._archive.rejected_one(topic, int(partition), int(offset))
        if found is None:
            raise ProblemError("unknown-rejected", f"nothing from {topic}/{partition} offset {offset} was rejected")
        row, key, value = found
        return rejected_answer(row) | {"key": key, "value": value, "as_of": render.time(self._as_of_history())}

    def reference(self, segments: Sequence[str], parameters: Parameters) -> Json:
        entity, key = segments
        if entity not in ENTITIES:
            detail = f"entity: expected one of {', '.join(ENTITIES)}, found {entity[:40]!r}"
            raise ProblemError("bad-parameter", detail, {"where": "entity"})
        rows = self._archive.reference_versions(entity, key)
        if not rows:
            raise ProblemError("unknown-reference", f"no {entity} {key[:100]} has ever been loaded")
        return reference_answer(entity, key, rows, self._as_of_history())

    def stats(self, segments: Sequence[str], parameters: Parameters) -> Json:
        as_of = self._as_of_history()
        counts = self._archive.counts()
        rows, distinct, ops, facts = counts["history"]
        return {
            "history_rows": rows,
            "history_rows_unique": distinct,
            "ops": ops,
            "ops_expected": counts["events"][1],
            "facts": facts,
            "items": counts["items"][0],
            "events": counts["events"][0],
            "rejected": counts["rejected"][0],
            "alert_changes": counts["alert_changes"][0],
            "alert_changes_unique": counts["alert_changes"][1],
            "alerts": [{"rule": rule, "status": status, "alerts": count} for rule, status, count in self._archive.alert_counts()],
            "incidents": counts["incidents"][0],
            "as_of": render.time(as_of),
        }

    def freshness(self, segments: Sequence[str], parameters: Parameters) -> Json:
        metas = self._live.metas()
        clocks = {partition: self._live.clock(meta) for partition, meta in metas.items()}
        history = self._history_reached()
        return {
            "state": render.time(min(clocks.values())) if all(clocks.values()) else None,
            "history": None if history is None else render.time(history),
            "partitions": [
                {
                    "partition": partition,
                    "offset": 0 if meta is None else meta.offset,
                    "log_time": render.time(clocks[partition]) if clocks[partition] else None,
                }
                for partition, meta in metas.items()
            ],
        }

    def _found(self, key: str, at: int | None) -> tuple[Item, list[Item], int]:
        """(the item, what it is in upwards, as of when), now or as it was."""
        item = self._live.item(key)
        if item is None:
            raise _unknown(key)
        if at is None:
            ancestors = self._live.ancestors(item)
            return item, ancestors, self._live.reached([key, *(one.key for one in ancestors)])
        chain = self._past.chain(key, self._live.reference(key), at)
        if not chain:
            raise ProblemError("unknown-item", f"no event up to {render.time(at)} named {render.epc(key)}")
        return chain[0], chain[1:], min(at, self._as_of_history())

    def _as_of_history(self) -> int:
        reached = self._history_reached()
        if reached is None:
            raise UnavailableError("how far the history is, is not known yet: the log or the live state has not answered")
        return reached


def _unknown(key: str) -> ProblemError:
    return ProblemError("unknown-item", f"no event has named {render.epc(key)}")
