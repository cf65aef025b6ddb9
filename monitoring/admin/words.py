"""Numbers with their unit, and a trigger's rule as a sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime

from core import changes
from core.moments import span
from core.templatetags.screen import number
from monitoring import selectors
from monitoring.domain.metrics import MetricKind
from monitoring.domain.verdict import Action, Measure, Target, Verdict
from monitoring.models import Series, Trigger

UNIT = {
    Measure.RATIO: "%",
    Measure.DROP: "%",
    Measure.RISE: "%",
    Measure.START: "%",
    Measure.MEAN: "ms",
    Measure.COUNT: "",
    Measure.DISTINCT: "",
    Measure.CANARY: "",
}
KIND_UNIT = {MetricKind.COUNTER: "per minute", MetricKind.TIMING: "ms", MetricKind.GAUGE: ""}


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


def does(trigger: Trigger) -> str:
    """What it does when it fires, as it follows `It`: `pauses all ramps here, then rolls back …`."""
    acts = {
        Action.NOTIFY: "tells people",
        Action.PAUSE: "pauses all ramps here",
        Action.ROLLBACK: f"rolls back {target(trigger)}",
        Action.FREEZE: "freezes the environment for 24 h and switches nothing off",
    }
    return ", then ".join(acts[Action(action)] for action in trigger.actions)


def rule(trigger: Trigger) -> str:
    """When it fires, in a sentence."""
    limit, window = amount(trigger.measure, trigger.threshold), seconds(trigger.window)
    percentile = f" and the p{trigger.percentile} are" if trigger.percentile else " is"
    bad = "goes wrong" if trigger.denominator else f"takes longer than {number(trigger.threshold)} ms"
    what = {
        Measure.RATIO: f"the ratio is above {limit} in windows of {window}",
        Measure.MEAN: f"the mean{percentile} above {limit} in windows of {window}",
        Measure.COUNT: f"more than {limit} are counted within {window}",
        Measure.DISTINCT: f"more than {limit} different users complain within {window}",
        Measure.DROP: f"the throughput of {window} is more than {limit} below past weeks, or the last healthy hour",
        Measure.RISE: f"it is more than {limit} above what it was before the flag was raised, in windows of {window}",
        Measure.CANARY: f"more {bad} with the flag on than with it off at the same time, "
        f"by evidence of more than {number(selectors.limit(trigger))}",
        Measure.START: f"not one try within {window} succeeds",
    }[Measure(trigger.measure)]
    times = f", {trigger.consecutive} times in a row" if trigger.consecutive > 1 else ""
    acts = does(trigger)
    if trigger.observe:
        return f"Only observes. It would act when {what}{times}: {acts}."
    return f"{acts[:1].upper()}{acts[1:]} when {what}{times}."


# What a window was judged by, in words and with its unit; what is not here is shown as it is.
DETAIL = {
    "e_value": ("evidence", ""),
    "on": ("goes wrong with it on", "%"),
    "off": ("goes wrong with it off", "%"),
    "on_samples": ("operations with it on", ""),
    "off_samples": ("operations with it off", ""),
    "since": ("compared since", ""),
    "chance": ("up to here by chance", "%"),
    "baseline_samples": ("samples of the baseline", ""),
    "baseline_until": ("baseline until", ""),
    "until": ("baseline until", ""),
    "expected": ("operations expected", ""),
    "not_clear": ("passes again at", ""),
    "p95": ("p95", "ms"),
}


def detail(trigger: Trigger) -> list[tuple[str, str, datetime | None]]:
    """What else the last window was judged by: name, text, and the moment where it is one."""
    return [_fact(trigger, name, value) for name, value in trigger.detail.items() if value is not None]


def evidence(trigger: Trigger) -> list[tuple[str, str, datetime | None]]:
    """What was measured when it fired: name, text, and the moment where it is one."""
    facts = {name: value for name, value in trigger.evidence.items() if name not in ("detail", "sources")}
    facts |= trigger.evidence.get("detail", {})
    facts |= {f"source of {metric}": source for metric, source in trigger.evidence.get("sources", {}).items()}
    return [_fact(trigger, name, value) for name, value in facts.items() if value not in ({}, None, "")]


def _fact(trigger: Trigger, name: str, value: Any) -> tuple[str, str, datetime | None]:
    words, unit = DETAIL.get(name, (name.replace("_", " "), ""))
    if name in DETAIL and isinstance(value, int | float):
        return words, f"{number(value)} {unit}".strip(), _moment(name, value)
    if name == "split":
        right = "as it should be" if value["fine"] else "NOT as it should be: look at the data, or at the bucketing"
        return "split", f"{number(value['seen'])} % have it, {number(value['expected'])} % should: {right}", None
    return words, _proof(trigger, name, value), _moment(name, value)


def _proof(trigger: Trigger, name: str, value: Any) -> str:
    if name in ("value", "threshold") and isinstance(value, int | float):
        return amount(trigger.measure, value)
    if name in ("numerator", "denominator") and isinstance(value, dict):
        return selection(value)
    return f"{value:g} %" if name == "flag_percentage" else changes.text(value)


def _moment(name: str, value: object) -> datetime | None:
    if name in ("since", "until", "baseline_until") and isinstance(value, int):
        return datetime.fromtimestamp(value, UTC)
    return parse_datetime(value) if name in ("window_start", "window_end") and isinstance(value, str) else None


VERDICT_MEANS = {
    Verdict.PASS: "The last window was within its threshold.",
    Verdict.BREACH: "The last window was over its threshold.",
    Verdict.INSUFFICIENT: "The last window had too few samples to say anything.",
    Verdict.NO_DATA: "Nothing was reported in the last window. No data is never a pass.",
}
