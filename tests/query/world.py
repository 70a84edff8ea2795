"""Items and alerts made by hand for the pure parts of the query service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from packtrace.domain.alert import AlertState
from packtrace.domain.content import Content, Row, Told
from packtrace.domain.identifiers import check_digit, sgtin_key, sscc_key
from packtrace.domain.item import Item
from packtrace.domain.place import Side
from packtrace.domain.reference import Reference, ReferenceChange
from packtrace.domain.vocabulary import Custody, Life, Reason, Severity, Status
from packtrace.ports import PartitionMeta, Position
from packtrace.query.live import Live

GTIN = "09506000134352"
PLACE = "9506000100005"
OTHER_PLACE = "9506000100012"
NOW = 1_795_341_600_000_000
"""2026-11-22T10:00:00Z."""

REFERENCE = Reference.empty().changed(
    [
        ReferenceChange("product", GTIN, '{"gtin": "09506000134352", "name": "Pills", "level": "unit", "origin": "own"}'),
        ReferenceChange("lot", f"{GTIN}/L7", f'{{"gtin": "{GTIN}", "lot": "L7", "expiry": "2028-05-31", "released": true}}'),
        ReferenceChange("lot", f"{GTIN}/OLD", f'{{"gtin": "{GTIN}", "lot": "OLD", "expiry": "2026-10-00", "released": false}}'),
    ]
)


def unit(serial: str) -> str:
    return sgtin_key(GTIN, serial)


def pallet(number: int) -> str:
    digits = f"9506000{number:010d}"
    return sscc_key(digits + check_digit(digits))


def item(
    key: str,
    *,
    life: Life = Life.ACTIVE,
    reason: Reason = Reason.NONE,
    lot: str = "",
    expiry: int = 0,
    parent: str = "",
    children: Sequence[str] = (),
    custody: Custody = Custody.UNKNOWN,
    place: str = "",
    destination: str = "",
    holds: tuple[str, ...] = (),
    alerts: Sequence[AlertState] = (),
) -> Item:
    made = Item(key)
    made.now.life, made.now.reason, made.now.lot, made.now.expiry, made.now.parent = life, reason, lot, expiry, parent
    made.now.custody, made.now.side, made.now.to, made.now.holds = custody, Side(place), Side(destination), holds
    if children:
        made.content = Content()
        for number, child in enumerate(children):
            made.content.put((number, 0, ""), child, child, Row(Told.JOINED, b"", number))
    made.alerts = {alert.id: alert for alert in alerts}
    return made


def alert(id: str, rule: str = "two-parents", status: Status = Status.CONFIRMED, severity: Severity = Severity.HIGH) -> AlertState:
    return AlertState(id, rule, "item", status, severity, 1, NOW, NOW, NOW)


class State:
    """A live state of items as they are (port part ``StateReader``): what is packed is only their key."""

    def __init__(self, items: Sequence[Item], clocks: Mapping[str, int] | None = None, reference: Mapping[str, str] | None = None) -> None:
        self.held = {one.key: one for one in items}
        self.clocks = {"events/0": NOW} if clocks is None else dict(clocks)
        self.stated = dict(reference or {})
        self.loads = 0

    def load(self, partition: int, items: Sequence[str]) -> dict[str, tuple[bytes, dict[bytes, bytes]]]:
        self.loads += 1
        return {key: (key.encode(), {}) for key in items if key in self.held}

    def meta(self, partition: int) -> PartitionMeta | None:
        return PartitionMeta(1, 0, 0, {"reference/0": Position(0, 0)}, dict(self.clocks))

    def metas(self, partitions: int) -> dict[int, PartitionMeta]:
        return {partition: meta for partition in range(partitions) if (meta := self.meta(partition)) is not None}

    def reference(self, partition: int) -> dict[str, str]:
        return dict(self.stated)

    def live(self) -> Live:
        return Live(self, 4, 1, lambda key, packed, content: self.held[key], lambda: 0.0)
