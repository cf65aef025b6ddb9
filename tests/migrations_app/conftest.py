from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo
import pytest
from django.contrib.auth.models import Group
from django.db import connections
from django.test import Client

from core.models import User
from nctool_rollout.roles import Role, setup_roles
from tests.migrations_app.ground import ground  # noqa: F401


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """The admin's second database is this one. It has no test database: nothing of ours is written there."""
    connection = connections["nctool"]
    options: dict[str, Any] = connection.settings_dict["OPTIONS"]
    with pymongo.MongoClient(url, **options) as client:
        connection.connection, connection.database = client, client["pages"]
        try:
            yield client["pages"]
        finally:
            connection.connection = None
            del connection.database


@pytest.fixture
def nctool(mongodb_url: str) -> Iterator[Any]:
    """An empty nctool database behind the admin."""
    with connected(mongodb_url) as database:
        database.client.drop_database("pages")
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
        setup_roles()
        user = User.objects.create_user("somebody", password="a long password", is_staff=True)
        if role is not None:
            user.groups.add(Group.objects.get(name=role.value))
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


@pytest.fixture
def client(signed_in: Callable[[Role | None], Client]) -> Client:
    return signed_in(Role.VIEWER)
