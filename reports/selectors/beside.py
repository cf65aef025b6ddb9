"""What a report takes from the apps that know it: KPIs, and what earlier reports asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import kpis.selectors
from core.errors import Invalid
from kpis.domain.trend import trend
from kpis.domain.words import STATUS, amount
from reports.domain.measures import Measured
from reports.domain.periods import Period
from reports.domain.sentences import short

if TYPE_CHECKING:
    from core.models import Environment


def measured(environment: Environment, spans: Sequence[Period]) -> list[Measured]:
    return []


def kpi_rows(environment: Environment, period: Period) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Each KPI over the days of the period, and those that have no figure, with why. Four queries."""
    try:
        board = kpis.selectors.board(environment.pk, start=period.start, end=period.end)
    except Invalid as error:
        return [], [{"what": "KPIs", "why": str(error)}]
    rows = [
        {
            "key": figure.key,
            "name": figure.definition.name,
            "group": figure.definition.group,
            "target": figure.target.text,
            "value": short(figure.value),
            "said": "no data" if figure.value is None else amount(figure.value, figure.target.unit),
            "status": figure.status.value,
            "standing": STATUS[figure.status],
            "n": figure.n,
            "trend": trend(figure, figure.before).sentence if figure.value is not None else "",
            "owner": figure.definition.owner,
        }
        for figure in board
    ]
    unknown = [{"what": f"KPI {each.definition.name}", "why": each.why} for each in board if each.value is None]
    return rows, unknown


def follow_up(environment: Environment, period: Period) -> list[dict[str, Any]]:
    return []
