"""Reads of the alerts."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Q, QuerySet

from alerting.domain import matchers
from alerting.domain.matchers import Matcher
from alerting.domain.states import AlertState
from alerting.models import Alert, AlertRule, Silence
from core.errors import NotFound

OPEN = (AlertState.PENDING.value, AlertState.FIRING.value)


def alerts(environment: str | None = None) -> QuerySet[Alert]:
    """All alerts with their environment and rule, newest first."""
    found = Alert.objects.select_related("environment", "rule").order_by("-starts_at", "-pk")
    return found if environment is None else found.filter(environment__key=environment)


def open_alerts(environment: str | None = None) -> QuerySet[Alert]:
    """Those that pend or fire."""
    return alerts(environment).filter(state__in=OPEN)


def firing(environment: str | None = None) -> QuerySet[Alert]:
    return alerts(environment).filter(state=AlertState.FIRING.value)


def alert(alert_id: int) -> Alert:
    """One alert, or NotFound."""
    found = alerts().filter(pk=alert_id).first()
    if found is None:
        raise NotFound(f"There is no alert {alert_id}.")
    return found


def rules(environment: str | None = None) -> QuerySet[AlertRule]:
    """All rules with how many of their alerts pend (`pending`) and fire (`firing`), in the order of their groups."""
    found = AlertRule.objects.select_related("environment").annotate(
        pending=Count("raised_alerts", filter=Q(raised_alerts__state=AlertState.PENDING.value)),
        firing=Count("raised_alerts", filter=Q(raised_alerts__state=AlertState.FIRING.value)),
    )
    found = found.order_by("environment__position", "group", "position", "name")
    return found if environment is None else found.filter(environment__key=environment)


def rule(rule_id: int) -> AlertRule:
    """One rule, or NotFound."""
    found = rules().filter(pk=rule_id).first()
    if found is None:
        raise NotFound(f"There is no alert rule {rule_id}.")
    return found


def silences(environment: str | None = None) -> QuerySet[Silence]:
    """All silences, newest first."""
    found = Silence.objects.select_related("environment").order_by("-starts_at", "-pk")
    return found if environment is None else found.filter(environment__key=environment)


def silence(silence_id: int) -> Silence:
    """One silence, or NotFound."""
    found = silences().filter(pk=silence_id).first()
    if found is None:
        raise NotFound(f"There is no silence {silence_id}.")
    return found


def live_silences(environment: str | None = None, *, now: datetime) -> QuerySet[Silence]:
    return silences(environment).filter(ended_at=None, ends_at__gt=now)


def holding(environment_id: int, *, now: datetime) -> list[tuple[Silence, list[Matcher]]]:
    """The silences that hold in an environment now, with what they match."""
    live = Silence.objects.filter(environment_id=environment_id, starts_at__lte=now, ends_at__gt=now, ended_at=None)
    return [(one, matchers.read(one.matchers)) for one in live]


def silencing(alert: Alert, *, now: datetime) -> Silence | None:
    """The silence that keeps people from being told of the alert now."""
    held = holding(alert.environment_id, now=now)
    return next((one for one, match in held if all(each.takes(alert.labels) for each in match)), None)
