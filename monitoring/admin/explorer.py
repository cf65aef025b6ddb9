"""The explorer: any metric of the catalogue, or any expression, over time."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property

from core import environments
from core.admin.read_only import Screen
from core.errors import DomainError
from core.exporting import safe
from monitoring import selectors
from monitoring.admin import chart, spans
from monitoring.models import Metric
from monitoring.services import promql

if TYPE_CHECKING:
    from core.models import Environment

MOST_LINES = 8
WEEK = 7 * 86_400
HIDDEN = ("__name__", "source")


class ExplorerPage(Screen):
    """What is shown stands in the address: environment, metric or expr, range, and compare."""

    permission_required = "monitoring.view_series"
    template_name = "monitoring/explorer.html"
    live_template = "monitoring/explorer_live.html"
    title = "Explorer"

    def get_template_names(self) -> list[str]:
        return ["monitoring/points.html"] if "points" in self.request.GET else super().get_template_names()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "csv" not in request.GET:
            return super().get(request, *args, **kwargs)
        drawn, trouble = self._draw()
        if trouble:
            raise Http404(trouble)
        rows = [
            (row.at.isoformat(), label, "" if value is None else value)
            for row in drawn.rows()
            for label, value, _ in row.cells
        ]
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="measurements.csv"'
        writer = csv.writer(response)
        writer.writerow(("from", "series", drawn.unit or "value"))
        writer.writerows((at, safe(label), value) for at, label, value in rows)
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        drawn, trouble = self._draw()
        given = self.request.GET
        asked = {name: given[name] for name in ("environment", "metric", "expr", "compare", "step") if name in given}
        return super().get_context_data(
            environments=self.known,
            here=self.here,
            metrics=self.metrics,
            chosen=self.metric,
            expr=self.expr,
            trouble=trouble,
            chart=drawn,
            spans=spans.SPANS,
            steps=spans.STEPS,
            step=given.get("step", ""),
            asked=asked,
            begin=given.get("from", "") if trouble else _local(drawn.start),
            end=given.get("to", "") if trouble else _local(drawn.end),
            zoom=spans.around(drawn.span, now=timezone.now()),
            keep=f"{urlencode(asked)}&" if asked else "",
            compare="compare" in self.request.GET,
            latest=_latest(drawn),
            **kwargs,
        )

    @cached_property
    def known(self) -> list[Environment]:
        return list(environments.ordered().reverse())

    @cached_property
    def here(self) -> Environment:
        key = self.request.GET.get("environment") or (self.known[0].key if self.known else "")
        found = next((row for row in self.known if row.key == key), None)
        if found is None:
            raise Http404(f"There is no environment {key}." if key else "There is no environment yet: load a playbook.")
        return found

    @cached_property
    def metrics(self) -> list[Metric]:
        return list(selectors.catalogue())

    @cached_property
    def metric(self) -> Metric | None:
        """The metric of the catalogue that is shown; None while an expression is."""
        if self.request.GET.get("expr", "").strip():
            return None
        key = self.request.GET.get("metric")
        return next((row for row in self.metrics if row.key == key), self.metrics[0] if self.metrics else None)

    @property
    def expr(self) -> str:
        return self.request.GET.get("expr", "").strip() or (self.metric.key if self.metric else "")

    def _draw(self) -> tuple[chart.Chart, str]:
        """The chart, and what is wrong with the expression; an empty chart then."""
        now, span, lines, trouble = timezone.now(), spans.DEFAULT, [], ""
        try:
            kept = timedelta(days=settings.METRICS_1H_RETENTION_DAYS)
            span = spans.asked(self.request.GET, now=now, kept=kept)
            lines = self._lines(*span.bounds(now), span.step)
        except DomainError as error:
            trouble = str(error)
        start, end = span.bounds(now)
        metric = self.metric
        drawn = chart.Chart(
            title=metric.title if metric else self.expr,
            unit=metric.unit if metric else "",
            span=span,
            start=start,
            end=end,
            lines=lines,
            bands=chart.bands(metric.unit, metric.better, warning=metric.warning, critical=metric.critical)
            if metric
            else (),
            marks=chart.marks(self.here.pk, "", start=start, end=end),
        )
        return drawn, trouble

    def _lines(self, start: int, end: int, step: int) -> list[chart.Line]:
        if not self.expr:
            return []
        now = timezone.now()
        found = lines(self.here.key, self.expr, start=start, end=end, step=step, now=now)
        if "compare" in self.request.GET:
            before = lines(self.here.key, self.expr, start=start - WEEK, end=end - WEEK, step=step, now=now, later=WEEK)
            found += [replace(one, label=f"{one.label}, a week before", main=False) for one in before]
        return found


def lines(
    environment: str, expr: str, *, start: int, end: int, step: int, now: datetime, later: int = 0
) -> list[chart.Line]:
    """The first eight series of an expression as lines of a chart.

    Args:
        start, end, step: unix seconds and seconds, as a span's bounds.
        later: by how many seconds the values are moved on, to lie beside those of another time.

    Raises Invalid for an expression that cannot be computed.
    """
    at = now.timestamp()
    last = min(end, int(at - 3) // 10 * 10)
    found = promql.over(environment, expr, start=start + step, end=last, step=step, now=at)
    chosen = sorted(found, key=lambda one: sorted(one.labels.items()))[:MOST_LINES]
    return [chart.Line(_label(one.labels), _values(one, step, later), {}) for one in chosen]


def _local(at: int) -> str:
    """As a field of the form takes it."""
    return f"{datetime.fromtimestamp(at, timezone.get_current_timezone()):%Y-%m-%dT%H:%M}"


def _label(labels: Mapping[str, str]) -> str:
    shown = [f"{name}={value}" for name, value in sorted(labels.items()) if name not in HIDDEN]
    return ", ".join(shown) or "value"


def _values(drawn: promql.Drawn, step: int, later: int = 0) -> dict[int, float | None]:
    """By the start of the step that a value stands at the end of."""
    return {int(at) - step + later: value for at, value in drawn.points}


def _latest(drawn: chart.Chart) -> tuple[datetime, float] | None:
    """When the newest value is from, and what it is."""
    ours = [line for line in drawn.lines if line.main]
    at = max((at for line in ours for at in line.values), default=None)
    if at is None:
        return None
    value = next(line.values[at] for line in ours if at in line.values)
    return datetime.fromtimestamp(at + drawn.span.step, UTC), value or 0.0
