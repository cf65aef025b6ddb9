"""`+`, `>`, `and`: numbers with numbers, vectors with numbers, vectors with vectors."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.errors import Invalid
from monitoring.domain.promql.values import NAME, Labels, Vector, besides, only, unnamed, vector


def _divide(a: float, b: float) -> float:
    if b:
        return a / b
    return math.nan if not a or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)


def _modulo(a: float, b: float) -> float:
    return math.fmod(a, b) if b and math.isfinite(a) and not math.isnan(b) else math.nan


def _power(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except ValueError:
        return math.inf if a == 0 else math.nan
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf


ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": _modulo,
    "^": _power,
    "atan2": math.atan2,
}
COMPARISON: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
SETS = frozenset({"and", "or", "unless"})


@dataclass(frozen=True, slots=True)
class Matching:
    """How the elements of two vectors find each other. `many` is the side that may have several: left, right, none."""

    on: bool = False
    labels: Sequence[str] = ()
    many: str = ""
    included: Sequence[str] = ()

    def signature(self, labels: Labels) -> Labels:
        return only(labels, self.labels) if self.on else besides(labels, self.labels)


def numbers(op: str, a: float, b: float) -> float:
    """Two numbers; a comparison is 1 or 0."""
    return ARITHMETIC[op](a, b) if op in ARITHMETIC else float(COMPARISON[op](a, b))


def with_number(op: str, given: Vector, number: float, *, swapped: bool, as_bool: bool) -> Vector:
    """A vector and a number; `swapped`: the number stands on the left. A comparison keeps the vector's elements."""
    found: list[tuple[Labels, float]] = []
    for labels, value in given.items():
        a, b = (number, value) if swapped else (value, number)
        if op in ARITHMETIC:
            found.append((unnamed(labels), ARITHMETIC[op](a, b)))
        elif as_bool:
            found.append((unnamed(labels), float(COMPARISON[op](a, b))))
        elif COMPARISON[op](a, b):
            found.append((labels, value))
    return vector(found)


def sets(op: str, left: Vector, right: Vector, matching: Matching) -> Vector:
    theirs = {matching.signature(labels) for labels in right}
    if op == "and":
        return {labels: value for labels, value in left.items() if matching.signature(labels) in theirs}
    if op == "unless":
        return {labels: value for labels, value in left.items() if matching.signature(labels) not in theirs}
    ours = {matching.signature(labels) for labels in left}
    return left | {labels: value for labels, value in right.items() if matching.signature(labels) not in ours}


def vectors(op: str, left: Vector, right: Vector, matching: Matching, *, as_bool: bool) -> Vector:
    """Elements with the same signature, one to one, or many to one where that is said."""
    swapped = matching.many == "right"
    many, one = (right, left) if swapped else (left, right)
    partners: dict[Labels, tuple[Labels, float]] = {}
    for labels, value in one.items():
        key = matching.signature(labels)
        if key in partners:
            side = "left" if swapped else "right"
            raise Invalid(f"Several series on the {side} match each other: name more labels, or group.", field="expr")
        partners[key] = labels, value
    found: list[tuple[Labels, float]] = []
    met: set[Labels] = set()
    for labels, value in many.items():
        key = matching.signature(labels)
        if key not in partners:
            continue
        if not matching.many and key in met:
            raise Invalid("Several series on the left match one on the right: use group_left.", field="expr")
        met.add(key)
        other_labels, other = partners[key]
        computed = _pair(op, *((other, value) if swapped else (value, other)), as_bool=as_bool)
        if computed is not None:
            named = op in COMPARISON and not as_bool
            found.append((_joined(labels, other_labels, matching, named=named), computed))
    return vector(found)


def _pair(op: str, a: float, b: float, *, as_bool: bool) -> float | None:
    """The value of a pair; None when a comparison leaves it out."""
    if op in ARITHMETIC:
        return ARITHMETIC[op](a, b)
    holds = COMPARISON[op](a, b)
    return float(holds) if as_bool else a if holds else None


def _joined(labels: Labels, other: Labels, matching: Matching, *, named: bool) -> Labels:
    kept = labels if named else unnamed(labels)
    if not matching.many:
        return only(kept, matching.labels) if matching.on else _without(kept, matching.labels)
    theirs = dict(other)
    given = {name: theirs[name] for name in matching.included if theirs.get(name)}
    return tuple(sorted({**dict(_without(kept, matching.included)), **given}.items()))


def _without(labels: Labels, names: Sequence[str]) -> Labels:
    dropped = frozenset(names) - {NAME}
    return tuple(pair for pair in labels if pair[0] not in dropped)
