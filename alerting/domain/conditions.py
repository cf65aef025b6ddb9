"""`avg_response_time > 3s`: a condition with a unit becomes an expression over the metric as it is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches

from core.errors import Invalid
from monitoring.domain.promql import parse

_CONDITION = re.compile(
    r"\s*(?P<metric>[A-Za-z_:][A-Za-z0-9_:]*)\s*(?P<labels>\{[^{}]*\})?\s*(?P<op>>=|<=|==|!=|>|<)\s*"
    r"(?P<number>[-+]?\d+(?:\.\d+)?)\s*(?P<unit>%|ms|s|m|h|TPS)?\s*"
)
_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
# By the unit of the metric: the units that may be written, and what a number in each has to be multiplied with.
FACTORS: dict[str, dict[str, float]] = {
    "%": {"%": 1},
    "TPS": {"TPS": 1},
    "ms": dict(_MILLISECONDS),
    "s": {unit: factor / 1_000 for unit, factor in _MILLISECONDS.items()},
    "": {},
}


def to_expr(condition: str, units: Mapping[str, str]) -> str:
    """The condition as PromQL.

    Args:
        condition: `metric operator number unit`; the unit may be left out, and is then the metric's own.
        units: the unit of every metric of the catalogue, by its key.

    Raises Invalid, field `condition`, for an unknown metric, and for a unit that is not one of the metric.
    """
    match = _CONDITION.fullmatch(condition)
    if match is None:
        raise Invalid(f"A condition is like `error_rate > 1%`, not {condition!r:.80}.", field="condition")
    metric, unit = match["metric"], match["unit"] or ""
    if metric not in units:
        near = get_close_matches(metric, units, n=1)
        hint = f" Did you mean {near[0]}?" if near else " The catalogue lists those there are."
        raise Invalid(f"There is no metric {metric}.{hint}", field="condition")
    factors = FACTORS.get(units[metric], {})
    if unit and unit not in factors:
        allowed = ", ".join(factors) or "no unit: it is a count"
        raise Invalid(f"{metric} is not measured in {unit}, but takes {allowed}.", field="condition")
    number = float(match["number"]) * (factors[unit] if unit else 1)
    expr = f"{metric}{match['labels'] or ''} {match['op']} {number:g}"
    parse(expr)
    return expr
