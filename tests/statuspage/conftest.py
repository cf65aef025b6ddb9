"""A page with three components, and how it is told of trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from core.actors import Actor, ActorKind
from statuspage.models import Component, Maintenance, PublicUpdate
from statuspage.services import components, maintenance, publishing
from statuspage.views.door import documents
from tests.statuspage.visiting import Still

OLGA = Actor("olga", ActorKind.PERSON)
TOLD = {"actor": OLGA, "reason": "tests"}
COMPONENTS = (
    {"key": "melt", "name": "Melt operations", "group": "Payments", "translations": {"de": {"name": "Auszahlungen"}}},
    {"key": "wallets", "name": "Wallets", "group": "Payments", "description": "Balances and history."},
    {"key": "api", "name": "API"},
)

Publish = Callable[..., PublicUpdate]
Planned = Callable[..., Maintenance]


@pytest.fixture(autouse=True)
def nobody_watches_on() -> Iterator[None]:
    """The page of this process looks at the database of one test, and not of the next."""
    yield
    documents().keeper.stop()


@pytest.fixture
def page(db: None, now: datetime) -> None:
    """Three components that are operational since `now`."""
    components.define_page({"title": "nctool", "address": "https://status.example.org"}, **TOLD, now=now)
    for position, row in enumerate(COMPONENTS):
        values = {"position": position, **{field: value for field, value in row.items() if field != "key"}}
        components.define(str(row["key"]), values, **TOLD, now=now)


@pytest.fixture
def publish(page: None, now: datetime) -> Publish:
    """Publish an update of the incident `incident:12`, each under a key of its own."""
    keys = count(1)

    def _publish(state: str = "investigating", states: dict[str, str] | None = None, **over: Any) -> PublicUpdate:
        told: dict[str, Any] = {
            "reference": "incident:12",
            "key": f"update:{next(keys)}",
            "title": "Payments fail",
            "impact": "major",
            "state": state,
            "components": states or {},
            "text": f"We are {state}.",
            "actor": OLGA,
            "now": now,
            **over,
        }
        return publishing.publish(told.pop("reference"), **told)

    return _publish


@pytest.fixture
def keeper(page: None, tmp_path: Path, now: datetime) -> Still:
    found = Still(tmp_path / "status-page.json", clock=lambda: now)
    found.refresh()
    return found


def wanted(**over: Any) -> maintenance.Plan:
    """The evening of the day of the tests, in Berlin."""
    told: dict[str, Any] = {
        "titles": {"en": "Database work"},
        "texts": {"en": "Payments wait for a minute."},
        "components": ["melt"],
        "zone": "Europe/Berlin",
        "starts_at": "2025-08-11T22:00",
        "ends_at": "2025-08-11T23:00",
        **over,
    }
    return maintenance.Plan(**told)


@pytest.fixture
def planned(page: None, now: datetime) -> Planned:
    return lambda **over: maintenance.plan(wanted(**over), actor=OLGA, now=now)


def state_of(key: str) -> str:
    return Component.objects.get(key=key).state


@contextmanager
def database_away() -> Iterator[None]:
    """Every query fails as it does when the server is gone."""

    def gone(*_: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(gone):
        yield
