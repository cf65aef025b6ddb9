"""What is told when a trigger fires."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from monitoring.domain.rule import Definition
from monitoring.domain.verdict import Measure
from monitoring.domain.windows import Window


def reason(definition: Definition, window: Window, breaches: int) -> str:
    """The measurement as a sentence, for people: `Error rate 20 % is above 5 % (100 operations, …).`"""
    rule = definition.rule
    start, end = (datetime.fromtimestamp(second, UTC) for second in (window.start, window.end))
    row = f", {breaches} windows in a row" if rule.consecutive > 1 else ""
    return (
        f"{definition.name} {_amount(rule.measure, window.value)} is above {_amount(rule.measure, rule.threshold)} "
        f"({_samples(rule.measure, window.samples)}{start:%H:%M:%S} to {end:%H:%M:%S} UTC{row})."
    )


def evidence(key: str, definition: Definition, window: Window, breaches: int) -> dict[str, Any]:
    """The numbers that made the trigger fire: enough to judge the window again from the stored buckets."""
    start, end = (datetime.fromtimestamp(second, UTC).isoformat() for second in (window.start, window.end))
    below = definition.denominator
    return {
        "trigger": key,
        "measure": definition.measure.value,
        "value": window.value,
        "threshold": definition.rule.threshold,
        "samples": window.samples,
        "window_start": start,
        "window_end": end,
        "windows_in_a_row": breaches,
        "numerator": definition.numerator.as_dict(),
        "denominator": below.as_dict() if below else {},
    }


def _amount(measure: Measure, value: float | None) -> str:
    text = f"{value:,.1f}".removesuffix(".0") if value is not None else "?"
    unit = {Measure.RATIO: " %", Measure.DROP: " %", Measure.MEAN: " ms"}.get(measure, "")
    return f"{text}{unit}"


def _samples(measure: Measure, samples: int) -> str:
    noun = {Measure.RATIO: "operations", Measure.DROP: "operations", Measure.MEAN: "timings"}.get(measure)
    return f"{samples:,} {noun}, " if noun else ""
