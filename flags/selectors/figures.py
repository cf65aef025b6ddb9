"""What a monitoring system reads of the flags, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum

from flags.domain.acknowledging import MISSED
from flags.models import Configuration, Instance, Usage


@dataclass(frozen=True, slots=True)
class Serving:
    """An instance that has not stopped: what it serves, what it should, and whether it is heard of."""

    environment: str
    name: str
    kind: str
    version: int
    wanted: int
    alive: bool


@dataclass(frozen=True, slots=True)
class Given:
    """How often an answer was given."""

    environment: str
    flag: str
    variant: str
    reason: str
    source: str
    times: int


def serving(*, now: datetime) -> list[Serving]:
    """All instances that have not stopped in order."""
    rows = Instance.objects.filter(stopped_at=None).order_by("environment_id", "name")
    fields = ("environment__key", "name", "kind", "version", "environment__configuration__version")
    return [
        Serving(environment, name, kind, version, wanted, now - seen_at <= MISSED * timedelta(seconds=interval))
        for environment, name, kind, version, wanted, seen_at, interval in rows.values_list(
            *fields, "seen_at", "interval"
        )
    ]


def given(since: datetime) -> Iterator[Given]:
    """How often each answer was given since then."""
    fields = ("environment__key", "flag_key", "variant", "reason", "source")
    rows = Usage.objects.filter(at__gte=since).order_by().values_list(*fields)
    return (Given(*row) for row in rows.annotate(times=Sum("count")))


def changes() -> list[tuple[str, int, datetime]]:
    """The version of each environment's configuration, and when it was made."""
    rows = Configuration.objects.order_by("environment__position")
    return list(rows.values_list("environment__key", "version", "changed_at"))
