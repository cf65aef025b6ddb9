"""Reads of the monitoring."""

from monitoring.selectors.measured import (
    MOST_POINTS,
    Measured,
    Point,
    Sums,
    lines,
    matching,
    of_flag,
    one_series,
    points,
    series,
)
from monitoring.selectors.triggers import (
    Judged,
    TriggerFact,
    guarding,
    judged,
    judgements,
    latched,
    trigger,
    trigger_by_id,
    triggers,
    verdicts_for,
)

__all__ = [
    "MOST_POINTS",
    "Judged",
    "Measured",
    "Point",
    "Sums",
    "TriggerFact",
    "guarding",
    "judged",
    "judgements",
    "latched",
    "lines",
    "matching",
    "of_flag",
    "one_series",
    "points",
    "series",
    "trigger",
    "trigger_by_id",
    "triggers",
    "verdicts_for",
]
