"""Reads of the instances that evaluate flags."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Min, Q, QuerySet

from flags.domain.acknowledging import Reach, Standing, reach
from flags.models import Instance

_FIELDS = ("name", "kind", "software", "version", "interval", "started_at", "seen_at", "stopped_at")


def instances(environment: str) -> QuerySet[Instance]:
    """Those that have told of themselves in the last week, also stopped and vanished ones."""
    return Instance.objects.filter(environment__key=environment).order_by("kind", "name")


def acknowledged(environment: str, version: int, changed_at: datetime, *, now: datetime) -> Reach:
    """How far the configuration version that was made at `changed_at` has come, in one query.

    Instances that were last heard of more than a week ago are forgotten.
    """
    later = Q(acknowledgements__version__gte=version)
    rows = instances(environment).annotate(served_at=Min("acknowledgements__at", filter=later))
    return reach(_standings(rows.values_list(*_FIELDS, "served_at")), changed_at=changed_at, now=now)


def _standings(rows: Iterable[tuple[object, ...]]) -> Iterable[Standing]:
    return (Standing(*row) for row in rows)  # type: ignore[arg-type]  # the fields in their order
