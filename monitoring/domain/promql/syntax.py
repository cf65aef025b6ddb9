"""Read an expression: what is too long, misspelt or not supported is refused before anything is computed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import promql_parser as ast

from core.errors import Invalid

LONGEST = 2_000  # characters: the parser itself crashes on expressions of about 10,000
DEEPEST = 50
LONGEST_RANGE = 31 * 86_400  # seconds
LONGEST_PATTERN = 200

RANGE_FUNCTIONS = frozenset(
    {"rate", "increase", "delta", "irate", "idelta", "changes", "resets", "quantile_over_time", "absent_over_time"}
    | {f"{name}_over_time" for name in ("avg", "min", "max", "sum", "count", "last", "stddev", "stdvar", "present")}
)
INSTANT_FUNCTIONS = frozenset(
    {"abs", "ceil", "floor", "exp", "ln", "log2", "log10", "sqrt", "sgn", "round", "clamp", "clamp_min", "clamp_max"}
    | {"time", "vector", "scalar", "absent", "sort", "sort_desc", "histogram_quantile", "label_replace"}
)
FUNCTIONS = RANGE_FUNCTIONS | INSTANT_FUNCTIONS
AGGREGATIONS = frozenset(
    {"sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "quantile", "topk", "bottomk"}
)


@dataclass(frozen=True, slots=True)
class Query:
    """An expression that can be computed.

    `names` are the metrics it reads, `by_source` those of them for which it says which source it means. `longest` is
    how many seconds it looks back, `shortest` its shortest range (0: it has none).
    """

    text: str
    tree: Any
    names: frozenset[str]
    by_source: frozenset[str]
    longest: float
    shortest: float


@lru_cache(maxsize=1024)
def parse(text: str) -> Query:
    """Raises Invalid, with what is wrong, for text that is no expression, or one that is not supported here."""
    tree = read(text)
    nodes = list(walk(tree))
    for node in nodes:
        _check(node)
    selectors = [node for node in nodes if isinstance(node, ast.VectorSelector)]
    ranges = [float(node.range.total_seconds()) for node in nodes if isinstance(node, ast.MatrixSelector)]
    return Query(
        text,
        tree,
        names=frozenset(str(node.name) for node in selectors),
        by_source=frozenset(str(node.name) for node in selectors if _names_source(node)),
        longest=max((_reach(node) for node in nodes), default=0.0),
        shortest=min(ranges, default=0.0),
    )


def read(text: str) -> Any:
    """The syntax tree of any PromQL. Raises Invalid for what is none, is too long or too deep."""
    if len(text) > LONGEST:
        raise Invalid(f"An expression has at most {LONGEST:,} characters, not {len(text):,}.", field="expr")
    if _depth(text) > DEEPEST:
        raise Invalid(f"An expression has at most {DEEPEST} brackets inside each other.", field="expr")
    try:
        tree = ast.parse(text)
    except ValueError as error:
        raise Invalid(f"Not PromQL: {_short(error)}", field="expr") from None
    if isinstance(tree, ast.StringLiteral):
        raise Invalid("A text alone is no expression.", field="expr")
    return tree


def walk(node: Any) -> Iterator[Any]:
    """The node and all below it."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += _children(node)


def _children(node: Any) -> list[Any]:
    match node:
        case ast.BinaryExpr():
            return [node.lhs, node.rhs]
        case ast.AggregateExpr():
            return [node.expr, *([] if node.param is None else [node.param])]
        case ast.Call():
            return list(node.args)
        case ast.MatrixSelector():
            return [node.vector_selector]
        case ast.ParenExpr() | ast.UnaryExpr() | ast.SubqueryExpr():
            return [node.expr]
        case _:
            return []


def _reach(node: Any) -> float:
    """How many seconds back a node looks by itself."""
    if isinstance(node, ast.MatrixSelector):
        return float(node.range.total_seconds()) + _reach(node.vector_selector)
    if isinstance(node, ast.VectorSelector) and node.offset is not None:
        return float(node.offset.total_seconds())
    return 0.0


def _check(node: Any) -> None:
    if isinstance(node, ast.VectorSelector):
        _check_selector(node)
        return
    wrong = _unsupported(node)
    if wrong:
        raise Invalid(wrong, field="expr")


def _unsupported(node: Any) -> str:
    """Why a node other than a selector cannot be computed here; empty when it can."""
    match node:
        case ast.SubqueryExpr():
            return "Subqueries are not supported: record the inner expression, and ask for that."
        case ast.MatrixSelector() if node.range.total_seconds() > LONGEST_RANGE:
            return "A range is at most 31 days."
        case ast.Call() if node.func.name not in FUNCTIONS:
            return f"The function {node.func.name} is not supported."
        case ast.AggregateExpr() if str(node.op) not in AGGREGATIONS:
            return f"The aggregation {node.op} is not supported."
    return ""


def _names_source(node: Any) -> bool:
    return any(matcher.name == "source" for matcher in node.matchers.matchers)


def _check_selector(node: Any) -> None:
    if node.at is not None:
        raise Invalid("The modifier @ is not supported.", field="expr")
    if node.offset is not None and not 0 <= node.offset.total_seconds() <= LONGEST_RANGE:
        raise Invalid("An offset looks back, by at most 31 days.", field="expr")
    if not node.name:
        raise Invalid("Name the metric of each selector: {…} alone would read everything.", field="expr")
    if node.matchers.or_matchers:
        raise Invalid("Matchers joined by `or` are not supported.", field="expr")
    for matcher in node.matchers.matchers:
        if matcher.op in (ast.MatchOp.Re, ast.MatchOp.NotRe):
            pattern(matcher.value)


@lru_cache(maxsize=1024)
def pattern(text: str) -> re.Pattern[str]:
    """A label pattern, to be matched whole. Invalid for one that could keep us busy for ever."""
    if len(text) > LONGEST_PATTERN:
        raise Invalid(f"A pattern has at most {LONGEST_PATTERN} characters.", field="expr")
    if re.search(r"\)[*+{]|\\[1-9]|\(\?[^:]", text):
        raise Invalid(f"The pattern {text!r} repeats or refers to a group: write it without.", field="expr")
    try:
        return re.compile(text, re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        raise Invalid(f"The pattern {text!r} cannot be read: {error}.", field="expr") from None


def _depth(text: str) -> int:
    deepest = depth = 0
    for character in text:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
    return deepest


def _short(error: ValueError) -> str:
    return " ".join(str(error).split())[:200]
