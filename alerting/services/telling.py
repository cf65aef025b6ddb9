"""What of the alerts is news for people: events, which the communications follow.

The rows say what was told already, so whoever calls, however often, tells everything once. Alerts of one rule make one
event; those that follow within a minute wait for the end of it and make the next. A row that somebody is changing is
left to the next call, so that two who lock many rows never wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.db import transaction
from django.db.models import F, Q

from alerting import selectors
from alerting.domain import grouping
from alerting.domain.definition import SEVERITIES
from alerting.domain.states import AlertState
from alerting.models import Alert, AlertRule
from core import events
from core.actors import Actor, ActorKind

EVALUATION = Actor("alerts", ActorKind.MACHINE)
QUIET = timedelta(minutes=5)  # one that comes and goes is told as new at most this often
GROUP = timedelta(minutes=1)  # how long others of the same rule are collected after one was told
KEPT = 100  # alerts of a group that an event names
PATIENCE = timedelta(minutes=2)  # with a rule that cannot be evaluated


@dataclass(frozen=True, slots=True)
class News:
    """A kind of news: which alerts have it, where the row says that it was told, and its words."""

    kind: str
    untold: Q
    mark: str
    words: Callable[[str], str]


NEWS = (
    News(
        "alert.firing",
        Q(state=AlertState.FIRING.value, told_at=None),
        "told_at",
        lambda said: said,
    ),
    News(
        "alert.no_data",
        Q(state=AlertState.FIRING.value, told_at__isnull=False, absent_since__isnull=False)
        & (Q(absent_told_at=None) | Q(absent_told_at__lt=F("absent_since"))),
        "absent_told_at",
        lambda said: f"{said}: no data any more, so it is not resolved.",
    ),
    News(
        "alert.resolved",
        Q(state=AlertState.RESOLVED.value, told_at__isnull=False, over_told_at=None),
        "over_told_at",
        lambda said: f"{said}: over.",
    ),
)


@transaction.atomic
def tell(environment_id: int, *, now: datetime) -> int:
    """Tell people what they were not told yet; how many events that made.

    What is silenced is told as firing when the silence ends, if it still fires. That one is over or without data is
    told only of those that were told.
    """
    return sum(_tell(news, environment_id, now=now) for news in NEWS)


@transaction.atomic
def tell_errors(environment_id: int, *, now: datetime) -> int:
    """Tell of rules that cannot be evaluated for two minutes, once for each reason, and of those that can be again."""
    rules = AlertRule.objects.select_for_update(skip_locked=True).filter(environment_id=environment_id)
    rules = rules.order_by("error", "pk")
    failing = list(rules.filter(enabled=True, error_since__lte=now - PATIENCE, error_told_at=None))
    well = list(rules.filter(error_since=None, error_told_at__isnull=False))
    made = 0
    for kind, found, told_at in (("alert_rules.failing", failing, now), ("alert_rules.recovered", well, None)):
        AlertRule.objects.filter(pk__in=[rule.pk for rule in found]).update(error_told_at=told_at)
        for error, group in groupby(found, key=lambda rule: rule.error):
            _record_rules(kind, error, list(group), now=now)
            made += 1
    return made


def summary(alert: Alert) -> str:
    """Its own words, else its name."""
    return str(alert.annotations.get("summary") or alert.name)


def _tell(news: News, environment_id: int, *, now: datetime) -> int:
    here = Alert.objects.filter(environment_id=environment_id)
    rows = list(here.select_for_update(skip_locked=True).filter(news.untold).order_by("name", "pk"))
    if rows and news.mark == "told_at":
        rows = _audible(environment_id, rows, now=now)
    made = 0
    for name, group in groupby(rows, key=lambda row: row.name):
        told = list(group)
        if here.filter(name=name, **{f"{news.mark}__gt": now - GROUP}).exists():
            continue
        Alert.objects.filter(pk__in=[row.pk for row in told]).update(**{news.mark: now})
        _record(news, told, now=now)
        made += 1
    return made


def _record_rules(kind: str, error: str, rules: Sequence[AlertRule], *, now: datetime) -> None:
    names = grouping.words([rule.name for rule in rules], noun="rules")
    wrong = f"cannot be evaluated, so nobody is told what they watch: {error}"
    events.record(
        kind,
        subject=f"alert_rules:{rules[0].name if len(rules) == 1 else len(rules)}",
        actor=EVALUATION,
        now=now,
        environment_id=rules[0].environment_id,
        reason=f"{names} {wrong}" if error else f"{names}: evaluated again.",
        data={"rule": names, "rules": [rule.pk for rule in rules[:KEPT]], "severity": "high"},
    )


def _audible(environment_id: int, rows: Sequence[Alert], *, now: datetime) -> list[Alert]:
    """Without those that are silenced, and those that were told as new just now."""
    live = [match for _, match in selectors.holding(environment_id, now=now)]
    same = Alert.objects.filter(environment_id=environment_id, told_at__gt=now - QUIET)
    just_now = set(same.values_list("via", "fingerprint"))
    return [
        row
        for row in rows
        if (row.via, row.fingerprint) not in just_now
        and not any(all(each.takes(row.labels) for each in silence) for silence in live)
    ]


def _record(news: News, alerts: Sequence[Alert], *, now: datetime) -> None:
    first = alerts[0]
    labels = grouping.common([alert.labels for alert in alerts])
    events.record(
        news.kind,
        subject=f"alert:{first.name}",
        actor=EVALUATION,
        now=now,
        environment_id=first.environment_id,
        reason=news.words(grouping.words([summary(alert) for alert in alerts])),
        data={
            "alerts": [alert.pk for alert in alerts[:KEPT]],
            "count": len(alerts),
            "rule": first.name,
            "severity": grouping.worst((alert.severity for alert in alerts), SEVERITIES),
            "labels": labels,
            "value": first.value if len(alerts) == 1 else None,
            "since": min(alert.starts_at for alert in alerts).isoformat(),
            "runbook": first.annotations.get("runbook_url", ""),
            "flag": labels.get("feature") or labels.get("flag") or "",
        },
    )
