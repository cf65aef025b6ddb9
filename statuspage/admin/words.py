"""How the states of the public page read for those who work on it."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import moments
from core.templatetags.screen import badge
from statuspage.domain.addresses import SubscriberKind
from statuspage.domain.states import ComponentState, Impact, IncidentState, MaintenanceState

COMPONENT = {  # state: (words, tone, icon)
    ComponentState.OPERATIONAL: ("operational", "ok", "check_circle"),
    ComponentState.UNDER_MAINTENANCE: ("under maintenance", "info", "engineering"),
    ComponentState.DEGRADED: ("degraded performance", "warn", "trending_down"),
    ComponentState.PARTIAL: ("partial outage", "warn", "warning"),
    ComponentState.MAJOR: ("major outage", "bad", "error"),
}
IMPACT = {
    Impact.NONE: ("no impact", "mute", "circle"),
    Impact.MINOR: ("minor", "warn", "trending_down"),
    Impact.MAJOR: ("major", "warn", "warning"),
    Impact.CRITICAL: ("critical", "bad", "error"),
}
INCIDENT = {
    IncidentState.INVESTIGATING: ("investigating", "bad", "search"),
    IncidentState.IDENTIFIED: ("identified", "warn", "target"),
    IncidentState.MONITORING: ("monitoring", "info", "visibility"),
    IncidentState.RESOLVED: ("resolved", "ok", "task_alt"),
    IncidentState.POSTMORTEM: ("post-mortem", "ok", "description"),
}
MAINTENANCE = {
    MaintenanceState.SCHEDULED: ("scheduled", "mute", "event"),
    MaintenanceState.IN_PROGRESS: ("in progress", "info", "engineering"),
    MaintenanceState.VERIFYING: ("verifying", "info", "fact_check"),
    MaintenanceState.COMPLETED: ("completed", "ok", "task_alt"),
    MaintenanceState.CANCELLED: ("cancelled", "mute", "event_busy"),
}
KIND = {
    SubscriberKind.EMAIL: ("mail", "mute", "mail"),
    SubscriberKind.WEBHOOK: ("webhook", "mute", "webhook"),
}


def component(state: str) -> SafeString:
    return badge(*COMPONENT[ComponentState(state)])


def incident(state: str) -> SafeString:
    return badge(*INCIDENT[IncidentState(state)])


def maintenance(state: str) -> SafeString:
    return badge(*MAINTENANCE[MaintenanceState(state)])


def when(at: datetime) -> SafeString:
    """How far it is from now, with the exact time for who hovers."""
    now = timezone.localtime()
    shown, exact = moments.relative(at, now=now), moments.clock(at, now=now)
    return format_html('<time class="ops-small" datetime="{}" title="{}">{}</time>', at.isoformat(), exact, shown)


def titled(url: str, title: str, below: str) -> SafeString:
    """The first cell of a list: what it is, and a line in small print."""
    return format_html(
        '<span><a class="ops-link" href="{}">{}</a><br><span class="ops-soft ops-small">{}</span></span>',
        url,
        title,
        below,
    )
