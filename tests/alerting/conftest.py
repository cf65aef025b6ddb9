"""Rules over gauges that a test sets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerting.models import AlertRule
from alerting.services import evaluating, rules
from core import environments
from core.actors import Actor
from monitoring.services import ingest

RULE: dict[str, Any] = {"expr": "error_rate > 1", "for_seconds": 60, "severity": "critical"}


@pytest.fixture
def define(all_environments: None, operator_actor: Actor, now: datetime) -> Callable[..., AlertRule]:
    def made(name: str = "ErrorRate", **values: Any) -> AlertRule:
        told = {"actor": operator_actor, "reason": "tests", "now": now}
        return rules.define("production", "tests", name, {**RULE, **values}, **told)

    return made


@pytest.fixture
def at(all_environments: None, now: datetime) -> Callable[..., int]:
    """Report gauges by name for the ten seconds before a moment, then evaluate; seconds after `now`."""

    def evaluated(second: int, *labelled: dict[str, str], **gauges: float) -> int:
        moment = now + timedelta(seconds=second)
        stamp = moment.timestamp() - 10
        rows = [
            ingest.Gauge(name, labels, stamp, value) for name, value in gauges.items() for labels in labelled or ({},)
        ]
        if rows:
            ingest.store_gauges(environments.get("production").pk, "recorded", rows, now=moment)
        return evaluating.evaluate_all(now=moment + timedelta(seconds=3))

    return evaluated
