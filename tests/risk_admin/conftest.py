"""An environment that was assessed, and a register with the strategy's risks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.actors import Actor
from core.environments import get as environment
from risk.domain.curves import Factor
from risk.domain.levels import Level
from risk.domain.score import assess
from risk.models import Risk, Score
from risk.services import register

WORSE: dict[Factor, float | None] = {
    Factor.ERROR_RATE: 3.5,
    Factor.RESPONSE_TIME: 3200.0,
    Factor.THROUGHPUT: 11.0,
    Factor.USER_COMPLAINTS: 2.0,
    Factor.SYSTEM_LOAD: 70.0,
}


@pytest.fixture
def assessed(all_environments: None) -> Callable[..., Score]:
    """Keep an assessment of production."""

    def keep(at: datetime, **over: float | None) -> Score:
        values = {**WORSE, **{Factor(name): value for name, value in over.items()}}
        found = assess(values, before=None)
        return Score.objects.create(
            environment=environment("production"),
            at=at.replace(second=0, microsecond=0),
            score=found.score,
            low=found.low,
            high=found.high,
            level=found.level.value if found.level else "",
            factors=found.factors,
        )

    return keep


@pytest.fixture
def risk(all_environments: None, operator_actor: Actor, now: datetime) -> Risk:
    """The strategy's second, overdue since yesterday."""
    values: dict[str, Any] = {
        "title": "Performance degradation",
        "probability": Level.MEDIUM.value,
        "impact": Level.HIGH.value,
        "mitigations": ["Gradual feature rollout", "Performance monitoring"],
        "owner": "development-team",
        "review_on": (now - timedelta(days=1)).date().isoformat(),
        "links": [{"kind": "trigger", "key": "error-rate"}, {"kind": "ramp", "key": "gone"}],
    }
    return register.define("performance-degradation", values, actor=operator_actor, reason="playbook", now=now)
