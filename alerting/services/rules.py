"""Alert rules: by the playbook, by a file, or by a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

from alerting.domain.definition import DEFINED, Definition
from alerting.domain.rulefile import Rule
from alerting.domain.states import AlertState, Health, Origin
from alerting.models import Alert, AlertRule
from core import environments, events
from core.actors import Actor
from core.errors import Invalid, NotFound, StaleVersion
from core.texts import check_storable, need_reason
from monitoring import selectors as monitoring

if TYPE_CHECKING:
    from core.models import Environment

JUDGED = ("expr", "source", "enabled", "labels", "severity")  # another one of these is another alert


@transaction.atomic
def define(
    environment: str,
    group: str,
    name: str,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    origin: Origin = Origin.PERSON,
    version: int | None = None,
) -> AlertRule:
    """Make the rule, or change it; nothing is written when nothing differs.

    Args:
        values: the fields of `alerting.domain.definition.Definition`; those left out keep what they have.
        origin: where a new rule is from.
        version: of the rule as the caller saw it; None: whatever it is.

    A rule whose expression changed judges anew: what fired by the old one is resolved. Raises Invalid with the field,
    NotFound for an unknown environment, StaleVersion when somebody else changed it meanwhile.
    """
    where = environments.get(environment)
    row = _held(where, group, name, version)
    before = definition_of(row).as_dict() if row else {}
    after = Definition.read(name, {**before, **values}).as_dict()
    _check_source(after["source"], environment)
    if row is not None and before == after:
        return row
    row = row or _new(where, group, name, origin)
    for field, value in after.items():
        setattr(row, field, value)
    row.version += 1
    row.save()
    if before and any(before[field] != after[field] for field in JUDGED):
        _judge_anew(row, actor=actor, now=now)
    kind = "alert_rule.changed" if before else "alert_rule.created"
    _tell(kind, row, actor=actor, reason=reason, now=now, before=before, after=after)
    return row


@transaction.atomic
def take_in(environment: str, found: Iterable[Rule], *, actor: Actor, reason: str, now: datetime) -> None:
    """Make or change all rules of a file, or none. Raises as `define` does."""
    for rule in found:
        said: Any = {"actor": actor, "reason": reason, "now": now, "origin": Origin.IMPORTED}
        define(environment, rule.group, rule.name, rule.values, **said)


@transaction.atomic
def remove(rule_id: int, *, actor: Actor, reason: str, now: datetime) -> None:
    """Remove the rule; its alerts are resolved and stay in the history. Raises NotFound; Invalid without a reason."""
    reason = need_reason(reason)
    row = hold(rule_id)
    _resolve(row, "The rule was removed.", actor=actor, now=now)
    before = definition_of(row).as_dict()
    _tell("alert_rule.removed", row, actor=actor, reason=reason, now=now, before=before, after={})
    row.delete()


def hold(rule_id: int) -> AlertRule:
    """The locked rule, or NotFound."""
    rows = AlertRule.objects.select_for_update(of=("self",)).select_related("environment")
    found = rows.filter(pk=rule_id).first()
    if found is None:
        raise NotFound(f"There is no alert rule {rule_id}.")
    return found


def _held(where: Environment, group: str, name: str, version: int | None) -> AlertRule | None:
    if not group or len(group) > 120:
        raise Invalid("A group has a name of at most 120 characters.", field="group")
    check_storable(group, field="group")
    row = AlertRule.objects.select_for_update().filter(environment=where, group=group, name=name).first()
    if version is not None and row is not None and row.version != version:
        raise StaleVersion(row.name, expected=version, actual=row.version)
    return row


def _judge_anew(row: AlertRule, *, actor: Actor, now: datetime) -> None:
    """What was found by the old expression says nothing of the new one."""
    row.health, row.no_data_since, row.error, row.error_since = Health.UNKNOWN.value, None, "", None
    row.save(update_fields=["health", "no_data_since", "error", "error_since"])
    _resolve(row, "The rule was changed.", actor=actor, now=now)


def _new(where: Environment, group: str, name: str, origin: Origin) -> AlertRule:
    """The last of its group."""
    last = AlertRule.objects.filter(environment=where, group=group).aggregate(last=Max("position"))["last"]
    position = 0 if last is None else last + 1
    return AlertRule(environment=where, group=group, name=name, origin=origin.value, version=0, position=position)


def _check_source(key: str, environment: str) -> None:
    if key and not monitoring.sources(environment).filter(key=key, kind="prometheus").exists():
        raise Invalid(f"There is no Prometheus {key!r} among the data sources of {environment}.", field="source")


def definition_of(row: AlertRule) -> Definition:
    return Definition(**{field: getattr(row, field) for field in DEFINED})


def _resolve(row: AlertRule, why: str, *, actor: Actor, now: datetime) -> None:
    """What pends is forgotten, what fires is resolved."""
    live = Alert.objects.filter(rule=row).exclude(state=AlertState.RESOLVED.value)
    live.filter(state=AlertState.PENDING.value).delete()
    for alert in live:
        alert.state, alert.resolved_at, alert.resolution = AlertState.RESOLVED.value, now, why
        alert.over_told_at = now
        alert.save(update_fields=["state", "resolved_at", "resolution", "over_told_at"])
        if alert.told_at:
            told = {"alerts": [alert.pk], "rule": row.name, "severity": alert.severity, "labels": alert.labels}
            events.record(
                "alert.resolved",
                subject=f"alert:{alert.name}",
                actor=actor,
                now=now,
                environment_id=row.environment_id,
                reason=why,
                data=told,
            )


def _tell(
    kind: str,
    row: AlertRule,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    events.record(
        kind,
        subject=f"alert_rule:{row.group}/{row.name}",
        actor=actor,
        now=now,
        environment_id=row.environment_id,
        reason=reason,
        before=before,
        after=after,
    )
