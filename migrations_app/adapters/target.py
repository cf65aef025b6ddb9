"""The database of an environment, for migrations: who writes there, and how what goes wrong is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pymongo
from django.conf import settings
from pymongo.database import Database
from pymongo.errors import BulkWriteError, ConnectionFailure, InvalidURI, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from core.errors import Conflict
from migrations_app.adapters.mongo import Unreachable
from migrations_app.domain.images import CODEC

# ms: until a server is found; until it answers, which an index over millions takes long to. One that is dead is found
# out by the heartbeat of the driver long before.
SELECTION, SOCKET = 3_000, 6 * 3_600_000
ANSWER = 3.0  # seconds in which it must show that it is there
PATIENCE = 30.0  # seconds for one question to the database
AGAIN = (43, 237, 11601)  # CursorNotFound after a long pause, CursorKilled, Interrupted: somebody killed the question


@dataclass(frozen=True, slots=True)
class Target:
    """`name` tells the database apart without telling its credentials: hosts and the name of the database."""

    environment: str
    name: str
    database: Database[dict[str, Any]]


def connect(environment: str) -> Target:
    """The database of an environment. Nothing is asked of it yet. Conflict where none is set up."""
    client, name, hosts = _client(address(environment), os.getpid())
    return Target(environment, f"{hosts}/{name}", client[name])


def is_set_up(environment: str) -> bool:
    return bool(_url(environment))


def address(environment: str) -> str:
    """The URL with its credentials, for a program that needs them. Never shown. Conflict where none is set up."""
    url = _url(environment)
    if not url:
        variable = f"NCTOOL_MONGODB_URL_{_suffix(environment)}"
        raise Conflict(f"No database of nctool is set up for {environment}: set {variable}.")
    return url


@contextmanager
def told(seconds: float = PATIENCE) -> Iterator[None]:
    """Questions to a target, all of them in so many seconds. Unreachable for what the driver raises, in few words."""
    try:
        with pymongo.timeout(seconds):
            yield
    except PyMongoError as error:
        raise Unreachable(words(error)) from error


def need_answer(target: Target) -> None:
    """Raises Unreachable soon where it would be waited for in vain."""
    with told(ANSWER):
        target.database.command("ping")


def asks_cheaply_for_the_time(database: Database[dict[str, Any]]) -> bool:
    """A filter by the server's clock costs it nothing beside one by `_id`. SecantusDB reads the whole collection."""
    return "secantusVersion" not in database.client.admin.command("buildInfo")


def words(error: PyMongoError) -> str:
    """What the driver says, without its topology."""
    return str(error).partition(" (configured")[0].partition(", full error")[0].partition(", Timeout:")[0][:300]


def is_passing(error: PyMongoError) -> bool:
    """The server is away, another one becomes primary, or the question was killed: the same may be tried again."""
    if isinstance(error, ConnectionFailure) or error.timeout or error.has_error_label("RetryableWriteError"):
        return True
    if isinstance(error, BulkWriteError):
        return not (error.details or {}).get("writeErrors")
    return isinstance(error, OperationFailure) and error.code in AGAIN


def _url(environment: str) -> str:
    own: str = settings.NCTOOL_MONGODBS.get(_suffix(environment), "")
    if own or environment != settings.NCTOOL_MONGODB_ENVIRONMENT:
        return own
    found: str = settings.NCTOOL_MONGODB
    return found


def _suffix(environment: str) -> str:
    return environment.upper().replace("-", "_")


@lru_cache(maxsize=16)
def _client(url: str, _process: int) -> tuple[pymongo.MongoClient[dict[str, Any]], str, str]:
    """One client a database and process: a client does not survive a fork."""
    try:
        parts = parse_uri(url)
    except (InvalidURI, PyMongoError) as error:
        raise Conflict(f"NCTOOL_MONGODB_URL cannot be read: {error}") from error
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
        url,
        w="majority",
        retryWrites=True,
        appname="nctool-rollout-migrations",
        serverSelectionTimeoutMS=SELECTION,
        connectTimeoutMS=10_000,
        socketTimeoutMS=SOCKET,
        tz_aware=True,
        datetime_conversion=CODEC.datetime_conversion,
    )
    hosts = ",".join(f"{host}:{port}" for host, port in parts["nodelist"]) or str(parts.get("fqdn"))
    return client, parts["database"] or settings.NCTOOL_MONGODB_NAME, hosts
