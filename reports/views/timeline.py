"""The timeline: what happened, laid over the metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone
from django.utils.functional import cached_property

import monitoring.selectors
from core.errors import DomainError
from core.templatetags.history import kind_words, subject_key
from monitoring.admin import chart, explorer, spans
from monitoring.admin.spans import Span
from reports.domain.lanes import NAMES
from reports.selectors.timeline import MOST, timeline
from reports.templatetags.readings import path
from reports.views.page import Page

if TYPE_CHECKING:
    from core.models import Environment, Event
    from monitoring.models import Metric

USUAL = ("error_rate", "avg_response_time")
MOST_METRICS = 4
WIDTH, HEIGHT = 1000, 40


@dataclass(frozen=True, slots=True)
class Strip:
    """A further metric, drawn small on the same time: the path of each line, from `low` to `high`."""

    metric: Metric
    paths: list[str]
    low: float | None
    high: float | None


class TimelinePage(Page):
    """Everything stands in the address: environment, up to four metrics, lanes, and the time."""

    permission_required = ("monitoring.view_series", "core.view_event")
    title = "Timeline"
    template_name = "reports/timeline_page.html"
    live_template = "reports/timeline.html"

    def get_template_names(self) -> list[str]:
        return ["monitoring/points.html"] if "points" in self.request.GET else super().get_template_names()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if self.here is None:
            return super().get_context_data(**kwargs)
        now = timezone.now()
        span, trouble = self._span(now)
        start, end = span.bounds(now)
        drawn, strips, wrong = self._drawn(self.here, span, start, end, now)
        happened = timeline(self.here, start=start, end=end, words=_words, only=self.lanes)
        shown = [metric.key for metric in self.metrics]
        asked = urlencode({"environment": self.here.key, "metric": shown, "lane": self.lanes}, doseq=True)
        kwargs = {
            "chart": drawn,
            "strips": strips,
            "timeline": happened,
            "most": MOST,
            "most_metrics": MOST_METRICS,
            "trouble": trouble or wrong,
            "spans": spans.SPANS,
            "zoom": spans.around(span, now=now),
            "keep": f"{asked}&",
            "keep_places": f"&{urlencode({'metric': shown, 'lane': self.lanes}, doseq=True)}&{span.address}",
            "catalogue": self.catalogue,
            "chosen": shown,
            "all_lanes": NAMES,
            "chosen_lanes": self.lanes or list(NAMES),
            "begin": start,
            "end": end,
            **kwargs,
        }
        return super().get_context_data(**kwargs)

    @cached_property
    def catalogue(self) -> list[Metric]:
        return list(monitoring.selectors.catalogue())

    @cached_property
    def metrics(self) -> list[Metric]:
        """The metrics that are asked for, in the order of the address, the first four that there are."""
        known = {row.key: row for row in self.catalogue}
        asked = dict.fromkeys(self.request.GET.getlist("metric") or USUAL)
        return [known[key] for key in asked if key in known][:MOST_METRICS]

    @cached_property
    def lanes(self) -> list[str]:
        """The lanes that are asked for; none: all."""
        asked = set(self.request.GET.getlist("lane"))
        return [] if asked >= set(NAMES) else [key for key in NAMES if key in asked]

    def _span(self, now: datetime) -> tuple[Span, str]:
        kept = timedelta(days=settings.METRICS_1H_RETENTION_DAYS)
        try:
            return spans.asked(self.request.GET, now=now, kept=kept), ""
        except DomainError as error:
            return spans.DEFAULT, str(error)

    def _drawn(
        self, place: Environment, span: Span, start: int, end: int, now: datetime
    ) -> tuple[chart.Chart, list[Strip], str]:
        """The first metric as the explorer draws it, the others as strips, and what could not be computed."""
        found: list[list[chart.Line]] = []
        wrong = ""
        for metric in self.metrics:
            try:
                found.append(explorer.lines(place.key, metric.key, start=start, end=end, step=span.step, now=now))
            except DomainError as error:
                found.append([])
                wrong = f"{metric.title}: {error}"
        first = self.metrics[0] if self.metrics else None
        drawn = chart.Chart(
            title=first.title if first else "No metric",
            unit=first.unit if first else "",
            span=span,
            start=start,
            end=end,
            lines=found[0] if found else [],
            bands=chart.bands(first.unit, first.better, warning=first.warning, critical=first.critical)
            if first
            else (),
        )
        strips = [_strip(metric, lines, drawn) for metric, lines in zip(self.metrics[1:], found[1:], strict=True)]
        return drawn, strips, wrong


def _strip(metric: Metric, lines: list[chart.Line], drawn: chart.Chart) -> Strip:
    steps = range(drawn.start, drawn.end, drawn.span.step)
    rows = [[line.values.get(at) for at in steps] for line in lines]
    known = [value for row in rows for value in row if value is not None]
    if not known:
        return Strip(metric, [], None, None)
    low, high = min(known), max(known)
    return Strip(metric, [path(row, low, high, WIDTH, HEIGHT) for row in rows], low, high)


def _words(event: Event) -> str:
    """What happened, to what: `Rollout changed, atomicMeltOperations: 5 → 25 %`."""
    told = f"{kind_words(event.kind)}, {subject_key(event)}"
    before, after = event.before.get("percentage"), event.after.get("percentage")
    if isinstance(before, int | float) and isinstance(after, int | float) and before != after:
        return f"{told}: {before:g} → {after:g} %"
    return told
