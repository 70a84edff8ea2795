"""What innocently goes wrong between an event and the log. None of it may leave an alert standing that rules.md does not ask for.

Sources: domain.md 2.1 (resends and double scans), 2.3 (why false alarms happen), 7 (scenarios 1, 2, 5, 7).
What needs a story of its own is in ``pharmacy``, ``plant`` and ``trade``: corrections, bad scanners, day 00, late reference data,
receipts that nobody reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from random import Random

import msgspec

from packtrace.codec.epc_urn import write_gln
from packtrace.codec.identifiers import epc_urn, gln_link
from packtrace.simulator.chain.recipe import HOUR, MINUTE, SECOND, Recipe
from packtrace.simulator.chain.scribe import May, Note
from packtrace.simulator.messages import SGTIN, SSCC, Message, item_key

# fmt: off
SHARES = {
    #  name                       low    high    what
    "late-file":                 (0.05,  0.40),  # a batch's commissioning is uploaded hours after its packing and shipping
    "late-upload":               (0.01,  0.06),  # one event, by up to six hours
    "out-of-order":              (0.02,  0.15),  # one event, by seconds or minutes
    "reported-after-the-next":   (0.10,  0.60),  # an unpack after the re-pack, a receive after the next ship
    "resend":                    (0.01,  0.06),  # the same event again, id and all
    "resend-new-id":             (0.01,  0.05),  # under another id, at the same time or up to 1.5 s later
    "double-scan":               (0.01,  0.06),  # a person scans it again
    "spelling":                  (0.05,  0.30),  # URN, another domain, element string
    "other-words":               (0.01,  0.08),  # the step as URN or Web URI, the place as URN or Digital Link
    "place-left-out":            (0.01,  0.04),  # the device says where (rules.md 1)
    "clock-skew":                (0.30,  0.80),  # devices whose clock is wrong
}
# fmt: on
SKEW_MAX = {"low": 1 * SECOND, "high": 4 * SECOND}
"""Two clocks are at most twice as far apart: less than the tolerance of 10 s (rules.md 4.1)."""

SYNCED_EXACTLY = "-office"
"""Devices with such a name are never wrong."""

LATENCY_MAX = 20 * SECOND
LOOKING_AGAIN_WITHIN = 25 * SECOND
"""A verification or a count scanned again is one within 30 s (rules.md 4.3c)."""

_LOOKING = ("urn:packtrace:bizstep:verifying", "cycle_counting")


class Noise:
    """Turns notes into messages with the moment each is uploaded at; ``counts`` says how often each kind fell."""

    def __init__(self, seed: int, level: str) -> None:
        self.counts: Counter[str] = Counter()
        self._random = Random(f"chain/noise/{seed}")
        self._share = {name: 0.0 if level == "none" else (low if level == "low" else high) for name, (low, high) in SHARES.items()}
        self._skew_max = SKEW_MAX.get(level, 0)
        self._skews: dict[str, int] = {}
        self._files: dict[int, int] = {}

    def messages(self, notes: Iterable[Note]) -> list[Message]:
        """One message per note and per repeat of it, in the order of the notes."""
        random, share, out = self._random.random, self._share, []
        quiet = not any(share.values())
        for note in notes:
            made = note.message
            skew = self._skew(made.template.device)
            at = made.at + SECOND + int(random() * (LATENCY_MAX - SECOND)) + self._delay(note)
            made = made._replace(at=at, time=made.time + skew)
            if quiet:
                out.append(made)
                continue
            if note.may & May.SPELL and random() < share["spelling"]:
                made = self._spelled(made)
            if note.may & May.SPELL and random() < share["other-words"]:
                made = self._other_words(made)
            elif note.may & May.SPELL and made.template.device and random() < share["place-left-out"]:
                self.counts["place-left-out"] += 1
                made = _with(made, place="", party="")
            out.append(made)
            repeat = self._repeat(note, made)
            if repeat is not None:
                out.append(repeat)
        return out

    def _skew(self, device: str) -> int:
        if not device or not self._skew_max or device.endswith(SYNCED_EXACTLY):
            return 0
        known = self._skews.get(device)
        if known is None:
            wrong = self._random.random() < self._share["clock-skew"]
            known = self._skews[device] = self._random.randrange(-self._skew_max, self._skew_max) if wrong else 0
            self.counts["clock-skew"] += wrong
        return known

    def _delay(self, note: Note) -> int:
        random = self._random.random
        delay = 0
        if note.batch:
            known = self._files.get(note.batch)
            if known is None:
                late = random() < self._share["late-file"]
                known = self._files[note.batch] = 40 * MINUTE + int(random() * 8 * HOUR) if late else 0
                self.counts["late-file"] += late
            delay = known
        if not note.may & May.LATE:
            return delay
        if note.after and random() < self._share["reported-after-the-next"]:
            self.counts["reported-after-the-next"] += 1
            return note.after - note.message.at + MINUTE + int(random() * 30 * MINUTE)
        if random() < self._share["late-upload"]:
            self.counts["late-upload"] += 1
            return delay + 10 * MINUTE + int(random() * 6 * HOUR)
        if random() < self._share["out-of-order"]:
            self.counts["out-of-order"] += 1
            return delay + int(random() ** 3 * 20 * MINUTE)
        return delay

    def _repeat(self, note: Note, made: Message) -> Message | None:
        """At most one repeat of an event."""
        random, share, may = self._random.random, self._share, note.may
        later = made.at + MINUTE + int(random() ** 2 * 12 * HOUR)
        if may & May.RESEND and random() < share["resend"]:
            self.counts["resend"] += 1
            return made._replace(at=later)
        if may & May.RENAME and random() < share["resend-new-id"]:
            self.counts["resend-new-id"] += 1
            shift = int(random() * 1.5 * SECOND) if random() < 0.5 else 0
            return _renamed(made)._replace(at=later, time=made.time + shift)
        if may & May.TWICE and random() < share["double-scan"]:
            self.counts["double-scan"] += 1
            looking = note.message.template.biz_step in _LOOKING
            within = min(note.twice, LOOKING_AGAIN_WITHIN) if looking else note.twice
            after = 3 * SECOND + int(random() * (within - 3 * SECOND))
            return _renamed(made)._replace(at=made.at + after, time=made.time + after)
        return None

    def _spelled(self, made: Message) -> Message:
        self.counts["spelling"] += 1
        style = self._random.randrange(4)
        return made._replace(
            epcs=tuple(spelled(epc, style) for epc in made.epcs),
            parent=spelled(made.parent, style) if made.parent else "",
            children=tuple(spelled(epc, style) for epc in made.children),
        )

    def _other_words(self, made: Message) -> Message:
        self.counts["other-words"] += 1
        step, place, urn = made.template.biz_step, made.template.place, self._random.random() < 0.5
        if ":" not in step:
            step = f"urn:epcglobal:cbv:bizstep:{step}" if urn else f"https://ref.gs1.org/cbv/BizStep-{step}"
        return _with(made, biz_step=step, place=write_gln(place, 7) if urn else gln_link(place))


def _with(made: Message, **fields: str) -> Message:
    """``made`` with other fields of its template."""
    return made._replace(template=msgspec.structs.replace(made.template, encoded=b"", **fields))


def spelled(epc: str, style: int) -> str:
    """A canonical Digital Link in one of four other spellings: EPC URN with two prefix splits, another domain, element string."""
    if style < 2:
        return epc_urn(item_key(epc), 7 + 2 * style)
    if style == 2:
        return epc.replace("https://id.gs1.org/", "https://pack.example.com/medicines/", 1)
    if epc.startswith(SSCC):
        return f"(00){epc[len(SSCC) :]}"
    gtin, _, serial = epc[len(SGTIN) :].partition("/21/")
    return f"]d201{gtin}21{serial}"


def _renamed(made: Message) -> Message:
    source = made.template.source
    source.number = number = source.number + 1
    return made._replace(id=f"{source.prefix}{number}", sequence=number if source.counts else None)


def shuffled(messages: list[Message], recipe: Recipe) -> list[Message]:
    """In the order of publication, ``at`` being its moment: as uploaded, as it happened, or anywhere ``within`` after it happened."""
    if recipe.order == "arrival":
        return sorted(messages, key=_at)
    random, within = Random(f"chain/order/{recipe.seed}"), int(recipe.within_hours * HOUR) if recipe.order == "shuffled" else 0
    return sorted((made._replace(at=min(made.time, recipe.end) + SECOND + int(random.random() * within)) for made in messages), key=_at)


def _at(made: Message) -> int:
    return made.at
