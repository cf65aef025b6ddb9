"""Missing data is told by itself: nobody should have to notice that the charts stand still."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Max, QuerySet

import flags.selectors
from core import environments, events
from core.actors import GUARD
from flags.services import locking
from monitoring.domain.metrics import BUCKET_SECONDS, Push
from monitoring.domain.silence import REPORTED_WITHIN, SILENT_AFTER, Heard, news
from monitoring.domain.verdict import TriggerState
from monitoring.models import Bucket, Series, Trigger
from monitoring.services.reading import OURS

KINDS = [kind.value for kind in Heard]


def watch(*, now: datetime) -> int:
    """Tell of every environment that fell silent, or is heard again; how many were told of.

    It reported within the last hour, nothing came for a minute, and a flag is on there or a trigger armed.
    What was told last stands in the events, so that a restart changes nothing.
    """
    moment = now.timestamp()
    loud = set(_reporting(moment - SILENT_AFTER))
    told_silent = _told_silent()
    measured = set(_reported().values_list("environment_id", flat=True).distinct())
    told = 0
    for row in environments.ordered():
        if row.pk not in measured or (row.pk in loud) != (row.pk in told_silent):
            continue
        told += _look(row.pk, row.key, now=now)
    return told


@transaction.atomic
def _look(environment_id: int, environment: str, *, now: datetime) -> bool:
    """Under the lock of the environment, so that two guards tell it once."""
    locking.lock_configuration(environment)
    moment = now.timestamp()
    last = _newest(environment_id, since=moment - REPORTED_WITHIN, until=moment)
    kind = news(
        last=last,
        told_silent=environment_id in _told_silent(),
        guarded=_guarded(environment_id),
        now=moment,
    )
    if kind is None or last is None:
        return False
    at = datetime.fromtimestamp(last, UTC)
    events.record(
        kind.value,
        subject=f"metrics:{environment}",
        actor=GUARD,
        now=now,
        environment_id=environment_id,
        reason=_words(kind, at),
        data={"last": at.isoformat()},
    )
    return True


def _words(kind: Heard, last: datetime) -> str:
    if kind is Heard.HEARD:
        return "Measurements come again."
    return (
        f"No measurement since {last:%Y-%m-%d %H:%M:%S} UTC: triggers see nothing and ramps wait. "
        "Look whether nctool runs, and whether what it reports arrives."
    )


def _told_silent() -> set[int]:
    """The environments of which it was told last that they are silent."""
    last = events.recent().order_by().filter(kind__in=KINDS).values("environment_id").annotate(newest=Max("id"))
    ids = [row["newest"] for row in last]
    silent = events.recent().filter(id__in=ids, kind=Heard.SILENT.value).values_list("environment_id", flat=True)
    return {environment_id for environment_id in silent if environment_id is not None}


def _reported() -> QuerySet[Series]:
    """The series that somebody reports: not what we compute or probe by ourselves."""
    return Series.objects.exclude(source=Push.RECORDED.value).exclude(name__in=OURS).order_by()


def _reporting(since: float) -> Iterable[int]:
    """The environments in which something was reported since then."""
    rows = Bucket.objects.filter(start__gte=int(since)).exclude(series__source=Push.RECORDED.value)
    told = rows.exclude(series__name__in=OURS)
    return told.values_list("series__environment_id", flat=True).distinct()


def _newest(environment_id: int, *, since: float, until: float) -> float | None:
    """When the newest bucket of what is reported ended; never after `until`."""
    ids = list(_reported().filter(environment_id=environment_id).values_list("pk", flat=True))
    rows = Bucket.objects.filter(start__gte=int(since), start__lt=int(until), series_id__in=ids)
    start = rows.order_by("-start").values_list("start", flat=True).first()
    return None if start is None else min(float(start + BUCKET_SECONDS), until)


def _guarded(environment_id: int) -> bool:
    armed = Trigger.objects.filter(environment_id=environment_id, enabled=True, state=TriggerState.ARMED.value)
    on = flags.selectors.states().filter(environment_id=environment_id, enabled=True)
    return armed.exists() or on.exists()
