"""JSON as partners and lines send it, read strictly: no duplicate key, no NaN, bounded depth.

Every decoder keeps the last of two equal keys without a word; a signature or a partner may have read the first.
"""

from __future__ import annotations

import json
import re
from typing import Final, NoReturn

from packtrace.domain.vocabulary import Reject
from packtrace.errors import RejectedError

JSON_DEPTH_MAX: Final = 32

_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
"""Where half a surrogate pair may be: text that no UTF-8 can carry on."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|([\[{])|([\]}])', re.DOTALL)


class _DuplicateKey(ValueError):
    """The answer of the hook; never seen outside."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _DuplicateKey(key)
            seen.add(key)
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        _no_number(text)
    return number


class Number(str):
    """A JSON number as it was written: ``26.0`` stays that, and 30 digits stay 30 digits."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Another than that of the same text."""
        return f"Number({str(self)!r})"


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number, parse_float=_finite)
_exact = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number, parse_float=Number, parse_int=Number)


def json_value(data: bytes | str) -> object:
    """The one JSON value of ``data``.

    Raises:
        RejectedError: malformed-json, with what the reader stumbled over.
    """
    return _value(data, _decoder)


def exact_json_value(data: bytes | str) -> object:
    """As ``json_value``, each number as the text it was (``Number``)."""
    return _value(data, _exact)


def _value(data: bytes | str, decoder: json.JSONDecoder) -> object:
    try:
        text = data if isinstance(data, str) else data.decode()
        if text.count("[") + text.count("{") > JSON_DEPTH_MAX:
            _refuse_depth(text)
        value = decoder.decode(text)
        if _HALF_PAIR.search(text):
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except _DuplicateKey as error:
        raise RejectedError(Reject.MALFORMED_JSON, expected="each key once", found=str(error)) from error
    except UnicodeError as error:
        raise RejectedError(Reject.MALFORMED_JSON, expected="UTF-8 text", found=_ascii(error)) from error
    except ValueError as error:
        raise RejectedError(Reject.MALFORMED_JSON, expected="one JSON value", found=str(error)) from error


def _ascii(error: UnicodeError) -> str:
    return str(error).encode("ascii", "backslashreplace").decode()


def _refuse_depth(text: str) -> None:
    depth = 0
    for match in _TOKEN.finditer(text):
        if match[1]:
            depth += 1
            if depth > JSON_DEPTH_MAX:
                raise RejectedError(Reject.MALFORMED_JSON, expected=f"JSON at most {JSON_DEPTH_MAX} deep", found="deeper nesting")
        elif match[2]:
            depth -= 1
