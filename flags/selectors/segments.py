"""The segments that targeting rules share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flags.models import Segment

if TYPE_CHECKING:
    from django.db.models import QuerySet


def segments(environment: str) -> QuerySet[Segment]:
    """The segments of an environment, in the order of their keys."""
    return Segment.objects.filter(environment__key=environment).select_related("environment").order_by("key")
