"""The catalogue and the alert rules of a playbook, as their services take them, and as a file has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydantic.alias_generators import to_camel

from alerting.domain import durations
from alerting.domain.definition import Definition
from alerting.domain.rulefile import SHORT_GROUP, long_values, short_values
from nctool_rollout.playbook.model import Playbook
from nctool_rollout.playbook.problems import Path
from nctool_rollout.playbook.watching import PrometheusRule

# The catalogue's metrics whose warning is one of the alert thresholds of deploymentConfig.
THRESHOLDS = {"error_rate": "error_rate", "response_time": "avg_response_time", "throughput": "throughput"}


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule, where the file has it, and the environments it is for."""

    path: Path
    group: str
    name: str
    definition: Definition
    environments: Sequence[str]


def metrics_of(playbook: Playbook) -> dict[str, dict[str, Any]]:
    """Each row of the catalogue; a threshold of deploymentConfig is the warning of its metric."""
    thresholds = playbook.deployment_config.monitoring.alert_thresholds
    warnings = {metric: getattr(thresholds, name) for name, metric in THRESHOLDS.items()}
    found = {}
    for position, (key, metric) in enumerate(playbook.metrics.items()):
        values = metric.model_dump()
        values["warning"] = metric.warning if warnings.get(key) is None else float(warnings[key])
        found[key] = {**values, "position": position}
    return found


def alerts_of(playbook: Playbook) -> Iterator[Alert]:
    """Every rule of both forms. Raises Invalid for one that cannot be; see `read`."""
    for path, group, name, environments, values in forms(playbook):
        yield Alert(path, group, name, Definition.read(name, values()), environments)


def forms(playbook: Playbook) -> Iterator[tuple[Path, str, str, Sequence[str], Any]]:
    """Path, group, name and environments of every rule, and a call that reads its values."""
    armed = {environment for trigger in playbook.triggers.values() for environment in trigger.environments}
    everywhere = [key for key in playbook.environments if not armed or key in armed]
    units = {key: metric.unit for key, metric in playbook.metrics.items()}
    for index, alert in enumerate(playbook.alerts):
        short = alert.model_dump(by_alias=True)
        where = everywhere if alert.environments is None else alert.environments
        yield ("alerts", index), SHORT_GROUP, alert.name, where, partial(_values_of_short, short, units)
    for number, group in enumerate(playbook.alert_groups):
        where = everywhere if group.environments is None else group.environments
        for index, rule in enumerate(group.rules):
            path: Path = ("alertGroups", number, "rules", index)
            yield path, group.name, rule.alert, where, partial(_values_of_long, rule, group.source)


def _values_of_short(written: Mapping[str, Any], units: Mapping[str, str]) -> dict[str, Any]:
    return {**short_values(written, units), "enabled": written["enabled"]}


def _values_of_long(rule: PrometheusRule, source: str) -> dict[str, Any]:
    return {**long_values(rule.model_dump(by_alias=True)), "enabled": rule.enabled, "source": source}


def exported_alerts(rules: Mapping[tuple[str, str], tuple[Definition, list[str]]]) -> dict[str, Any]:
    """The sections `alerts` and `alertGroups` for these rules, by group and name, each with its environments."""
    short, groups = [], dict[tuple[str, tuple[str, ...], str], list[dict[str, Any]]]()
    for (group, name), (definition, environments) in rules.items():
        if group == SHORT_GROUP and definition.condition and not definition.source:
            short.append({**_short(name, definition), "environments": environments})
        else:
            groups.setdefault((group, tuple(environments), definition.source), []).append(_long(name, definition))
    long = [
        {"name": group, "rules": found, "environments": list(environments), **({"source": source} if source else {})}
        for (group, environments, source), found in groups.items()
    ]
    return {"alerts": short, "alertGroups": long}


def exported_metric(value: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the catalogue as a file has it, without what is empty and what deploymentConfig says."""
    left = {key: one for key, one in value.items() if key != "position" and one not in ("", None)}
    return {to_camel(key): one for key, one in left.items()}


def _short(name: str, definition: Definition) -> dict[str, Any]:
    found = {
        "name": name,
        "condition": definition.condition,
        "duration": durations.text(definition.for_seconds),
        "keepFiring": durations.text(definition.keep_firing_seconds),
        "severity": definition.severity,
        "labels": dict(definition.labels),
        "annotations": dict(definition.annotations),
        "runbook": definition.runbook_url,
        "enabled": definition.enabled,
    }
    return {key: value for key, value in found.items() if value not in ({}, "", "0s")}


def _long(name: str, definition: Definition) -> dict[str, Any]:
    runbook = {"runbook_url": definition.runbook_url} if definition.runbook_url else {}
    found = {
        "alert": name,
        "expr": definition.expr,
        "for": durations.text(definition.for_seconds),
        "keep_firing_for": durations.text(definition.keep_firing_seconds),
        "labels": {**definition.labels, "severity": definition.severity},
        "annotations": {**definition.annotations, **runbook},
        "enabled": definition.enabled,
    }
    return {key: value for key, value in found.items() if value not in ({}, "", "0s")}


def of_environments(
    items: Mapping[tuple[str, ...], Any],
) -> dict[tuple[str, str], tuple[Definition, list[str]]]:
    """The stored rules once each, with the environments they are in; a rule that differs there stands apart."""
    found: dict[tuple[str, str], tuple[Definition, list[str]]] = {}
    for item, values in items.items():
        if item[0] != "alerts":
            continue
        _, environment, group, name = item
        definition = Definition(**values)
        known = found.setdefault((group, name), (definition, []))
        if known[0] == definition:
            known[1].append(environment)
        else:
            apart = replace(definition)
            found[group, f"{name} in {environment}"] = (apart, [environment])
    return found
