"""What a report takes from the apps that know it: satisfaction, KPIs, and what earlier reports asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reports.domain.measures import Measured
from reports.domain.periods import Period

if TYPE_CHECKING:
    from core.models import Environment


def measured(environment: Environment, spans: Sequence[Period]) -> list[Measured]:
    return []


def kpis(environment: Environment, period: Period) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    return [], []


def follow_up(environment: Environment, period: Period) -> list[dict[str, Any]]:
    return []
