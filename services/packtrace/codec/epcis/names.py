"""Names of extensions: short name and context in JSON-LD, namespace in XML, ``{namespace}name`` here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from packtrace.codec.epcis.fields import CONTEXT, UNQUALIFIED
from packtrace.codec.epcis.limits import NAME_CHARACTERS_MAX
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

_URI: Final = re.compile(r"(https?://[!-~]+[/#:])([^/#:]+)|((?:urn|tag|ni|did):[!-~]*[:/#])([^/#:]+)")
_PREFIX: Final = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")
_CONTROL: Final = re.compile("[\x00-\x20\x7f{}]")
NAME: Final = re.compile(r"[A-Za-z_\u00c0-\u02ff\u0370-\u1fff\u3001-\ud7ff][A-Za-z0-9._\u00b7\u00c0-\u1fff\u3001-\ud7ff-]*")
"""What XML takes as a local name, as far as people use it."""


class Context:
    """The short names that hold for an event: those of EPCIS, of the document, of the event itself."""

    def __init__(self, stated: object = None, outer: Context | None = None) -> None:
        self._spaces: dict[str, str] = dict(outer._spaces) if outer else dict(CONTEXT)
        self.own: dict[str, str] = {}
        """Those that this context states itself."""
        self._known: dict[str, str] = {}
        for one in stated if isinstance(stated, list) else [stated]:
            if isinstance(one, dict):
                self._take(one)

    def _take(self, stated: Mapping[str, object]) -> None:
        for prefix, target in stated.items():
            if isinstance(target, dict):
                target = target.get("@id")
            if isinstance(target, str) and not prefix.startswith("@") and _PREFIX.fullmatch(prefix):
                target = (
                    self._spaces.get(target.partition(":")[0], "") + target.partition(":")[2] if _is_curie(target, self._spaces) else target
                )
                self.own[prefix] = self._spaces[prefix] = target

    def inner(self, name: str) -> str:
        """As ``full``, of a field inside an extension: one without a meaning of its own stays as it is."""
        return self.full(name) if ":" in name or name in self.own else name

    def full(self, name: str) -> str:
        """``{namespace}name`` of an extension.

        Raises:
            RejectedError: unknown-field: no short name that the context has, and no URI.
        """
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._read(name)
        return known

    def _read(self, name: str) -> str:
        if len(name) > NAME_CHARACTERS_MAX or _CONTROL.search(name):
            raise RejectedError(Reject.UNKNOWN_FIELD, name[:100], "the name of a field", name)
        if name.startswith("@"):
            return f"@{self.full(name[1:])}" if ":" in name else name
        prefix, colon, local = name.partition(":")
        if colon and local and prefix in self._spaces and not local.startswith("//"):
            space = self._spaces[prefix]
            return local if space == UNQUALIFIED else f"{{{space}}}{local}"
        if match := _URI.fullmatch(name):
            return f"{{{match[1] or match[3]}}}{match[2] or match[4]}"
        if name in self.own:
            # the context gives a plain name a meaning of its own
            if match := _URI.fullmatch(self.own[name]):
                return f"{{{match[1] or match[3]}}}{match[2] or match[4]}"
            return f"{{{self.own[name]}}}{name}"
        expected = "a field of EPCIS, or one with a short name that @context gives"
        raise RejectedError(Reject.UNKNOWN_FIELD, name, expected, name)


def _is_curie(text: str, spaces: Mapping[str, str]) -> bool:
    prefix, colon, rest = text.partition(":")
    return bool(colon) and prefix in spaces and not rest.startswith("//")


def short_names(namespaces: Iterable[str], wanted: Iterable[tuple[str, str]], taken: Mapping[str, str]) -> dict[str, str]:
    """namespace -> short name, one for each, as ``wanted`` has it, else as ``taken`` (short name -> namespace), else ``ext1``...

    Args:
        taken: short names that mean their namespace without being stated; none is given another meaning unless wanted.
    """
    out: dict[str, str] = {}
    used: set[str] = set()
    needed = sorted(set(namespaces) - {""})
    for pairs in (list(wanted), [(prefix, space) for prefix, space in taken.items()]):
        for prefix, space in pairs:
            if space in needed and space not in out and prefix not in used and _PREFIX.fullmatch(prefix) and prefix.lower() != "xml":
                out[space] = prefix
                used.add(prefix)
    number = 0
    for space in needed:
        while space not in out:
            number += 1
            prefix = f"ext{number}"
            if prefix not in used and prefix not in taken:
                out[space] = prefix
                used.add(prefix)
    return out
