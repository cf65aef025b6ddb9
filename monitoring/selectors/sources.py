"""Reads of the data sources."""

from __future__ import annotations

from django.db.models import QuerySet

from core.errors import NotFound
from monitoring.models import Source


def sources(environment: str | None = None) -> QuerySet[Source]:
    """All sources with their environment, in the order of environments and keys."""
    found = Source.objects.select_related("environment").order_by("environment__position", "key")
    return found if environment is None else found.filter(environment__key=environment)


def source(key: str, environment: str) -> Source:
    """One source, or NotFound."""
    found = sources(environment).filter(key=key).first()
    if found is None:
        raise NotFound(f"There is no data source {key!r} in environment {environment!r}.")
    return found
