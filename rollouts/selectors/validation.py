"""Reads of validations."""

from __future__ import annotations

from django.db.models import QuerySet

from core.errors import NotFound
from rollouts.models import ValidationRun


def validations(environment: str | None = None) -> QuerySet[ValidationRun]:
    """All runs, newest first, with their environment; those of one when it is named."""
    found = ValidationRun.objects.select_related("environment").order_by("-started_at", "-pk")
    return found if environment is None else found.filter(environment__key=environment)


def validation(pk: int, *, environment: str | None = None) -> ValidationRun:
    """One run, or NotFound."""
    found = validations(environment).filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no validation {pk}{f' in {environment}' if environment else ''}.")
    return found
