"""Reads of the monitoring."""

from monitoring.selectors.catalogue import catalogue
from monitoring.selectors.doors import doors, standing
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
from monitoring.selectors.sources import source, sources
from monitoring.selectors.triggers import (
    Judged,
    TriggerFact,
    fact,
    guarding,
    judged,
    judgements,
    latched,
    limit,
    trigger,
    trigger_by_id,
    triggers,
    verdicts_for,
    verdicts_in,
)

__all__ = [
    "MOST_POINTS",
    "Judged",
    "Measured",
    "Point",
    "Sums",
    "TriggerFact",
    "catalogue",
    "doors",
    "fact",
    "guarding",
    "judged",
    "judgements",
    "latched",
    "limit",
    "lines",
    "matching",
    "of_flag",
    "one_series",
    "points",
    "series",
    "source",
    "sources",
    "standing",
    "trigger",
    "trigger_by_id",
    "triggers",
    "verdicts_for",
    "verdicts_in",
]
