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
    "sscc-reused": """
        10:00  line-1  pack U1 -> P1                          in P1
        11:00  d-1     ship P1 place=site to=distributor      transit
        12:00  d-2     receive P1 place=distributor           at distributor
        13:00  d-2     unpack U1 <- P1 place=distributor      loose
        +2d 13:01  d-3  pack F1 -> P1 place=site              P1: sscc-reused?
    """,
    "expired-item": """
        10:00  line-1  commission U1 lot=E1                   expired-item!
        10:05  line-1  pack U1 -> P1                          in P1
        11:00  d-1     ship P1 place=site to=distributor      P1: expired-item!
    """,
    "recalled-item": """
        10:00  line-1  commission U1 lot=R1                   quiet
        10:05  line-1  pack U1 -> P1                          in P1
        11:00  d-1     ship P1 place=site to=distributor      no recalled-item
        12:00  d-2     receive P1 place=distributor           P1: recalled-item!
        13:00  d-2     recall F1                              quiet
        13:01  d-2     dispense F1 place=distributor          recalled-item!
    """,
    "undo-not-allowed": """
        10:00  line-1  commission U1 lot=E1                   active
        11:00  d-1     dispense U1 place=pharmacy             inactive
        12:00  d-1     reactivate U1 place=pharmacy           inactive  undo-not-allowed!  refused
    """,
    "undo-elsewhere": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     dispense U1 place=pharmacy             inactive
        12:00  d-1     reactivate U1 place=pharmacy-2         inactive  undo-elsewhere!  no undo-too-late
    """,
    "undo-too-late": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     dispense U1 place=pharmacy             inactive
        +10d 11:01  d-1  reactivate U1 place=pharmacy         inactive  undo-too-late!
    """,
    "undo-mismatch": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     dispense U1 place=pharmacy             inactive
        12:00  d-1     reactivate U1 place=pharmacy reason=SAMPLE  inactive  undo-mismatch!
    """,
    "held-used": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     hold U1 reason=TEMPERATURE             quiet
        12:00  d-1     dispense U1 place=site                 held-used!
    """,
    "overfull-container": """
        10:00  line-1  commission D1 lot=L7                   active
        10:01  line-1  commission U1 U2 U3 lot=L7             active
        10:02  line-1  pack U1 U2 U3 -> D1                    D1: overfull-container?
    """,
    "partial-container": """
        10:00  line-1  commission D1 lot=L7                   active
        10:01  line-1  commission U1 lot=L7                   active
        10:02  line-1  pack U1 -> D1                          in D1
        11:00  d-1     ship D1 place=site to=distributor      D1: partial-container?
    """,
    "mixed-content": """
        10:00  line-1  commission D1 lot=L7                   active
        10:01  line-1  commission U1 lot=L7                   active
        10:01  line-2  commission U2 lot=Lz8                  active
        10:02  line-1  pack U1 U2 -> D1                       D1: mixed-content?
    """,
    "closed-container": """
        10:00  line-1  pack F1 -> P1                          in P1
        11:00  d-1     ship P1 place=site to=distributor      P1: transit
        12:00  line-1  pack F2 -> P1 place=site               P1: closed-container?
    """,
    "away-from-parent": """
        10:00  line-1  pack F1 -> P1                          in P1
        11:00  d-1     observe F1 place=pharmacy              away-from-parent?  no missing-unpack
    """,
    "missing-unpack": """
        10:00  line-1  pack F1 -> P1                          in P1
        11:00  d-1     observe F1 place=site-2                missing-unpack?  no away-from-parent
    """,
    "child-shipped-alone": """
        10:00  line-1  pack F1 -> P1                          in P1
        11:00  d-1     ship F1 place=site to=distributor      child-shipped-alone?  transit  P1: empty
    """,
    "held-shipped": """
        10:00  line-1  pack F1 -> P1                          in P1
        10:30  d-1     hold F1 reason=TEMPERATURE             in P1
        11:00  d-1     ship P1 place=site to=distributor      P1: held-shipped!
    """,
    "unreleased-lot": """
        10:00  line-1  commission U1 lot=Q1                   active
        11:00  d-1     ship U1 place=site to=distributor      unreleased-lot?
    """,
    "not-in-custody": """
        10:00  line-1  commission U1 lot=L7                   at site
        11:00  d-1     ship U1 place=pharmacy to=distributor  not-in-custody?
    """,
    "unauthorised-partner": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     ship U1 place=site to=pharmacy-2       unauthorised-partner?
    """,
    "shipped-twice": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     ship U1 place=site to=distributor      transit
        12:00  d-1     ship U1 place=site to=pharmacy         shipped-twice?
    """,
    "product-no-data": """
        11:00  d-1     receive F1 place=distributor           product-no-data?
        11:01  line-1  commission U1 lot=L7                   at site
        12:00  d-1     receive U1 place=distributor           product-no-data?
    """,
    "data-no-product": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     ship U1 place=site to=distributor      transit
        +7d 11:00     -  observe F9                           U1: no data-no-product
        +7d 11:01     -  observe F8                           U1: data-no-product!
    """,
    "wrong-destination": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     ship U1 place=site to=distributor      transit
        12:00  d-2     receive U1 place=pharmacy              wrong-destination?
    """,
    "void-unknown": """
        10:00  line-1  commission U1 lot=L7                   active
        12:00  d-1     void_ship U1 place=site                void-unknown?
    """,
    "impossible-travel": """
        10:00  line-1  commission U1 lot=L7 place=north       active
        11:00  d-1     observe U1 place=south                 impossible-travel?
    """,
    "seen-in-many-places": """
        10:00  d-1     verify F1 place=site                   quiet
        11:00  d-2     verify F1 place=distributor            quiet
        12:00  d-3     verify F1 place=pharmacy               seen-in-many-places?
    """,
    "verified-too-often": """
        10:00  d-1     verify F1 place=site                   quiet
        10:01  d-1     verify F1 place=site                   quiet
        10:02  d-1     verify F1 place=site                   quiet
        10:03  d-1     verify F1 place=site                   quiet
        10:04  d-1     verify F1 place=site                   quiet
        10:05  d-1     verify F1 place=site                   quiet
        10:06  d-1     verify F1 place=site                   quiet
        10:07  d-1     verify F1 place=site                   quiet
        10:08  d-1     verify F1 place=site                   quiet
        10:09  d-1     verify F1 place=site                   quiet
        10:10  d-1     verify F1 place=site                   verified-too-often!
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
        12:00  d-2     receive U1 place=distributor           no inactive-elsewhere
    """,
    "inactive-again": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     dispense U1 place=pharmacy             inactive
        12:00  d-1     verify U1 place=pharmacy               quiet
        13:00  d-1     ship U1 place=pharmacy to=distributor  no inactive-again
        14:00  d-3     receive U1 place=distributor           no inactive-again
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
    "sscc-reused": """
        10:00  line-1  pack U1 -> P1                          in P1
        11:00  d-1     ship P1 place=site to=distributor      transit
        12:00  d-2     receive P1 place=distributor           at distributor
        13:00  d-2     unpack U1 <- P1 place=distributor      loose
        +1d 13:00  d-2  pack F1 -> P1 place=distributor       P1: no sscc-reused
    """,
    "expired-item": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     ship U1 place=site to=distributor      no expired-item
    """,
    "recalled-item": """
        10:00  line-1  commission U1 lot=R1                   active
        12:00  d-1     ship U1 place=site to=returns          no recalled-item
    """,
    "undo-not-allowed": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     dispense U1 place=pharmacy             inactive
        12:00  d-1     reactivate U1 place=pharmacy           active  quiet
    """,
    "undo-elsewhere": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     dispense U1                            inactive
        12:00  d-1     reactivate U1 place=pharmacy           active  quiet
    """,
    "undo-too-late": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     dispense U1 place=pharmacy             inactive
        +10d 11:00  d-1  reactivate U1 place=pharmacy         active  no undo-too-late
    """,
    "undo-mismatch": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     dispense U1 place=pharmacy             inactive
        12:00  d-1     reactivate U1 place=pharmacy reason=DISPENSED  active  quiet
    """,
    "held-used": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     hold U1 reason=TEMPERATURE             quiet
        11:30  d-1     release U1                             quiet
        12:00  d-1     dispense U1 place=site                 quiet
    """,
    "overfull-container": """
        10:00  line-1  commission D1 lot=L7                   active
        10:01  line-1  commission U1 U2 U3 lot=L7             active
        10:02  line-1  pack U1 U2 -> D1                       D1: quiet
        10:03  line-1  unpack U2 <- D1                        D1: quiet
        10:04  line-1  pack U3 -> D1                          D1: quiet
    """,
    "partial-container": """
        10:00  line-1  commission D1 lot=L7                   active
        10:01  line-1  commission U1 lot=L7                   active
        10:02  line-1  pack U1 -> D1 partial=1                in D1
        11:00  d-1     ship D1 place=site to=distributor      D1: no partial-container
    """,
    "mixed-content": """
        10:00  line-1  commission D1 lot=L7                   active
        10:01  line-1  commission U1 lot=L7                   active
        10:02  line-1  pack U1 U2 -> D1                       D1: no mixed-content
    """,
    "closed-container": """
        10:00  line-1  pack F1 -> P1                          in P1
        11:00  d-1     ship P1 place=site to=distributor      P1: transit
        12:00  d-2     unpack F1 <- P1 place=distributor      P1: no closed-container  at distributor
    """,
    "away-from-parent": """
        10:00  line-1  pack F1 -> P1                          in P1
        11:00  d-1     ship P1 place=site to=distributor      P1: transit
        12:00  d-1     observe F1 place=distributor           no away-from-parent
    """,
    "missing-unpack": """
        10:00  line-1  pack F1 -> P1                          in P1
        11:00  d-1     observe F1 place=site                  quiet
        12:00  d-1     observe F1 P1 place=site-2             F1: (missing-unpack)
    """,
    "child-shipped-alone": """
        10:00  line-1  pack F1 -> P1                          in P1
        11:00  d-1     ship P1 F1 place=site to=distributor   F1: no child-shipped-alone  F1: in P1
        12:00  d-2     receive F1 place=distributor           no child-shipped-alone  in P1
    """,
    "held-shipped": """
        10:00  line-1  pack F1 -> P1                          in P1
        10:30  d-1     hold F1 reason=TEMPERATURE             in P1
        10:40  d-1     release F1                             in P1
        11:00  d-1     ship P1 place=site to=distributor      P1: no held-shipped
    """,
    "unreleased-lot": """
        10:00  line-1  commission U1 lot=Q1                   active
        11:00  d-1     ship U1 place=site to=distributor      unreleased-lot?
        11:05  -       load lot=Q1
        11:06  -       observe F1                             U1: (unreleased-lot)
    """,
    "not-in-custody": """
        10:00  line-1  commission U1 lot=L7                   at site
        11:00  d-1     ship U1 place=site-2 to=distributor    no not-in-custody
    """,
    "unauthorised-partner": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     ship U1 place=site to=distributor      no unauthorised-partner
    """,
    "shipped-twice": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     ship U1 place=site to=distributor      transit
        12:00  d-1     ship U1 place=distributor to=pharmacy  no shipped-twice
    """,
    "product-no-data": """
        10:00  line-1  commission U1 lot=L7                   at site
        12:00  d-1     receive U1 place=distributor           product-no-data?
        12:05  d-1     ship U1 place=site to=distributor at 11:00  (product-no-data)
    """,
    "data-no-product": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     ship U1 place=site to=distributor      transit
        +7d 11:01     -  observe F8                           U1: data-no-product!
        +7d 11:02  d-2  receive U1 place=distributor          (data-no-product)
    """,
    "wrong-destination": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     ship U1 place=site to=distributor      transit
        12:00  d-2     receive U1 place=site-2                no wrong-destination
    """,
    "void-unknown": """
        10:00  line-1  commission U1 lot=L7                   active
        11:00  d-1     ship U1 place=site to=distributor      transit
        12:00  d-1     void_ship U1 place=site                no void-unknown  at site
    """,
    "impossible-travel": """
        10:00  line-1  commission U1 lot=L7 place=north       active
        +1d 10:00  d-1  observe U1 place=south                no impossible-travel
    """,
    "seen-in-many-places": """
        10:00  d-1     verify F1 place=site                   quiet
        11:00  d-2     verify F1 place=distributor            quiet
        11:30  d-2     ship F1 place=distributor to=pharmacy  no seen-in-many-places
        12:00  d-3     verify F1 place=pharmacy               no seen-in-many-places
    """,
    "verified-too-often": """
        10:00  d-1     verify F1 place=site                   quiet
        10:00:20  d-1  verify F1 place=site                   double_scan  quiet
    """,
}

AGREED = {
    "what joins a container tells the lot that its pack states": """
        10:00  -          pack F1 X1 -> D1 lot=L7                   D1: mixed-content?
    """,
    "a label that comes round again is its issuer's": """
        10:00  line-1     pack U1 -> P1                             in P1
        11:00  d-1        ship P1 place=site to=distributor         transit
        12:00  d-2        receive P1 place=distributor              at distributor
        13:00  d-2        unpack U1 <- P1 place=distributor         loose
        +400d 10:00  d-3  pack F1 -> P1 place=site                  P1: no sscc-reused  P1: no not-in-custody
        +400d 11:00  d-1  ship P1 place=site to=distributor         transit  no not-in-custody
    """,
    "a ship without an origin accuses nobody": """
        10:00  -          pack F1 -> P1                             in P1
        11:00  -          ship P1 to=distributor                    transit
        12:00  d-3        observe F1 place=pharmacy                 F1: missing-unpack?  F1: no away-from-parent
    """,
}
"""What was decided where rules.md leaves a choice (README of the domain), where no pair of a rule shows it."""


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("decision", AGREED)
def test_a_decision_holds(decision: str, cold: bool) -> None:
    play(AGREED[decision], cold=cold)


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
