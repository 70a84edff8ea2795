"""The parameters of a SimpleEventQuery, from an address or from the body of a named query, read into a ``Search``. Pure.

In an address a list is divided by ``|``, and a parameter may be repeated; in a named query it is a JSON list. A parameter
that is not known is refused, for an answer to half of a question is a wrong one.

Source: EPCIS 2.0, 8.2.7.1; lists in addresses: its OpenAPI file, ``style: pipeDelimited``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from packtrace.codec.epcis.fields import CONTEXT, NUMBERS, SHAPES
from packtrace.codec.epcis.vocabulary import SENSOR_WORDS, bare_sensor_word
from packtrace.codec.vocabulary_words import BIZ_STEP, DISPOSITION, ERROR_REASON, SOURCE_DESTINATION_TYPE, TRANSACTION_TYPE, Words
from packtrace.domain.dates import read_time
from packtrace.errors import RejectedError
from packtrace.query.problem import ProblemError
from packtrace.query.search import Order, Search
from packtrace.query.spellings import key_of_item, key_of_place, openings, own_name, spellings

VALUES_MAX: Final = 100
"""Of one parameter: each may be asked in some ten spellings, in the address of one question."""
QUESTION_CHARACTERS_MAX: Final = 48_000
"""Of all that is bound, in every spelling: an address of 64 KiB is the longest that servers take."""
EVENTS_MAX: Final = 2**31 - 1

_ROLES: Final = {
    # parameter -> (roles in history, what is not followed)
    "epc": (("item", "child"), ("epc", "child")),
    "parentID": (("parent",), ("parent",)),
    "childEPC": (("child",), ("child",)),
    "inputEPC": (("input",), ("input",)),
    "outputEPC": (("output",), ("output",)),
    "anyEPC": (("item", "parent", "child", "input", "output"), ("epc", "parent", "child", "input", "output")),
}
_PARENTS: Final = frozenset({"parentID", "anyEPC"})
"""The parent of a transaction is one more item for packtrace: as parent it is found by what the event said."""
_CLASSES: Final = {
    "epcClass": ("class", "child_class"),
    "inputEPCClass": ("input_class",),
    "outputEPCClass": ("output_class",),
    "anyEPCClass": ("class", "child_class", "input_class", "output_class"),
}
_TIMES: Final = {"eventTime": "event_time", "recordTime": "log_time"}
_SENSOR_TEXTS: Final = frozenset(
    {
        "type", "exception", "component", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules", "microorganism",
        "chemicalSubstance", "coordinateReferenceSystem", "stringValue", "hexBinaryValue", "uriValue", "booleanValue",
    }
)  # fmt: skip
_SENSOR_NUMBERS: Final = NUMBERS
_SENSOR_TIMES: Final = frozenset({"time", "startTime", "endTime"})
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?([eE][+-]?[0-9]{1,2})?")
_WHOLE = re.compile(r"[0-9]{1,10}")
_COMPARED = re.compile(r"(EQ|GT|GE|LT|LE)_(.+)")
_WORD = re.compile(r"[!-~]{1,200}")


class Asked(NamedTuple):
    """A SimpleEventQuery, read.

    Args:
        limit: at most so many events, over all pages; None: all.
        refuse_above: more events than this are an error, not an answer.
    """

    search: Search
    order: Order
    limit: int | None
    refuse_above: int | None


def wrong(name: str, expected: str, found: object) -> ProblemError:
    """The problem of a parameter."""
    return ProblemError("query-parameter", f"{name}: expected {expected}, found {str(found)[:80]!r}", {"where": name})


def from_address(stated: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Parameters of an address: name -> values."""
    out: dict[str, list[str]] = {}
    for name, text in stated:
        out.setdefault(name, []).extend(text.split("|"))
    return out


def from_body(stated: object) -> dict[str, list[str]]:
    """Parameters of a named query: name -> values."""
    if not isinstance(stated, dict):
        raise ProblemError("query-parameter", "query: expected an object of parameters")
    out: dict[str, list[str]] = {}
    for name, value in stated.items():
        if name == "@context":
            continue
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(one, (str, int, float, bool)) for one in values):
            raise wrong(str(name), "a text, a number, true, false, or a list of them", value)
        out[str(name)] = [str(one).lower() if isinstance(one, bool) else str(one) for one in values]
    return out


def read_search(stated: Mapping[str, list[str]], prefixes: Mapping[str, str] | None = None) -> Asked:
    """What ``stated`` asks for.

    Args:
        prefixes: short names of namespaces, for parameters on extensions.

    Raises:
        ProblemError: query-parameter, with the name of the parameter.
    """
    reader = _Reader({**CONTEXT, **(prefixes or {})})
    for name, values in stated.items():
        reader.take(name, values)
    return reader.asked()


class _Reader:
    """One question on its way."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        self._prefixes = prefixes
        self._search = Search()
        self._order_by = ""
        self._direction = ""
        self._limit: int | None = None
        self._refuse_above: int | None = None
        self._fixed: dict[str, Callable[[str, list[str]], None]] = {
            "eventType": self._event_type,
            "EQ_action": self._action,
            "EQ_bizStep": lambda name, values: self._search.column("biz_step", self._words(name, BIZ_STEP, values)),
            "EQ_disposition": lambda name, values: self._search.column("disposition", self._words(name, DISPOSITION, values)),
            "EQ_persistentDisposition_set": lambda name, values: self._search.said(
                ["persistent_set"], self._words(name, DISPOSITION, values)
            ),
            "EQ_persistentDisposition_unset": lambda name, values: self._search.said(
                ["persistent_unset"], self._words(name, DISPOSITION, values)
            ),
            "EQ_eventID": lambda name, values: self._search.column(
                "id", [spelled for one in values for spelled in (one, own_name("event", one))]
            ),
            "EQ_transformationID": lambda name, values: self._search.said(["transformation"], _all_spellings(values)),
            "EXISTS_errorDeclaration": lambda name, values: self._search.correction(_flag(name, values)),
            "EQ_errorReason": lambda name, values: self._search.said(["error_reason"], self._words(name, ERROR_REASON, values)),
            "EQ_correctiveEventID": lambda name, values: self._search.said(
                ["corrective"], [spelled for one in values for spelled in (one, own_name("event", one))]
            ),
            "orderBy": self._ordered,
            "orderDirection": self._directed,
            "eventCountLimit": self._limited,
            "maxEventCount": self._bounded,
        }
        for name, column, term in (("readPoint", "read_point", "read_point"), ("bizLocation", "place", "location")):
            for opening, inside in (("EQ_", False), ("WD_", True)):
                self._fixed[opening + name] = self._place_reader(column, term, inside)

    def asked(self) -> Asked:
        if self._limit is not None and self._refuse_above is not None:
            raise wrong("maxEventCount", "not together with eventCountLimit", "both")
        if self._direction and not self._order_by:
            raise wrong("orderDirection", "only together with orderBy", self._direction)
        # without orderBy the order of the log: what is new comes last, and a page once read never changes
        if self._search.size > QUESTION_CHARACTERS_MAX:
            raise ProblemError(
                "query-too-complex", "the parameters name too many things at once; ask for fewer and put the answers together"
            )
        order = Order(_TIMES[self._order_by], self._direction != "ASC") if self._order_by else Order()
        return Asked(self._search, order, self._limit, self._refuse_above)

    def take(self, name: str, values: list[str]) -> None:
        if not values or not all(values):
            raise wrong(name, "a value", "nothing")
        if len(values) > VALUES_MAX:
            raise wrong(name, f"at most {VALUES_MAX} values", f"{len(values)}")
        fixed = self._fixed.get(name)
        try:
            if fixed is not None:
                fixed(name, values)
            elif not (self._matched(name, values) or self._typed(name, values) or self._compared(name, values)):
                raise wrong(name[:80], "a parameter of SimpleEventQuery", name)
        except RejectedError as error:
            raise wrong(name, error.expected, error.found) from error

    def _event_type(self, name: str, values: list[str]) -> None:
        for one in values:
            if one not in SHAPES:
                raise wrong(name, f"one of {', '.join(SHAPES)}", one)
        self._search.column("type", [one.removesuffix("Event").lower() for one in values])

    def _action(self, name: str, values: list[str]) -> None:
        for one in values:
            if one not in ("ADD", "OBSERVE", "DELETE"):
                raise wrong(name, "ADD, OBSERVE or DELETE", one)
        self._search.column("action", values)

    def _words(self, name: str, words: Words, values: list[str]) -> list[str]:
        return [words.stored(one) for one in values]

    def _place_reader(self, column: str, term: str, inside: bool) -> Callable[[str, list[str]], None]:
        def take(name: str, values: list[str]) -> None:
            keys = [key for one in values if (key := key_of_place(one))]
            self._search.place(column, keys, term, _all_spellings(values), inside)

        return take

    def _matched(self, name: str, values: list[str]) -> bool:
        kind = name.removeprefix("MATCH_")
        if kind == name:
            return False
        if kind in _CLASSES:
            self._search.said(_CLASSES[kind], _all_spellings(values))
            return True
        if kind not in _ROLES:
            return False
        keys: list[str] = []
        beginnings: list[str] = []
        texts: set[str] = set()
        for one in values:
            opening = openings(one)
            if opening is not None:
                beginnings += opening
                continue
            if ":idpat:" in one:
                raise wrong(name, "a pattern such as urn:epc:idpat:sgtin:9506000.013435.*", one)
            if key := key_of_item(one):
                keys.append(key)
            if not key or kind in _PARENTS:
                texts |= spellings(one)
        roles, names = _ROLES[kind]
        self._search.items(roles, names, keys, beginnings, texts)
        return True

    def _typed(self, name: str, values: list[str]) -> bool:
        """EQ_bizTransaction_<type>, EQ_source_<type>, EQ_destination_<type>."""
        for opening, term, words in (
            ("EQ_bizTransaction_", "transaction", TRANSACTION_TYPE),
            ("EQ_source_", "source", SOURCE_DESTINATION_TYPE),
            ("EQ_destination_", "destination", SOURCE_DESTINATION_TYPE),
        ):
            if name.startswith(opening):
                kind = words.stored(name.removeprefix(opening))
                texts = _all_spellings(values) | {own_name("transaction", one) for one in values}
                self._search.said([f"{term}:{kind}"], texts)
                return True
        return False

    def _compared(self, name: str, values: list[str]) -> bool:
        """Comparisons of times, of numbers, of what sensors report and of extensions; EXISTS_ of extensions."""
        if name.startswith("EXISTS_"):
            if not _flag(name, values):
                self._search.said_not([self._field(name, name.removeprefix("EXISTS_"))])
            else:
                self._search.said([self._field(name, name.removeprefix("EXISTS_"))])
            return True
        match = _COMPARED.fullmatch(name)
        if match is None:
            return False
        comparison, field = match.groups()
        if field in (*_TIMES, "errorDeclarationTime"):
            return self._time(name, comparison, field, values)
        plain, _, unit = field.partition("_")
        if field == "quantity" or (plain in _SENSOR_NUMBERS and not unit):
            names = ["quantity"] if field == "quantity" else [f"sensor:{field}"]
            self._search.said_number(names, comparison, _number(name, values))
            return True
        if field in _SENSOR_TIMES:
            self._search.said_time([f"sensor:{field}"], comparison, _time(name, values))
            return True
        if field in _SENSOR_TEXTS and comparison == "EQ":
            read = [bare_sensor_word(field, one) for one in values] if field in SENSOR_WORDS else []
            self._search.said([f"sensor:{field}"], {*values, *read, *_all_spellings(values)})
            return True
        term = self._field(name, field)
        if comparison == "EQ":
            self._search.said([term], values)
        elif len(values) == 1 and _NUMBER.fullmatch(values[0]):
            self._search.said_number([term], comparison, float(values[0]))
        else:
            self._search.said_time([term], comparison, _time(name, values))
        return True

    def _time(self, name: str, comparison: str, field: str, values: list[str]) -> bool:
        at = _time(name, values)
        if field == "errorDeclarationTime":
            self._search.said_time(["error_time"], comparison, at)
        elif comparison == "GE":
            self._search.time(_TIMES[field], least=at)
        elif comparison == "LT":
            self._search.time(_TIMES[field], below=at)
        elif comparison == "EQ":
            self._search.time(_TIMES[field], least=at, below=at + 1)
        elif comparison == "GT":
            self._search.time(_TIMES[field], least=at + 1)
        else:
            self._search.time(_TIMES[field], below=at + 1)
        return True

    def _field(self, name: str, stated: str) -> str:
        """The term of an extension: ``ILMD_<field>`` in instance data, else of the event itself.

        A field is ``prefix:name``, ``namespace#name`` (EPCIS 1.2) or a URI that ends in its name.
        """
        kind, field = ("ilmd", stated.removeprefix("ILMD_")) if stated.startswith("ILMD_") else ("field", stated)
        if not _WORD.fullmatch(field) or ":" not in field or field.startswith(("INNER_", "SENSOR", "ATTR_", "HASATTR_")):
            raise wrong(name, "a parameter of SimpleEventQuery, or one on an extension such as EQ_ILMD_cbvmda:lotNumber", name)
        prefix, _, local = field.partition(":")
        if prefix in self._prefixes and not local.startswith("//"):
            return f"{kind}:{{{self._prefixes[prefix]}}}{local}"
        space, mark, local = field.rpartition("#")
        if not mark:
            cut = max(field.rfind("/"), field.rfind(":")) + 1
            space, local = field[:cut], field[cut:]
        if not space or not local:
            raise wrong(name, "the name of a field: a short name that GS1-Extensions gives, or its whole URI", name)
        return f"{kind}:{{{space}}}{local}"

    def _ordered(self, name: str, values: list[str]) -> None:
        if values[0] not in _TIMES or len(values) > 1:
            raise wrong(name, "eventTime or recordTime", values[0])
        self._order_by = values[0]

    def _directed(self, name: str, values: list[str]) -> None:
        if values[0] not in ("ASC", "DESC") or len(values) > 1:
            raise wrong(name, "ASC or DESC", values[0])
        self._direction = values[0]

    def _limited(self, name: str, values: list[str]) -> None:
        self._limit = whole(name, values, 1, EVENTS_MAX)

    def _bounded(self, name: str, values: list[str]) -> None:
        self._refuse_above = whole(name, values, 1, EVENTS_MAX)


def _all_spellings(values: list[str]) -> set[str]:
    return {spelled for one in values for spelled in spellings(one)}


def _flag(name: str, values: list[str]) -> bool:
    if values not in (["true"], ["false"]):
        raise wrong(name, "true or false", "|".join(values))
    return values == ["true"]


def whole(name: str, values: list[str], least: int, most: int) -> int:
    """The one number of a parameter."""
    if len(values) != 1 or not _WHOLE.fullmatch(values[0]) or not least <= int(values[0]) <= most:
        raise wrong(name, f"a number from {least} to {most}", "|".join(values))
    return int(values[0])


def _number(name: str, values: list[str]) -> float:
    if len(values) != 1 or not _NUMBER.fullmatch(values[0]):
        raise wrong(name, "a number", "|".join(values))
    return float(values[0])


def _time(name: str, values: list[str]) -> int:
    if len(values) != 1:
        raise wrong(name, "one time", "|".join(values))
    # an unescaped + of a zone arrives as a blank
    return read_time(values[0].replace(" ", "+"))
