"""Bytes of the live state per unit, part by part, from what ``adapters.redis_memory`` has weighed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from packtrace.adapters.redis_memory import Bucket, Content, Whole
from packtrace.codec.packed_event import pack_event
from packtrace.codec.state import unpack
from packtrace.domain.identifiers import is_sscc


class Kind(msgspec.Struct, frozen=True):
    """Units of one kind in the sample; bytes are those of key, packed item and its share of the bucket."""

    sampled: int
    events: float
    """In the window of one, on average."""
    bytes: float


class Memory(msgspec.Struct, kw_only=True, frozen=True):
    """``parts``: bytes of all, by part; they add up to ``used``. Sampled parts are scaled to all."""

    used: int
    fragmentation: float
    units: int
    containers: int
    sampled: int
    parts: dict[str, int]
    hierarchy_per_unit: float
    """What containers cost, shared by the units: their items and their content."""
    settled: Kind
    open: Kind

    @property
    def per_unit(self) -> dict[str, float]:
        return {name: round(size / self.units, 1) if self.units else 0.0 for name, size in self.parts.items()}


def weigh(
    whole: Whole, lengths: Mapping[tuple[int, int], int], buckets: Iterable[Bucket], contents: Iterable[Content], small: Mapping[str, int]
) -> Memory:
    """Everything of one server that holds nothing but live state."""
    items = units = 0
    key_bytes = state = window = of_containers = overhead = 0
    kinds = {True: [0, 0, 0.0], False: [0, 0, 0.0]}
    for bucket in buckets:
        held = sum(len(key) + len(packed) for key, packed in bucket.items.items())
        overhead += bucket.bytes - held
        share = (bucket.bytes - held) / len(bucket.items) if bucket.items else 0.0
        for raw, packed in bucket.items.items():
            items += 1
            key = raw.decode()
            if is_sscc(key):
                of_containers += len(raw) + len(packed)
                continue
            units += 1
            events = unpack(key, packed, {}).window
            open_bytes = sum(len(pack_event(event)) for event in events)
            key_bytes += len(raw)
            window += open_bytes
            state += len(packed) - open_bytes
            kind = kinds[bool(events)]
            kind[0] += 1
            kind[1] += len(events)
            kind[2] += len(raw) + len(packed) + share
    found = list(contents)
    total = sum(lengths.values())
    scale = total / items if items else 0.0
    many = max(whole.keys - len(lengths) - small["keys"], 0)
    of_content = many / len(found) if found else 0.0
    parts = {
        "unit: key": key_bytes * scale,
        "unit: state, settled and present": state * scale,
        "unit: open window": window * scale,
        "container: key, state and window": of_containers * scale,
        "buckets: what the server needs around items": overhead * scale,
        "content: entries of containers": sum(one.payload for one in found) * of_content,
        "content: what the server needs around them": sum(one.bytes - one.payload for one in found) * of_content,
        "deadlines": small["deadlines"],
        "reference data": small["reference"],
        "positions": small["meta"],
    }
    whole_parts = {name: round(size) for name, size in parts.items()}
    whole_parts["the server itself"] = whole.used - sum(whole_parts.values())
    all_units = round(units * scale)
    hierarchy = whole_parts["container: key, state and window"] + sum(
        size for name, size in whole_parts.items() if name.startswith("content")
    )
    return Memory(
        used=whole.used, fragmentation=whole.fragmentation, units=all_units, containers=total - all_units, sampled=items, parts=whole_parts,
        hierarchy_per_unit=round(hierarchy / all_units, 1) if all_units else 0.0, settled=_kind(kinds[False]), open=_kind(kinds[True]),
    )  # fmt: skip


def _kind(sums: list[float]) -> Kind:
    number = int(sums[0])
    return Kind(number, round(sums[1] / number, 2), round(sums[2] / number, 1)) if number else Kind(0, 0.0, 0.0)
