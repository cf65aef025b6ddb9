"""The answer to "is it on for this unit", with its reason."""

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
    """Which rule decided; they are asked in this order."""

    DISABLED = "disabled"
    ALLOW_LIST = "allow-list"
    PERCENTAGE = "percentage"
    NO_KEY = "no-key"


_REASONS = {
    Rule.DISABLED: Reason.DISABLED,
    Rule.ALLOW_LIST: Reason.TARGETING_MATCH,
    Rule.NO_KEY: Reason.SPLIT,
}


class Decision(NamedTuple):
    """`value` is what to do. `bucket` is None where it was not asked for, `buckets` is how many there are.

    `rule` NO_KEY: the flag splits by a salted hash and there was no unit to hash, so the value is False.
    """

    key: str
    value: bool
    rule: Rule
    percentage: int | float
    bucket: int | None
    buckets: int
    parameters: Mapping[str, Any]
    version: int

    @property
    def variant(self) -> str:
        return "on" if self.value else "off"

    @property
    def reason(self) -> Reason:
        if self.rule is Rule.PERCENTAGE:
            return Reason.STATIC if self.bucket is None else Reason.SPLIT
        return _REASONS[self.rule]

    @property
    def why(self) -> str:
        """One sentence for support staff."""
        if self.rule is Rule.DISABLED:
            return "The flag is disabled."
        if self.rule is Rule.ALLOW_LIST:
            return "The npub is on the allow-list."
        if self.rule is Rule.NO_KEY:
            return f"The flag is on for {self.percentage:g} % of all npubs, and no npub was given."
        if self.bucket is None:
            return f"The flag is on for {'everybody' if self.value else 'nobody beyond its allow-list'}."
        side = "within" if self.value else "beyond"
        position = 100 * self.bucket / self.buckets
        return f"The npub stands at {position:g} %, {side} the first {self.percentage:g} %."
