"""What a flag can answer: a value of one type, by the name of its variant."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import orjson

MAX_EXACT = 2**53 - 1  # JavaScript's Number.MAX_SAFE_INTEGER: beyond it two programs may read two numbers
ON, OFF = "on", "off"
BOOLEAN: Mapping[str, Any] = {ON: True, OFF: False}


class ValueType(StrEnum):
    BOOLEAN = "boolean"
    STRING = "string"
    NUMBER = "number"
    JSON = "json"


def variants_of(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Values by the key of their variant, from a Flag's `variants`. Without any the flag is boolean: on and off."""
    return {str(row["key"]): row["value"] for row in rows} or BOOLEAN


def typed(variants: Mapping[str, Any], value_type: ValueType) -> Mapping[str, Any]:
    """The values as they are told. Of a number flag all are floats when one is: typed clients ask for one type."""
    if value_type is ValueType.NUMBER and any(isinstance(value, float) for value in variants.values()):
        return {key: float(value) for key, value in variants.items()}
    return variants


def served_by_default(variants: Mapping[str, Any]) -> str:
    """The variant for whoever has the feature, where nothing else is said: `on`, or else the first one."""
    return ON if ON in variants else next(iter(variants))


def off_by_default(variants: Mapping[str, Any]) -> str:
    """The variant for everybody else, where nothing else is said: `off`, or else the last one."""
    return OFF if OFF in variants else next(reversed(list(variants)))


def fits(value: object, value_type: ValueType) -> bool:
    """Whether a value is of the type, strictly as JSON has it: true is no number, "1" neither."""
    if value_type is ValueType.BOOLEAN:
        return isinstance(value, bool)
    if value_type is ValueType.STRING:
        return isinstance(value, str)
    if value_type is ValueType.NUMBER:
        return is_number(value)
    return isinstance(value, dict | list)


def is_number(value: object) -> bool:
    """Whether it is a finite number, and no boolean."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def same(one: object, other: object) -> bool:
    """Whether two values are the same JSON, whatever the order of keys: true is not 1, as Python has it."""
    first, second = (orjson.dumps(value, option=orjson.OPT_SORT_KEYS) for value in (one, other))
    return first == second


def holds_nul(json: bytes) -> bool:
    """Whether a text in this JSON, as orjson writes it, holds the character NUL, which PostgreSQL cannot store.

    A backslash before `u0000` is written as two, and is no NUL.
    """
    return b"\\u0000" in json.replace(b"\\\\", b"")
