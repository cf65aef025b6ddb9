"""Numbers with their unit, and a trigger's rule as a sentence."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime

from core import changes
from core.moments import span
from core.templatetags.screen import number
from monitoring.domain.metrics import MetricKind
from monitoring.domain.verdict import Measure, Target, Verdict
from monitoring.models import Series, Trigger

UNIT = {Measure.RATIO: "%", Measure.DROP: "%", Measure.MEAN: "ms", Measure.COUNT: ""}
KIND_UNIT = {MetricKind.COUNTER: "per minute", MetricKind.TIMING: "ms"}


def amount(measure: str, value: float | None) -> str:
    """`2.13 %`, `912 ms`, `6`; a dash for what could not be computed, and no number for a drop that is a rise."""
    if value is None:
        return "–"
    if measure == Measure.DROP and value < 0:
        return "no drop"
    unit = UNIT[Measure(measure)]
    return f"{number(value)} {unit}" if unit else number(value)


def seconds(length: int) -> str:
    return span(timedelta(seconds=length))


def selection(stored: dict[str, object]) -> str:
    """A selection as Prometheus writes it: `melt_errors_total{variant="on"}`."""
    labels = stored.get("labels")
    inner = ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items())) if isinstance(labels, dict) else ""
    return f"{stored.get('metric', '')}{{{inner}}}" if inner else str(stored.get("metric", ""))


def series_name(series: Series) -> str:
    return selection({"metric": series.name, "labels": series.labels})


def target(trigger: Trigger) -> str:
    """What it rolls back."""
    if trigger.target == Target.FLAG:
        return trigger.flag_key
    return "the flag that was raised last"


def rule(trigger: Trigger) -> str:
    """When it fires, in a sentence."""
    limit, window = amount(trigger.measure, trigger.threshold), seconds(trigger.window)
    what = {
        Measure.RATIO: f"the ratio is above {limit} in windows of {window}",
        Measure.MEAN: f"the mean is above {limit} in windows of {window}",
        Measure.COUNT: f"more than {limit} are counted within {window}",
        Measure.DROP: f"the throughput of {window} is more than {limit} below the hour before",
    }[Measure(trigger.measure)]
    times = f", {trigger.consecutive} times in a row" if trigger.consecutive > 1 else ""
    return f"Rolls back {target(trigger)} when {what}{times}."


def evidence(trigger: Trigger) -> list[tuple[str, str, datetime | None]]:
    """What was measured when it fired: name, text, and the moment where it is one."""
    return [
        (name.replace("_", " "), _proof(trigger, name, value), _moment(name, value))
        for name, value in trigger.evidence.items()
        if value not in ({}, None, "")
    ]


def _proof(trigger: Trigger, name: str, value: Any) -> str:
    if name in ("value", "threshold") and isinstance(value, int | float):
        return amount(trigger.measure, value)
    if name in ("numerator", "denominator") and isinstance(value, dict):
        return selection(value)
    return f"{value:g} %" if name == "flag_percentage" else changes.text(value)


def _moment(name: str, value: object) -> datetime | None:
    return parse_datetime(value) if name in ("window_start", "window_end") and isinstance(value, str) else None


VERDICT_MEANS = {
    Verdict.PASS: "The last window was within its threshold.",
    Verdict.BREACH: "The last window was over its threshold.",
    Verdict.INSUFFICIENT: "The last window had too few samples to say anything.",
    Verdict.NO_DATA: "Nothing was reported in the last window. No data is never a pass.",
}
