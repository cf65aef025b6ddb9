from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pymongo
import pytest


@pytest.fixture
def empty(mongodb_url: str) -> Iterator[Any]:
    """A database of nctool's with nothing in it."""
    with pymongo.MongoClient(mongodb_url, tz_aware=True, w="majority") as client:
        name = f"migration_{uuid.uuid4().hex[:12]}"
        yield client[name]
        client.drop_database(name)
