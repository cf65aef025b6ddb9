"""The KPIs of the strategy, and days of production."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core import environments, events
from core.actors import GUARD, Actor, ActorKind
from kpis.services import registry
from monitoring.services import ingest
from nctool_rollout.playbook.kpis import items_of
from nctool_rollout.playbook.validation import load_text
from tests.conftest import KEY

if TYPE_CHECKING:
    from core.models import Environment
    from nctool_rollout.playbook.model import Playbook

OLGA = Actor("olga", ActorKind.PERSON)
WHERE = "production"
FILE = Path(__file__).parents[2] / "playbooks" / "nctool-v2.yaml"


@pytest.fixture(scope="session")
def strategy() -> Playbook:
    """The playbook of the strategy."""
    playbook, _ = load_text(FILE.read_text(), file=FILE.name)
    return playbook


@pytest.fixture
def kpis(strategy: Playbook, all_environments: None, now: datetime) -> dict[str, Any]:
    """All eighteen, as the playbook has them; their documents by key."""
    found = {item[1]: values for item, values in items_of(strategy.kpis).items()}
    for key, values in found.items():
        registry.define(key, values, actor=OLGA, reason="tests", now=now)
    return found


@pytest.fixture
def production(all_environments: None) -> Environment:
    return environments.get(WHERE)


def happens(
    kind: str, subject: str, *, now: datetime, where: str = WHERE, before: Any = None, after: Any = None, **data: Any
) -> int:
    """An event as another app records it; its number."""
    place = environments.get(where).pk
    told = {"reason": data.pop("reason", ""), "before": before, "after": after, "data": data}
    return events.record(kind, subject=subject, actor=GUARD, now=now, environment_id=place, **told).pk


def raised(share: float, *, before: float = 0, flag: str = KEY, now: datetime, where: str = WHERE, **data: Any) -> int:
    """A flag is raised from one share to another."""
    states = [{"enabled": value > 0, "percentage": value, "allow_count": 0} for value in (before, share)]
    return happens(
        "flag.rollout_changed", f"flag:{flag}", now=now, where=where, before=states[0], after=states[1], **data
    )


def taken_back(*, flag: str = KEY, now: datetime, kind: str = "flag.rolled_back") -> int:
    """A flag is taken from everybody."""
    on = {"enabled": True, "percentage": 10, "allow_count": 0}
    return happens(kind, f"flag:{flag}", now=now, before=on, after={**on, "enabled": False})


@pytest.fixture
def melts() -> Callable[..., None]:
    """nctool reports melts at a moment: how many, how many of them failed, how long each took."""

    def report(at: datetime, all_: int, *, bad: int = 0, ms: float = 1_200, where: str = WHERE) -> None:
        labels = {"flag": KEY, "variant": "on"}
        stamp = {"at": at.timestamp(), "labels": labels}
        metrics: list[dict[str, Any]] = [
            {"name": "melt_operations_total", "kind": "counter", "value": all_, **stamp},
            {"name": "melt_duration_ms", "kind": "timing", "value": ms * all_, "count": all_, **stamp},
        ]
        metrics += [{"name": "melt_errors_total", "kind": "counter", "value": bad, **stamp}] if bad else []
        ingest.store(where, {"metrics": metrics}, now=at)

    return report
