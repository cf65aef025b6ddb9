"""Reads of the risk."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from core.errors import NotFound
from risk.models import Risk, Score


def latest(environment: str) -> Score | None:
    """The newest assessment of an environment."""
    return Score.objects.filter(environment__key=environment).order_by("-at").first()


def history(environment: str, *, since: datetime) -> QuerySet[Score]:
    """Its assessments since then, oldest first."""
    return Score.objects.filter(environment__key=environment, at__gte=since).order_by("at")


def register() -> QuerySet[Risk]:
    """All risks, in the order in which they were registered."""
    return Risk.objects.order_by("pk")


def risk(key: str) -> Risk:
    """One risk, or NotFound."""
    found = register().filter(key=key).first()
    if found is None:
        raise NotFound(f"There is no risk {key!r} in the register.")
    return found
