"""nctool's MongoDB beside the ORM: what the ORM cannot ask, and how long anything may take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymongo
from bson import ObjectId, json_util
from bson.codec_options import CodecOptions
from django.db import DatabaseError, connections, models
from pymongo.errors import PyMongoError

from migrations_app.adapters.router import ALIAS

ANSWER = 2.0  # seconds in which it must show that it is there
WORK = 6.0  # seconds for everything that a page asks


class Unreachable(Exception):
    """MongoDB gave no answer in time, or refused the question."""


@contextmanager
def limited(seconds: float = WORK) -> Iterator[None]:
    """Questions to MongoDB. Unreachable when it is not there, when they take more seconds, and on its errors.

    An error of the control plane's own database passes through as it is.
    """
    try:
        with pymongo.timeout(ANSWER):
            connections[ALIAS].database.command("ping")  # type: ignore[attr-defined]
        with pymongo.timeout(seconds):
            yield
    except PyMongoError as error:
        raise Unreachable(str(error)) from error
    except DatabaseError as error:
        if not isinstance(error.__cause__, PyMongoError):
            raise
        raise Unreachable(str(error.__cause__)) from error


def estimated_count(model: type[models.Model]) -> int:
    """About how many documents there are, from the collection's metadata: nothing is counted."""
    return int(_collection(model).estimated_document_count())


def document(model: type[models.Model], key: str) -> dict[str, Any] | None:
    """The document as it is stored, with fields that the model does not know; None for no or no valid key."""
    if not ObjectId.is_valid(key):
        return None
    with_zone = _collection(model).with_options(codec_options=CodecOptions(tz_aware=True))
    found = with_zone.find_one({"_id": ObjectId(key)})
    return None if found is None else dict(found)


def as_json(found: dict[str, Any]) -> str:
    """For a person to read; MongoDB's own types in its Extended JSON."""
    return json_util.dumps(found, json_options=json_util.RELAXED_JSON_OPTIONS, indent=2, ensure_ascii=False)


def _collection(model: type[models.Model]) -> Any:
    return connections[ALIAS].database[model._meta.db_table]  # type: ignore[attr-defined]
