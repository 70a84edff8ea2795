"""Questions over HTTP, asked by one client or many at once, each waiting for its answer before it asks again."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from packtrace.codec.identifiers import digital_link
from packtrace.ports import HistoryStore
from packtrace.simulator.latency import percentile
from packtrace.simulator.streams import Stream

CLIENTS = (1, 8, 64)
TIMEOUT_SECONDS = 120.0
MICRO = 1_000_000
SERIALS = 2_000
PALLETS = 100
LOT_UNITS = 200_000
ROWS_PER_COPY_OFFSET = 1_000_000_000


class Question(NamedTuple):
    """One kind of question: its paths, asked in turns; ``times`` in all, over all clients; ``each_at_most`` seconds."""

    name: str
    paths: Sequence[str]
    times: int


class Asked(msgspec.Struct, kw_only=True, frozen=True):
    """Times in milliseconds, from the request's first byte to the answer's last."""

    question: str
    clients: int
    answers: int
    wrong: int
    """Answered with anything but 200, or not at all."""
    p50: float
    p99: float
    max: float
    per_second: float


def stream() -> Stream:
    """What the history begins with: one line, so all of its units are of one lot."""
    return Stream("S2, one lot", LOT_UNITS, 50, lines=1)


_FILL = """
INSERT INTO history
WITH (key, k) -> multiIf(key = '', '', startsWith(key, '00'), concat(substring(key, 1, 3), leftPad(toString(k), 4, '0'), substring(key, 8)),
                         concat(substring(key, 1, 18), char(65 + intDiv(k, 26), 65 + k % 26), substring(key, 19))) AS copied
SELECT copied(item, k), row_type, event_time, log_time, event_id, event_partition, event_offset, kind, role, outcome, life, reason,
       copied(parent, k), custody, place, destination, if(lot = '', '', concat(lot, '-', toString(k))), expiry, copied(other, k), fact_type,
       fact_version, fact_retracted, fact, state, partition, offset + k * {step:Int64}, position
FROM (SELECT * FROM history WHERE item != '' AND offset < {step:Int64}) AS real
CROSS JOIN (SELECT toUInt32(number) AS k FROM numbers({first:UInt32}, {copies:UInt32})) AS numbered
"""


def fill(history: HistoryStore, rows_wanted: int, tell: Callable[[int], None]) -> int:
    """Copies of the rows that are there, under other serials, containers and lots, until there are ``rows_wanted``; how many there are.

    What is asked for later are the rows that the pipeline wrote itself; the copies are what lies beside them.
    """
    real = _count(history)
    copies = -(-rows_wanted // real) - 1
    for first in range(1, copies + 1):
        tell(real * first)
        history.query(_FILL, {"step": ROWS_PER_COPY_OFFSET, "first": first, "copies": 1})
    return _count(history)


def merges(history: HistoryStore) -> int:
    """Running now: what was just filled in takes the processors for a while."""
    return int(str(history.query("SELECT count() FROM system.merges WHERE database = currentDatabase()")[0][0]))


def _count(history: HistoryStore) -> int:
    return int(str(history.query("SELECT count() FROM history")[0][0]))


_SERIALS = (
    "SELECT item FROM history WHERE kind = 'commission' AND role = 'item' AND startsWith(item, '01') AND offset < {step:Int64} "
    "ORDER BY cityHash64(item) LIMIT {count:UInt32}"
)
_PALLETS = (
    "SELECT item, max(event_time) AS packed FROM history WHERE row_type = 'op' AND role = 'parent' AND startsWith(other, '00') "
    "AND offset < {step:Int64} GROUP BY item ORDER BY cityHash64(item) LIMIT {count:UInt32}"
)
_LOT = "SELECT substring(item, 3, 14), lot, uniqExact(item) AS units FROM history WHERE lot != '' AND offset < {step:Int64} AND startsWith(item, '01') GROUP BY 1, 2 ORDER BY units DESC LIMIT 1"


def questions(history: HistoryStore) -> list[Question]:
    """About items whose rows the pipeline wrote."""
    step = {"step": ROWS_PER_COPY_OFFSET}
    serials = [quote(digital_link(str(row[0])), safe="") for row in history.query(_SERIALS, step | {"count": SERIALS})]
    pallets = [
        (quote(digital_link(str(item)), safe=""), str(packed).replace(" ", "T").partition("+")[0] + "Z")
        for item, packed in history.query(_PALLETS, step | {"count": PALLETS})
    ]
    gtin, lot, _ = history.query(_LOT, step)[0]
    return [
        Question("verify", ["/verify?code=" + serial for serial in serials], 2_000),
        Question("history of a serial", [f"/items/{serial}/events" for serial in serials], 2_000),
        Question("tree of a pallet, now", [f"/items/{pallet}/tree?limit=2000" for pallet, _ in pallets], 200),
        Question("tree of a pallet, then", [f"/items/{pallet}/tree?" + urlencode({"limit": 2_000, "at": packed}) for pallet, packed in pallets], 200),
        Question("EPCIS events of a serial", [f"/events?MATCH_epc={serial}" for serial in serials], 400),
        Question(
            "EPCIS events of a step from a moment on",
            ["/events?" + urlencode({"EQ_bizStep": "packing", "GE_eventTime": packed, "perPage": 30}) for _, packed in pallets], 200,
        ),
        Question(f"recall of a lot of {LOT_UNITS:,}", [f"/lots/{gtin}/{quote(str(lot), safe='')}?limit=100"], 16),
    ]  # fmt: skip


def ask(address: str, question: Question, clients: int, seconds_max: float) -> Asked:
    """All of a question's ``times``, shared by ``clients``; fewer when ``seconds_max`` are over."""
    taken: list[int] = []
    wrong = [0]
    turn = iter(range(question.times))
    lock = threading.Lock()
    end = time.monotonic() + seconds_max

    def one() -> None:
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        try:
            while time.monotonic() < end:
                with lock:
                    number = next(turn, None)
                if number is None:
                    return
                begun = time.perf_counter()
                try:
                    connection.request("GET", question.paths[number % len(question.paths)])
                    response = connection.getresponse()
                    response.read()
                    good = response.status == 200
                except (OSError, http.client.HTTPException):
                    connection.close()  # the next question opens it again
                    good = False
                took = round((time.perf_counter() - begun) * MICRO)
                with lock:
                    taken.append(took)
                    wrong[0] += not good
        finally:
            connection.close()

    threads = [threading.Thread(target=one, daemon=True) for _ in range(clients)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - begun
    p50, p99, most = (round(percentile(taken, share) / 1_000, 2) for share in (0.5, 0.99, 1.0))
    return Asked(
        question=question.name, clients=clients, answers=len(taken), wrong=wrong[0], p50=p50, p99=p99, max=most,
        per_second=round(len(taken) / seconds, 1),
    )  # fmt: skip
