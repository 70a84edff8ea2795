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

Moment = tuple[int, str, str]
"""(time, place, party): when and where an item was shipped, received or named."""

Use = tuple[int, int]
"""Of an SSCC: (time of the first receive since its first pack, time its last child went), NEVER where that has not been; or
(DESTROYED, when)."""

DESTROYED: Final = -2

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
        "life",
        "lot",
        "naming",
        "packed",
        "packed_id",
        "parent",
        "partial",
        "reason",
        "received",
        "seen",
        "shipped",
        "shipped_id",
        "shipped_log",
        "side",
        "sighted",
        "sighted_id",
        "since",
        "sold_to",
        "to",
        "use",
        "verified",
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
        self.left: tuple[tuple[int, str], ...] = ()
        """The containers it left within 24 hours without being unpacked: when, and which."""
        self.custody = Custody.UNKNOWN
        self.side = NOWHERE
        """AT: where. IN_TRANSIT: from."""
        self.to = NOWHERE
        self.since = 0
        self.shipped_log = 0
        """Log time of its own ship while IN_TRANSIT, and that event's id; 0 where it left something in transit."""
        self.shipped_id = ""
        self.holds: tuple[str, ...] = ()
        self.emptied: Key | None = None
        """Where the last unpack of all its content sorts."""
        self.partial = False
        """Whether a commission of it, a pack into it or a ship of it said ``partial``."""
        self.sighted: tuple[int, str, str] | None = None
        """The latest sighting at a place with coordinates: time, place, device."""
        self.sighted_id = ""
        self.seen: tuple[Moment, ...] = ()
        """Where it was dispensed or verified within 30 days, since it was last shipped, received or left a container."""
        self.verified: tuple[int, ...] = ()
        """When it was verified within 24 hours."""
        self.shipped: Moment | None = None
        self.received: Moment | None = None
        self.naming: Moment | None = None
        """The last ship, the last receive since then and the last naming of what may be a root."""
        self.use: Use | None = None
        """Of an SSCC that has been packed into: see ``Use``."""

    def copy(self) -> State:
        """An independent copy: every field is immutable. Written out, which costs a third of a loop."""
        other = State.__new__(State)
        other.commissioned = self.commissioned
        other.commissioned_id = self.commissioned_id
        other.custody = self.custody
        other.emptied = self.emptied
        other.expiry = self.expiry
        other.holds = self.holds
        other.inactive = self.inactive
        other.inactive_id = self.inactive_id
        other.inactive_recalled = self.inactive_recalled
        other.inactive_side = self.inactive_side
        other.inactive_zone = self.inactive_zone
        other.left = self.left
        other.life = self.life
        other.lot = self.lot
        other.naming = self.naming
        other.packed = self.packed
        other.packed_id = self.packed_id
        other.parent = self.parent
        other.partial = self.partial
        other.reason = self.reason
        other.received = self.received
        other.seen = self.seen
        other.shipped = self.shipped
        other.shipped_id = self.shipped_id
        other.shipped_log = self.shipped_log
        other.side = self.side
        other.sighted = self.sighted
        other.sighted_id = self.sighted_id
        other.since = self.since
        other.sold_to = self.sold_to
        other.to = self.to
        other.use = self.use
        other.verified = self.verified
        return other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and all(getattr(self, name) == getattr(other, name) for name in State.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        fresh = State()
        told = ((name, getattr(self, name)) for name in State.__slots__ if getattr(self, name) != getattr(fresh, name))
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
        self.shipped_id = ""
