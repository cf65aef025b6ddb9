"""The cast and the ground that most tests stand on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from typing import Any

import hypothesis
import pymongo
import pytest
from pytest_django import DjangoDbBlocker, Settings

from core import environments
from core.actors import Actor, ActorKind
from flags.adapters import bus
from flags.domain.bucketing import Bucketing
from flags.models import Flag
from flags.services import registry
from nctool_rollout.roles import setup_roles
from tests import servers
from tests.chromium import chromium, client_as, page_as, person, web  # noqa: F401
from tests.system.running import System

hypothesis.settings.register_profile("ours", deadline=None)  # speed is measured in benchmarks/
hypothesis.settings.load_profile("ours")

KEY = "atomicMeltOperations"
ENVIRONMENTS = ("development", "staging", "pre-production", "production")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The four roles are there from the start, until a test that commits has emptied all tables."""
    with django_db_blocker.unblock():
        setup_roles()


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


numbers = count(1)


@pytest.fixture
def mongodb_name() -> str:
    """The name of a database that is the test's own, and empty.

    Nothing is dropped between two tests: the stand-in for MongoDB does nothing more, for good, once a database is
    dropped beside an open transaction, and the last test's may be open still.
    """
    return f"{servers.OURS}{next(numbers)}"


@pytest.fixture
def empty(mongodb_url: str, mongodb_name: str) -> Iterator[Any]:
    """A database of nctool's with nothing in it."""
    with pymongo.MongoClient(mongodb_url, tz_aware=True, w="majority") as client:
        yield client[mongodb_name]


PASSWORD = re.compile(r"^ +(viewer|operator|approver|administrator) +(\S{12,})$", re.MULTILINE)


@pytest.fixture(scope="session")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> System:
    """Set up and never started, to be copied. Two set-ups at once, as a hasty person may do, make one system."""
    system = System(tmp_path_factory.mktemp("set-up"))
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda _: system.manage("setup"), range(2)))
    assert [done.returncode for done in both] == [0, 0], [done.stderr for done in both]
    shown = [dict(PASSWORD.findall(done.stdout)) for done in both]
    assert sorted(map(len, shown)) == [0, 4], [done.stdout for done in both]
    return system


@pytest.fixture(scope="module")
def prepared(set_up: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A whole system of the module's own, set up and not started."""
    system = set_up.copy(tmp_path_factory.mktemp("system"))
    yield system
    system.end()
