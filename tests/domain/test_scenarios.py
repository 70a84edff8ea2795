"""The scenarios a buyer would try (domain facts, section 7, 1 to 8), each through real events; where rules.md says more, it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from packtrace.domain.dates import DAY, HOUR, MINUTE, SECOND
from packtrace.domain.event import Event
from packtrace.domain.explode import own_events
from packtrace.domain.vocabulary import Action, EventType, Life, Outcome, Status
from packtrace.watch.incidents import AlertSeen, Incident, grown
from tests.domain.story import DAY0, LISBON, REFERENCE, SITE, UNIT, WARSAW, gln, key, logged, play
from tests.domain.world import World
from tests.watch.test_incidents import Watch


def incidents(world: World) -> list[Incident]:
    """What a person is told of: the incidents that are open once every alert of ``world`` has been grouped."""
    watch = Watch()
    for c in world.changes:
        watch.see(AlertSeen(c.id, c.version, c.rule, c.status, c.severity, c.event_time, c.changed_at, c.gtin, c.lot, c.device))
    for grown_since in grown(list(watch.groups.values())):
        watch.incidents[grown_since.id] = grown_since
    return watch.open()


def confirmed_ever(world: World) -> set[str]:
    return {change.rule for change in world.changes if change.status is Status.CONFIRMED}


def ran(events: Iterable[tuple[Event, int]], until: int) -> World:
    """``events`` in this order, whatever their log times, then every grace."""
    world = World(REFERENCE)
    for event, log_time in events:
        for name, own in own_events(event, log_time):
            world.apply(name, own)
    world.tick(until)
    return world


def now(world: World) -> dict[str, tuple[object, ...]]:
    """Where and what every item is."""
    return {
        name: (item.life, item.reason, item.lot, item.expiry, item.parent, item.custody, item.place, item.destination, set(item.children))
        for name, item in world.items.items()
    }


LATE_UPLOAD = """
    10:00   line-1  pack U1 U2 U3 -> C1                           U1: in C1  U1: child-not-commissioned?  U3: child-not-commissioned?
    10:05   line-1  pack C1 -> P1                                 in P1  child-not-commissioned?
    10:10   -       ship P1 place=site to=distributor             transit
    10:50   line-1  commission U1 U2 U3 lot=L7 at 09:50                 quiet  U1: (child-not-commissioned)  U3: (child-not-commissioned)
    10:50   line-1  commission C1 lot=L7 at 09:51                       quiet  in P1  holds U1,U2,U3
"""


def test_1_a_commissioning_file_40_minutes_late_costs_nobody_a_confirmed_alert() -> None:
    late = play(LATE_UPLOAD)
    late.tick(DAY0 + DAY)
    assert confirmed_ever(late) == set() and late.standing() == {} and incidents(late) == []
    arrived = logged(LATE_UPLOAD)
    in_order = sorted(arrived, key=lambda one: one[0].event_time)
    assert in_order[0][0].biz_step == "commissioning"
    assert ran(arrived, DAY0 + DAY).snapshot() == ran(in_order, DAY0 + DAY).snapshot(), "state equals the in-order run bit for bit"
    assert now(late) == now(ran(in_order, DAY0 + DAY))


def serial_file(suffix: str = "") -> list[Event]:
    """400 serials in 8 events, as a line uploads them."""
    return [
        Event(
            id=f"file/{part}{suffix}", type=EventType.OBJECT, event_time=DAY0 + 10 * HOUR + part * SECOND, action=Action.ADD,
            biz_step="commissioning", disposition="active", epcs=tuple(key(f"U{part * 50 + n}") for n in range(50)), lot="L7",
            place=SITE, line="line-1", device="cam-1",
        )
        for part in range(8)
    ]  # fmt: skip


def test_2_the_same_file_three_times_is_one_file_and_two_merges() -> None:
    once, thrice = World(REFERENCE), World(REFERENCE)
    for world, deliveries in ((once, [("", 0)]), (thrice, [("", 0), ("", 2 * HOUR), ("/again", 26 * HOUR)])):
        for suffix, later in deliveries:
            for event in serial_file(suffix):
                world.publish(event, DAY0 + 11 * HOUR + later)
    assert Counter(thrice.outcomes) == {Outcome.APPLIED: 400, Outcome.REPEAT: 800}
    assert thrice.changes == [] and now(thrice) == now(once)
    for world in (once, thrice):
        world.tick(DAY0 + 10 * DAY)
    assert now(thrice) == now(once) and thrice.changes == []
    for event in serial_file("/after-all-has-settled"):
        thrice.publish(event, DAY0 + 11 * DAY)
    thrice.tick(DAY0 + 12 * DAY)
    assert now(thrice) == now(once) and thrice.standing() == {}


CLONE = """
    08:00  line-1       commission U1 lot=L7 at 08:00
    10:00  till-lisbon  dispense U1 place=lisbon id=sold-in-lisbon            inactive  quiet
    12:00  till-warsaw  dispense U1 place=warsaw id=sold-in-warsaw            impossible-travel?  inactive-elsewhere?
"""


def test_3_a_clone_in_lisbon_and_warsaw_is_critical_at_once_and_names_both_sales() -> None:
    world = play(CLONE)
    assert [(c.rule, c.severity, c.changed_at - (DAY0 + 12 * HOUR) < SECOND) for c in world.changes] == [
        ("impossible-travel", "critical", True),
        ("inactive-elsewhere", "critical", True),
    ]
    travel, elsewhere = world.changes
    assert elsewhere.events == travel.events == ("sold-in-warsaw", "sold-in-lisbon")
    assert travel.found == f"2759 km in 120 minutes, from {LISBON} to {WARSAW}"
    world.tick(DAY0 + 12 * HOUR + 11 * MINUTE)
    assert world.rules(key("U1")) == {"inactive-elsewhere": Status.CONFIRMED, "impossible-travel": Status.CONFIRMED}


def test_3_where_a_handheld_may_be_wrong_the_journey_is_no_more_than_medium_and_goes_when_its_clock_is_put_right() -> None:
    world = play(
        """
        08:00  line-1       commission U1 lot=L7
        10:00  till-lisbon  verify U1 place=lisbon                              quiet
        # its clock is three hours behind: it is 15:00
        15:00  hand-warsaw  verify U1 place=warsaw at 12:00 id=seen             impossible-travel?
        15:05  hand-warsaw  correct U1 as=verify of=seen why=incorrect_data at 12:00
        15:05  hand-warsaw  verify U1 place=warsaw at 15:00                     (impossible-travel)
        16:00  -                                                              U1: quiet
        """
    )
    assert {change.severity for change in world.changes if change.rule == "impossible-travel"} == {"medium"}
    assert confirmed_ever(world) == set()


def test_4_three_hundred_pharmacies_that_scan_one_batch_not_uploaded_are_one_incident() -> None:
    world = World(REFERENCE)
    scan = Event(id="", type=EventType.OBJECT, event_time=0, action=Action.OBSERVE, biz_step="urn:packtrace:bizstep:verifying", lot="L7")
    for n in range(300):
        at = DAY0 + 10 * HOUR + n * SECOND
        world.publish(msgspec.structs.replace(scan, id=f"scan/{n}", event_time=at, epcs=(key(f"U{n}"),), place=gln(1000 + n)), at)
    world.tick(DAY0 + 15 * HOUR)
    (only,) = incidents(world)
    assert (only.cause, only.subject, only.alerts) == ("lot-not-uploaded", f"{UNIT}/L7", 300)
    upload = Event(
        id="upload", type=EventType.OBJECT, event_time=DAY0 + 9 * HOUR, action=Action.ADD, biz_step="commissioning", lot="L7",
        epcs=tuple(key(f"U{n}") for n in range(300)), place=SITE, line="line-1",
    )  # fmt: skip
    world.publish(upload, DAY0 + 16 * HOUR)
    assert incidents(world) == [] and world.standing() == {}


def test_4_one_source_that_guesses_serials_misses_each_time_and_reveals_none_that_exists() -> None:
    world = play(
        """
        09:00  line-1  commission U7 lot=L7
        """
    )
    for n in range(50):
        at = DAY0 + 10 * HOUR + n * SECOND
        guess = Event(
            id=f"guess/{n}", type=EventType.OBJECT, event_time=at, action=Action.OBSERVE, biz_step="urn:packtrace:bizstep:verifying",
            epcs=(key(f"U{n}"),), lot="L7", place=gln(1000),
        )  # fmt: skip
        world.publish(guess, at)
    unknown = {change.item for change in world.changes if change.rule == "unknown-serial"}
    assert len(unknown) == 49 and key("U7") not in unknown
    assert [(one.cause, one.alerts) for one in incidents(world)] == [("lot-not-uploaded", 49)]


def test_5_an_unpack_that_arrives_after_the_repack_leaves_no_confirmed_alert() -> None:
    world = play(
        """
        09:00     line-1  commission U1 lot=L7
        09:00     line-1  commission C1 C2 lot=L7
        10:00     line-1  pack U1 -> C1                       in C1
        10:05     line-2  pack U1 -> C2                       in C2  two-parents?  C1: empty
        10:06:30  line-1  unpack U1 <- C1 at 10:04              in C2  (two-parents)  C1: empty  C2: holds U1
        12:00     -                                                  U1: quiet
        """
    )
    assert confirmed_ever(world) == set()


TRANSIT = """
    09:00  line-1  commission U1 U2 lot=L7
    09:00  line-1  commission C1 lot=L7
    09:30  line-1  pack U1 U2 -> C1                           U1: in C1
    10:00  -       ship C1 place=site to=distributor          transit
"""


def test_6_a_pack_verified_at_the_destination_before_its_case_was_received_is_a_low_remark_that_the_receipt_takes_back() -> None:
    """rules.md gives missing-unpack, low, where the scenario says none: who opens a case says so."""
    world = play(
        TRANSIT
        + """
    15:00  -       receive C1 place=distributor at 14:00         at distributor
    15:30  -       verify U1 place=distributor                  quiet
    """
    )
    assert confirmed_ever(world) == set()
    early = play(
        TRANSIT
        + """
    14:30  -       verify U1 place=distributor                  missing-unpack?  no away-from-parent
    14:35  -       receive C1 place=distributor at 14:00         U1: (missing-unpack)
    """
    )
    assert {change.severity for change in early.changes} == {"low"}
    assert confirmed_ever(early) == set()


def test_6_a_pack_verified_far_off_the_route_of_its_case_is_critical() -> None:
    world = play(
        TRANSIT
        + """
    14:30  -       verify U2 place=warsaw                       away-from-parent?  no missing-unpack  in C1
    14:41  -                                                         U2: away-from-parent!  U1: quiet  C1: transit
    """
    )
    assert {(change.rule, change.severity) for change in world.changes} == {("away-from-parent", "critical")}


def test_7_a_scanner_with_caps_lock_that_loses_separators_is_one_device_fault_and_no_falsification() -> None:
    world = play(
        """
        09:00  line-1  commission U1 U2 U3 U4 lot=L7
        10:00  hand-1  observe U1 lot=l7                         scanner-fault!
        10:05  hand-1  observe U2 lot=l7                         scanner-fault!
        10:10  hand-1  observe U3 lot=L72199                     scanner-fault!
        10:15  hand-1  observe U4 lot=L7214711                   scanner-fault!
        10:20  hand-1  observe U=110L7                           scanner-fault!
        10:25  hand-1  observe U=210L7                           scanner-fault!
        23:00  -                                                     U1: active  U1: lot L7
        """
    )
    assert {(change.rule, change.severity) for change in world.changes} == {("scanner-fault", "low")}
    assert [(one.cause, one.alerts, one.severity) for one in incidents(world)] == [("scanner-fault", 6, "low")]


def test_8_an_undo_on_day_nine_at_the_same_premises_is_fine() -> None:
    play(
        """
        10:00       line-1  commission U1 lot=L7
        11:00       -       dispense U1 place=pharmacy              inactive
        +9d 10:00   -       reactivate U1 place=pharmacy              active  quiet
        """
    )


def test_8_five_undos_that_may_not_be_are_refused_each_for_its_own_reason() -> None:
    world = play(
        """
        09:00       load    load lot=S1 exp=2026-11-25
        10:00       line-1  commission U1 U2 U4 U5 lot=L7
        10:00       line-1  commission U3 lot=S1
        11:00       -       dispense U1 U2 U3 U5 place=pharmacy          U1: inactive
        11:00       -       decommission U4 place=pharmacy reason=STOLEN     inactive
        12:00       -       reactivate U2 place=pharmacy-2                 refused  undo-elsewhere!
        12:00       -       reactivate U4 place=pharmacy                   refused  terminal-item?
        12:00       -       reactivate U5 place=pharmacy reason=EXPORTED   refused  undo-mismatch!
        +4d 12:00   -       reactivate U3 place=pharmacy                   refused  undo-not-allowed!
        +11d 12:00  -       reactivate U1 place=pharmacy                   refused  undo-too-late!
        """
    )
    found = {name: set(world.rules(key(name))) for name in ("U1", "U2", "U3", "U4", "U5")}
    assert found == {
        "U1": {"undo-too-late"},       # day eleven
        "U2": {"undo-elsewhere"},      # other premises
        "U3": {"undo-not-allowed"},    # expired meanwhile
        "U4": {"terminal-item"},       # stolen
        "U5": {"undo-mismatch"},       # supplied, undone as an export
    }  # fmt: skip
    assert {world.items[key(name)].life for name in found} == {Life.INACTIVE}
