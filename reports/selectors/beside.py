"""What a report takes from the apps that know it: satisfaction, KPIs, and what earlier reports asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from django.db.models import Q

import kpis.selectors
from core.errors import Invalid
from improvement.domain.actions import is_overdue
from improvement.selectors import actions, feedback
from kpis.domain.trend import trend
from kpis.domain.words import STATUS, amount
from reports.domain.comparison import Day
from reports.domain.measures import Measured
from reports.domain.periods import Period
from reports.domain.sentences import listed, short
from reports.models import Report

if TYPE_CHECKING:
    from core.models import Environment

ORIGIN = "report"
MOST_ITEMS = 100


def measured(environment: Environment, spans: Sequence[Period]) -> list[Measured]:
    """How satisfied users were on each day of the spans that one of them answered. A query for each day."""
    days = [tuple(_satisfied(environment.pk, *edges) for edges in pairwise(span.edges())) for span in spans]
    return [Measured.daily("satisfaction", days, why="" if any(days[0]) else "nobody answered a survey")]


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
    unknown = [figure.definition.name for figure in board if figure.value is None]
    return rows, [{"what": "KPIs", "why": f"no data for {listed(unknown)}"}] if unknown else []


def follow_up(environment: Environment, period: Period) -> list[dict[str, Any]]:
    """What earlier reports of the environment asked for: all that was open when the period began, or opened in it.

    The state is the one at the end of the period, so that a report made later says the same.
    """
    earlier = Report.objects.filter(environment=environment, start__lt=period.start).values_list("pk", flat=True)
    origins = [f"{ORIGIN}:{number}" for number in earlier]
    live = Q(closed_at=None) | Q(closed_at__gte=period.start)
    rows = actions.of_origins(ORIGIN).filter(live, origin__in=origins, opened_at__lt=period.end)
    last = (period.end - timedelta(seconds=1)).astimezone(period.clock).date()
    found = []
    for row in rows.order_by("due", "pk")[:MOST_ITEMS]:
        closed = row.closed_at is not None and row.closed_at < period.end
        state = row.state if closed else "overdue" if is_overdue("open", row.due, today=last) else "open"
        note = row.outcome if closed else ""
        told = {"item": row.pk, "title": row.title, "owner": row.owner, "due": row.due.isoformat()}
        found.append({**told, "state": state, "note": note[:200]})
    return found


def _satisfied(environment_id: int, start: int, end: int) -> Day | None:
    since, until = (datetime.fromtimestamp(at, UTC) for at in (start, end))
    mean, n = feedback.satisfaction(start=since, end=until, environment_id=environment_id)
    return None if mean is None else Day(mean * n, n, n)
