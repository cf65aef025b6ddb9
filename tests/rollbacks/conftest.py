"""A flag that is on for a quarter of production, an application in a cluster, and the people who roll back."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from core import events
from core.actors import Actor, ActorKind
from flags.domain.bucketing import Bucketing
from flags.domain.change import StateChange
from flags.models import Flag
from flags.services import registry, rollout
from rollbacks.models import Rollback
from rollbacks.services import applications, deciding, requesting
from rollouts.domain.validation import Check, Result
from rollouts.services import validation

KEY = "atomicMeltOperations"
OTHER = "preFlightReconciliation"
OLGA = Actor("olga", ActorKind.PERSON)
ANNA = Actor("anna", ActorKind.PERSON)
WHERE = {
    "context": "nctool-production",
    "namespace": "nctool",
    "deployment": "nctool",
    "container": "nctool",
    "selector": "app=nctool",
}
GOOD, BAD = "nctool:1.9.4", "nctool:2.0.0"


class Cluster:
    """The file that stands for the cluster, and what was asked of it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.reset()

    def reset(self) -> None:
        revisions = {"nctool:1.9.3": 1, GOOD: 2, BAD: 3}
        self.write(
            {
                "context": WHERE["context"],
                "uid": "d1",
                "generation": 3,
                "image": BAD,
                "revisions": revisions,
                "paused": False,
                "ready": 2,
                "ready_after": 2,
                "undone": 0,
                "faults": {},
                "calls": [],
            }
        )

    def write(self, state: dict[str, Any]) -> None:
        self.file.write_text(json.dumps(state))

    def set(self, **over: Any) -> None:
        self.write({**self.state, **over})

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.file.read_text())
        return found

    @property
    def said(self) -> list[str]:
        """The commands without where they go."""
        found = (call for call in self.state["calls"])
        return [" ".join(word for word in call if not word.startswith(("--context", "--names"))) for call in found]


def fake_kubectl(directory: Path) -> Path:
    """The fake as a program of this very Python without its packages: many are started."""
    program = directory / "kubectl"
    program.write_text(f"#!{sys.executable} -IS\n{Path(__file__).with_name('fake_kubectl.py').read_text()}")
    program.chmod(0o700)
    return program


@pytest.fixture
def on(flag: Flag, now: datetime) -> Flag:
    """On for 25 % of production."""
    switch_on(KEY, 25, now=now)
    return flag


@pytest.fixture
def both(on: Flag, now: datetime) -> None:
    registry.define(
        OTHER, name="Reconciliation", description="", bucketing=Bucketing.JS31, actor=OLGA, reason="tests", now=now
    )
    switch_on(OTHER, 50, now=now)


@pytest.fixture
def cluster(on: Flag, tmp_path: Path, settings: Settings, now: datetime) -> Cluster:
    """Production runs 2.0.0; 1.9.4 was there before it."""
    found = Cluster(tmp_path / "kubeconfig")
    settings.KUBECTL = str(fake_kubectl(tmp_path))
    settings.KUBECONFIG, settings.KUBECONFIGS = "", {"PRODUCTION": str(found.file)}
    applications.define("production", WHERE, actor=OLGA, reason="tests", now=now)
    return found


def switch_on(key: str, percentage: int, *, now: datetime) -> None:
    wanted = StateChange(enabled=True, percentage=percentage)
    rollout.change(key, "production", wanted, actor=OLGA, reason="tests", now=now)


Ask = Callable[..., Rollback]


@pytest.fixture
def ask(on: Flag, now: datetime) -> Ask:
    """Olga asks; by default for the feature."""

    def _ask(component: str = "feature", **over: Any) -> Rollback:
        named = {"flag": KEY} if component == "feature" else {}
        told: dict[str, Any] = {"reason": "errors", "actor": OLGA, "now": now, **named, **over}
        return requesting.request("production", component, **told)

    return _ask


def confirm(row: Rollback, by: Actor = ANNA, *, now: datetime, **over: Any) -> Rollback:
    """By somebody who has just looked."""
    row.refresh_from_db()
    return deciding.confirm(row.public_id, **{"digest": row.digest, "actor": by, "now": now, **over})


def all_pass(checks: validation.Checks) -> dict[Check, Result]:
    return {check: Result(True, "fine") for check in checks}


def told(kind: str) -> int:
    return events.recent().filter(kind=kind).count()
