"""Alerts from outside: stored first, then applied; the same news twice changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from alerting.domain import incoming
from alerting.domain.incoming import Incoming
from alerting.domain.state import fingerprint
from alerting.domain.states import AlertState, Via
from alerting.models import Alert, Received
from alerting.services.telling import tell
from core import environments
from core.actors import Actor
from core.errors import Invalid


def receive(environment: str, via: Via, body: Any, *, actor: Actor, now: datetime) -> int:
    """Keep what an Alertmanager or a Prometheus sent, then apply it; how many alerts changed.

    An alert is the same by its labels and its start. One that is resolved stays so: what fires again has another
    start. Raises Invalid, with the field, for a body that cannot be read; the body is kept with what was wrong.
    """
    where = environments.get(environment)
    kept = Received.objects.create(environment=where, via=via.value, body=body, at=now, by=actor.name)
    try:
        found = incoming.webhook(body) if via is Via.ALERTMANAGER else incoming.posted(body, now=now)
    except Invalid as error:
        Received.objects.filter(pk=kept.pk).update(error=str(error)[:500])
        raise
    with transaction.atomic():
        changed = _apply(where.pk, via, found, now=now)
        tell(where.pk, now=now)
        Received.objects.filter(pk=kept.pk).update(done_at=now)
    return changed


def expire(*, now: datetime) -> int:
    """Resolve alerts from outside that were to be renewed and were not; how many."""
    done = 0
    with transaction.atomic():
        over = Alert.objects.select_for_update().exclude(via=Via.RULES.value)
        for alert in over.filter(state=AlertState.FIRING.value, ends_at__lte=now).order_by("pk"):
            _resolve(alert, alert.ends_at or now)
            done += 1
    return done


def forget(*, now: datetime, keep: timedelta) -> int:
    """Forget the bodies that came before."""
    return Received.objects.filter(at__lt=now - keep).delete()[0]


def _apply(environment_id: int, via: Via, found: Sequence[Incoming], *, now: datetime) -> int:
    keys = {fingerprint(one.labels) for one in found}
    rows = Alert.objects.select_for_update().filter(environment_id=environment_id, via=via.value, fingerprint__in=keys)
    known = {(row.fingerprint, row.starts_at): row for row in rows.order_by("pk")}
    live = {row.fingerprint: row for row in known.values() if row.state != AlertState.RESOLVED.value}
    changed = 0
    for starts_at, one in _dated(found, live, now):
        key = fingerprint(one.labels)
        row = known.get((key, starts_at))
        if row is None:
            before = live.get(key)
            if before is not None and before.starts_at > starts_at:
                continue  # old news of an alert that has begun anew since
            if before is not None:
                _resolve(before, starts_at)
            row = known[key, starts_at] = _new(environment_id, via, key, starts_at, one)
            changed += 1
            live[key] = row
        if row.state == AlertState.RESOLVED.value:
            continue
        if one.firing:
            row.ends_at, row.last_true_at = one.ends_at, now
            row.save(update_fields=["ends_at", "last_true_at"])
        else:
            _resolve(row, one.ends_at or now)
            live.pop(key, None)
            changed += 1
    return changed


def _dated(found: Sequence[Incoming], live: Mapping[str, Alert], now: datetime) -> list[tuple[datetime, Incoming]]:
    """By their starts. One that does not tell it goes on with what fires, or begins now; there must be one to end."""
    dated = []
    for one in found:
        before = live.get(fingerprint(one.labels))
        starts_at = one.starts_at or (before.starts_at if before else now)
        if one.starts_at or before or one.firing:
            dated.append((starts_at, one))
    return sorted(dated, key=lambda pair: pair[0])


def _new(environment_id: int, via: Via, key: str, starts_at: datetime, one: Incoming) -> Alert:
    return Alert.objects.create(
        environment_id=environment_id,
        via=via.value,
        fingerprint=key,
        name=one.labels["alertname"][:120],
        severity=one.labels.get("severity", "")[:20],
        labels=dict(one.labels),
        annotations=dict(one.annotations),
        generator_url=one.generator_url,
        state=AlertState.FIRING.value,
        starts_at=starts_at,
        fired_at=starts_at,
        last_true_at=starts_at,
        ends_at=one.ends_at,
    )


def _resolve(row: Alert, at: datetime) -> None:
    row.state, row.resolved_at = AlertState.RESOLVED.value, at
    row.save(update_fields=["state", "resolved_at"])
