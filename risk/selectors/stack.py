"""The assessments of a stretch of time, so few that they can be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db.models import OuterRef, Subquery

from risk.models import Score


def worst(environment: str, *, start: int, end: int, step: int) -> Mapping[int, Score]:
    """The assessment with the greatest score of each step, by the unix second at which the step begins.

    A step in which the risk was known at no time has its last assessment. `start` and `end` are unix seconds, end
    excluded; `step` is in seconds. Two queries.
    """
    bounds = (datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
    found = Score.objects.filter(environment__key=environment, at__gte=bounds[0], at__lt=bounds[1])
    chosen: dict[int, tuple[float, int]] = {}
    for pk, at, score in found.order_by("at").values_list("pk", "at", "score"):
        slot = int(at.timestamp()) // step * step
        candidate: Any = (-1.0 if score is None else score, pk)
        if slot not in chosen or candidate[0] >= chosen[slot][0]:
            chosen[slot] = candidate
    rows = Score.objects.in_bulk([pk for _, pk in chosen.values()])
    return {slot: rows[pk] for slot, (_, pk) in chosen.items() if pk in rows}


def newest() -> dict[int, Score]:
    """The newest assessment of each environment that has one, by the environment's id. One query."""
    last = Score.objects.filter(environment=OuterRef("environment")).order_by("-at").values("pk")[:1]
    return {row.environment_id: row for row in Score.objects.filter(pk=Subquery(last))}


def score(pk: int) -> Score | None:
    """One assessment with its environment."""
    return Score.objects.select_related("environment").filter(pk=pk).first()
