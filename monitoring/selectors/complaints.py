"""Reads of complaints: what the trigger counts, and the list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from django.db.models import QuerySet

from monitoring.models import Complaint


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


def _between(environment_id: int, start: float, end: float, flag: str) -> QuerySet[Complaint]:
    moments = {"at__gte": datetime.fromtimestamp(start, UTC), "at__lt": datetime.fromtimestamp(end, UTC)}
    found = Complaint.objects.filter(environment_id=environment_id, **moments).order_by()
    return found.filter(flag_key=flag) if flag else found
