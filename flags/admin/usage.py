"""How a flag is used in one environment: the tab of its page with the seed's dashboard, counted and measured."""

from __future__ import annotations

import json
from typing import Any

from django.utils import timezone

from core import beside
from flags.admin import words
from flags.admin.flag_page import FlagScreen
from flags.selectors.instances import acknowledged, instances
from flags.selectors.usage import SERVED_NOTHING, SPANS, Counted, counted

COLOURS = ("primary-600", "orange-500", "green-600", "blue-500", "red-600")
QUIET = {"off": "base-400", SERVED_NOTHING: "base-300"}
GREY = "#8a8f9c"  # readable on both grounds
TOLD = 50  # instances


class UsageTab(FlagScreen):
    """Counts of the chosen span, what other apps measured of the flag, and who serves its last change."""

    template_name = "flags/usage.html"
    tab = "usage"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, state = timezone.now(), self.state
        where = state.environment
        span = SPANS.get(self.request.GET.get("span", ""), SPANS["24h"])
        found = counted(where.pk, state.flag.key, span, now=now)
        reach = acknowledged(where.key, state.configuration, state.changed_at, now=now) if state.configuration else None
        asked = getattr(state, "asked", None)
        rows = list(instances(where.key).filter(stopped_at=None)[: TOLD + 1])
        return super().get_context_data(
            spans=SPANS.values(),
            counted=found,
            chart=json.dumps(chart(found)),
            options=json.dumps(OPTIONS),
            points=_points(found),
            asked=asked.at if asked else None,
            asked_ago=words.ago(asked.at, now=now) if asked else "never",
            figures=beside.flag_figures(state.flag.key, where.key, now=now),
            reach=reach,
            instances=rows[:TOLD],
            more_instances=max(0, len(rows) - TOLD),
            **{"now": now, **kwargs},
        )


def chart(found: Counted) -> dict[str, Any]:
    """What Unfold's bar chart reads: one stack for each step, one colour for each variant."""
    loud = [variant for variant in found.variants if variant not in QUIET]
    colours = {variant: COLOURS[at % len(COLOURS)] for at, variant in enumerate(loud)} | QUIET
    form = {"minute": "%H:%M", "hour": "%a %H:%M", "day": "%d %b"}[found.span.down_to]
    return {
        "labels": [timezone.localtime(step).strftime(form) for step in found.steps],
        "datasets": [
            {"label": variant, "data": counts, "backgroundColor": f"var(--color-{colours[variant]})"}
            for variant, counts in found.variants.items()
        ],
    }


def _points(found: Counted) -> list[tuple[Any, list[int]]]:
    """The chart as a table, newest first, without the steps in which nobody asked."""
    rows = [(step, [counts[at] for counts in found.variants.values()]) for at, step in enumerate(found.steps)]
    return [row for row in reversed(rows) if any(row[1])]


OPTIONS = {
    "animation": False,
    "responsive": True,
    "maintainAspectRatio": False,
    "maxBarThickness": 28,
    "plugins": {
        "legend": {
            "display": True,
            "align": "end",
            "labels": {"color": GREY, "boxWidth": 8, "boxHeight": 8, "usePointStyle": True, "pointStyle": "circle"},
        }
    },
    "interaction": {"mode": "index", "intersect": False},
    "scales": {
        "x": {
            "stacked": True,
            "grid": {"display": False},
            "ticks": {"color": GREY, "maxRotation": 0, "autoSkipPadding": 16},
        },
        "y": {
            "stacked": True,
            "beginAtZero": True,
            "border": {"display": False},
            "grid": {"color": GREY},
            "ticks": {"color": GREY, "precision": 0, "maxTicksLimit": 6},
        },
    },
}
