from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo
import pytest
from django.db import connections
from django.test import Client
from pytest_django import Settings

from core.models import User
from nctool_rollout.roles import Role
from tests.chromium import group_of
from tests.migrations_app.engine import token as old_token
from tests.migrations_app.engine import wallets
from tests.migrations_app.ground import ground  # noqa: F401


@contextmanager
def connected(url: str, name: str = "nctool") -> Iterator[Any]:
    """The admin's second database is this one. It has no test database: nothing of ours is written there."""
    connection = connections["nctool"]
    options: dict[str, Any] = connection.settings_dict["OPTIONS"]
    with pymongo.MongoClient(url, **options) as client:
        connection.connection, connection.database = client, client[name]
        try:
            yield client[name]
        finally:
            connection.connection = None
            del connection.database


@pytest.fixture
def nctool(mongodb_url: str, mongodb_name: str) -> Iterator[Any]:
    """An empty nctool database behind the admin."""
    with connected(mongodb_url, mongodb_name) as database:
        yield database


@pytest.fixture
def token(nctool: Any) -> dict[str, Any]:
    """One token of the atomic path, with a field that our model does not know."""
    document = {
        "npub": "npub1ada" + "q" * 55,
        "mint_url": "https://mint.example",
        "status": "spent",
        "transaction_type": "melted",
        "amount": 1234,
        "metadata": {"atomic_operation": True, "nested": {"why": "<b>because</b>"}},
        "proofs": [1, 2],
        "created_at": datetime(2025, 8, 11, 9, 0, tzinfo=UTC),
    }
    nctool.cashutokens.insert_one(document)
    return document


@pytest.fixture
def many(nctool: Any) -> list[dict[str, Any]]:
    """60 tokens of the old version, without metadata: 40 unspent, 20 spent."""
    start = datetime(2025, 8, 1, tzinfo=UTC)
    documents = [
        {
            "npub": f"npub1bob{number:055d}",
            "mint_url": "https://mint.example",
            "status": "spent" if number < 20 else "unspent",
            "transaction_type": "received",
            "amount": number,
            "created_at": start + timedelta(minutes=number),
        }
        for number in range(60)
    ]
    nctool.cashutokens.insert_many(documents)
    return documents


@pytest.fixture
def signed_in(db: None) -> Callable[[Role | None], Client]:
    """A browser of somebody with this role, or with none."""

    def sign_in(role: Role | None) -> Client:
        user = User.objects.create_user("somebody", password="a long password", is_staff=True)
        if role is not None:
            user.groups.add(group_of(role))
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


@pytest.fixture
def client(signed_in: Callable[[Role | None], Client]) -> Client:
    return signed_in(Role.VIEWER)


@pytest.fixture
def staging(mongodb_url: str, empty: Any, settings: Settings) -> Any:
    """nctool's database of staging: twenty wallets, sixty tokens of the old version."""
    settings.NCTOOL_MONGODBS = {"STAGING": f"{mongodb_url.rpartition('/')[0]}/{empty.name}"}
    empty.cashuwallets.insert_many(wallets())
    empty.cashutokens.insert_many([old_token(number) for number in range(60)])
    return empty


@pytest.fixture
def clock(now: datetime) -> Callable[[], datetime]:
    ticks = iter(range(1_000_000))
    return lambda: now + timedelta(seconds=next(ticks))
