"""Measurements: what has been reported, and a chart of each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.db.models import FloatField, IntegerField, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from core.admin.read_only import ReadOnlyAdmin, Screen
from core.errors import NotFound
from core.templatetags.screen import number
from monitoring import selectors
from monitoring.admin import chart, spans, words
from monitoring.admin.explorer import ExplorerPage
from monitoring.domain.metrics import BUCKET_SECONDS, MetricKind
from monitoring.domain.verdict import Measure
from monitoring.models import Bucket, Series

MOST_LINES = 8


class SeriesScreen(Screen):
    """The chart of one series, beside the others of its metric."""

    permission_required = "monitoring.view_series"
    template_name = "monitoring/series.html"
    live_template = "monitoring/series_live.html"

    def get_template_names(self) -> list[str]:
        return ["monitoring/points.html"] if "points" in self.request.GET else super().get_template_names()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        series, span = _find(self.kwargs["object_id"]), spans.chosen(self.request.GET.get("range"))
        self.title = f"Chart of {series.name}"
        start, end = span.bounds(now)
        watching = [row for row in selectors.triggers(series.environment.key) if _watches(row, series)]
        limits = [row.threshold for row in watching if row.measure == Measure.MEAN]
        drawn = _chart(series, span, start, end, limit=min(limits, default=None))
        return super().get_context_data(
            series=series,
            chart=drawn,
            spans=spans.SPANS,
            watching=watching,
            limit=words.amount(Measure.MEAN, drawn.limit),
            latest=_latest(drawn),
            **kwargs,
        )


def _find(object_id: str) -> Series:
    try:
        return selectors.one_series(int(object_id))
    except (ValueError, OverflowError, NotFound) as error:
        raise Http404(str(error)) from error


def _family(series: Series) -> list[Series]:
    """This series first, then the others of its metric that are about the same flag."""
    others = selectors.series(series.environment.key).filter(name=series.name).exclude(pk=series.pk)
    flag = series.labels.get("flag")
    return [series, *(row for row in others[: 4 * MOST_LINES] if row.labels.get("flag") == flag)][:MOST_LINES]


def _chart(series: Series, span: spans.Span, start: int, end: int, *, limit: float | None) -> chart.Chart:
    family = _family(series)
    found = selectors.lines([row.pk for row in family], start=start, end=end, step=span.step)
    drawn = []
    for row in family:
        sums = found[row.pk]
        values = {at: _value(row.kind, total, span.step) for at, total in sums.items()}
        label = ", ".join(f"{key}={value}" for key, value in sorted(row.labels.items()) if key != "flag") or row.name
        drawn.append(chart.Line(label, values, {at: s.samples for at, s in sums.items()}, main=row.pk == series.pk))
    flag = str(series.labels.get("flag", ""))
    return chart.Chart(
        title=words.series_name(series),
        unit=words.KIND_UNIT[MetricKind(series.kind)],
        span=span,
        start=start,
        end=end,
        lines=drawn,
        limit=limit,
        marks=chart.marks(series.environment_id, flag, start=start, end=end),
    )


def _value(kind: str, sums: selectors.Sums, step: int) -> float:
    """The mean of a timing or a gauge; a counter as so many per minute, so that steps of any length compare."""
    if kind != MetricKind.COUNTER:
        return sums.total / sums.samples if sums.samples else 0.0
    return sums.total * 60 / step


def _latest(drawn: chart.Chart) -> tuple[datetime, float, int] | None:
    """The newest step of the page's own line that is complete."""
    line = drawn.lines[0]
    whole = [at for at in line.values if at + drawn.span.step < drawn.end] or list(line.values)
    if not whole:
        return None
    at = max(whole)
    return datetime.fromtimestamp(at, UTC), line.values[at] or 0.0, line.samples[at]


def _watches(trigger: Any, series: Series) -> bool:
    return any(
        chosen.get("metric") == series.name
        and all(series.labels.get(key) == value for key, value in (chosen.get("labels") or {}).items())
        for chosen in (trigger.numerator, trigger.denominator)
        if chosen
    )


@admin.register(Series)
class SeriesAdmin(ReadOnlyAdmin):
    """What has been reported."""

    heading = "Measurements"
    list_display = ["metric", "where", "source", "what", "last_value", "last_seen"]
    list_filter = [
        ("environment", RelatedDropdownFilter),
        ("kind", ChoicesDropdownFilter),
    ]
    list_filter_submit = True
    search_fields = ["name", "labels"]
    list_before_template = "monitoring/series_intro.html"
    ordering = ["name", "id"]

    class Media:
        css = {"all": ["monitoring/monitoring.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Series]:
        """Each with its newest bucket, found by the index."""
        newest = Bucket.objects.filter(series_id=OuterRef("pk")).order_by("-start")
        return selectors.series().annotate(
            newest_start=Subquery(newest.values("start")[:1], output_field=IntegerField()),
            newest_sum=Subquery(newest.values("sum")[:1], output_field=FloatField()),
            newest_n=Subquery(newest.values("n")[:1], output_field=IntegerField()),
        )

    def get_urls(self) -> list[URLPattern]:
        explorer = self.admin_site.admin_view(ExplorerPage.as_view(model_admin=self))
        return [path("explore/", explorer, name="monitoring_explore"), *super().get_urls()]

    @display(description="Measurement", ordering="name")
    def metric(self, row: Series) -> str:
        return render_to_string("monitoring/series_name.html", {"series": row})

    @display(description="Environment", ordering="environment__position")
    def where(self, row: Series) -> str:
        return render_to_string("monitoring/where.html", {"environment_row": row.environment})

    @display(description="Kind", ordering="kind")
    def what(self, row: Series) -> str:
        return row.kind

    @display(description="Last value")
    def last_value(self, row: Any) -> str:
        if row.newest_start is None:
            return "–"
        if row.kind != MetricKind.COUNTER:
            unit = " ms" if row.kind == MetricKind.TIMING else ""
            return f"{number(row.newest_sum / max(row.newest_n, 1))}{unit}"
        return f"{number(row.newest_sum)} in {BUCKET_SECONDS} s"

    @display(description="Reported")
    def last_seen(self, row: Any) -> str:
        now, start = timezone.now(), row.newest_start
        # The newest bucket may still be filling: nothing is reported in the future.
        at = None if start is None else min(now, datetime.fromtimestamp(start + BUCKET_SECONDS, UTC))
        return render_to_string("monitoring/seen.html", {"at": at, "now": now})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return SeriesScreen.as_view(model_admin=self)(request, object_id=object_id)
