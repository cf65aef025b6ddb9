"""A small plan of two phases, and what its gates look at, set by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from core import heartbeats
from core.actors import Actor, ActorKind
from core.environments import get as environment
from flags.models import Flag
from monitoring.domain.verdict import Measure, Target
from monitoring.models import Trigger
from plans.models import Item, Phase, Plan
from plans.services import items, plans, templates
from rollouts.models import ValidationRun

DOCUMENT: dict[str, Any] = {
    "name": "Small plan",
    "phases": {
        "first": {
            "name": "First",
            "weeks": [1, 1],
            "objectives": ["Begin"],
            "activities": [{"item": "Deploy", "command": "kubectl apply"}, {"item": "Smoke tests"}],
            "criteria": [
                {"item": "It starts", "check": {"validation": "applicationHealth"}},
                {"item": "All works", "owner": "qa-team", "priority": "HIGH"},
            ],
            "features": ["atomicMeltOperations"],
            "needs": {"checklists": ["before"]},
        },
        "second": {
            "name": "Second",
            "weeks": [2, 3],
            "criteria": [{"item": "Everybody has it", "check": {"flag": "atomicMeltOperations"}}],
            "features": ["atomicMeltOperations"],
            "needs": {"validation": 24, "approval": True},
        },
    },
    "checklists": {
        "before": {"title": "Before", "kind": "before", "items": [{"item": "Reviewed"}, {"item": "Backed up"}]},
        "soon": {
            "title": "Two hours",
            "kind": "after",
            "opensAfter": "first.activities",
            "opensAfterHours": 1,
            "dueAfterHours": 2,
            "items": [{"item": "Look"}],
        },
    },
}
APPROVER = Actor("anna", ActorKind.PERSON)


@pytest.fixture
def plan(flag: Flag, operator_actor: Actor, now: datetime) -> Plan:
    told: dict[str, Any] = {"actor": operator_actor, "reason": "tests", "now": now}
    templates.define("small", DOCUMENT, **told)
    calm(now)
    return plans.start("small", "production", **told)


def calm(now: datetime) -> None:
    """The guard has just judged, and nothing has fired."""
    heartbeats.beat("guard", now=now)


def validated(now: datetime, *, success: bool | None = True, check: str = "applicationHealth") -> None:
    """A validation that has just ended."""
    result = {"success": success, "summary": "It answers." if success else "It is down.", "evidence": []}
    ValidationRun.objects.create(
        environment=environment("production"),
        started_at=now,
        started_by="tests",
        started_by_kind="person",
        finished_at=now,
        success=success is not False,
        results={check: result},
        lease="x",
        lease_until=now + timedelta(minutes=1),
    )


def phase(key: str) -> Phase:
    return Phase.objects.select_related("plan__environment").get(key=key)


def item(text: str) -> Item:
    return Item.objects.select_related("checklist").get(text=text)


@pytest.fixture
def passes(operator_actor: Actor, now: datetime) -> Callable[..., None]:
    """Tick items by their words."""

    def passed(*texts: str, at: datetime = now) -> None:
        for text in texts:
            items.mark(item(text).pk, items.ItemState.PASSED, actor=operator_actor, now=at)

    return passed


@pytest.fixture
def guarded(flag: Flag) -> Trigger:
    """A trigger of the environment, whose verdict a test sets."""
    return Trigger.objects.create(
        key="error-rate",
        environment=environment("production"),
        name="Error rate",
        measure=Measure.RATIO.value,
        numerator={"metric": "melt_errors_total"},
        denominator={"metric": "melt_operations_total"},
        threshold=5.0,
        window=10,
        max_window=300,
        min_samples=40,
        consecutive=3,
        target=Target.FLAG.value,
        flag_key=flag.key,
    )
