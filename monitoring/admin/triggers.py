"""Triggers: what the guard thinks, why one fired, and re-arming it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from core import beside, events
from core.admin.confirm import ConfirmView, Effect
from core.admin.read_only import ReadOnlyAdmin, Screen, person
from core.errors import NotFound
from monitoring import selectors
from monitoring.admin import chart, spans, verdicts, words
from monitoring.admin.trigger_form import PERMISSION, DefineView
from monitoring.domain.verdict import Measure, Target, TriggerState
from monitoring.models import Trigger
from monitoring.services import replaying, triggers
from monitoring.services.replaying import Replay

JUDGEMENTS = 12
HISTORY = 15


class TriggerScreen(Screen):
    """One trigger: its verdict, what the guard saw, and its history."""

    permission_required = "monitoring.view_trigger"
    template_name = "monitoring/trigger.html"
    live_template = "monitoring/trigger_live.html"

    def get_template_names(self) -> list[str]:
        return ["monitoring/points.html"] if "points" in self.request.GET else super().get_template_names()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        trigger, span = verdicts.find(self.kwargs["object_id"]), spans.chosen(self.request.GET.get("range"))
        self.title = trigger.name
        subject = f"trigger:{trigger.key}"
        measurements = (
            f"{reverse('admin:monitoring_series_changelist')}?environment__id__exact={trigger.environment_id}"
        )
        return super().get_context_data(
            view=verdicts.view(trigger, now=timezone.now()),
            trigger=trigger,
            rule=words.rule(trigger),
            target=words.target(trigger),
            does=words.does(trigger),
            told=words.detail(trigger),
            replay=_replay(trigger),
            selections=[
                (words.selection(chosen), f"{measurements}&q={chosen['metric']}")
                for chosen in (trigger.numerator, trigger.denominator)
                if chosen
            ],
            chart=_chart(trigger, span, timezone.now()),
            drawn_limit="100 %"
            if trigger.measure == Measure.CANARY
            else words.amount(trigger.measure, trigger.threshold),
            spans=spans.SPANS,
            judgements=[_told(trigger, row) for row in selectors.judgements(trigger.pk)[:JUDGEMENTS]],
            evidence=words.evidence(trigger),
            history=events.about(subject, environment_id=trigger.environment_id)[:HISTORY],
            flag_url=beside.page_of(f"flag:{trigger.flag_key}", trigger.environment.key) if trigger.flag_key else "",
            may_define=self.request.user.has_perm(PERMISSION),
            may_rearm=self.request.user.has_perm("monitoring.rearm_trigger"),
            **kwargs,
        )


def _chart(trigger: Trigger, span: spans.Span, now: datetime) -> chart.Chart:
    """The values that the guard judged; where a step holds several windows, the worst of them."""
    start, end = span.bounds(now)
    found = selectors.judged(trigger.pk, start=start, end=end, step=span.step)
    canary = trigger.measure == Measure.CANARY
    if canary:
        found = [_share_of_evidence(row) for row in found]
    line = chart.Line(
        "Evidence against it, of what is needed" if canary else trigger.name,
        {row.at: row.value for row in found},
        {row.at: row.samples for row in found},
        filled=_filled(found, span.step),
    )
    flag = trigger.flag_key if trigger.target == Target.FLAG else ""
    return chart.Chart(
        title=trigger.name,
        unit="%" if canary else words.UNIT[Measure(trigger.measure)],
        span=span,
        start=start,
        end=end,
        lines=[line],
        threshold={row.at: row.threshold for row in found},
        limit=100.0 if canary else trigger.threshold,
        marks=chart.marks(trigger.environment_id, flag, start=start, end=end),
    )


def _share_of_evidence(row: selectors.Judged) -> selectors.Judged:
    """Evidence multiplies, so it is drawn by its logarithm: 0 % is none, at 100 % it fires."""
    value = None if row.value is None else 100 * math.log(max(row.value, 1.0)) / math.log(row.threshold)
    return replace(row, value=value, threshold=100.0)


def _replay(trigger: Trigger) -> Replay | None:
    """The window that made it fire, judged again; None when it has not fired, or that is forgotten."""
    if trigger.state != TriggerState.LATCHED or not trigger.evidence:
        return None
    try:
        return replaying.of_firing(trigger)
    except NotFound:
        return None


def _filled(found: list[selectors.Judged], step: int) -> dict[int, float | None]:
    """The steps in the middle of a window that is longer than a step: its value holds there too."""
    filled: dict[int, float | None] = {}
    before = 0
    for row in found:
        begin = max(before, row.since // step * step) + step
        filled.update(dict.fromkeys(range(begin, row.at, step), row.value))
        before = row.at
    return filled


def _told(trigger: Trigger, row: Any) -> dict[str, Any]:
    return {
        "end": datetime.fromtimestamp(row.window_end, UTC),
        "length": row.window_end - row.window_start,
        "verdict": row.verdict,
        "value": words.amount(trigger.measure, row.value),
        "threshold": words.amount(trigger.measure, row.threshold),
        "samples": row.samples,
    }


class RearmView(ConfirmView):
    """Let a trigger that has fired guard again."""

    permission_required = "monitoring.rearm_trigger"

    @property
    def trigger(self) -> Trigger:
        return verdicts.find(self.kwargs["object_id"])

    def effect(self) -> Effect:
        row = self.trigger
        sentences = [
            f"{row.name} judges again from now on. {words.rule(row)}",
            "Nothing from before this moment counts: what made it fire cannot make it fire again.",
            "The flag it rolled back stays off, and its ramp stays held: enable or resume them yourself.",
        ]
        if row.cooldown:
            wait = words.seconds(row.cooldown)
            sentences.insert(1, f"It has a cool-down: in the next {wait} it judges and tells, and fires on nothing.")
        return Effect(f"Re-arm {row.name}", sentences, submit="Re-arm", environment=row.environment)

    def perform(self, values: dict[str, Any]) -> str:
        row = self.trigger
        triggers.rearm(
            row.key, row.environment.key, actor=person(self.request), reason=values["reason"], now=timezone.now()
        )
        return f"{row.name} in {row.environment} is armed again."

    def back(self) -> str:
        return reverse("admin:monitoring_trigger_change", args=[self.kwargs["object_id"]])


@admin.register(Trigger)
class TriggerAdmin(ReadOnlyAdmin):
    """The rules that roll back by themselves."""

    heading = "Triggers"
    list_display = ["title", "where", "armed", "says", "value_of", "judged", "guards"]
    list_filter = [
        ("environment", RelatedDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ("verdict", ChoicesDropdownFilter),
    ]
    list_filter_submit = True
    search_fields = ["key", "name", "flag_key"]
    ordering = ["-state", "-environment__position", "key"]  # what needs a person first

    class Media:
        css = {"all": ["monitoring/monitoring.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Trigger]:
        return selectors.triggers()

    @display(description="Trigger", ordering="name")
    def title(self, row: Trigger) -> str:
        return _cell("title", row)

    @display(description="Environment", ordering="environment__position")
    def where(self, row: Trigger) -> str:
        return _cell("where", row)

    @display(description="State", ordering="state")
    def armed(self, row: Trigger) -> str:
        return _cell("armed", row)

    @display(description="Last verdict", ordering="verdict")
    def says(self, row: Trigger) -> str:
        return _cell("says", row)

    @display(description="Value and threshold")
    def value_of(self, row: Trigger) -> str:
        return _cell("value", row)

    @display(description="Judged", ordering="judged_at")
    def judged(self, row: Trigger) -> str:
        return _cell("judged", row)

    @display(description="When it fires, it")
    def guards(self, row: Trigger) -> str:
        return words.does(row)

    def get_urls(self) -> list[URLPattern]:
        rearm = self.admin_site.admin_view(RearmView.as_view(model_admin=self))
        define = self.admin_site.admin_view(DefineView.as_view(model_admin=self))
        named = self.admin_site.admin_view(_by_key)
        return [
            path("of/<slug:environment>/<slug:key>/", named, name="monitoring_trigger_of"),
            path("<path:object_id>/define/", define, name="monitoring_trigger_define"),
            path("<path:object_id>/rearm/", rearm, name="monitoring_trigger_rearm"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return TriggerScreen.as_view(model_admin=self)(request, object_id=object_id)


def _by_key(request: HttpRequest, environment: str, key: str) -> HttpResponse:
    """The page of a trigger that is known by its key, as events know it."""
    if not request.user.has_perm("monitoring.view_trigger"):
        raise PermissionDenied
    try:
        row = selectors.trigger(key, environment)
    except NotFound as error:
        raise Http404(str(error)) from error
    return redirect("admin:monitoring_trigger_change", row.pk)


def _cell(name: str, row: Trigger) -> str:
    now = timezone.now()
    return render_to_string(
        "monitoring/trigger_cell.html", {"cell": name, "view": verdicts.view(row, now=now), "now": now}
    )
