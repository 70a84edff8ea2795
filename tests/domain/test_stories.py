"""A story that fires and one that does not, for every rule there is; and those of rules.md that are no rule."""

from __future__ import annotations

import pytest

from tests.domain.story import play

FIRES = {
    "duplicate-commissioning": """
        10:00  line-1  commission U1 lot=L7                   active
        10:05  line-2  commission U1 lot=L7                   active  duplicate-commissioning!
    """,
    "unknown-serial": """
        10:00  hand-1  observe U1                             none  unknown-serial?
        14:01  -
        14:02  hand-1  observe U2                             U1: unknown-serial!
    """,
    "unknown-product": """
        10:00  hand-1  observe X1                             active  unknown-product?  no unknown-serial
    """,
    "unknown-lot": """
        10:00  line-1  commission U1 lot=L9                   active  unknown-lot?
    """,
    "lot-mismatch": """
        10:00  line-1  commission U1 lot=L7                   lot L7
        10:05  hand-1  observe U1 lot=Lz8                     lot-mismatch!
    """,
    "expiry-mismatch": """
        10:00  line-1  commission U1 lot=L7 exp=2028-06-30    expiry-mismatch?
        10:11  line-1  commission U2 lot=L7 exp=2028-05-31    quiet  U1: expiry-mismatch!
    """,
    "scanner-fault": """
        10:00  line-1  commission U1 lot=L7                   quiet
        10:05  hand-1  observe U1 lot=l7                      scanner-fault!  no lot-mismatch
        10:06  hand-1  observe U2 lot=Ly8                     scanner-fault!  no unknown-serial
        10:07  hand-1  observe U3 lot=L72199                  scanner-fault!  no unknown-serial
        10:08  hand-1  observe U=4710L7                       scanner-fault!  no unknown-serial
    """,
    "inactive-elsewhere": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     dispense U1 place=pharmacy             inactive
        12:00  d-2     observe U1 place=pharmacy-2            inactive-elsewhere?
    """,
    "inactive-again": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     dispense U1 place=pharmacy             inactive
        12:00  d-1     ship U1 place=nowhere                  inactive-again!  no inactive-elsewhere
    """,
    "terminal-item": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     destroy U1 place=site                  inactive
        12:00  d-1     observe U1 place=site                  terminal-item?  no inactive-again
    """,
    "two-parents": """
        10:00  line-1  commission U1 lot=L7                   active
        10:01  line-1  pack U1 -> C1                          in C1
        10:05  line-2  pack U1 -> C2                          in C2  two-parents?  C1: empty  C2: holds U1
        10:16  -
        10:16  hand-1  observe U2                             U1: two-parents!
    """,
    "wrong-unpack": """
        10:00  line-1  commission U1 lot=L7                   active
        10:01  line-1  pack U1 -> C1                          in C1
        10:05  line-2  unpack U1 <- C2                        in C1  wrong-unpack?
    """,
    "child-not-commissioned": """
        10:01  line-1  pack U1 -> C1                          in C1  child-not-commissioned?
    """,
    "hierarchy-loop": """
        10:00  line-1  pack P1 -> P2                          in P2
        10:01  line-1  pack P2 -> P3                          in P3
        10:02  line-2  pack P3 -> P1                          loose  hierarchy-loop!  P1: empty
    """,
    "level-inversion": """
        10:00  line-1  commission C1 lot=L7                   active
        10:01  line-1  pack C1 -> U1                          refused  loose  level-inversion!
    """,
    "future-event": """
        10:00  line-1  commission U1 lot=L7 at 10:06          future-event!
    """,
    "late-beyond-window": """
        10:00      line-1  commission U1 lot=L7               active
        10:05      hand-1  observe U1                         quiet
        +4d 10:00  -
        +4d 10:01  hand-1  observe U1 at 09:00                late  late-beyond-window!
    """,
}

HOLDS = {
    "duplicate-commissioning": """
        10:00     line-1  commission U1 lot=L7 at 10:00       active
        10:00:01  line-1  commission U1 lot=L7 at 10:00:01    resent  quiet
        10:00:02  line-1  commission U1 lot=L7 id=e0 at 10:00  repeat  quiet
    """,
    "unknown-serial": """
        10:00  hand-1  observe U1                             unknown-serial?
        10:40  line-1  commission U1 lot=L7 at 09:00          active  (unknown-serial)
    """,
    "unknown-product": """
        10:00  hand-1  observe X1                             unknown-product?
        10:30  -       load product=partner
        10:31  hand-2  observe X1                             (unknown-product)  quiet
    """,
    "unknown-lot": """
        10:00  line-1  commission U1 lot=L9                   unknown-lot?
        10:30  -       load lot=L9
        10:31  hand-1  observe U1                             (unknown-lot)  quiet
    """,
    "lot-mismatch": """
        10:00  line-1  commission U1 lot=L7                   lot L7
        10:05  hand-1  observe U1 lot=L7                      quiet
    """,
    "expiry-mismatch": """
        10:00  line-1  commission U1 lot=L7 exp=2028-05-00    quiet
        10:01  line-1  commission U2 lot=M0 exp=2028-05-17    quiet
    """,
    "scanner-fault": """
        10:00  line-1  commission U1 lot=L7                   quiet
        10:05  hand-1  observe U1 lot=Lz8                     no scanner-fault
        10:06  hand-1  observe U9 lot=L7                      no scanner-fault  unknown-serial?
    """,
    "inactive-elsewhere": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     decommission U1 reason=EXPORTED place=site    inactive
        12:00  d-2     receive U1 place=distributor           quiet
    """,
    "inactive-again": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     dispense U1 place=pharmacy             inactive
        12:00  d-1     verify U1 place=pharmacy               quiet
        13:00  d-1     ship U1 place=pharmacy to=distributor  quiet
        14:00  d-3     receive U1 place=distributor           quiet
    """,
    "terminal-item": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     destroy U1 place=site                  inactive
        12:00  d-1     hold U1 place=site                     quiet
    """,
    "two-parents": """
        10:00  line-1   commission U1 lot=L7                  active
        10:01  line-1   pack U1 -> C1                         in C1
        10:05  line-2   pack U1 -> C2                         in C2     two-parents?
        10:09  line-1   unpack U1 <- C1   at 10:04            in C2     (two-parents)  quiet
    """,
    "wrong-unpack": """
        10:00  line-1  commission U1 lot=L7                   active
        10:01  line-1  pack U1 -> C1                          in C1
        10:05  line-2  dispense U1                            loose  inactive
        10:06  line-2  unpack U1 <- C1                        quiet
    """,
    "child-not-commissioned": """
        10:01  line-1  pack U1 -> C1                          in C1  child-not-commissioned?
        10:40  line-1  commission U1 lot=L7 at 10:00          (child-not-commissioned)  quiet  in C1
        10:41  line-1  pack F1 -> C1                          quiet
    """,
    "hierarchy-loop": """
        10:00  line-1  pack P1 -> P2                          in P2
        10:01  line-1  pack P2 -> P3                          in P3
        10:02  line-2  pack P3 -> P1                          hierarchy-loop!
        10:03  line-2  unpack P1 <- P2  at 10:01:30           P3: (hierarchy-loop)  P3: in P1  P1: holds P3
    """,
    "level-inversion": """
        10:00  line-1  commission C1 lot=L7                   active
        10:01  line-1  pack C1 -> P1                          quiet  in P1
        10:02  line-1  pack P1 -> P2                          quiet  in P2
    """,
    "future-event": """
        10:00  line-1  commission U1 lot=L7 at 10:05          quiet
    """,
    "late-beyond-window": """
        10:00      line-1  commission U1 lot=L7               active
        +4d 10:00  -
        +4d 10:01  hand-1  observe U1 at 11:00                applied  quiet
        +4d 10:02  line-1  commission U1 lot=L7 at 10:00      repeat  quiet
    """,
}


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("rule", FIRES)
def test_a_story_that_breaks_the_rule(rule: str, cold: bool) -> None:
    world = play(FIRES[rule], cold=cold)
    assert any(change.rule == rule for change in world.changes)


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("rule", HOLDS)
def test_a_story_that_keeps_it(rule: str, cold: bool) -> None:
    play(HOLDS[rule], cold=cold)


def test_every_rule_has_both() -> None:
    from packtrace.domain.rules import BY_CODE

    assert FIRES.keys() == HOLDS.keys() == BY_CODE.keys()
