"""The triggers of the playbook, and metrics as nctool reports them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.actors import Actor
from flags.domain.bucketing import Bucketing
from flags.domain.change import StateChange
from flags.models import Flag
from flags.services import registry, rollout
from monitoring.models import Trigger
from monitoring.services import guard, ingest, triggers

KEY = "atomicMeltOperations"
OTHER = "preFlightReconciliation"
ON = {"flag": KEY, "variant": "on"}
ERROR_RATE: dict[str, Any] = {
    "name": "Error rate",
    "measure": "ratio",
    "numerator": {"metric": "melt_errors_total", "labels": ON},
    "denominator": {"metric": "melt_operations_total", "labels": ON},
    "threshold": 5.0,
    "window": 10,
    "max_window": 300,
    "min_samples": 20,
    "consecutive": 2,
    "target": "flag",
    "flag_key": KEY,
}
RESPONSE_TIME: dict[str, Any] = {
    "name": "Response time",
    "measure": "mean",
    "numerator": {"metric": "melt_duration_ms", "labels": {"flag": OTHER, "variant": "on"}},
    "threshold": 5000,
    "window": 10,
    "max_window": 300,
    "min_samples": 30,
    "consecutive": 2,
    "target": "flag",
    "flag_key": OTHER,
}
THROUGHPUT_DROP: dict[str, Any] = {
    "name": "Throughput drop",
    "measure": "drop",
    "numerator": {"metric": "melt_operations_total", "labels": {"flag": KEY}},
    "threshold": 50,
    "window": 30,
    "max_window": 300,
    "min_samples": 30,
    "consecutive": 2,
    "target": "last_raised",
}
CRITICAL_ERRORS: dict[str, Any] = {
    "name": "Critical errors",
    "measure": "count",
    "numerator": {"metric": "melt_errors_total", "labels": {"flag": KEY, "severity": "CRITICAL"}},
    "threshold": 10,
    "window": 300,
    "target": "last_raised",
}
USER_COMPLAINTS: dict[str, Any] = {
    "name": "User complaints",
    "measure": "count",
    "numerator": {"metric": "user_complaints_total"},
    "threshold": 5,
    "window": 600,
    "target": "last_raised",
}


def latch(row: Trigger, *, at: datetime) -> Trigger:
    """As the guard leaves a trigger that has fired."""
    row.state, row.verdict, row.latched_at = "latched", "BREACH", at
    row.value, row.samples, row.breaches, row.evidence = 20.0, 100, 2, {"value": 20.0}
    row.save()
    return row


def counted(name: str, value: float, at: datetime, **labels: str) -> dict[str, Any]:
    return {"name": name, "kind": "counter", "value": value, "labels": labels, "at": at.timestamp()}


@dataclass
class Traffic:
    """nctool at ten melts a second. `at` is where its clock stands; both flags serve the same units."""

    at: datetime

    def melts(
        self, seconds: int, *, errors: float = 0.01, mean: float = 300, critical: int = 0, rate: int = 10
    ) -> None:
        """So many seconds of it, reported in buckets of ten; this share of the melts fails."""
        for _ in range(0, seconds, 10):
            self._report(10 * rate, errors=errors, mean=mean, critical=critical)
            self.at += timedelta(seconds=10)

    def complains(self, times: int) -> None:
        self.sends([counted("user_complaints_total", times, self.at, flag=KEY)])

    def sends(self, metrics: list[dict[str, Any]]) -> None:
        ingest.store("production", {"metrics": metrics}, now=self.at + timedelta(seconds=10))

    def pauses(self, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)

    def judged(self) -> int:
        """The guard looks as soon as all that was reported is complete; how many triggers fired."""
        return guard.judge_all(now=self.at + timedelta(seconds=4))

    def _report(self, melts: int, *, errors: float, mean: float, critical: int) -> None:
        rows = []
        for key in (KEY, OTHER):
            on = {"flag": key, "variant": "on"}
            rows += [
                counted("melt_operations_total", melts, self.at, **on),
                counted("melt_errors_total", errors * melts, self.at, **on, severity="HIGH"),
                counted("melt_errors_total", critical, self.at, **on, severity="CRITICAL"),
                {
                    **counted("melt_duration_ms", mean * melts, self.at, **on),
                    "kind": "timing",
                    "count": melts,
                },
            ]
        self.sends(rows)


@pytest.fixture
def start() -> datetime:
    return datetime(2026, 3, 9, 9, 0, tzinfo=UTC)


@pytest.fixture
def traffic(start: datetime) -> Traffic:
    return Traffic(start)


@pytest.fixture
def both_flags(flag: Flag, operator_actor: Actor, now: datetime) -> None:
    """atomicMeltOperations at 50 %, and raised after it preFlightReconciliation at 25 %."""
    registry.define(
        OTHER,
        name="Pre-flight reconciliation",
        description="",
        bucketing=Bucketing.JS31,
        actor=operator_actor,
        reason="tests",
        now=now,
    )
    for key, percentage in ((KEY, 50), (OTHER, 25)):
        wanted = StateChange(enabled=True, percentage=percentage)
        rollout.change(key, "production", wanted, actor=operator_actor, reason="ramp", now=now)


@pytest.fixture
def error_rate(both_flags: None, operator_actor: Actor, start: datetime) -> Trigger:
    return triggers.define("error-rate", "production", ERROR_RATE, actor=operator_actor, reason="playbook", now=start)
