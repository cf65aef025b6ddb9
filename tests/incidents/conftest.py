"""Production, where incidents open by themselves; people; and events as the other apps tell them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from core import environments, events
from core.actors import GUARD, Actor, ActorKind
from flags.models import Flag
from incidents import selectors
from incidents.domain.levels import SEED
from incidents.domain.states import IncidentState, Level
from incidents.models import Incident
from incidents.services import following, opening, paging, policies, steering
from tests.conftest import KEY
from tests.monitoring.conftest import Traffic

OLGA = Actor("olga", ActorKind.PERSON)
ANNA = Actor("anna", ActorKind.PERSON)
WHERE = "production"


@pytest.fixture
def declare(flag: Flag, now: datetime) -> Callable[..., Incident]:
    """Olga declares; by default a minor one in production."""

    def _declare(level: int = 1, **over: Any) -> Incident:
        told: dict[str, Any] = {"actor": OLGA, "now": now, **over}
        return opening.declare(WHERE, told.pop("title", "Melts fail"), level, **told)

    return _declare


@pytest.fixture
def traffic(flag: Flag, now: datetime) -> Traffic:
    """nctool in production at ten melts a second, from `now` on."""
    return Traffic(now)


def happens(kind: str, subject: str, *, now: datetime, where: str = WHERE, by: Actor = GUARD, **data: Any) -> None:
    """An event as another app records it."""
    place = environments.get(where).pk
    events.record(kind, subject=subject, actor=by, now=now, environment_id=place, reason=f"{subject} did", data=data)


def alert(name: str, *, now: datetime, severity: str = "critical", **data: Any) -> None:
    happens("alert.firing", f"alert:{name}", now=now, severity=severity, rule=name, **data)


def fired(value: float, *, measure: str = "ratio", now: datetime) -> None:
    evidence = {"value": value, "measure": measure}
    happens("trigger.fired", "trigger:error-rate", now=now, flag=KEY, rollback_id="", evidence=evidence)


def follow(now: datetime) -> Incident | None:
    """One round of the follower; the incident that is open in production then."""
    following.follow(now=now)
    return selectors.gathering(environments.get(WHERE).pk)


def told(kind: str) -> list[dict[str, Any]]:
    """The data of each event of this kind, oldest first."""
    found = events.recent().filter(kind=f"incident.{kind}").order_by("id")
    return list(found.values_list("data", flat=True))


def kinds() -> list[str]:
    found = events.recent().filter(kind__startswith="incident.").order_by("id")
    return [kind.partition(".")[2] for kind in found.values_list("kind", flat=True)]


class Calls:
    """Notes who would be called."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str]] = []

    def start(self, *, subject: str, chain: str, **told: object) -> None:
        self.made.append(("start", chain))

    def acknowledge(self, *, subject: str, **told: object) -> None:
        self.made.append(("acknowledge", subject))

    def stop(self, *, subject: str, **told: object) -> None:
        self.made.append(("stop", subject))


@pytest.fixture(autouse=True)
def nobody_is_called() -> Iterator[None]:
    yield
    paging.use(None)


def chained(now: datetime) -> None:
    """Level 3 calls the operations."""
    values = {**SEED[Level.CRITICAL], "chain": "operations"}
    policies.define("level3", values, actor=OLGA, reason="tests", now=now)


def state(row: Incident, target: IncidentState, *, now: datetime, why: str = "") -> Incident:
    return steering.set_state(row.pk, target, reason=why, actor=OLGA, now=now)
