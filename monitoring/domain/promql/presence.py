"""Which of the series that an expression reads have data: asked of a server that evaluates expressions by itself."""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import lru_cache
from typing import Any

import promql_parser as ast

from core.errors import Invalid
from monitoring.domain.promql.syntax import read, walk

_OPERATORS = ((ast.MatchOp.Equal, "="), (ast.MatchOp.NotEqual, "!="), (ast.MatchOp.Re, "=~"), (ast.MatchOp.NotRe, "!~"))


def presence(text: str, by: Collection[str]) -> str:
    """An expression with one element for each combination of these labels that a series with data has.

    Empty for an expression that reads no series. Raises Invalid for what is no PromQL at all; functions that are not
    supported here are as good as any.
    """
    selectors = _selectors(text)
    return f"group by ({', '.join(sorted(by))}) ({' or '.join(selectors)})" if selectors else ""


@lru_cache(maxsize=1024)
def _selectors(text: str) -> tuple[str, ...]:
    found = [_text(node) for node in walk(read(text)) if isinstance(node, ast.VectorSelector)]
    return tuple(dict.fromkeys(found))


def _text(node: Any) -> str:
    """The selector as it is now: without offset, @ and range."""
    if node.matchers.or_matchers:
        raise Invalid("Matchers joined by `or` are not supported.", field="expr")
    within = ", ".join(_matcher(one) for one in node.matchers.matchers)
    return f"{node.name or ''}{{{within}}}"


def _matcher(matcher: Any) -> str:
    operator = next(written for op, written in _OPERATORS if op == matcher.op)
    return f"{matcher.name}{operator}{json.dumps(matcher.value, ensure_ascii=False)}"
