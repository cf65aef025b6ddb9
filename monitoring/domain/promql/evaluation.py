"""Compute an expression at one moment."""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import promql_parser as ast

from core.errors import Invalid
from monitoring.domain.promql import ranges
from monitoring.domain.promql.aggregation import aggregate
from monitoring.domain.promql.histogram import histogram_quantile
from monitoring.domain.promql.operators import SETS, Matching, numbers, sets, vectors, with_number
from monitoring.domain.promql.syntax import Query, pattern
from monitoring.domain.promql.values import NAME, Labels, Line, Vector, labels_of, unnamed, vector, without

LOOKBACK = 300.0
MOST_SAMPLES = 2_000_000


class Storage(Protocol):
    """Where the series are."""

    def select(self, name: str, start: float, end: float) -> Sequence[Line]:
        """All series of a metric, with at least their samples from `start` to `end`, unix seconds, both included."""
        ...


class TooMuch(Invalid):
    """The expression would read more samples than is allowed."""


def evaluate(query: Query, storage: Storage, at: float, *, lookback: float = LOOKBACK) -> Vector | float:
    """The value at unix second `at`: a vector, or a number.

    `lookback` is for how many seconds a sample still tells what its series stands at. Raises Invalid for an
    expression that means nothing over this data, TooMuch when it reads too much.
    """
    return _Evaluation(storage, at, lookback).value(query.tree)


class _Evaluation:
    def __init__(self, storage: Storage, at: float, lookback: float) -> None:
        self.storage, self.at, self.lookback, self.read = storage, at, lookback, 0

    def value(self, node: Any) -> Vector | float:
        match node:
            case ast.NumberLiteral():
                return float(node.val)
            case ast.ParenExpr():
                return self.value(node.expr)
            case ast.UnaryExpr():
                return self._negative(self.value(node.expr))
            case ast.VectorSelector():
                return self._instant(node)
            case ast.Call():
                return self._call(node)
            case ast.AggregateExpr():
                return self._aggregate(node)
            case ast.BinaryExpr():
                return self._binary(node)
            case _:
                raise Invalid("A range alone has no value at one moment: put a function around it.", field="expr")

    def vector(self, node: Any) -> Vector:
        found = self.value(node)
        if isinstance(found, float):
            raise Invalid("Expected series, and this is a number.", field="expr")
        return found

    def number(self, node: Any) -> float:
        found = self.value(node)
        if not isinstance(found, float):
            raise Invalid("Expected a number, and these are series.", field="expr")
        return found

    def _negative(self, found: Vector | float) -> Vector | float:
        if isinstance(found, float):
            return -found
        return vector((unnamed(labels), -value) for labels, value in found.items())

    def _lines(self, node: Any, start: float, end: float) -> Iterator[Line]:
        tests = [_test(matcher) for matcher in node.matchers.matchers if matcher.name != NAME]
        for line in self.storage.select(node.name, start, end):
            labels = dict(line.labels)
            if all(test(labels) for test in tests):
                yield line

    def _instant(self, node: Any) -> Vector:
        at = self.at - _offset(node)
        found: Vector = {}
        for line in self._lines(node, at - self.lookback, at):
            index = bisect_right(line.times, at) - 1
            if index >= 0 and line.times[index] > at - self.lookback:
                found[line.labels] = line.values[index]
                self._count(1)
        return found

    def _range(self, node: Any) -> Iterator[tuple[Labels, ranges.Samples, float, float]]:
        """Each series with samples in the range, and the ends of the range."""
        selector = node.vector_selector
        end = self.at - _offset(selector)
        start = end - node.range.total_seconds()
        for line in self._lines(selector, start, end):
            low, high = bisect_left(line.times, start), bisect_right(line.times, end)
            if high > low:
                self._count(high - low)
                yield line.labels, list(zip(line.times[low:high], line.values[low:high], strict=True)), start, end

    def _count(self, samples: int) -> None:
        self.read += samples
        if self.read > MOST_SAMPLES:
            raise TooMuch(f"It would read more than {MOST_SAMPLES:,} samples: ask for less.", field="expr")

    def _aggregate(self, node: Any) -> Vector:
        parameter = None if node.param is None else self.number(node.param)
        modifier = node.modifier
        without = modifier is not None and modifier.type == ast.AggModifierType.Without
        by = [] if modifier is None else list(modifier.labels)
        return aggregate(str(node.op), self.vector(node.expr), parameter, by=by, without=without)

    def _binary(self, node: Any) -> Vector | float:
        op, left, right = str(node.op), self.value(node.lhs), self.value(node.rhs)
        as_bool = node.modifier is not None and node.modifier.return_bool
        if isinstance(left, float):
            if isinstance(right, float):
                return numbers(op, left, right)
            return with_number(op, right, left, swapped=True, as_bool=as_bool)
        if isinstance(right, float):
            return with_number(op, left, right, swapped=False, as_bool=as_bool)
        matching = _matching(node.modifier)
        if op in SETS:
            return sets(op, left, right, matching)
        return vectors(op, left, right, matching, as_bool=as_bool)

    def _call(self, node: Any) -> Vector | float:
        name, args = node.func.name, list(node.args)
        if name in _OWN:
            return _OWN[name](self, args)
        if name in ranges.OF_SAMPLES:
            made = (
                (labels, ranges.OF_SAMPLES[name](samples, start, end))
                for labels, samples, start, end in self._range(args[0])
            )
            return vector((unnamed(labels), value) for labels, value in made if value is not None)
        if name in ranges.OF_VALUES:
            of = ranges.OF_VALUES[name]
            keep = name == "last_over_time"
            found = ((labels, of([value for _, value in samples])) for labels, samples, _, _ in self._range(args[0]))
            return vector((labels if keep else unnamed(labels), value) for labels, value in found)
        parameters = [self.number(argument) for argument in args[1:]]
        each = _EACH[name]
        return vector((unnamed(labels), each(value, *parameters)) for labels, value in self.vector(args[0]).items())

    def quantile_over_time(self, args: list[Any]) -> Vector:
        share = self.number(args[0])
        found = self._range(args[1])
        return vector(
            (unnamed(labels), ranges.quantile(share, [value for _, value in samples]))
            for labels, samples, _, _ in found
        )

    def absent(self, args: list[Any]) -> Vector:
        return {} if self.vector(args[0]) else {_told(args[0]): 1.0}

    def absent_over_time(self, args: list[Any]) -> Vector:
        return {} if any(self._range(args[0])) else {_told(args[0].vector_selector): 1.0}

    def label_replace(self, args: list[Any]) -> Vector:
        target, replacement, source, regex = (argument.val for argument in args[1:])
        whole = pattern(regex)
        found: list[tuple[Labels, float]] = []
        for labels, value in self.vector(args[0]).items():
            match = whole.fullmatch(dict(labels).get(source, ""))
            if match is not None:
                text = _filled(replacement, match)
                labels = labels_of({**dict(labels), target: text}) if text else without(labels, target)
            found.append((labels, value))
        return vector(found)

    def scalar(self, args: list[Any]) -> float:
        found = self.vector(args[0])
        return next(iter(found.values())) if len(found) == 1 else math.nan

    def ordered(self, args: list[Any]) -> Vector:
        return self.vector(args[0])  # the order is that of whoever shows it


_OWN: dict[str, Callable[[_Evaluation, list[Any]], Vector | float]] = {
    "time": lambda this, args: this.at,
    "vector": lambda this, args: {(): this.number(args[0])},
    "scalar": _Evaluation.scalar,
    "absent": _Evaluation.absent,
    "absent_over_time": _Evaluation.absent_over_time,
    "sort": _Evaluation.ordered,
    "sort_desc": _Evaluation.ordered,
    "quantile_over_time": _Evaluation.quantile_over_time,
    "label_replace": _Evaluation.label_replace,
    "histogram_quantile": lambda this, args: histogram_quantile(this.number(args[0]), this.vector(args[1])),
}


def _logarithm(of: Callable[[float], float]) -> Callable[[float], float]:
    def found(value: float) -> float:
        return of(value) if value > 0 else -math.inf if value == 0 else math.nan

    return found


def _rounded(value: float, to: float = 1.0) -> float:
    """To the nearest multiple; halves go up."""
    if not math.isfinite(value) or not to:
        return value if to else math.nan
    return math.floor(value * (1 / to) + 0.5) / (1 / to)


def _clamped(value: float, least: float, most: float) -> float:
    return math.nan if math.isnan(value) else max(least, min(most, value))


def _exponential(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _whole(of: Callable[[float], int]) -> Callable[[float], float]:
    return lambda value: float(of(value)) if math.isfinite(value) else value


_EACH: dict[str, Callable[..., float]] = {
    "abs": abs,
    "ceil": _whole(math.ceil),
    "floor": _whole(math.floor),
    "exp": _exponential,
    "ln": _logarithm(math.log),
    "log2": _logarithm(math.log2),
    "log10": _logarithm(math.log10),
    "sqrt": lambda value: math.sqrt(value) if value >= 0 else math.nan,
    "sgn": lambda value: value if math.isnan(value) else float((value > 0) - (value < 0)),
    "round": _rounded,
    "clamp": _clamped,
    "clamp_min": lambda value, least: _clamped(value, least, math.inf),
    "clamp_max": lambda value, most: _clamped(value, -math.inf, most),
}


def _filled(replacement: str, match: re.Match[str]) -> str:
    """The replacement with `$1` and `${1}` as the groups they name; one that is not there is empty."""

    def group(named: re.Match[str]) -> str:
        number = int(named[1] or named[2])
        return (match[number] or "") if number <= match.re.groups else ""

    return re.sub(r"\$(?:(\d{1,2})|\{(\d{1,2})\})", group, replacement)


def _offset(node: Any) -> float:
    return 0.0 if node.offset is None else float(node.offset.total_seconds())


def _test(matcher: Any) -> Callable[[dict[str, str]], bool]:
    name, value = matcher.name, matcher.value
    if matcher.op == ast.MatchOp.Equal:
        return lambda labels: labels.get(name, "") == value
    if matcher.op == ast.MatchOp.NotEqual:
        return lambda labels: labels.get(name, "") != value
    whole, wanted = pattern(value), matcher.op == ast.MatchOp.Re
    return lambda labels: (whole.fullmatch(labels.get(name, "")) is not None) is wanted


def _told(node: Any) -> Labels:
    """The labels that a selector asks for by name: what `absent` can say of what is not there."""
    if not isinstance(node, ast.VectorSelector):
        return ()
    equal = [m for m in node.matchers.matchers if m.op == ast.MatchOp.Equal and m.name != NAME]
    names = [matcher.name for matcher in node.matchers.matchers]
    return tuple(sorted((matcher.name, matcher.value) for matcher in equal if names.count(matcher.name) == 1))


def _matching(modifier: Any) -> Matching:
    if modifier is None:
        return Matching()
    given = modifier.matching
    many = ""
    if modifier.card == ast.VectorMatchCardinality.ManyToOne:
        many = "left"
    elif modifier.card == ast.VectorMatchCardinality.OneToMany:
        many = "right"
    return Matching(
        on=given is not None and given.type == ast.LabelModifierType.Include,
        labels=[] if given is None else list(given.labels),
        many=many,
        included=list(modifier.group_labels or []),
    )
