"""Evaluate the alert rules, and keep where each alert stands.

Everything is computed, or asked, before the rows are locked. The state is in the database: a restart, or another
worker, goes on where the last one stopped.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from alerting import selectors
from alerting.domain import state
from alerting.domain.state import Standing
from alerting.domain.states import AlertState, Health, Via
from alerting.models import Alert, AlertRule
from alerting.services.computing import Result, annotations_of, ask, compute
from alerting.services.telling import tell, tell_errors
from core import environments
from monitoring.domain.windows import horizon

log = logging.getLogger(__name__)
OUTCOME = ("health", "evaluated_at", "no_data_since", "error", "error_since")
AT_ONCE = 8  # servers: a slow one delays no other


def evaluate_all(*, now: datetime) -> int:
    """Evaluate every enabled rule that is computed here, and tell the news; how many alerts began or ceased to fire.

    A rule that fails says so (`Health.ERROR`), keeps its alerts as they are, and keeps no other from being evaluated.
    Two callers at once do the work once.
    """
    changed = 0
    for environment in environments.ordered():
        try:
            changed += _evaluate(environment.pk, now=now)
            _tell(environment.pk, now=now)
        except Exception:
            log.exception("alert rules of %s", environment.key)
    return changed


def evaluate_elsewhere(*, now: datetime, clock: Callable[[], datetime]) -> int:
    """The same for the rules that a Prometheus evaluates, several servers at once.

    Args:
        clock: tells how long a server takes.
    """
    rules: dict[tuple[int, str], list[AlertRule]] = defaultdict(list)
    for rule in AlertRule.objects.filter(enabled=True).exclude(source="").select_related("environment").order_by("pk"):
        rules[rule.environment_id, rule.source].append(rule)
    if not rules:
        return 0
    labels = defaultdict[int, set[str]](set)
    for rule_id, of_alert in selectors.open_alerts().filter(rule__source__gt="").values_list("rule_id", "labels"):
        labels[rule_id or 0].update(of_alert)

    def evaluated(server: tuple[int, str]) -> int:
        environment_id, source = server
        where = rules[server][0].environment.key
        try:
            found = ask(source, where, rules[server], labels, at=int(now.timestamp()), clock=clock)
            return _keep(environment_id, found, moment=now.replace(microsecond=0))
        except Exception:
            log.exception("alert rules of source %s", source)
            return 0
        finally:
            connection.close()

    with ThreadPoolExecutor(min(AT_ONCE, len(rules))) as pool:
        changed = sum(pool.map(evaluated, list(rules)))
    for environment_id in {environment_id for environment_id, _ in rules}:
        _tell(environment_id, now=now)
    return changed


def _tell(environment_id: int, *, now: datetime) -> None:
    tell(environment_id, now=now)
    tell_errors(environment_id, now=now)


def _evaluate(environment_id: int, *, now: datetime) -> int:
    at = horizon(now.timestamp())
    rules = list(AlertRule.objects.filter(environment_id=environment_id, enabled=True, source=""))
    if not rules:
        return 0
    return _keep(environment_id, compute(environment_id, rules, at=at), moment=datetime.fromtimestamp(at, UTC))


@transaction.atomic
def _keep(environment_id: int, results: Mapping[int, Result], *, moment: datetime) -> int:
    """Keep what was found at a moment for the rules that nobody evaluated since."""
    locked = AlertRule.objects.select_for_update().filter(pk__in=results, enabled=True).order_by("pk")
    due = [rule for rule in locked if rule.evaluated_at is None or rule.evaluated_at < moment]
    changed = _apply(environment_id, due, results, now=moment)
    AlertRule.objects.bulk_update(due, OUTCOME)
    return changed


def _apply(environment_id: int, rules: Sequence[AlertRule], results: Mapping[int, Result], *, now: datetime) -> int:
    by_rule: dict[int, dict[str, Alert]] = defaultdict(dict)
    for alert in _open(rules):
        by_rule[alert.rule_id or 0][alert.fingerprint] = alert
    changed = 0
    for rule in rules:
        result = results[rule.pk]
        rule.evaluated_at, rule.error = now, result.error[:500]
        rule.health = result.health.value
        rule.error_since = (rule.error_since or now) if result.error else None
        rule.no_data_since = (rule.no_data_since or now) if result.health is Health.NO_DATA else None
        if result.health is not Health.ERROR:
            changed += _follow(environment_id, rule, result, by_rule[rule.pk], now=now)
    return changed


def _open(rules: Iterable[AlertRule]) -> Iterable[Alert]:
    return Alert.objects.filter(rule__in=rules, via=Via.RULES.value).exclude(state=AlertState.RESOLVED.value)


def _follow(environment_id: int, rule: AlertRule, result: Result, before: Mapping[str, Alert], *, now: datetime) -> int:
    changed = 0
    for key in sorted({*before, *result.vector}):
        alert = before.get(key)
        labels = result.labels.get(key) or (alert.labels if alert else {})
        after = state.step(
            _standing(alert),
            result.vector.get(key),
            has_data=result.tells(labels),
            hold=timedelta(seconds=rule.for_seconds),
            keep=timedelta(seconds=rule.keep_firing_seconds),
            now=now,
        )
        if after is None:
            if alert is not None:
                alert.delete()
            continue
        row = alert or Alert(
            environment_id=environment_id, rule=rule, via=Via.RULES.value, fingerprint=key, name=rule.name
        )
        changed += _write(row, rule, labels, after)
    return changed


def _write(row: Alert, rule: AlertRule, labels: Mapping[str, str], after: Standing) -> int:
    """Save where the alert stands now; 1 when it began or ceased to fire."""
    was = row.state
    row.state, row.starts_at, row.last_true_at = after.state.value, after.starts_at, after.last_true_at
    row.fired_at, row.absent_since, row.resolved_at = after.fired_at, after.absent_since, after.resolved_at
    row.labels, row.severity, row.value = dict(labels), rule.severity, after.value
    row.annotations = annotations_of(rule, labels, after.value)
    row.save()
    return int(was != row.state != AlertState.PENDING.value)


def _standing(alert: Alert | None) -> Standing | None:
    if alert is None:
        return None
    return Standing(
        state=AlertState(alert.state),
        starts_at=alert.starts_at,
        last_true_at=alert.last_true_at or alert.starts_at,
        value=alert.value,
        fired_at=alert.fired_at,
        absent_since=alert.absent_since,
    )
