"""The Faust application: alerts in, two tables, incidents out.

Faust serves here and not on the hot path: a low rate, two small tables with their changelogs, outputs with deterministic
ids and versions, so that at-least-once is enough. One batch:

1. take alert changes, up to a number or for half a second;
2. fold them into members and groups (pure); a change seen before is dropped by its version;
3. send the incidents that changed, each once, and wait for the broker;
4. write the groups, each with what this batch made of its members, and wait for the broker;
5. write the members, and wait for the broker;
6. Faust commits the positions.

A crash before 4 folds the batch again and tells the same incidents under their ids and versions. After 4 a group knows what it has
counted, whether or not its members are written. Where a batch cannot be ended the process ends, for Faust would take it as done.
"""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterable, Callable
from typing import Any, NamedTuple, TypeVar

import fastavro
import faust
import msgspec

from packtrace.adapters.crash_point import crash_point
from packtrace.adapters.kafka import SESSION_TIMEOUT_MILLISECONDS
from packtrace.codec import alert_record, wire
from packtrace.contracts import schema_text
from packtrace.telemetry import WATCH_ALERTS, WATCH_INCIDENTS, log
from packtrace.watch.incidents import SINGLE, AlertSeen, Group, Incident, Member, counts_for, grown, seen

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


class Folded(NamedTuple):
    """What a batch makes: the incidents that changed, in their newest version each, and what the tables must hold then."""

    incidents: list[Incident]
    groups: dict[str, Group]
    members: dict[str, Member]


class Tables:
    """Members and groups as values, over two tables of JSON text (Faust's, or plain dicts in a test)."""

    def __init__(self, members: Any, groups: Any) -> None:
        self._members = members
        self._groups = groups

    def fold(self, alerts: list[AlertSeen]) -> Folded:
        """Effect 2; changes nothing."""
        changed: dict[str, Incident] = {}
        touched: dict[str, Group] = {}
        known: dict[str, Group | None] = {}
        members: dict[str, Member] = {}
        for alert in alerts:
            member = members.get(alert.id) or _read(self._members, alert.id, Member)
            cause, subject, _ = counts_for(alert, member)
            name = f"{cause}/{subject}"
            if name not in known:
                group = known[name] = _read(self._groups, name, Group)
                if group is not None:
                    members |= group.last
                    group.last = {}
            group = known[name]
            member = members.get(alert.id) or member
            was = group is not None and group.grouped
            new_member, group, now = seen(alert, member, group)
            known[name] = group
            if new_member is member:
                continue
            if group.grouped and not was and cause != SINGLE:
                log.info("incident_opened", cause=cause, severity=group.severity, alerts=group.standing)
            members[alert.id] = group.last[alert.id] = new_member
            touched[name] = group
            changed.update((incident.id, incident) for incident in now)
        changed.update((incident.id, incident) for incident in grown(list(touched.values())))
        return Folded(list(changed.values()), touched, members)

    def keep_groups(self, folded: Folded) -> None:
        """Effect 4."""
        for name, group in folded.groups.items():
            self._groups[name] = msgspec.json.encode(group).decode()

    def keep_members(self, folded: Folded) -> None:
        """Effect 5."""
        for id, member in folded.members.items():
            self._members[id] = msgspec.json.encode(member).decode()


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
    tables = Tables(*(app.Table(name, partitions=1, use_partitioner=True) for name in ("members", "groups")))

    async def work(batch: list[bytes]) -> None:
        ended = False
        try:
            crash_point("watch.after_read")
            changes = [alert_of(value) for value in batch]
            for change in changes:
                WATCH_ALERTS.labels(change.status).inc()
            folded = tables.fold(changes)
            sent = []
            for incident in folded.incidents:
                sent.append(await incidents.send(key=incident.id.encode(), value=wire.frame(schema_id, incident_body(incident))))
                crash_point("watch.between_writes")
                WATCH_INCIDENTS.labels(incident.cause, incident.status).inc()
            for one in sent:
                await one
            crash_point("watch.after_write")
            tables.keep_groups(folded)
            await app.producer.flush()
            crash_point("watch.between_tables")
            tables.keep_members(folded)
            await app.producer.flush()
            crash_point("watch.after_tables")
            ended = True
        finally:
            if not ended:
                log.error("stopped", exc_info=True)
                os._exit(1)

    @app.agent(alerts)
    async def watch(stream: AsyncIterable[bytes]) -> None:
        async for batch in stream.take(BATCH_ALERTS_MAX, within=BATCH_SECONDS):  # type: ignore[attr-defined]
            task = asyncio.ensure_future(work(batch))
            try:
                await asyncio.shield(task)
            except asyncio.CancelledError:
                await task  # a stop waits for the batch that was begun
                raise
            working()

    @app.on_partitions_assigned.connect  # type: ignore[arg-type]
    async def assigned(app: Any, *_: Any, **__: Any) -> None:
        working()

    return app
