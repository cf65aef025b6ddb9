"""Conditions on a context: how they are checked when they are written, and compiled for evaluation.

A condition on an attribute that is absent, or not of the type that the operator compares, does not hold. Nothing
is converted: true is not 1, "1" is not 1; 1 and 1.0 are one number, as in JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from typing import Any

from flags.domain import instants, semver
from flags.domain.values import is_number

Context = Mapping[str, Any]
Conditions = Sequence[Mapping[str, Any]]
Holds = Callable[[Context], bool]

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {"eq": eq, "lt": lt, "le": le, "gt": gt, "ge": ge}


def _in(attribute: str, values: Sequence[Any]) -> Holds:
    texts, numbers, booleans = _by_type(values)

    def holds(context: Context) -> bool:
        value = context.get(attribute)
        if isinstance(value, str):
            return value in texts
        if isinstance(value, bool):
            return value in booleans
        return isinstance(value, int | float) and value in numbers

    def holds_text(context: Context) -> bool:
        value = context.get(attribute)
        return isinstance(value, str) and value in texts

    return holds if numbers or booleans else holds_text


def _not_in(attribute: str, values: Sequence[Any]) -> Holds:
    """Only a value of a type that the list has can be told apart from the list."""
    texts, numbers, booleans = _by_type(values)

    def holds(context: Context) -> bool:
        value = context.get(attribute)
        if isinstance(value, str):
            return bool(texts) and value not in texts
        if isinstance(value, bool):
            return bool(booleans) and value not in booleans
        return bool(numbers) and is_number(value) and value not in numbers

    return holds


def _by_type(values: Sequence[Any]) -> tuple[frozenset[str], frozenset[float], frozenset[bool]]:
    booleans = frozenset(value for value in values if isinstance(value, bool))
    numbers = frozenset(value for value in values if is_number(value))
    return frozenset(value for value in values if isinstance(value, str)), numbers, booleans


def _prefix(attribute: str, values: Sequence[Any]) -> Holds:
    starts = tuple(values)

    def holds(context: Context) -> bool:
        value = context.get(attribute)
        return isinstance(value, str) and value.startswith(starts)

    return holds


def _number(compare: Callable[[Any, Any], bool]) -> Callable[[str, Sequence[Any]], Holds]:
    def compiled(attribute: str, values: Sequence[Any]) -> Holds:
        (bound,) = values

        def holds(context: Context) -> bool:
            value = context.get(attribute)
            return is_number(value) and compare(value, bound)

        return holds

    return compiled


def _semver(compare: Callable[[Any, Any], bool]) -> Callable[[str, Sequence[Any]], Holds]:
    def compiled(attribute: str, values: Sequence[Any]) -> Holds:
        bound = semver.precedence(values[0])

        def holds(context: Context) -> bool:
            value = context.get(attribute)
            if not isinstance(value, str):
                return False
            found = semver.precedence(value)
            return found is not None and compare(found, bound)

        return holds

    return compiled


def _time(compare: Callable[[Any, Any], bool]) -> Callable[[str, Sequence[Any]], Holds]:
    def compiled(attribute: str, values: Sequence[Any]) -> Holds:
        bound = instants.seconds(values[0])

        def holds(context: Context) -> bool:
            value = context.get(attribute)
            found = instants.seconds(value) if isinstance(value, str) else value
            return is_number(found) and compare(found, bound)

        return holds

    return compiled


@dataclass(frozen=True, slots=True)
class Operator:
    """`takes` says what the values are, for messages and forms; `accepts` whether one is; `most` how many there are."""

    takes: str
    accepts: Callable[[Any], bool]
    most: int
    compiled: Callable[[str, Sequence[Any]], Holds]


MAX_VALUES = 500


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | bool) or is_number(value)


def _is_start(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_version(value: object) -> bool:
    return isinstance(value, str) and semver.precedence(value) is not None


def _is_time(value: object) -> bool:
    return isinstance(value, str) and instants.seconds(value) is not None


_SCALAR = "a text, a number, true or false"
_VERSION = "a version by semver.org, for example 2.1.0"
_TIME = f"a time with its offset, for example {instants.EXAMPLE}"

OPERATORS: Mapping[str, Operator] = {
    "equals": Operator(_SCALAR, _is_scalar, 1, _in),
    "in": Operator(_SCALAR, _is_scalar, MAX_VALUES, _in),
    "not_in": Operator(_SCALAR, _is_scalar, MAX_VALUES, _not_in),
    "prefix": Operator("a text that is not empty", _is_start, MAX_VALUES, _prefix),
    **{
        f"number_{name}": Operator("a number", is_number, 1, _number(compare)) for name, compare in _COMPARISONS.items()
    },
    **{
        f"semver_{name}": Operator(_VERSION, _is_version, 1, _semver(compare)) for name, compare in _COMPARISONS.items()
    },
    "before": Operator(_TIME, _is_time, 1, _time(lt)),
    "after": Operator(_TIME, _is_time, 1, _time(gt)),
}


def segment_of(condition: Mapping[str, Any]) -> str | None:
    """The segment that a condition is about, in or out; None for a condition on an attribute."""
    named: str | None = condition.get("segment", condition.get("not_segment"))
    return named


def compiled(conditions: Conditions, segments: Mapping[str, Conditions]) -> tuple[Holds, ...]:
    """Checked conditions as functions of the context; all must hold.

    A segment that does not exist (any more) is one that nobody is known to be in or out of: neither holds.
    """
    found: list[Holds] = []
    for condition in conditions:
        named = segment_of(condition)
        if named is None:
            found.append(OPERATORS[condition["op"]].compiled(condition["attribute"], condition["values"]))
        elif named not in segments:
            found.append(_never)
        elif "segment" in condition:
            found.extend(compiled(segments[named], {}))
        else:
            found.append(_none_of(compiled(segments[named], {})))
    return tuple(found)


def _never(context: Context) -> bool:
    return False


def _none_of(conditions: tuple[Holds, ...]) -> Holds:
    """Outside of a segment: one of its conditions does not hold."""

    def holds(context: Context) -> bool:
        return not all(condition(context) for condition in conditions)

    return holds
