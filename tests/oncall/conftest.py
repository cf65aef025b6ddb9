"""Two people on call in turns, and a chain that calls them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from core import events
from core.actors import Actor, ActorKind
from core.models import User
from oncall.models import Chain, Escalation, Schedule
from oncall.services import chaining, escalating, planning

ANNA = Actor("anna", ActorKind.PERSON)
WEEKLY = {
    "name": "First line",
    "zone": "Europe/Berlin",
    "layers": [{"name": "Weekly", "people": ["ada", "bob"], "starts": "2025-08-04T09:00", "turn": "1w"}],
}
MAJOR = {
    "name": "Major",
    "steps": [
        {"notify": {"schedule": "first-line"}},
        {"wait": 15},
        {"notify": {"people": ["carl"]}},
        {"notify": {"audience": "management"}, "fromLevel": 3},
        {"wait": 15},
        {"repeat": 1},
    ],
}


@pytest.fixture
def team(db: None) -> None:
    for name in ("ada", "bob", "carl"):
        User.objects.create_user(name, email=f"{name}@example.org")


@pytest.fixture
def first_line(team: None, now: datetime) -> Schedule:
    """In the week of `now` it is bob's turn until 18 August 09:00 in Berlin."""
    return planning.define("first-line", WEEKLY, actor=ANNA, reason="tests", now=now)


@pytest.fixture
def major(first_line: Schedule, now: datetime) -> Chain:
    return chaining.define("major", MAJOR, actor=ANNA, reason="tests", now=now)


Start = Callable[..., Escalation]


@pytest.fixture
def start(major: Chain, now: datetime) -> Start:
    def _start(subject: str = "incident:12", **over: Any) -> Escalation:
        told = {"chain": "major", "title": "Melts fail", "level": 2, "actor": ANNA, "now": now, **over}
        return escalating.start(subject, **told)

    return _start


def told(kind: str) -> list[dict[str, Any]]:
    """The data of all events of a kind, oldest first."""
    return [event.data for event in events.recent().filter(kind=kind).order_by("id")]


def called() -> list[str]:
    """Whom the notifications so far were for, one text for each."""
    return [" ".join(data["to"]) or data["audience"] or "nobody" for data in told("escalation.notified")]
