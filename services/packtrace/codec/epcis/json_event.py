"""One JSON-LD object -> the neutral event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from packtrace.codec.epcis import fields
from packtrace.codec.epcis.event import EpcisEvent, ErrorDeclaration, Pair, Place, Quantity, Sensor, number_text
from packtrace.codec.epcis.limits import EXTENSION_NODES_MAX
from packtrace.codec.epcis.names import Context
from packtrace.codec.epcis.node import Node
from packtrace.codec.epcis.vocabulary import SENSOR_WORDS, bare, bare_sensor_word
from packtrace.codec.json_text import Number
from packtrace.codec.vocabulary_words import BIZ_STEP, DISPOSITION, ERROR_REASON, SOURCE_DESTINATION_TYPE, TRANSACTION_TYPE
from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

TEXT_KEY: Final = "#text"
"""Text of an extension that has fields too; only XML has such."""


def event_of(value: object, context: Context) -> EpcisEvent:
    """The event that a decoded object (numbers as ``Number``) is.

    Raises:
        RejectedError: wrong-type, missing-field or unknown-field, with the place in the event.
    """
    if not isinstance(value, dict):
        raise _wrong("", "an event, a JSON object", value)
    if "@context" in value:
        context = Context(value["@context"], context)
    return _Reader(context).event(value)


def object_nodes(value: Mapping[str, Any], context: Context) -> tuple[Node, ...]:
    """The members of an object outside of events, as fields of a tree."""
    reader = _Reader(context)
    return tuple(node for name, one in value.items() for node in reader.nodes(name, one))


def _wrong(where: str, expected: str, found: object) -> RejectedError:
    kind = {dict: "an object", list: "a list", bool: "true or false", type(None): "null", Number: "a number", str: "a text"}
    return RejectedError(Reject.WRONG_TYPE, where, expected, kind.get(type(found), type(found).__name__))


def _text(value: object, where: str) -> str:
    if type(value) is not str:
        raise _wrong(where, "a text", value)
    return value.strip()


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _wrong(where, "a list of texts", value)
    for number, one in enumerate(value):
        if type(one) is not str:
            raise _wrong(f"{where}[{number}]", "a text", one)
    return tuple([one.strip() for one in value])


def _objects(value: object, where: str) -> Iterable[tuple[str, dict[str, Any]]]:
    if not isinstance(value, list):
        raise _wrong(where, "a list of objects", value)
    for number, one in enumerate(value):
        if not isinstance(one, dict):
            raise _wrong(f"{where}[{number}]", "an object", one)
        yield f"{where}[{number}]", one


class _Reader:
    """One event, with the nodes it has used up."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._nodes = 0

    def event(self, value: Mapping[str, Any]) -> EpcisEvent:
        read: dict[str, Any] = {}
        extensions: list[Node] = []
        for name, one in value.items():
            if name == "type":
                read["type"] = _text(one, name)
            elif name in fields.FIELD_OF:
                self._standard(name, one, read)
            elif name != "@context":
                extensions += self.nodes(name, one)
        if not read.get("type"):
            raise RejectedError(Reject.MISSING_FIELD, "type", "the type of the event, e.g. ObjectEvent")
        return EpcisEvent(**read, extensions=tuple(extensions))

    def _standard(self, name: str, value: object, read: dict[str, Any]) -> None:
        field = fields.FIELD_OF[name]
        if name in fields.EPC_LISTS:
            read[field] = _texts(value, name)
        elif name in fields.TEXTS:
            text = _text(value, name)
            words = _WORDS.get(name)
            read[field] = bare(words, text) if words else text
        elif name in fields.QUANTITY_LISTS:
            read[field] = tuple(self._quantity(one, where) for where, one in _objects(value, name))
        elif name in fields.PLACES:
            read[field] = self._place(value, name)
        elif name in fields.PAIRS:
            read[field] = tuple(_pair(one, where, name) for where, one in _objects(value, name))
        else:
            self._rare(name, value, read)

    def _rare(self, name: str, value: object, read: dict[str, Any]) -> None:
        if name == "certificationInfo":
            read["certifications"] = (_text(value, name),) if isinstance(value, str) else _texts(value, name)
        elif name == "errorDeclaration":
            read["error"] = self._error(value)
        elif name == "persistentDisposition":
            stated = _object(value, name, {"set", "unset"})
            for part in ("set", "unset"):
                words = _texts(stated.get(part, []), f"{name}.{part}")
                read[f"persistent_{part}"] = tuple(bare(DISPOSITION, word) for word in words)
        elif name == "sensorElementList":
            read["sensors"] = tuple(self._sensor(one, where) for where, one in _objects(value, name))
        else:
            read["ilmd"] = self._extensions(_object(value, name), frozenset())

    def _quantity(self, value: Mapping[str, Any], where: str) -> Quantity:
        _object(value, where, {"epcClass", "quantity", "uom"})
        quantity = value.get("quantity", "")
        if quantity != "" and not isinstance(quantity, Number):
            raise _wrong(f"{where}.quantity", "a number", quantity)
        if "epcClass" not in value:
            raise RejectedError(Reject.MISSING_FIELD, f"{where}.epcClass", "the class that is counted")
        return Quantity(
            _text(value["epcClass"], f"{where}.epcClass"), number_text(str(quantity)), _text(value.get("uom", ""), f"{where}.uom")
        )

    def _place(self, value: object, where: str) -> Place | None:
        stated = _object(value, where)
        if "id" not in stated:
            raise RejectedError(Reject.MISSING_FIELD, f"{where}.id", "the identifier of the place")
        return Place(_text(stated["id"], f"{where}.id"), self._extensions(stated, frozenset({"id"})))

    def _error(self, value: object) -> ErrorDeclaration:
        stated = _object(value, "errorDeclaration")
        texts = {name: _text(stated.get(name, ""), f"errorDeclaration.{name}") for name in ("declarationTime", "reason")}
        corrective = _texts(stated.get("correctiveEventIDs", []), "errorDeclaration.correctiveEventIDs")
        return ErrorDeclaration(
            texts["declarationTime"], bare(ERROR_REASON, texts["reason"]), corrective, self._extensions(stated, fields.ERROR_FIELDS)
        )

    def _sensor(self, value: Mapping[str, Any], where: str) -> Sensor:
        metadata = value.get("sensorMetadata", {})
        reports = tuple(
            self._sensor_fields(one, place, frozenset(fields.REPORT_FIELDS))
            for place, one in _objects(value.get("sensorReport", []), f"{where}.sensorReport")
        )
        return Sensor(
            self._sensor_fields(_object(metadata, f"{where}.sensorMetadata"), f"{where}.sensorMetadata", frozenset(fields.METADATA_FIELDS)),
            reports,
            self._extensions(value, frozenset({"sensorMetadata", "sensorReport"})),
        )

    def _sensor_fields(self, value: Mapping[str, Any], where: str, known: frozenset[str]) -> tuple[Node, ...]:
        out: list[Node] = []
        for name, one in value.items():
            if name not in known:
                out += self.nodes(name, one)
                continue
            if isinstance(one, (dict, list)) or one is None:
                raise _wrong(f"{where}.{name}", "a text or a number", one)
            text = _scalar(one)[0].strip()
            text = bare_sensor_word(name, text) if name in SENSOR_WORDS else number_text(text) if name in fields.NUMBERS else text
            out.append(Node(name, text))
        return tuple(sorted(out, key=_sensor_order))

    def _extensions(self, value: Mapping[str, Any], standard: frozenset[str]) -> tuple[Node, ...]:
        return tuple(node for name, one in value.items() if name not in standard for node in self.nodes(name, one))

    def nodes(self, name: str, value: object, inner: bool = False) -> list[Node]:
        """An extension: a list is as many fields of one name. ``inner``: inside of another."""
        full = self._context.inner(name) if inner else self._context.full(name)
        out: list[Node] = []
        stack = [value]
        while stack:
            one = stack.pop()
            if isinstance(one, list):
                stack += reversed(one)
                continue
            self._nodes += 1
            if self._nodes > EXTENSION_NODES_MAX:
                raise RejectedError(Reject.UNKNOWN_FIELD, name, f"at most {EXTENSION_NODES_MAX} extension fields in an event", "more")
            if isinstance(one, dict):
                text = one.get(TEXT_KEY, "")
                children = tuple(node for key, value in one.items() if key != TEXT_KEY for node in self.nodes(key, value, inner=True))
                out.append(Node(full, text if isinstance(text, str) else _scalar(text)[0], children))
            else:
                text, kind = _scalar(one)
                out.append(Node(full, text, (), kind))
        return out


_WORDS = {"bizStep": BIZ_STEP, "disposition": DISPOSITION}
_PAIR_WORDS = {
    "bizTransactionList": TRANSACTION_TYPE,
    "sourceList": SOURCE_DESTINATION_TYPE,
    "destinationList": SOURCE_DESTINATION_TYPE,
}
_SENSOR_ORDER = {name: number for number, name in enumerate((*fields.METADATA_FIELDS, *fields.REPORT_FIELDS))}


def _sensor_order(node: Node) -> tuple[int, str]:
    """Fields of sensors are attributes in XML, which have no order."""
    return _SENSOR_ORDER.get(node.name, len(_SENSOR_ORDER)), node.name


sensor_order: Final[Callable[[Node], tuple[int, str]]] = _sensor_order


def _scalar(value: object) -> tuple[str, str]:
    """(text, kind) of a value that is neither object nor list."""
    if isinstance(value, Number):
        return str(value), "number"
    if isinstance(value, bool):
        return ("true" if value else "false"), "boolean"
    return ("", "null") if value is None else (str(value), "")


def _object(value: object, where: str, known: set[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    if known is not None:
        for name in value:
            if name not in known:
                raise RejectedError(Reject.UNKNOWN_FIELD, f"{where}.{name}", f"only {', '.join(sorted(known))}", name)
    return value


def _pair(value: Mapping[str, Any], where: str, name: str) -> Pair:
    one = fields.PAIRS[name][1]
    _object(value, where, {"type", one})
    if one not in value:
        raise RejectedError(Reject.MISSING_FIELD, f"{where}.{one}", "an identifier")
    kind = _text(value.get("type", ""), f"{where}.type")
    return Pair(bare(_PAIR_WORDS[name], kind), _text(value[one], f"{where}.{one}"))


pair_words: Final = _PAIR_WORDS
texts_words: Final = _WORDS
