"""performanceRegression: is it slower, or does it fail more often, than before? Noise is told from change by tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from rollouts.domain.validation import Findings, Result, failed
from rollouts.domain.validation_noise import ALPHA, mean_is_higher, share_is_higher

SLOWER = 1.2  # seed: response time increases by more than 20 %
ERROR_RATE = 0.5  # percent; seed: error rate increases above 0.5 %
OPERATIONS = 100  # at least, on either side
STEPS = 10  # of time with durations, at least, on either side
WHAT_TO_DO = "Compare the charts with those of {before}; if nothing else explains it, lower what was raised last."


@dataclass(frozen=True, slots=True)
class Period:
    """What was measured in a time. `means` and `p95s` are of the durations (ms) in each of its steps.

    `label` names it within a sentence.
    """

    label: str
    operations: float
    errors: float
    means: Sequence[float]
    p95s: Sequence[float]

    @property
    def enough(self) -> bool:
        return self.operations >= OPERATIONS and len(self.means) >= STEPS

    @property
    def error_rate(self) -> float:
        """In percent."""
        return 100 * self.errors / self.operations if self.operations else 0.0


def compare(now: Period, before: Period | None) -> Result:
    """Success when no test shows that it became worse; too little data on either side shows nothing, and fails."""
    if not now.enough:
        return failed(
            f"Too little was measured in {now.label}: {now.operations:,.0f} operations in {len(now.means)} steps of "
            f"time; {OPERATIONS} in {STEPS} are needed.",
            "See that nctool reports melt_operations_total and melt_duration_ms, and validate again after ten minutes.",
        )
    if before is None or not before.enough:
        return failed(
            "There is nothing to compare with: too little was measured a week ago, before the last raise, and in the "
            "last hour.",
            "Validate again when an hour has been measured.",
        )
    found = Findings()
    found.tell("Now", f"{now.label}: {now.operations:,.0f} operations")
    found.tell("Before", f"{before.label}: {before.operations:,.0f} operations")
    todo = WHAT_TO_DO.format(before=before.label)
    _errors(now, before, found, todo)
    _times("Response time, mean", now.means, before.means, found, todo)
    _times("Response time, p95", now.p95s, before.p95s, found, todo)
    return found.result(
        f"Neither slower nor more errors than in {before.label}.", f"{{}} worse than in {before.label}, beyond noise."
    )


def errors_steady(now: Period, before: Period) -> Result:
    """No increase in error rates (seed: success criteria of phase 1). Both periods must be `enough`."""
    found = Findings()
    _errors(now, before, found, WHAT_TO_DO.format(before=before.label))
    return found.result(f"No more errors than in {before.label}.", f"More errors than in {before.label}, beyond noise.")


def times_steady(now: Period, before: Period) -> Result:
    """Response times remain stable (seed: success criteria of phase 1). Both periods must be `enough`."""
    found = Findings()
    todo = WHAT_TO_DO.format(before=before.label)
    _times("Response time, mean", now.means, before.means, found, todo)
    _times("Response time, p95", now.p95s, before.p95s, found, todo)
    return found.result(f"No slower than in {before.label}.", f"Slower than in {before.label}, beyond noise.")


def _errors(now: Period, before: Period, found: Findings, todo: str) -> None:
    p = share_is_higher(now.errors, now.operations, before.errors, before.operations)
    worse = p < ALPHA and now.error_rate > ERROR_RATE
    value = f"{now.error_rate:.2f} % against {before.error_rate:.2f} %, at most {ERROR_RATE:g} % or no more than before"
    found.judge("Error rate", f"{value} ({_p(p)})", ok=not worse, todo=todo)


def _times(name: str, now: Sequence[float], before: Sequence[float], found: Findings, todo: str) -> None:
    """Compares what each step of time shows: how much the steps differ among themselves is the noise."""
    if min(len(now), len(before)) < STEPS:
        found.tell(name, "cannot be said: it was not kept of one of the two times")
        return
    p = mean_is_higher(now, before, SLOWER)
    value = f"{fmean(now):,.0f} ms against {fmean(before):,.0f} ms, at most {100 * SLOWER:.0f} % of it"
    found.judge(name, f"{value} ({_p(p)})", ok=p >= ALPHA, todo=todo)


def _p(p: float) -> str:
    """`p 0.32, worse below 0.01`."""
    return f"p {'below 0.0001' if p < 0.0001 else f'{p:.2g}'}, worse below {ALPHA:g}"
