"""The axes of one item at one moment of its fold: a mutable slots object, copied where a fold starts."""

from __future__ import annotations

from typing import Final

from packtrace.domain.order import Key
from packtrace.domain.place import NOWHERE, Side
from packtrace.domain.vocabulary import Custody, Life, Reason

NEVER: Final = -1
"""A time that has not been."""

CustodyValue = tuple[int, str, str, str, str, int]
"""(Custody, place, party, destination place, destination party, since): custody as it travels between items."""

UNKNOWN_CUSTODY: Final[CustodyValue] = (0, "", "", "", "", 0)


class State:
    """See rules.md 3. Event ids are evidence of the open window: they are empty where their event has settled."""

    __slots__ = (
        "commissioned",
        "commissioned_id",
        "custody",
        "emptied",
        "expiry",
        "holds",
        "inactive",
        "inactive_id",
        "inactive_recalled",
        "inactive_side",
        "inactive_zone",
        "left",
        "left_from",
        "life",
        "lot",
        "packed",
        "packed_id",
        "parent",
        "reason",
        "shipped_log",
        "side",
        "since",
        "sold_to",
        "to",
    )

    def __init__(self) -> None:
        self.life = Life.NONE
        self.reason = Reason.NONE
        self.inactive = NEVER
        """When it became INACTIVE; where, and whose zone makes that instant a day."""
        self.inactive_side = NOWHERE
        self.inactive_zone = 0
        self.inactive_recalled = False
        """Whether it held RECALLED then."""
        self.inactive_id = ""
        self.sold_to = NOWHERE
        """Destination of a ship by the party that dispensed it."""
        self.lot = ""
        self.expiry = 0
        self.commissioned = NEVER
        self.commissioned_id = ""
        self.parent = ""
        self.packed = NEVER
        self.packed_id = ""
        self.left_from = ""
        """The container it left last without being unpacked, and when."""
        self.left = NEVER
        self.custody = Custody.UNKNOWN
        self.side = NOWHERE
        """AT: where. IN_TRANSIT: from."""
        self.to = NOWHERE
        self.since = 0
        self.shipped_log = 0
        """Log time of the ship while IN_TRANSIT."""
        self.holds: tuple[str, ...] = ()
        self.emptied: Key | None = None
        """Where the last unpack of all its content sorts."""

    def copy(self) -> State:
        """An independent copy: every field is immutable."""
        other = State.__new__(State)
        for name in State.__slots__:
            setattr(other, name, getattr(self, name))
        return other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and all(getattr(self, n) == getattr(other, n) for n in State.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fresh = State()
        told = ((n, getattr(self, n)) for n in State.__slots__ if getattr(self, n) != getattr(fresh, n))
        return "State(" + ", ".join(f"{name}={value!r}" for name, value in told) + ")"

    def custody_value(self) -> CustodyValue:
        """Custody as it travels."""
        if self.custody is Custody.UNKNOWN:
            return UNKNOWN_CUSTODY
        return int(self.custody), self.side[0], self.side[1], self.to[0], self.to[1], self.since

    def take_custody(self, value: CustodyValue) -> None:
        """Custody as another item told it."""
        custody, place, party, to_place, to_party, since = value
        self.custody = Custody(custody)
        self.side = Side(place, party)
        self.to = Side(to_place, to_party)
        self.since = since
        self.shipped_log = 0
