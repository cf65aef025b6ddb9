"""What evaluation needs to know of one environment, as plain data: read from the tables, kept on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from core.actors import Actor, ActorKind
from flags.domain.bucketing import Bucketing
from flags.domain.values import BOOLEAN, ValueType

Mark = tuple[int, str]  # version and time of the last change: two configurations differ when their marks do


@dataclass(frozen=True, slots=True)
class FlagConfig:
    """One flag as its state says. It is never changed: another state is another object.

    `salt` is what is hashed: the flag's group where it has one. `targeting` is as `flags.domain.targeting` checked
    it. The numbers tell whether what is held of the flag is still right: `allow_version` and `deny_version` for the
    lists, `version` and `flag_version` for the rest.
    """

    key: str
    bucketing: Bucketing = Bucketing.JS31
    salt: str = ""
    enabled: bool = False
    percentage: Decimal = Decimal(0)
    allowed: frozenset[str] = frozenset()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    state_id: int = 0
    allow_version: int = 0
    denied: frozenset[str] = frozenset()
    deny_version: int = 0
    value_type: ValueType = ValueType.BOOLEAN
    variants: Mapping[str, Any] = field(default_factory=lambda: BOOLEAN)
    targeting: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0
    flag_version: int = 0


@dataclass(frozen=True, slots=True)
class SegmentConfig:
    """A segment as `flags.domain.targeting` checked it. `row` and `version` tell it from any other."""

    key: str
    conditions: tuple[Mapping[str, Any], ...] = ()
    row: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True)
class TokenConfig:
    """A live token: the digest of its text, what it opens, and where."""

    digest: str
    name: str
    environment: str
    scopes: frozenset[str]

    @property
    def actor(self) -> Actor:
        return Actor(self.name, ActorKind.TOKEN)


@dataclass(frozen=True, slots=True)
class EnvironmentConfig:
    """All flags, segments and live tokens of one environment at one version of its configuration."""

    environment: str
    version: int
    changed_at: str = ""
    flags: tuple[FlagConfig, ...] = ()
    tokens: tuple[TokenConfig, ...] = ()
    segments: tuple[SegmentConfig, ...] = ()

    @property
    def mark(self) -> Mark:
        return self.version, self.changed_at
