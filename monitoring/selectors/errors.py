"""Reads of errors: the episodes, and how well errors are handled (seed: errorMetrics)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, QuerySet

import flags.selectors
from core import events
from core.errors import NotFound
from monitoring.domain.errors import HANDLING, Rate, Reduction, Resolution, by_severity, reduction, resolution
from monitoring.domain.melts import ERRORS, OPERATIONS, melts, total
from monitoring.domain.severity import Severity
from monitoring.models import ErrorEpisode
from monitoring.selectors.totals import totals

BEFORE = timedelta(days=7)
AFTER = timedelta(hours=24)
MOST_EVENTS = 200


@dataclass(frozen=True, slots=True)
class ErrorMetrics:
    """The seed's errorMetrics of a time. `by_severity` is None where no errors are reported at all, not even none."""

    start: datetime
    end: datetime
    by_severity: Mapping[Severity, int] | None
    operations: float
    resolution: Resolution | None

    @property
    def total(self) -> int | None:
        return None if self.by_severity is None else sum(self.by_severity.values())

    @property
    def rate(self) -> Rate:
        return Rate(self.total or 0, self.operations)


@dataclass(frozen=True, slots=True)
class Effectiveness:
    """What the errors were before enhancedErrorHandling was switched on, and what they are now.

    `since` is None, and so are `before` and `reduction`, while it is off or nobody knows since when it is on; `why`
    says then why nothing can be said.
    """

    now: ErrorMetrics
    since: datetime | None = None
    percentage: float = 0
    before: ErrorMetrics | None = None
    reduction: Reduction | None = None
    why: str = ""


def episodes() -> QuerySet[ErrorEpisode]:
    """All of them, newest first, with their environment."""
    return ErrorEpisode.objects.select_related("environment")


def episode(pk: int) -> ErrorEpisode:
    """One of them, or NotFound."""
    found = episodes().filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no error episode {pk}.")
    return found


def metrics(environment_id: int, *, start: datetime, end: datetime) -> ErrorMetrics:
    """Errors, operations, and how long the episodes lasted that ended in this time."""
    at = {"start": int(start.timestamp()), "end": int(end.timestamp())}
    found = totals(environment_id, [ERRORS, OPERATIONS], **at)
    failed = [line for line in found if line.name == ERRORS and line.rows]
    over = ErrorEpisode.objects.filter(environment_id=environment_id, resolved_at__gte=start, resolved_at__lt=end)
    lasted = over.order_by().annotate(lasted=F("resolved_at") - F("first_seen")).values_list("lasted", flat=True)
    return ErrorMetrics(
        start,
        end,
        by_severity(failed) if failed else None,
        total(melts(line for line in found if line.name == OPERATIONS)),
        resolution([each.total_seconds() for each in lasted]),
    )


def effectiveness(environment: str, environment_id: int, *, now: datetime) -> Effectiveness:
    """The last 24 hours, at most since it was switched on, against up to 7 days before it was."""
    since, percentage, why = _since(environment)
    present = metrics(environment_id, start=max(now - AFTER, since or now - AFTER), end=now)
    if since is None:
        return Effectiveness(present, why=why)
    before = metrics(environment_id, start=since - BEFORE, end=since)
    found = reduction(before.rate, present.rate)
    why = "" if found else _missing(before, present)
    return Effectiveness(present, since, percentage, before, found, why)


def _missing(before: ErrorMetrics, present: ErrorMetrics) -> str:
    if not before.operations:
        return f"Nothing was measured in the 7 days before {HANDLING} was switched on."
    if not before.total:
        return f"No errors were reported in the 7 days before {HANDLING} was switched on."
    return "" if present.operations else f"Nothing has been measured since {HANDLING} was switched on."


def _since(environment: str) -> tuple[datetime | None, float, str]:
    """Since when it is on here without a break, for how many percent, and why not."""
    try:
        state = flags.selectors.state(HANDLING, environment)
    except NotFound:
        return None, 0, f"There is no flag {HANDLING} here, so there is no before and after."
    if not state.enabled or not state.percentage:
        return None, 0, f"{HANDLING} is off here, so there is no before and after yet."
    history = events.about(f"flag:{HANDLING}", environment_id=state.environment_id)[:MOST_EVENTS]
    raised = next((event for event in history if _on(event.after) and not _on(event.before)), None)
    if raised is None:
        return None, float(state.percentage), f"The history does not tell when {HANDLING} was switched on."
    return raised.at, float(state.percentage), ""


def _on(picture: Mapping[str, object]) -> bool:
    """Whether a state as events tell it has the feature on for some share of the users."""
    return bool(picture.get("enabled")) and bool(picture.get("percentage"))
