"""An item: a settled base, the open window of its own events, what other items told it, its content and its alerts.

``Item`` is what the tracker holds in memory and changes in place through ``judge`` alone; the query reads its properties.
"""

from __future__ import annotations

from collections.abc import KeysView, Mapping

from packtrace.domain.alert import AlertState, Conclusion
from packtrace.domain.content import Content
from packtrace.domain.order import Key
from packtrace.domain.own_event import OwnEvent
from packtrace.domain.state import State
from packtrace.domain.vocabulary import Custody, FactType, Life, Reason, Status

_NOTHING: Mapping[str, bytes] = {}


class Base:
    """What has settled: the state after it, and what a late arrival is compared with (rules.md 4.5)."""

    __slots__ = ("conclusions", "kinds", "last", "last_change", "state")

    def __init__(self, state: State, last: Key) -> None:
        self.state = state
        self.last = last
        """Where the last settled event sorts: what sorts before it is late."""
        self.kinds: dict[int, tuple[int, int]] = {}
        """Kind -> (time, 32-bit mark) of the commission, and of the last standing event of each other kind."""
        self.last_change = 0
        """Kind of the last standing event that changed the item; 0 where none did."""
        self.conclusions: dict[str, Conclusion] = {}
        """Alerts of settled events that still stand, by id."""

    def copy(self) -> Base:
        other = Base(self.state.copy(), self.last)
        other.kinds = dict(self.kinds)
        other.last_change = self.last_change
        other.conclusions = dict(self.conclusions)
        return other


class Item:
    """See the module. ``now`` is the state after everything known; ``window`` is in base order."""

    __slots__ = (
        "alerts",
        "base",
        "content",
        "correcting",
        "key",
        "last",
        "now",
        "overdue_at",
        "row_bytes",
        "settles_at",
        "told",
        "window",
        "window_hours",
    )

    def __init__(self, key: str) -> None:
        self.key = key
        self.now = State()
        self.base: Base | None = None
        self.window: list[OwnEvent] = []
        self.told: dict[Key, dict[tuple[FactType, str], tuple[bytes, int]]] = {}
        """Answers, emptied and joined facts that came back: event -> (type, source) -> (payload, log time)."""
        self.content: Content | None = None
        self.alerts: dict[str, AlertState] = {}
        """By id: every alert ever told of, withdrawn ones too (their version must grow)."""
        self.last: Key | None = None
        """Where the newest thing known sorts: own event, fact or base."""
        self.correcting = False
        """Whether a correction is in the window."""
        self.settles_at: int | None = None
        """Log time at which the oldest open event, or content, settles."""
        self.overdue_at: int | None = None
        """Log time at which an item in transit counts as not arrived; known once the item has been judged in this process."""
        self.window_hours = 72
        """The open window as last judged: what a reader of packed state needs to know when the item settles."""
        self.row_bytes: list[bytes] = []
        """A memo of ``packtrace.codec.state``: the packed form of the first events of the window."""

    @property
    def life(self) -> Life:
        return self.now.life

    @property
    def reason(self) -> Reason:
        return self.now.reason

    @property
    def lot(self) -> str:
        return self.now.lot

    @property
    def expiry(self) -> int:
        """As stated by its events, YYYYMMDD; 0 where none did. The reference's expiry of the lot counts before it."""
        return self.now.expiry

    @property
    def parent(self) -> str:
        return self.now.parent

    @property
    def custody(self) -> Custody:
        """Its own; of what is inside a container the root's counts."""
        return self.now.custody

    @property
    def place(self) -> str:
        """AT: where. IN_TRANSIT: from."""
        return self.now.side.place

    @property
    def destination(self) -> str:
        """IN_TRANSIT: the place, else the party, it goes to."""
        return self.now.to.place or self.now.to.party

    @property
    def custody_since(self) -> int:
        return self.now.since

    @property
    def holds(self) -> tuple[str, ...]:
        return self.now.holds

    @property
    def children(self) -> KeysView[str]:
        return (_NOTHING if self.content is None else self.content.inside(self.now.emptied).children).keys()

    @property
    def children_count(self) -> int:
        return 0 if self.content is None else len(self.content.inside(self.now.emptied))

    @property
    def deadline(self) -> int | None:
        """The earliest log time at which ``judge.apply_clock`` has something to do."""
        deadline = self.settles_at
        if self.overdue_at is not None and (deadline is None or self.overdue_at < deadline):
            deadline = self.overdue_at
        for alert in self.alerts.values():
            if alert.status is Status.PROVISIONAL and (deadline is None or alert.due < deadline):
                deadline = alert.due
        return deadline
