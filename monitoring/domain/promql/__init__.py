"""PromQL: expressions are read by promql-parser, and computed here over whatever a `Storage` holds.

The meaning is that of Prometheus 2.42 (recorded answers in tests/data/promql.json), for the part of the language that
`syntax` lets through. docs/sources.md lists it.
"""

from monitoring.domain.promql.evaluation import Storage, TooMuch, evaluate
from monitoring.domain.promql.presence import presence
from monitoring.domain.promql.syntax import Query, parse
from monitoring.domain.promql.values import Element, Line

__all__ = ["Element", "Line", "Query", "Storage", "TooMuch", "evaluate", "parse", "presence"]
