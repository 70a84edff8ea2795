"""Two families of failure; the class of an error is its fate.

- ``PacktraceError``
    - ``RejectedError``      the input is bad: never retried, kept with its reason
    - ``UnavailableError``   a dependency is away: back off and try again
    - ``RefusedError``       the set-up is wrong: stop at once with one sentence

A broken business rule is none of these: it is data (an alert).
"""

from __future__ import annotations


class PacktraceError(Exception):
    """Anything packtrace raises on purpose."""


class RejectedError(PacktraceError):
    """Bad input: what was expected, what came, and where.

    Args:
        code: a constant from ``packtrace.domain.vocabulary.Reject``, e.g. ``"wrong-check-digit"``.
        where: the place in the input, e.g. ``"epcs[3]"``; empty for the whole.
        expected: in words, e.g. ``"check digit 7"``.
        found: what came, cut to 120 characters.
    """

    def __init__(self, code: str, where: str = "", expected: str = "", found: str = "") -> None:
        self.code = code
        self.where = where
        self.expected = expected
        self.found = found if len(found) <= 120 else found[:117] + "..."
        super().__init__(self.text)

    @property
    def text(self) -> str:
        """One sentence for a person."""
        place = f"{self.where}: " if self.where else ""
        expected = f"expected {self.expected}" if self.expected else self.code
        found = f", found {self.found!r}" if self.found else ""
        return f"{place}{expected}{found}"

    def inside(self, where: str) -> RejectedError:
        """The same error seen from one level further out."""
        dot = "" if not self.where or self.where.startswith("[") else "."
        return RejectedError(self.code, f"{where}{dot}{self.where}", self.expected, self.found)


class UnavailableError(PacktraceError):
    """A dependency did not answer, or not in time; the same call may succeed later."""


class RefusedError(PacktraceError):
    """The process must not run like this (wrong partition count, unknown setting, ...)."""
