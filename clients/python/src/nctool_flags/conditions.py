"""The conditions of a targeting rule, each compiled once to a function of the unit and its attributes.

Comparisons are strict by JSON type: true is not 1, "1" is not 1, 1 is 1.0. An attribute that is absent or of the
wrong type never meets a condition.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from functools import lru_cache
from math import isfinite
from operator import eq, ge, gt, le, lt
from typing import Any

Attributes = Mapping[str, object]
Holds = Callable[[str, Attributes], bool]
Test = Callable[[Any], bool]

UNIT_ATTRIBUTE = "targetingKey"
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {"eq": eq, "lt": lt, "le": le, "gt": gt, "ge": ge}
_SEMVER = re.compile(
    r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(?:-((?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*))?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2})(:[0-9]{2})?(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LONGEST_TIME, _LONGEST_VERSION = 40, 200  # characters
Precedence = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]


def compile_all(conditions: list[dict[str, Any]], segments: Mapping[str, Holds]) -> Holds:
    """All of them must hold; none at all always holds."""
    compiled = tuple(_compile(condition, segments) for condition in conditions)
    if len(compiled) == 1:
        return compiled[0]

    def all_hold(unit: str, attributes: Attributes) -> bool:
        for holds in compiled:  # noqa: SIM110 # all() takes twice as long
            if not holds(unit, attributes):
                return False
        return True

    return all_hold


def _compile(condition: dict[str, Any], segments: Mapping[str, Holds]) -> Holds:
    if "segment" in condition:
        return segments.get(condition["segment"], _never)
    if "not_segment" in condition:
        within = segments.get(condition["not_segment"])
        return _never if within is None else lambda unit, attributes: not within(unit, attributes)
    name, test = condition["attribute"], test_of(condition["op"], condition["values"])
    if name == UNIT_ATTRIBUTE:
        return lambda unit, attributes: bool(unit) and test(unit)
    return lambda unit, attributes: test(attributes.get(name))


def _never(unit: str, attributes: Attributes) -> bool:
    return False


def test_of(op: str, values: list[Any]) -> Test:
    """The test of an attribute's value. An operation that a newer server may know is never met here."""
    family, _, comparison = op.partition("_")
    if op in ("equals", "in"):
        return _in(values)
    if op == "not_in":
        return _not_in(values)
    if op == "prefix":
        prefixes = tuple(values)
        return lambda value: isinstance(value, str) and value.startswith(prefixes)
    if op in ("before", "after"):
        return _compared(moment, _COMPARE["lt" if op == "before" else "gt"], moment(values[0]))
    if family in ("number", "semver") and comparison in _COMPARE:
        read: Callable[[Any], Any] = number if family == "number" else semver
        return _compared(read, _COMPARE[comparison], read(values[0]))
    return lambda value: False


def _compared(read: Callable[[Any], Any], compare: Callable[[Any, Any], bool], bound: Any) -> Test:
    if bound is None:
        raise ValueError("a condition compares with nothing")

    def test(value: Any) -> bool:
        found = read(value)
        return found is not None and compare(found, bound)

    return test


def _by_type(values: list[Any]) -> tuple[frozenset[str], frozenset[bool], frozenset[float]]:
    texts = frozenset(value for value in values if isinstance(value, str))
    truths = frozenset(value for value in values if isinstance(value, bool))
    return texts, truths, frozenset(value for value in values if number(value) is not None)


def _in(values: list[Any]) -> Test:
    texts, truths, numbers = _by_type(values)

    def test(value: Any) -> bool:
        if isinstance(value, str):
            return value in texts
        if isinstance(value, bool):
            return value in truths
        return number(value) is not None and value in numbers

    return test


def _not_in(values: list[Any]) -> Test:
    """Only a value of a type that the list has can be told apart from the list."""
    texts, truths, numbers = _by_type(values)

    def test(value: Any) -> bool:
        if isinstance(value, str):
            return bool(texts) and value not in texts
        if isinstance(value, bool):
            return bool(truths) and value not in truths
        return bool(numbers) and number(value) is not None and value not in numbers

    return test


def number(value: object) -> int | float | None:
    """The value if it is a finite number; a boolean is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value):
        return value
    return None


def semver(value: object) -> Precedence | None:
    """What orders versions as SemVer 2.0 says (build metadata does not count), or None."""
    return _semver(value) if isinstance(value, str) and len(value) <= _LONGEST_VERSION else None


@lru_cache(4096)  # services send the same few versions over and over
def _semver(text: str) -> Precedence | None:
    found = _SEMVER.fullmatch(text)
    if found is None:
        return None
    major, minor, patch, early = found.groups()
    parts = (
        tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in early.split(".")) if early else ()
    )
    return int(major), int(minor), int(patch), 0 if early else 1, parts


def moment(value: object) -> float | None:
    """Unix seconds of an ISO 8601 text with an offset, cut to milliseconds; of a datetime with a zone; of a number."""
    if isinstance(value, str):
        return _moment(value) if len(value) <= _LONGEST_TIME else None
    if isinstance(value, datetime):
        return value.timestamp() if value.tzinfo is not None else None
    return number(value)


@lru_cache(4096)
def _moment(text: str) -> float | None:
    found = _TIME.fullmatch(text)
    if found is None or (found[3] and not found[2]):
        return None
    try:
        since = datetime.fromisoformat(f"{found[1]}{found[2] or ':00'}{found[4].replace('Z', '+00:00')}") - _EPOCH
    except (OverflowError, ValueError):
        return None
    return ((since.days * 86_400 + since.seconds) * 1000 + int(f"{found[3] or ''}000"[:3])) / 1000
