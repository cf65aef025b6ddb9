"""Read what the windows of triggers are made of: a small fixed number of queries for each, whatever it looks at."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import Q

import flags.selectors
from core import events
from monitoring.domain.measures.canary import line_above
from monitoring.domain.measures.data import Baseline, Exposure, Line, Said, Tally
from monitoring.domain.measures.drop import STEP
from monitoring.domain.measures.rise import BEFORE, measured
from monitoring.domain.metrics import BUCKET_SECONDS, DATABASE, Push
from monitoring.domain.raised import CHANGING, RAISING, FlagChange
from monitoring.domain.rule import Definition
from monitoring.domain.selection import Selection, chosen_sources
from monitoring.domain.sketch import LogSketch
from monitoring.domain.verdict import Measure, Target
from monitoring.domain.windows import Data, alive_from, reach
from monitoring.models import Bucket, Rollup, Series
from monitoring.selectors import complaints, store

WEEK, WEEKS = 7 * 86_400, 4
# What probes measure tells that we run, not that anybody reports.
OURS = ("up", "probe_ms", *DATABASE)
ON, OFF = "on", "off"
Totals = Collection[tuple[int, int, int, float]]


class Known(NamedTuple):
    """A series there is."""

    pk: int
    source: str
    name: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """The data, and from which source each metric was read."""

    data: Data
    sources: Mapping[str, str]


class Reader:
    """Reads for one look of the guard at many triggers: what several of them need is read once."""

    def __init__(self) -> None:
        self._series: dict[int, list[Known]] = {}
        self._active: dict[int, tuple[int, int, frozenset[int]]] = {}

    def read(
        self,
        environment_id: int,
        definition: Definition,
        *,
        since: int,
        until: int,
        armed_from: int = 0,
        progress: Mapping[str, Any] | None = None,
    ) -> Reading:
        """All that judging from `since` to `until` (unix seconds) looks at."""
        sources = self._sources(environment_id, definition)
        first = reach(definition.rule, since, until=until)
        if definition.measure is Measure.CANARY:
            return Reading(self._canary(environment_id, definition, sources, first, until), sources)
        ids = [self._ids(environment_id, selection, sources) for selection in definition.selections]
        found = _buckets({pk for some in ids for pk in some}, first, until)
        alive = alive_from(definition.rule, since, until=until)
        data = Data(
            numerator=_line(found, ids[0]),
            denominator=_line(found, ids[1]) if len(ids) > 1 else {},
            active=frozenset() if alive is None else self._reported(environment_id, alive, until),
        )
        match definition.measure:
            case Measure.MEAN if definition.rule.percentile:
                data = replace(data, spread=_spread(ids[0], first, until))
            case Measure.DISTINCT:
                data = replace(data, said=_said(environment_id, definition.numerator, first, until))
            case Measure.DROP:
                data = replace(data, weeks=_weeks(ids[0], max(since, first), until))
            case Measure.RISE if not (progress or {}).get("baseline"):
                before = self._baseline(environment_id, definition, sources, armed_from or since)
                data = replace(data, baseline=before)
        return Reading(data, sources)

    def _known(self, environment_id: int) -> list[Known]:
        if environment_id not in self._series:
            rows = Series.objects.filter(environment_id=environment_id).order_by("pk")
            self._series[environment_id] = [Known(*row) for row in rows.values_list("pk", "source", "name", "labels")]
        return self._series[environment_id]

    def _sources(self, environment_id: int, definition: Definition) -> dict[str, str]:
        having: dict[str, set[str]] = {}
        for series in self._known(environment_id):
            having.setdefault(series.name, set()).add(series.source)
        return chosen_sources(definition.selections, having)

    def _ids(self, environment_id: int, selection: Selection, sources: Mapping[str, str]) -> set[int]:
        """The series that a selection takes, all of one source."""
        return {
            series.pk
            for series in self._known(environment_id)
            if series.source == sources.get(series.name) and selection.takes(series.name, series.labels)
        }

    def _reported(self, environment_id: int, first: int, until: int) -> frozenset[int]:
        """The buckets in which anything was reported: not what we compute or probe by ourselves."""
        kept = self._active.get(environment_id)
        if kept is None or first < kept[0] or until > kept[1]:
            rows = Bucket.objects.filter(start__gte=first, start__lt=until, series__environment_id=environment_id)
            told = rows.exclude(series__source=Push.RECORDED.value).exclude(series__name__in=OURS)
            kept = first, until, frozenset(told.values_list("start", flat=True).distinct())
            self._active[environment_id] = kept
        return kept[2]

    def _canary(
        self, environment_id: int, definition: Definition, sources: Mapping[str, str], first: int, until: int
    ) -> Data:
        """Bad events and operations of those with the flag on and off; of a timing, those above the threshold."""
        sides = {
            variant: [self._ids(environment_id, _with(each, variant), sources) for each in definition.selections]
            for variant in (ON, OFF)
        }
        exposure = _exposure(environment_id, definition.flag_key, first)
        if definition.denominator is None:
            (bad_on, on), (bad_off, off) = (
                line_above(_spread(sides[variant][0], first, until), definition.rule.threshold) for variant in (ON, OFF)
            )
            return Data(bad_on, on, control_numerator=bad_off, control_denominator=off, exposure=exposure)
        found = _buckets({pk for side in sides.values() for some in side for pk in some}, first, until)
        (bad_on, on), (bad_off, off) = ([_line(found, some) for some in sides[variant]] for variant in (ON, OFF))
        return Data(bad_on, on, control_numerator=bad_off, control_denominator=off, exposure=exposure)

    def _baseline(
        self, environment_id: int, definition: Definition, sources: Mapping[str, str], armed_from: int
    ) -> Baseline | None:
        """Of the hour before the flag was raised from nothing, else before the trigger was armed; of either variant."""
        ids = [self._ids(environment_id, _with(each, None), sources) for each in definition.selections]
        for end in (_raised_at(environment_id, definition), armed_from):
            if end is None:
                continue
            start = end // BUCKET_SECONDS * BUCKET_SECONDS - BEFORE
            found = _buckets({pk for some in ids for pk in some}, start, start + BEFORE)
            below = _line(found, ids[1]) if len(ids) > 1 else {}
            before = measured(_line(found, ids[0]), below, start, start + BEFORE, shares=definition.rule.shares)
            if before is not None and before.n >= definition.rule.min_samples:
                return before
        return None


def _with(selection: Selection, variant: str | None) -> Selection:
    """The same of one variant, or of either."""
    labels = {name: value for name, value in selection.labels.items() if name != "variant"}
    return replace(selection, labels={**labels, "variant": variant} if variant else labels)


def _buckets(series_ids: Collection[int], first: int, until: int) -> Totals:
    rows = Bucket.objects.filter(series_id__in=series_ids, start__gte=first, start__lt=until)
    return list(rows.order_by("series_id", "start").values_list("series_id", "start", "n", "sum"))


def _line(found: Totals, series_ids: Collection[int]) -> dict[int, Tally]:
    """Added up by bucket; a sum that is no number was not measured."""
    added: dict[int, tuple[int, float]] = {}
    for series_id, start, n, total in found:
        if series_id in series_ids and math.isfinite(total):
            before = added.get(start, (0, 0.0))
            added[start] = before[0] + n, before[1] + total
    return {start: Tally(*sums) for start, sums in added.items()}


def _spread(series_ids: Collection[int], first: int, until: int) -> dict[int, LogSketch]:
    merged: dict[int, LogSketch] = {}
    for steps in store.sketches(series_ids, start=first, end=until).values():
        for at, sketch in steps.items():
            merged.setdefault(at, LogSketch()).merge(sketch)
    return merged


def _said(environment_id: int, selection: Selection, first: int, until: int) -> list[Said]:
    made = complaints.made(environment_id, first, until, flag=selection.labels.get("flag", ""))
    return [Said(one.at, one.npub) for one in made]


def _weeks(series_ids: Collection[int], first: int, until: int) -> tuple[Line, ...]:
    """The same time of the past four weeks in steps of five minutes, each moved to the present."""
    begin = first // STEP * STEP
    spans = [(begin - week * WEEK, until - week * WEEK) for week in range(1, WEEKS + 1)]
    when = Q(*[Q(start__gte=start, start__lt=end) for start, end in spans], _connector=Q.OR)
    rows = Rollup.objects.filter(when, series_id__in=series_ids, span=STEP).order_by()
    weeks: list[dict[int, Tally]] = [{} for _ in spans]
    for start, n, total in rows.values_list("start", "n", "sum"):
        week = (until - 1 - start) // WEEK
        line, at = weeks[week - 1], start + week * WEEK
        line[at] = line.get(at, Tally()) + Tally(n, total)
    return tuple(weeks)


def _exposure(environment_id: int, flag_key: str, first: int) -> Exposure | None:
    """Who has the flag now, and when that changed since just before `first`."""
    state = flags.selectors.states().filter(flag__key=flag_key, environment_id=environment_id).first()
    if state is None:
        return None
    since = datetime.fromtimestamp(first - BUCKET_SECONDS, UTC)
    told = events.about(f"flag:{flag_key}", environment_id=environment_id).filter(kind__in=CHANGING, at__gte=since)
    changes = sorted(int(at.timestamp()) for at in told.values_list("at", flat=True))
    return Exposure(float(state.percentage), state.allow_count > 0 or bool(state.targeting), tuple(changes))


def _raised_at(environment_id: int, definition: Definition) -> int | None:
    """When the flag was last raised from nothing; None for a trigger of no flag, or one that never was."""
    if definition.target is not Target.FLAG:
        return None
    told = events.about(f"flag:{definition.flag_key}", environment_id=environment_id).filter(kind__in=RAISING)
    for at, before, after in told.values_list("at", "before", "after")[:500]:
        if FlagChange(definition.flag_key, before, after).begins:
            return int(at.timestamp())
    return None
