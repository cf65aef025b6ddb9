"""Evaluate the alert rules, and keep where each alert stands.

Everything is computed before the rows are locked. The state is in the database: a restart, or another worker, goes on
where the last one stopped.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import transaction

from alerting.domain import state, templates
from alerting.domain.state import Standing
from alerting.domain.states import AlertState, Health, Via
from alerting.models import Alert, AlertRule
from alerting.services.telling import tell_firing, tell_no_data, tell_resolved
from core import environments
from core.errors import DomainError
from monitoring.domain.promql import Query, evaluate, parse
from monitoring.domain.promql.values import Labels, Vector
from monitoring.domain.windows import horizon
from monitoring.services import promql

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """What a rule's expression is now. `alive` are the labels of the series it reads that have data."""

    vector: Mapping[str, float] = field(default_factory=dict)  # by fingerprint
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    alive: Sequence[Mapping[str, str]] = ()
    error: str = ""

    @property
    def health(self) -> Health:
        if self.error:
            return Health.ERROR
        return Health.OK if self.alive or self.vector else Health.NO_DATA


def evaluate_all(*, now: datetime) -> int:
    """Evaluate every enabled rule of every environment; how many alerts began or ceased to fire.

    A rule that fails says so (`Health.ERROR`), keeps its alerts as they are, and keeps no other from being evaluated.
    Two callers at once do the work once.
    """
    changed = 0
    for environment in environments.ordered():
        try:
            changed += _evaluate(environment.pk, now=now)
        except Exception:
            log.exception("alert rules of %s", environment.key)
    return changed


def _evaluate(environment_id: int, *, now: datetime) -> int:
    at = horizon(now.timestamp())
    rules = list(AlertRule.objects.filter(environment_id=environment_id, enabled=True))
    if not rules:
        return 0
    results = compute(environment_id, rules, at=at)
    with transaction.atomic():
        locked = AlertRule.objects.select_for_update().filter(pk__in=results, enabled=True).order_by("pk")
        moment = datetime.fromtimestamp(at, UTC)
        due = [rule for rule in locked if rule.evaluated_at is None or rule.evaluated_at < moment]
        changed = _apply(environment_id, due, results, now=moment)
        AlertRule.objects.bulk_update(due, ["health", "evaluated_at", "no_data_since", "error"])
    return changed


def compute(environment_id: int, rules: Sequence[AlertRule], *, at: int) -> dict[int, Result]:
    """What each rule's expression is at unix second `at`; three queries for all of them."""
    queries: dict[int, Query] = {}
    found: dict[int, Result] = {}
    for rule in rules:
        try:
            queries[rule.pk] = parse(rule.expr)
        except DomainError as error:
            found[rule.pk] = Result(error=str(error))
    storage = promql.stored(environment_id, list(queries.values()), start=at, end=at)
    for rule in rules:
        if rule.pk in queries:
            found[rule.pk] = _result(rule, queries[rule.pk], storage, at)
    return found


def _result(rule: AlertRule, query: Query, storage: promql.StoredSeries, at: int) -> Result:
    try:
        value = evaluate(query, storage, at, lookback=promql.LOOKBACK)
    except DomainError as error:
        return Result(error=str(error))
    vector: dict[str, float] = {}
    labels: dict[str, Mapping[str, str]] = {}
    for one, number in _elements(value).items():
        named = labels_of(rule, dict(one), number)
        key = state.fingerprint(named)
        if number == number:  # NaN says nothing
            vector[key], labels[key] = number, named
    return Result(vector, labels, storage.alive(query.names, at))


def _elements(value: Vector | float) -> Vector:
    """A number is an alert when it is not zero, as Prometheus has it for comparisons of numbers."""
    empty: Labels = ()
    return ({empty: value} if value else {}) if isinstance(value, float) else value


def labels_of(rule: AlertRule, element: Mapping[str, str], value: float) -> dict[str, str]:
    """The labels of an alert: those of the element, those of the rule filled in, its name and severity."""
    own = {name: text for name, text in element.items() if name not in ("__name__", "source")}
    filled = {name: templates.fill(text, own, value) for name, text in rule.labels.items()}
    return {**own, **filled, "alertname": rule.name, "severity": rule.severity}


def _apply(environment_id: int, rules: Sequence[AlertRule], results: Mapping[int, Result], *, now: datetime) -> int:
    open_ = Alert.objects.filter(rule__in=rules, via=Via.RULES.value).exclude(state=AlertState.RESOLVED.value)
    by_rule: dict[int, dict[str, Alert]] = {}
    for alert in open_:
        by_rule.setdefault(alert.rule_id or 0, {})[alert.fingerprint] = alert
    changed = 0
    for rule in rules:
        result = results[rule.pk]
        rule.evaluated_at, rule.error = now, result.error[:500]
        rule.health = result.health.value
        rule.no_data_since = (rule.no_data_since or now) if result.health is Health.NO_DATA else None
        if result.health is not Health.ERROR:
            changed += _follow(environment_id, rule, result, by_rule.get(rule.pk, {}), now=now)
    return changed


def _follow(environment_id: int, rule: AlertRule, result: Result, before: Mapping[str, Alert], *, now: datetime) -> int:
    changed = 0
    for key in sorted({*before, *result.vector}):
        alert = before.get(key)
        labels = result.labels.get(key) or (alert.labels if alert else {})
        after = state.step(
            _standing(alert),
            result.vector.get(key),
            has_data=_tells(result.alive, labels),
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
        changed += _write(row, rule, labels, after, now=now)
    return changed


def _write(row: Alert, rule: AlertRule, labels: Mapping[str, str], after: Standing, *, now: datetime) -> int:
    """Save where the alert stands now, and tell people what is news."""
    was, absent = row.state, row.absent_since
    row.state, row.starts_at, row.last_true_at = after.state.value, after.starts_at, after.last_true_at
    row.fired_at, row.absent_since, row.resolved_at = after.fired_at, after.absent_since, after.resolved_at
    row.labels, row.severity, row.value = dict(labels), rule.severity, after.value
    texts = {**rule.annotations, **({"runbook_url": rule.runbook_url} if rule.runbook_url else {})}
    row.annotations = {name: templates.fill(text, labels, after.value) for name, text in texts.items()}
    row.save()
    if after.state is AlertState.FIRING:
        tell_firing(row, now=now)
        if after.absent_since is not None and absent is None:
            tell_no_data(row, now=now)
    elif after.state is AlertState.RESOLVED:
        tell_resolved(row, now=now)
    return int(was != row.state and AlertState.PENDING.value not in (row.state,))


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


def _tells(alive: Sequence[Mapping[str, str]], labels: Mapping[str, str]) -> bool:
    """Some series with data could belong to an alert with these labels: then its absence means that it is over."""
    return any(all(labels.get(name, value) == value for name, value in series.items()) for series in alive)
