"""The cast and the ground that most tests stand on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from core import environments
from core.actors import Actor, ActorKind
from flags.adapters import bus
from flags.domain.bucketing import Bucketing
from flags.models import Flag
from flags.services import registry
from tests import servers
from tests.chromium import chromium, client_as, page_as, person, web  # noqa: F401

KEY = "atomicMeltOperations"
ENVIRONMENTS = ("development", "staging", "pre-production", "production")


@pytest.fixture
def now() -> datetime:
    return datetime(2025, 8, 11, 9, 0, tzinfo=UTC)


@pytest.fixture
def operator_actor() -> Actor:
    return Actor("olga", ActorKind.PERSON)


@pytest.fixture
def all_environments(db: None, operator_actor: Actor, now: datetime) -> None:
    """The seed's four; production is the protected one."""
    for position, key in enumerate(ENVIRONMENTS):
        values = {"name": key.title(), "position": position, "protected": key == "production"}
        environments.define(key, values, actor=operator_actor, reason="tests", now=now)


@pytest.fixture
def flag(all_environments: None, operator_actor: Actor, now: datetime) -> Flag:
    """The seed's first flag: disabled at 0 % everywhere, bucketed as the seed does."""
    return registry.define(
        KEY,
        name="Atomic melt operations",
        description="",
        bucketing=Bucketing.JS31,
        actor=operator_actor,
        reason="tests",
        now=now,
    )


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis that runs for the whole session."""
    with servers.redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def redis_bus(redis_url: str, settings: Settings) -> Iterator[str]:
    """The product uses the session's Redis for its news."""
    settings.REDIS = redis_url
    bus.client.cache_clear()
    yield redis_url
    bus.client.cache_clear()


@pytest.fixture(scope="session")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MongoDB that runs for the whole session."""
    with servers.mongodb_server(tmp_path_factory.mktemp("mongodb")) as url:
        yield url
