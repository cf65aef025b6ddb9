"""`sum by (…)` and its like."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from core.errors import Invalid
from monitoring.domain.promql import ranges
from monitoring.domain.promql.values import Labels, Vector, besides, only, vector

OF_GROUP: dict[str, Callable[[Sequence[float]], float]] = {
    "sum": ranges.total,
    "avg": ranges.mean,
    "min": ranges.least,
    "max": ranges.greatest,
    "count": lambda values: float(len(values)),
    "group": lambda values: 1.0,
    "stddev": lambda values: math.sqrt(ranges.variance(values)),
    "stdvar": ranges.variance,
}


def aggregate(name: str, given: Vector, parameter: float | None, *, by: Sequence[str], without: bool) -> Vector:
    """`by` are the labels to group by, or with `without` those to leave out."""
    groups: dict[Labels, list[tuple[Labels, float]]] = {}
    for labels, value in given.items():
        key = besides(labels, by) if without else only(labels, by)
        groups.setdefault(key, []).append((labels, value))
    if name in ("topk", "bottomk"):
        return vector(kept for group in groups.values() for kept in _best(name, group, _whole(parameter)))
    if name == "quantile":
        share = math.nan if parameter is None else parameter
        return {key: ranges.quantile(share, [value for _, value in group]) for key, group in groups.items()}
    return {key: OF_GROUP[name]([value for _, value in group]) for key, group in groups.items()}


def _best(name: str, group: list[tuple[Labels, float]], most: int) -> list[tuple[Labels, float]]:
    sign = -1 if name == "topk" else 1
    return sorted(group, key=lambda one: (math.isnan(one[1]), sign * one[1]))[:most]


def _whole(parameter: float | None) -> int:
    if parameter is None or not math.isfinite(parameter) or abs(parameter) > 1e6:
        raise Invalid("How many is a whole number.", field="expr")
    return max(0, int(parameter))
