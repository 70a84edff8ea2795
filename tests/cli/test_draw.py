"""What people read fits 80 columns, says everything without colours, and says what to do where there is nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rich.console import Console, RenderableType

from packtrace.cli import draw
from packtrace.cli.draw_alert import alert_card
from packtrace.cli.output import readable, short, when
from tests.cli import samples

PALLET, CASE, UNIT = "(00)295060001000000019", "(01)19506000134359(21)C1", "(01)09506000134352(21)A1/B2"


def text(what: RenderableType, columns: int = 80) -> str:
    console = Console(width=columns, highlight=False, color_system=None)
    with console.capture() as captured:
        console.print(what)
    return captured.get()


# fmt: off
DRAWN: dict[str, Callable[[], RenderableType]] = {
    "item":     lambda: draw.item_card(samples.item(holds=["DAMAGED"], flags=["EXPIRED"], alerts=["a" * 32]), False),
    "tree":     lambda: draw.item_tree(samples.tree(12), 5),
    "timeline": lambda: draw.timeline(samples.UNIT, [samples.event("2026-11-22T10:00:00.125Z", "commission"), samples.event("2026-11-22T10:01:00Z", "pack", role="child", parent=samples.PALLET)]),
    "alerts":   lambda: draw.alert_table([samples.alert(), samples.alert(severity="critical")], 50, False),
    "alert":    lambda: alert_card(samples.whole_alert()),
    "recall":   lambda: draw.recall_report(samples.recall()),
    "verdict":  lambda: draw.verdict_card(samples.verification()),
}
# fmt: on


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("columns", [80, 60])
def test_it_fits_the_terminal_and_cuts_nothing(name: str, columns: int) -> None:
    drawn = text(DRAWN[name](), columns)
    assert max(map(len, drawn.splitlines())) <= columns
    assert "…" not in drawn


def test_an_item_says_life_place_lot_and_where_to_read_on() -> None:
    drawn = text(DRAWN["item"]())
    for words in (
        UNIT,
        "ACTIVE",
        f"{CASE}  in  {PALLET}",
        "at 9506000100005",
        "L7, expires 2028-05-31",
        "DAMAGED",
        "EXPIRED",
        "packtrace alerts show aaaaaaaaaaaa",
    ):
        assert words in drawn


# fmt: off
PLACES = [
    ({},                                                                              "at 9506000100005"),
    ({"custody": "in_transit", "location": None},                                     "in transit"),
    ({"custody": "unknown", "location": None},                                        "not known"),
]
LIVES = [
    ({"life": "INACTIVE", "life_reason": "DISPENSED"}, "INACTIVE (DISPENSED)"),
    ({"life": "NONE"},                                 "not commissioned"),
]
# fmt: on


@pytest.mark.parametrize(("changes", "words"), [*PLACES, *LIVES])
def test_state_is_said_in_words(changes: dict[str, str], words: str) -> None:
    assert words in text(draw.item_card(samples.item(**changes), False))


def test_a_tree_cuts_plain_units_but_never_what_is_wrong() -> None:
    answer = samples.tree(40)
    answer["children"][0]["children"][33] = samples.node(33, alerts=["x"])
    answer["children"][0]["children"][34] = samples.node(34, life="INACTIVE", life_reason="DISPENSED")
    drawn = text(draw.item_tree(answer, 5))
    assert "A4\n" in drawn
    assert "A5\n" not in drawn
    assert "A33  ▲ 1 alert" in drawn
    assert "A34  INACTIVE (DISPENSED)" in drawn
    assert "and 33 more without a remark" in drawn
    assert "42 items in all" in drawn
    assert "A39" in text(draw.item_tree(answer, None))


def test_a_timeline_dims_what_changed_nothing_and_says_why() -> None:
    rows = [samples.event("2026-11-22T10:00:00Z", "commission"), samples.event("2026-11-22T10:00:01Z", "commission", outcome="resent")]
    drawn = text(draw.timeline(samples.UNIT, rows), 120)
    assert "resent: the same report under another id" in drawn
    assert drawn.count("2026-11-22") == 1, "the day is said once"


@pytest.mark.parametrize(("status", "words"), [("provisional", "would be explained by an unpack"), ("withdrawn", "explained by an unpack")])
def test_an_alert_says_why_in_one_sentence(status: str, words: str) -> None:
    sentence = draw.why(samples.alert(status=status))
    assert sentence.startswith(f"expected no parent or {PALLET}, found {CASE}; {words}")


def test_nothing_says_what_to_do_next() -> None:
    assert "packtrace simulate" in text(draw.alert_table([], 50, False), 200)
    assert "without options" in text(draw.alert_table([], 50, True), 200)
    assert "packtrace wait" in text(draw.timeline(samples.UNIT, []), 200)


def test_more_than_shown_is_said() -> None:
    assert "the latest 2 alerts, there are more" in text(draw.alert_table([samples.alert()] * 3, 2, False), 120)


# fmt: off
SHORT = [
    (samples.UNIT,                                            UNIT),
    (samples.PALLET,                                          PALLET),
    (samples.SITE,                                            "9506000100005"),
    (samples.SITE + "/254/ST1",                               "9506000100005/ST1"),
    ("https://id.gs1.org/01/09506000134352/10/L7",            "(01)09506000134352(10)L7"),
    (f"no parent or {samples.PALLET}, found {samples.UNIT}",  f"no parent or {PALLET}, found {UNIT}"),
    ("found in 00295060001000000019 since then",              f"found in {PALLET} since then"),
    ("key 010950600013435221A1/B2; and",                      f"key {UNIT}; and"),
    ("offset 00295060001000000019123, 01 apples",             "offset 00295060001000000019123, 01 apples"),
    ("plain words",                                           "plain words"),
]
# fmt: on


@pytest.mark.parametrize(("link", "shown"), SHORT)
def test_identifiers_are_shown_as_on_the_pack(link: str, shown: str) -> None:
    assert short(link) == shown


def test_a_sentence_has_its_times_as_people_read_them() -> None:
    assert readable("since 2026-11-22T10:00:00.125000Z at 9506000100005") == "since 2026-11-22 10:00:00.125 at 9506000100005"


def test_times_are_shown_in_utc_with_a_fraction_only_when_there_is_one() -> None:
    assert when("2026-11-22T11:00:00.125+01:00") == "2026-11-22 10:00:00.125"
    assert when("2026-11-22T10:00:00Z") == "2026-11-22 10:00:00"
    assert when(None) == "-"


def test_an_alert_shows_all_one_needs_to_judge_it() -> None:
    drawn = " ".join(text(alert_card(samples.whole_alert()), 100).split())
    for words in (
        "▲ high two-parents confirmed",
        f"expected no parent or {PALLET}",
        f"found {CASE}",
        "would explain an unpack from C1 before it",
        "rule version 1, after GS1 US DSCSA R1.3, 5.2",
        f"2026-11-22 10:05:00 pack into {PALLET} lot L7 9506000100005 line-2",
        "line-1/7/3 logged 2026-11-22 12:00:00",
        "line-1/7/4 not in the history of this item",
        "2026-11-22 10:05:01.500 provisional severity high",
        "2026-11-22 10:15:01 confirmed",
        "packtrace explain",
    ):
        assert words in drawn, words


def test_a_withdrawn_alert_says_what_explained_it() -> None:
    whole = samples.whole_alert()
    gone = samples.alert(version=3, status="withdrawn", changed_at="2026-11-22T11:00:00Z", explained_by="e-9, an unpack")
    drawn = " ".join(text(alert_card(whole | gone | {"versions": [*whole["versions"], gone]}), 100).split())
    assert "explained by e-9, an unpack" in drawn
    assert "2026-11-22 11:00:00 withdrawn explained by e-9, an unpack" in drawn
    assert "would explain" not in drawn
