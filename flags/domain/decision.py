"""The answer to "what does this flag say for this unit", with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple


class Reason(StrEnum):
    """OFREP's reasons, those of them that we give."""

    STATIC = "STATIC"
    TARGETING_MATCH = "TARGETING_MATCH"
    SPLIT = "SPLIT"
    DISABLED = "DISABLED"


class Rule(StrEnum):
    """What decided; they are asked in this order."""

    DISABLED = "disabled"
    PREREQUISITE = "prerequisite"
    DENY_LIST = "deny-list"
    ALLOW_LIST = "allow-list"
    RULE = "rule"
    PERCENTAGE = "percentage"
    NO_KEY = "no-key"


class Decision(NamedTuple):
    """`value` is what to do, `variant` its name.

    `rule` NO_KEY: a hash of the unit decides and there was none, so the value is the off variant's, and a door that
    can tell an error tells it. `name` is the targeting rule that decided, or the prerequisite that was not met.
    `percentage` is the one that decided: the rule's, or the flag's. `bucket` is None where it was not asked for,
    `buckets` is how many there are.
    """

    key: str
    value: Any
    variant: str
    rule: Rule
    reason: Reason
    percentage: int | float
    buckets: int
    parameters: Mapping[str, Any]
    name: str
    bucket: int | None = None

    @property
    def has_value(self) -> bool:
        """Whether the caller shall take the value; otherwise the default in its own code holds."""
        return self.rule is not Rule.DISABLED and self.rule is not Rule.NO_KEY

    @property
    def why(self) -> str:
        """One sentence for support staff."""
        if self.rule in _WHY:
            return _WHY[self.rule].format(self)
        if self.rule is Rule.RULE:
            return f"Rule {self.name!r} holds: {self._share('everybody it fits', 'nobody it fits')}"
        told = self._share("everybody", "nobody beyond its allow-list")
        return told[0].upper() + told[1:]

    def _share(self, everybody: str, nobody: str) -> str:
        if self.bucket is None:
            return f"the flag is on for {everybody if self.percentage else nobody}."
        position = 100 * self.bucket / self.buckets
        side = "within" if position < self.percentage else "beyond"
        return f"the npub stands at {position:g} %, {side} the first {self.percentage:g} %."


_WHY = {
    Rule.DISABLED: "The flag is disabled.",
    Rule.PREREQUISITE: "It needs the flag {0.name}, which does not answer as it must.",
    Rule.DENY_LIST: "The npub is on the deny-list.",
    Rule.ALLOW_LIST: "The npub is on the allow-list.",
    Rule.NO_KEY: "The flag is on for {0.percentage:g} % of all npubs or splits them, and no npub was given.",
}
