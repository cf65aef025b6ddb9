"""What is counted and told grows coarser with its age, and is forgotten in the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet, Sum

from flags.domain.acknowledging import KEPT
from flags.models import Acknowledgement, Instance, SeenUnit, Usage
from flags.models.usage import Addition

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FINE = timedelta(days=2)  # as long as usage is kept by five minutes
BY_HOUR = timedelta(days=14)  # as long as it is kept by hours; by days after that
_AT_ONCE = 5_000


def roll_up(*, now: datetime) -> int:
    """Join what is older than two days to hours, and what is older than two weeks to days. How many rows are gone.

    A period is joined in one transaction of its own, so that nobody waits for long and nothing is counted twice.
    """
    return _join(DAY, now - BY_HOUR) + _join(HOUR, now - FINE)


def prune(*, now: datetime, usage: timedelta, units: int) -> dict[str, int]:
    """Forget old usage, all but the newest npubs of each environment, and instances that have not told for a week."""
    acknowledged = Acknowledgement.objects.filter(at__lt=now - KEPT)
    return {
        "usage": _delete(Usage.objects.filter(at__lt=now - usage)),
        "units": sum(_forget_units(pk, units) for pk in _environments()),
        "instances": Instance.objects.filter(seen_at__lt=now - KEPT).delete()[0],
        "acknowledgements": _delete(acknowledged.exclude(version=F("instance__version"))),
    }


def _join(period: timedelta, before: datetime) -> int:
    """Give each whole period before this time one row in place of many."""
    oldest = Usage.objects.order_by("at").values_list("at", flat=True).first()
    if oldest is None:
        return 0
    joined, start = 0, _floor(oldest, period)
    while start + period <= before:
        joined += _join_one(start, start + period)
        start += period
    return joined


@transaction.atomic
def _join_one(start: datetime, end: datetime) -> int:
    rows = Usage.objects.filter(at__gt=start, at__lt=end)  # what begins with the period is where the others go
    sums = rows.order_by().values_list("environment_id", "flag_key", "variant", "reason", "source")
    additions = [
        Addition(where, key, variant, reason, source, start, times)
        for where, key, variant, reason, source, times in sums.annotate(times=Sum("count"))
    ]
    if not additions:
        return 0
    Usage.objects.add(additions)
    return rows.delete()[0]


def _floor(moment: datetime, period: timedelta) -> datetime:
    """The start of the period in UTC."""
    return datetime.fromtimestamp(moment.timestamp() // period.total_seconds() * period.total_seconds(), UTC)


def _environments() -> list[int]:
    return list(SeenUnit.objects.order_by().values_list("environment_id", flat=True).distinct())


def _forget_units(environment_id: int, most: int) -> int:
    seen = SeenUnit.objects.filter(environment_id=environment_id).order_by("-seen_on", "-id")
    return _delete(seen, beyond=most)


def _delete(rows: QuerySet, *, beyond: int = 0) -> int:  # type: ignore[type-arg]  # of any model
    """Delete all but the first so many. Each statement commits by itself: the database is never held for long."""
    done = 0
    while some := list(rows.values_list("pk", flat=True)[beyond : beyond + _AT_ONCE]):
        done += rows.model.objects.filter(pk__in=some).delete()[0]
    return done
