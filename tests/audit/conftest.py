"""Events, and chains of them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from audit.services import sealing
from core import environments, events
from core.actors import Actor
from core.models import Event

KEY = base64.b64encode(bytes(range(32))).decode()
Happens = Callable[..., Event]


@pytest.fixture
def key(settings: Settings) -> str:
    """Heads are signed."""
    settings.AUDIT_KEY = KEY
    return KEY


@pytest.fixture
def happens(operator_actor: Actor, now: datetime) -> Happens:
    """Records one change, `after` seconds after `now`."""

    def record(number: int = 0, *, where: str | None = "production", after: float = 0, kind: str = "flag.x") -> Event:
        place = environments.get(where).pk if where else None
        at = now + timedelta(seconds=after)
        values = {"before": {"share": number}, "after": {"share": number + 1}, "data": {"ramp": number / 7}}
        return events.record(
            kind, subject=f"flag:{number}", actor=operator_actor, now=at, environment_id=place, reason="why", **values
        )

    return record


@pytest.fixture
def sealed(all_environments: None, happens: Happens, now: datetime) -> list[Event]:
    """Twelve changes in production, three in staging and one of nowhere, all sealed."""
    found = [happens(number) for number in range(12)]
    found += [happens(number, where="staging") for number in range(3)]
    found += [happens(where=None)]
    seal_all(now)
    return found


def seal_all(now: datetime) -> int:
    total = 0
    while done := sealing.seal(now=now):
        total += done
    return total
