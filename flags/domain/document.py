"""The snapshot document: all that a client library needs to decide by itself, as JSON.

Format 1 (docs/clients.md). It is rendered flag by flag, so that no other thread waits for the whole.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson

from flags.domain.configuration import EnvironmentConfig, FlagConfig

FORMAT = 1
_LONG = 1_000  # npubs; sorting 100,000 takes 40 ms, so a long list is rendered again only when it changed


def etag(config: EnvironmentConfig) -> str:
    """`"<environment>-<version>-<digest>"`: known without rendering. The digest tells a restored database's version 42
    from the 42 that was there before."""
    mark = sha256(f"{FORMAT}:{config.changed_at}".encode()).hexdigest()[:8]
    return f'"{config.environment}-{config.version}-{mark}"'


def version_of(tag: str) -> int | None:
    """The configuration version in an ETag of ours, with or without quotes; None when it is none of ours."""
    found = tag.strip().removeprefix("W/").strip('"').rsplit("-", 2)
    return int(found[1]) if len(found) == 3 and found[1].isascii() and found[1].isdigit() else None


def document(config: EnvironmentConfig) -> bytes:
    """The document of one environment. Equal configurations give equal bytes, in every process."""
    head = {
        "format": FORMAT,
        "environment": config.environment,
        "version": config.version,
        "changedAt": config.changed_at,
        "segments": {},
    }
    flags = b",".join(map(_flag, config.flags))
    return b'%b,"flags":[%b]}' % (orjson.dumps(head)[:-1], flags)


def _flag(flag: FlagConfig) -> bytes:
    told: dict[str, Any] = {
        "key": flag.key,
        "type": "boolean",
        "enabled": flag.enabled,
        "bucketing": flag.bucketing,
        "salt": flag.salt,
        "percentage": _number(flag.percentage),
        "variants": {"on": True, "off": False},
        "serve": "on",
        "off": "off",
        "prerequisites": [],
        "rules": [],
        "parameters": dict(flag.parameters),
    }
    return b'%b,"allow":%b,"deny":[]}' % (orjson.dumps(told)[:-1], _npubs(flag.allowed))


def _npubs(npubs: frozenset[str]) -> bytes:
    return _long(npubs) if len(npubs) > _LONG else orjson.dumps(sorted(npubs))


@lru_cache(maxsize=16)
def _long(npubs: frozenset[str]) -> bytes:
    return orjson.dumps(sorted(npubs))


def _number(value: Decimal) -> int | float:
    return int(value) if value % 1 == 0 else float(value)
