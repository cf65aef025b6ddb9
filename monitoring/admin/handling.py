"""How well errors are handled: before enhancedErrorHandling was switched on, and now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django.http import Http404
from django.utils import timezone

from core import beside, environments
from core.admin.read_only import Screen
from core.moments import span
from core.templatetags.screen import number
from monitoring.domain.errors import HANDLING, Reduction, Resolution
from monitoring.domain.severity import Severity
from monitoring.selectors.errors import Effectiveness, ErrorMetrics, effectiveness

NOTHING = "–"


class Line(NamedTuple):
    """A number before and now, in words. `means` says how it is made."""

    name: str
    before: str
    now: str
    means: str


class HandlingPage(Screen):
    permission_required = "monitoring.view_errorepisode"
    template_name = "ops/base.html"
    live_template = "monitoring/handling_live.html"
    title = "Error handling"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        known = list(environments.ordered().reverse())
        key = self.request.GET.get("environment") or (known[0].key if known else "")
        here = next((row for row in known if row.key == key), None)
        if here is None:
            raise Http404(f"There is no environment {key}." if key else "There is no environment yet: load a playbook.")
        found = effectiveness(here.key, here.pk, now=timezone.now())
        return super().get_context_data(
            environments=known,
            here=here,
            found=found,
            handling=HANDLING,
            flag_url=beside.page_of(f"flag:{HANDLING}", here.key) if found.percentage else "",
            reduction=_reduction(found.reduction),
            tone=_tone(found.reduction),
            lines=lines(found),
            **kwargs,
        )


def lines(found: Effectiveness) -> Sequence[Line]:
    """The seed's errorMetrics, before and now."""
    before, now = found.before, found.now
    return [
        Line("Errors", _count(before), _count(now), "melt_errors_total; of several flags, the one with the most"),
        *(
            Line(f"of them {severity}", _severity(before, severity), _severity(now, severity), "by its label severity")
            for severity in Severity
        ),
        Line("Operations", _operations(before), _operations(now), "melt_operations_total, each melt once"),
        Line("Errors per 1,000 operations", _rate(before), _rate(now), "errors / operations"),
        Line("Resolution time, median", _lasted(before, 0), _lasted(now, 0), "from first seen to resolved"),
        Line("Resolution time, 9 in 10 within", _lasted(before, 1), _lasted(now, 1), "90th percentile"),
        Line("Resolved", _episodes(before), _episodes(now), "entries of the list of errors"),
    ]


def _count(metrics: ErrorMetrics | None) -> str:
    return NOTHING if metrics is None or metrics.total is None else f"{metrics.total:,}"


def _severity(metrics: ErrorMetrics | None, severity: Severity) -> str:
    return NOTHING if metrics is None or metrics.by_severity is None else f"{metrics.by_severity[severity]:,}"


def _operations(metrics: ErrorMetrics | None) -> str:
    return NOTHING if metrics is None else f"{metrics.operations:,.0f}"


def _rate(metrics: ErrorMetrics | None) -> str:
    return NOTHING if metrics is None or metrics.total is None else number(metrics.rate.per_thousand)


def _lasted(metrics: ErrorMetrics | None, place: int) -> str:
    found: Resolution | None = metrics.resolution if metrics else None
    return NOTHING if found is None else span(timedelta(seconds=found[place]))


def _episodes(metrics: ErrorMetrics | None) -> str:
    if metrics is None:
        return NOTHING
    return str(metrics.resolution.episodes) if metrics.resolution else "0"


def _reduction(found: Reduction | None) -> str:
    """`62 % fewer errors (95 %: 51 to 70)`."""
    if found is None:
        return ""
    if found.percent >= 0:
        return f"{found.percent:.0f} % (95 % interval: {found.least:.0f} to {found.most:.0f} %)"
    return f"{found.percent:.0f} %: more errors than before (95 % interval: {found.least:.0f} to {found.most:.0f} %)"


def _tone(found: Reduction | None) -> str:
    """Good or bad only where the interval leaves no doubt."""
    if found is None or found.least <= 0 <= found.most:
        return "mute"
    return "ok" if found.least > 0 else "bad"
