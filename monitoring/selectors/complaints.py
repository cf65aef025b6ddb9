"""Reads of complaints: what the trigger counts, and the list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Count, QuerySet

from core import environments
from monitoring.models import Complaint

if TYPE_CHECKING:
    from core.models import Environment


class Made(NamedTuple):
    """A complaint as a window counts it: when it was made (unix seconds), and by whom."""

    at: float
    npub: str


def complaints() -> QuerySet[Complaint]:
    """All of them, newest first, with their environment."""
    return Complaint.objects.select_related("environment")


def distinct(environment_id: int, start: float, end: float, *, flag: str = "") -> int:
    """How many users complained from `start` to before `end`, unix seconds; with `flag` about that feature alone."""
    return _between(environment_id, start, end, flag).values("npub").distinct().count()


def made(environment_id: int, start: float, end: float, *, flag: str = "") -> list[Made]:
    """The complaints from `start` to before `end`, unix seconds, oldest first. One query, for many windows."""
    rows = _between(environment_id, start, end, flag).order_by("at", "pk").values_list("at", "npub")
    return [Made(at.timestamp(), npub) for at, npub in rows]


def users_by_environment(start: float, end: float) -> list[tuple[Environment, int]]:
    """Where somebody complained from `start` to before `end` (unix seconds), and how many users. Two queries."""
    moments = {"at__gte": datetime.fromtimestamp(start, UTC), "at__lt": datetime.fromtimestamp(end, UTC)}
    rows = Complaint.objects.filter(**moments).order_by().values("environment_id")
    users = dict(rows.annotate(users=Count("npub", distinct=True)).values_list("environment_id", "users"))
    return [(row, users[row.pk]) for row in environments.ordered().reverse() if row.pk in users]


def _between(environment_id: int, start: float, end: float, flag: str) -> QuerySet[Complaint]:
    moments = {"at__gte": datetime.fromtimestamp(start, UTC), "at__lt": datetime.fromtimestamp(end, UTC)}
    found = Complaint.objects.filter(environment_id=environment_id, **moments).order_by()
    return found.filter(flag_key=flag) if flag else found
