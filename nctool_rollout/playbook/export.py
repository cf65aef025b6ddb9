"""What there is, as a playbook that loads to the same."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from pydantic.alias_generators import to_camel
from ruamel.yaml import YAML

from core.errors import Conflict
from nctool_rollout.playbook import improving, kpis, oncall, public, reporting, standing
from nctool_rollout.playbook.alerting import THRESHOLDS, exported_alerts, exported_metric, of_environments
from nctool_rollout.playbook.responding import exported_level
from nctool_rollout.playbook.wanted import ENVIRONMENT_FIELDS, Item

MORE = ("group", "value_type", "variants", "parameter_schema")  # left out where a flag has none


def export() -> dict[str, Any]:
    """The playbook as plain values. Raises Conflict when there is nothing yet, or more than a playbook can say."""
    items = standing.items()
    keys = _keys(items, "environments")
    if not keys:
        raise Conflict("There is nothing to export yet: load a playbook first.")
    said = standing.newest_document()
    return {
        "playbook": 1,
        "name": said.get("name", "exported"),
        "description": said.get("description", ""),
        "deploymentConfig": {
            "version": said.get("version", "0"),
            "features": {flag: _feature(items, flag, keys[-1]) for flag in _keys(items, "flags")},
            "monitoring": {"alertThresholds": said.get("alertThresholds", {})},
        },
        "environments": {key: _environment(items, key, keys[-1]) for key in keys},
        "monitoringLevels": {key: _level(items["monitoringLevels", key]) for key in _keys(items, "monitoringLevels")},
        "ramps": {key: _ramp(items["ramps", key]) for key in _keys(items, "ramps")},
        "metrics": {key: exported_metric(_own_warning(key, items, said)) for key in _keys(items, "metrics")},
        "kpis": kpis.exported(items),
        "sources": _each_once(items, "sources", _source, "source"),
        "triggers": _each_once(items, "triggers", _trigger, "trigger"),
        **exported_alerts(of_environments(items)),
        "incidents": {key: exported_level(items["incidents", key]) for key in _keys(items, "incidents")},
        "applications": {key: items["applications", key] for key in _keys(items, "applications")},
        "channels": {key: items["channels", key] for key in _keys(items, "channels")},
        "audiences": {key: items["audiences", key] for key in _keys(items, "audiences")},
        "approvals": _approvals(items),
        "risks": {key: _risk(items["risks", key]) for key in _keys(items, "risks")},
        "plans": {key: items["plans", key] for key in _keys(items, "plans")},
        "freezes": {key: items["freezes", key] for key in _keys(items, "freezes")},
        **public.exported(items),
        **reporting.exported(items),
        "onCall": oncall.exported(items),
        **improving.exported(items),
    }


def _own_warning(key: str, items: dict[Item, Any], said: dict[str, Any]) -> dict[str, Any]:
    """The row without the warning that deploymentConfig gives it."""
    given = {metric: said.get("alertThresholds", {}).get(to_camel(name)) for name, metric in THRESHOLDS.items()}
    value: dict[str, Any] = items["metrics", key]
    return {**value, "warning": None} if given.get(key) == value["warning"] else value


def as_yaml(playbook: dict[str, Any]) -> str:
    yaml = YAML()
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 120
    stream = io.StringIO()
    yaml.dump(playbook, stream)
    return stream.getvalue()


def _keys(items: dict[Item, Any], kind: str) -> list[str]:
    return list(dict.fromkeys(item[1] for item in items if item[0] == kind))


def _feature(items: dict[Item, Any], flag: str, environment: str) -> dict[str, Any]:
    """The flag, as it stands in the last environment."""
    own = {field: items["flags", flag, field] for field in ("name", "description", "bucketing")}
    more = {("type" if field == "value_type" else to_camel(field)): items["flags", flag, field] for field in MORE}
    own |= {field: value for field, value in more.items() if value not in ("", "boolean", [], {})}
    return {**own, **_start(items, environment, flag)}


def _start(items: dict[Item, Any], environment: str, flag: str) -> dict[str, Any]:
    where = ("states", environment, flag)
    return {
        "enabled": items[*where, "rollout"]["enabled"],
        "rolloutPercentage": items[*where, "rollout"]["percentage"],
        "allowedUsers": items[*where, "allowedUsers"],
        "parameters": {item[4]: value for item, value in items.items() if item[:4] == (*where, "parameters")},
    }


def _environment(items: dict[Item, Any], key: str, last: str) -> dict[str, Any]:
    """The environment, with its flags as far as they stand otherwise than in the last one."""
    found = {field: items["environments", key, field] for field in ENVIRONMENT_FIELDS}
    flags = {}
    for flag in _keys(items, "flags"):
        here, there = _start(items, key, flag), _start(items, last, flag)
        over = {field: value for field, value in here.items() if value != there[field]}
        if over:
            flags[flag] = over
    if not found["zone"]:
        del found["zone"]
    return {**found, "flags": flags}


def _level(stored: dict[str, Any]) -> dict[str, Any]:
    told = {**_camel(stored), "everySeconds": stored["every"]}
    return {key: value for key, value in told.items() if key != "every" and value is not None}


def _ramp(stored: dict[str, Any]) -> dict[str, Any]:
    told = {**stored, "steps": [_camel(step) for step in stored["steps"]]}
    return {key: value for key, value in told.items() if value != {}}


def _each_once(
    items: dict[Item, Any], kind: str, told_as: Callable[[dict[str, Any]], dict[str, Any]], noun: str
) -> dict[str, Any]:
    """Each trigger or source once, with the environments it is in."""
    found: dict[str, Any] = {}
    for item, stored in items.items():
        if item[0] != kind:
            continue
        _, environment, key = item
        told = told_as(stored)
        entry = found.setdefault(key, {**told, "environments": []})
        if {**entry, "environments": []} != {**told, "environments": []}:
            first = entry["environments"][0]
            raise Conflict(
                f"{noun.capitalize()} {key} has another rule in {environment} than in {first}: "
                "a playbook has one for all."
            )
        entry["environments"].append(environment)
    return found


def _risk(stored: dict[str, Any]) -> dict[str, Any]:
    linked = {
        f"{kind}s": [link["key"] for link in stored["links"] if link["kind"] == kind]
        for kind in ("trigger", "alert", "ramp")
    }
    told = {
        "risk": stored["title"],
        "probability": stored["probability"],
        "impact": stored["impact"],
        "mitigation": stored["mitigations"],
        "owner": stored["owner"],
        **linked,
    }
    return {key: value for key, value in told.items() if value not in ("", [])}


def _source(stored: dict[str, Any]) -> dict[str, Any]:
    told = {**stored, "timeoutSeconds": stored["timeout"], "intervalSeconds": stored["interval"]}
    return {key: value for key, value in told.items() if key not in ("timeout", "interval") and value != {}}


def _approvals(items: dict[Item, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item, rule in items.items():
        if item[0] == "approvals":
            found.setdefault(item[1], {})[to_camel(item[2])] = rule
    return found


def _trigger(rule: dict[str, Any]) -> dict[str, Any]:
    told = _camel(rule)
    told["windowSeconds"], told["maxWindowSeconds"] = told.pop("window"), told.pop("maxWindow")
    told["cooldownSeconds"] = told.pop("cooldown")
    told["target"] = "lastRaised" if rule["target"] == "last_raised" else "flag"
    flag = told.pop("flagKey")
    left = {key: value for key, value in told.items() if value not in ({}, None, "")}
    return {**left, **({"flag": flag} if flag else {})}


def _camel(values: dict[str, Any]) -> dict[str, Any]:
    return {to_camel(key): value for key, value in values.items()}
