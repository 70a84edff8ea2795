"""What happens to an EPCIS document, in the numbered order that its answer rests on.

A document that is held in memory is judged whole before the first event is published. One that is held in a file is read
twice: first to see that it can be read to its end (and, where one bad event is to undo all, that there is none), then event by
event, published as it goes, in the memory of a few events.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from packtrace.adapters.crash_point import crash_point
from packtrace.adapters.log_limits import check_size
from packtrace.codec.epcis.document import Document
from packtrace.codec.epcis.limits import Limits
from packtrace.codec.epcis.mapping import Mapped, mapped
from packtrace.codec.epcis.master_data import master_data
from packtrace.codec.epcis.original import kept_document
from packtrace.codec.epcis.reading import Found, Reading, Remark
from packtrace.codec.epcis.refusal import DocumentReject
from packtrace.codec.epcis.repeated import Repeated
from packtrace.codec.epcis.source import Source, Syntax, syntax_of
from packtrace.codec.raw_event import RawEvent
from packtrace.codec.reference_record import ReferenceRecord, record_key
from packtrace.domain.event import Event
from packtrace.domain.reference import ReferenceChange
from packtrace.errors import RejectedError
from packtrace.gateway.admission import EVENTS, Admitted, Refused, source_of
from packtrace.gateway.body import Body
from packtrace.gateway.intake import Codec, iso, refusal, rejected_record_of, storable
from packtrace.gateway.known import REFERENCE, KnownReference
from packtrace.gateway.publisher import Outgoing, Publisher, Sent
from packtrace.gateway.receipts import Behaviour, Receipt, Verdict, Warned
from packtrace.telemetry import GATEWAY_EVENTS, log

BATCH_BYTES = 4 * 1024 * 1024
"""Published at once of a document that is held in a file; two such batches are in memory."""
VERDICTS_MAX = 10_000
"""Events whose verdict is told one by one; of a longer document only the rejected, as many."""
WARNINGS_MAX = 1_000
SMALL_BYTES = 512 * 1024
"""Every topic takes a record of so many."""


class Judged(NamedTuple):
    """One event of the document with its verdict."""

    found: Found
    outcome: Admitted | Refused
    remarks: tuple[Remark, ...] = ()


class EpcisIntake:
    """See the module. ``take`` blocks: call it on a thread of its own."""

    def __init__(self, publisher: Publisher, known: KnownReference, limits: Limits) -> None:
        self._publisher = publisher
        self._known = known
        self._limits = limits

    @property
    def events_max(self) -> int:
        return self._limits.events_max

    def take(self, body: Body, behaviour: Behaviour, codec: Codec, now: int, earlier: Receipt | None) -> Receipt:
        """Answer for every event of ``body``.

        1. see that the document can be read to its end;
        2. judge its events; with ``rollback`` all of them before any is published;
        3. write the accepted to ``events`` and the rejected to ``rejected``, but for what ``earlier`` has claimed already, and
           wait for the broker;
        4. write master data of things not known yet to ``reference``, and wait for the broker.

        A crash after 3 leaves records that nobody was told of: the sender repeats the document, its events have the same
        ids, and the tracker drops the repeats.

        Raises:
            RejectedError: the document cannot be read; nothing was published.
            UnavailableError, OverloadedError: nothing more may be claimed.
        """
        source = body.pieces
        withheld = behaviour == "rollback" and self._any_rejected(source, now)
        if not body.in_memory and not withheld:
            self._read_through(source)
        reading = Reading(source, self._limits)
        judged: Iterable[Judged] = self._judge(reading, codec, now)
        if body.in_memory:
            judged = list(judged)
        receipt = _Receipt(body.capture, behaviour, now, withheld, earlier)
        crash_point("gateway.before_publish")
        self._publish(judged, receipt, codec)
        for remark in reading.remarks:
            receipt.warn(-1, remark)
        if not withheld:
            self._master_data(reading, receipt, codec, now)
        crash_point("gateway.after_publish")
        done = receipt.done()
        GATEWAY_EVENTS.labels("accepted").inc(done.accepted)
        GATEWAY_EVENTS.labels("rejected").inc(done.rejected)
        if done.rejected:
            log.info("gateway.rejected", capture=done.capture, accepted=done.accepted, rejected=done.rejected)
        return done

    def _read_through(self, source: Source) -> None:
        """The document without its meaning; JSON is walked through by its reader anyway."""
        if syntax_of(source) is Syntax.XML:
            for _ in Reading(source, self._limits):
                pass

    def _any_rejected(self, source: Source, now: int) -> bool:
        reading = Reading(source, self._limits)
        repeated = Repeated(None)
        for found in reading:
            if found.alike is not None and repeated.ready(found.alike, now) is not None:
                continue
            if found.event is None:
                return True
            try:
                mapped(found.event, log_time=now)
            except RejectedError:
                return True
        return False

    def _judge(self, reading: Reading, codec: Codec, now: int) -> Iterator[Judged]:
        document: Document | None = None
        repeated = Repeated(None)
        like: Event | None = None
        key = b""
        for found in reading:
            if found.number == 0:
                document = kept_document(reading.document)
                repeated = Repeated(document)
            ready = repeated.ready(found.alike, now) if found.alike is not None else None
            if ready is not None and len(ready.body) < SMALL_BYTES:
                if ready.like is not like:
                    like, key = ready.like, source_of(ready.like).encode()
                yield Judged(found, Admitted(ready.id, key, codec.frame_event(ready.body)))
                continue
            raw: RawEvent | None = None
            try:
                if found.error is not None or found.event is None:
                    raise found.error or RejectedError(DocumentReject.MALFORMED_DOCUMENT)
                done = mapped(found.event, document, log_time=now)
                raw = done.raw
                own_key, value = key_of(done), codec.encode_event(raw)
                check_size(EVENTS, own_key, value, ())
            except RejectedError as error:
                placed = RejectedError(error.code, found.place(error.where), error.expected, error.found)
                yield Judged(found, Refused(placed, found.text, raw or _named(found)), found.remarks)
                continue
            yield Judged(found, Admitted(done.event.id, own_key, value), found.remarks + done.remarks)

    def _publish(self, judged: Iterable[Judged], receipt: _Receipt, codec: Codec) -> None:
        """Batch by batch; one is on its way while the next is judged."""
        under_way: Sent | None = None
        batch: list[Outgoing] = []
        size = 0
        for one in judged:
            outgoing = receipt.take(one, codec)
            if outgoing is not None:
                batch.append(outgoing)
                size += len(outgoing.value)
            if size >= BATCH_BYTES:
                if under_way is not None:
                    under_way.wait()
                under_way, batch, size = self._publisher.send(batch, patient=True), [], 0
        if under_way is not None:
            under_way.wait()
        if batch:
            self._publisher.send(batch).wait()

    def _master_data(self, reading: Reading, receipt: _Receipt, codec: Codec, now: int) -> None:
        changes, remarks = master_data(reading.document)
        for id, text in remarks:
            receipt.warn(-1, Remark(id, f"master data: {text}"))
        unknown = self._known.unknown(changes)
        if unknown:
            self._publisher.send([_reference(change, codec, now) for change in unknown]).wait()
        receipt.master_data = len(unknown)


def _reference(change: ReferenceChange, codec: Codec, now: int) -> Outgoing:
    return Outgoing(REFERENCE, record_key(change), codec.encode_reference(ReferenceRecord(change, now)))


def key_of(done: Mapped) -> bytes:
    """Of the record: the source, its place in one spelling."""
    return source_of(done.event).encode()


def _named(found: Found) -> RawEvent | None:
    """The id of an event that was rejected, where it states one."""
    return None if found.event is None or not found.event.event_id else RawEvent(id=found.event.event_id)


class _Receipt:
    """Grows with the events."""

    def __init__(self, capture: str, behaviour: Behaviour, now: int, withheld: bool, earlier: Receipt | None) -> None:
        self._capture = capture
        self._behaviour = behaviour
        self._now = now
        self._withheld = withheld
        self._before = {verdict.index: verdict for verdict in earlier.events} if earlier else {}
        self._verdicts: list[Verdict] = []
        self._warnings: list[Warned] = []
        self._accepted = 0
        self._rejected = 0
        self._count = 0
        self.master_data = 0

    def warn(self, index: int, remark: Remark) -> None:
        if len(self._warnings) < WARNINGS_MAX:
            self._warnings.append(Warned(index, storable(remark.where), storable(remark.text)))

    def take(self, judged: Judged, codec: Codec) -> Outgoing | None:
        """Note the verdict; what is to be written of it."""
        index = judged.found.number
        self._count += 1
        for remark in judged.remarks:
            self.warn(index, remark)
        earlier = self._before.get(index)
        outcome = judged.outcome
        if isinstance(outcome, Refused):
            self._rejected += 1
            self._tell(refusal(index, outcome), always=True)
            return (
                None
                if earlier is not None and earlier.status == "rejected"
                else rejected_record_of(self._capture, index, outcome, codec, self._now)
            )
        if self._withheld and (earlier is None or earlier.status != "accepted"):
            self._tell(Verdict(index, "withheld", storable(outcome.id)))
            return None
        self._accepted += 1
        self._tell(Verdict(index, "accepted", storable(outcome.id)))
        return None if earlier is not None and earlier.status == "accepted" else Outgoing(EVENTS, outcome.key, outcome.value)

    def _tell(self, verdict: Verdict, always: bool = False) -> None:
        if always or len(self._verdicts) < VERDICTS_MAX:
            self._verdicts.append(verdict)

    def done(self) -> Receipt:
        verdicts = self._verdicts
        complete = self._count == len(verdicts) and self._count <= VERDICTS_MAX
        if not complete:
            verdicts = [verdict for verdict in verdicts if verdict.status == "rejected"][:VERDICTS_MAX]
        return Receipt(
            self._capture,
            iso(self._now),
            self._accepted,
            self._rejected,
            verdicts,
            self._behaviour,
            self._count,
            self.master_data,
            self._warnings,
        )
