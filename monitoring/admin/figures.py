"""What was measured of a flag where it runs, for its page: rates, counts and mean durations of the last 24 hours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from core import beside
from core.beside import Figure
from monitoring import selectors
from monitoring.domain.metrics import MetricKind
from monitoring.domain.verdict import Measure
from monitoring.models import Trigger
from monitoring.selectors import Measured

WINDOW = timedelta(hours=24)
STEP = 3600  # seconds


def of_flag(flag: str, environment: str, now: datetime) -> list[Figure]:
    """Success and error rate as the flag's own triggers measure them, then every metric that carries the flag."""
    end = int(now.timestamp())
    start = end - int(WINDOW.total_seconds())
    found = selectors.of_flag(flag, environment, since=start)
    measured = [
        each._replace(last=each.last and min(each.last, now)) for each in found
    ]  # a step ends after its present
    guards = selectors.triggers(environment).filter(flag_key=flag, measure=Measure.RATIO.value)
    rates = [figure for guard in guards for figure in _rates(guard, measured, start=start, end=end)]
    return [*rates, *map(_figure, measured)]


def _rates(guard: Trigger, measured: Sequence[Measured], *, start: int, end: int) -> Iterator[Figure]:
    """Weighted by the number of operations: a quiet hour counts for less."""
    steps = selectors.points(
        guard.environment.key,
        Measure.RATIO,
        guard.numerator,
        guard.denominator,
        start=start - start % STEP,
        end=end,
        step=STEP,
    )
    operations = sum(step.samples for step in steps)
    errors = sum(step.value * step.samples for step in steps)
    rate = errors / operations if operations else None
    source = f"{_selected(guard.numerator)} / {_selected(guard.denominator)}"
    last = next((each.last for each in measured if each.name == guard.denominator.get("metric")), None)
    if rate is None and last is not None and last.timestamp() >= start:
        last = None  # others were measured: of these nobody knows when
    yield Figure("Success rate", None if rate is None else 100 - rate, "%", source, last)
    yield Figure("Error rate", rate, "%", source, last)


def _selected(selection: dict[str, Any]) -> str:
    labels = ", ".join(f"{name}={value}" for name, value in selection.get("labels", {}).items() if name != "flag")
    return f"{selection.get('metric', '')}{{{labels}}}" if labels else str(selection.get("metric", ""))


def _figure(each: Measured) -> Figure:
    words = each.name.removesuffix("_total").removesuffix("_ms").replace("_", " ").capitalize()
    samples, total = each.sums
    if not samples:
        return Figure(words, None, "", each.name, each.last)
    if each.kind == MetricKind.TIMING.value:
        return Figure(f"{words}, mean", total / samples, "ms", each.name, each.last)
    return Figure(words, total, "", each.name, each.last)


beside.add_flag_figures(of_flag)
