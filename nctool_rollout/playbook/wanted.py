"""What a playbook wants, as one flat set of items: path to value. The same shape as what there is (standing.py)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from core import freezing
from flags.domain.rules import ChangeKind
from nctool_rollout.playbook import improving, kpis, oncall, public, reporting
from nctool_rollout.playbook.alerting import alerts_of, metrics_of
from nctool_rollout.playbook.model import ApprovalRule, FlagStart, Freeze, Level, Playbook, Ramp
from nctool_rollout.playbook.planning import document_of
from nctool_rollout.playbook.responding import policy_of
from nctool_rollout.playbook.telling import document_of as audience_of
from nctool_rollout.playbook.watching import Risk, Selection, Source, Trigger
from rollouts.domain.template import RampStepSpec

Item = tuple[str, ...]
FLAG_FIELDS = ("name", "description", "bucketing", "group", "value_type", "variants", "parameter_schema")
ENVIRONMENT_FIELDS = ("name", "protected", "zone", "purpose", "database", "features", "monitoring")


def items(playbook: Playbook) -> dict[Item, Any]:
    """Everything the playbook sets, in the order in which it has to be set."""
    return {
        **_environments(playbook),
        **_flags(playbook),
        **_states(playbook),
        **{("monitoringLevels", key.value): level_of(level) for key, level in playbook.monitoring_levels.items()},
        **{("ramps", key): ramp_of(ramp) for key, ramp in playbook.ramps.items()},
        **_triggers(playbook),
        **_sources(playbook),
        **{("incidents", key): policy_of(key, level) for key, level in playbook.incidents.items()},
        **{("applications", environment): row.model_dump() for environment, row in playbook.applications.items()},
        **{("risks", key): risk_of(risk) for key, risk in playbook.risks.items()},
        **kpis.items_of(playbook.kpis),
        **{("metrics", key): value for key, value in metrics_of(playbook).items()},
        **_alerts(playbook),
        **_approvals(playbook),
        **{("plans", key): document_of(plan) for key, plan in playbook.plans.items()},
        **{("channels", key): {"name": row.name, "kind": row.kind.value} for key, row in playbook.channels.items()},
        **{("audiences", key): audience_of(row) for key, row in playbook.audiences.items()},
        **{("freezes", key): freezing.told(plan_of(freeze)) for key, freeze in playbook.freezes.items()},
        **public.items_of(playbook.status_page),
        **reporting.items_of(playbook.report),
        **oncall.wanted(playbook.on_call),
        **improving.wanted(playbook),
    }


def document(playbook: Playbook) -> dict[str, Any]:
    """What the playbook says of itself and of nothing else: kept with the event of its load."""
    thresholds = playbook.deployment_config.monitoring.alert_thresholds
    return {
        "name": playbook.name,
        "description": playbook.description,
        "version": playbook.deployment_config.version,
        "alertThresholds": thresholds.model_dump(by_alias=True, exclude_none=True),
    }


def steps_of(ramp: Ramp) -> list[RampStepSpec]:
    return [
        RampStepSpec(
            label=step.label,
            week=step.week,
            day=step.day,
            percentage=step.percentage,
            allow_list_only=step.allow_list_only,
            parameters=step.parameters,
            monitoring=step.monitoring,
            soak_seconds=step.soak_seconds,
        )
        for step in ramp.steps
    ]


def level_of(level: Level) -> dict[str, Any]:
    return {"every": level.every_seconds, "soak": level.soak, "calm": level.calm, "tell": list(level.tell)}


def ramp_of(ramp: Ramp) -> dict[str, Any]:
    steps = [step.to_dict() for step in steps_of(ramp)]
    return {"name": ramp.name, "flag": ramp.flag, "steps": steps, "hours": hours_of(ramp)}


def hours_of(ramp: Ramp) -> dict[str, Any]:
    """As `rollouts.domain.hours.read` takes them."""
    if ramp.hours is None:
        return {}
    return {name: value for name, value in ramp.hours.model_dump(by_alias=True).items() if value}


def definition_of(trigger: Trigger) -> dict[str, Any]:
    """The rule as `monitoring.services.triggers.define` takes it, whole: nothing of an older rule is left."""
    return {
        "name": trigger.name,
        "measure": trigger.measure.value,
        "numerator": _selection(trigger.numerator),
        "denominator": _selection(trigger.denominator),
        "threshold": trigger.threshold,
        "window": trigger.window_seconds,
        "max_window": trigger.max_window_seconds or trigger.window_seconds,
        "min_samples": trigger.min_samples,
        "consecutive": trigger.consecutive,
        "target": "flag" if trigger.target == "flag" else "last_raised",
        "flag_key": trigger.flag or "",
        "enabled": trigger.enabled,
        "actions": [action.value for action in trigger.actions],
        "observe": trigger.observe,
        "percentile": trigger.percentile,
        "clear_threshold": trigger.clear_threshold,
        "cooldown": trigger.cooldown_seconds,
        "alpha": trigger.alpha,
        "factor": trigger.factor,
        "phase": trigger.phase,
    }


def source_of(source: Source) -> dict[str, Any]:
    """The source as `monitoring.services.sources.define` takes it, whole."""
    return {
        "name": source.name,
        "kind": source.kind,
        "url": source.url,
        "auth": source.auth,
        "timeout": source.timeout_seconds,
        "interval": source.interval_seconds,
        "queries": {metric: query.model_dump() for metric, query in source.queries.items()},
        "enabled": source.enabled,
    }


def risk_of(risk: Risk) -> dict[str, Any]:
    """The part of the register that a playbook keeps; state and review are people's."""
    links = [("trigger", key) for key in risk.triggers]
    links += [("alert", key) for key in risk.alerts] + [("ramp", key) for key in risk.ramps]
    return {
        "title": risk.risk,
        "probability": risk.probability,
        "impact": risk.impact,
        "mitigations": risk.mitigation,
        "owner": risk.owner,
        "links": [{"kind": kind, "key": key} for kind, key in links],
    }


def rule_of(rule: ApprovalRule) -> dict[str, Any]:
    return {
        "above": number(rule.above),
        "approvals": rule.approvals,
        "expiresAfterHours": rule.expires_after_hours,
    }


def rule_from(value: Mapping[str, Any]) -> dict[str, Any]:
    """The rule as `flags.services.approval_rules.define` takes it."""
    expires_after = int(value["expiresAfterHours"] * 3600)
    return {"above": value["above"], "approvals": value["approvals"], "expires_after": expires_after}


def plan_of(freeze: Freeze) -> freezing.Plan:
    return freezing.Plan(
        name=freeze.name,
        reason=freeze.reason,
        environments=freeze.environments,
        zone=freeze.zone,
        starts_at=freeze.starts,
        duration=round(freeze.duration_hours * 3600),
        recurrence=freeze.recurrence,
        but_not=freeze.but_not,
    )


def number(share: Decimal) -> int | float:
    """A percentage as JSON has it."""
    return int(share) if share == share.to_integral_value() else float(share)


def _selection(selection: Selection | None) -> dict[str, Any]:
    if selection is None:
        return {}
    source = {"source": selection.source} if selection.source else {}
    return {"metric": selection.metric, "labels": selection.labels, **source}


def _environments(playbook: Playbook) -> dict[Item, Any]:
    found: dict[Item, Any] = {}
    for position, (key, environment) in enumerate(playbook.environments.items(), start=1):
        found["environments", key, "position"] = position
        for field in ENVIRONMENT_FIELDS:
            found["environments", key, field] = getattr(environment, field)
    return found


def _flags(playbook: Playbook) -> dict[Item, Any]:
    found: dict[Item, Any] = {}
    for key, feature in playbook.deployment_config.features.items():
        found["flags", key, "name"] = feature.name
        found["flags", key, "description"] = feature.description
        found["flags", key, "bucketing"] = feature.bucketing.value
        found["flags", key, "group"] = feature.group
        found["flags", key, "value_type"] = feature.value_type.value
        found["flags", key, "variants"] = [variant.model_dump() for variant in feature.variants]
        found["flags", key, "parameter_schema"] = feature.parameter_schema
    return found


def _states(playbook: Playbook) -> dict[Item, Any]:
    found: dict[Item, Any] = {}
    for environment in playbook.environments:
        for flag, start in _starts(playbook, environment):
            where = ("states", environment, flag)
            found[*where, "rollout"] = {"enabled": start.enabled, "percentage": number(start.rollout_percentage)}
            found[*where, "allowedUsers"] = sorted(start.allowed_users)
            for name, value in start.parameters.items():
                found[*where, "parameters", name] = value
    return found


def _triggers(playbook: Playbook) -> dict[Item, Any]:
    return {
        ("triggers", environment, key): definition_of(trigger)
        for key, trigger in playbook.triggers.items()
        for environment in trigger.environments
    }


def _sources(playbook: Playbook) -> dict[Item, Any]:
    return {
        ("sources", environment, key): source_of(source)
        for key, source in playbook.sources.items()
        for environment in source.environments
    }


def _alerts(playbook: Playbook) -> dict[Item, Any]:
    return {
        ("alerts", environment, alert.group, alert.name): alert.definition.as_dict()
        for alert in alerts_of(playbook)
        for environment in alert.environments
    }


def _approvals(playbook: Playbook) -> dict[Item, Any]:
    return {
        ("approvals", environment, ChangeKind(field.rstrip("_")).value): rule_of(rule)
        for environment, rules in playbook.approvals.items()
        for field, rule in rules
        if rule is not None
    }


def _starts(playbook: Playbook, environment: str) -> Iterator[tuple[str, FlagStart]]:
    """How each flag stands at the start in this environment."""
    model = playbook.environments[environment]
    source = playbook.environments[model.same_flags_as] if model.same_flags_as else model
    for key, feature in playbook.deployment_config.features.items():
        here = source.flags.get(key)
        over = here.model_dump(exclude_none=True) if here else {}
        yield (
            key,
            FlagStart.model_construct(**{**{name: getattr(feature, name) for name in FlagStart.model_fields}, **over}),
        )
