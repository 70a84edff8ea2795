"""All rules as tables, one per family, and the precedence among them as data (rules.md 5).

``plan`` answers what is asked of an event of one kind and role, silencers first, as bits so that a fold pays little for it.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from packtrace.domain.rules.aggregation import AGGREGATION
from packtrace.domain.rules.behaviour import BEHAVIOUR
from packtrace.domain.rules.identity import IDENTITY
from packtrace.domain.rules.life import LIFE
from packtrace.domain.rules.rule import Decide, Rule, outside
from packtrace.domain.rules.shipping import SHIPPING
from packtrace.domain.vocabulary import Kind, Role

RULES: Final = (*IDENTITY, *LIFE, *AGGREGATION, *SHIPPING, *BEHAVIOUR)
BY_CODE: Final = {rule.code: rule for rule in RULES}

# fmt: off
PRECEDENCE: Final = (
    # the first that applies silences         the rest of its row, also when it is switched off
    (("unknown-product",),                    ("unknown-lot", "unknown-serial", "child-not-commissioned")),
    (("scanner-fault",),                      ("unknown-serial", "lot-mismatch")),
    (("unknown-serial",),                     ("product-no-data",)),
    (("duplicate-commissioning",),            ("lot-mismatch", "expiry-mismatch")),
    (("terminal-item",),                      ("undo-not-allowed", "undo-elsewhere", "undo-too-late", "undo-mismatch", "recalled-item",
                                               "expired-item", "held-used", "inactive-elsewhere", "inactive-again")),
    (("recalled-item", "expired-item"),       ("inactive-elsewhere", "inactive-again")),
    (("undo-not-allowed",),                   ("undo-elsewhere", "undo-too-late", "undo-mismatch")),
    (("undo-elsewhere",),                     ("undo-too-late", "undo-mismatch")),
    (("undo-too-late",),                      ("undo-mismatch",)),
    (("level-inversion",),                    ("hierarchy-loop", "two-parents", "not-in-custody")),
    (("hierarchy-loop",),                     ("two-parents", "not-in-custody")),
    (("two-parents",),                        ("not-in-custody",)),
    (("away-from-parent",),                   ("missing-unpack",)),
    (("child-shipped-alone",),                ("shipped-twice", "not-in-custody", "product-no-data", "wrong-destination")),
)
# fmt: on

REFUSE_PACK: Final = frozenset({"hierarchy-loop", "level-inversion"})
"""A pack that breaks one of these is not applied (rules.md 3.7)."""

COUNT_FOR_ORDER: Final = frozenset(
    {
        "unknown-serial", "child-not-commissioned", "inactive-elsewhere", "inactive-again", "terminal-item", "undo-not-allowed",
        "undo-elsewhere", "undo-too-late", "undo-mismatch", "held-used", "two-parents", "wrong-unpack",
    }
)  # fmt: skip
"""Rules whose breach may exchange neighbours without an order of their own (rules.md 4.1)."""

COUNT_FOR_ORDER_OF_ROOTS: Final = frozenset({"closed-container", "shipped-twice", "product-no-data", "void-unknown"})
"""Those that count only for an item that is its own root."""

NOT_OF_EXCEPTED: Final = frozenset(rule.code for rule in SHIPPING) | {"expired-item", "recalled-item"}
"""What is not judged for a packed item whose ship or receive is its root's, reported once more."""


class Question(NamedTuple):
    """A rule in a plan: its bit, and the bits it silences when it is broken."""

    decide: Decide
    bit: int
    silences: int
    rule: Rule


def bits(codes: frozenset[str]) -> int:
    """The bits of those rules that there are."""
    return sum(1 << n for n, rule in enumerate(RULES) if rule.code in codes)


def _silenced_by(code: str) -> frozenset[str]:
    return frozenset(one for firsts, rest in PRECEDENCE if code in firsts for one in rest)


def _ordered() -> list[int]:
    """Numbers of the rules, each after all that may silence it; else as in the tables."""
    left, out = list(range(len(RULES))), []
    while left:
        free = [n for n in left if not any(RULES[n].code in _silenced_by(RULES[m].code) for m in left)]
        if not free:
            raise AssertionError("the precedence has a circle")
        out.append(free[0])
        left.remove(free[0])
    return out


_IN_ORDER: Final = tuple(_ordered())


@cache
def plan(kind: Kind, role: Role) -> tuple[Question, ...]:
    """What is asked of an event of this kind by an item in this role, before it."""
    return _asked(kind, role, after=False)


@cache
def plan_after(kind: Kind, role: Role) -> tuple[Question, ...]:
    """What is asked of a container with what is inside just after the event."""
    return _asked(kind, role, after=True)


def _asked(kind: Kind, role: Role, after: bool) -> tuple[Question, ...]:
    return tuple(
        Question(rule.decide, 1 << n, bits(_silenced_by(rule.code)), rule)
        for n in _IN_ORDER
        for rule in (RULES[n],)
        if kind in rule.kinds and role in rule.roles and rule.after is after and rule.decide is not outside
    )
