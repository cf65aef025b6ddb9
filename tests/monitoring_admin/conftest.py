"""A trigger with its measurements, the clock stopped at the story's morning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
import time_machine

from core.actors import Actor
from core.environments import get as environment
from flags.models import Flag
from monitoring.models import Bucket, Judgement, Series, Trigger
from monitoring.services import triggers

KEY = "atomicMeltOperations"


@pytest.fixture(autouse=True)
def stopped(now: datetime) -> Iterator[time_machine.Traveller]:
    """Doors read the clock; here it stands still."""
    with time_machine.travel(now, tick=False) as traveller:
        yield traveller


@pytest.fixture
def trigger(flag: Flag, operator_actor: Actor, now: datetime) -> Trigger:
    """The error rate of the playbook in production."""
    values = {
        "name": "Error rate",
        "measure": "ratio",
        "numerator": {"metric": "melt_errors_total", "labels": {"flag": KEY, "variant": "on"}},
        "denominator": {"metric": "melt_operations_total", "labels": {"flag": KEY, "variant": "on"}},
        "threshold": 5.0,
        "window": 10,
        "max_window": 300,
        "min_samples": 40,
        "consecutive": 3,
        "target": "flag",
        "flag_key": KEY,
    }
    return triggers.define("error-rate", "production", values, actor=operator_actor, reason="playbook", now=now)


@pytest.fixture
def fired(trigger: Trigger, now: datetime) -> Trigger:
    """The same trigger after it has fired."""
    trigger.state, trigger.latched_at, trigger.verdict, trigger.value = "latched", now, "BREACH", 20.5
    trigger.breaches, trigger.judged_at = 3, now
    trigger.evidence = {
        "trigger": "error-rate",
        "value": 20.5,
        "threshold": 5.0,
        "window_start": "2025-08-11T08:59:40+00:00",
        "numerator": trigger.numerator,
        "denominator": {},
        "flag_percentage": 25.0,
    }
    trigger.save()
    return trigger


@pytest.fixture
def series(flag: Flag, now: datetime) -> Callable[..., Series]:
    """Make a series in production."""

    def make(name: str, kind: str = "counter", **labels: str) -> Series:
        return Series.objects.create(
            environment=environment("production"),
            name=name,
            kind=kind,
            labels=labels,
            digest=sha256(f"{name}{sorted(labels.items())}".encode()).hexdigest(),
            created_at=now,
        )

    return make


def report(series: Series, start: int, total: float, n: int = 1) -> None:
    """One bucket."""
    Bucket.objects.create(series=series, start=start, n=n, sum=total, min=0, max=total)


def judge(trigger: Trigger, end: int, value: float | None, **over: Any) -> None:
    """One judged window that ends there, ten seconds long."""
    verdict = "NO_DATA" if value is None else "BREACH" if value > trigger.threshold else "PASS"
    fields = {"verdict": verdict, "samples": 50, "threshold": trigger.threshold, "window_start": end - 10, **over}
    Judgement.objects.create(
        trigger=trigger, window_end=end, value=value, at=datetime.fromtimestamp(end, UTC), **fields
    )
