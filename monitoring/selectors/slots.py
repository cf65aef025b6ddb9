"""Time cut into steps, by the database."""

from __future__ import annotations

from django.db.models import BigIntegerField, ExpressionWrapper, F
from django.db.models.expressions import CombinedExpression


def slot(field: str, step: int) -> ExpressionWrapper[CombinedExpression]:
    """The start of the step in which `field` (unix seconds) lies; `step` is in seconds."""
    return ExpressionWrapper(F(field) - F(field) % step, output_field=BigIntegerField())
