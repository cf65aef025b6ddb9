"""The snapshot document: all that a client library needs to decide by itself, as JSON.

Format 1 (docs/clients.md). It is rendered flag by flag, so that no other thread waits for the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from heapq import merge
from itertools import islice
from typing import Any

import orjson

from flags.domain.bucketing import Bucketing
from flags.domain.configuration import EnvironmentConfig, FlagConfig, SegmentConfig
from flags.domain.values import ValueType, off_by_default, served_by_default, typed

FORMAT = 1
_LONG = 1_000  # npubs; sorting 100,000 takes 40 ms, so a long list is rendered again only when it changed

Pieces = Mapping[str, tuple[FlagConfig, bytes]]


def etag(config: EnvironmentConfig) -> str:
    """`"<environment>-<version>-<digest>"`: known without rendering. The digest tells a restored database's version 42
    from the 42 that was there before."""
    mark = sha256(f"{FORMAT}:{config.changed_at}".encode()).hexdigest()[:8]
    return f'"{config.environment}-{config.version}-{mark}"'


def version_of(tag: str) -> int | None:
    """The configuration version in an ETag of ours, with or without quotes; None when it is none of ours."""
    found = tag.strip().removeprefix("W/").strip('"').rsplit("-", 2)
    return int(found[1]) if len(found) == 3 and found[1].isascii() and found[1].isdecimal() else None


def pieces(config: EnvironmentConfig, before: Pieces) -> Pieces:
    """Each flag in bytes. Those that are in `before` and did not change are taken from there."""
    return {flag.key: _kept(flag, before.get(flag.key)) for flag in config.flags}


def document(config: EnvironmentConfig, flags: Pieces) -> bytes:
    """The document of one environment. Equal configurations give equal bytes, in every process."""
    return b"".join(parts(config, flags))


def parts(config: EnvironmentConfig, flags: Pieces) -> Iterator[bytes]:
    """The same, piece by piece."""
    head = {
        "format": FORMAT,
        "environment": config.environment,
        "version": config.version,
        "changedAt": config.changed_at,
        "segments": {segment.key: segment.conditions for segment in config.segments},
    }
    yield orjson.dumps(head)[:-1] + b',"flags":['
    for number, (_, piece) in enumerate(flags.values()):
        if number:
            yield b","
        yield piece
    yield b"]}"


def read_document(data: Mapping[str, Any]) -> EnvironmentConfig:
    """The configuration that a document tells, without tokens. KeyError, TypeError or ValueError: it is none."""
    if data["format"] != FORMAT:
        raise ValueError(f"format {data['format']} is not {FORMAT}")
    segments = (SegmentConfig(key, tuple(conditions)) for key, conditions in data["segments"].items())
    return EnvironmentConfig(
        data["environment"],
        data["version"],
        data["changedAt"],
        tuple(_read_flag(told) for told in data["flags"]),
        segments=tuple(segments),
    )


def _read_flag(told: Mapping[str, Any]) -> FlagConfig:
    return FlagConfig(
        key=told["key"],
        bucketing=Bucketing(told["bucketing"]),
        salt=told["salt"],
        enabled=told["enabled"],
        percentage=Decimal(str(told["percentage"])),
        allowed=frozenset(told["allow"]),
        denied=frozenset(told["deny"]),
        parameters=told["parameters"],
        value_type=ValueType(told["type"]),
        variants=told["variants"],
        targeting={name: told[name] for name in ("prerequisites", "rules", "serve", "off")},
    )


def _kept(flag: FlagConfig, before: tuple[FlagConfig, bytes] | None) -> tuple[FlagConfig, bytes]:
    return before if before is not None and before[0] is flag else (flag, _flag(flag))


def _flag(flag: FlagConfig) -> bytes:
    targeting = flag.targeting
    variants = typed(flag.variants, flag.value_type)
    serve = targeting.get("serve") or served_by_default(variants)
    rules = [
        {
            "name": rule["name"],
            "when": rule["when"],
            "percentage": rule.get("percentage", 100),
            "serve": rule.get("serve") or serve,
        }
        for rule in targeting.get("rules", ())
    ]
    told: dict[str, Any] = {
        "key": flag.key,
        "type": flag.value_type,
        "enabled": flag.enabled,
        "bucketing": flag.bucketing,
        "salt": flag.salt,
        "percentage": _number(flag.percentage),
        "variants": dict(variants),
        "serve": serve,
        "off": targeting.get("off") or off_by_default(variants),
        "prerequisites": targeting.get("prerequisites", []),
        "rules": rules,
        "parameters": dict(flag.parameters),
    }
    return b'%b,"allow":%b,"deny":%b}' % (orjson.dumps(told)[:-1], _npubs(flag.allowed), _npubs(flag.denied))


def _npubs(npubs: frozenset[str]) -> bytes:
    return _long(npubs) if len(npubs) > _LONG else orjson.dumps(sorted(npubs))


@lru_cache(maxsize=16)
def _long(npubs: frozenset[str]) -> bytes:
    """Sorted and rendered by turns: all at once would keep every other thread of the process waiting."""
    left = iter(npubs)
    runs = [sorted(run) for run in iter(lambda: [*islice(left, _LONG)], [])]
    merged = merge(*runs)
    slices = iter(lambda: [*islice(merged, _LONG)], [])
    return b"[%b]" % b",".join(orjson.dumps(part)[1:-1] for part in slices)


def _number(value: Decimal) -> int | float:
    return int(value) if value % 1 == 0 else float(value)
