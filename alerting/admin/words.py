"""How alerts and rules look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from alerting.domain.states import AlertState, Health
from alerting.models import Alert, AlertRule
from core import moments
from core.templatetags.screen import badge

SEVERITIES = {
    "critical": ("bad", "priority_high"),
    "high": ("bad", "error"),
    "warning": ("warn", "warning"),
    "info": ("info", "info"),
}
VIAS = {"rules": "our rules", "alertmanager": "an Alertmanager", "prometheus": "a Prometheus"}


def severity(word: str) -> SafeString:
    return badge(word or "not told", *SEVERITIES.get(word, ("mute", "help")))


def standing(alert: Alert) -> SafeString:
    """Firing, pending or resolved; a firing one without data says so."""
    if alert.state == AlertState.RESOLVED:
        return badge("resolved", "ok", "task_alt")
    if alert.state == AlertState.PENDING:
        return badge("pending", "warn", "hourglass_top")
    if alert.absent_since is not None:
        return badge("firing, no data", "warn", "signal_disconnected")
    return badge("firing", "bad", "notifications_active")


def health(rule: AlertRule) -> SafeString:
    """What the last evaluation of the rule was worth."""
    if not rule.enabled:
        return badge("off", "mute", "toggle_off")
    return {
        Health.OK: badge("evaluated", "ok", "check_circle"),
        Health.NO_DATA: badge("no data", "warn", "signal_disconnected"),
        Health.ERROR: badge("error", "bad", "error"),
    }.get(Health(rule.health), badge("not evaluated yet", "mute", "help"))


def labels(given: Mapping[str, Any]) -> SafeString:
    """The labels besides name and severity, which stand elsewhere."""
    shown = [(name, value) for name, value in sorted(given.items()) if name not in ("alertname", "severity")]
    return format_html_join(" ", '<code class="ops-mono">{}={}</code>', shown) if shown else SafeString("–")


def when(at: Any) -> SafeString | str:
    if at is None:
        return "–"
    now = timezone.localtime()
    exact, near = moments.clock(at, now=now), moments.relative(at, now=now)
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), exact, near)
