"""The Faust application: alerts in, two tables, incidents out.

Faust serves here and not on the hot path: a low rate, two small tables with their changelogs, outputs with deterministic
ids and versions, so that at-least-once is enough. One batch:

1. take alert changes, up to a number or for half a second;
2. fold them into members and groups (pure); a change seen before is dropped by its version;
3. send the incidents that changed, each once, and wait for the broker;
4. Faust commits tables and positions.

A crash before 4 folds the batch again: members know their versions, the same incidents are sent again under their ids.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterable, Callable
from typing import Any, TypeVar

import fastavro
import faust
import msgspec

from packtrace.adapters.crash_point import crash_point
from packtrace.adapters.kafka import SESSION_TIMEOUT_MILLISECONDS
from packtrace.codec import alert_record, wire
from packtrace.contracts import schema_text
from packtrace.telemetry import WATCH_ALERTS, WATCH_INCIDENTS, log
from packtrace.watch.incidents import AlertSeen, Group, Incident, Member, group_of, grown, seen

T = TypeVar("T")

BATCH_ALERTS_MAX = 1000
BATCH_SECONDS = 0.5
_INCIDENT_SCHEMA: Any = fastavro.parse_schema(msgspec.json.decode(schema_text("incident.avsc")))


def alert_of(value: bytes) -> AlertSeen:
    """What grouping needs of a record of ``alerts``."""
    change = alert_record.decode(wire.unframe(value)[1]).change
    return AlertSeen(
        change.id, change.version, change.rule, change.status, change.severity, change.event_time, change.changed_at, change.gtin, change.lot, change.device
    )  # fmt: skip


def incident_body(incident: Incident) -> bytes:
    """The Avro body of a record of ``incidents``."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, _INCIDENT_SCHEMA, msgspec.structs.asdict(incident))
    return out.getvalue()


class Tables:
    """Members and groups as values, over two tables of JSON text (Faust's, or plain dicts in a test)."""

    def __init__(self, members: Any, groups: Any) -> None:
        self._members = members
        self._groups = groups

    def fold(self, alerts: list[AlertSeen]) -> list[Incident]:
        """Effect 2: the incidents that changed, in their newest version each."""
        changed: dict[str, Incident] = {}
        touched: dict[str, Group] = {}
        for alert in alerts:
            cause, subject, _ = group_of(alert)
            name = f"{cause}/{subject}"
            member = _read(self._members, alert.id, Member)
            group = touched.get(name) or _read(self._groups, name, Group)
            was = group is not None and group.grouped
            new_member, group, now = seen(alert, member, group)
            if new_member is member:
                continue
            if group.grouped and not was:
                log.info("incident_opened", cause=cause, severity=group.severity, alerts=group.standing)
            self._members[alert.id] = msgspec.json.encode(new_member).decode()
            touched[name] = group
            changed.update((incident.id, incident) for incident in now)
        changed.update((incident.id, incident) for incident in grown(list(touched.values())))
        for name, group in touched.items():
            self._groups[name] = msgspec.json.encode(group).decode()
        return list(changed.values())


def _read(table: Any, key: str, kind: type[T]) -> T | None:
    value = table.get(key)
    return msgspec.json.decode(value, type=kind) if value else None


def application(kafka: str, schema_id: int, data_folder: str, working: Callable[[], None], instance: str = "") -> faust.App:
    """The application; ``working`` is called when a batch is done or the worker has its partitions.

    Args:
        instance: see ``KafkaReader``.
    """
    app = faust.App(
        "packtrace-watch",
        broker=f"kafka://{kafka}",
        store="memory://",
        datadir=data_folder,
        web_enabled=False,
        topic_partitions=1,
        topic_replication_factor=1,
        topic_disable_leader=True,
        broker_commit_interval=1.0,
        broker_session_timeout=SESSION_TIMEOUT_MILLISECONDS / 1000,
        broker_heartbeat_interval=1.0,
        consumer_group_instance_id=instance or None,
    )
    raw: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    alerts = app.topic("alerts", **raw)
    incidents = app.topic("incidents", **raw)
    tables = Tables(app.Table("members", partitions=1), app.Table("groups", partitions=1))

    @app.agent(alerts)
    async def watch(stream: AsyncIterable[bytes]) -> None:
        async for batch in stream.take(BATCH_ALERTS_MAX, within=BATCH_SECONDS):  # type: ignore[attr-defined]
            crash_point("watch.after_read")
            changes = [alert_of(value) for value in batch]
            for change in changes:
                WATCH_ALERTS.labels(change.status).inc()
            for incident in tables.fold(changes):
                sent = await incidents.send(key=incident.id.encode(), value=wire.frame(schema_id, incident_body(incident)))
                await sent
                crash_point("watch.between_writes")
                WATCH_INCIDENTS.labels(incident.cause, incident.status).inc()
            crash_point("watch.after_write")
            working()

    @app.on_partitions_assigned.connect  # type: ignore[arg-type]
    async def assigned(app: Any, *_: Any, **__: Any) -> None:
        working()

    return app
