"""Errors followed from the first that is seen until they are over."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F, Max

from core import environments, events
from core.actors import CLOCK, Actor
from core.errors import Conflict, NotFound
from core.texts import need_text
from monitoring.domain.errors import LOOK_BACK, QUIET, Kind, Seen, seen
from monitoring.domain.melts import ERRORS, OPERATIONS
from monitoring.domain.metrics import Push
from monitoring.domain.severity import Severity
from monitoring.domain.windows import horizon, next_bucket
from monitoring.models import Bucket, ErrorEpisode
from monitoring.selectors import store
from monitoring.selectors.errors import effectiveness
from monitoring.services import ingest

log = logging.getLogger(__name__)
RESOLUTION_TIME = "error_resolution_time"
IMPACT_REDUCTION = "user_impact_reduction"
LONGEST_NOTE = 2_000


def follow(*, now: datetime) -> int:
    """Open, count and end the episodes of every environment up to now; how many were opened.

    Each environment is one transaction. Whoever follows at the same time finds the work done: open episodes are
    locked, and each remembers up to where it was counted.
    """
    opened = 0
    for environment_id in list(environments.ordered().values_list("pk", flat=True)):
        try:
            opened += _follow(environment_id, now=now)
        except Exception:
            log.exception("errors of environment %s", environment_id)
    return opened


def record(*, now: datetime) -> int:
    """Store the gauges `error_resolution_time` (seconds; the median of 24 hours) and `user_impact_reduction` (percent)
    of every environment in which they can be said; how many."""
    stored = 0
    for environment in environments.ordered():
        found = effectiveness(environment.key, environment.pk, now=now)
        said: dict[str, float] = {}
        if found.now.resolution is not None:
            said[RESOLUTION_TIME] = found.now.resolution.median
        if found.reduction is not None:
            said[IMPACT_REDUCTION] = found.reduction.percent
        gauges = [ingest.Gauge(name, {}, now.timestamp(), value) for name, value in said.items()]
        if gauges:
            stored += ingest.store_gauges(environment.pk, Push.RECORDED, gauges, now=now)
    return stored


@transaction.atomic
def resolve(episode_id: int, *, note: str, actor: Actor, now: datetime) -> ErrorEpisode:
    """End an episode by hand, with what was found. Errors from now on open a new one.

    Raises Invalid without a note, NotFound, and Conflict when it is over already.
    """
    note = need_text(note, "Say what was found or done.", field="note", longest=LONGEST_NOTE)
    row = ErrorEpisode.objects.select_for_update().filter(pk=episode_id).first()
    if row is None:
        raise NotFound(f"There is no error episode {episode_id}.")
    if row.resolved_at is not None:
        raise Conflict(f"It was resolved already, by {row.resolved_by}.")
    row.resolved_at, row.resolved_by, row.note = now, actor.name, note
    row.counted_until = next_bucket(now.timestamp())
    row.save()
    _tell("error.resolved", row, actor=actor, now=now, reason=note)
    return row


@transaction.atomic
def _follow(environment_id: int, *, now: datetime) -> int:
    until = horizon(now.timestamp())
    here = ErrorEpisode.objects.filter(environment_id=environment_id).order_by("pk")
    open_ = {_kind(row): row for row in here.select_for_update().filter(resolved_at=None)}
    since = _counted(environment_id, until) | {kind: row.counted_until for kind, row in open_.items()}
    otherwise = until - LOOK_BACK
    lines = store.read(environment_id, ERRORS, start=min([otherwise, *since.values()]), end=until)
    found = seen(lines, since, otherwise=otherwise, until=until)
    opened = 0
    for kind, errors in found.items():
        if kind in open_:
            _count(open_[kind], errors)
        else:
            opened += _open(environment_id, kind, errors, until=until, now=now)
    here.filter(pk__in=[row.pk for row in open_.values()], counted_until__lt=until).update(counted_until=until)
    _end([row for kind, row in open_.items() if kind not in found], until=until, now=now)
    return opened


def _kind(row: ErrorEpisode) -> Kind:
    return Kind(Severity(row.severity), row.feature, row.variant)


def _counted(environment_id: int, until: int) -> dict[Kind, int]:
    """Up to where each kind was counted by an episode that is over."""
    over = ErrorEpisode.objects.filter(environment_id=environment_id, counted_until__gt=until - LOOK_BACK)
    rows = over.order_by().values_list("severity", "feature", "variant").annotate(at=Max("counted_until"))
    return {Kind(Severity(severity), feature, variant): at for severity, feature, variant, at in rows}


def _count(row: ErrorEpisode, errors: Seen) -> None:
    row.last_seen = datetime.fromtimestamp(errors.last, UTC)
    ErrorEpisode.objects.filter(pk=row.pk).update(count=F("count") + errors.count, last_seen=row.last_seen)


def _open(environment_id: int, kind: Kind, errors: Seen, *, until: int, now: datetime) -> bool:
    """Whether it was opened here: another one may have been faster."""
    row, fresh = ErrorEpisode.objects.get_or_create(
        environment_id=environment_id,
        severity=kind.severity.value,
        feature=kind.feature,
        variant=kind.variant,
        resolved_at=None,
        defaults={
            "count": errors.count,
            "counted_until": until,
            "first_seen": datetime.fromtimestamp(errors.first, UTC),
            "last_seen": datetime.fromtimestamp(errors.last, UTC),
        },
    )
    if fresh:
        many = "1 error" if row.count == 1 else f"{row.count:,} errors"
        _tell("error.opened", row, actor=CLOCK, now=now, reason=f"{many} since {row.first_seen:%H:%M:%S} UTC.")
    return fresh


def _end(rows: Sequence[ErrorEpisode], *, until: int, now: datetime) -> None:
    """End what has been quiet for long enough. It was over when its last error was."""
    for row in rows:
        quiet = QUIET[Severity(row.severity)]
        last = int(row.last_seen.timestamp())
        if until - last >= quiet and _minutes_heard(row, last, until) * 60 >= quiet:
            row.resolved_at, row.resolved_by, row.counted_until = row.last_seen, CLOCK.name, until
            row.save(update_fields=["resolved_at", "resolved_by", "counted_until"])
            _tell("error.resolved", row, actor=CLOCK, now=now)


def _minutes_heard(row: ErrorEpisode, start: int, until: int) -> int:
    """The minutes in which operations of the feature were reported: silence is no sign of health."""
    heard = Bucket.objects.filter(series__environment_id=row.environment_id, series__name__in=[OPERATIONS, ERRORS])
    if row.feature:
        heard = heard.filter(series__labels__flag=row.feature)
    minutes = heard.filter(start__gte=start, start__lt=until).annotate(minute=F("start") / 60)
    return minutes.order_by().values("minute").distinct().count()


def _tell(kind: str, row: ErrorEpisode, *, actor: Actor, now: datetime, reason: str = "") -> None:
    told: Mapping[str, object] = {
        "episode": row.pk,
        "severity": row.severity,
        "flag": row.feature,
        "variant": row.variant,
        "count": row.count,
        "first_seen": row.first_seen.isoformat(),
    }
    events.record(
        kind,
        subject=f"error:{row.severity}",
        actor=actor,
        now=now,
        environment_id=row.environment_id,
        reason=reason,
        data=told,
    )
