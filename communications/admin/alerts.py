"""Alerts and how they travelled. A delivery that was given up can be tried again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RelatedDropdownFilter

import communications.selectors
from communications.adapters.configured import channels
from communications.models import Alert, Delivery
from communications.services import sending
from core import moments
from core.admin.confirm import ConfirmView, Effect
from core.admin.read_only import ReadOnlyAdmin, Screen, person
from core.errors import NotFound
from core.templatetags.screen import badge, environment

HEADLINES = {
    "FEATURE_EMERGENCY_DISABLED": ("emergency disable", "emergency_home"),
    "FEATURE_ROLLBACK": ("rollback", "undo"),
    "STEP_TAKEN": ("step taken", "stairs"),
    "ROLLOUT_COMPLETED": ("rollout completed", "check_circle"),
    "TRIGGER_FIRED": ("trigger fired", "notification_important"),
    "ALERT_FIRING": ("alert", "notifications_active"),
    "ALERT_RESOLVED": ("resolved", "notifications_off"),
    "ALERT_NO_DATA": ("alert without data", "signal_disconnected"),
    "METRICS_SILENT": ("no measurements", "signal_disconnected"),
    "METRICS_HEARD": ("measurements are back", "sensors"),
    "ERRORS_OPENED": ("new errors", "bug_report"),
    "RISK_RAISED": ("risk", "speed"),
    "SOURCE_FAILED": ("data source fails", "cloud_off"),
}


def delivery_badge(delivery: Delivery) -> SafeString:
    """Channel and state of one delivery."""
    if delivery.sent_at:
        return badge(f"{delivery.channel}: sent", "ok", "mark_email_read")
    if delivery.failed_at:
        return badge(f"{delivery.channel}: given up", "bad", "error")
    return badge(f"{delivery.channel}: {'trying again' if delivery.tries else 'waiting'}", "warn", "schedule_send")


class AlertPage(Screen):
    permission_required = "communications.view_alert"
    template_name = "communications/alert.html"
    live_template = "communications/alert_live.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        alert = communications.selectors.alerts().filter(pk=self.kwargs["pk"]).first()
        if alert is None:
            raise Http404(f"There is no alert {self.kwargs['pk']}.")
        self.title = f"{HEADLINES[alert.type][0].capitalize()}: {alert.feature}"
        may_retry = self.request.user.has_perm("communications.retry_delivery")
        return super().get_context_data(
            alert=alert,
            message=communications.selectors.message(alert),
            deliveries=[(delivery, delivery_badge(delivery)) for delivery in alert.deliveries.all()],
            any_channel=bool(channels()),
            may_retry=may_retry,
            **kwargs,
        )


class RetryDelivery(ConfirmView):
    permission_required = "communications.retry_delivery"

    @property
    def delivery(self) -> Delivery:
        found = communications.selectors.dead().filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise NotFound("This delivery is not given up: it was sent, or it is being tried.")
        return found

    def effect(self) -> Effect:
        delivery = self.delivery
        return Effect(
            title=f"Try again by {delivery.channel}",
            sentences=[
                f"The alert about {delivery.alert.feature} goes into the queue again, with all its tries.",
                f"It was given up because of: {delivery.error or 'an unknown error'}",
            ],
            submit="Try again",
        )

    def perform(self, values: dict[str, Any]) -> str:
        done = sending.retry(self.kwargs["pk"], actor=person(self.request), reason=values["reason"], now=timezone.now())
        return f"The alert is in the queue for {done.channel} again."

    def back(self) -> str:
        alert = communications.selectors.alerts().get(deliveries=self.kwargs["pk"])
        return reverse("admin:communications_alert_change", args=[alert.pk])


class DeliveryFilter(DropdownFilter):
    title = "delivery"
    parameter_name = "delivery"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("dead", "Given up"), ("waiting", "Waiting")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        found = {"dead": communications.selectors.dead, "waiting": communications.selectors.waiting}.get(
            self.value() or ""
        )
        if found is None:
            return queryset
        return queryset.filter(Exists(found().order_by().filter(alert=OuterRef("pk"))))


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    heading = "Announcements"
    page = AlertPage
    list_display = ("what", "feature_", "where", "why", "delivered", "when")
    list_display_links = None
    list_filter = (("environment", RelatedDropdownFilter), ("type", ChoicesDropdownFilter), DeliveryFilter)
    list_filter_submit = True
    list_fullwidth = True
    search_fields = ("feature", "event__reason", "event__actor")
    search_help_text = "Flag, reason or actor"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        return communications.selectors.alerts()

    def get_urls(self) -> list[URLPattern]:
        retry = self.admin_site.admin_view(RetryDelivery.as_view(model_admin=self))
        return [
            path("delivery/<int:pk>/retry/", retry, name="communications_retry"),
            *super().get_urls(),
        ]

    @admin.display(description="What", ordering="type")
    def what(self, alert: Alert) -> SafeString:
        word, icon = HEADLINES[alert.type]
        address = reverse("admin:communications_alert_change", args=[alert.pk])
        return format_html('<a href="{}">{}</a>', address, badge(word, "bad", icon))

    @admin.display(description="About", ordering="feature")
    def feature_(self, alert: Alert) -> SafeString:
        address = reverse("admin:communications_alert_change", args=[alert.pk])
        return format_html('<a class="ops-link" href="{}">{}</a>', address, alert.feature)

    @admin.display(description="Environment", ordering="environment__position")
    def where(self, alert: Alert) -> SafeString | str:
        return environment(alert.environment) if alert.environment else "–"

    @admin.display(description="Why")
    def why(self, alert: Alert) -> SafeString:
        return format_html('<span class="ops-clip" title="{}">{}</span>', alert.event.reason, alert.event.reason[:140])

    @admin.display(description="Deliveries")
    def delivered(self, alert: Alert) -> SafeString:
        shown = [(delivery_badge(delivery),) for delivery in alert.deliveries.all()]
        return format_html_join(" ", "{}", shown) or badge("shown here only", "mute", "visibility")

    @admin.display(description="When", ordering="at")
    def when(self, alert: Alert) -> SafeString:
        now = timezone.localtime()
        return format_html(
            '<time datetime="{}" title="{}">{}</time>',
            alert.at.isoformat(),
            moments.relative(alert.at, now=now),
            moments.clock(alert.at, now=now),
        )
