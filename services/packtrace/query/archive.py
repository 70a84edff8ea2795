"""What the history is asked of alerts, rejected inputs and counts, as SQL with bound parameters; see also ``archive_items``.

Optional conditions are parameters too (empty = every), which the server folds away before it reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from packtrace.query.archive_items import ItemArchive


class AlertRow(NamedTuple):
    """One version of an alert; times in microseconds."""

    id: str
    version: int
    rule: str
    rule_version: int
    status: str
    severity: str
    item: str
    cause: str
    event_time: int
    raised_at: int
    changed_at: int
    events: Sequence[str]
    expected: str
    found: str
    explained_by: str
    detail: str
    place: str
    device: str
    gtin: str
    lot: str
    tenant: str


_ALERTS = """
SELECT id, version, rule, rule_version, status, severity, item, cause, toUnixTimestamp64Micro(event_time), toUnixTimestamp64Micro(raised_at),
       toUnixTimestamp64Micro(changed_at), events, expected, found, explained_by, detail, place, device, gtin, lot, tenant
FROM
(
    SELECT * FROM alerts
    WHERE ({rule:String} = '' OR rule = {rule:String}) AND ({item:String} = '' OR item = {item:String})
      AND changed_at >= fromUnixTimestamp64Micro({since:Int64})
    ORDER BY id, version DESC
    LIMIT 1 BY id
)
WHERE ({statuses:Array(String)} = [] OR has({statuses:Array(String)}, status))
  AND (toUnixTimestamp64Micro(changed_at), id) < ({before:Int64}, {before_id:String})
ORDER BY changed_at DESC, id DESC
LIMIT {limit:UInt32}
"""
_ALERT = """
SELECT id, version, rule, rule_version, status, severity, item, cause, toUnixTimestamp64Micro(event_time), toUnixTimestamp64Micro(raised_at),
       toUnixTimestamp64Micro(changed_at), events, expected, found, explained_by, detail, place, device, gtin, lot, tenant
FROM alerts WHERE id = {id:String} ORDER BY version, offset, position LIMIT 1 BY version LIMIT 10000
"""

BEFORE_ALL = (2**62, "~")
"""Where the first page of alerts starts: after every time and id."""


BEFORE_ALL_REJECTED = (2**62, "~", 2**31 - 1, 2**62)


class RejectedRow(NamedTuple):
    """One rejected input, without its bytes."""

    topic: str
    partition: int
    offset: int
    log_time: int
    reason: str
    place: str
    text: str
    source: str
    event_id: str
    bytes: int


_REJECTED = """
SELECT toString(topic), partition, offset, toUnixTimestamp64Micro(log_time), reason, place, text, source, event_id, length(value)
FROM rejected FINAL
WHERE ({reason:String} = '' OR reason = {reason:String}) AND log_time >= fromUnixTimestamp64Micro({since:Int64})
  AND (toUnixTimestamp64Micro(log_time), toString(topic), partition, offset)
      < ({before:Int64}, {before_topic:String}, {before_partition:Int32}, {before_offset:Int64})
ORDER BY log_time DESC, topic DESC, partition DESC, offset DESC
LIMIT {limit:UInt32}
"""
_REJECTED_ONE = """
SELECT toString(topic), partition, offset, toUnixTimestamp64Micro(log_time), reason, place, text, source, event_id, length(value),
       if(has_key = 1, base64Encode(key), NULL), if(has_value = 1, base64Encode(value), NULL)
FROM rejected FINAL
WHERE topic = {topic:String} AND partition = {partition:Int32} AND offset = {offset:Int64}
"""


class ReferenceRow(NamedTuple):
    """One version of an entity of the reference data."""

    log_time: int
    removed: bool
    value: str


_REFERENCE = """
SELECT toUnixTimestamp64Micro(log_time), fact_retracted, state FROM history
WHERE item = '' AND row_type = 'entity' AND partition = 0
  AND (other = {name:String} OR startsWith(other, concat({name:String}, '@')))
ORDER BY offset, position
LIMIT 1 BY offset, position
LIMIT {limit:UInt32}
"""
REFERENCE_VERSIONS_MAX = 10_000


_COUNTS: dict[str, str] = {
    # distinct (partition, offset, position), counted record by record so that memory stays small
    "history": """
        SELECT sum(stored), sum(distinct_rows), sum(ops), sum(facts) FROM
        (
            SELECT count() AS stored, uniqExact(position) AS distinct_rows,
                   countIf(row_type = 'op') AS ops, countIf(row_type = 'fact') AS facts
            FROM history GROUP BY partition, offset
        )""",
    "alert_changes": "SELECT count(), uniqExact(partition, offset, position) FROM alerts",
    "events": "SELECT count(), sum(items) FROM events FINAL",
    "items": "SELECT uniqExact(item) FROM items",
    "rejected": "SELECT count() FROM rejected FINAL",
    "incidents": "SELECT uniqExact(id) FROM incidents",
}
_ALERT_COUNTS = "SELECT toString(rule), toString(status), count() FROM alerts_latest GROUP BY rule, status ORDER BY rule, status"


class Archive(ItemArchive):
    """Every question to the history."""

    def alerts(
        self,
        *,
        statuses: Sequence[str] = (),
        rule: str = "",
        item: str = "",
        since: int = 0,
        before: tuple[int, str] = BEFORE_ALL,
        limit: int = 100,
    ) -> list[AlertRow]:
        """Alerts as they stand, the latest change first."""
        rows = self._ask(
            _ALERTS,
            {
                "statuses": list(statuses),
                "rule": rule,
                "item": item,
                "since": since,
                "before": before[0],
                "before_id": before[1],
                "limit": limit,
            },
        )
        return [AlertRow(*row) for row in rows]

    def alert(self, id: str) -> list[AlertRow]:
        """Every version of one alert, the oldest first."""
        return [AlertRow(*row) for row in self._ask(_ALERT, {"id": id})]

    def rejected(
        self, *, reason: str = "", since: int = 0, before: tuple[int, str, int, int] = BEFORE_ALL_REJECTED, limit: int = 100
    ) -> list[RejectedRow]:
        """Rejected inputs, the newest first."""
        parameters = {
            "reason": reason,
            "since": since,
            "before": before[0],
            "before_topic": before[1],
            "before_partition": before[2],
            "before_offset": before[3],
            "limit": limit,
        }
        return [RejectedRow(*row) for row in self._ask(_REJECTED, parameters)]

    def rejected_one(self, topic: str, partition: int, offset: int) -> tuple[RejectedRow, str | None, str | None] | None:
        """One rejected input, with its key and value in base64."""
        rows = self._ask(_REJECTED_ONE, {"topic": topic, "partition": partition, "offset": offset})
        return (RejectedRow(*rows[0][:-2]), rows[0][-2], rows[0][-1]) if rows else None

    def reference_versions(self, entity: str, key: str) -> list[ReferenceRow]:
        """Every version of an entity that was applied, the oldest first; each partition applies all, so one tells."""
        rows = self._ask(_REFERENCE, {"name": f"{entity}|{key}", "limit": REFERENCE_VERSIONS_MAX})
        return [ReferenceRow(int(log_time), bool(removed), str(value)) for log_time, removed, value in rows]

    def counts(self) -> dict[str, tuple[int, ...]]:
        """Table -> counts, see ``_COUNTS``."""
        return {name: tuple(int(cell or 0) for cell in self._ask(sql, {})[0]) for name, sql in _COUNTS.items()}

    def alert_counts(self) -> list[tuple[str, str, int]]:
        """(rule, status, alerts)."""
        return [(str(rule), str(status), int(count)) for rule, status, count in self._ask(_ALERT_COUNTS, {})]
