"""What of an alert is news for people: events, which the communications follow."""

from __future__ import annotations

from datetime import datetime, timedelta

from alerting import selectors
from alerting.models import Alert
from core import events
from core.actors import Actor, ActorKind

EVALUATION = Actor("alerts", ActorKind.MACHINE)
QUIET = timedelta(minutes=5)  # one that comes and goes is told as new at most this often


def tell_firing(alert: Alert, *, now: datetime) -> None:
    """Tell people once that it fires: not while it is silenced, but then when the silence ends."""
    if alert.told_at is not None or _told_just_now(alert, now=now) or selectors.silencing(alert, now=now):
        return
    alert.told_at = now
    alert.save(update_fields=["told_at"])
    _record("alert.firing", alert, now=now, reason=summary(alert))


def tell_resolved(alert: Alert, *, now: datetime) -> None:
    """Only of one that was told."""
    if alert.told_at is not None:
        _record("alert.resolved", alert, now=now, reason=f"{summary(alert)}: over.")


def tell_no_data(alert: Alert, *, now: datetime) -> None:
    """One that fires has lost its data: it is not over, nobody knows."""
    if alert.told_at is not None:
        _record("alert.no_data", alert, now=now, reason=f"{summary(alert)}: no data any more, so it is not resolved.")


def summary(alert: Alert) -> str:
    """Its own words, else its name."""
    return str(alert.annotations.get("summary") or alert.name)


def _told_just_now(alert: Alert, *, now: datetime) -> bool:
    same = Alert.objects.filter(environment_id=alert.environment_id, via=alert.via, fingerprint=alert.fingerprint)
    return same.exclude(pk=alert.pk).filter(told_at__gt=now - QUIET).exists()


def _record(kind: str, alert: Alert, *, now: datetime, reason: str) -> None:
    events.record(
        kind,
        subject=f"alert:{alert.name}",
        actor=EVALUATION,
        now=now,
        environment_id=alert.environment_id,
        reason=reason,
        data={
            "alert": alert.pk,
            "rule": alert.name,
            "severity": alert.severity,
            "labels": alert.labels,
            "value": alert.value,
            "since": alert.starts_at.isoformat(),
            "runbook": alert.annotations.get("runbook_url", ""),
            "flag": alert.labels.get("feature") or alert.labels.get("flag") or "",
        },
    )
