"""What days add to each KPI, read from where it happened: measurements, validations, events, incidents, the survey."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from core import events
from kpis.domain.definition import Definition, Measure
from kpis.domain.figure import Parts, Period
from kpis.selectors.delivery import Delivery, delivery
from kpis.selectors.satisfaction import satisfaction
from monitoring.domain.metrics import BUCKET_SECONDS
from monitoring.domain.selection import Selection, chosen_sources
from monitoring.selectors.totals import Totalled, totals
from rollouts.selectors.validation import validations

if TYPE_CHECKING:
    from core.models import Environment

METRICS = (Measure.SHARE, Measure.MEAN, Measure.RATE)
DELIVERY = (Measure.DEPLOYMENTS, Measure.FAILURES, Measure.RESTORE)
DAY = 86_400

Wanted = Mapping[Period, Sequence[Definition]]  # by day
Found = dict[tuple[str, Period], Parts]  # by key and day


def parts_of(environment: Environment, wanted: Wanted, *, now: datetime) -> Found:
    """What each day adds to its KPIs. Days that are not over are read up to `now`.

    At most four queries a day for what was measured, and eleven for everything else, whatever there is.
    """
    found: Found = {}
    if not wanted:
        return found
    whole = Period(min(day.start for day in wanted), min(now, max(day.end for day in wanted)))
    kinds = {definition.measure for definitions in wanted.values() for definition in definitions}
    looked = _validated(environment, whole) if Measure.VALIDATION in kinds else []
    delivered = delivery(environment, whole) if kinds & set(DELIVERY) else None
    first = began(environment)
    for day, definitions in wanted.items():
        span = Period(day.start, min(now, day.end))
        lived = Period(max(day.start, min(first, span.end)), span.end) if first else span
        measured = _measured(environment, [each for each in definitions if each.measure in METRICS], lived)
        for definition in definitions:
            parts = measured.get(definition.key)
            if definition.measure is Measure.VALIDATION:
                parts = _of_validations(definition, looked, span)
            elif definition.measure is Measure.SURVEY:
                parts = _of_survey(span)
            elif delivered is not None and definition.measure in DELIVERY:
                parts = _of_delivery(definition.measure, delivered, span)
            if parts is not None:
                found[definition.key, day] = parts
    return found


def began(environment: Environment) -> datetime | None:
    """When the first thing happened there: before it nothing can have been measured. None: nothing ever did."""
    first = events.recent().filter(environment_id=environment.pk).order_by("at").values_list("at", flat=True)
    return first.first()


def _measured(environment: Environment, definitions: Sequence[Definition], span: Period) -> dict[str, Parts]:
    """What the metrics add: sums that the database makes, of buckets and of what they were rolled up to."""
    start, end = (int(at.timestamp()) // BUCKET_SECONDS * BUCKET_SECONDS for at in (span.start, span.end))
    names = {one.metric for each in definitions for one in (each.part, each.of) if one is not None}
    rows = [row for row in totals(environment.pk, names, start=start, end=end) if row.rows] if names else []
    return {each.key: _of_metrics(each, rows, end - start) for each in definitions}


def _of_metrics(definition: Definition, rows: Sequence[Totalled], seconds: int) -> Parts:
    selections = [one for one in (definition.of, definition.part) if one is not None]
    having = {one.metric: {row.source for row in rows if row.name == one.metric} for one in selections}
    sources = chosen_sources(selections, having)
    below = _sum(rows, selections[0], sources)
    if below is None:
        return Parts.none(f"{selections[0].metric} was not reported")
    n, total = below
    if definition.measure is Measure.MEAN:
        return Parts(total, float(n), n) if n else Parts.none(f"{selections[0].metric} has no samples")
    if definition.measure is Measure.RATE:
        return Parts(total, float(seconds), round(total)) if seconds else Parts.none("the day has only begun")
    if not total:
        return Parts.none(f"no {definition.counted}: {selections[0].metric} counted nothing")
    top = _sum(rows, selections[1], sources)
    part = top[1] if top else 0.0  # reported where there is nothing to count: a counter that never counted
    return Parts(total - part if definition.complement else part, total, round(total))


def _sum(rows: Iterable[Totalled], selection: Selection, sources: Mapping[str, str]) -> tuple[int, float] | None:
    """How many samples, and their sum; None when no series was reported."""
    taken = [
        row for row in rows if selection.takes(row.name, row.labels) and row.source == sources.get(selection.metric, "")
    ]
    if not taken:
        return None
    return sum(row.rows[0].n for row in taken), sum(row.rows[0].sum for row in taken)


def _validated(environment: Environment, whole: Period) -> list[tuple[datetime, Mapping[str, object]]]:
    done = validations(environment.key).filter(finished_at__gte=whole.start, finished_at__lt=whole.end)
    return [(at, results) for at, results in done.values_list("finished_at", "results") if at is not None]


def _of_validations(
    definition: Definition, looked: Sequence[tuple[datetime, Mapping[str, object]]], span: Period
) -> Parts:
    said = [
        answer
        for at, results in looked
        if span.start <= at < span.end and (answer := _answer(definition, results)) is not None
    ]
    if not said:
        return Parts.none(f"no validation looked at {definition.check}")
    return Parts(float(sum(said)), float(len(said)), len(said))


def _answer(definition: Definition, results: Mapping[str, object]) -> bool | None:
    """What a validation says; None where it had nothing to look at."""
    result = results.get(definition.check)
    if not isinstance(result, Mapping):
        return None
    if not definition.evidence:
        return result.get("success")
    named = (one for one in result.get("evidence", ()) if one.get("name") == definition.evidence)
    return next((one.get("ok") for one in named), None)


def _of_survey(span: Period) -> Parts:
    mean, n = satisfaction(start=span.start, end=span.end)
    return Parts.none("nobody answered the survey") if mean is None or n == 0 else Parts(mean * n, float(n), n)


def _of_delivery(measure: Measure, delivered: Delivery, span: Period) -> Parts:
    here = [one for one in delivered.deployments if span.start <= one.at < span.end]
    if measure is Measure.DEPLOYMENTS:
        share = (span.end - span.start).total_seconds() / DAY
        return Parts(float(len(here)), share, round(share)) if share else Parts.none("the day has only begun")
    if measure is Measure.FAILURES:
        failed = sum(bool(one.failed) for one in here)
        return Parts(float(failed), float(len(here)), len(here)) if here else Parts.none("nothing was deployed")
    times = [
        one.took.total_seconds() / 60
        for one in delivered.restored
        if one.took is not None and one.ended_at is not None and span.start <= one.ended_at < span.end
    ]
    return Parts(sum(times), float(len(times)), len(times)) if times else Parts.none("no incident was restored")
