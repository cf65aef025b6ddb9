"""What an evaluation answers, and why."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from types import MappingProxyType
from typing import Any, NamedTuple

DISABLED, STATIC, SPLIT, TARGETING_MATCH = "DISABLED", "STATIC", "SPLIT", "TARGETING_MATCH"
ERROR = "ERROR"
NO_KEY = "no-key"


class Outcome:
    """One of the few answers a flag can give. It is made once per snapshot and counts how often it was given.

    `on` is None where the caller's default holds. `name` is the rule that decided, or the prerequisite that was not
    met. `bucketed`: the unit's bucket decided. `tick` counts: `next` of an `itertools.count` is atomic, `+=` is not.
    """

    __slots__ = (
        *("_taken", "bucketed", "has_value", "kind", "name", "on", "percentage", "reason", "rule", "tick"),
        *("value", "variant"),
    )

    def __init__(
        self,
        kind: str,
        variant: str,
        value: Any,
        reason: str,
        rule: str,
        percentage: float,
        *,
        on: bool,
        name: str = "",
        bucketed: bool = False,
    ) -> None:
        self.kind, self.variant, self.value, self.reason, self.rule = kind, variant, value, reason, rule
        self.percentage, self.name, self.bucketed = percentage, name, bucketed
        self.has_value = rule not in (NO_KEY, "disabled")
        self.on = on if self.has_value else None
        self.tick = count(1).__next__
        self._taken = 0

    def take_count(self) -> int:
        """How often this was answered since the last call. One thread at a time."""
        reached = self.tick()
        fresh = reached - 1 - self._taken
        self._taken = reached
        return fresh


class Decision(NamedTuple):
    """An answer with its reason. `value` is the caller's default where the flag has none to give.

    `name` is the targeting rule that decided, or the prerequisite that was not met. `percentage` is the one that
    decided: the rule's, or the flag's. `bucket` is None where it was not asked for. `error_code` is OpenFeature's,
    empty for a good answer. Do not change the parameters: they are shared.
    """

    flag: str
    value: Any
    environment: str = ""
    version: int = 0
    parameters: Mapping[str, Any] = MappingProxyType({})
    variant: str = ""
    reason: str = ERROR
    rule: str = ""
    name: str = ""
    percentage: float | None = None
    bucket: int | None = None
    error_code: str = ""
    error: str = ""
