"""One KPI: what it is, how it stands, how it went, and what it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from core import events
from core.admin.read_only import Screen
from kpis.admin import places, words
from kpis.domain.definition import Definition, Measure
from kpis.domain.figure import Figure
from kpis.domain.formula import SOURCES, formula, promql
from kpis.domain.target import Better
from kpis.domain.words import amount
from kpis.selectors import delivery, figures, outside
from kpis.selectors.registry import definition_of
from monitoring.admin.chart import Band, Chart, Line
from monitoring.admin.spans import Span

if TYPE_CHECKING:
    from core.models import Environment

DAY = 86_400
SPANS = tuple(
    Span(f"{days}d", label, days * DAY, DAY, 0) for days, label in ((28, "28 days"), (92, "92 days"), (366, "1 year"))
)
USUAL = SPANS[1]
HISTORY, MOST_ROWS = 10, 50
NEAR = 95  # percent
FROM_WINDOW, CUT = "Each over the window that ends with the day.", " The scale does not begin at 0."


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day of the table."""

    day: date
    shown: words.Shown


class DaysChart(Chart):
    """A point for each day of a calendar, laid at midnight UTC, so that it is labelled as that day everywhere."""

    def as_json(self) -> dict[str, Any]:
        return {**Chart.as_json(self), "zone": "UTC", "near": near_all(self.bands)}


def near_all(bands: Sequence[Band]) -> bool:
    """Whether the target is so near to everything that a scale from 0 on would show nothing."""
    return any(band.high is not None and band.high >= NEAR for band in bands)


class KpiPage(Screen):
    permission_required = places.VIEW
    template_name = "kpis/kpi.html"
    live_template = "kpis/kpi_live.html"

    def get_template_names(self) -> list[str]:
        return ["kpis/points.html"] if "points" in self.request.GET else super().get_template_names()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, where = timezone.now(), places.find_environment(self.kwargs["where"])
        definition = definition_of(places.find_kpi(self.kwargs["kpi"]))
        self.title = f"{definition.name} in {where}"
        chosen = self.request.GET.get("range")
        span = next((one for one in SPANS if one.key == chosen), USUAL)
        line = figures.history(where, definition, days=span.seconds // DAY, now=now)
        chart = _chart(definition, line, span)
        figure = figures.standing(where, definition, now=now)
        return super().get_context_data(
            now=now,
            environment_row=where,
            tabs=places.tabs(lambda key: places.page(key, definition.key)),
            definition=definition,
            row=words.shown(figure),
            formula=formula(definition),
            promql=promql(definition),
            explore=_explore(where, definition),
            source=SOURCES[definition.measure],
            chart=chart,
            chart_note=FROM_WINDOW + (CUT if near_all(chart.bands) else ""),
            spans=SPANS,
            days=[DayRow(day, words.shown(each)) for day, each in reversed(line)],
            evidence=evidence(where, definition, figure),
            from_outside=definition.measure.from_outside,
            may_report=self.request.user.has_perm(places.REPORT),
            board=places.board(where.key),
            history=events.about(f"kpi:{definition.key}")[:HISTORY],
            **kwargs,
        )


def evidence(where: Environment, definition: Definition, figure: Figure) -> dict[str, Any]:
    """What the figure is made of, as far as it can be listed."""
    if definition.measure.from_outside:
        return {"reported": outside.reported(where.pk, definition.key)[:MOST_ROWS]}
    if definition.measure in (Measure.DEPLOYMENTS, Measure.FAILURES):
        found = delivery.delivery(where, figure.period)
        only = found.failed if definition.measure is Measure.FAILURES else found.deployments
        return {"deployments": list(reversed(only))[:MOST_ROWS], "all": len(found.deployments)}
    if definition.measure is Measure.RESTORE:
        return {"restored": list(reversed(delivery.restored(where, figure.period)))[:MOST_ROWS]}
    return {}


def _explore(where: Environment, definition: Definition) -> str:
    query = urlencode({"expr": promql(definition), "environment": where.key})
    return f"{reverse('admin:monitoring_explore')}?{query}"


def _chart(definition: Definition, line: list[tuple[date, Figure]], span: Span) -> Chart:
    starts = [int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) for day, _ in line]
    values = {at: figure.value for at, (_, figure) in zip(starts, line, strict=True)}
    counts = {at: figure.n for at, (_, figure) in zip(starts, line, strict=True)}
    target = definition.target
    lower = target.better is Better.LOWER
    low, high = (target.number, None) if lower else (None, target.number)
    band = Band(low, high, "bad", f"not met: {'above' if lower else 'below'} {amount(target.number, target.unit)}")
    return DaysChart(
        title=definition.name,
        unit=target.unit,
        span=span,
        start=starts[0],
        end=starts[-1] + DAY,
        lines=[Line(definition.name, values, counts)],
        bands=[band],
    )
