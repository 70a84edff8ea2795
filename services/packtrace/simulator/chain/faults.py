"""Every rule of rules.md 5 that a stream of events can break, and the stories that do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from packtrace.domain.rules.codes import CODES
from packtrace.errors import RefusedError
from packtrace.simulator.chain import faults_goods as goods
from packtrace.simulator.chain import faults_moves as moves
from packtrace.simulator.chain.goods import Lots
from packtrace.simulator.chain.innocent import INNOCENT
from packtrace.simulator.chain.recipe import DAY, Recipe
from packtrace.simulator.chain.scribe import Scribe
from packtrace.simulator.chain.stage import FaultLots, Offence, Stage

Story = Callable[[Stage], None]

STAGED = 9 * DAY
"""Stories begin within it, from the start of a world; the longest takes thirteen days."""

INNOCENT_PER_UNITS = 2_000
"""A world plays each innocent story once, and once more per so many units."""

FAULTS_MAX = 100_000

# fmt: off
FAULTS: Mapping[str, tuple[Story, ...]] = {
    # identity
    "duplicate-commissioning": (goods.made_again_on_the_other_site, goods.made_again_in_another_lot, goods.made_again_after_it_was_dispensed),
    "sscc-reused":             (goods.packed_into_a_used_sscc, goods.a_used_sscc_commissioned_again),
    "unknown-serial":          (goods.verified_but_never_made, goods.dispensed_but_never_made, goods.received_but_never_made),
    "unknown-lot":             (goods.made_in_no_lot, goods.case_made_in_no_lot),
    "expiry-mismatch":         (goods.printed_with_another_expiry, goods.verified_with_another_expiry,
                                goods.verified_with_another_expiry_and_no_lot),
    "lot-mismatch":            (goods.verified_with_the_next_lot, goods.received_with_no_lot_of_ours),
    "scanner-fault":           (goods.scanned_with_caps_lock, goods.scanned_without_separator, goods.lot_read_with_the_serial),
    "unknown-product":         (goods.made_of_no_product, goods.verified_of_no_product),
    # life
    "inactive-elsewhere":      (goods.dispensed_in_two_pharmacies, goods.dispensed_and_verified_elsewhere, goods.decommissioned_and_sold,
                                goods.dispensed_and_packed_by_another),
    "inactive-again":          (goods.dispensed_and_decommissioned, goods.dispensed_again_days_later),
    "terminal-item":           (goods.destroyed_and_verified, goods.stolen_and_dispensed, goods.destroyed_and_reactivated),
    "expired-item":            (goods.dispensed_after_its_expiry, goods.shipped_with_expired_goods_inside, goods.made_after_its_expiry,
                                goods.shipped_after_its_expiry),
    "recalled-item":           (goods.dispensed_after_its_recall, goods.shipped_and_received_with_recalled_goods_inside,
                                goods.recalled_itself_and_dispensed, goods.dispensed_after_its_lot_was_called_back),
    "undo-not-allowed":        (goods.brought_back_after_its_expiry, goods.brought_back_after_its_recall),
    "undo-elsewhere":          (goods.brought_back_elsewhere, goods.brought_back_late_elsewhere_and_for_another_reason),
    "undo-too-late":           (goods.brought_back_on_the_eleventh_day,),
    "undo-mismatch":           (goods.brought_back_with_another_reason,),
    "held-used":               (goods.dispensed_on_hold,),
    # aggregation
    "two-parents":             (moves.packed_twice, moves.taken_by_another_case),
    "wrong-unpack":            (moves.unpacked_from_another_case, moves.unpacked_but_never_packed),
    "child-not-commissioned":  (moves.packed_but_never_made, moves.case_packed_but_never_made),
    "overfull-container":      (moves.one_more_packed, moves.too_many_packed_at_once),
    "partial-container":       (moves.short_case_shipped, moves.opened_case_shipped),
    "mixed-content":           (moves.two_lots_in_a_case, moves.another_lot_added_to_a_case),
    "hierarchy-loop":          (moves.two_in_each_other, moves.three_in_each_other),
    "level-inversion":         (moves.pallet_in_a_case, moves.case_in_a_case),
    "closed-container":        (moves.taken_out_while_under_way, moves.packed_into_while_under_way,
                                moves.opened_by_a_third_while_under_way),
    "away-from-parent":        (moves.verified_away_from_a_pallet_never_shipped, moves.dispensed_away_from_its_pallet,
                                moves.verified_off_the_route),
    "missing-unpack":          (moves.sold_from_a_pallet_nobody_opened, moves.moved_to_the_branch_without_a_word),
    # shipping
    "held-shipped":            (moves.pallet_on_hold_shipped, moves.shipped_with_a_unit_on_hold_inside),
    "unreleased-lot":          (moves.shipped_before_release, moves.units_shipped_before_release),
    "not-in-custody":          (moves.shipped_by_somebody_else, moves.packed_by_somebody_else),
    "unauthorised-partner":    (moves.shipped_to_nobody_registered, moves.shipped_to_a_lapsed_partner),
    "child-shipped-alone":     (moves.case_shipped_from_a_closed_pallet, moves.case_received_from_a_pallet_elsewhere,
                                moves.unit_shipped_from_a_closed_case),
    "shipped-twice":           (moves.shipped_again_from_the_same_dock,),
    "product-no-data":         (moves.pallet_nobody_told_of, moves.own_case_received_but_never_shipped),
    "data-no-product":         (moves.shipped_and_never_received,),
    "wrong-destination":       (moves.received_by_another_distributor,),
    "void-unknown":            (moves.voided_after_it_arrived, moves.voided_but_never_shipped),
    # behaviour
    "impossible-travel":       (moves.verified_in_lisbon_and_warsaw_within_an_hour, moves.dispensed_in_warsaw_an_hour_after_lisbon),
    "seen-in-many-places":     (moves.verified_in_three_pharmacies,),
    "verified-too-often":      (moves.verified_all_day,),
    "future-event":            (moves.verified_tomorrow,),
    "late-beyond-window":      (moves.counted_long_ago_and_told_now,),
}
# fmt: on

NEED_LOG_TIME = frozenset({"data-no-product", "late-beyond-window"})
"""Rules that follow only when days of log time pass: a world that is published in a minute cannot break them. Its whole log has
one hour; data-no-product needs the days of the policy to pass, late-beyond-window the window of settling. They are played
where a test sets the log time itself."""

if set(FAULTS) != set(CODES):
    raise AssertionError(f"faults: expected a story for each rule, missing {set(CODES) - set(FAULTS)}")


def per_rule(units: int) -> dict[str, int]:
    """``--faults all``: each rule with each of its stories, and more in a large world."""
    return {rule: max(len(stories), units // 2_000) for rule, stories in FAULTS.items() if rule not in NEED_LOG_TIME}


def read_faults(text: str, units: int) -> dict[str, int]:
    """``none``, ``all``, a number (of each rule), or ``RULE[=N],...``.

    Raises:
        RefusedError: an unknown rule, one that needs days of log time, or no number from 0 to 100,000.
    """
    if text == "none":
        return {}
    if text == "all":
        return per_rule(units)
    if text.isascii() and text.isdigit():
        return dict.fromkeys(per_rule(units), _number(text, text))
    faults: dict[str, int] = {}
    for part in text.split(","):
        rule, equals, number = part.strip().partition("=")
        if rule not in FAULTS:
            raise RefusedError(f"--faults: expected none, all, a number or rules such as two-parents=3, found {rule!r}")
        if rule in NEED_LOG_TIME:
            raise RefusedError(f"--faults: {rule} follows only when days of log time pass, which a run of minutes cannot bring about")
        faults[rule] = faults.get(rule, 0) + (_number(number, part) if equals else len(FAULTS[rule]))
    return faults


def play(recipe: Recipe, scribe: Scribe, lots: Lots) -> list[tuple[str, Offence]]:
    """All faults of the recipe; what must stand after them, with the name of the story."""
    if not recipe.faults:
        return []
    fault_lots = FaultLots.make(recipe, lots)
    random = Random(f"chain/faults/{recipe.seed}")
    order = [(rule, number) for rule, count in sorted(recipe.faults.items()) for number in range(count)]
    random.shuffle(order)
    planted: list[tuple[str, Offence]] = []
    for place, (rule, number) in enumerate(order):
        at = recipe.start + int(STAGED * (place + random.random()) / len(order))
        stage = Stage(recipe, scribe, fault_lots, lots.unknown(), at)
        story = FAULTS[rule][number % len(FAULTS[rule])]
        story(stage)
        if not stage.offences or stage.at >= recipe.end:
            raise AssertionError(f"{story.__name__}: expected an offence before the end of the world")
        planted += [(story.__name__, offence) for offence in stage.offences]
    return planted


def play_innocent(recipe: Recipe, scribe: Scribe, lots: Lots) -> None:
    """What looks like a fault and is none, each story of ``innocent``."""
    fault_lots = FaultLots.make(recipe, lots)
    random = Random(f"chain/innocent/{recipe.seed}")
    for story in INNOCENT:
        for _ in range(1 + recipe.units // INNOCENT_PER_UNITS):
            stage = Stage(recipe, scribe, fault_lots, lots.unknown(), recipe.start + int(STAGED * random.random()))
            story(stage)
            if stage.offences or stage.at >= recipe.end:
                raise AssertionError(f"{story.__name__}: expected no offence, and its end before that of the world")


def _number(text: str, part: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= FAULTS_MAX):
        raise RefusedError(f"--faults: expected a number from 0 to {FAULTS_MAX}, found {part!r}")
    return int(text)
