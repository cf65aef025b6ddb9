"""A Prometheus rule file of alert rules, triggers and the catalogue's metrics, and unit tests for it.

`promtool check rules` accepts the file, `promtool test rules` passes the tests.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from alerting.domain import durations
from alerting.domain.definition import Definition

INTERVAL = "15s"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A metric of the catalogue with its query."""

    key: str
    query: str


@dataclass(frozen=True, slots=True)
class Alerting:
    """An alert rule in its group; a trigger is one, too."""

    group: str
    name: str
    definition: Definition


def rule_file(recorded: Sequence[Recorded], alerts: Sequence[Alerting]) -> str:
    """The file as YAML: the recorded metrics first, because alerts read them."""
    groups: list[dict[str, Any]] = []
    if recorded:
        rules = [{"record": one.key, "expr": one.query} for one in recorded]
        groups.append({"name": "catalogue", "interval": INTERVAL, "rules": rules})
    by_group: dict[str, list[dict[str, Any]]] = {}
    for one in alerts:
        by_group.setdefault(one.group, []).append(_rule(one.name, one.definition))
    groups += [{"name": name, "interval": INTERVAL, "rules": rules} for name, rules in by_group.items()]
    return _yaml({"groups": groups})


def unit_tests(file: str, alerts: Sequence[Alerting]) -> str:
    """For each rule that compares one metric with a number: it fires after its `for`, and not before."""
    tests = [test for one in alerts if (test := _test(one)) is not None]
    return _yaml({"rule_files": [file], "evaluation_interval": INTERVAL, "tests": tests})


def _rule(name: str, definition: Definition) -> dict[str, Any]:
    annotations = _annotations(definition)
    rule: dict[str, Any] = {"alert": name, "expr": definition.expr}
    if definition.for_seconds:
        rule["for"] = durations.text(definition.for_seconds)
    if definition.keep_firing_seconds:
        rule["keep_firing_for"] = durations.text(definition.keep_firing_seconds)
    rule["labels"] = {**definition.labels, "severity": definition.severity}
    if annotations:
        rule["annotations"] = annotations
    return rule


_SIMPLE = re.compile(
    r"(?P<metric>[A-Za-z_:][A-Za-z0-9_:]*)(?P<labels>\{[^{}]*\})?\s*(?P<op>>|<)\s*(?P<number>-?\d+(?:\.\d+)?)"
)


def _test(one: Alerting) -> dict[str, Any] | None:
    match = _SIMPLE.fullmatch(one.definition.expr.strip())
    if match is None or "~" in (match["labels"] or "") or "!=" in (match["labels"] or ""):
        return None
    notes = _annotations(one.definition)
    if any("{{" in text for text in (*one.definition.labels.values(), *notes.values())):
        return None
    limit = float(match["number"])
    bad = limit + 1 if match["op"] == ">" else limit - 1
    labels = dict(re.findall(r'(\w+)\s*=\s*"([^"]*)"', match["labels"] or ""))
    hold = one.definition.for_seconds
    fired: dict[str, Any] = {"exp_labels": {**labels, **one.definition.labels, "severity": one.definition.severity}}
    if notes:
        fired["exp_annotations"] = notes
    checks = [{"eval_time": durations.text(hold + 15), "alertname": one.name, "exp_alerts": [fired]}]
    if hold > 15:
        checks.insert(0, {"eval_time": durations.text(hold - 15), "alertname": one.name, "exp_alerts": []})
    series = f"{match['metric']}{match['labels'] or ''}"
    return {
        "name": f"{one.group}/{one.name}",
        "interval": INTERVAL,
        "input_series": [{"series": series, "values": f"{bad:g}x{hold // 15 + 4}"}],
        "alert_rule_test": checks,
    }


def _annotations(definition: Definition) -> dict[str, str]:
    runbook = {"runbook_url": definition.runbook_url} if definition.runbook_url else {}
    return {**definition.annotations, **runbook}


def _yaml(document: dict[str, Any]) -> str:
    out = StringIO()
    writer = YAML(typ="safe")
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # declared as None
    writer.width = 4096
    writer.dump(document, out)
    return out.getvalue()
