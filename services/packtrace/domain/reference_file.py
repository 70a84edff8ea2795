"""Reads reference data: a whole file, or one entity as it travels on the topic ``reference``. Strict, entity by entity a table.

The format is ``schemas/reference.schema.json``; what a schema cannot say (check digits, days of the calendar, the same entity
twice) is said here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from packtrace.domain import identifiers
from packtrace.domain.dates import read_date, read_time
from packtrace.domain.local_time import known_zone
from packtrace.domain.reference import (
    Device,
    Line,
    Location,
    Lot,
    LotRecall,
    Operator,
    Party,
    Policy,
    Product,
    ReferenceChange,
    RulePolicy,
    Value,
)
from packtrace.domain.rules.codes import CODES, NUMBERS
from packtrace.domain.vocabulary import Entity, Level, Reject, Severity
from packtrace.errors import RejectedError

NAME_CHARACTERS_MAX: Final = 200
WINDOW_HOURS_MAX: Final = 24 * 366
GRACE_SECONDS_MAX: Final = 30 * 86_400
TOLERANCE_SECONDS_MAX: Final = 3_600
COUNT_MAX: Final = 100_000

_LEVELS: Final = {"unit": Level.UNIT, "bundle": Level.BUNDLE, "case": Level.CASE}
Object = Mapping[str, Any]
_T = TypeVar("_T")


def _refuse(expected: str, found: object, where: str = "") -> RejectedError:
    return RejectedError(Reject.BAD_REFERENCE, where, expected, found if isinstance(found, str) else json.dumps(found, default=str))


class Field(NamedTuple):
    """One field of an entity: ``read`` answers its value or raises with what was expected."""

    name: str
    read: Callable[[Any], Any]
    required: bool = False
    default: Any = None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value or len(value) > NAME_CHARACTERS_MAX or not value.isprintable():
        raise _refuse(f"a text of 1 to {NAME_CHARACTERS_MAX} printable characters", value)
    return value


def _by(read: Callable[[str], _T], example: str) -> Callable[[Any], _T]:
    """A reader of identifiers and dates whose own error says more than its type would."""

    def reader(value: Any) -> _T:
        if not isinstance(value, str):
            raise _refuse(f"a text such as {example}", value)
        try:
            return read(value)
        except RejectedError as error:
            raise _refuse(error.expected, error.found) from error

    return reader


def _gln_text(value: str) -> str:
    digits, slash, extension = value.partition("/")
    return identifiers.gln_key(digits, extension) if slash else identifiers.gln_key(value)


def _moment(value: str) -> int:
    """A time with zone, or a date: 00:00 UTC of it."""
    return read_time(value) if "T" in value else read_time(f"{value}T00:00:00Z")


def _number(low: float, high: float) -> Callable[[Any], float]:
    def reader(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise _refuse(f"a number from {low} to {high}", value)
        return float(value)

    return reader


def _count(low: int, high: int) -> Callable[[Any], int]:
    def reader(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _refuse(f"a whole number from {low} to {high}", value)
        return value

    return reader


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _refuse("true or false", value)
    return value


def _one_of(known: Mapping[str, _T]) -> Callable[[Any], _T]:
    def reader(value: Any) -> _T:
        if not isinstance(value, str) or value not in known:
            raise _refuse("one of " + ", ".join(known), value)
        return known[value]

    return reader


def _words(value: Any) -> frozenset[str]:
    if not isinstance(value, list):
        raise _refuse("an array of words", value)
    return frozenset(_text(one) for one in value)


def _contains(value: Any) -> tuple[str, int]:
    read = _read_object(value, _CONTAINS)
    return read["gtin"], read["count"]


_gtin = _by(identifiers.gtin14, "09506000134352")
_gln = _by(_gln_text, "9506000100005")
_date = _by(read_date, "2028-05-31")

# fmt: off
_CONTAINS: Final = (
    Field("gtin",             _gtin,                                                     True),
    Field("count",            _count(1, COUNT_MAX),                                      True),
)
_PRODUCT: Final = (
    Field("gtin",             _gtin,                                                     True),
    Field("name",             _text,                                                     True),
    Field("level",            _one_of(_LEVELS),                                          True),
    Field("origin",           _one_of({"own": True, "partner": False}),                  True),
    Field("contains",         _contains,                                                 False, ("", 0)),
    Field("tenant",           _text,                                                     False, ""),
)
_LOT: Final = (
    Field("gtin",             _gtin,                                                     True),
    Field("lot",              _by(lambda t: identifiers.serial_text(t, "lot"), "L7"),    True),
    Field("expiry",           _date,                                                     True),
    Field("released",         _flag,                                                     True),
    Field("recalled_from",    _by(_moment, "2026-11-22T10:00:00Z or 2026-11-22"),        False),
)
_LOCATION: Final = (
    Field("gln",              _gln,                                                      True),
    Field("name",             _text,                                                     True),
    Field("party",            _gln,                                                      True),
    Field("latitude",         _number(-90, 90),                                          False),
    Field("longitude",        _number(-180, 180),                                        False),
    Field("time_zone",        _by(known_zone, "Europe/Zurich or +01:00"),                False, ""),
)
_PARTY: Final = (
    Field("gln",              _gln,                                                      True),
    Field("name",             _text,                                                     True),
    Field("roles",            _words,                                                    True),
    Field("authorised_from",  _date,                                                     False, 0),
    Field("authorised_to",    _date,                                                     False, 0),
)
_LINE: Final = (
    Field("id",               _text,                                                     True),
    Field("location",         _gln,                                                      True),
    Field("tenant",           _text,                                                     False, ""),
)
_DEVICE: Final = (
    Field("id",               _text,                                                     True),
    Field("location",         _gln,                                                      True),
    Field("clock",            _one_of({w: w for w in ("synced", "handheld", "manual")}), True),
)
_OPERATOR: Final = (
    Field("id",               _text,                                                     True),
    Field("qualified_until",  _date,                                                     True),
)
# fmt: on


def _product(read: Object) -> Product:
    gtin, count = read["contains"]
    return Product(read["gtin"], read["name"], read["level"], read["origin"], gtin, count, read["tenant"])


def _lot(read: Object) -> Lot:
    return Lot(read["gtin"], read["lot"], read["expiry"], read["released"], read["recalled_from"])


def _location(read: Object) -> Location:
    if (read["latitude"] is None) != (read["longitude"] is None):
        raise _refuse("latitude and longitude, or neither", "one of them", "latitude")
    return Location(read["gln"], read["name"], read["party"], read["latitude"], read["longitude"], read["time_zone"])


class _Shape(NamedTuple):
    """How an entity is read: its array in the file, its fields, its key and its value."""

    array: str
    fields: tuple[Field, ...]
    key: Callable[[Object], str]
    value: Callable[[Object], Value]


# fmt: off
_SHAPES: Final[Mapping[Entity, _Shape]] = {
    Entity.PRODUCT:  _Shape("products",  _PRODUCT,  lambda r: r["gtin"],                _product),
    Entity.LOT:      _Shape("lots",      _LOT,      lambda r: f"{r['gtin']}/{r['lot']}", _lot),
    Entity.LOCATION: _Shape("locations", _LOCATION, lambda r: r["gln"],                 _location),
    Entity.PARTY:    _Shape("parties",   _PARTY,    lambda r: r["gln"],                 lambda r: Party(**r)),
    Entity.LINE:     _Shape("lines",     _LINE,     lambda r: r["id"],                  lambda r: Line(**r)),
    Entity.DEVICE:   _Shape("devices",   _DEVICE,   lambda r: r["id"],                  lambda r: Device(**r)),
    Entity.OPERATOR: _Shape("operators", _OPERATOR, lambda r: r["id"],                  lambda r: Operator(**r)),
}
# fmt: on


def _read_object(value: Any, fields: tuple[Field, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _refuse("an object", value)
    names = {field.name for field in fields}
    for name in value:
        if name not in names:
            raise _refuse("one of " + ", ".join(sorted(names)), name)
    read = {}
    for field in fields:
        if field.name in value:
            try:
                read[field.name] = field.read(value[field.name])
            except RejectedError as error:
                raise error.inside(field.name) from error
        elif field.required:
            raise _refuse(f"the field {field.name}", "", field.name)
        else:
            read[field.name] = field.default
    return read


def _rule_policy(code: str, value: Any) -> RulePolicy:
    numbers = NUMBERS.get(code, ())
    read = _read_object(
        value,
        (
            Field("enabled", _flag, default=True),
            Field("severity", _one_of({one.value: one for one in Severity})),
            Field("grace_seconds", _count(0, GRACE_SECONDS_MAX)),
            *(Field(name, _count(1, COUNT_MAX)) for name in numbers),
        ),
    )
    return RulePolicy(read["enabled"], read["severity"], read["grace_seconds"], {n: read[n] for n in numbers if read[n] is not None})


def _rules(value: Any) -> dict[str, RulePolicy]:
    if not isinstance(value, dict):
        raise _refuse("an object of rules", value)
    rules = {}
    for code, stated in value.items():
        if code not in CODES:
            raise _refuse("the code of a rule, such as two-parents", code)
        try:
            rules[code] = _rule_policy(code, stated)
        except RejectedError as error:
            raise error.inside(code) from error
    return rules


# fmt: off
_POLICY: Final = (
    Field("order_tolerance_seconds",  _count(0, TOLERANCE_SECONDS_MAX), False, Policy().order_tolerance_seconds),
    Field("window_hours",             _count(1, WINDOW_HOURS_MAX),      False, Policy().window_hours),
    Field("sscc_commission_required", _flag,                            False, False),
    Field("rules",                    _rules,                           False, {}),
)
# fmt: on


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object none of whose names comes twice: a reader that kept the last would hide the first."""
    read = dict(pairs)
    if len(read) != len(pairs):
        names = [name for name, _ in pairs]
        raise _refuse("each name once", next(name for name in names if names.count(name) > 1))
    return read


def _no_constant(text: str) -> float:
    raise _refuse("a number of JSON", text)


def _decoded(data: bytes | str) -> Any:
    try:
        return json.loads(data, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _refuse("a JSON object", str(error)) from error


def _entity(entity: Entity, value: Any) -> tuple[str, Value]:
    if entity is Entity.POLICY:
        return "policy", Policy(**_read_object(value, _POLICY))
    if entity is Entity.RECALL:
        return _recall(value)
    shape = _SHAPES[entity]
    read = _read_object(value, shape.fields)
    return shape.key(read), shape.value(read)


def _recall(value: Any) -> tuple[str, Value]:
    try:
        recall = msgspec.convert(value, LotRecall)
    except msgspec.ValidationError as error:
        raise _refuse("an event that names lots", str(error)) from error
    return recall.id, recall


def read_change(change: ReferenceChange) -> tuple[Entity, Value | None]:
    """The value of a change as it travels.

    Raises:
        RejectedError: bad-reference: no such entity, a value out of shape, or one that is not what its key names.
    """
    entity = _one_of({one.value: one for one in Entity})(change.entity)
    if change.value_json is None:
        return entity, None
    try:
        key, value = _entity(entity, _decoded(change.value_json))
    except RejectedError as error:
        raise error.inside(f"{change.entity} {change.key}") from error
    if key != change.key.partition("@")[0] and entity is not Entity.RECALL:
        raise _refuse(f"the key {key}", change.key, f"{change.entity} {change.key}")
    return entity, value


def parse(data: bytes) -> list[ReferenceChange]:
    """See ``packtrace.domain.reference.parse_file``."""
    stated = _decoded(data)
    arrays = {shape.array: entity for entity, shape in _SHAPES.items()}
    if not isinstance(stated, dict):
        raise _refuse("an object with any of " + ", ".join([*arrays, "policy"]), stated)
    changes: list[ReferenceChange] = []
    for name, values in stated.items():
        if name == "policy":
            changes.append(_changed(Entity.POLICY, values, "policy"))
        elif name not in arrays:
            raise _refuse("one of " + ", ".join([*arrays, "policy"]), name)
        elif not isinstance(values, list):
            raise _refuse("an array", values, name)
        else:
            seen: set[str] = set()
            for n, value in enumerate(values):
                change = _changed(arrays[name], value, f"{name}[{n}]")
                if change.key in seen:
                    raise _refuse(f"each {arrays[name].value} once", change.key, f"{name}[{n}]")
                seen.add(change.key)
                changes.append(change)
    return changes


def _changed(entity: Entity, value: Any, where: str) -> ReferenceChange:
    try:
        key, _ = _entity(entity, value)
    except RejectedError as error:
        raise error.inside(where) from error
    return ReferenceChange(entity.value, key, _canonical(value))
