"""What is told when a trigger fires."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from monitoring.domain.rule import Definition
from monitoring.domain.verdict import Measure
from monitoring.domain.windows import CODE_VERSION, Window


def reason(definition: Definition, window: Window, breaches: int) -> str:
    """The measurement as a sentence, for people: `Error rate 20 % is above 5 % (100 operations, …).`"""
    rule = definition.rule
    start, end = (datetime.fromtimestamp(second, UTC) for second in (window.start, window.end))
    row = f", {breaches} windows in a row" if rule.consecutive > 1 else ""
    return (
        f"{definition.name} {_amount(rule.measure, window.value)} is above {_amount(rule.measure, rule.limit)} "
        f"({_samples(rule.measure, window.samples)}{_beside(rule.measure, window.detail)}"
        f"{start:%H:%M:%S} to {end:%H:%M:%S} UTC{row})."
    )


def evidence(
    key: str, definition: Definition, window: Window, breaches: int, *, sources: Mapping[str, str]
) -> dict[str, Any]:
    """The numbers that made the trigger fire: enough to judge the window again from the stored buckets.

    `sources` tells from where each selection was read.
    """
    start, end = (datetime.fromtimestamp(second, UTC).isoformat() for second in (window.start, window.end))
    below = definition.denominator
    return {
        "trigger": key,
        "measure": definition.measure.value,
        "value": window.value,
        "threshold": definition.rule.limit,
        "samples": window.samples,
        "window_start": start,
        "window_end": end,
        "windows_in_a_row": breaches,
        "numerator": definition.numerator.as_dict(),
        "denominator": below.as_dict() if below else {},
        "sources": dict(sources),
        "detail": dict(window.detail),
        "code_version": CODE_VERSION,
    }


def _amount(measure: Measure, value: float | None) -> str:
    text = f"{value:,.1f}".removesuffix(".0") if value is not None else "?"
    unit = {
        Measure.RATIO: " %",
        Measure.DROP: " %",
        Measure.RISE: " %",
        Measure.START: " %",
        Measure.MEAN: " ms",
    }.get(measure, "")
    return f"{text}{unit}"


def _samples(measure: Measure, samples: int) -> str:
    noun = {
        Measure.RATIO: "operations",
        Measure.DROP: "operations",
        Measure.MEAN: "timings",
        Measure.RISE: "samples",
        Measure.CANARY: "operations with the flag on",
        Measure.START: "tries",
    }.get(measure)
    return f"{samples:,} {noun}, " if noun else ""


def _beside(measure: Measure, detail: Mapping[str, Any]) -> str:
    """What else it was judged by, as far as a reader needs it."""
    if measure is Measure.CANARY:
        return f"{detail['on']:.2f} % with it on, {detail['off']:.2f} % with it off at the same time, "
    if measure is Measure.RISE:
        return f"{detail['measured']:,.1f} after {detail['baseline']:,.1f} before, "
    if measure is Measure.DROP:
        return f"against {detail['baseline']}, "
    known = [
        f"{name} {value:,.0f} ms, " for name, value in detail.items() if name[1:].isdecimal() and value is not None
    ]
    return "".join(known)
