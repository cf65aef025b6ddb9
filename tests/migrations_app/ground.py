"""nctool's databases of production and staging, and runs over them as people and workers make them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pymongo
import pytest
from django.utils import timezone
from pytest_django import Settings

from core.actors import Actor, ActorKind
from flags.models import Flag
from migrations_app import selectors
from migrations_app.models import MigrationRun
from migrations_app.services import migrator, planning, readiness, requesting
from tests.migrations_app.engine import token, wallets

OPERATOR, APPROVER = Actor("operator", ActorKind.PERSON), Actor("approver", ActorKind.PERSON)
TOKENS = 60
CHANGES = TOKENS + 12  # every fifth of them was melted


@dataclass
class Ground:
    """By environment. Operators ask and approvers approve, unless it is told otherwise."""

    databases: dict[str, Any]

    def waive(self, environment: str) -> None:
        """Let pass what a young server without a backup cannot have."""
        wanted = planning.wanted(environment, "002")
        look = readiness.look(environment, wanted.loaded.migration, wanted.phases, now=timezone.now())
        for check in look.blocking:
            readiness.waive(environment, check.name, "tests", 4, APPROVER, timezone.now())

    def ask(self, environment: str = "staging", *, actor: Actor = OPERATOR, **more: Any) -> MigrationRun:
        self.waive(environment)
        wanted = planning.wanted(environment, "002", **more)
        return requesting.request(wanted, reason="week 2", actor=actor, now=timezone.now())

    def approve(self, row: MigrationRun) -> None:
        requesting.approve(row.uid, digest=row.digest, actor=APPROVER, now=timezone.now())

    def work(self, row: MigrationRun | None = None) -> MigrationRun | None:
        """Workers have done what there is to do."""
        while migrator.run_next(worker="w1", clock=timezone.now):
            pass
        return row and selectors.get(row.uid)

    def completed(self, environment: str = "staging", **more: Any) -> MigrationRun:
        done = self.work(self.ask(environment, **more))
        assert done is not None
        return done


@pytest.fixture
def ground(flag: Flag, mongodb_url: str, mongodb_name: str, settings: Settings) -> Iterator[Ground]:
    """Twenty wallets and sixty tokens of the old version in each of the two."""
    place, name = mongodb_url.rpartition("/")[0], mongodb_name
    keys = ("production", "staging")
    settings.NCTOOL_MONGODBS = {key.upper(): f"{place}/{name}_{key}" for key in keys}
    with pymongo.MongoClient(mongodb_url, tz_aware=True, w="majority") as client:
        found = {key: client[f"{name}_{key}"] for key in keys}
        for database in found.values():
            database.cashuwallets.insert_many(wallets())
            database.cashutokens.insert_many([token(number) for number in range(TOKENS)])
        yield Ground(found)
