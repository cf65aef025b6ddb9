"""What a flag can answer: a value of one type, by the name of its variant."""

from __future__ import annotations

from enum import StrEnum


class ValueType(StrEnum):
    BOOLEAN = "boolean"
    STRING = "string"
    NUMBER = "number"
    JSON = "json"
