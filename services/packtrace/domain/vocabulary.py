"""The closed lists. Codes are never renamed and never reused.

Sources: CBV 2.0 (GS1) for business steps and dispositions, EPCIS 2.0 for types and actions, rules.md for the rest.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class EventType(StrEnum):
    """EPCIS 2.0, 7.4."""

    OBJECT = "object"
    AGGREGATION = "aggregation"
    TRANSACTION = "transaction"
    TRANSFORMATION = "transformation"
    ASSOCIATION = "association"


class Action(StrEnum):
    """EPCIS 2.0, 7.3.1."""

    ADD = "ADD"
    OBSERVE = "OBSERVE"
    DELETE = "DELETE"


class Kind(IntEnum):
    """What an event is for packtrace (rules.md 2). The number is stored: append, never renumber."""

    OBSERVE = 1
    COMMISSION = 2
    PACK = 3
    UNPACK = 4
    SHIP = 5
    RECEIVE = 6
    DISPENSE = 7
    DECOMMISSION = 8
    DESTROY = 9
    CORRECT = 10
    REACTIVATE = 11
    VOID_SHIP = 12
    VERIFY = 13
    RECALL = 14
    HOLD = 15
    RELEASE = 16

    @property
    def word(self) -> str:
        """The name people and tables see, e.g. ``"void_ship"``."""
        return self.name.lower()


class Role(IntEnum):
    """How an event names an item."""

    ITEM = 1
    PARENT = 2
    CHILD = 3
    INPUT = 4
    OUTPUT = 5


class Life(IntEnum):
    NONE = 0
    ACTIVE = 1
    INACTIVE = 2


class Reason(IntEnum):
    """Why an item is INACTIVE (rules.md 2)."""

    NONE = 0
    DISPENSED = 1
    DESTROYED = 2
    EXPORTED = 3
    SAMPLE = 4
    FREE_SAMPLE = 5
    LOCKED = 6
    STOLEN = 7
    REPACKED = 8
    OTHER = 9


TERMINAL = frozenset({Reason.DESTROYED, Reason.STOLEN})


class Custody(IntEnum):
    UNKNOWN = 0
    AT = 1
    IN_TRANSIT = 2


class Level(IntEnum):
    """Unit < bundle < case < logistic; 0 where the product is not known."""

    UNKNOWN = 0
    UNIT = 1
    BUNDLE = 2
    CASE = 3
    LOGISTIC = 4


class Severity(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Status(StrEnum):
    """Of an alert (rules.md 8)."""

    PROVISIONAL = "provisional"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


class Outcome(StrEnum):
    """What became of one op, as its history row says."""

    APPLIED = "applied"
    REPEAT = "repeat"
    RESENT = "resent"
    DOUBLE_SCAN = "double_scan"
    CONFLICT = "conflict"
    LATE = "late"
    REFUSED = "refused"
    CORRECTED = "corrected"


class FactType(IntEnum):
    """Facts between items (rules.md 7)."""

    JOINED = 1
    LEFT = 2
    CONTENT = 3
    SIGHTING = 4
    ANSWER = 5
    EMPTIED = 6
    CHANGED = 7


class Entity(StrEnum):
    """Kinds of reference data (design.md 9)."""

    PRODUCT = "product"
    LOT = "lot"
    LOCATION = "location"
    PARTY = "party"
    LINE = "line"
    DEVICE = "device"
    OPERATOR = "operator"
    POLICY = "policy"
    RECALL = "recall"
    """An event that recalls lots, or the correction of one: it comes with the events, never from a file."""


class Reject(StrEnum):
    """Why an input was rejected; the code of a ``RejectedError``."""

    NO_RECORD = "no-record"
    TOMBSTONE = "tombstone"
    UNKNOWN_SCHEMA = "unknown-schema"
    MALFORMED_AVRO = "malformed-avro"
    MALFORMED_JSON = "malformed-json"
    RECORD_TOO_LARGE = "record-too-large"
    UNKNOWN_FIELD = "unknown-field"
    MISSING_FIELD = "missing-field"
    WRONG_TYPE = "wrong-type"
    UNKNOWN_TYPE = "unknown-type"
    UNKNOWN_ACTION = "unknown-action"
    BAD_TIME = "bad-time"
    FUTURE_TIME = "future-time"
    BAD_DATE = "bad-date"
    BAD_TEXT = "bad-text"
    BAD_IDENTIFIER = "bad-identifier"
    WRONG_CHECK_DIGIT = "wrong-check-digit"
    IDENTIFIER_TOO_LONG = "identifier-too-long"
    TOO_MANY_EPCS = "too-many-epcs"
    NO_ITEMS = "no-items"
    NO_PARENT = "no-parent"
    NO_CHILDREN = "no-children"
    PARENT_IN_CHILDREN = "parent-in-children"
    DUPLICATE_ITEMS = "duplicate-items"
    BAD_REFERENCE = "bad-reference"
    POISON = "poison"
