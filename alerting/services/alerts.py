"""What people do about alerts: acknowledge them, silence them, and end one whose data is gone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from alerting.domain import matchers
from alerting.domain.states import AlertState
from alerting.models import Alert, Silence
from core import environments, events
from core.actors import Actor
from core.errors import Conflict, Invalid, NotFound
from core.texts import need_reason, need_text

LONGEST_SILENCE = timedelta(days=30)
WORDS = "Say it in a few words: the history tells what was done and why."


@transaction.atomic
def acknowledge(alert_id: int, *, comment: str, actor: Actor, now: datetime) -> Alert:
    """Say that somebody looks after it. Raises NotFound, Conflict when it is resolved, Invalid without a comment."""
    alert = hold(alert_id)
    if alert.state == AlertState.RESOLVED.value:
        raise Conflict(f"{alert.name} is resolved: there is nothing to look after.")
    alert.comment = need_text(comment, WORDS, field="comment")
    alert.acknowledged_at, alert.acknowledged_by = now, actor.name
    alert.save(update_fields=["acknowledged_at", "acknowledged_by", "comment"])
    _tell("alert.acknowledged", alert, actor=actor, now=now, reason=alert.comment)
    return alert


@transaction.atomic
def resolve(alert_id: int, *, reason: str, actor: Actor, now: datetime) -> Alert:
    """End an alert whose data is gone: nothing else resolves it. Raises Conflict for one that its rule follows."""
    alert = hold(alert_id)
    if alert.state != AlertState.FIRING.value or alert.absent_since is None:
        raise Conflict(f"{alert.name} is followed by its rule: it is resolved when its condition ceases to hold.")
    alert.state, alert.resolved_at, alert.over_told_at = AlertState.RESOLVED.value, now, now
    alert.resolution = f"By {actor.name}: {need_reason(reason, WORDS)}"[:300]
    alert.save(update_fields=["state", "resolved_at", "over_told_at", "resolution"])
    _tell("alert.resolved", alert, actor=actor, now=now, reason=alert.resolution)
    return alert


@transaction.atomic
def silence(
    environment: str, given: Any, *, reason: str, starts_at: datetime, ends_at: datetime, actor: Actor, now: datetime
) -> Silence:
    """Do not tell people of alerts that match, from `starts_at` to `ends_at`, at most 30 days.

    Args:
        given: matchers, `[{"name": label, "op": "=" | "!=" | "=~" | "!~", "value": text}]`.

    Raises Invalid with the field, NotFound for an unknown environment.
    """
    found = matchers.read(given)
    if ends_at <= max(starts_at, now):
        raise Invalid("A silence ends after it begins, and not in the past.", field="ends_at")
    if ends_at - max(starts_at, now) > LONGEST_SILENCE:
        raise Invalid("A silence lasts at most 30 days: what is silent for longer needs another rule.", field="ends_at")
    row = Silence.objects.create(
        environment=environments.get(environment),
        matchers=[one.as_dict() for one in found],
        reason=need_reason(reason, WORDS),
        starts_at=starts_at,
        ends_at=ends_at,
        created_by=actor.name,
    )
    _tell_silence("silence.created", row, actor=actor, now=now, reason=row.reason)
    return row


@transaction.atomic
def end_silence(silence_id: int, *, reason: str, actor: Actor, now: datetime) -> Silence:
    """End it now; what still fires is told. Raises NotFound, and Conflict when it is over."""
    row = Silence.objects.select_for_update(of=("self",)).filter(pk=silence_id).first()
    if row is None:
        raise NotFound(f"There is no silence {silence_id}.")
    if row.ended_at is not None or row.ends_at <= now:
        raise Conflict("This silence is over.")
    row.ended_at, row.ended_by = now, actor.name
    row.save(update_fields=["ended_at", "ended_by"])
    _tell_silence("silence.ended", row, actor=actor, now=now, reason=need_reason(reason, WORDS))
    return row


def hold(alert_id: int) -> Alert:
    """The locked alert, or NotFound."""
    found = Alert.objects.select_for_update(of=("self",)).select_related("environment").filter(pk=alert_id).first()
    if found is None:
        raise NotFound(f"There is no alert {alert_id}.")
    return found


def _tell(kind: str, alert: Alert, *, actor: Actor, now: datetime, reason: str) -> None:
    events.record(
        kind,
        subject=f"alert:{alert.name}",
        actor=actor,
        now=now,
        environment_id=alert.environment_id,
        reason=reason,
        data={"alerts": [alert.pk], "rule": alert.name, "severity": alert.severity, "labels": alert.labels},
    )


def _tell_silence(kind: str, row: Silence, *, actor: Actor, now: datetime, reason: str) -> None:
    events.record(
        kind,
        subject=f"silence:{row.pk}",
        actor=actor,
        now=now,
        environment_id=row.environment_id,
        reason=reason,
        data={"matchers": row.matchers, "ends_at": row.ends_at.isoformat()},
    )
