"""What happens to a body, in the numbered order that the answer 202 rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from starlette.concurrency import run_in_threadpool

from packtrace.adapters.crash_point import crash_point
from packtrace.codec import event_avro, reference_record, rejected_record, wire
from packtrace.codec.epcis.refusal import DocumentReject
from packtrace.codec.raw_event import RawEvent
from packtrace.codec.reference_record import ReferenceRecord
from packtrace.codec.rejected_record import RejectedRecord
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError, UnavailableError
from packtrace.gateway.admission import EVENTS, ORIGIN, REJECTED, Admitted, Refused, admit, lineage, source_of
from packtrace.gateway.body import Body
from packtrace.gateway.document import EpcisDocumentError, TooManyEventsError, split
from packtrace.gateway.problem import ProblemError
from packtrace.gateway.publisher import Outgoing, OverloadedError, Publisher
from packtrace.gateway.receipts import Receipt, Receipts, Verdict
from packtrace.telemetry import GATEWAY_EVENTS, log

RETRY_AFTER_SECONDS = 5
JUDGED_AT_ONCE_BYTES_MAX = 16 * 1024
"""A small body costs less than a change of threads, and holds nobody up."""
ACCEPTED_TYPES = (
    "EPCIS as application/xml, application/ld+json or application/json, or events of packtrace as application/json or "
    "application/vnd.packtrace+json (one event, an array of events, or one event per line)"
)

# fmt: off
MALFORMED = frozenset({
    Reject.MALFORMED_JSON, Reject.UNKNOWN_FIELD, Reject.MISSING_FIELD, Reject.WRONG_TYPE,
    DocumentReject.MALFORMED_XML, DocumentReject.FORBIDDEN_XML, DocumentReject.MALFORMED_DOCUMENT,
})
# fmt: on
"""Codes of an event that has not even the form of one: a body of nothing else is answered 400, else 422."""


class Codec(NamedTuple):
    """How records are written."""

    encode_event: Callable[[RawEvent], bytes]
    frame_event: Callable[[bytes], bytes]
    """Of an event encoded already."""
    encode_rejected: Callable[[RejectedRecord], bytes]
    encode_reference: Callable[[ReferenceRecord], bytes]


def codec(events_id: int, rejected_id: int, reference_id: int) -> Codec:
    """Records in the Confluent wire format under the ids of their schemas."""
    header = wire.frame(events_id, b"")
    return Codec(
        lambda raw: wire.frame(events_id, event_avro.encode(raw)),
        lambda body: header + body,
        lambda record: wire.frame(rejected_id, rejected_record.encode(record)),
        lambda record: wire.frame(reference_id, reference_record.encode(record)),
    )


class Intake:
    """See the module.

    Args:
        codec: how records are written; raises UnavailableError until the schemas are known.
        now: microseconds since 1970 UTC, the wall clock.
    """

    def __init__(
        self, publisher: Publisher, receipts: Receipts, codec: Callable[[], Codec], now: Callable[[], int], events_max: int
    ) -> None:
        self._publisher = publisher
        self._receipts = receipts
        self._codec = codec
        self._now = now
        self._events_max = events_max

    async def take(self, received: Body) -> Receipt:
        """Answer for every event of ``body``.

        1. divide the body and judge each event (pure);
        2. leave out what an earlier, remembered answer to the same body has claimed already;
        3. write the accepted to ``events`` and the rejected to ``rejected``, and wait for the broker;
        4. remember the answer under the hash of the body;
        5. answer.

        A crash between 3 and 5 leaves records that nobody was told of: the sender repeats the body, it gets the same id, and
        the tracker drops the repeats by their event ids.

        Raises:
            ProblemError: 400, 413 or 415 for the body as a whole, 503 when nothing may be claimed.
        """
        capture, body = received.capture, received.whole()
        known = self._receipts.find(capture)
        if known is not None and not known.rejected:
            return known
        codec = self.known_codec()
        now = self._now()
        at_once = len(body) <= JUDGED_AT_ONCE_BYTES_MAX
        outcome = self._judge(body, codec, now) if at_once else await run_in_threadpool(self._judge, body, codec, now)
        receipt, records = self._answer(capture, outcome, known, codec, now)
        crash_point("gateway.before_publish")
        await self.publish(records)
        crash_point("gateway.after_publish")
        await run_in_threadpool(self._receipts.store, receipt)
        crash_point("gateway.after_receipt")
        GATEWAY_EVENTS.labels("accepted").inc(receipt.accepted)
        GATEWAY_EVENTS.labels("rejected").inc(receipt.rejected)
        if receipt.rejected:
            log.info("gateway.rejected", capture=capture, accepted=receipt.accepted, rejected=receipt.rejected)
        return receipt

    def _answer(
        self, capture: str, outcome: Sequence[Admitted | Refused], known: Receipt | None, codec: Codec, now: int
    ) -> tuple[Receipt, list[Outgoing]]:
        """The receipt and what is still to be written: nothing of what ``known`` says was written before."""
        before = {verdict.index: verdict for verdict in known.events} if known else {}
        records = []
        verdicts = []
        for index, one in enumerate(outcome):
            earlier = before.get(index)
            if earlier is not None and earlier.status == "accepted":
                verdicts.append(earlier)
            elif isinstance(one, Admitted):
                verdicts.append(Verdict(index, "accepted", one.id))
                records.append(Outgoing(EVENTS, one.key, one.value))
            else:
                verdicts.append(refusal(index, one))
                if earlier is None:
                    records.append(rejected_record_of(capture, index, one, codec, now))
        accepted = sum(verdict.status == "accepted" for verdict in verdicts)
        return Receipt(capture, iso(now), accepted, len(verdicts) - accepted, verdicts), records

    def known_codec(self) -> Codec:
        try:
            return self._codec()
        except UnavailableError as error:
            raise away(f"the schemas are not known yet ({error}); nothing is claimed, send the same body again") from None

    def _judge(self, body: bytes, codec: Codec, now: int) -> list[Admitted | Refused]:
        try:
            events = split(body, self._events_max)
        except TooManyEventsError as error:
            raise ProblemError(413, "too-many-events", str(error)) from None
        except EpcisDocumentError:
            detail = "this is an EPCIS document; send it as application/ld+json, application/json or application/xml"
            raise ProblemError(415, "unsupported-media-type", detail) from None
        except RejectedError as error:
            return [Refused(error, body, None)]
        if not events:
            raise ProblemError(400, "no-events", f"expected {ACCEPTED_TYPES}, found no event")
        return [admit(event, codec.encode_event, now) for event in events]

    async def publish(self, records: list[Outgoing]) -> None:
        try:
            await self._publisher.publish(records)
        except UnavailableError as error:
            raise away(f"the log did not acknowledge ({error}); nothing is claimed, send the same body again") from None
        except OverloadedError:
            detail = "more is waiting for the log than the gateway holds; nothing was taken, send the same body again"
            raise ProblemError(503, "overloaded", detail, {"Retry-After": "1"}) from None


def away(detail: str) -> ProblemError:
    return ProblemError(503, "broker-away", detail, {"Retry-After": str(RETRY_AFTER_SECONDS)})


def rejected_record_of(capture: str, index: int, refused: Refused, codec: Codec, now: int) -> Outgoing:
    """The record of ``rejected`` for one event: its own text, and where it was."""
    raw = refused.raw
    key = f"capture/{capture}/{index}".encode()
    record = rejected_record.rejected(
        ORIGIN,
        0,
        lineage(capture, index),
        now,
        refused.error,
        source=storable(source_of(raw)) if raw else "",
        event_id=storable(raw.id) if raw else "",
        key=key,
        value=refused.body,
    )
    return Outgoing(REJECTED, key, codec.encode_rejected(record))


def refusal(index: int, refused: Refused) -> Verdict:
    error = refused.error
    stated = refused.raw.id if refused.raw else ""
    return Verdict(
        index, "rejected", storable(stated), str(error.code), storable(error.where), storable(error.expected), storable(error.found)
    )


def storable(text: str) -> str:
    """``text`` with what UTF-8 has no form for (half a surrogate pair) shown as a question mark."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def status_of(receipt: Receipt) -> int:
    """202 as soon as one event was accepted, or master data; else 400 where one had not even the form of an event, else 422."""
    if receipt.accepted or receipt.master_data or not receipt.rejected:
        return 202
    return 400 if any(verdict.code in MALFORMED for verdict in receipt.events) else 422


def answer_of(receipt: Receipt) -> tuple[int, bytes]:
    """Status and JSON body: the receipt, and for a body without an accepted event a problem document around it."""
    status = status_of(receipt)
    document = receipt_document(receipt)
    if status == 202:
        return status, msgspec.json.encode(document)
    first = next(verdict for verdict in receipt.events if verdict.status == "rejected")
    detail = (
        f"none of {receipt.count or len(receipt.events)} events accepted; event {first.index}: "
        + RejectedError(first.code, first.where, first.expected, first.found).text
    )
    problem = ProblemError(status, "all-rejected", detail, more=document)
    return status, bytes(problem.response().body)


def receipt_document(receipt: Receipt) -> dict[str, object]:
    """The receipt, with the members that a capture job has in EPCIS 2.0."""
    return msgspec.structs.asdict(receipt) | {
        "captureID": receipt.capture,
        "createdAt": receipt.captured_at,
        "finishedAt": receipt.captured_at,
        "running": False,
        "success": not receipt.rejected,
        "captureErrorBehaviour": receipt.behaviour,
        "errors": [_error(verdict) for verdict in receipt.events if verdict.status == "rejected"],
    }


def _error(verdict: Verdict) -> dict[str, object]:
    """RFC 7807, as the list of errors of a capture job has them."""
    detail = RejectedError(verdict.code, verdict.where, verdict.expected, verdict.found).text
    kind = "epcisException:ValidationException"
    return {"type": kind, "title": verdict.code, "status": 400, "detail": detail, "instance": f"#event/{verdict.index}"}


def iso(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
