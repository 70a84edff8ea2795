"""Short stories for the plain implementation: one event after another, the alerts that stand in the end.

``commission U1 lot=L7; +1h pack U1 > C1 @distributor; ship C1 to=pharmacy``: steps of ``worlds_events`` set apart by ``;``, a
minute after another or as said, at the plant or where ``@`` says (``@-``: no place stated). Words: lot exp reason device line
seq id to to_party party disposition partial days late (the event was logged that much before its time) fix (the id it corrects).
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from packtrace.domain.dates import DAY, HOUR, MINUTE, SECOND
from packtrace.domain.event import Correction, Event, Transaction
from tests.domain.plain import Changed, Logged, World, run
from tests.domain.worlds_events import AGGREGATION, SHAPES, TRANSFORMATION
from tests.domain.worlds_land import PLACES, REFERENCE, START, key, policy

UNITS: Final = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
LOGGED_AFTER: Final = 100 * DAY
"""All is logged when all has happened, unless the story says otherwise."""


def duration(text: str) -> int:
    return int(text[:-1]) * UNITS[text[-1]]


def tell(story: str, *, until: int = 30 * HOUR, **policies: Any) -> World:
    """The world in the end, ``until`` after the last event was logged."""
    log: list[Logged | Changed] = [Changed(0, policy(**policies))] if policies else []
    now, log_time = START - MINUTE, 0
    for number, text in enumerate(part for part in re.split(r"[;\n]", story) if part.strip()):
        tokens = text.split()
        now += duration(tokens.pop(0)[1:]) if tokens[0][0] == "+" else MINUTE
        early = next((duration(t.partition("=")[2]) for t in tokens if t.startswith("early=")), None)
        log_time = START + LOGGED_AFTER + number * SECOND if early is None else now - early
        log.append(Logged(log_time, _event(tokens, f"e{number}", now)))
    return run(log, log_time + until, REFERENCE)


def rules(world: World, item: str = "") -> set[str]:
    """Codes of the alerts that stand."""
    return {alert.rule for alert in world.alerts.values() if not item or alert.item == key(item)}


def _event(tokens: list[str], id: str, time: int) -> Event:
    word, place = tokens.pop(0), PLACES["plant"]
    type, action, steps, dispositions = SHAPES[word]
    fields: dict[str, Any] = {"biz_step": steps[0], "disposition": dispositions[0]}
    sides: list[list[str]] = [[]]
    correction = None
    for token in tokens:
        name, equals, value = token.partition("=")
        if token == ">":
            sides.append([])
        elif token[0] == "@":
            place = "" if token == "@-" else PLACES[token[1:]]
        elif not equals or token[1] == "=":
            sides[-1].append(key(token))
        elif name == "fix":
            correction = Correction("did_not_occur", (value,))
        elif name == "to":
            fields["destination_place"] = PLACES[value]
        elif name == "to_party":
            fields["destination_party"] = PLACES[value]
        elif name == "party":
            fields["party"] = PLACES[value]
        elif name == "exp":
            fields["expiry"] = int(value)
        elif name == "seq":
            fields["sequence"] = int(value)
        elif name == "rma":
            fields["transactions"] = (Transaction("rma", value),)
        elif name == "partial":
            fields["partial"] = True
        elif name != "early":
            fields[name] = value
    if type is AGGREGATION:
        fields |= {"parent": sides[-1][0], "children": tuple(sides[0]) if len(sides) > 1 else ()}
    elif type is TRANSFORMATION:
        fields |= {"inputs": tuple(sides[0]), "outputs": tuple(sides[-1])}
    else:
        fields["epcs"] = tuple(sides[0])
    event = Event(id=fields.pop("id", id), type=type, event_time=time, action=action, place=place, correction=correction)
    return msgspec.structs.replace(event, **fields)
