"""MongoDB's order of values, so that two streams in the order of `_id` can be laid side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import bson
from bson import DBRef, Decimal128, MaxKey, MinKey, ObjectId, Timestamp
from bson.binary import Binary
from bson.datetime_ms import DatetimeMS

# How MongoDB ranks types; comparisons in its queries stay within one of them.
TYPES = (
    *("minKey", "null", "number", "string", "object", "array", "binData", "objectId", "bool", "date", "timestamp"),
    *("regex", "maxKey"),
)
_PYTHON: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("bool", (bool,)),
    ("number", (int, float, Decimal128)),
    ("string", (str,)),
    ("objectId", (ObjectId,)),
    ("binData", (bytes, Binary)),
    ("timestamp", (Timestamp,)),
    ("object", (Mapping, DBRef)),
    ("array", (list,)),
    ("minKey", (MinKey,)),
    ("maxKey", (MaxKey,)),
    ("regex", (bson.Regex,)),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def type_of(value: Any) -> str:
    """The type by which MongoDB ranks a value."""
    if value is None:
        return "null"
    return next((name for name, types in _PYTHON if isinstance(value, types)), "date")


def order_key(value: Any) -> tuple[Any, ...]:
    """Something whose order in Python is the order of the value in MongoDB; equal for 1 and 1.0, as there."""
    kind = type_of(value)
    return TYPES.index(kind), *_within(kind, value)


def _within(kind: str, value: Any) -> tuple[Any, ...]:
    if kind == "number":
        return _number(value)
    if kind == "object":
        fields = value.as_doc() if isinstance(value, DBRef) else value
        return tuple((order_key(each)[0], name.encode(), order_key(each)) for name, each in fields.items())
    if kind == "array":
        return tuple(order_key(each) for each in value)
    return _plain(kind, value)


def _plain(kind: str, value: Any) -> tuple[Any, ...]:
    if kind == "string":
        return (value.encode("utf-8", "surrogatepass"),)
    if kind == "binData":
        return len(value), getattr(value, "subtype", 0), bytes(value)
    if kind == "timestamp":
        return value.time, value.inc
    if kind == "date":
        return (_milliseconds(value),)
    if kind == "objectId":
        return (value.binary,)
    return (value,) if kind == "bool" else (str(value),) if kind == "regex" else ()


def _number(value: Any) -> tuple[Any, ...]:
    """NaN comes before every number. Decimals are exact, so a large integer is not its neighbour."""
    number = value.to_decimal() if isinstance(value, Decimal128) else value
    if isinstance(number, Decimal):
        return (0,) if number.is_nan() else (1, number)
    if isinstance(number, float) and math.isnan(number):
        return (0,)
    return 1, Decimal(number)


def _milliseconds(value: Any) -> int:
    if isinstance(value, DatetimeMS):
        return int(value)
    moment: datetime = value if value.tzinfo else value.replace(tzinfo=UTC)
    return round((moment - _EPOCH).total_seconds() * 1000)
