"""What this product watches, as a rule file for a Prometheus."""

from __future__ import annotations

from alerting import selectors
from alerting.domain import export
from alerting.domain.definition import Definition
from alerting.domain.export import Alerting, Recorded
from alerting.services.rules import definition_of
from core import environments
from monitoring import selectors as monitoring
from monitoring.domain.as_promql import expression
from monitoring.services.triggers import rule_of


def rule_file(environment: str) -> str:
    """The catalogue, the alert rules and the triggers of an environment. Raises NotFound."""
    return export.rule_file(_recorded(), _alerting(environment))


def unit_tests(environment: str, file: str) -> str:
    """Tests for it; `file` is its name beside them."""
    return export.unit_tests(file, _alerting(environment))


def _recorded() -> list[Recorded]:
    return [Recorded(row.key, row.query) for row in monitoring.catalogue() if row.query]


def _alerting(environment: str) -> list[Alerting]:
    environments.get(environment)
    rules = [Alerting(row.group, row.name, definition_of(row)) for row in selectors.rules(environment) if row.enabled]
    return [*rules, *_triggers(environment)]


def _triggers(environment: str) -> list[Alerting]:
    """The triggers that can be told in PromQL: each an alert with what it would do as a label."""
    found = []
    for row in monitoring.triggers(environment):
        told = expression(rule_of(row)) if row.enabled else None
        if told is not None:
            definition = Definition(
                expr=told.expr,
                condition="",
                for_seconds=told.for_seconds,
                keep_firing_seconds=0,
                severity="critical",
                labels={"trigger": row.key, "action": "_".join(row.actions)},
                annotations={"summary": row.name},
                runbook_url="",
                enabled=True,
            )
            found.append(Alerting("triggers", _name(row.key), definition))
    return found


def _name(key: str) -> str:
    return "Trigger" + "".join(part.capitalize() for part in key.replace("_", "-").split("-"))
