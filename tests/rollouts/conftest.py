"""A ramp of the playbook, and a guard whose verdicts a test sets by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from core import heartbeats
from core.actors import Actor
from core.environments import get as environment
from flags.models import Flag
from monitoring.domain.verdict import Measure, Target, TriggerState, Verdict
from monitoring.models import Trigger
from rollouts.models import Ramp, RampTemplate
from rollouts.services import starting

KEY = "atomicMeltOperations"
DAY = 86_400


def as_playbook(label: str, week: int, day: int, percentage: int, **over: object) -> dict[str, object]:
    """One step as the playbook stores it."""
    return {
        "label": label,
        "week": week,
        "day": day,
        "percentage": percentage,
        "allow_list_only": False,
        "parameters": {},
        "monitoring": "intensive",
        "soak_seconds": 3600,
        **over,
    }


@pytest.fixture
def template(flag: Flag) -> RampTemplate:
    """The seed's weeks 5 and 6: allow-list, 10, 25, 50, 100 %, with the fallback off at the end."""
    steps = [
        as_playbook("5.1", 5, 1, 0, allow_list_only=True, parameters={"fallbackToLegacy": True}),
        as_playbook("5.2", 5, 3, 10),
        as_playbook("5.3", 5, 5, 25, parameters={"transactionTimeout": 30000}),
        as_playbook("6.1", 6, 1, 50),
        as_playbook("6.2", 6, 4, 100, parameters={"fallbackToLegacy": False}),
    ]
    return RampTemplate.objects.create(key="atomic-phased", name="Atomic melt, phased", flag=flag, steps=steps)


@dataclass
class Guard:
    """The guard of one flag, with one trigger."""

    trigger: Trigger

    def judges(self, verdict: Verdict, *, at: datetime) -> None:
        """Note a verdict on everything up to `at` and beat, as a round of the guard does."""
        row = self.trigger
        unbroken = verdict is Verdict.PASS and row.verdict == Verdict.PASS
        row.passing_since = row.passing_since if unbroken else at if verdict is Verdict.PASS else None
        row.verdict, row.judged_at, row.judged_until = verdict.value, at, int(at.timestamp())
        row.save()
        heartbeats.beat("guard", now=at)

    def passes(self, *, since: datetime, until: datetime) -> None:
        """PASS from one time to the other, without a gap."""
        self.judges(Verdict.NO_DATA, at=since)
        self.judges(Verdict.PASS, at=since + timedelta(seconds=1))
        self.judges(Verdict.PASS, at=until)

    def fires(self) -> None:
        self.trigger.state = TriggerState.LATCHED.value
        self.trigger.save()


@pytest.fixture
def guard(flag: Flag, now: datetime) -> Guard:
    """The error-rate trigger of the playbook in production, without a verdict yet."""
    trigger = Trigger.objects.create(
        key="error-rate",
        environment=environment("production"),
        name="Error rate",
        measure=Measure.RATIO.value,
        numerator={"metric": "melt_errors_total", "labels": {"flag": KEY, "variant": "on"}},
        denominator={"metric": "melt_operations_total", "labels": {"flag": KEY, "variant": "on"}},
        threshold=5.0,
        window=10,
        max_window=300,
        min_samples=40,
        consecutive=3,
        target=Target.FLAG.value,
        flag_key=flag.key,
    )
    heartbeats.beat("guard", now=now)
    return Guard(trigger)


@pytest.fixture
def ramp(template: RampTemplate, guard: Guard, operator_actor: Actor, now: datetime) -> Ramp:
    """Running in production: a step an hour, half an hour of PASS before each."""
    return starting.start(
        template.key, "production", actor=operator_actor, reason="weeks 5 and 6", now=now, pace=3600, soak=1800
    )
