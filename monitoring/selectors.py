"""Reads of the monitoring: verdicts, triggers, series and charts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import BigIntegerField, ExpressionWrapper, F, Q, QuerySet, Sum

from core.errors import Invalid, NotFound
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.selection import Selection
from monitoring.domain.verdict import Measure, Target, TriggerState, Verdict
from monitoring.models import Bucket, Judgement, Series, Trigger

MOST_POINTS = 5_000


@dataclass(frozen=True, slots=True)
class TriggerFact:
    """What one trigger says now. `value` belongs to the last window; `max_window` is in seconds.

    `passing_since` is the start of the time through which every judged window passed.
    """

    trigger: str
    name: str
    verdict: Verdict
    judged_at: datetime | None
    passing_since: datetime | None
    value: float | None
    threshold: float
    measure: Measure
    max_window: int
    state: TriggerState

    @property
    def latched(self) -> bool:
        return self.state is TriggerState.LATCHED


@dataclass(frozen=True, slots=True)
class Point:
    """One step of a chart. `samples` is what the value was computed from."""

    at: datetime
    value: float
    samples: int


def verdicts_for(flag_key: str, environment: str) -> list[TriggerFact]:
    """Every enabled trigger that guards the flag here: its own, and those that roll back the last raised flag."""
    concerned = Q(target=Target.FLAG.value, flag_key=flag_key) | Q(target=Target.LAST_RAISED.value)
    return [_fact(trigger) for trigger in triggers(environment).filter(concerned, enabled=True)]


def triggers(environment: str | None = None) -> QuerySet[Trigger]:
    """All triggers with their environment, in the order of environments and keys."""
    found = Trigger.objects.select_related("environment").order_by("environment__position", "key")
    return found if environment is None else found.filter(environment__key=environment)


def trigger(key: str, environment: str) -> Trigger:
    """One trigger, or NotFound."""
    found = triggers(environment).filter(key=key).first()
    if found is None:
        raise NotFound(f"There is no trigger {key!r} in environment {environment!r}.")
    return found


def latched(environment: str | None = None) -> QuerySet[Trigger]:
    """The triggers that have fired and wait for a person to re-arm them, newest first."""
    return triggers(environment).filter(state=TriggerState.LATCHED.value).order_by("-latched_at")


def judgements(trigger_id: int) -> QuerySet[Judgement]:
    """The judged windows of one trigger, newest first."""
    return Judgement.objects.filter(trigger_id=trigger_id).order_by("-window_end")


def series(environment: str | None = None) -> QuerySet[Series]:
    """What has been reported, by name."""
    found = Series.objects.select_related("environment").order_by("name", "id")
    return found if environment is None else found.filter(environment__key=environment)


def matching(environment: str, selection: Selection) -> list[int]:
    """The ids of the series that a selection takes: one query."""
    rows = Series.objects.filter(environment__key=environment, name=selection.metric).values_list("id", "labels")
    return [series_id for series_id, labels in rows if selection.takes(selection.metric, labels)]


def points(
    environment: str,
    measure: Measure,
    numerator: Mapping[str, Any],
    denominator: Mapping[str, Any] | None = None,
    *,
    start: int,
    end: int,
    step: int,
) -> list[Point]:
    """A chart's line: one point for each step that has samples, oldest first, in at most three queries.

    Args:
        measure: a ratio in percent, a mean in ms; a count or a drop show what was counted per step.
        numerator, denominator: what a trigger selects: `{"metric": name, "labels": {…}}`.
        start, end: unix seconds, end excluded. `step` is seconds, a multiple of ten.

    Raises Invalid for a step that is no multiple of ten, or for more than 5,000 steps.
    """
    if step < BUCKET_SECONDS or step % BUCKET_SECONDS or (end - start) // step > MOST_POINTS:
        raise Invalid(f"A step is a multiple of ten seconds, and a chart has at most {MOST_POINTS} of them.")
    top = _steps(matching(environment, Selection.read(numerator)), start, end, step)
    if measure is not Measure.RATIO:
        return [_point(at, _value(measure, n, total), n) for at, (n, total) in sorted(top.items())]
    below = _steps(matching(environment, Selection.read(denominator or {})), start, end, step)
    return [
        _point(at, 100 * top.get(at, (0, 0.0))[1] / total, int(total))
        for at, (_, total) in sorted(below.items())
        if total
    ]


def _steps(series_ids: Collection[int], start: int, end: int, step: int) -> dict[int, tuple[int, float]]:
    """Start of each step with samples, to their number and sum, added up by the database."""
    if not series_ids:
        return {}
    slot = ExpressionWrapper(F("start") - F("start") % step, output_field=BigIntegerField())
    rows = (
        Bucket.objects.filter(series_id__in=series_ids, start__gte=start, start__lt=end)
        .annotate(slot=slot)
        .values("slot")
        .annotate(samples=Sum("n"), total=Sum("sum"))
    )
    return {row["slot"]: (row["samples"], row["total"]) for row in rows}


def _value(measure: Measure, n: int, total: float) -> float:
    return total / n if measure is Measure.MEAN else total


def _point(at: int, value: float, samples: int) -> Point:
    return Point(datetime.fromtimestamp(at, UTC), value, samples)


def _fact(row: Trigger) -> TriggerFact:
    return TriggerFact(
        trigger=row.key,
        name=row.name,
        verdict=Verdict(row.verdict),
        judged_at=row.judged_at,
        passing_since=row.passing_since,
        value=row.value,
        threshold=row.threshold,
        measure=Measure(row.measure),
        max_window=row.max_window,
        state=TriggerState(row.state),
    )
