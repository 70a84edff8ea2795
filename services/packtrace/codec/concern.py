"""Which items a change of reference data can concern, by their bytes: an item that does not name what changed stays as it is.

A site adds lots every day to a product with millions of packs, and a place changes while all of them are known. Judging all
of them again would stop a partition for minutes, so the stored bytes are asked first; an item found by chance is judged again
and does not change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from packtrace.codec.packed_event import pack_gln
from packtrace.domain.identifiers import is_sscc
from packtrace.domain.packed_key import pack_gtin
from packtrace.domain.reference import LotRecall, Reference, ReferenceChange
from packtrace.domain.rules.identity import other_keyboard
from packtrace.domain.vocabulary import Entity, Level

GLN_LENGTH: Final = 13
_NOT_JUDGED: Final = frozenset({Entity.OPERATOR, Entity.POLICY})
"""What has been judged does not depend on them: a policy counts for what is logged after it."""
_PLACES: Final = frozenset({Entity.LOCATION, Entity.PARTY})
_LINKED: Final = (Entity.LOCATION, Entity.PARTY, Entity.LINE, Entity.DEVICE)
"""They name each other: a device is at a place, a place belongs to a party."""


class Concern(NamedTuple):
    """What must be found in an item for it to be judged again; lower case, as the bytes are when they are searched."""

    anywhere: tuple[bytes, ...]
    """In any item: places, parties, lines, devices, products."""
    gtins: frozenset[str]
    """Every item of these products is concerned."""
    lots: Mapping[str, tuple[bytes, ...]]
    """GTIN -> lots, in an item of that product."""
    lots_inside: tuple[bytes, ...]
    """The same lots, in what may hold such items."""
    units: frozenset[str]
    """Products that hold nothing."""

    def touches(self, key: str, packed: bytes, content: Mapping[bytes, bytes]) -> bool:
        """Whether the item has to be judged again.

        Args:
            packed: the item, as ``codec.state.pack`` writes it.
            content: its content entries, name -> entry.
        """
        gtin = "" if is_sscc(key) else key[2:16]
        if gtin in self.gtins:
            return True
        lots = self.lots.get(gtin, ()) if gtin in self.units and not content else self.lots_inside
        if not lots and not self.anywhere:
            return False
        hay = b"\n".join((key.encode(), packed, *content, *content.values())).lower()
        return any(lot in hay for lot in lots) or any(name in hay for name in self.anywhere)


def concern_of(changes: Iterable[ReferenceChange], before: Reference) -> Concern | None:
    """What ``changes`` to ``before`` concern; None where they concern nothing that has been judged."""
    changes = [change for change in changes if change.entity not in _NOT_JUDGED]
    if not changes:
        return None
    after = before.changed(changes)
    gtins = frozenset(change.key for change in changes if change.entity == Entity.PRODUCT)
    lots: dict[str, set[bytes]] = {}
    for gtin, lot in _lots(changes, before, after):
        lots.setdefault(gtin, set()).update((lot.lower().encode(), other_keyboard(lot).lower().encode()))
    anywhere = {said for gtin in gtins for said in (pack_gtin(gtin).lower(), gtin.encode())}
    linked = {(change.entity, change.key) for change in changes if change.entity in _LINKED}
    for entity, key in _linked(linked, before) | _linked(linked, after):
        anywhere.update(_name(entity, key))
    return Concern(
        anywhere=tuple(sorted(anywhere)),
        gtins=gtins,
        lots={gtin: tuple(sorted(said)) for gtin, said in lots.items()},
        lots_inside=tuple(sorted(set().union(*lots.values()))),
        units=frozenset(product.gtin for product in before.products.values() if product.level is Level.UNIT),
    )


def _lots(changes: Iterable[ReferenceChange], *states: Reference) -> Iterator[tuple[str, str]]:
    """(GTIN, lot) of the lots that change, by reference data or by an event that recalls them."""
    for change in changes:
        if change.entity == Entity.LOT:
            gtin, _, lot = change.key.partition("/")
            yield gtin, lot
    keys = {change.key for change in changes if change.entity == Entity.RECALL}
    recalls = [(key, one) for state in states for key, one in state.values_of(Entity.RECALL).items() if isinstance(one, LotRecall)]
    taken_out = {id for key, recall in recalls if key in keys for id in recall.corrects}
    for key, recall in recalls:
        if key in keys or recall.id in taken_out:
            yield from recall.lots


def _name(entity: str, key: str) -> tuple[bytes, ...]:
    """How an item's bytes name a place, party, line or device."""
    if entity not in _PLACES:
        return (key.encode().lower(),)
    premises = key[:GLN_LENGTH]
    return pack_gln(premises).lower(), premises.encode()


def _linked(changed: set[tuple[str, str]], reference: Reference) -> set[tuple[str, str]]:
    """Whatever names a changed place, party, line or device, and what names that."""
    found = {(entity, key) for entity, key in changed if entity in _LINKED}
    if not found:
        return found
    names = {entity: [(key, _texts(value)) for key, value in reference.values_of(entity).items()] for entity in _LINKED}
    size = -1
    while len(found) != size:
        size = len(found)
        known = {key for _, key in found} | {key[:GLN_LENGTH] for entity, key in found if entity in _PLACES}
        found |= {(entity, key) for entity, pairs in names.items() for key, said in pairs if not said.isdisjoint(known)}
    return found


def _texts(value: object) -> frozenset[str]:
    """The texts of a reference value, places without their extension too."""
    said = {text for text in msgspec.structs.astuple(value) if isinstance(text, str) and text}  # type: ignore[arg-type]
    return frozenset(said | {text[:GLN_LENGTH] for text in said})
