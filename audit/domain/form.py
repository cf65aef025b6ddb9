"""The canonical form of an event: the bytes its digest is made of. What was sealed is read by its form for ever.

A change of the form is a new version beside the old one, and each seal says which one it was made by.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from core.stored import StoredEvent

VERSION = 1
KNOWN = (1,)
_LONG = re.compile(r"\d{19}")  # a whole number that may not fit into 64 bits; orjson would round it


def content(event: StoredEvent) -> bytes:
    """SHA-256 of the event in form 1, 32 bytes.

    Form 1 is one JSON array without blanks in UTF-8, keys sorted: number, time (UTC, microseconds), kind, subject,
    environment (its number or null), actor, kind of actor, reason, before, after, data.
    """
    parts = [*event[:8], _value(event.before), _value(event.after), _value(event.data)]
    return sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).digest()


def _value(text: str) -> Any:
    """The JSON value. One that orjson cannot hold without loss is taken as its own sorted text."""
    if not _LONG.search(text):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # NaN, or half a surrogate pair: Python wrote it, so Python reads it
    return _text(text)


def _text(text: str) -> str:
    try:
        return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    except ValueError:  # no JSON at all: somebody wrote it past the product
        return text
