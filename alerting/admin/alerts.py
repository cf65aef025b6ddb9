"""Alerts: what fires, one of them with its history, and what people do about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import Http404, HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from alerting import selectors
from alerting.admin import words
from alerting.admin.matchers import as_text, from_text
from alerting.domain.states import AlertState, Via
from alerting.models import Alert
from alerting.services import alerts
from core import beside
from core.admin.confirm import ConfirmView, Effect, ReasonForm
from core.admin.read_only import ReadOnlyAdmin, Screen, person
from core.errors import NotFound
from core.templatetags.screen import action, environment, number

PERMISSION = "alerting.acknowledge_alert"
DURATIONS = [(1, "1 hour"), (4, "4 hours"), (24, "1 day"), (72, "3 days"), (168, "1 week"), (720, "30 days")]
EARLIER = 10


def find(pk: int) -> Alert:
    try:
        return selectors.alert(pk)
    except NotFound as error:
        raise Http404(str(error)) from error


class AlertPage(Screen):
    permission_required = "alerting.view_alert"
    template_name = "ops/base.html"
    live_template = "alerting/alert_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        alert = find(self.kwargs["pk"])
        self.title = alert.name
        may = self.request.user.has_perm(PERMISSION)
        same = selectors.alerts(alert.environment.key).filter(fingerprint=alert.fingerprint).exclude(pk=alert.pk)
        open_ = alert.state != AlertState.RESOLVED
        return super().get_context_data(
            alert=alert,
            severity=words.severity(alert.severity),
            standing=words.standing(alert),
            labels=words.labels(alert.labels),
            via=words.VIAS[alert.via],
            runbook=alert.annotations.get("runbook_url", ""),
            texts=[(name, text) for name, text in sorted(alert.annotations.items()) if name != "runbook_url"],
            earlier=same[:EARLIER],
            silence=selectors.silencing(alert, now=timezone.now()),
            may_acknowledge=may and open_,
            may_resolve=may and alert.state == AlertState.FIRING and alert.absent_since is not None,
            flag_url=self._flag(alert),
            **kwargs,
        )

    def _flag(self, alert: Alert) -> str:
        key = alert.labels.get("feature") or alert.labels.get("flag")
        return beside.page_of(f"flag:{key}", alert.environment.key) if key else ""


class AlertDialog(ConfirmView):
    permission_required = PERMISSION

    @cached_property
    def alert(self) -> Alert:
        return selectors.alert(self.kwargs["pk"])

    def back(self) -> str:
        return reverse("admin:alerting_alert_change", args=[self.kwargs["pk"]])


class Acknowledge(AlertDialog):
    def effect(self) -> Effect:
        sentences = ["The others see that you look after it. It goes on firing until its condition ceases to hold."]
        return Effect(f"Acknowledge {self.alert.name}", sentences, "Acknowledge", environment=self.alert.environment)

    def get_form(self, form_class: Any = None) -> forms.Form:
        form = super().get_form(form_class)
        form.fields["reason"].label = "What you do about it"
        return form

    def field_of(self, error: Exception) -> str | None:
        return "reason" if getattr(error, "field", None) == "comment" else None

    def perform(self, values: dict[str, Any]) -> str:
        row = alerts.acknowledge(
            self.alert.pk, comment=values["reason"], actor=person(self.request), now=timezone.now()
        )
        return f"You look after {row.name}."


class Resolve(AlertDialog):
    def effect(self) -> Effect:
        sentences = [
            "Its data is gone, so nothing tells whether its condition still holds. You say that it is over.",
            "When the data comes back and the condition holds, a new alert fires.",
        ]
        return Effect(f"Resolve {self.alert.name}", sentences, "Resolve", environment=self.alert.environment)

    def perform(self, values: dict[str, Any]) -> str:
        row = alerts.resolve(self.alert.pk, reason=values["reason"], actor=person(self.request), now=timezone.now())
        return f"{row.name} is resolved."


class SilenceForm(ReasonForm):
    """`matchers` is written as `name=value` lines."""

    matchers = forms.CharField(
        label="Alerts that match",
        max_length=3000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="One a line: label, = or != or =~ or !~, and the value. All of them must match.",
    )
    hours = forms.TypedChoiceField(
        label="For", coerce=int, choices=DURATIONS, initial=4, widget=UnfoldAdminSelectWidget
    )

    field_order = ["matchers", "hours", "reason"]


class Silence(AlertDialog):
    form_class = SilenceForm

    def effect(self) -> Effect:
        sentences = [
            "While the silence holds, nobody is told of alerts that match. They are still evaluated and shown.",
            "What still fires at its end is told then. Triggers do not care about silences.",
        ]
        return Effect("Silence alerts", sentences, "Silence", environment=self.alert.environment)

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "matchers": as_text(self.alert.labels)}

    def perform(self, values: dict[str, Any]) -> str:
        now = timezone.now()
        alerts.silence(
            self.alert.environment.key,
            from_text(values["matchers"]),
            reason=values["reason"],
            starts_at=now,
            ends_at=now + timedelta(hours=values["hours"]),
            actor=person(self.request),
            now=now,
        )
        return f"Silent for {dict(DURATIONS)[values['hours']]}."


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    heading = "Alerts"
    page = AlertPage
    list_display = ("what", "how_bad", "where", "state_now", "now_at", "since", "acknowledged", "commands")
    list_display_links = None
    list_filter = (
        ("environment", RelatedDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ("via", ChoicesDropdownFilter),
    )
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("name", "severity")
    search_help_text = "Name or severity"
    show_full_result_count = False
    list_before_template = "alerting/alerts_head.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        order = Case(
            When(state=AlertState.FIRING.value, then=Value(0)),
            When(state=AlertState.PENDING.value, then=Value(1)),
            default=Value(2),
            output_field=IntegerField(),
        )
        return selectors.alerts().order_by(order, "-starts_at", "-pk")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ()  # that of the query: what fires comes first

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return self.list_display if request.user.has_perm(PERMISSION) else self.list_display[:-1]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        views = {"acknowledge": Acknowledge, "resolve": Resolve, "silence": Silence}
        own = [
            path(f"<int:pk>/{name}/", wrap(view.as_view(model_admin=self)), name=f"alerting_alert_{name}")
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    @admin.display(description="Alert", ordering="name")
    def what(self, row: Alert) -> SafeString:
        address = reverse("admin:alerting_alert_change", args=[row.pk])
        via = "" if row.via == Via.RULES else f"from {words.VIAS[row.via]}"
        return format_html(
            '<div><a class="ops-link ops-strong" href="{}">{}</a><br>{} <span class="ops-soft">{}</span></div>',
            address,
            row.name,
            words.labels(row.labels),
            via,
        )

    @admin.display(description="Severity", ordering="severity")
    def how_bad(self, row: Alert) -> SafeString:
        return words.severity(row.severity)

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, row: Alert) -> SafeString:
        return environment(row.environment)

    @admin.display(description="State", ordering="state")
    def state_now(self, row: Alert) -> SafeString:
        return words.standing(row)

    @admin.display(description="Value", ordering="value")
    def now_at(self, row: Alert) -> SafeString:
        return format_html('<span class="ops-num">{}</span>', number(row.value))

    @admin.display(description="Since", ordering="starts_at")
    def since(self, row: Alert) -> SafeString | str:
        return words.when(row.starts_at)

    @admin.display(description="Looked after by", ordering="acknowledged_by")
    def acknowledged(self, row: Alert) -> str:
        return row.acknowledged_by or "–"

    @admin.display(description="Change")
    def commands(self, row: Alert) -> SafeString | str:
        if row.state == AlertState.RESOLVED:
            return "–"
        return action(
            reverse("admin:alerting_alert_acknowledge", args=[row.pk]), "Acknowledge", "visibility", "", "small"
        )


beside.add_page("alert", lambda key, where: f"{reverse('admin:alerting_alert_changelist')}?q={key}")
