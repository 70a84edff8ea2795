"""EPCIS documents between the routes and the intake: repeats answered from memory, failures as problems."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool

from packtrace.adapters.crash_point import crash_point
from packtrace.codec.epcis.refusal import DocumentReject
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError, UnavailableError
from packtrace.gateway.admission import Refused
from packtrace.gateway.body import Body
from packtrace.gateway.epcis_intake import EpcisIntake
from packtrace.gateway.intake import Codec, Intake, away, iso, refusal, rejected_record_of
from packtrace.gateway.problem import ProblemError
from packtrace.gateway.publisher import OverloadedError
from packtrace.gateway.receipts import Behaviour, Receipt, Receipts

_TOO_MUCH: dict[str, str] = {DocumentReject.TOO_MANY_EVENTS: "too-many-events", Reject.RECORD_TOO_LARGE: "body-too-large"}


class Captures:
    """See the module.

    Args:
        intake: of events of packtrace, whose codec this shares.
        now: microseconds since 1970 UTC, the wall clock.
    """

    def __init__(self, epcis: EpcisIntake, intake: Intake, receipts: Receipts, now: Callable[[], int]) -> None:
        self._epcis = epcis
        self._intake = intake
        self._receipts = receipts
        self._now = now

    @property
    def events_max(self) -> int:
        return self._epcis.events_max

    async def take(self, body: Body, behaviour: Behaviour) -> Receipt:
        """The answer to one document, remembered under the hash of its bytes.

        Raises:
            ProblemError: 413 for the document as a whole, 503 when nothing (more) may be claimed.
        """
        known = self._receipts.find(body.capture)
        if known is not None and ((known.complete and not known.rejected) or (not known.complete and known.behaviour == behaviour)):
            return known
        codec = self._intake.known_codec()
        now = self._now()
        try:
            receipt = await run_in_threadpool(self._taken, body, behaviour, codec, now, known)
        except RejectedError as error:
            if error.code in _TOO_MUCH:
                code = _TOO_MUCH[error.code]
                raise ProblemError(413, code, f"{error.text}; send the events in several documents") from None
            # the document as a whole is kept like a bad event
            refused = Refused(error, body.whole() if body.in_memory else body.head(1), None)
            receipt = Receipt(body.capture, iso(now), 0, 1, [refusal(0, refused)], behaviour, 1)
            if known is None:
                await self._intake.publish([rejected_record_of(body.capture, 0, refused, codec, now)])
            await run_in_threadpool(self._receipts.store, receipt)
        except UnavailableError as error:
            raise away(f"the log did not acknowledge ({error}); nothing is claimed, send the same document again") from None
        except OverloadedError:
            detail = "more is waiting for the log than the gateway holds; send the same document again"
            raise ProblemError(503, "overloaded", detail, {"Retry-After": "1"}) from None
        crash_point("gateway.after_receipt")
        return receipt

    def _taken(self, body: Body, behaviour: Behaviour, codec: Codec, now: int, known: Receipt | None) -> Receipt:
        """Publish, then remember: on one thread, for a change of threads costs what three events do."""
        receipt = self._epcis.take(body, behaviour, codec, now, known)
        self._receipts.store(receipt)
        return receipt
