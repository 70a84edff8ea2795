"""One event at its turn in a fold: what rules and axes look at. The item's side of it (``Subject``) is made once per fold."""

from __future__ import annotations

from packtrace.domain.fact_payload import Answer
from packtrace.domain.inside import Inside
from packtrace.domain.order import RANK, Key
from packtrace.domain.own_event import Context, OwnEvent
from packtrace.domain.place import Side, side_of
from packtrace.domain.reference import Product, Reference
from packtrace.domain.state import CustodyValue, State
from packtrace.domain.vocabulary import Kind, Level, Role

_LOT_ROLES = frozenset({Role.ITEM, Role.CHILD, Role.OUTPUT})


def expiry_counting(reference: Reference, gtin: str, lot: str, stated: int) -> int:
    """The expiry that counts (rules.md 3.2): the reference's for that lot, else the stated one; 0 where neither is known."""
    known = reference.lot(gtin, lot) if lot else None
    return known.expiry if known is not None else stated


class Subject:
    """The item as reference data knows it."""

    __slots__ = ("clock", "foreign", "gtin", "key", "level", "own", "product", "reference")

    def __init__(self, key: str, reference: Reference, clock: int = 0) -> None:
        self.key = key
        self.reference = reference
        self.clock = clock
        """Log time the partition has reached."""
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
            self.foreign = True
            self.level = Level.LOGISTIC
        self.product = product

    def is_active_by_any_event(self, log_time: int) -> bool:
        """Whether a first event logged then makes it ACTIVE, whatever its kind: a foreign item, an SSCC where policy allows."""
        return self.foreign and (bool(self.gtin) or not self.reference.policy_at(log_time).sscc_commission_required)

    def expiry_of(self, state: State) -> int:
        """The expiry that counts: the reference's for the item's lot, else the item's."""
        return expiry_counting(self.reference, self.gtin, state.lot, state.expiry)


class Step:
    """An event, its place and what it says of this item.

    ``lot`` and ``expiry`` are empty where they concern other items: of a pack they are its children's, of a transformation
    its outputs'. ``looped``: the joined fact of this pack came back. ``answer``: the root's custody, for a child that leaves.
    """

    __slots__ = (
        "answer",
        "brought",
        "context",
        "event",
        "expiry",
        "inside",
        "key",
        "kind",
        "looped",
        "lot",
        "reference",
        "role",
        "side",
        "subject",
    )

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
        self.key: Key = event.time, RANK[self.kind], event.id
        """Where it sorts for other items: of neighbours that changed places the second after the first."""
        self.looped = False
        self.answer: Answer | None = None
        self.brought: CustodyValue | None = None
        self.inside: Inside | None = None

    @property
    def is_pack_of_child(self) -> bool:
        return self.kind is Kind.PACK and self.role is Role.CHILD
