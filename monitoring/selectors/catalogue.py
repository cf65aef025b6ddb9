"""Reads of the catalogue."""

from __future__ import annotations

from django.db.models import QuerySet

from monitoring.models import Metric


def catalogue() -> QuerySet[Metric]:
    """All metrics, in the order of the playbook."""
    return Metric.objects.order_by("position", "key")
