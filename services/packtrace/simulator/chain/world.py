"""A world: everything that happens in a month, what befalls it on the way to the log, and which alerts must stand at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from packtrace.domain.rules.codes import CODES
from packtrace.simulator.chain.faults import play, play_innocent
from packtrace.simulator.chain.goods import Lots
from packtrace.simulator.chain.noise import Noise, shuffled
from packtrace.simulator.chain.pharmacy import Pharmacy
from packtrace.simulator.chain.plant import Plant, batches
from packtrace.simulator.chain.recipe import DAY, HOUR, Recipe
from packtrace.simulator.chain.reference import as_file, reference
from packtrace.simulator.chain.scribe import Scribe
from packtrace.simulator.chain.stage import Offence
from packtrace.simulator.chain.trade import Trade
from packtrace.simulator.messages import Message, item_key
from packtrace.simulator.truth import Planted, Run, Truth

LATE_REFERENCE_AFTER = 2 * DAY + 20 * HOUR
"""From the start: within the window of what was judged before it."""

OF_ITEM = frozenset(
    {
        "duplicate-commissioning", "sscc-reused", "unknown-serial", "unknown-lot", "expiry-mismatch", "lot-mismatch", "unknown-product",
        "child-not-commissioned", "overfull-container", "partial-container", "mixed-content", "product-no-data", "seen-in-many-places",
        "verified-too-often",
    }
)  # fmt: skip
"""Rules with one alert per item (rules.md 5, cause)."""

_KINDS = {
    "commissioning": "commission", "packing": "pack", "unpacking": "unpack", "shipping": "ship", "void_shipping": "void_ship",
    "receiving": "receive", "dispensing": "dispense", "decommissioning": "decommission", "destroying": "destroy",
    "urn:packtrace:bizstep:verifying": "verify", "urn:packtrace:bizstep:reactivating": "reactivate", "cycle_counting": "observe",
}  # fmt: skip

if not frozenset(CODES) >= OF_ITEM:
    raise AssertionError(f"world: expected codes of rules, found {OF_ITEM - frozenset(CODES)}")


class World:
    """The messages of a world in the order of publication, and the truth about them.

    Args:
        grace_seconds: written into the reference data as policy of every rule; None: no policy.
    """

    def __init__(self, recipe: Recipe, grace_seconds: int | None = None) -> None:
        self.recipe = recipe.check()
        scribe, lots = Scribe(recipe.seed, recipe.boot), Lots(recipe.seed, recipe.end)
        pharmacy = Pharmacy(recipe, scribe)
        trade = Trade(recipe, scribe, lots, pharmacy)
        plant = Plant(recipe, scribe, lots)
        plant.last_year(recipe)
        self.sample_pallet = ""
        for number, batch in enumerate(batches(recipe)):
            for pallet in plant.run(batch, plant.lot_of(batch, number)):
                self.sample_pallet = self.sample_pallet or pallet.epc
                trade.take(pallet)
        trade.partners(recipe)
        trade.finish()
        play_innocent(recipe, scribe, lots)
        planted = play(recipe, scribe, lots)
        noise = Noise(recipe.seed, recipe.noise)
        published = noise.messages(scribe.notes)
        self.messages = shuffled(published, recipe)
        first, late = reference(recipe, lots.made, grace_seconds)
        self.reference, self.late_reference = as_file(first), as_file(late)
        self.late_after = _before(self.messages, recipe.start + LATE_REFERENCE_AFTER)
        self.units, self.cases, self.pallets = plant.units, plant.cases, plant.pallets
        self.noise = dict(sorted(noise.counts.items()))
        expected = [(f"noise:{one.story}", Offence(one.rule, one.epc, one.message)) for one in pharmacy.expected]
        self.truth = Truth(self._run(), _labels([*planted, *expected], published))
        self._stopped = False

    def __iter__(self) -> Iterator[Message]:
        for made in self.messages:
            if self._stopped:
                return
            yield made

    def stop(self) -> None:
        """What was published is all there is; the truth about the rest is void."""
        self._stopped = True

    def _run(self) -> Run:
        recipe = self.recipe
        flags = {
            "units": str(recipe.units), "lines": str(recipe.lines), "noise": recipe.noise, "order": recipe.order,
            "within_hours": f"{recipe.within_hours:g}", "end": str(recipe.end),
            "faults": ",".join(f"{rule}={count}" for rule, count in sorted(recipe.faults.items())) or "none",
        }  # fmt: skip
        counts = {
            "units": self.units, "cases": self.cases, "pallets": self.pallets, "events": len(self.messages),
            "ops": sum(made.operations for made in self.messages),
        }  # fmt: skip
        return Run(recipe.seed, recipe.boot, flags, counts | {f"noise:{name}": count for name, count in self.noise.items()})


def _labels(offences: list[tuple[str, Offence]], published: list[Message]) -> tuple[Planted, ...]:
    """As truth; the time of an event is what its device said, and the earliest where it was told more than once."""
    wanted = {offence.message.id for _, offence in offences}
    times: dict[str, int] = {}
    for made in published:
        if made.id in wanted:
            times[made.id] = min(made.time, times.get(made.id, made.time))
    labels = []
    for story, (rule, epc, made) in offences:
        kind = "item" if rule in OF_ITEM else _KINDS[made.template.biz_step]
        labels.append(Planted(rule, epc, item_key(epc), made.id, times[made.id], made.template.place, kind, story))
    repeated = [
        label for label, count in Counter((label.rule, label.item, label.cause, label.event_time) for label in labels).items() if count > 1
    ]
    if repeated:
        raise AssertionError(f"world: expected each alert once, found {repeated[:3]}")
    return tuple(labels)


def _before(messages: list[Message], moment: int) -> int:
    """How many messages are published before a moment."""
    for number, made in enumerate(messages):
        if made.at >= moment:
            return number
    return len(messages)
