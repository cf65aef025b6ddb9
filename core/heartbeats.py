"""The parts that work on their own say that they live."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from core.models import Heartbeat


def beat(name: str, *, now: datetime) -> None:
    """Note that the part finished a round at `now`."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": now})


def last() -> dict[str, datetime]:
    """Name of each part that ever beat, and when it last did."""
    return dict(every())


def every() -> QuerySet[Heartbeat, tuple[str, datetime]]:
    """The pairs of `last`."""
    return Heartbeat.objects.values_list("name", "at")
