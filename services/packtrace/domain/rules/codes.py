"""The codes of all rules (rules.md 5): closed, never renamed, never reused."""

from __future__ import annotations

from typing import Final

# fmt: off
CODES: Final = (
    "duplicate-commissioning", "sscc-reused", "unknown-serial", "unknown-lot", "expiry-mismatch", "lot-mismatch", "scanner-fault",
    "unknown-product",
    "inactive-elsewhere", "inactive-again", "terminal-item", "expired-item", "recalled-item", "undo-not-allowed", "undo-elsewhere",
    "undo-too-late", "undo-mismatch", "held-used",
    "two-parents", "wrong-unpack", "child-not-commissioned", "overfull-container", "partial-container", "mixed-content",
    "hierarchy-loop", "level-inversion", "closed-container", "away-from-parent", "missing-unpack",
    "held-shipped", "unreleased-lot", "not-in-custody", "unauthorised-partner", "child-shipped-alone", "shipped-twice",
    "product-no-data", "data-no-product", "wrong-destination", "void-unknown",
    "impossible-travel", "seen-in-many-places", "verified-too-often", "future-event", "late-beyond-window",
)
# fmt: on

NUMBERS: Final = {"data-no-product": ("days",)}
"""Numbers of a rule that the policy may set, beside its switch, severity and grace."""
