"""Everything that a report is made of, read once and kept with it: compact, in one order, with cleaned numbers.

The report itself is made by `reports.domain.document.build` of this and of nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monitoring.domain.melts import DURATION, ERRORS, OPERATIONS, melts, one_source
from monitoring.domain.severity import Severity
from reports.domain.comparison import Day
from reports.domain.document import FORMAT, told_period
from reports.domain.measures import MEASURES, Measured
from reports.domain.periods import Period
from reports.selectors import beside, happened, melted
from reports.selectors.melted import DISCREPANCIES, FAILURES, LAG, POOL, Melted, Steps, sums

if TYPE_CHECKING:
    from core.models import Environment

NO_MELTS = "nctool reported no melts in this time"
NO_ERRORS = "nctool has never reported an error counter, not even a zero"
Read = Callable[[Melted], Steps]


@dataclass(frozen=True, slots=True)
class _Times:
    """The three times of a report, read."""

    now: Melted
    before: Melted
    baseline: Melted

    @property
    def all(self) -> tuple[Melted, Melted, Melted]:
        return self.now, self.before, self.baseline

    def measured(self, key: str, read: Read, *, of: str = "", why: str = NO_MELTS) -> Measured:
        now, before, baseline = (read(one) for one in self.all)
        return Measured(
            MEASURES[key],
            of,
            tuple(self.now.by_day(now)),
            tuple(self.before.by_day(before)),
            tuple(baseline),
            tuple(now),
            tuple(before),
            "" if any(now) else why,
        )

    def ever(self, name: str) -> bool:
        return any(one.reported(name) for one in self.all)


def gather(
    environment: Environment, period: Period, baseline_weeks: int, rules: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """What is known of the period, the week before and the baseline. As many queries as these have days, and some."""
    before, baseline = period.before(), period.weeks_before(baseline_weeks)
    times = _Times(
        melted.read(environment.pk, period, quarters=True),
        melted.read(environment.pk, before, quarters=True),
        melted.read(environment.pk, baseline, quarters=False),
    )
    spans = (period, before, baseline)
    measures = [*_features(times), *_performance(times), *_errors(times), *happened.measured(environment, spans)]
    measures += [*beside.measured(environment, spans), *_business(times)]
    shown, left_out = happened.landmarks(environment.pk, period)
    kpis, unknown = beside.kpi_rows(environment, period)
    return {
        "format": FORMAT,
        "environment": environment.key,
        "period": told_period(period),
        "before": {**told_period(before), "words": before.words()},
        "baseline": {**told_period(baseline), "words": baseline.words()},
        "measures": [one.as_dict() for one in measures],
        "rollout": happened.rollout(environment.pk, period),
        "events": shown,
        "events_left_out": left_out,
        "event_counts": happened.counts(environment.pk, period),
        "kpis": kpis,
        "unmeasured": unknown,
        "follow_up": beside.follow_up(environment, period),
        "rules": list(rules),
    }


def _features(times: _Times) -> list[Measured]:
    """Of every flag that melts were reported for in the period, by name."""
    found = []
    for flag in sorted(times.now.flags):
        adopted: Read = lambda one, flag=flag: one.share(  # type: ignore[misc]  # noqa: E731
            one.of_flag(OPERATIONS, flag, on=True), one.of_flag(OPERATIONS, flag, on=False)
        )
        found.append(times.measured("adoption", adopted, of=flag))
        nobody = "nobody was on the new path"
        found.append(times.measured("success", lambda one, flag=flag: _succeeded(one, flag), of=flag, why=nobody))  # type: ignore[misc]
    return found


def _succeeded(one: Melted, flag: str) -> Steps:
    tried, failed = one.of_flag(OPERATIONS, flag, on=True), one.of_flag(ERRORS, flag, on=True)
    return one.share({at: count - failed.get(at, 0.0) for at, count in tried.items()}, tried)


def _performance(times: _Times) -> list[Measured]:
    spread = [[None if each is None else Day(each, 1, 1) for each in one.p95] for one in times.all]
    p95 = Measured.daily("responseTimeP95", spread, why="" if any(spread[0]) else NO_MELTS)
    gauges = {"connectionPool": POOL, "replicationLag": LAG}
    return [
        times.measured("responseTime", lambda one: one.mean(melts(one.lines[DURATION]))),
        p95,
        times.measured("throughput", Melted.rate),
        times.measured(
            "uptime", lambda one: one.mean(one.worst_up(), scale=100), why="no health address was asked in this time"
        ),
        *(
            times.measured(
                key,
                lambda one, name=name: one.mean(one_source(one.lines[name])),  # type: ignore[misc]
                why="nothing reported it in this time",
            )
            for key, name in gauges.items()
        ),
    ]


def _errors(times: _Times) -> list[Measured]:
    """An error counter that is not there is no proof that there are no errors."""
    known, why = times.ever(ERRORS), NO_ERRORS
    rate: Read = lambda one: one.share(one.error_counts(), one.operations)  # noqa: E731
    critical: Read = lambda one: one.counted(one.error_counts(Severity.CRITICAL))  # noqa: E731
    found = [_if(known, times, "errorRate", rate, why), _if(known, times, "criticalErrors", critical, why)]
    for key, name in {"discrepancies": DISCREPANCIES, "transactionFailures": FAILURES}.items():
        counts: Read = lambda one, name=name: one.counted(  # type: ignore[misc]  # noqa: E731
            sums(one_source(one.lines[name]))
        )
        found.append(_if(times.ever(name), times, key, counts, "nctool has never reported it"))
    return found


def _business(times: _Times) -> list[Measured]:
    success: Read = lambda one: one.share(  # noqa: E731
        {at: count - one.error_counts().get(at, 0.0) for at, count in one.operations.items()}, one.operations
    )
    return [
        _if(times.ever(ERRORS), times, "operationSuccess", success, NO_ERRORS),
        times.measured("melts", lambda one: one.counted(one.operations)),
    ]


def _if(known: bool, times: _Times, key: str, read: Read, why: str) -> Measured:  # noqa: FBT001
    """The measure, or why nothing can be known of it although there are melts."""
    return times.measured(key, read) if known else Measured(MEASURES[key], why=why)
