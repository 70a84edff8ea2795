"""Which alerts share a cause, and what that does to their incident (rules.md 9). Pure.

An alert whose group is below its threshold is an incident of its own (``single``). When a group reaches the threshold,
one incident opens for it and the singles close. An incident closes when none of its alerts stands, and opens again
under the same id when one does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import xxhash

from packtrace.domain.vocabulary import Severity, Status

SAMPLE_MAX = 20
HOUR_US = 3_600_000_000
_SEVERITIES = list(Severity)


class AlertSeen(msgspec.Struct, frozen=True):
    """What grouping needs of one change of an alert. Times in microseconds."""

    id: str
    version: int
    rule: str
    status: str
    severity: str
    event_time: int
    changed_at: int
    gtin: str = ""
    lot: str = ""
    device: str = ""


class Member(msgspec.Struct):
    """What is remembered of one alert: its newest version and the group it counts for."""

    version: int
    standing: bool
    group: str


class Group(msgspec.Struct):
    """What is remembered of one cause and subject.

    ``version`` counts the changes of its alerts: whatever batches they came in, a crash and a repeat tell no newer version of less.
    """

    cause: str
    subject: str
    version: int = 0
    standing: int = 0
    ever: int = 0
    severity: str = Severity.LOW
    grouped: bool = False
    opened_at: int = 0
    changed_at: int = 0
    sample: list[str] = msgspec.field(default_factory=list)
    last: dict[str, Member] = msgspec.field(default_factory=dict)
    """Alert id -> what its last batch made of it: counted here, and after a crash perhaps not yet among the members."""


class Incident(msgspec.Struct, frozen=True):
    """One record of topic ``incidents``; the fields of ``incident.avsc``."""

    id: str
    version: int
    cause: str
    subject: str
    status: str
    severity: str
    alerts: int
    alerts_ever: int
    opened_at: int
    changed_at: int
    sample: list[str]


class Cause(msgspec.Struct, frozen=True):
    """A row of the table below. ``subject`` answers what alerts must share, empty where the cause does not apply."""

    code: str
    rules: frozenset[str]
    subject: Callable[[AlertSeen], str]
    threshold: int


# fmt: off
CAUSES: tuple[Cause, ...] = (
    #     code                rules                                                        what they share                                              from
    Cause("lot-not-uploaded", frozenset({"unknown-serial", "unknown-lot"}),                lambda a: f"{a.gtin}/{a.lot}" if a.gtin and a.lot else "",      5),
    Cause("scanner-fault",    frozenset({"scanner-fault"}),                                lambda a: f"{a.device}@{a.event_time // HOUR_US}" if a.device else "", 5),
)
# fmt: on
SINGLE = "single"


def group_of(alert: AlertSeen) -> tuple[str, str, int]:
    """(cause, subject, threshold) of an alert; an alert no cause claims is a group of its own."""
    for cause in CAUSES:
        if alert.rule in cause.rules:
            subject = cause.subject(alert)
            if subject:
                return cause.code, subject, cause.threshold
    return SINGLE, alert.id, 1


def counts_for(alert: AlertSeen, member: Member | None) -> tuple[str, str, int]:
    """(cause, subject, threshold) of the group that an alert counts for: the one of its first change, whatever it says later."""
    if member is None:
        return group_of(alert)
    cause, _, subject = member.group.partition("\0")
    return cause, subject, next((one.threshold for one in CAUSES if one.code == cause), 1)


def incident_id(cause: str, subject: str) -> str:
    """32 hex digits; depends on nothing but what the incident is about."""
    return xxhash.xxh3_128_hexdigest(f"{cause}\0{subject}".encode())


def seen(alert: AlertSeen, member: Member | None, group: Group | None) -> tuple[Member, Group, list[Incident]]:
    """Fold one change of an alert: the new member and group, and the incidents that change at once.

    A change already seen (same or older version) changes nothing.
    """
    cause, subject, threshold = counts_for(alert, member)
    group = group or Group(cause, subject, opened_at=alert.changed_at)
    if member is not None and alert.version <= member.version:
        return member, group, []
    was, stands = member is not None and member.standing, alert.status != Status.WITHDRAWN
    if member is None:
        group.ever += 1
    if len(group.sample) < SAMPLE_MAX and alert.id not in group.sample:
        group.sample.append(alert.id)
    group.version += 1
    group.standing += int(stands) - int(was)
    group.changed_at = max(group.changed_at, alert.changed_at)
    if stands and _SEVERITIES.index(Severity(alert.severity)) > _SEVERITIES.index(Severity(group.severity)):
        group.severity = alert.severity
    changed: list[Incident] = []
    if not group.grouped and group.standing >= threshold:
        group.grouped = True
        if threshold > 1:
            changed += [_single(sample, group, 0) for sample in group.sample if sample != alert.id]
        changed.append(incident(group))
    elif not group.grouped:
        changed.append(_single(alert.id, group, int(stands)))
    elif group.standing == 0 or (was != stands and group.standing == 1):
        changed.append(incident(group))
    return Member(alert.version, stands, f"{cause}\0{subject}"), group, changed


def incident(group: Group) -> Incident:
    """The group's incident as it stands now."""
    return Incident(
        id=incident_id(group.cause, group.subject),
        version=group.version,
        cause=group.cause,
        subject=group.subject,
        status="open" if group.standing else "closed",
        severity=group.severity,
        alerts=group.standing,
        alerts_ever=group.ever,
        opened_at=group.opened_at,
        changed_at=group.changed_at,
        sample=list(group.sample),
    )


def _single(alert_id: str, group: Group, standing: int) -> Incident:
    return Incident(
        id=incident_id(SINGLE, alert_id),
        version=group.version,
        cause=SINGLE,
        subject=alert_id,
        status="open" if standing else "closed",
        severity=group.severity,
        alerts=standing,
        alerts_ever=1,
        opened_at=group.changed_at,
        changed_at=group.changed_at,
        sample=[alert_id],
    )


def grown(groups: Sequence[Group]) -> list[Incident]:
    """The incidents of groups that grew since they were last told; called once a second, so a burst is a few records."""
    return [incident(group) for group in groups if group.grouped]
