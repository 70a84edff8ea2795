"""The rules of rules.md 5, judged at one event of one item: what breaks, and what silences what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from packtrace.domain.vocabulary import Severity
from tests.domain.plain import rules_aggregation as aggregation
from tests.domain.plain import rules_behaviour as behaviour
from tests.domain.plain import rules_identity as identity
from tests.domain.plain import rules_life as life
from tests.domain.plain import rules_shipping as shipping
from tests.domain.plain.scene import Scene

LOW, MEDIUM, HIGH, CRITICAL = Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL


class Rule(NamedTuple):
    code: str
    severity: Severity
    per_item: bool
    """One alert per item; else one per event."""
    breaks: Callable[[Scene], bool]


ITEM, EVENT = True, False
# fmt: off
RULES: Final = (
    Rule("duplicate-commissioning", CRITICAL, ITEM,  identity.duplicate_commissioning),
    Rule("sscc-reused",             HIGH,     ITEM,  identity.sscc_reused),
    Rule("unknown-serial",          HIGH,     ITEM,  identity.unknown_serial),
    Rule("unknown-lot",             HIGH,     ITEM,  identity.unknown_lot),
    Rule("expiry-mismatch",         HIGH,     ITEM,  identity.expiry_mismatch),
    Rule("lot-mismatch",            HIGH,     ITEM,  identity.lot_mismatch),
    Rule("scanner-fault",           LOW,      EVENT, identity.scanner_fault),
    Rule("unknown-product",         MEDIUM,   ITEM,  identity.unknown_product),
    Rule("inactive-elsewhere",      CRITICAL, EVENT, life.inactive_elsewhere),
    Rule("inactive-again",          MEDIUM,   EVENT, life.inactive_again),
    Rule("terminal-item",           CRITICAL, EVENT, life.terminal_item),
    Rule("expired-item",            MEDIUM,   EVENT, life.expired_item),
    Rule("recalled-item",           HIGH,     EVENT, life.recalled_item),
    Rule("undo-not-allowed",        HIGH,     EVENT, life.undo_not_allowed),
    Rule("undo-elsewhere",          HIGH,     EVENT, life.undo_elsewhere),
    Rule("undo-too-late",           MEDIUM,   EVENT, life.undo_too_late),
    Rule("undo-mismatch",           MEDIUM,   EVENT, life.undo_mismatch),
    Rule("held-used",               HIGH,     EVENT, life.held_used),
    Rule("two-parents",             HIGH,     EVENT, aggregation.two_parents),
    Rule("wrong-unpack",            MEDIUM,   EVENT, aggregation.wrong_unpack),
    Rule("child-not-commissioned",  HIGH,     ITEM,  aggregation.child_not_commissioned),
    Rule("overfull-container",      MEDIUM,   ITEM,  aggregation.overfull_container),
    Rule("partial-container",       LOW,      ITEM,  aggregation.partial_container),
    Rule("mixed-content",           HIGH,     ITEM,  aggregation.mixed_content),
    Rule("hierarchy-loop",          HIGH,     EVENT, aggregation.hierarchy_loop),
    Rule("level-inversion",         HIGH,     EVENT, aggregation.level_inversion),
    Rule("closed-container",        HIGH,     EVENT, aggregation.closed_container),
    Rule("away-from-parent",        CRITICAL, EVENT, aggregation.away_from_parent),
    Rule("missing-unpack",          LOW,      EVENT, aggregation.missing_unpack),
    Rule("held-shipped",            CRITICAL, EVENT, shipping.held_shipped),
    Rule("unreleased-lot",          HIGH,     EVENT, shipping.unreleased_lot),
    Rule("not-in-custody",          HIGH,     EVENT, shipping.not_in_custody),
    Rule("unauthorised-partner",    HIGH,     EVENT, shipping.unauthorised_partner),
    Rule("child-shipped-alone",     MEDIUM,   EVENT, shipping.child_shipped_alone),
    Rule("shipped-twice",           HIGH,     EVENT, shipping.shipped_twice),
    Rule("product-no-data",         MEDIUM,   ITEM,  shipping.product_no_data),
    Rule("wrong-destination",       MEDIUM,   EVENT, shipping.wrong_destination),
    Rule("void-unknown",            MEDIUM,   EVENT, shipping.void_unknown),
    Rule("impossible-travel",       CRITICAL, EVENT, behaviour.impossible_travel),
    Rule("seen-in-many-places",     CRITICAL, ITEM,  behaviour.seen_in_many_places),
    Rule("verified-too-often",      MEDIUM,   ITEM,  behaviour.verified_too_often),
    Rule("future-event",            LOW,      EVENT, behaviour.future_event),
)
# fmt: on
DATA_NO_PRODUCT: Final = "data-no-product"
"""Judged when all has come (``world``), not at an event."""

UNDO: Final = ("undo-not-allowed", "undo-elsewhere", "undo-too-late", "undo-mismatch")
INACTIVE: Final = ("inactive-elsewhere", "inactive-again")
PRECEDENCE: Final[tuple[tuple[tuple[str, ...], ...], ...]] = (
    (("unknown-product",), ("unknown-lot", "unknown-serial", "child-not-commissioned")),
    (("scanner-fault",), ("unknown-serial", "lot-mismatch")),
    (("unknown-serial",), ("product-no-data",)),
    (("duplicate-commissioning",), ("lot-mismatch", "expiry-mismatch")),
    (("terminal-item",), (*UNDO, "recalled-item", "expired-item", "held-used", *INACTIVE)),
    (("recalled-item", "expired-item"), INACTIVE),
    (("undo-not-allowed",), ("undo-elsewhere",), ("undo-too-late",), ("undo-mismatch",)),
    (("level-inversion",), ("hierarchy-loop",), ("two-parents",), ("not-in-custody",)),
    (("away-from-parent",), ("missing-unpack",)),
    (("child-shipped-alone",), ("shipped-twice", "not-in-custody", "product-no-data", "wrong-destination")),
)
"""Each row from the first to the last: what applies silences all that stands after it."""

SILENCES: Final[dict[str, frozenset[str]]] = {
    code: frozenset(rest for row in PRECEDENCE for n, group in enumerate(row) if code in group for later in row[n + 1 :] for rest in later)
    for code in {code for row in PRECEDENCE for group in row for code in group}
}

COUNT_IN_EXCHANGE: Final = {
    "unknown-serial", "child-not-commissioned", "terminal-item", *INACTIVE, *UNDO, "held-used", "two-parents", "wrong-unpack",
}  # fmt: skip
COUNT_FOR_A_ROOT: Final = {"closed-container", "shipped-twice", "product-no-data", "void-unknown"}
"""Rules that decide an exchange of neighbours (rules.md 4.1)."""

BY_CODE: Final = {rule.code: rule for rule in RULES}


def broken(scene: Scene) -> set[str]:
    """Every rule that holds, before precedence."""
    return {rule.code for rule in RULES if rule.breaks(scene)}


def unsilenced(holds: set[str]) -> set[str]:
    """What is left of ``holds`` after precedence."""
    return holds - {rest for code in holds for rest in SILENCES.get(code, ())}


def severity_of(code: str, scene: Scene) -> Severity:
    if code == "impossible-travel" and not behaviour.both_synced(scene):
        return MEDIUM
    return BY_CODE[code].severity
