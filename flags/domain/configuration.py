"""What evaluation needs to know of one environment, as plain data: read from the tables, kept on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from core.actors import Actor, ActorKind
from flags.domain.bucketing import Bucketing

Mark = tuple[int, str]  # version and time of the last change: two configurations differ when their marks do


@dataclass(frozen=True, slots=True)
class FlagConfig:
    """One flag as its state says. `state_id` and `allow_version` tell whether a held allow-list is still right."""

    key: str
    bucketing: Bucketing = Bucketing.JS31
    salt: str = ""
    enabled: bool = False
    percentage: Decimal = Decimal(0)
    allowed: frozenset[str] = frozenset()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    state_id: int = 0
    allow_version: int = 0


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
    """All flags and live tokens of one environment at one version of its configuration."""

    environment: str
    version: int
    changed_at: str = ""
    flags: tuple[FlagConfig, ...] = ()
    tokens: tuple[TokenConfig, ...] = ()

    @property
    def mark(self) -> Mark:
        return self.version, self.changed_at
