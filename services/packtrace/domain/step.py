"""One event at its turn in a fold: what rules and axes look at. The item's side of it (``Subject``) is made once per fold."""

from __future__ import annotations

from packtrace.domain.own_event import Context, OwnEvent
from packtrace.domain.place import Side, side_of
from packtrace.domain.reference import Product, Reference
from packtrace.domain.state import CustodyValue, State
from packtrace.domain.vocabulary import Kind, Level, Role

_LOT_ROLES = frozenset({Role.ITEM, Role.CHILD, Role.OUTPUT})


class Subject:
    """The item as reference data knows it."""

    __slots__ = ("foreign", "gtin", "key", "level", "own", "product", "reference")

    def __init__(self, key: str, reference: Reference) -> None:
        self.key = key
        self.reference = reference
        product: Product | None = None
        if key[:2] == "01":
            self.gtin = key[2:16]
            product = reference.products.get(self.gtin)
            self.own = product is not None and product.own
            self.foreign = not self.own
            self.level = Level.UNKNOWN if product is None else product.level
        else:
            self.gtin = ""
            self.own = False
            self.foreign = not reference.policy.sscc_commission_required
            self.level = Level.LOGISTIC
        self.product = product

    def expiry_of(self, state: State) -> int:
        """The expiry that counts: the reference's for the item's lot, else the item's."""
        known = self.reference.lot(self.gtin, state.lot) if state.lot else None
        return known.expiry if known is not None else state.expiry


class Step:
    """An event, its place and what it says of this item.

    ``lot`` and ``expiry`` are empty where they concern other items: of a pack they are its children's, of a transformation
    its outputs'. ``looped``: the joined fact of this pack came back. ``answer``: the root's custody, for a child that leaves.
    """

    __slots__ = ("answer", "context", "event", "expiry", "kind", "looped", "lot", "reference", "role", "side", "subject")

    def __init__(self, event: OwnEvent, subject: Subject) -> None:
        context: Context = event.context
        self.event = event
        self.context = context
        role = event.role
        self.role = role
        self.kind = context.kind if role is not Role.INPUT else event.kind
        self.subject = subject
        self.reference = subject.reference
        self.side: Side = side_of(context, subject.reference)
        if context.lot or context.expiry:
            concerned = role in _LOT_ROLES and subject.gtin
            self.lot = context.lot if concerned else ""
            self.expiry = context.expiry if concerned else 0
        else:
            self.lot = ""
            self.expiry = 0
        self.looped = False
        self.answer: CustodyValue | None = None

    @property
    def is_pack_of_child(self) -> bool:
        return self.kind is Kind.PACK and self.role is Role.CHILD
